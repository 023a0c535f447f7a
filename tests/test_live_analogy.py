"""What must be true of the analogy switch: its bytes, its table, its script."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np
import pytest
from livescripts import asking

from lib import live_analogy
from lib.data import DataError, load
from lib.live import LIMIT, LiveFigure, compact
from lib.live_analogy import (
    CHOICES,
    EXAMPLES,
    FIRST,
    METHODS,
    QUESTIONS,
    TOP,
    WORDS,
    agreement,
    analogy_switch,
    as_bytes,
    packed,
    packed_vectors,
    small_vectors,
)
from lib.vectors import Vectors

script = asking("analogy-switch.js")


@pytest.fixture(scope="module")
def glove() -> Vectors:
    return Vectors.of(load("glove-6b-50d"))


@pytest.fixture(scope="module")
def small(glove: Vectors) -> Vectors:
    return small_vectors(glove)


@pytest.fixture(scope="module")
def figure(glove: Vectors) -> LiveFigure:
    return analogy_switch(glove)


@pytest.fixture(scope="module")
def questions(small: Vectors) -> list[list[str]]:
    every = [q for category in load("analogies").categories.values() for q in category]
    lower = [[word.lower() for word in q[:3]] for q in every]
    return [q for q in lower if all(word in small for word in q)]


# The bytes ----------------------------------------------------------------------------------------


def test_the_largest_number_of_a_row_becomes_127_and_the_others_keep_their_ratio() -> None:
    W = np.array([[0.2, -0.1, 0.0], [-4.0, 2.0, 1.0], [0.0, 0.0, 0.0]])
    assert as_bytes(W).tolist() == [[127, -64, 0], [-127, 64, 32], [0, 0, 0]]


def test_bytes_of_bytes_are_the_same_bytes(small: Vectors) -> None:
    assert np.array_equal(as_bytes(small.W), small.W)
    assert np.abs(small.W).max(axis=1).min() == 127


def test_bytes_move_no_cosine_by_much(glove: Vectors, small: Vectors) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, WORDS, (2, 500))
    pairs = [(glove.words[i], glove.words[j]) for i, j in zip(a, b, strict=True)]
    moved = [abs(glove.similarity(*pair) - small.similarity(*pair)) for pair in pairs]
    assert 0 < np.mean(moved) < 0.002 and max(moved) < 0.01


def test_the_page_gets_the_frequent_words_and_their_bytes_and_nothing_else(
    glove: Vectors, small: Vectors
) -> None:
    given = packed(glove)
    assert set(given) == {"words", "d", "bytes"}
    assert given["words"].split(" ") == list(glove.words[:WORDS]) == list(small.words)
    read = np.frombuffer(base64.b64decode(given["bytes"]), dtype=np.int8).reshape(WORDS, given["d"])
    assert np.array_equal(read, small.W)
    assert given["d"] == 50 and len(compact(given)) < 800_000


def test_nearly_all_questions_have_the_same_answer_as_with_the_full_vectors(
    glove: Vectors, questions: list[list[str]]
) -> None:
    some = questions[::10]
    assert len(some) > 800
    for method in METHODS:
        assert agreement(glove, some, method) > 0.96
    shuffled = Vectors(glove.words[:WORDS], np.roll(glove.W[:WORDS], 1, axis=1), "rolled alike")
    assert agreement(shuffled, some[:50]) > 0.9, "columns have no meaning of their own"


def test_agreement_is_counted_over_the_known_questions_only() -> None:
    # Steps of a byte are 1/127, so bytes cannot tell cat and dog from a; the first one is taken.
    near = Vectors(["a", "cat", "dog"], [[1, 0], [1, 0.001], [1, 0.003]], "toy")
    far = Vectors(["a", "cat", "dog"], [[1, 0], [1, 0.003], [1, 0.001]], "toy")
    asked = [("a", "a", "a"), ("a", "zebra", "a")]
    assert agreement(near, asked, "only-b") == 1.0
    assert agreement(far, asked, "only-b") == 0.0
    with pytest.raises(ValueError, match="no question has its three words"):
        agreement(near, asked[1:])


def test_without_glove_there_are_no_vectors_and_one_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def missing(name: str) -> None:
        raise DataError(f"{name} was never fetched")

    monkeypatch.setattr(live_analogy, "load", missing)
    assert packed_vectors() is None
    assert [record.getMessage() for record in caplog.records] == [
        "the analogies have no vectors on this site: glove-6b-50d was never fetched"
    ]


def test_the_site_builds_these_vectors(glove: Vectors) -> None:
    import sys
    from pathlib import Path

    sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "_ext"))
    import book_live

    assert book_live.built("analogy-switch") == packed(glove)
    assert book_live.built("pair-judge") is None


# The figure ---------------------------------------------------------------------------------------


def test_the_table_answers_a_dozen_questions_with_the_full_vectors(
    figure: LiveFigure, glove: Vectors
) -> None:
    table = Vectors(glove.words[:WORDS], glove.W[:WORDS], "first")
    assert len(figure.table.rows) == len(QUESTIONS) == len(set(QUESTIONS)) == 12
    for question, row in zip(QUESTIONS, figure.table.rows, strict=True):
        assert row[0] == "{} : {} = {} : ?".format(*question)
        answers = [table.answers([question], method=method)[0] for method in METHODS]
        assert list(row[1:4]) == answers
        assert row[4] == table.answers([question], inputs=True)[0]
        assert not set(row[1:4]) & set(question)
    assert sum(row[4] in row[0].split() for row in figure.table.rows) >= 3, "given words win"


def test_the_first_question_has_another_answer_when_the_given_words_are_allowed(
    figure: LiveFigure,
) -> None:
    answers = figure.data["answers"]
    assert answers["allowed"][0][0] == "king" and answers["left out"][0][0] == "queen"
    assert set(CHOICES) == {"queen", "king", "woman"}
    assert all(len(listed) == TOP for listed in answers.values())
    assert tuple(figure.data["first"]) == FIRST


def test_the_figure_says_how_large_the_vectors_are_and_does_not_hold_them(
    figure: LiveFigure, glove: Vectors
) -> None:
    data = figure.payload()["data"]
    assert figure.name == "analogy-switch"
    assert data["megabytes"] == round(len(compact(packed(glove)).encode()) / 1e6, 1)
    assert 0.3 < data["packed"] < data["megabytes"] < 0.9
    assert (data["n"], data["vectors"]) == (WORDS, "glove-6b-50d")
    assert len(compact(data)) < LIMIT / 50
    assert data["examples"] == [list(question) for question in EXAMPLES]


# The script ---------------------------------------------------------------------------------------

ANSWER = """
  const model = pure.unpack(input.packed);
  return input.asked.map(([words, method, inputs]) =>
    pure.analogy(model, words, {method, inputs}, input.k).map(({word, score}) => [word, score]));"""


def check_answers(found: Any, small: Vectors, asked: Any, k: int) -> None:
    """The same words in the same order, but for scores that single precision cannot tell apart."""
    assert len(found) == len(asked)
    for answers, (words, method, inputs) in zip(found, asked, strict=True):
        expected = small.analogy(*words, k, method=method, inputs=inputs)
        assert len(answers) == len(expected), (words, method)
        for (word, score), (other, value) in zip(answers, expected, strict=True):
            assert score == pytest.approx(value, rel=2e-6, abs=2e-6), (words, method)
            assert word == other or abs(dict(expected).get(word, np.inf) - score) < 2e-6, words


def test_the_script_answers_as_vectors_over_the_same_bytes(
    glove: Vectors, small: Vectors, questions: list[list[str]]
) -> None:
    asked = [
        [words, method, inputs]
        for words in questions[::55] for method in METHODS for inputs in (False, True)
    ]  # fmt: skip
    assert len(asked) > 900
    found = script(ANSWER, packed=packed(glove), asked=asked, k=TOP)
    check_answers(found, small, asked, TOP)
    same = [
        [word for word, _ in answers]
        == [word for word, _ in small.analogy(*words, TOP, method=method, inputs=inputs)]
        for answers, (words, method, inputs) in zip(found, asked, strict=True)
    ]
    assert np.mean(same) > 0.995


def test_the_script_answers_made_up_questions_alike() -> None:
    rng = np.random.default_rng(3)
    words = [f"w{i}" for i in range(60)]
    vectors = Vectors(words, rng.normal(0, 1, (60, 7)), "toy")
    asked = [
        [[words[i] for i in rng.integers(0, 60, 3)], METHODS[i % 3], bool(i % 2)]
        for i in range(120)
    ]  # a word may stand twice in a question
    found = script(ANSWER, packed=packed(vectors), asked=asked, k=9)
    check_answers(found, small_vectors(vectors), asked, 9)


def test_a_row_of_zeros_has_cosine_zero_and_ties_go_to_the_frequent_word() -> None:
    vectors = Vectors(["a", "zero", "b", "c"], [[1, 0], [0, 0], [0, 1], [0, 1]], "toy")
    asked = [[["a", "b", "a"], method, True] for method in METHODS]
    found = script(ANSWER, packed=packed(vectors), asked=asked, k=4)
    check_answers(found, small_vectors(vectors), asked, 4)
    assert [word for word, _ in found[0]] == ["b", "c", "a", "zero"]
    assert [word for word, _ in found[2]] == ["a", "zero", "b", "c"]


def test_what_is_typed_is_brought_to_lower_case_without_blanks() -> None:
    body = "return input.typed.map(pure.tidy);"
    assert script(body, typed=[" Paris ", "New York", "U.S.", ""]) == [
        "paris", "newyork", "u.s.", "",
    ]  # fmt: skip


def test_the_state_of_the_switch_survives_the_address(figure: LiveFigure) -> None:
    states = [
        {"guess": guess, "method": method, "inputs": inputs, "words": words}
        for guess in ("", "0", "2", "skip") for method in METHODS for inputs in (True, False)
        for words in (["u.s.", "a*b", "1.5"], ["man", "", "woman"], ["é", "x.y.z", "."])
    ]  # fmt: skip
    body = "return input.states.map((one) => pure.read(pure.write(one), input.data));"
    assert script(body, states=states, data=figure.payload()["data"]) == states


@pytest.mark.parametrize("text", ["", "5.div.2.a b", "x", "...", "...a b c d"])
def test_an_address_that_makes_no_sense_gives_the_beginning(text: str, figure: LiveFigure) -> None:
    state = script(
        "return pure.read(input.text, input.data);", text=text, data=figure.payload()["data"]
    )
    assert state == {"guess": "", "method": "add", "inputs": False, "words": list(FIRST)}
