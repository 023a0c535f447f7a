"""The stored ELMo: it is the file that was judged, says what it said, and can be trained again."""

import hashlib

import numpy as np
import pytest

from experiments import train_elmo as experiment
from lib import elmo
from lib.corpus import cut_chunks
from lib.experiment import rounded, stored
from lib.languagemodel import by_document, perplexity

FOUND = stored("train_elmo")


@pytest.fixture(scope="module")
def task():
    return experiment.whole()


def test_the_stored_file_is_the_one_that_was_judged():
    content = experiment.CHECKPOINT.read_bytes()
    assert len(content) <= 15_000_000
    for row in FOUND.where(kind="model"):
        assert row["sha256"] == hashlib.sha256(content).hexdigest()
        assert row["bytes"] == len(content)


def test_the_stored_file_was_made_by_the_recipe():
    assert elmo.read_recipe(experiment.CHECKPOINT) == rounded(experiment.RECIPE) == FOUND.recipe


def test_the_stored_model_finds_heldout_documents_as_likely_as_it_did(task):
    model = elmo.load(experiment.CHECKPOINT)
    heldout = task.documents[2]
    tokens = FOUND.row(kind="heldout")["tokens"]
    assert np.diff(heldout.starts).tolist() == tokens
    some = 40  # documents
    part = heldout.head(sum(tokens[:some]))
    both = model.both_log_probabilities(cut_chunks(part, experiment.LENGTH))
    for direction, logs in zip(experiment.DIRECTIONS, both, strict=True):
        row = FOUND.row(kind="model", direction=direction)
        np.testing.assert_allclose(by_document(logs, part), row["sums"][:some], rtol=1e-4)


@pytest.mark.slow
def test_the_first_fifty_losses_come_again(task):
    # Other processors and threads round otherwise, and each step adds to it.
    expected = FOUND.row(kind="start")["losses"]
    assert len(expected) == 50
    assert experiment.replay(task, 1) == pytest.approx(expected[:1], abs=1e-3)
    assert experiment.replay(task) == pytest.approx(expected, abs=0.02)


def test_perplexities_follow_from_the_sums_of_the_documents():
    tokens = FOUND.row(kind="heldout")["tokens"]
    judged = [*FOUND.where(kind="n-gram"), *FOUND.where(kind="model")]
    assert len(judged) == 2 * len(experiment.ORDERS) + 2
    for row in judged:
        assert row["perplexity"] == pytest.approx(perplexity(row["sums"], tokens), rel=1e-4)


def test_the_training_began_at_guessing():
    first = FOUND.row(kind="start")["losses"][0]
    assert first == pytest.approx(np.log(experiment.SETTINGS.vocabulary), abs=0.05)
