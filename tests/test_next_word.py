"""Networks beside n-grams, on a toy language: the design, the judging, the writing."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
import torch

from experiments import next_word as experiment
from experiments import sweep
from lib.corpus import Corpus
from lib.experiment import rounded
from lib.languagemodel import by_document, perplexity
from lib.neurallm import LSTM
from lib.smoothing import NgramCounts, kneser_ney

POINT = {"order": 0, "share": 4, "passes": 1, "text": "real", "seed": 0}


def toy_corpus(documents=240):
    """Each word is three times the one before and one, modulo thirty, in seven cases of ten."""
    generator = np.random.default_rng(0)
    words = [f"{chr(97 + i % 26)}{i}" for i in range(30)]
    made = []
    for _ in range(documents):
        ids = [int(generator.integers(30))]
        for _ in range(int(generator.integers(20, 60))):
            jump = generator.random() < 0.3
            ids.append(int(generator.integers(30)) if jump else (3 * ids[-1] + 1) % 30)
        made.append([words[i] for i in ids])
    return Corpus.from_documents(made)


@pytest.fixture(scope="module")
def task():
    return experiment.Task(
        toy_corpus(), share=0.1, size=25, cutoffs=(8,), length=8,
        sizes={"bengio": {"context": 2, "dimensions": 8, "hidden": 12},
               "lstm": {"dimensions": 8, "hidden": 12}},
        written={"0.5": 2, "1.0": 5},
    )  # fmt: skip


def test_no_point_comes_twice_and_every_network_meets_every_amount():
    points = experiment.points()
    assert len({tuple(point.items()) for point in points}) == len(points)
    real = [p for p in points if p["text"] == "real" and p["passes"] == 1]
    for model in experiment.SIZES:
        assert {p["share"] for p in real if p["model"] == model} == set(experiment.SHARES)
    grams = {(p["share"], p["order"]) for p in real if p["model"] == "n-gram"}
    assert grams == {(s, n) for s in experiment.SHARES for n in experiment.ORDERS}


def test_four_passes_are_as_many_steps_as_one_over_four_times_the_text(task):
    again = task.trainer("lstm", 4, 4, "real", 0).steps
    assert again == pytest.approx(task.trainer("lstm", 1, 1, "real", 0).steps, rel=0.1)


def test_shuffled_points_have_a_real_twin():
    points = experiment.points()
    shuffled = [p for p in points if p["text"] == "shuffled"]
    assert len(shuffled) == 5
    for point in shuffled:
        assert point | {"text": "real"} in points


def test_a_smaller_share_is_the_beginning_of_a_larger_one(task):
    small, large = task.learnt(4), task.learnt(1)
    assert small.tokens == task.documents.train.tokens // 4
    assert np.array_equal(small.ids, large.ids[: small.tokens])
    assert np.diff(large.starts).max() == task.length


def test_shuffling_keeps_the_words_of_a_document(task):
    heldout = task.documents.heldout
    shuffled = replace(heldout, ids=task.judged("shuffled").ids)
    assert not np.array_equal(shuffled.ids, heldout.ids)
    for before, after in zip(heldout.documents(), shuffled.documents(), strict=True):
        assert Counter(before.tolist()) == Counter(after.tolist())


@pytest.mark.parametrize("order", [1, 2, 3])
def test_the_counts_of_a_lower_order_stand_in_those_of_a_higher_one(task, order):
    text = task.learnt()
    part, direct = experiment.lower(NgramCounts(text, 4), order), NgramCounts(text, order)
    expected = kneser_ney(direct).log_probabilities(task.judged())
    assert kneser_ney(part).log_probabilities(task.judged()).tolist() == expected.tolist()


def test_words_are_sorted_by_how_many_of_the_passage_stand_before_them():
    documents = Corpus.from_documents([["a"] * 7, ["a"] * 2])
    found = experiment.by_position([1, 2, 3, 4, 5, 6, 7, 8, 9], documents, 6)
    # passages: 1..6 and 7; 8, 9. The sixth word of a passage has five before it.
    assert found.tolist() == [[8, 2, 3, 4, 11, 0, 0], [8, 9, 0, 0, 0, 0, 0]]


def frequencies(drawn, V):
    return np.bincount(drawn, minlength=V) / len(drawn)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_an_ngram_model_writes_words_as_often_as_it_expects_them(task, order):
    model, rng = task.ngrams(order), np.random.default_rng(1)
    V = model.counts.V
    drawn = experiment.ngram_passages(model, 60_000, 3, rng)
    assert drawn.shape == (60_000, 3)
    assert abs(frequencies(drawn[:, 0], V) - np.exp(model.next([]))).max() < 0.01
    first, second = Counter(map(tuple, drawn[:, :2].tolist())).most_common(1)[0][0]
    after = drawn[(drawn[:, 0] == first) & (drawn[:, 1] == second), 2]
    assert abs(frequencies(after, V) - np.exp(model.next([first, second]))).max() < 0.03


def test_an_ngram_model_writes_what_it_never_saw(task):
    model = task.ngrams(2)
    drawn = experiment.ngram_passages(model, 20_000, 2, np.random.default_rng(1))
    pairs = {tuple(pair) for pair in drawn.tolist()}
    new = [pair for pair in pairs if not model.counts.grams(1, *map(np.array, pair)) >= 0]
    assert new


def test_an_lstm_writes_words_as_often_as_it_expects_them():
    net, rng = LSTM(9, np.random.default_rng(0), dimensions=4, hidden=6), np.random.default_rng(1)
    with torch.no_grad():
        net.output.plain.weight.mul_(8)
    drawn = experiment.lstm_passages(net, 60_000, 3, rng, 1.0)
    assert drawn.min() >= 0 and drawn.max() < 9
    assert abs(frequencies(drawn[:, 0], 9) - np.exp(net.next([]))).max() < 0.01
    after = drawn[(drawn[:, 0] == drawn[0, 0]) & (drawn[:, 1] == drawn[0, 1]), 2]
    expected = np.exp(net.next(drawn[0, :2].tolist()))
    assert abs(frequencies(after, 9) - expected).max() < 0.05


def test_a_cold_lstm_writes_the_likeliest_words():
    net, rng = LSTM(9, np.random.default_rng(0), dimensions=4, hidden=6), np.random.default_rng(1)
    drawn = experiment.lstm_passages(net, 3, 4, rng, 1e-4)
    assert len({tuple(row) for row in drawn.tolist()}) == 1
    assert drawn[0, 2] == net.next(drawn[0, :2].tolist()).argmax()


def test_an_lstm_may_be_kept_from_writing_the_unknown_word():
    net = LSTM(3, np.random.default_rng(0), dimensions=4, hidden=6)
    with_it, without = (
        experiment.lstm_passages(net, 200, 4, np.random.default_rng(1), 1.0, unknown=unknown)
        for unknown in (True, False)
    )
    assert 0 in with_it and 0 not in without


def test_an_ngram_row_holds_what_the_model_says_of_each_document(task):
    found = task.measure("n-gram", **POINT | {"order": 2, "share": 1})
    heldout = task.documents.heldout
    logs = kneser_ney(NgramCounts(task.learnt(), 2)).log_probabilities(task.judged())
    assert found["sums"] == pytest.approx(by_document(logs, heldout))
    assert found["perplexity"] == pytest.approx(perplexity(found["sums"], np.diff(heldout.starts)))
    unigram = task.measure("n-gram", **POINT | {"order": 1, "share": 1})["perplexity"]
    assert found["perplexity"] < 0.7 * unigram


def test_without_order_a_bigram_knows_hardly_more_than_a_unigram(task):
    shuffled = task.measure("n-gram", **POINT | {"order": 2, "share": 1, "text": "shuffled"})
    unigram = task.measure("n-gram", **POINT | {"order": 1, "share": 1})
    assert shuffled["perplexity"] > 0.95 * unigram["perplexity"]


@pytest.mark.parametrize("model", ["bengio", "lstm"])
def test_a_network_learns_what_depends_on_the_word_before(task, model):
    with experiment.alone():
        found = task.measure(model, **POINT | {"share": 1, "passes": 20})
        again = task.measure(model, **POINT | {"share": 1, "passes": 20})
    unigram = task.measure("n-gram", **POINT | {"order": 1, "share": 1})["perplexity"]
    assert found["perplexity"] < 0.8 * unigram
    assert rounded(found) == rounded(again)
    assert found["positions"].sum(axis=1) == pytest.approx(found["sums"])
    assert ("written" in found) == (model == "lstm")


def test_the_lstm_writes_as_many_passages_as_it_is_told(task):
    with experiment.alone():
        found = task.measure("lstm", **POINT | {"share": 1})["written"]
    assert {t: (len(w), len(w[0])) for t, w in found.items()} == {"0.5": (2, 8), "1.0": (5, 8)}
    assert 0 not in np.array(found["0.5"])


def test_only_networks_of_much_text_are_taken_apart(task):
    with experiment.alone():
        little, more = (task.measure("lstm", **POINT | {"share": share}) for share in (16, 4))
    assert little.keys() == {"perplexity", "sums", "loss"}
    assert more.keys() == little.keys() | {"positions", "wordsim"}


def test_another_seed_is_another_network(task):
    with experiment.alone():
        one, other = (task.measure("bengio", **POINT | {"seed": s}) for s in (0, 1))
    assert rounded(one)["perplexity"] != rounded(other)["perplexity"]


def test_word2vec_reads_the_same_passages(task, monkeypatch):
    read = []

    class Reader:
        W = np.zeros((25, 2), np.float32)

        def __init__(self, text, settings, rng):
            read.append((text, settings.epochs))

        def train(self):
            pass

    monkeypatch.setattr(experiment, "Word2Vec", Reader)
    found = task.measure("word2vec", **POINT | {"share": 1, "passes": 5})
    ((text, passes),) = read
    assert passes == 5
    assert np.array_equal(text.ids, task.learnt().ids)
    assert found.keys() == {"wordsim"}


def test_an_interrupted_run_measures_what_is_missing(task):
    points = [{"model": "n-gram", **POINT, "order": n} for n in (1, 2, 3)]
    rows = [rounded(row) for row in sweep(points, task.measure, str, ())]
    told = []
    rest = [rounded(row) for row in sweep(points, task.measure, told.append, rows[:2])]
    assert len(told) == len(rest) == 1
    assert rest[0]["sums"] == rows[2]["sums"]
