"""Layers, pools and prompts of two models: the design, the halves, the pools, on toy networks."""

import csv
import doctest
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from experiments import smollm_layers as experiment
from experiments import sweep
from lib.experiment import rounded
from lib.textencoder import Backbone
from lib.transformer import Decoder, DecoderSettings, Encoder, EncoderSettings

WORDS = ["ant", "bee", "cat", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay"]


def cut(text):
    return [2 + ord(c) % 26 for c in text if c != " "]


def backbones():
    torch.manual_seed(0)
    small = replace(DecoderSettings(), vocabulary=28, places=256, d=12, layers=2)
    small = replace(small, heads=2, kv_heads=1, hidden=16)
    encoder = Encoder(EncoderSettings(28, 256, d=12, layers=2, heads=2, hidden=16))
    decoder = Decoder(small).eval().requires_grad_(False)
    return {
        "smollm2": Backbone("toy", decoder, cut, 28),
        "minilm": Backbone("toy", encoder.eval().requires_grad_(False), cut, 28, (0,), (1,)),
    }


def texts(n, seed):
    generator = np.random.default_rng(seed)
    return [" ".join(generator.choice(WORDS, 4)) for _ in range(n)]


@pytest.fixture(scope="module")
def task():
    generator = np.random.default_rng(0)
    human = generator.random((6, 6))
    human = (human + human.T) / 2
    y = np.arange(20) % 2
    topics = experiment.Topics(texts(20, 3), y, texts(6, 4), y[:6])
    return experiment.Task(backbones(), texts(6, 1), human, texts(8, 2), topics)


def test_no_point_comes_twice_and_both_models_get_all_finishes():
    points = experiment.points()
    assert len({tuple(point.items()) for point in points}) == len(points)
    for model in experiment.POOLS:
        mine = [p for p in points if p["model"] == model and p["test"] == "lee"]
        assert {p["finish"] for p in mine} == set(experiment.FINISHES)
    assert all(pool in experiment.POOLS[m][t] for m, t, pool in experiment.PROBED)


def test_halves_are_two_parts_of_one_text_in_the_same_order():
    whole = ["A b c. D e. F g h i.", "One sentence only.", "J k. L m."]
    found = experiment.halves(whole)
    assert [f"{a} {b}" for a, b in zip(found[:2], found[2:], strict=True)] == [whole[0], whole[2]]


def test_the_two_copies_are_the_same_tokens():
    backbone = backbones()["smollm2"]
    read, first = experiment.copies(backbone, experiment.TEMPLATES["echo"], "ant bee")
    assert read.ids[first] == read.ids[read.begin : read.end] == cut("ant bee")
    assert first.start < read.begin


def test_the_first_copy_of_a_decoder_is_that_of_a_text_read_once_behind_the_lead():
    backbone = backbones()["smollm2"]
    X = experiment.vectors(backbone, "echo", ["ant bee"], ("first", "mean"))
    lead, text = cut("Rewrite the sentence:"), cut("ant bee")
    with torch.inference_mode():
        states = backbone.network.states(torch.tensor([lead + text]))[:, 0]
    expected = states[:, len(lead) :].mean(dim=1).numpy()
    np.testing.assert_allclose(X["first"][:, 0], expected, atol=1e-5)
    assert np.abs(X["mean"] - X["first"])[-1].max() > 1e-3


def test_pools_are_the_tokens_that_the_docstring_names():
    backbone = backbones()["minilm"]
    pools = ("all", "mean", "rest", "cls", "last")
    X = experiment.vectors(backbone, "plain", ["ant bee", "cat"], pools)
    with torch.inference_mode():
        states = backbone.network.states(torch.tensor([[0, *cut("ant bee"), 1]]))[:, 0].numpy()
    for pool, part in {
        "all": slice(None),
        "mean": slice(1, -1),
        "rest": slice(2, -1),
        "cls": slice(0, 1),
        "last": slice(-2, -1),
    }.items():
        np.testing.assert_allclose(X[pool][:, 0], states[:, part].mean(axis=1), atol=1e-5)


def test_standardising_takes_mean_and_spread_of_the_others():
    generator = np.random.default_rng(0)
    others = generator.normal(3, 2, size=(50, 4)).astype(np.float32)
    found = experiment.finished(others, others, "standardised")
    np.testing.assert_allclose(found.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(found.std(axis=0), 1, atol=1e-6)
    np.testing.assert_allclose(experiment.finished(others, others, "raw"), others)


def test_a_half_that_ties_with_others_counts_as_last():
    assert experiment.other_half(np.ones((6, 2))) == pytest.approx(1 / 3)


def test_a_sample_has_as_many_of_each_class_or_all_there_are():
    y = np.array([0] * 10 + [1] * 3)
    drawn = experiment.sample(y, 4, np.random.default_rng(0))
    assert np.bincount(y[drawn]).tolist() == [4, 3]
    assert len(set(drawn)) == len(drawn)


def test_rows_hold_what_the_docstring_says(task, monkeypatch):
    monkeypatch.setattr(experiment, "RESAMPLES", 10)
    monkeypatch.setattr(experiment, "LAYERS", {"minilm": (1,), "smollm2": (2,)})
    keep = {"finish": "standardised", "template": "plain"}
    points = [p for p in experiment.points() if p.items() >= keep.items()]
    points += [p for p in experiment.points() if p["test"] == "r8"]
    for row in sweep(points, task.measure, lambda line: None):
        rounded(row)
        if row["test"] == "r8":
            assert len(row["y"]) == len(next(iter(row["predicted"].values()))) == 6
            continue
        assert len(row["lee"]) == len(row["dev"]) == 3
        assert (row["lee"][0] is None) == (row["pool"] in ("last", "cls"))
        assert row["dev"][row["layer"]] == max(d or 0 for d in row["dev"])
        assert all(len(c) == 15 for c in row["cosines"].values())


def test_our_triples_share_as_many_words_with_both_ends():
    path = Path(__file__).parent.parent / "data" / "own" / "same-beginning.csv"
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 32
    for row in rows:
        end, same, other = (row[name].split() for name in ("end", "same", "opposite"))
        assert len(end) == len(same) == len(other)
        places = [[a != b for a, b in zip(end, x, strict=True)] for x in (same, other)]
        assert places[0] == places[1] and sum(places[0]) == 1


def test_the_examples_are_true():
    assert doctest.testmod(experiment).failed == 0
