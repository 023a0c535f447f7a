"""Eight bits: whole numbers by hand, maps that stay close, and vectors of the real model."""

import doctest

import numpy as np
import pytest
import torch
from torch import nn

from lib import eightbit
from lib.data import load
from lib.eightbit import EightBitLinear, eight_bits, row_steps, whole_numbers
from lib.textencoder import Backbone, TextEncoder, minilm
from lib.transformer import Decoder, DecoderSettings, Encoder, EncoderSettings

pytestmark = pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")


def linear(m=6, d=8, seed=0):
    torch.manual_seed(seed)
    return nn.Linear(d, m).requires_grad_(False)


def toy(kind=Encoder):
    torch.manual_seed(0)
    if kind is Encoder:
        network = Encoder(EncoderSettings(22, 64, d=12, layers=2, heads=3, hidden=8))
    else:
        network = Decoder(DecoderSettings(22, 64, d=12, layers=2, heads=3, kv_heads=1, hidden=8))
    return Backbone(
        "toy", network.eval().requires_grad_(False), lambda t: [2 + ord(c) % 20 for c in t], 22
    )


# Weights --------------------------------------------------------------------------------------


def test_the_largest_number_of_each_row_is_127_steps():
    W = torch.randn(5, 9, generator=torch.Generator().manual_seed(1))
    whole = whole_numbers(W, row_steps(W))
    assert whole.dtype == torch.int8
    assert whole.abs().amax(dim=1).tolist() == [127] * 5


def test_no_weight_moves_by_more_than_half_a_step():
    W = torch.randn(5, 9, generator=torch.Generator().manual_seed(1))
    steps = row_steps(W)
    moved = (whole_numbers(W, steps) * steps[:, None] - W).abs()
    assert bool((moved <= steps[:, None] / 2 + 1e-7).all())


def test_a_small_row_beside_a_large_one_keeps_its_digits():
    W = torch.tensor([[1000.0, -500.0], [0.001, -0.0005]])
    whole = whole_numbers(W, row_steps(W))
    assert whole[0].tolist() == whole[1].tolist() == [127, -64]


# Maps -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_token", [True, False])
def test_a_map_is_nearly_that_in_single_precision(by_token):
    given = linear(64, 48)
    x = torch.randn(3, 7, 48, generator=torch.Generator().manual_seed(2))
    expected, found = given(x), EightBitLinear(given, by_token=by_token)(x)
    assert found.shape == expected.shape
    assert float((found - expected).norm() / expected.norm()) < 0.03


@pytest.mark.parametrize("by_token", [True, False])
def test_whole_numbers_are_multiplied_exactly(by_token):
    given = nn.Linear(2, 2)
    given.weight.data = torch.tensor([[127.0, 3.0], [-127.0, 5.0]])
    given.bias.data = torch.tensor([0.5, -2.0])
    found = EightBitLinear(given.requires_grad_(False), by_token=by_token)
    # From -63 to 64 are 127 steps of 1, and the one largest number is 64.
    x = torch.tensor([[64.0, -63.0]])
    expected = torch.tensor([[127 * 64 - 3 * 63 + 0.5, -127 * 64 - 5 * 63 - 2.0]])
    torch.testing.assert_close(found(x), expected, rtol=1e-5, atol=0)


def test_a_token_with_a_large_number_spares_the_others_where_each_has_a_step():
    given = linear(64, 48)
    x = torch.randn(2, 48, generator=torch.Generator().manual_seed(2))
    x[1] *= 1_000
    expected = given(x)[0]
    apart, shared = (EightBitLinear(given, by_token=by)(x)[0] for by in (True, False))
    assert float((apart - expected).norm() / expected.norm()) < 0.03
    assert float((shared - expected).norm() / expected.norm()) > 0.3


def test_a_token_of_zeros_gives_the_bias():
    given = linear()
    for by_token in (True, False):
        found = EightBitLinear(given, by_token=by_token)(torch.zeros(1, 2, 8))
        torch.testing.assert_close(found, given.bias.expand(1, 2, 6))


def test_a_map_without_bias_and_a_slice_of_a_table_are_fine():
    torch.manual_seed(0)
    given = nn.Linear(8, 6, bias=False).requires_grad_(False)
    x = torch.randn(4, 16)[:, ::2]
    found = EightBitLinear(given)(x)
    assert float((found - given(x)).norm() / given(x).norm()) < 0.05


def test_the_input_is_left_as_it_is():
    x = torch.randn(3, 8, generator=torch.Generator().manual_seed(0))
    before = x.clone()
    EightBitLinear(linear())(x)
    assert torch.equal(x, before)


def test_without_a_program_for_it_one_is_told(monkeypatch):
    monkeypatch.setattr(eightbit, "ENGINES", ("none",))
    with pytest.raises(RuntimeError, match="no products of eight bits"):
        EightBitLinear(linear())


def test_packing_leaves_the_chosen_program_alone():
    before = torch.backends.quantized.engine
    EightBitLinear(linear())
    assert torch.backends.quantized.engine == before


# Models ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Encoder, Decoder])
def test_all_maps_of_all_blocks_are_in_eight_bits_and_the_given_model_stays(kind):
    given = toy(kind)
    mark = given.fingerprint
    found = eight_bits(given)
    maps = [m for m in given.network.blocks.modules() if isinstance(m, nn.Linear)]
    small = [m for m in found.network.blocks.modules() if isinstance(m, EightBitLinear)]
    assert len(small) == len(maps) > 0
    assert not any(isinstance(m, nn.Linear) for m in found.network.blocks.modules())
    assert given.fingerprint == mark


def test_a_token_has_a_step_in_the_network_and_not_in_attention():
    for block in eight_bits(toy()).network.blocks:
        assert block.network.up.by_token and block.network.down.by_token
        assert not block.attention.queries.by_token and not block.attention.output.by_token


def test_a_cache_tells_the_two_models_apart():
    given = toy()
    found = eight_bits(given)
    assert found.name == "toy-int8"
    assert found.fingerprint != given.fingerprint
    assert found.fingerprint == eight_bits(given).fingerprint


def test_the_real_model_in_eight_bits_gives_nearly_its_vectors():
    texts = load("lee50").texts[:12]
    backbone = minilm()
    exact = TextEncoder(backbone).encode(texts)
    found = TextEncoder(eight_bits(backbone)).encode(texts)
    cosines = (exact * found).sum(axis=1)
    assert cosines.min() > 0.99
    assert not np.allclose(exact, found, atol=1e-4)  # eight bits were in fact used
    between = np.abs(found @ found.T - exact @ exact.T)
    assert between.max() < 0.05


def test_the_examples_are_true():
    assert doctest.testmod(eightbit).failed == 0
