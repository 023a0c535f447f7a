"""The training of the book's ELMo, at a size of seconds: rows, interruption, and what is kept."""

import hashlib
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest
import torch

from experiments import train_elmo as experiment
from lib import elmo
from lib.corpus import Corpus
from lib.experiment import rounded
from lib.languagemodel import perplexity
from lib.trainer import Training


def toy_corpus(documents=60):
    generator = np.random.default_rng(0)
    words = [f"{chr(97 + i % 26)}{i}" for i in range(40)]
    made = []
    for _ in range(documents):
        ids = [int(generator.integers(40))]
        for _ in range(int(generator.integers(20, 60))):
            jump = generator.random() < 0.3
            ids.append(int(generator.integers(40)) if jump else (3 * ids[-1] + 1) % 40)
        made.append([words[i] for i in ids])
    return Corpus.from_documents(made)


def task(folder):
    settings = elmo.Settings(
        vocabulary=30, longest=6, letters=4, filters=((1, 4), (2, 8)), d=8, cells=12, cutoffs=(10,)
    )
    return experiment.Task(
        toy_corpus(), settings, Training(epochs=8, batch=24, rate=0.05, warmup=5), 0.1, (1, 2),
        folder / "cache" / "state.pt", folder / "elmo.safetensors", 8,
    )  # fmt: skip


def silent(text):
    pass


def run(one, done=()):
    return [rounded(row) for row in experiment.rows(one, silent, done)]


def comparable(rows):
    """Leave out what depends on the clock."""
    return [{k: v for k, v in row.items() if "second" not in k} for row in rows]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    one = task(tmp_path_factory.mktemp("elmo"))
    return one, run(one)


def test_every_row_is_there_once(finished):
    _, rows = finished
    names = [experiment._name(row) for row in rows]
    assert names == [
        "heldout",
        *(f"n-gram {order} {way}" for order in (1, 2) for way in ("forward", "backward")),
        *(f"part {part}" for part in range(1, 13)),
        "start",
        "model forward",
        "model backward",
    ]


def test_perplexities_follow_from_the_sums_of_the_documents(finished):
    _, rows = finished
    tokens = rows[0]["tokens"]
    judged = [row for row in rows if "sums" in row]
    assert len(judged) == 6
    for row in judged:
        assert row["perplexity"] == pytest.approx(perplexity(row["sums"], tokens), rel=1e-4)


def test_what_depends_on_the_word_before_is_learnt(finished):
    _, rows = finished
    found = {experiment._name(row): row.get("perplexity") for row in rows}
    assert found["n-gram 2 forward"] < 0.7 * found["n-gram 1 forward"]
    assert found["model forward"] < 0.8 * found["n-gram 1 forward"]
    assert found["n-gram 1 forward"] == pytest.approx(found["n-gram 1 backward"])
    losses = [row["loss"] for row in rows if row["kind"] == "part"]
    assert losses[-1] < losses[0] - 0.5


def test_the_file_that_is_kept_is_the_model_that_was_judged(finished):
    one, rows = finished
    model, content = elmo.load(one.checkpoint), one.checkpoint.read_bytes()
    for row, logs in zip(rows[-2:], model.both_log_probabilities(one.passages[2]), strict=True):
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["bytes"] == len(content)
        assert np.exp(-logs.mean()) == pytest.approx(row["perplexity"], rel=1e-5)
    assert elmo.read_recipe(one.checkpoint) == rounded(experiment.RECIPE)
    assert not one.state.exists()


def test_the_first_losses_can_be_had_again(finished):
    one, rows = finished
    (start,) = (row for row in rows if row["kind"] == "start")
    assert len(start["losses"]) == 50
    assert experiment.replay(one) == pytest.approx(start["losses"], rel=1e-4)
    assert len(experiment.replay(one, 3)) == 3


@pytest.mark.parametrize("rows_before", [3, 7, 18])
def test_an_interrupted_training_ends_like_one_in_one_go(finished, tmp_path, rows_before):
    _, expected = finished
    one = task(tmp_path)
    begun = [rounded(row) for row in islice(experiment.rows(one, silent), rows_before)]
    rest = run(task(tmp_path), begun)
    assert comparable(begun + rest) == comparable(expected)


def test_a_training_whose_state_is_lost_begins_again(finished, tmp_path):
    _, expected = finished
    one = task(tmp_path)
    begun = [rounded(row) for row in islice(experiment.rows(one, silent), 8)]
    one.state.unlink()
    assert comparable(begun + run(task(tmp_path), begun)) == comparable(expected)


def test_a_finished_training_is_not_begun_again(finished, monkeypatch):
    one, rows = finished
    monkeypatch.setattr(experiment.Task, "trainer", None)  # whoever calls it fails
    assert run(one, rows) == []


def test_progress_tells_speed_and_loss(tmp_path):
    told = []
    list(islice(experiment.rows(task(tmp_path), told.append), 6))
    assert "1-grams forward" in told and "1/12 part" in told
    assert any("tokens a second, loss" in line for line in told)


def test_another_text_is_another_training(finished, tmp_path):
    one = task(tmp_path)
    list(islice(experiment.rows(one, silent), 6))
    with pytest.raises(ValueError, match="of another training"):
        run(replace(one, corpus=toy_corpus(59)))


def test_threads_and_determinism_are_set_for_the_training_alone():
    before = torch.get_num_threads()
    with experiment.deterministic(2):
        assert torch.get_num_threads() == 2
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == before
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_recipe_fits_the_budget_of_an_artefact():
    model = elmo.BiLM(
        ["<unknown>", *map(str, range(experiment.SETTINGS.vocabulary - 1))],
        experiment.SETTINGS,
        np.random.default_rng(0),
    )
    assert 4 * sum(part.numel() for part in model.parameters()) < 15e6
