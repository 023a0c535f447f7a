"""What lib.sif promises: the weights and the direction by hand, scikit-learn as the reference."""

import doctest

import numpy as np
import pytest
from sklearn.decomposition import TruncatedSVD

from lib import sif as sif_module
from lib.data import load
from lib.encoders import MeanWordVectors
from lib.evaluate import cosine_matrix, spearman, upper_triangle
from lib.sif import SifWordVectors, common_direction, sif_weights, token_frequencies, without
from lib.vectors import Vectors

SMALL = Vectors(["the", "cat", "dog"], [[1, 1], [4, 0], [0, 3]], "toy-2")


def test_frequencies_are_shares_of_tokens():
    assert token_frequencies([[0, 0, 2], [], [2]], 4).tolist() == [0.5, 0, 0.5, 0]
    with pytest.raises(ValueError, match="without a token there are no frequencies"):
        token_frequencies([[], []], 4)


def test_a_word_as_frequent_as_a_weighs_one_half():
    assert sif_weights(np.array([0.0, 0.01, 0.03]), 0.01).tolist() == pytest.approx(
        [1, 1 / 2, 1 / 4]
    )
    assert sif_weights(np.array([0.001])).tolist() == [0.5]
    for a in (0.0, -1.0):
        with pytest.raises(ValueError, match="a must be positive"):
            sif_weights(np.array([0.1]), a)
        with pytest.raises(ValueError, match="a must be positive"):
            SifWordVectors(SMALL, a)


def test_the_common_direction_is_the_first_singular_vector():
    X = np.random.default_rng(0).normal(size=(30, 5)) + np.array([2, 0, 0, 1, 0])
    theirs = TruncatedSVD(1, algorithm="arpack", random_state=0).fit(X).components_[0]
    ours = common_direction(X)
    np.testing.assert_allclose(ours, theirs * np.sign(theirs.sum()), atol=1e-8)
    np.testing.assert_allclose(common_direction(-X), ours, atol=1e-8)  # the sign is fixed
    assert np.linalg.norm(ours) == pytest.approx(1)
    with pytest.raises(ValueError, match="no direction in common"):
        common_direction(np.zeros((3, 2)))


def test_nothing_is_left_along_the_direction():
    X = np.random.default_rng(0).normal(size=(6, 4))
    u = common_direction(X)
    rest = without(X, u)
    np.testing.assert_allclose(rest @ u, 0, atol=1e-6)
    np.testing.assert_allclose(rest + np.outer(X @ u, u), X, atol=1e-6)
    assert rest.dtype == np.float32


def test_word_vectors_by_hand():
    encoder = SifWordVectors(SMALL, a=0.25, remove=False).fit(["the cat the", "other"])
    # p: the 1/2, cat 1/4, dog 0; so weights 1/3, 1/2 and 1.
    X = encoder.encode(["the cat zebra", "dog dog the", "zebra"])
    expected = [
        [(1 / 3 + 2) / (5 / 6), (1 / 3) / (5 / 6)],
        [(1 / 3) / (7 / 3), (6 + 1 / 3) / (7 / 3)],
        [0, 0],
    ]
    np.testing.assert_allclose(X, expected, rtol=1e-6)
    assert X.dtype == np.float32
    assert encoder.encode([]).shape == (0, 2)
    assert (encoder.name, SifWordVectors(SMALL, name="x").name) == ("toy-sif", "x")


def test_the_direction_comes_from_the_background_alone():
    encoder = SifWordVectors(SMALL, a=1.0).fit(["cat", "cat cat"])
    np.testing.assert_allclose(encoder.encode(["cat", "dog"]), [[0, 0], [0, 3]], atol=1e-6)
    alone = encoder.encode(["the dog"])
    np.testing.assert_array_equal(encoder.encode(["cat", "the dog"])[1:], alone)


def test_what_was_not_fitted_or_is_no_list_is_refused():
    with pytest.raises(RuntimeError, match="toy-sif has no frequencies yet"):
        SifWordVectors(SMALL).encode(["cat"])
    with pytest.raises(TypeError, match="a list of texts"):
        SifWordVectors(SMALL).fit("cat")
    with pytest.raises(TypeError, match=r"write \['cat'\]"):
        SifWordVectors(SMALL).fit(["cat"]).encode("cat")
    with pytest.raises(TypeError, match="number 1 is None"):
        SifWordVectors(SMALL).fit(["cat", None])


def test_a_background_without_words_is_refused_and_leaves_nothing_half_fitted():
    for remove in (True, False):
        encoder = SifWordVectors(SMALL, remove=remove).fit(["cat"])
        with pytest.raises(ValueError, match="without a word there are no frequencies"):
            encoder.fit(["", "..."])
        with pytest.raises(RuntimeError, match="no frequencies yet"):
            encoder.encode(["cat"])
    encoder = SifWordVectors(SMALL).fit(["cat"])
    with pytest.raises(ValueError, match="no direction in common"):
        encoder.fit(["zebras"])  # words, but none with a vector
    with pytest.raises(RuntimeError, match="no frequencies yet"):
        encoder.encode(["cat"])


def test_a_second_fit_forgets_the_first():
    twice = SifWordVectors(SMALL).fit(["cat dog", "the"]).fit(["dog", "the dog"])
    once = SifWordVectors(SMALL).fit(["dog", "the dog"])
    texts = ["the cat", "dog the"]
    np.testing.assert_array_equal(twice.encode(texts), once.encode(texts))


def test_the_direction_is_that_of_the_largest_sum_of_squares_not_of_the_largest_variance():
    X = np.array([[10.0, 1.0], [10.0, -1.0], [10.0, 1.0], [10.0, -1.0]])
    np.testing.assert_allclose(common_direction(X), [1, 0], atol=1e-9)


def test_on_lee50_weights_and_direction_help_the_mean():
    lee, background = load("lee50"), load("lee-background").texts
    human = upper_triangle(lee.human)

    def score(encoder):
        X = encoder.fit(background).encode(lee.texts)
        return spearman(human, upper_triangle(cosine_matrix(X)))

    glove = Vectors.of(load("glove-6b-50d"))
    plain = score(MeanWordVectors(glove))
    weighed = score(SifWordVectors(glove, remove=False))
    assert plain < weighed < score(SifWordVectors(glove))


def test_the_examples_are_true():
    failed, tried = doctest.testmod(sif_module)
    assert tried
    assert not failed
