"""What must be true of the window figure: what a window counts, and its lists of neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from livescripts import asking
from scipy.sparse import csr_matrix

from lib import live_window
from lib.cooccurrence import count_contexts, window_weights
from lib.corpus import Corpus
from lib.live import LIMIT, LiveFigure, compact
from lib.live_window import (
    NEAREST,
    QUESTION,
    REACH,
    SENTENCE,
    WORDS,
    in_window,
    nearest_words,
    overlap,
    window,
)
from lib.text import Vocabulary

script = asking("window.js")
TALE = [*SENTENCE.split(), "that", "every", "night", "one", "of", "them", "was", "gone"]
SETTINGS = [(1, "plain"), (2, "plain"), (4, "plain"), (8, "plain"), (5, "distance")]


def made_up(*settings: tuple[int, str]) -> dict[Any, dict[str, list[str]]]:
    """Lists that differ by setting: of each word's neighbours, as many are new as it is wide."""
    return {
        (width, name): {
            word: [f"{word}{i + (width if name == 'plain' else 3)}" for i in range(NEAREST)]
            for word in WORDS
        }
        for width, name in settings
    }


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return Corpus.from_documents([["once", "upon", "a", "time"], TALE, ["a", "certain", "king"]])


@pytest.fixture(scope="module")
def figure(corpus: Corpus) -> LiveFigure:
    return window(corpus, made_up(*SETTINGS))


# What a window counts -----------------------------------------------------------------------------


def test_a_window_sees_its_width_on_both_sides_and_not_the_centre() -> None:
    assert in_window(9, 4, 2) == [(2, 1.0), (3, 1.0), (5, 1.0), (6, 1.0)]
    assert in_window(9, 0, 2, "distance") == [(1, 1.0), (2, 0.5)]
    assert in_window(3, 2, 5, "dynamic") == [(0, 0.8), (1, 1.0)]
    assert in_window(1, 0, 3) == []


@pytest.mark.parametrize("weighting", ["plain", "distance", "dynamic"])
def test_windows_over_a_document_count_what_count_contexts_counts(weighting: Any) -> None:
    document = Corpus.from_documents([TALE])
    for width in (1, 3, REACH):
        counts = np.zeros((len(document.vocabulary),) * 2)
        for centre in range(len(TALE)):
            for place, weight in in_window(len(TALE), centre, width, weighting):
                counts[document.ids[centre], document.ids[place]] += weight
        counted = count_contexts(document, window=width, weighting=weighting).toarray()
        assert counts == pytest.approx(counted)


# Neighbours ---------------------------------------------------------------------------------------


def test_neighbours_are_those_of_the_cosines_worked_out_one_by_one() -> None:
    rng = np.random.default_rng(5)
    M = rng.poisson(0.7, (40, 12)).astype(float)
    M[7] = 0  # a word without contexts is near to nothing
    words = [f"w{i}" for i in range(40)]
    found = nearest_words(csr_matrix(M), Vocabulary(words), ["w3", "w39"])
    for word, neighbours in found.items():
        row = M[words.index(word)]
        cosine = {
            other: row @ v / (np.linalg.norm(row) * (np.linalg.norm(v) or 1))
            for other, v in zip(words, M, strict=True)
            if other != word
        }
        ranked = sorted(cosine, key=lambda w: (-round(cosine[w], 12), words.index(w)))
        assert neighbours == ranked[:NEAREST]
        assert "w7" not in neighbours


def test_neighbours_come_from_the_frequent_words_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_window, "CANDIDATES", 3)
    M = csr_matrix([[1.0, 0], [1, 1], [0, 1], [1, 0]])
    found = nearest_words(M, Vocabulary(["a", "b", "c", "twin"]), ["a", "twin"])
    assert found["a"] == ["b", "c"]
    assert found["twin"] == ["a", "b", "c"]


def test_a_word_is_no_neighbour_of_its_own_even_if_others_have_the_same_row() -> None:
    M = csr_matrix(np.ones((4, 2)))
    assert nearest_words(M, Vocabulary(list("abcd")), ["c"]) == {"c": ["a", "b", "d"]}


def test_overlap_counts_neighbours_whatever_their_order() -> None:
    first = {"a": ["b", "c", "d", "e"], "x": ["y", "z", "v", "w"]}
    assert overlap(first, first) == 1
    assert overlap(first, {"a": ["e", "d", "c", "b"], "x": ["k", "l", "m", "n"]}) == 0.5
    assert overlap(first, {"a": ["x"] * 4, "x": ["y", "b", "b", "b"]}) == 1 / 8


# The figure ---------------------------------------------------------------------------------------


def test_the_figure_holds_every_list_and_its_table_says_the_same(figure: LiveFigure) -> None:
    payload = figure.payload()
    data, lists = payload["data"], made_up(*SETTINGS)
    assert payload["name"] == "window"
    order = [(s["width"], s["weighting"]) for s in data["settings"]]
    assert order == [(1, "plain"), (2, "plain"), (4, "plain"), (8, "plain"), (5, "distance")]
    for setting, listed in zip(order, data["lists"], strict=True):
        assert listed == [lists[setting][word] for word in WORDS]
    assert payload["table"]["header"] == [
        "nearest neighbours of", "width 1", "width 2", "width 4", "width 8", "width 5, by distance",
    ]  # fmt: skip
    assert [row[0] for row in payload["table"]["rows"]] == list(WORDS)
    assert payload["table"]["rows"][0][5] == ", ".join(lists[5, "distance"]["walked"])
    assert len(compact(data).encode()) < LIMIT / 10


def test_the_reader_decides_between_the_widest_plain_window_and_the_narrowest(
    figure: LiveFigure,
) -> None:
    question = figure.data["question"]
    widths = [figure.data["settings"][place] for place in question["options"]]
    assert widths == [{"width": 8, "weighting": "plain"}, {"width": 1, "weighting": "plain"}]
    assert question["word"] == QUESTION


def test_the_order_of_the_settings_does_not_matter(corpus: Corpus, figure: LiveFigure) -> None:
    turned = window(corpus, made_up(*SETTINGS[::-1]))
    assert turned.payload() == figure.payload()


def test_lists_without_the_narrowest_window_or_of_other_words_are_refused(corpus: Corpus) -> None:
    with pytest.raises(ValueError, match=r"\(1, 'plain'\) is needed"):
        window(corpus, made_up((2, "plain")))
    lists = made_up(*SETTINGS)
    del lists[4, "plain"]["car"]
    with pytest.raises(ValueError, match=r"\(4, 'plain'\) has neighbours of other words"):
        window(corpus, lists)
    without = {
        s: {w: n for w, n in of.items() if w != QUESTION} for s, of in made_up(*SETTINGS).items()
    }
    with pytest.raises(ValueError, match="'walked', which is not among the words"):
        window(corpus, without)


@pytest.mark.parametrize(
    "documents",
    [
        [TALE[1:]],  # begins one word later
        [["oh", *TALE]],  # stands there, but not at the beginning
        [[word for word in TALE if word != "ripe"]],
        [[*TALE[:20], "oh", *TALE[21:]], ["these"]],
    ],
)
def test_a_sentence_that_no_document_begins_with_is_refused(documents: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="no document of this corpus begins with 'a certain king"):
        window(Corpus.from_documents(documents), made_up(*SETTINGS))


def test_the_windows_of_the_sentence_fit_into_what_is_shown(figure: LiveFigure) -> None:
    last = script("return pure.lastCentre(input);", **figure.payload()["data"])
    assert last + REACH == len(SENTENCE.split()) - 1
    assert last > 12


# The script ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("weighting", ["plain", "distance", "dynamic"])
def test_the_script_counts_what_lib_counts(weighting: Any) -> None:
    asked = [(n, c, w) for n in (1, 5, 34) for c in range(0, n, 3) for w in (1, 2, 7, 10)]
    body = """return input.asked.map(([length, centre, width]) => {
      const seen = pure.inWindow(length, centre, width, input.weighting);
      return [seen.map(({place, weight}) => [place, weight]), pure.sum(seen)]; });"""
    for (length, centre, width), (seen, total) in zip(
        asked, script(body, asked=asked, weighting=weighting), strict=True
    ):
        expected = in_window(length, centre, width, weighting)
        assert [tuple(pair) for pair in seen] == expected
        assert total == pytest.approx(sum(weight for _, weight in expected), abs=1e-12)
    weights = script("return pure.windowWeights(10, input.weighting);", weighting=weighting)
    assert weights == window_weights(10, weighting).tolist()


def test_the_script_finds_the_same_overlaps(figure: LiveFigure) -> None:
    data, lists = figure.payload()["data"], made_up(*SETTINGS)
    body = "return input.lists.map((own) => pure.overlap(input.lists[0], own));"
    found = script(body, **data)
    order = [(s["width"], s["weighting"]) for s in data["settings"]]
    assert found == [overlap(lists[1, "plain"], lists[setting]) for setting in order]
    assert len(set(found)) == 5


def test_the_list_that_is_shown_is_the_one_counted_nearest_to_the_wish(
    figure: LiveFigure,
) -> None:
    data = figure.payload()["data"]
    body = """return ["plain", "distance"].map((weighting) => Array.from({length: 10}, (_, i) =>
      input.settings[pure.nearestSetting(input.settings, i + 1, weighting)].width));"""
    plain, distance = script(body, **data)
    assert plain == [1, 2, 2, 4, 4, 4, 8, 8, 8, 8]
    assert distance == [1, 1, 1, 5, 5, 5, 5, 5, 5, 5]


def states(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        {"guess": guess, "width": width, "weighting": weighting, "centre": centre, "word": word}
        for guess in ("", "0", "1", "skip") for width in (1, 10)
        for weighting in ("plain", "distance") for centre in (0, 23) for word in data["words"][:3]
    ]  # fmt: skip


def test_the_state_of_the_window_survives_the_address(figure: LiveFigure) -> None:
    data = figure.payload()["data"]
    body = "return input.states.map((state) => pure.read(pure.write(state), input.data));"
    assert script(body, states=states(data), data=data) == states(data)


@pytest.mark.parametrize("text", ["", "x", "2.99.odd.99.zebra", "-1.-1.-1.-1", "....", "é.1e1"])
def test_an_address_that_makes_no_sense_gives_the_beginning(text: str, figure: LiveFigure) -> None:
    state = script(
        "return pure.read(input.text, input.data);", text=text, data=figure.payload()["data"]
    )
    assert state == {
        "guess": "", "width": 2, "weighting": "plain", "centre": 6, "word": "walked",
    }  # fmt: skip
