"""What lib.forward promises: the page's few lines give the states of lib.transformer."""

import doctest
import math

import numpy as np
import pytest
import torch
from transformer_reference import hundred_sentences

from lib import attention as fast
from lib import forward
from lib.bytelevel import ByteLevelBPE
from lib.forward import attend, decoder_states, encoder_states, softmax, turned
from lib.pretrained import decoder_weights, encoder_weights
from lib.transformer import Decoder, DecoderSettings, Encoder
from lib.wordpiece import WordPiece


def test_small_parts_by_hand():
    np.testing.assert_allclose(softmax(np.log([[1.0, 3.0]])), [[1 / 4, 3 / 4]])
    np.testing.assert_allclose(softmax(np.array([[-1e9, -1e9]])), [[1 / 2, 1 / 2]])
    x = np.array([[1.0, 7.0]])
    np.testing.assert_allclose(forward.layer_norm(x, np.ones(2), np.zeros(2), 0.0), [[-1, 1]])
    np.testing.assert_allclose(forward.rms_norm(x, np.ones(2), 0.0), [[1 / 5, 7 / 5]])
    np.testing.assert_allclose(forward.gelu(np.array([1.0])), [0.8413447])
    np.testing.assert_allclose(forward.silu(np.array([1.0])), [1 / (1 + math.exp(-1))])
    q = np.array([[3.0]])
    k, v = np.array([[0.0], [math.log(2)]]), np.array([[9.0], [0.0]])
    np.testing.assert_allclose(attend(q, k, v), [[1.0]])  # weights 1/9 and 8/9


def test_turns_are_those_of_lib_attention():
    x = np.random.default_rng(0).normal(size=(7, 8))
    expected = fast.rotate(torch.from_numpy(x), fast.rotary(torch.arange(7), 8, 50.0))
    np.testing.assert_allclose(turned(x, 50.0), expected.numpy(), atol=1e-6)
    np.testing.assert_array_equal(turned(x, 50.0)[0], x[0])


def test_the_encoder_of_the_page_is_the_encoder():
    settings, W = encoder_weights()
    W64 = {name: table.astype(np.float64) for name, table in W.items()}
    model = Encoder(settings).eval()
    model.load_state_dict({name: torch.from_numpy(table) for name, table in W.items()})
    model = model.double().requires_grad_(False)
    pieces = WordPiece.load()
    for text in hundred_sentences(60)[::20]:
        ids = pieces.ids(text)
        expected = model.states(torch.tensor([ids]))[:, 0].numpy()
        found = encoder_states(W64, ids)
        assert found.shape == (7, len(ids), 384)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
        single = encoder_states(W, ids)
        assert single.dtype == np.float32
        np.testing.assert_allclose(single, expected, rtol=0, atol=1e-4)


def test_the_decoder_of_the_page_is_the_decoder():
    settings, W = decoder_weights()
    layers = 3
    kept = {
        name: table.astype(np.float64)
        for name, table in W.items()
        if not name.startswith("blocks.") or int(name.split(".")[1]) < layers
    }
    model = Decoder(DecoderSettings(**(vars(settings) | {"layers": layers}))).double()
    model.load_state_dict({name: torch.from_numpy(table) for name, table in kept.items()})
    model.requires_grad_(False)
    ids = ByteLevelBPE.load().ids("Shares fell sharply on Monday, and nobody knew why.")
    expected = model.states(torch.tensor([ids]))[:, 0].numpy()
    found = decoder_states(kept, ids)
    assert found.shape == (4, len(ids), 576)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)
    gap = np.linalg.norm(found - expected, axis=2) / np.linalg.norm(expected, axis=2)
    assert gap.max() < 1e-6  # angles are in single precision, by two libraries


@pytest.mark.parametrize("heads", [1, 3])
def test_the_number_of_heads_matters(heads):
    _, W = encoder_weights()
    ids = [101, 4937, 2938, 102]
    gap = np.abs(encoder_states(W, ids, heads=heads) - encoder_states(W, ids))
    assert gap[0].max() == 0
    assert gap[1:].max() > 0.01


def test_the_examples_are_true():
    failed, tried = doctest.testmod(forward)
    assert tried
    assert not failed
