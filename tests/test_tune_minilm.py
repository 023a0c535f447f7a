"""Tuning on headlines: the design, the pairs, the split, the judging, on a toy network."""

import doctest

import numpy as np
import pytest
import torch

from experiments import sweep
from experiments import tune_minilm as experiment
from lib.data import Articles, Lee50
from lib.evaluate import reciprocal_rank
from lib.experiment import rounded
from lib.textencoder import Backbone
from lib.transformer import Encoder, EncoderSettings
from lib.tuning import Tuning

LETTERS = "abcdefghijklmnopqrstuvwxyz"


def cut(text):
    return [2 + ord(c) % 26 for c in text if c != " "]


def toy():
    torch.manual_seed(0)
    network = Encoder(EncoderSettings(28, 64, d=12, layers=3, heads=2, hidden=16))
    return Backbone("toy", network.eval().requires_grad_(False), cut, 28, (0,), (1,))


def toy_task():
    generator = np.random.default_rng(0)

    def word():
        return "".join(generator.choice(list(LETTERS), 4))

    pairs = [
        experiment.Pair(f"{w} {word()}", f"{w} {word()} {w}") for w in (word() for _ in "x" * 45)
    ]
    human = generator.random((6, 6))
    human = (human + human.T) / 2
    np.fill_diagonal(human, 1)
    lee = Lee50([f"{word()} {word()}" for _ in range(6)], human)
    tuning = Tuning(epochs=2, batch=8, warmup=2, max_tokens=32)
    return experiment.Task(pairs, lee, toy(), (24, 8, 10), tuning, 1, 2, 5, resamples=50)


@pytest.fixture(scope="module")
def task():
    return toy_task()


@pytest.fixture(scope="module")
def rows(task):
    chosen = [point for point in experiment.points() if point["seed"] == 0]
    return list(sweep(chosen, task.measure, lambda line: None))


# The design -----------------------------------------------------------------------------------


def test_no_point_comes_twice_and_the_cheapest_way_has_three_seeds():
    points = experiment.points()
    assert len({tuple(point.items()) for point in points}) == len(points)
    usual = {"method": "last", "rate": experiment.RATES["last"][0], "temperature": 0.05}
    seeds = [p["seed"] for p in points if p.items() >= (usual | {"hard": False}).items()]
    assert seeds == [0, 1, 2]


def test_each_other_setting_differs_from_the_usual_one_in_one_place():
    usual = {m: experiment.points()[2] | {"method": m, "rate": r[0]}
             for m, r in experiment.RATES.items()}  # fmt: skip
    for point in experiment.points()[2:]:
        changed = [key for key, value in usual[point["method"]].items() if point[key] != value]
        assert len(changed) <= 1


# The pairs ------------------------------------------------------------------------------------


def words(first, n=120):
    return [f"{first}{i}" for i in range(n)]


def test_the_document_begins_behind_what_repeats_the_headline():
    texts = [" ".join(words("a")), " ".join(words("b", 109)), " ".join(words("c"))]
    titles = ["One two three four", "A text that is too short", "Three words only"]
    (pair,) = experiment.pairs_of(Articles("toy", titles, texts))
    assert pair.headline == titles[0]
    assert pair.document.split() == words("a")[60:110]


def test_of_what_repeats_itself_the_first_stays():
    copied = words("a", 300)
    texts = [copied, words("b", 300), copied[100:] + words("c", 100), [w.upper() for w in copied]]
    assert experiment.distinct(texts, ["w", "x", "y", "z"]) == [0, 1]
    assert experiment.distinct([words("a"), words("b")], ["Same", "same"]) == [0]


def test_a_few_shared_words_are_no_repetition():
    phrase = words("said", 9)
    texts = [words("a", 300) + phrase, words("b", 300) + phrase]
    assert experiment.distinct(texts, ["w", "x"]) == [0, 1]


def test_a_repetition_of_what_was_left_out_is_judged_by_what_stays():
    # The third shares half of the second, which went; of the first, which stayed, nothing.
    a, b = words("a", 300), words("b", 300)
    texts = [a, a[:150] + b[:150], b]
    assert experiment.distinct(texts, ["w", "x", "y"]) == [0, 2]


def test_no_pair_is_in_two_parts(task):
    parts = task.split
    assert tuple(map(len, parts)) == (24, 8, 10)
    headlines = [pair.headline for part in parts for pair in part]
    assert len(set(headlines)) == 42
    learnt = task.learnt()
    assert list(learnt.queries) == headlines[:24]


def test_too_few_pairs_are_refused(task):
    short = experiment.Task(task.pairs[:9], task.lee, task.backbone, (5, 3, 2))
    with pytest.raises(ValueError, match="9 pairs, and 10 are needed"):
        _ = short.split


def test_a_hard_negative_is_the_most_similar_wrong_document(task):
    pairs = task.learnt(hard=True)
    encoder = task.encoder(task.backbone)
    scores = encoder.encode(pairs.queries) @ encoder.encode(pairs.documents).T
    np.fill_diagonal(scores, -2)
    assert list(pairs.hard) == [pairs.documents[i] for i in scores.argmax(axis=1)]
    assert not any(h == d for h, d in zip(pairs.hard, pairs.documents, strict=True))


# The judging ----------------------------------------------------------------------------------


def test_ranks_are_those_of_the_books_reciprocal_rank():
    generator = np.random.default_rng(0)
    Q, D = generator.normal(size=(7, 3)), generator.normal(size=(7, 3))
    scores = (Q / np.linalg.norm(Q, axis=1)[:, None]) @ (D / np.linalg.norm(D, axis=1)[:, None]).T
    expected = [reciprocal_rank(np.arange(7) == i, scores[i]) for i in range(7)]
    assert (1 / experiment.ranks(Q, D)).tolist() == pytest.approx(expected)


def test_ties_count_against_the_right_document():
    assert experiment.ranks(np.ones((3, 2)), np.ones((3, 2))).tolist() == [3, 3, 3]


def test_rows_hold_what_the_docstring_says(rows, task):
    assert [row["method"] for row in rows[:4]] == ["minilm", "static", "last", "lora"]
    for row in rows:
        assert len(row["ranks"]) == 10 and len(row["lee_cosines"]) == 15
        assert row["mrr"][0] == pytest.approx(np.mean(1 / np.array(row["ranks"])))
        assert row["recall"][0] == pytest.approx(np.mean(np.array(row["ranks"]) == 1))
        for name in ("mrr", "recall", "mrr_gain", "lee", "lee_gain"):
            value, low, high = row[name]
            assert low <= value <= high
        assert row["mrr_gain"][0] == pytest.approx(row["mrr"][0] - rows[0]["mrr"][0])
        assert row["lee_gain"][0] == pytest.approx(row["lee"][0] - rows[0]["lee"][0])
        rounded(row)
    assert rows[0]["mrr_gain"] == [0, 0, 0]


def test_only_what_learns_has_a_loss_and_numbers_that_learn(rows):
    learning = {row["method"]: row["learning"] for row in rows}
    # A block: four maps of 12 to 12, two norms, and the network.
    block = 4 * (12 * 12 + 12) + 2 * 24 + (12 * 16 + 16) + (16 * 12 + 12)
    assert learning == {"minilm": 0, "static": 0, "last": block, "lora": 3 * 2 * 2 * (12 + 12)}
    assert all(("loss" in row) == (row["learning"] > 0) for row in rows)


def test_settings_reach_the_tuning(task):
    tuner = task.tuner("last", 1e-3, 0.2, True, 4)
    assert (tuner.tuning.rate, tuner.tuning.temperature, tuner.seed) == (1e-3, 0.2, 4)
    assert tuner.pairs.hard is not None and tuner.tuning.batch == 8


def test_a_point_measured_again_is_the_same(rows):
    with experiment.alone():
        again = toy_task().measure("lora", experiment.RATES["lora"][0], 0.05, False, 0)
    row = next(row for row in rows if row["method"] == "lora")
    assert rounded(again["ranks"]) == rounded(row["ranks"])
    assert again["loss"] == pytest.approx(row["loss"], rel=1e-5)


def test_one_thread_and_exactness_end_with_the_block():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with pytest.raises(KeyError), experiment.alone():
            assert torch.get_num_threads() == 1
            assert torch.are_deterministic_algorithms_enabled()
            raise KeyError
        assert torch.get_num_threads() == 2
        assert not torch.are_deterministic_algorithms_enabled()
    finally:
        torch.set_num_threads(before)


def test_the_examples_are_true():
    assert doctest.testmod(experiment).failed == 0
