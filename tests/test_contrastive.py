"""What lib.contrastive promises: losses by hand, PyTorch as the reference, gradients."""

import doctest
import math

import pytest
import torch
from torch.nn import functional as F

from lib import contrastive as contrastive_module
from lib.contrastive import (
    alignment,
    cosines,
    dropout,
    hardest,
    pushes,
    ranking_loss,
    simcse_loss,
    supervised_simcse_loss,
    triplet_loss,
    uniformity,
)
from lib.transformer import Decoder, DecoderSettings, Encoder, EncoderSettings


def drawn(n, d, seed=0):
    return torch.randn(n, d, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# Losses ---------------------------------------------------------------------------------------


def test_the_ranking_loss_by_hand():
    e = torch.eye(2, dtype=torch.float64)
    right, wrong = ranking_loss(e, e, temperature=1.0), ranking_loss(e, e.flip(0), temperature=1.0)
    assert right.item() == pytest.approx(math.log(1 + math.exp(-1)))
    assert wrong.item() == pytest.approx(math.log(1 + math.exp(1)))
    cold = ranking_loss(e, e.flip(0), temperature=0.5)
    assert cold.item() == pytest.approx(math.log(1 + math.exp(2)))
    assert ranking_loss(e, torch.ones(2, 2).double()).item() == pytest.approx(math.log(2))


def test_the_ranking_loss_is_the_cross_entropy_of_scaled_cosines():
    q, a = drawn(6, 4), drawn(6, 4, seed=1)
    scores = 20 * F.cosine_similarity(q[:, None], a[None], dim=-1)
    expected = F.cross_entropy(scores, torch.arange(6))
    assert ranking_loss(q, a).item() == pytest.approx(expected.item(), rel=1e-12)
    back = F.cross_entropy(scores.T, torch.arange(6))
    both = ranking_loss(q, a, symmetric=True).item()
    assert both == pytest.approx((expected + back).item() / 2, rel=1e-12)
    assert abs(expected - back) > 0.01


def test_lengths_do_not_matter():
    q, a = drawn(5, 4), drawn(5, 4, seed=1)
    scale = torch.arange(1, 6, dtype=torch.float64)[:, None]
    assert ranking_loss(scale * q, a / scale).item() == pytest.approx(ranking_loss(q, a).item())


def test_hard_negatives_count_for_every_query():
    e = torch.eye(2, dtype=torch.float64)
    hard = torch.tensor([[1.0, 0.0]], dtype=torch.float64)
    # The first query sees its answer, the other one, and a hard one as good as its own.
    first, second = math.log(2 + math.exp(-1)), math.log(1 + 2 * math.exp(-1))
    found = ranking_loss(e, e, hard=hard, temperature=1.0)
    assert found.item() == pytest.approx((first + second) / 2)


def test_a_text_that_stands_twice_is_no_negative_of_itself():
    q = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    same = torch.tensor([[True, True, False], [True, True, False], [False, False, True]])
    found = ranking_loss(q, q, temperature=1.0, same=same)
    row, last = math.log(1 + math.exp(-1)), math.log(1 + 2 * math.exp(-1))
    assert found.item() == pytest.approx((2 * row + last) / 3)
    assert found < ranking_loss(q, q, temperature=1.0)


def test_pairs_that_are_none_are_refused():
    with pytest.raises(ValueError, match=r"queries \(2, 3\) and answers \(3, 3\) are no pairs"):
        ranking_loss(drawn(2, 3), drawn(3, 3))
    with pytest.raises(ValueError, match=r"temperature = 0\.0"):
        ranking_loss(drawn(2, 3), drawn(2, 3), temperature=0.0)
    with pytest.raises(ValueError, match="2 premises and 3 contradictions"):
        supervised_simcse_loss(drawn(2, 3), drawn(2, 3), drawn(3, 3))
    with pytest.raises(ValueError, match="without a pair"):
        ranking_loss(drawn(0, 3), drawn(0, 3))
    with pytest.raises(ValueError, match=r"same is \(2,\), and scores are \(2, 2\)"):
        ranking_loss(drawn(2, 3), drawn(2, 3), same=torch.tensor([True, False]))
    with pytest.raises(ValueError, match=r"\(2, 3\), \(1, 3\), \(2, 3\) are no triplets"):
        triplet_loss(drawn(2, 3), drawn(1, 3), drawn(2, 3))
    with pytest.raises(ValueError, match="1 pairs have no wrong answers"):
        pushes(drawn(1, 3), drawn(1, 3), 0.1)
    with pytest.raises(ValueError, match=r"temperature = -1\.0"):
        pushes(drawn(2, 3), drawn(2, 3), -1.0)


def test_a_pair_alone_teaches_nothing():
    q = drawn(1, 3).requires_grad_()
    loss = ranking_loss(q, drawn(1, 3, seed=1))
    loss.backward()
    assert loss.item() == 0
    assert q.grad.abs().max() == 0


def test_doubles_are_left_out_of_both_halves_of_the_symmetric_loss():
    q, a = drawn(4, 3), drawn(4, 3, seed=1)
    same = torch.eye(4, dtype=torch.bool)
    same[0, 2] = True
    scores = cosines(q, a) / 0.5
    scores[0, 2] = float("-inf")
    right = torch.arange(4)
    expected = (F.cross_entropy(scores, right) + F.cross_entropy(scores.t(), right)) / 2
    found = ranking_loss(q, a, temperature=0.5, symmetric=True, same=same)
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)


def test_simcse_by_its_equations():
    q, a, c = drawn(4, 3), drawn(4, 3, seed=1), drawn(4, 3, seed=2)
    t = 0.05

    def e(x, y):
        return math.exp(F.cosine_similarity(x, y, dim=0).item() / t)

    four, five = [], []
    for i in range(4):
        positive = e(q[i], a[i])
        all_positive = sum(e(q[i], a[j]) for j in range(4))
        all_negative = sum(e(q[i], c[j]) for j in range(4))
        four.append(-math.log(positive / all_positive))
        five.append(-math.log(positive / (all_positive + all_negative)))
    assert simcse_loss(q, a).item() == pytest.approx(sum(four) / 4)
    assert supervised_simcse_loss(q, a, c).item() == pytest.approx(sum(five) / 4)


def test_the_triplet_loss_is_pytorchs_and_stops_where_it_is_far_enough():
    a, r, w = drawn(5, 3), drawn(5, 3, seed=1), drawn(5, 3, seed=2)
    theirs = F.triplet_margin_loss(a, r, w, margin=0.7, eps=0.0)
    assert triplet_loss(a, r, w, margin=0.7).item() == pytest.approx(theirs.item())
    far = torch.full((1, 3), 100.0, dtype=torch.float64)
    assert triplet_loss(a[:1], r[:1], far).item() == 0


# What the temperature does --------------------------------------------------------------------


def test_pushes_are_the_gradients_of_the_loss():
    q, a = drawn(5, 4), drawn(5, 4, seed=1)
    for t in (0.05, 1.0):
        scores = cosines(q, a).requires_grad_()
        F.cross_entropy(scores / t, torch.arange(5)).backward()
        wrong = scores.grad.masked_fill(torch.eye(5, dtype=torch.bool), 0)
        shares = wrong / wrong.sum(dim=1, keepdim=True)
        torch.testing.assert_close(pushes(q, a, t), shares, rtol=1e-6, atol=1e-9)


def test_a_low_temperature_pushes_the_nearest_and_a_high_one_all_alike():
    q, a = drawn(6, 4), drawn(6, 4, seed=1)
    cold, hot = pushes(q, a, 0.001), pushes(q, a, 1_000.0)
    wrong = cosines(q, a).masked_fill(torch.eye(6, dtype=torch.bool), -2)
    assert (cold.argmax(1) == wrong.argmax(1)).all()
    assert cold.amax(1).min() > 0.9
    assert hot.amax(1).max() < 0.201


def test_hardest_are_the_most_similar_wrong_ones():
    scores = torch.tensor([[0.9, 0.2, 0.5, 0.4], [0.1, 0.8, 0.7, 0.3]])
    right = torch.tensor([[True, False, False, False], [False, True, True, False]])
    assert hardest(scores, right, 2).tolist() == [[2, 3], [3, 0]]
    with pytest.raises(ValueError, match="3 wrong answers are asked for, and one query has 2"):
        hardest(scores, right, 3)


# Where it leads -------------------------------------------------------------------------------


def test_alignment_and_uniformity_by_hand():
    e = torch.eye(3, dtype=torch.float64)
    assert alignment(e, 5 * e).item() == pytest.approx(0, abs=1e-12)
    assert alignment(e, -e).item() == pytest.approx(4)
    assert alignment(e, -e, alpha=1).item() == pytest.approx(2)
    assert uniformity(7 * e).item() == pytest.approx(-4)
    assert uniformity(e, t=1).item() == pytest.approx(-2)
    assert uniformity(torch.ones(4, 2)).item() == pytest.approx(0, abs=1e-6)
    two = torch.tensor([[1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    assert uniformity(two).item() == pytest.approx(math.log((1 + 2 * math.exp(-8)) / 3))
    with pytest.raises(ValueError, match="1 rows make no pair"):
        uniformity(e[:1])


# Reading a text twice -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "network",
    [
        Encoder(EncoderSettings(20, 9, d=12, layers=2, heads=3, hidden=8)),
        Decoder(DecoderSettings(20, 9, d=12, layers=2, heads=3, kv_heads=1, hidden=8)),
    ],
    ids=["encoder", "decoder"],
)
def test_two_readings_differ_inside_the_block_and_only_there(network):
    ids = torch.tensor([[1, 2, 3]])
    generator = torch.Generator().manual_seed(0)
    plain = network(ids)
    with dropout(network, 0.1, generator):
        first, second = network(ids), network(ids)
    assert (first - second).abs().max() > 1e-3
    assert torch.equal(network(ids), plain)
    with dropout(network, 0.0, generator):
        torch.testing.assert_close(network(ids), plain)
    again = torch.Generator().manual_seed(0)
    with dropout(network, 0.1, again):
        assert torch.equal(network(ids), first)
    with pytest.raises(ZeroDivisionError), dropout(network, 0.1, generator):
        raise ZeroDivisionError
    assert torch.equal(network(ids), plain)
    with pytest.raises(ValueError, match="p = 1"), dropout(network, 1, generator):
        pass


def test_what_is_kept_is_scaled_up():
    network = Encoder(EncoderSettings(20, 9, d=12, layers=1, heads=3, hidden=8))
    block = network.blocks[0]
    x = torch.randn(1, 400, 12, generator=torch.Generator().manual_seed(1))
    plain = block.network(x)
    with dropout(network, 0.25, torch.Generator().manual_seed(0)):
        seen = block.network(x)
    dropped = seen == 0
    assert dropped.float().mean().item() == pytest.approx(0.25, abs=0.02)
    torch.testing.assert_close(seen[~dropped], plain[~dropped] / 0.75)


def test_a_step_down_the_gradient_separates_pairs():
    x = drawn(8, 4).requires_grad_()
    y = drawn(8, 4, seed=1)
    before = ranking_loss(x, y)
    before.backward()
    with torch.no_grad():
        assert ranking_loss(x - 0.05 * x.grad, y) < before


def test_the_examples_are_true():
    failed, tried = doctest.testmod(contrastive_module)
    assert tried
    assert not failed
