"""Stored results: what a chapter reads, how it compares, and what it is told when it cannot."""

import doctest
import json
from pathlib import Path

import numpy as np
import pytest

from lib import experiment
from lib.experiment import RESULTS, ExperimentError, Stored, disagreements, rounded, stored

GOOD = {
    "name": "toy",
    "rows": [{"d": 50, "x": 0.1, "score": 0.5}, {"d": 100, "x": 0.1, "score": 0.25}],
    "recipe": {"window": 5},
    "seeds": [1, 2],
    "versions": {"python": "3.11.7"},
    "seconds": 12.5,
    "cpu_seconds": 11.0,
    "date": "2026-01-31",
    "fingerprint": "0123",
    "kept": [],
}


def put(folder: Path, content: object, name: str = "toy") -> Path:
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / f"{name}.json").write_text(text, encoding="utf-8")
    return folder


def test_a_result_comes_back_as_it_was_stored(tmp_path):
    found = stored("toy", folder=put(tmp_path, GOOD))
    assert found == Stored(**GOOD)
    assert (found.recipe, found.seconds, found.date) == ({"window": 5}, 12.5, "2026-01-31")


def test_results_lie_in_the_data_folder_of_the_book():
    assert Path(__file__).resolve().parent.parent / "data" / "results" == RESULTS


def test_rows_are_found_by_their_fields():
    found = Stored(**GOOD)
    assert found.row(d=100)["score"] == 0.25
    assert found.where(x=0.1) == GOOD["rows"]
    assert found.where(x=0.1, d=50) == GOOD["rows"][:1]
    assert found.where(y=1) == []


def test_rows_are_found_by_values_that_storing_rounds():
    found = Stored("toy", [{"sample": rounded(1 / 3)}])
    assert found.row(sample=1 / 3) == {"sample": 0.333333}


@pytest.mark.parametrize(("fields", "count"), [({"d": 7}, 0), ({"x": 0.1}, 2)])
def test_none_and_several_rows_are_no_row(fields, count):
    with pytest.raises(KeyError, match=f"'toy' has {count} rows with"):
        Stored(**GOOD).row(**fields)


# ------------------------------------------------------------------ a file that cannot be used


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", r"data/results/toy\.json is damaged"),
        ("<<<<<<< ours\n", "is damaged"),
        ([], "is not the result of an experiment"),
        ({"rows": GOOD["rows"]}, "is not the result of an experiment"),
        (GOOD | {"more": 1}, "is not the result of an experiment"),
        (GOOD | {"name": "other"}, "holds that of 'other'"),
        (GOOD | {"rows": []}, "has no rows"),
        (GOOD | {"rows": {"a": 1}}, "has no rows"),
        (GOOD | {"rows": [1]}, "has no rows"),
    ],
)
def test_a_damaged_or_foreign_file_is_refused(tmp_path, content, words):
    with pytest.raises(ExperimentError, match=words):
        stored("toy", folder=put(tmp_path, content))


def test_a_file_that_is_no_text_is_damaged(tmp_path):
    (tmp_path / "toy.json").write_bytes(b"\xff\xfe")
    with pytest.raises(ExperimentError, match="is damaged"):
        stored("toy", folder=tmp_path)


def test_who_misses_a_result_is_told_what_there_is_and_what_to_do(tmp_path):
    put(tmp_path, GOOD, "b")
    put(tmp_path, GOOD, "a")
    with pytest.raises(ExperimentError) as told:
        stored("toy", folder=tmp_path)
    assert "no stored result of an experiment 'toy' (a, b)" in str(told.value)
    assert "git checkout -- data/results" in str(told.value)
    assert "python tools/book.py experiments toy" in str(told.value)
    with pytest.raises(ExperimentError, match=r"\(none\)"):
        stored("toy", folder=tmp_path / "nowhere")


@pytest.mark.parametrize("name", ["../toy", "Toy", "toy.json", "", "7toy", "toy_"])
def test_what_is_no_name_is_never_a_path(tmp_path, name):
    folder = tmp_path / "results"
    folder.mkdir()
    put(tmp_path, GOOD)
    if name:
        put(folder, GOOD | {"name": name}, Path(name).name)
    with pytest.raises(ExperimentError, match="no stored result"):
        stored(name, folder=folder)


# ------------------------------------------------------------------ the stored form


def test_numbers_keep_six_significant_digits():
    assert rounded(2 / 3) == 0.666667
    assert rounded(123456.789) == 123457.0
    assert rounded(1.2345678e-9) == 1.23457e-9
    assert str(rounded(-0.0)) == "0.0"


def test_rounding_again_changes_nothing_and_what_is_stored_reads_the_same():
    rng = np.random.default_rng(0)
    values = rounded({"v": rng.normal(size=200) * 10.0 ** rng.integers(-9, 9, 200)})
    assert rounded(values) == values
    assert json.loads(json.dumps(values)) == values


def test_whole_numbers_and_truth_stay_what_they_are():
    assert repr(rounded({"n": 1234567, "yes": True, "no": None})) == (
        "{'n': 1234567, 'yes': True, 'no': None}"
    )


def test_numpy_becomes_plain():
    value = rounded({"a": np.float32(0.1), "b": np.arange(2), "c": np.int64(3), "d": (0.5,)})
    assert value == {"a": 0.1, "b": [0, 1], "c": 3, "d": [0.5]}
    assert [type(value[key]) for key in "abcd"] == [float, list, int, list]


@pytest.mark.parametrize("value", [float("nan"), [float("inf")], {"a": np.float32("-inf")}])
def test_what_is_not_finite_is_refused(value):
    with pytest.raises(ValueError, match="cannot be stored"):
        rounded(value)


@pytest.mark.parametrize("value", [{1: 2}, {"a": {1, 2}}, [object()], b"x"])
def test_what_json_cannot_hold_is_refused(value):
    with pytest.raises(TypeError, match=r"use (a string|numbers)"):
        rounded(value)


# ------------------------------------------------------------------ one point, run again


def test_on_one_machine_all_digits_must_agree():
    row = {"d": 50, "score": 0.666667, "seconds": 3.0}
    assert disagreements({"d": 50, "score": 2 / 3}, row) == {}
    assert disagreements({"score": 0.666668}, row) == {"score": (0.666668, 0.666667)}


def test_elsewhere_numbers_may_differ_by_the_tolerance_either_way_and_no_more():
    row = {"score": 0.5, "n": 5, "parts": [0.5, {"a": 0.5}]}
    for live in (0.48, 0.52):
        assert disagreements({"score": live}, row, tolerance=0.025) == {}
        assert disagreements({"parts": [live, {"a": live}]}, row, tolerance=0.025) == {}
    for live in (0.46, 0.54):
        assert disagreements({"score": live}, row, tolerance=0.025) == {"score": (live, 0.5)}
        assert list(disagreements({"parts": [0.5, {"a": live}]}, row, tolerance=0.025)) == ["parts"]


def test_durations_are_not_compared_and_new_or_other_fields_are_noticed():
    row = {"seconds": 3.0, "cpu_seconds": 2.0, "method": "lsa", "parts": [1]}
    assert disagreements({"seconds": 9.0, "cpu_seconds": 9.0}, row) == {}
    assert disagreements({"method": "lsa"}, row, tolerance=9) == {}
    assert disagreements({"method": "svd"}, row, tolerance=9) == {"method": ("svd", "lsa")}
    assert disagreements({"new": 1}, row, tolerance=9) == {"new": (1, None)}
    assert list(disagreements({"parts": [1, 1]}, row, tolerance=9)) == ["parts"]
    assert list(disagreements({"parts": {"a": 1}}, row, tolerance=9)) == ["parts"]
    assert list(disagreements({"a": {"b": 1}}, {"a": {"c": 1}}, tolerance=9)) == ["a"]


def test_the_examples_are_true():
    failed, tried = doctest.testmod(experiment)
    assert failed == 0 and tried >= 4
