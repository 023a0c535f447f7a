"""What lib.tuning promises: the loss falls, frozen is frozen, the same steps again, usable."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lib import lora
from lib.contrastive import dropout, ranking_loss
from lib.lora import adapters
from lib.textencoder import Backbone, TextEncoder
from lib.transformer import Encoder, EncoderSettings
from lib.tuning import TextPairs, Tuner, Tuning, last_layers, low_rank

WORDS = ["ash", "oak", "elm", "fir", "yew", "box", "bay", "fig"]
PAIRS = TextPairs([f"{w} q" for w in WORDS], [f"{w[::-1]} {w[1]} d" for w in WORDS])
SETTINGS = Tuning(epochs=10, batch=4, rate=3e-3, warmup=2, temperature=0.1, max_tokens=12)


def cut(text: str) -> list[int]:
    """A token a letter, spaces passed over; 0 and 1 are marks."""
    return [2 + ord(c) % 26 for c in text if c != " "]


def toy() -> Backbone:
    torch.manual_seed(0)
    network = Encoder(EncoderSettings(28, 32, d=12, layers=3, heads=2, hidden=16))
    return Backbone("toy", network.eval().requires_grad_(False), cut, 28, (0,), (1,))


WAYS = {"last": lambda: last_layers(toy(), 1), "lora": lambda: low_rank(toy(), rank=4)}


@pytest.fixture(params=WAYS)
def make(request):
    return WAYS[request.param]


def weights(backbone):
    return {name: w.detach().clone() for name, w in backbone.network.state_dict().items()}


def equal(first, second):
    return {name for name in first if torch.equal(first[name], second[name])}


# Learning -------------------------------------------------------------------------------------


def test_the_loss_falls_and_queries_find_their_documents(make):
    tuned = make()

    def found():
        encoder = TextEncoder(tuned)
        scores = encoder.encode(PAIRS.queries) @ encoder.encode(PAIRS.documents).T
        return int((scores.argmax(axis=1) == np.arange(8)).sum())

    before = found()
    tuner = Tuner(tuned, PAIRS, replace(SETTINGS, epochs=40)).train()
    assert tuner.steps == len(tuner.losses) == 80
    assert np.mean(tuner.losses[-10:]) < 0.6 * np.mean(tuner.losses[:10])
    assert found() > before


def test_the_first_loss_is_that_of_the_published_vectors(make):
    backbone = toy()
    tuner = Tuner(make(), PAIRS, SETTINGS)
    chosen = tuner.passages(0).tolist()
    encoder = TextEncoder(backbone, max_tokens=12)
    queries, documents = (
        torch.from_numpy(encoder.encode([texts[i] for i in chosen]))
        for texts in (PAIRS.queries, PAIRS.documents)
    )
    expected = ranking_loss(queries, documents, temperature=0.1)
    assert tuner.train(1).losses[0] == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("pool", ["mean", "cls", "last", "max"])
def test_texts_of_all_lengths_are_pooled_as_the_encoder_pools_them(pool):
    queries = ["a", "oak tree", "the elm and the fir", "yews"]
    pairs = TextPairs(queries, [text[::-1] * 2 for text in queries])
    settings = replace(SETTINGS, pool=pool, max_tokens=20)
    tuner = Tuner(last_layers(toy(), 1), pairs, settings)
    encoder = TextEncoder(toy(), pool=pool, max_tokens=20, overlong="cut")
    order = tuner.passages(0).tolist()
    expected = ranking_loss(
        *(
            torch.from_numpy(encoder.encode([texts[i] for i in order]))
            for texts in (pairs.queries, pairs.documents)
        ),
        temperature=0.1,
    )
    assert tuner.train(1).losses[0] == pytest.approx(expected.item(), abs=1e-5)


def test_frozen_layers_stay_equal_to_the_bit_and_the_others_move():
    before = weights(toy())
    tuned = last_layers(toy(), 1)
    Tuner(tuned, PAIRS, SETTINGS).train()
    same = equal(before, weights(tuned))
    assert same >= {name for name in before if not name.startswith("blocks.2.")}
    moved = {name for name in before if name.startswith("blocks.2.")} - same
    assert "blocks.2.network_norm.bias" in moved and "blocks.2.attention.values.weight" in moved


def test_with_adapters_nothing_but_adapters_moves():
    tuned = low_rank(toy(), rank=2)
    before = weights(tuned)
    Tuner(tuned, PAIRS, SETTINGS).train()
    moved = set(before) - equal(before, weights(tuned))
    assert moved == {f"{name}.{part}" for name in adapters(tuned.network) for part in "AB"}
    published = weights(toy())
    lora.merge(tuned.network)
    assert "blocks.0.attention.queries.weight" not in equal(published, weights(tuned))


def test_the_model_that_was_given_stays_as_it_is(make):
    backbone = toy()
    before = weights(backbone)
    tuned = last_layers(backbone, 3)
    Tuner(tuned, PAIRS, SETTINGS).train(3)
    assert equal(before, weights(backbone)) == set(before)
    assert not any(weight.requires_grad for weight in backbone.network.parameters())


def test_k_blocks_learn_counted_from_the_end():
    for k in (1, 2, 3):
        learning = {
            n for n, w in last_layers(toy(), k).network.named_parameters() if w.requires_grad
        }
        assert {name.split(".")[1] for name in learning} == {str(i) for i in range(3 - k, 3)}


# The same again -------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [0.0, 0.2])
def test_going_on_is_as_if_one_had_never_stopped(make, tmp_path, p):
    settings = replace(SETTINGS, dropout=p)
    whole = Tuner(make(), PAIRS, settings, seed=3).train()
    first = Tuner(make(), PAIRS, settings, seed=3).train(7)
    first.save(tmp_path / "state")
    second = Tuner(make(), PAIRS, settings, seed=3).load(tmp_path / "state")
    assert second.step == 7
    second.train()
    assert second.losses == whole.losses
    assert equal(weights(second.backbone), weights(whole.backbone)) == set(weights(whole.backbone))


def test_the_seed_decides_order_and_nothing_else_does(make):
    def losses(seed):
        return Tuner(make(), PAIRS, SETTINGS, seed).train(6).losses

    assert losses(1) == losses(1) != losses(2)


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0.2}, {"symmetric": True}, {"dropout": 0.1}, {"rate": 1e-3}, {"pool": "cls"}],
)
def test_a_state_of_other_settings_is_refused(tmp_path, change):
    Tuner(last_layers(toy(), 1), PAIRS, SETTINGS).train(1).save(tmp_path / "state")
    other = Tuner(last_layers(toy(), 1), PAIRS, replace(SETTINGS, **change))
    with pytest.raises(ValueError, match="another training"):
        other.load(tmp_path / "state")


def test_a_state_of_other_layers_or_pairs_is_refused(tmp_path):
    Tuner(last_layers(toy(), 1), PAIRS, SETTINGS).train(1).save(tmp_path / "state")
    with pytest.raises(ValueError, match="another training"):
        Tuner(last_layers(toy(), 2), PAIRS, SETTINGS).load(tmp_path / "state")
    hard = TextPairs(PAIRS.queries, PAIRS.documents, PAIRS.documents[::-1])
    with pytest.raises(ValueError, match="another training"):
        Tuner(last_layers(toy(), 1), hard, SETTINGS).load(tmp_path / "state")


def test_a_state_of_other_adapters_is_refused_though_they_have_the_same_size(tmp_path):
    Tuner(low_rank(toy(), rank=2), PAIRS, SETTINGS).train(1).save(tmp_path / "state")
    for other in (low_rank(toy(), rank=2, alpha=4.0), low_rank(toy(), rank=2, seed=1)):
        with pytest.raises(ValueError, match="another training"):
            Tuner(other, PAIRS, SETTINGS).load(tmp_path / "state")


def test_progress_is_told():
    told = []
    Tuner(last_layers(toy(), 1), PAIRS, SETTINGS).train(5, progress=told.append, every=2)
    assert [(p.step, p.steps) for p in told] == [(2, 20), (4, 20), (5, 20)]


# The loss -------------------------------------------------------------------------------------


def test_without_dropout_nothing_is_dropped_and_with_it_something_is():
    first = [
        Tuner(last_layers(toy(), 1), PAIRS, replace(SETTINGS, dropout=p)).train(1).losses[0]
        for p in (0.0, 0.3)
    ]
    assert SETTINGS.dropout == Tuning().dropout == 0
    assert first[0] != first[1]


def test_every_step_and_every_seed_drops_other_numbers():
    seen = []
    for seed in (0, 1):
        tuner = Tuner(last_layers(toy(), 1), PAIRS, replace(SETTINGS, dropout=0.3), seed)
        for _ in range(3):
            tuner.train(1)
            seen.append(tuner._ranking.generator.initial_seed())
    assert len(set(seen)) == 6


def test_dropping_leaves_no_trace_in_the_encoder():
    tuned = last_layers(toy(), 1)
    Tuner(tuned, PAIRS, replace(SETTINGS, dropout=0.3)).train(2)
    encoder = TextEncoder(tuned)
    assert np.array_equal(encoder.encode(WORDS), encoder.encode(WORDS))
    with dropout(tuned.network, 0.3, torch.Generator().manual_seed(0)):
        dropped = encoder.encode(WORDS)
    assert not np.array_equal(dropped, encoder.encode(WORDS))


def test_a_hard_negative_makes_the_task_harder():
    hard = TextPairs(PAIRS.queries, PAIRS.documents, PAIRS.queries)  # nothing is nearer
    plain, harder = (
        Tuner(last_layers(toy(), 1), pairs, SETTINGS).train(1).losses[0] for pairs in (PAIRS, hard)
    )
    assert harder > plain


def test_texts_that_read_the_same_are_no_wrong_ones():
    # All documents are one, and so no document is wrong: nothing is left to be learnt.
    one = TextPairs(PAIRS.queries, ["oak"] * 8)
    assert Tuner(last_layers(toy(), 1), one, SETTINGS).train(2).losses == [0.0, 0.0]
    one = TextPairs(["oak"] * 8, PAIRS.documents)
    assert Tuner(last_layers(toy(), 1), one, SETTINGS).train(2).losses == [0.0, 0.0]


def test_what_is_too_long_is_cut_as_the_encoder_cuts_it():
    long = TextPairs([q + "x" * 50 for q in PAIRS.queries], PAIRS.documents)
    tuner = Tuner(last_layers(toy(), 1), long, SETTINGS)
    encoder = TextEncoder(toy(), max_tokens=12, overlong="cut")
    assert tuner.model.queries[0] == encoder.tokens(long.queries[0]).ids
    assert max(map(len, tuner.model.queries)) == 12


# Use ------------------------------------------------------------------------------------------


def test_a_cache_tells_a_tuned_model_from_what_it_was(tmp_path):
    tuned = last_layers(toy(), 1)
    encoder = TextEncoder(tuned, cache=tmp_path)
    before = encoder.encode(WORDS)
    Tuner(tuned, PAIRS, SETTINGS).train(3)
    after = encoder.encode(WORDS)
    np.testing.assert_array_equal(after, TextEncoder(tuned).encode(WORDS))
    assert np.abs(after - before).max() > 1e-4


def test_merged_adapters_give_the_same_vectors():
    tuned = low_rank(toy(), rank=2)
    Tuner(tuned, PAIRS, SETTINGS).train()
    before = TextEncoder(tuned).encode(WORDS)
    lora.merge(tuned.network)
    np.testing.assert_allclose(TextEncoder(tuned).encode(WORDS), before, atol=1e-5)


# Refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"temperature": 0.0}, "temperature = 0.0"),
        ({"dropout": 1.0}, "dropout = 1.0"),
        ({"batch": 1}, "a batch of one pair"),
        ({"rate": 0.0}, "rate must be above 0"),
        ({"pool": "median"}, "pool must be one of mean"),
    ],
)
def test_settings_out_of_range_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        replace(SETTINGS, **change)


def test_what_makes_no_pairs_is_refused():
    with pytest.raises(ValueError, match="2 queries and 1 documents"):
        TextPairs(["a", "b"], ["c"])
    with pytest.raises(ValueError, match="1 pairs: a right document needs wrong ones"):
        TextPairs(["a"], ["b"])
    with pytest.raises(ValueError, match="1 hard negatives for 2 pairs"):
        TextPairs(["a", "b"], ["c", "d"], ["e"])


@pytest.mark.parametrize("k", [0, 4])
def test_blocks_that_are_not_there_cannot_learn(k):
    with pytest.raises(ValueError, match=f"k = {k}: toy has the blocks 1 to 3"):
        last_layers(toy(), k)


def test_a_model_in_which_nothing_learns_is_refused():
    tuned = low_rank(toy(), rank=1)
    lora.merge(tuned.network)
    with pytest.raises(ValueError, match="nothing of toy-tuned learns"):
        Tuner(tuned, PAIRS)
