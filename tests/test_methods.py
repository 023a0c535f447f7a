"""What lib.methods promises: every method makes rows of texts, under the name it is called by."""

import doctest

import numpy as np
import pytest
from scipy.sparse import issparse
from sklearn.decomposition import TruncatedSVD

from lib import methods
from lib.counts import Tfidf
from lib.data import load
from lib.encoders import TfidfEncoder
from lib.evaluate import cosine_matrix
from lib.methods import MAKERS, ElmoEncoder, LsaEncoder, make
from lib.plot import METHODS

TEXTS = ["The cat sat on the mat.", "Shares fell sharply on Monday.", "A dog lay down."]


QUICK = [name for name in MAKERS if name != "minilm-static"]


@pytest.mark.parametrize("name", [*QUICK, pytest.param("minilm-static", marks=pytest.mark.slow)])
def test_every_method_turns_texts_into_rows(name):
    encoder = make(name)
    assert encoder.name == name
    assert encoder.fit(TEXTS) is encoder
    X = encoder.encode(TEXTS[::-1])
    assert X.shape[0] == 3
    dense = X.toarray() if issparse(X) else X
    assert np.isfinite(dense).all()
    assert (np.abs(dense).sum(axis=1) > 0).all()
    if not issparse(X):
        assert X.dtype == np.float32
    again = encoder.encode(TEXTS)
    again = again.toarray() if issparse(again) else again
    np.testing.assert_allclose(again, dense[::-1], atol=1e-5)


# LSA ------------------------------------------------------------------------------------------


def test_lsa_is_that_of_scikit_learn():
    texts = load("lee-background").texts[:60]
    ours = LsaEncoder(10).fit(texts).encode(texts[:20])
    T = Tfidf().fit_transform(texts)
    theirs = TruncatedSVD(10, algorithm="arpack", random_state=0).fit(T).transform(T[:20])
    np.testing.assert_allclose(ours @ ours.T, theirs @ theirs.T, atol=1e-5)
    assert ours.shape == (20, 10)
    assert ours.dtype == np.float32


def test_words_that_never_met_are_alike_if_they_met_the_same_words():
    background = ["cats purr", "cats meow", "shares fell", "shares rose"]
    lsa = cosine_matrix(LsaEncoder(2).fit(background).encode(["purr", "meow", "rose"]))
    plain = cosine_matrix(TfidfEncoder().fit(background).encode(["purr", "meow", "rose"]))
    assert plain[0, 1] == 0
    assert lsa[0, 1] > 0.99
    assert abs(lsa[0, 2]) < 0.01


def test_lsa_knows_only_the_background_and_takes_what_directions_there_are():
    encoder = LsaEncoder(100).fit(["the cat sat", "the dog"])
    assert encoder.encode(["zebras"]).tolist() == [[0, 0]]
    with pytest.raises(RuntimeError, match="lsa has no directions yet"):
        LsaEncoder().encode(["cat"])
    with pytest.raises(ValueError, match="d = 0"):
        LsaEncoder(0)
    with pytest.raises(TypeError, match="a list of texts"):
        encoder.encode("cat")


# ELMo -----------------------------------------------------------------------------------------


def test_elmo_is_the_mean_of_words_and_layers():
    encoder = ElmoEncoder()
    (layers,) = encoder.model.layers([["the", "cat", "sat"]])
    states = layers.of_words()  # (3, 3, 2 d)
    np.testing.assert_allclose(
        encoder.encode(["The cat, 3, sat."])[0], states.mean(axis=(0, 1)), atol=1e-6
    )
    for layer in (0, 2):
        one = ElmoEncoder(encoder.model, layer)
        np.testing.assert_allclose(
            one.encode(["the cat sat"])[0], states[layer].mean(axis=0), atol=1e-6
        )
        assert one.name == f"elmo-{layer}"
    with pytest.raises(ValueError, match="layer 3: the model has the layers 0 to 2"):
        ElmoEncoder(encoder.model, 3)


def test_elmo_gives_zero_for_no_words_and_the_same_in_any_company():
    encoder = ElmoEncoder()
    texts = ["a cat", "", "12!", "the dog and the cat sat on the mat"]
    X = encoder.encode(texts)
    assert not X[1:3].any()
    single = np.concatenate([encoder.encode([text]) for text in texts])
    np.testing.assert_allclose(X, single, atol=1e-5)
    assert encoder.encode([]).shape == (0, X.shape[1])
    with pytest.raises(TypeError, match="a list of texts"):
        encoder.encode("cat")


# Names ----------------------------------------------------------------------------------------


def test_every_method_has_a_colour():
    assert {name.partition("-")[0] for name in MAKERS if name != "one-hot"} <= METHODS.keys()
    assert "one-hot" in METHODS


def test_an_unknown_method_is_named():
    with pytest.raises(KeyError, match="no method is called 'bert'; there are one-hot"):
        make("bert")


def test_the_examples_are_true():
    failed, tried = doctest.testmod(methods)
    assert tried
    assert not failed
