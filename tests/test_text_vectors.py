"""The stored vectors: the files that were made, the vectors of a sample computed again."""

import hashlib

import numpy as np
import pytest
import torch

from experiments import sweep
from experiments import text_vectors as experiment
from lib.experiment import rounded, stored
from lib.storedvectors import FOLDER, TextVectors
from lib.textencoder import Backbone, TextEncoder
from lib.transformer import Encoder, EncoderSettings

FOUND = stored("text_vectors")
MODELS = list(experiment.SETS)
SAMPLE = {"minilm": 6, "smollm2-echo": 2}  # texts of each set


@pytest.fixture(scope="module")
def files():
    return {model: TextVectors.read(model) for model in MODELS}


# The files ------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_the_file_is_the_one_that_was_made_and_keeps_its_budget(model, files):
    content = (FOLDER / f"{model}.safetensors").read_bytes()
    row = FOUND.row(model=model, set=experiment.ALL)
    assert row["sha256"] == hashlib.sha256(content).hexdigest()
    assert row["bytes"] == len(content) <= 15_000_000
    assert files[model].table.shape == (row["texts"], row["numbers"])
    assert rounded(files[model].settings) == row["settings"]


def test_no_other_file_lies_beside_them():
    names = {path.name for path in FOLDER.iterdir()}
    assert names == {f"{m}{end}" for m in MODELS for end in (".safetensors",)} | {"text-vectors.md"}


@pytest.mark.parametrize("model", MODELS)
def test_half_precision_moves_no_number_by_more_than_a_part_in_two_thousand(model):
    assert 0 < FOUND.row(model=model, set=experiment.ALL)["moved"] <= 1 / 2_048


@pytest.mark.parametrize(
    ("model", "name"), [(m, s) for m, names in experiment.SETS.items() for s in names]
)
def test_every_text_of_every_set_has_its_vector(model, name, files):
    texts = experiment.texts_of(name)
    row = FOUND.row(model=model, set=name)
    assert (row["texts"], row["distinct"]) == (len(texts), len(set(texts)))
    assert files[model].encode(texts).shape == (len(texts), files[model].table.shape[1])


@pytest.mark.parametrize("model", MODELS)
def test_a_sample_computed_again_is_what_is_stored(model, files):
    rng = np.random.default_rng(0)
    sets = [experiment.texts_of(name) for name in experiment.SETS[model]]
    texts = [part[i] for part in sets for i in rng.choice(len(part), SAMPLE[model], replace=False)]
    encoder = experiment.encoder(model)
    assert rounded(experiment.settings_of(encoder)) == rounded(files[model].settings)
    X, kept = encoder.encode(texts), files[model].encode(texts, unit=False)
    largest = np.abs(X).max(axis=1, keepdims=True)
    np.testing.assert_allclose(kept / largest, X / largest, atol=6e-4)
    # A changed text has another vector, and is not given the old one.
    changed = texts[0] + " indeed"
    assert np.abs(encoder.encode([changed])[0] - kept[0]).max() > 6e-3 * largest[0]
    with pytest.raises(KeyError, match="no vector for 1 of 2 texts"):
        files[model].encode([texts[0], changed])


def test_texts_are_cut_where_the_models_end():
    cut = {row["set"]: row["cut"] for row in FOUND.where(model="minilm") if "cut" in row}
    assert cut["lee50"] == 0 < cut["news"] <= FOUND.row(model="minilm", set="news")["texts"]


# The experiment, on a toy ---------------------------------------------------------------------

TEXTS = {"one": ["a cat", "a dog", "a cat"], "two": ["a dog", "shares fell far"]}


def toy_task(folder):
    torch.manual_seed(0)
    network = Encoder(EncoderSettings(28, 10, d=12, layers=2, heads=2, hidden=16))
    network.eval().requires_grad_(False)

    def cut(text):
        return [2 + ord(c) % 26 for c in text if c != " "]

    backbone = Backbone("toy", network, cut, 28, (0,), (1,))

    def make(model):
        cache = folder / "cache"
        return TextEncoder(backbone, unit=False, max_tokens=10, overlong="cut", cache=cache)

    return experiment.Task({"toy": ("one", "two")}, make, TEXTS.get, folder / "vectors")


def test_rows_count_texts_and_what_was_cut_and_the_file_holds_all_texts(tmp_path):
    task = toy_task(tmp_path)
    one, two, whole = sweep(task.points(), task.measure, lambda line: None)
    assert (one["texts"], one["distinct"], one["cut"], one["tokens_cut"]) == (3, 2, 0, 0)
    # Thirteen letters, and room for eight between the marks.
    assert (two["texts"], two["distinct"], two["cut"], two["tokens_cut"]) == (2, 2, 1, 5)
    found = TextVectors.read("toy", tmp_path / "vectors")
    assert len(found) == whole["texts"] == 3 and whole["numbers"] == 12
    expected = task.make("toy").encode(["shares fell far"])
    np.testing.assert_allclose(found.encode(["shares fell far"], unit=False), expected, atol=2e-3)
    assert "code" not in found.settings and found.settings["max_tokens"] == 10
    rounded(whole)


def test_made_again_the_file_is_the_same(tmp_path):
    a, b = toy_task(tmp_path / "a"), toy_task(tmp_path / "b")
    first, second = (task.measure("toy", experiment.ALL) for task in (a, b))
    assert first["sha256"] == second["sha256"]


def test_sets_with_two_parts_come_whole():
    parts = experiment.load("r8")
    assert experiment.texts_of("r8") == [*parts.train.texts, *parts.test.texts]
