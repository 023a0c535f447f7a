"""What lib.distil promises: tokens alone, components as scikit-learn's, means by hand."""

import doctest

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from lib import distil
from lib.distil import StaticEncoder, principal_components, token_vectors
from lib.textencoder import Backbone
from lib.transformer import Decoder, DecoderSettings, Encoder, EncoderSettings


def letters(text: str) -> list[int]:
    return ["abc".index(letter) for letter in text]


@pytest.mark.parametrize("marks", [((0,), (1,)), ((), ())])
@pytest.mark.parametrize("layer", [0, 1, -1])
def test_every_token_is_read_alone(marks, layer):
    network = Encoder(EncoderSettings(9, 8, d=6, layers=2, heads=2, hidden=4)).eval()
    backbone = Backbone("toy", network, letters, 9, *marks)
    W = token_vectors(backbone, layer=layer, size=4)
    assert W.shape == (9, 6)
    before, after = marks
    with torch.no_grad():
        alone = network.layer(layer, torch.tensor([[*before, 7, *after]]))[0, len(before)]
    np.testing.assert_allclose(W[7], alone.numpy(), atol=1e-6)


def test_layer_0_of_a_decoder_is_its_own_table():
    network = Decoder(DecoderSettings(9, 8, d=6, layers=1, heads=1, kv_heads=1, hidden=4)).eval()
    W = token_vectors(Backbone("toy", network, letters, 9), layer=0)
    np.testing.assert_array_equal(W, network.words.weight.detach().numpy())


def test_components_are_scikit_learns_up_to_the_sign():
    W = np.random.default_rng(0).normal(size=(40, 6)) * np.arange(1, 7) + 3
    ours, theirs = principal_components(W, 3), PCA(3).fit_transform(W)
    assert ours.shape == (40, 3)
    np.testing.assert_allclose(np.abs(ours), np.abs(theirs), atol=1e-5)
    np.testing.assert_allclose(principal_components(-W, 3), -ours, atol=1e-5)
    for k in (0, 7):
        with pytest.raises(ValueError, match=f"k = {k}: 40 rows of 6 numbers"):
            principal_components(W, k)


def test_a_text_is_the_weighted_mean_of_its_tokens_brought_to_length_1():
    table = np.array([[3.0, 0.0], [0.0, 4.0], [1.0, 1.0]])
    encoder = StaticEncoder(table, letters, a=0.25)
    plain = encoder.encode(["ab", "ba", ""])
    np.testing.assert_allclose(plain, [[0.6, 0.8], [0.6, 0.8], [0, 0]], atol=1e-6)
    assert plain.dtype == np.float32
    # Shares 3/4 and 1/4, so weights 1/4 and 1/2: (0.75, 2) over its length.
    encoder.fit(["aab", "a"])
    x = np.array([0.75, 2.0])
    np.testing.assert_allclose(encoder.encode(["ab"])[0], x / np.linalg.norm(x), atol=1e-6)
    np.testing.assert_allclose(encoder.weights, [1 / 4, 1 / 2, 1])
    assert encoder.encode([]).shape == (0, 2)


def test_a_transformer_is_boiled_down_under_its_name():
    network = Encoder(EncoderSettings(9, 8, d=6, layers=1, heads=2, hidden=4)).eval()
    backbone = Backbone("toy", network, letters, 9, (0,), (1,))
    encoder = StaticEncoder.distil(backbone, 2)
    assert encoder.name == "toy-static"
    np.testing.assert_array_equal(encoder.table, principal_components(token_vectors(backbone), 2))
    assert encoder.encode(["abc"]).shape == (1, 2)


def test_what_cannot_be_is_refused():
    encoder = StaticEncoder(np.eye(3), letters)
    with pytest.raises(ValueError, match=r"a row for each token is needed, got \(3,\)"):
        StaticEncoder(np.ones(3), letters)
    with pytest.raises(ValueError, match="a must be positive"):
        StaticEncoder(np.eye(3), letters, a=0)
    with pytest.raises(ValueError, match="without a token"):
        encoder.fit(["", ""])
    with pytest.raises(TypeError, match="number 0 is None"):
        encoder.encode([None])
    with pytest.raises(TypeError, match=r"write \['abc'\]"):
        encoder.encode("abc")
    with pytest.raises(TypeError, match="a list of texts"):
        encoder.fit("abc")


def test_the_examples_are_true():
    failed, tried = doctest.testmod(distil)
    assert tried
    assert not failed
