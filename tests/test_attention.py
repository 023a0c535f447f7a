"""What lib.attention promises: cases by hand, PyTorch as the reference, and laws that must hold."""

import doctest
import math

import pytest
import torch
from torch.nn import functional as F

from lib import attention as attention_module
from lib.attention import (
    FUSED,
    WRITTEN_OUT,
    MultiHeadAttention,
    allowed_places,
    attention,
    attention_weights,
    causal_mask,
    fused_attention,
    gelu,
    layer_norm,
    positions_of,
    rms_norm,
    rotary,
    rotate,
    share,
    silu,
)


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# Who may look where ---------------------------------------------------------------------------


def test_with_a_causal_mask_a_token_sees_itself_and_what_stands_before():
    assert causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True] * 3]
    assert causal_mask(0).shape == (0, 0)


def test_padding_is_seen_by_nobody():
    real = torch.tensor([[True, True, False], [True, True, True]])
    seen = allowed_places(real, causal=False)
    assert seen.shape == (2, 1, 1, 3)
    assert seen[:, 0, 0].tolist() == real.tolist()
    assert allowed_places(real[1:], causal=False) is None


def test_a_causal_mask_needs_no_help_against_padding_behind_the_text():
    real = torch.tensor([[True, True, False], [True, True, True]])
    assert allowed_places(real, causal=True) is None


def test_before_the_text_padding_sees_itself_alone_and_is_seen_by_no_other():
    real = torch.tensor([[False, False, True, True], [True, True, True, True]])
    seen = allowed_places(real, causal=True)[:, 0].int().tolist()
    assert seen[0] == [[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 1, 1]]
    assert seen[1] == causal_mask(4).int().tolist()


def test_a_text_without_tokens_makes_no_row_without_a_place_to_look():
    real = torch.tensor([[False, False], [True, False]])
    assert allowed_places(real, causal=False)[:, 0, 0].tolist() == [[True, True], [True, False]]


def test_positions_count_tokens_not_padding():
    real = torch.tensor([[False, True, True], [True, True, False], [False] * 3])
    assert positions_of(real).tolist() == [[0, 0, 1], [0, 1, 1], [0, 0, 0]]


# The formula ----------------------------------------------------------------------------------


def test_weights_by_hand():
    # Scores 0 and 3 log 2, so e to the score is 1 and 8; the root of 1 number changes nothing.
    q, k = torch.tensor([[3.0]]), torch.tensor([[0.0], [math.log(2)]])
    assert attention_weights(q, k).tolist() == [pytest.approx([1 / 9, 8 / 9])]
    four = torch.tensor([[3.0, 0, 0, 0]]), torch.tensor([[0.0] * 4, [2 * math.log(2), 0, 0, 0]])
    assert attention_weights(*four).tolist() == [pytest.approx([1 / 9, 8 / 9])]  # 6 log 2 / 2


def test_what_may_not_be_seen_weighs_exactly_nothing():
    weights = attention_weights(drawn(5, 8), drawn(5, 8), causal_mask(5))
    assert (weights.triu(1) == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(5, dtype=torch.float64))
    assert weights[0].tolist() == [1, 0, 0, 0, 0]


def test_attention_knows_no_order():
    q, k, v = (drawn(1, 2, 6, 4, seed=s) for s in range(3))
    order = torch.tensor([3, 1, 5, 0, 2, 4])
    turned = attention(q[:, :, order], k[:, :, order], v[:, :, order])
    torch.testing.assert_close(turned, attention(q, k, v)[:, :, order])


@pytest.mark.parametrize("groups", [1, 2, 6])
@pytest.mark.parametrize("mask", ["none", "causal", "padding"])
def test_written_out_attention_is_pytorchs(groups, mask):
    q = drawn(3, 6, 5, 4)
    k, v = drawn(3, groups, 5, 4, seed=1), drawn(3, groups, 5, 4, seed=2)
    real = torch.tensor([[True] * 5, [False, True, True, True, True], [True] * 3 + [False] * 2])
    allowed = allowed_places(real, causal=True) if mask == "padding" else None
    theirs = F.scaled_dot_product_attention(
        q, k, v, attn_mask=allowed, is_causal=mask == "causal", enable_gqa=True
    )
    for ours in (attention, fused_attention):
        found = ours(q, k, v, allowed, mask == "causal")
        torch.testing.assert_close(found, theirs, rtol=1e-12, atol=1e-12)


def test_neighbouring_queries_share_a_key():
    x = torch.arange(2.0).reshape(1, 2, 1, 1)
    assert share(x, 6).flatten().tolist() == [0, 0, 0, 1, 1, 1]
    assert share(x, 2) is x


# Rotary positions -----------------------------------------------------------------------------


def test_angles_by_hand():
    cos, sin = rotary(torch.tensor([0, 2]), 4, base=10_000.0)
    assert torch.atan2(sin, cos)[1].tolist() == pytest.approx([2.0, 0.02])
    assert cos[0].tolist() == [1, 1]
    assert sin[0].tolist() == [0, 0]
    with pytest.raises(ValueError, match="3 is odd"):
        rotary(torch.tensor([0]), 3, 10.0)


def test_a_turn_keeps_lengths_and_turns_pairs_half_a_head_apart():
    x = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
    turn = (torch.tensor([0.0, 1.0]), torch.tensor([1.0, 0.0]))  # the first pair by 90 degrees
    assert rotate(x, turn).tolist() == [[0, 0, 1, 0], [0, 1, 0, 0]]
    y = drawn(7, 8)
    lengths = rotate(y, rotary(torch.arange(7), 8, 100.0)).norm(dim=1)
    torch.testing.assert_close(lengths, y.norm(dim=1), rtol=1e-6, atol=0)


def test_products_depend_on_the_distance_alone():
    q, k = drawn(1, 8), drawn(1, 8, seed=1)

    def product(m, n):
        ours = [rotate(x, rotary(torch.tensor([p]), 8, 50.0)) for x, p in ((q, m), (k, n))]
        return (ours[0] * ours[1]).sum().item()

    assert product(3, 5) == pytest.approx(product(10, 12), rel=1e-5)
    assert product(3, 5) != pytest.approx(product(3, 6), rel=1e-2)
    assert product(3, 5) != pytest.approx(product(5, 3), rel=1e-2)


def test_rotation_is_the_librarys():
    from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

    q, k = drawn(2, 3, 5, 8).float(), drawn(2, 3, 5, 8, seed=1).float()
    cos, sin = rotary(torch.arange(5)[None], 8, 100.0)
    theirs = apply_rotary_pos_emb(q, k, torch.cat([cos, cos], -1), torch.cat([sin, sin], -1))
    for mine, other in zip((q, k), theirs, strict=True):
        torch.testing.assert_close(rotate(mine, (cos[:, None], sin[:, None])), other)


# Small parts ----------------------------------------------------------------------------------


def test_norms_by_hand():
    x = torch.tensor([[1.0, 3.0, 5.0, 7.0]])  # mean 4, variance 5
    one, zero = torch.ones(4), torch.zeros(4)
    expected = [-3 / 5**0.5, -1 / 5**0.5, 1 / 5**0.5, 3 / 5**0.5]
    assert layer_norm(x, one, zero, 0.0)[0].tolist() == pytest.approx(expected)
    assert layer_norm(x, 2 * one, one, 0.0)[0, 0].item() == pytest.approx(1 - 6 / 5**0.5)
    assert layer_norm(x, one, zero, 4.0)[0].tolist() == pytest.approx([-1, -1 / 3, 1 / 3, 1])
    assert rms_norm(x, one, 0.0)[0].tolist() == pytest.approx([v / 21**0.5 for v in (1, 3, 5, 7)])
    assert rms_norm(x, 3 * one, 4.0)[0, 1].item() == pytest.approx(9 / 5)


def test_a_layer_norm_forgets_the_mean_and_an_rms_norm_does_not():
    x, one, zero = drawn(4, 16), torch.ones(16), torch.zeros(16)
    torch.testing.assert_close(layer_norm(x + 9, one, zero, 0.0), layer_norm(x, one, zero, 0.0))
    assert (rms_norm(x + 9, one, 0.0) - rms_norm(x, one, 0.0)).abs().max() > 0.5
    torch.testing.assert_close(rms_norm(5 * x, one, 0.0), rms_norm(x, one, 0.0))


def test_activations_are_pytorchs_and_small_numbers_come_out_by_hand():
    x = torch.linspace(-6, 6, 101, dtype=torch.float64)
    torch.testing.assert_close(gelu(x), F.gelu(x))
    torch.testing.assert_close(silu(x), F.silu(x))
    assert gelu(torch.tensor(1.0)).item() == pytest.approx(0.8413447)  # P(Z <= 1)
    assert silu(torch.tensor(2.0)).item() == pytest.approx(2 / (1 + math.exp(-2)))


@pytest.mark.parametrize("which", ["layer_norm", "rms_norm", "gelu", "silu"])
def test_fused_programs_compute_the_same_formulas(which):
    x, weight, bias = drawn(3, 8), drawn(8, seed=1), drawn(8, seed=2)
    arguments = {"layer_norm": (weight, bias, 0.1), "rms_norm": (weight, 0.1)}.get(which, ())
    found = [getattr(kernels, which)(x, *arguments) for kernels in (FUSED, WRITTEN_OUT)]
    torch.testing.assert_close(*found, rtol=1e-12, atol=1e-12)


# Many heads -----------------------------------------------------------------------------------


def copied(ours: MultiHeadAttention, d: int, heads: int) -> torch.nn.MultiheadAttention:
    theirs = torch.nn.MultiheadAttention(d, heads, batch_first=True, dtype=torch.float64)
    parts = [ours.queries, ours.keys, ours.values]
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([p.weight for p in parts]))
        theirs.in_proj_bias.copy_(torch.cat([p.bias for p in parts]))
        theirs.out_proj.weight.copy_(ours.output.weight)
        theirs.out_proj.bias.copy_(ours.output.bias)
    return theirs


@pytest.mark.parametrize("kernels", [WRITTEN_OUT, FUSED], ids=["written out", "fused"])
def test_many_heads_are_pytorchs(kernels):
    ours = MultiHeadAttention(12, 3, kernels=kernels).double()
    theirs = copied(ours, 12, 3)
    x = drawn(2, 5, 12)
    real = torch.tensor([[True] * 5, [True] * 3 + [False] * 2])
    out, weights = theirs(x, x, x, key_padding_mask=~real, average_attn_weights=False)
    allowed = allowed_places(real, causal=False)
    torch.testing.assert_close(ours(x, allowed)[real], out[real])
    torch.testing.assert_close(ours.weights(x, allowed), weights)


def test_fewer_keys_than_queries_need_fewer_weights():
    shared = MultiHeadAttention(12, 6, kv_heads=2, bias=False, causal=True)
    assert [p.shape[0] for p in (shared.keys.weight, shared.values.weight)] == [4, 4]
    assert shared(torch.zeros(1, 3, 12)).shape == (1, 3, 12)
    assert shared.weights(torch.zeros(1, 3, 12))[0, 5].tolist() == [
        pytest.approx(row) for row in ([1, 0, 0], [1 / 2, 1 / 2, 0], [1 / 3] * 3)
    ]


def test_a_causal_head_does_not_let_the_future_change_the_past():
    heads = MultiHeadAttention(8, 2, causal=True).double()
    x, y = drawn(1, 6, 8), drawn(1, 6, 8)
    y[0, 4:] = 9.0
    torch.testing.assert_close(heads(x)[:, :4], heads(y)[:, :4])
    assert (heads(x)[:, 4] - heads(y)[:, 4]).abs().max() > 1e-3


@pytest.mark.parametrize(("d", "heads", "groups"), [(10, 3, 3), (12, 6, 4)])
def test_heads_that_do_not_divide_are_refused(d, heads, groups):
    with pytest.raises(ValueError, match="the heads must divide the numbers"):
        MultiHeadAttention(d, heads, kv_heads=groups)


def test_the_examples_are_true():
    failed, tried = doctest.testmod(attention_module)
    assert tried
    assert not failed
