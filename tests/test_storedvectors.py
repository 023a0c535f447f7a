"""Stored vectors: found by their text to the sign, in half precision, refused when in doubt."""

import doctest

import numpy as np
import pytest
from safetensors.numpy import save_file

from lib import storedvectors
from lib.pooling import unit_rows
from lib.storedvectors import TextVectors

TEXTS = ["a cat", "a dog", "shares fell", "Ünïcode \udcff", ""]
X = np.random.default_rng(0).normal(size=(5, 7)).astype(np.float32)


@pytest.fixture
def known():
    return TextVectors(TEXTS, X, {"model": "toy", "layer": 2}, "toy")


# Looking up -----------------------------------------------------------------------------------


def test_a_text_gets_its_vector_in_any_order_and_twice(known):
    order = [3, 0, 0, 4, 2, 1]
    found = known.encode([TEXTS[i] for i in order], unit=False)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, X.astype(np.float16).astype(np.float32)[order])


def test_rows_have_length_one_unless_said_otherwise(known):
    np.testing.assert_allclose(known.encode(TEXTS), unit_rows(X), atol=5e-4)
    assert np.linalg.norm(known.encode(TEXTS), axis=1) == pytest.approx(np.ones(5), abs=1e-6)


def test_half_precision_moves_a_number_by_one_part_in_two_thousand(known):
    found = known.encode(TEXTS, unit=False)
    assert (np.abs(found - X) <= np.abs(X) / 2_048 + 1e-7).all()


@pytest.mark.parametrize("changed", ["a cat.", "A cat", "a  cat", " a cat", "a cat\n"])
def test_a_text_changed_by_one_sign_is_refused(known, changed):
    assert changed not in known
    with pytest.raises(
        KeyError, match=r"toy has no vector for 1 of 3 texts, the first of them no. 1"
    ):
        known.encode(["a dog", changed, "a cat"])


def test_what_is_known_can_be_asked(known):
    assert all(text in known for text in TEXTS) and len(known) == 5


def test_nothing_asked_nothing_found(known):
    assert known.encode([]).shape == (0, 7)


def test_one_single_text_is_refused(known):
    with pytest.raises(TypeError):
        known.encode("a cat")
    with pytest.raises(TypeError):
        TextVectors("abcde", X, {})


def test_fitting_changes_nothing(known):
    before = known.encode(TEXTS)
    assert known.fit(["other texts"]) is known
    np.testing.assert_array_equal(known.encode(TEXTS), before)


# Making ---------------------------------------------------------------------------------------


def test_a_text_that_comes_twice_is_stored_once():
    found = TextVectors(["a", "b", "a"], [[1, 2], [3, 4], [1, 2]], {})
    assert len(found) == len(found.table) == 2


def test_two_vectors_of_one_text_are_refused():
    with pytest.raises(ValueError, match="texts 0 and 2 are the same, and their vectors are not"):
        TextVectors(["a", "b", "a"], [[1, 2], [3, 4], [1, 5]], {})


@pytest.mark.parametrize("number", [70_000, np.nan, -np.inf])
def test_a_number_without_a_place_in_half_precision_is_refused(number):
    with pytest.raises(ValueError, match="too large for half precision"):
        TextVectors(["a"], [[1, number]], {})


@pytest.mark.parametrize("wrong", [X[:4], X[0], X[None]])
def test_vectors_that_do_not_go_with_the_texts_are_refused(wrong):
    with pytest.raises(ValueError, match="5 texts, and vectors of the shape"):
        TextVectors(TEXTS, wrong, {})


# Keeping --------------------------------------------------------------------------------------


def test_a_file_gives_back_what_was_stored(known, tmp_path):
    known.save(tmp_path / "new" / "toy.safetensors")
    found = TextVectors.read("toy", tmp_path / "new")
    np.testing.assert_array_equal(found.encode(TEXTS), known.encode(TEXTS))
    assert found.settings == {"model": "toy", "layer": 2} and found.name == "toy"
    assert len(found) == 5 and found.table.dtype == np.float16


def test_the_order_of_the_texts_does_not_change_the_file(known, tmp_path):
    other = TextVectors(TEXTS[::-1], X[::-1], {"layer": 2, "model": "toy"})
    known.save(tmp_path / "a.safetensors")
    other.save(tmp_path / "b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()


def test_no_text_is_in_the_file(known, tmp_path):
    known.save(tmp_path / "toy.safetensors")
    assert b"shares" not in (tmp_path / "toy.safetensors").read_bytes()


def test_a_file_that_is_not_there_is_named_with_those_that_are(known, tmp_path):
    known.save(tmp_path / "toy.safetensors")
    with pytest.raises(FileNotFoundError, match="no vectors are called 'tooy'; there are: toy"):
        TextVectors.read("tooy", tmp_path)


def test_files_of_something_else_and_damaged_ones_are_refused(known, tmp_path):
    save_file({"keys": np.zeros((1, 16), np.uint8)}, tmp_path / "other.safetensors")
    with pytest.raises(ValueError, match="holds no vectors of texts"):
        TextVectors.read("other", tmp_path)
    known.save(tmp_path / "torn.safetensors")
    content = (tmp_path / "torn.safetensors").read_bytes()
    (tmp_path / "torn.safetensors").write_bytes(content[:-9])
    with pytest.raises(ValueError, match="is damaged"):
        TextVectors.read("torn", tmp_path)


def test_the_examples_are_true():
    assert doctest.testmod(storedvectors).failed == 0
