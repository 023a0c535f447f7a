"""The live figure *window* of chapter 4: what a window counts, and what its width makes near.

A sentence shows which words stand in the window of a centre, and how much each of them counts.
Beside it stand the nearest neighbours of a dozen words, as the chapter found them with rows of
positive PMI for several widths: narrow windows find words that could take each other's place, wide
ones the words of the same stories. The reader first says which of two lists is the narrow one's.

``webassets/live/window.js`` computes weights and overlaps in the reader's browser. What is here is
the reference that it is tested against, and the maker of its data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lib.cooccurrence import Weighting, window_weights
from lib.corpus import Corpus
from lib.live import LiveFigure, Table
from lib.text import Vocabulary

Setting: TypeAlias = tuple[int, Weighting]
"""The width of a window and how it weighs distance, such as ``(8, "plain")``."""

Neighbours: TypeAlias = Mapping[str, Sequence[str]]
"""The nearest words of each word, best first."""

WORDS: Final = (
    "walked", "beautiful", "angry", "tuesday", "music", "bread",
    "engine", "ship", "car", "france", "court", "play",
)  # fmt: skip
"""Words of several kinds, each frequent enough to have neighbours that are no accident."""

QUESTION: Final = "walked"
"""The word that the reader is asked about before anything is shown."""

NEAREST: Final = 8  # neighbours of each word
CANDIDATES: Final = 20_000  # neighbours come from the most frequent words
REACH: Final = 10  # the widest window of the sentence
NARROWEST: Final[Setting] = (1, "plain")

SENTENCE: Final = (
    "a certain king had a beautiful garden and in the garden stood a tree which bore golden apples "
    "these apples were always counted and about the time when they began to grow ripe it was found"
)
"""The beginning of a fairy tale by the brothers Grimm; left of it the document ends."""


def nearest_words(
    M: csr_matrix, vocabulary: Vocabulary, words: Sequence[str] = WORDS
) -> dict[str, list[str]]:
    """Find the words whose rows have the highest cosine with the row of each word.

    Parameters
    ----------
    M : (V, C) sparse matrix
        A row a word, the most frequent first; neighbours come from the first `CANDIDATES`.
    vocabulary : Vocabulary
        The V words.
    words : sequence of str
        Those whose neighbours are wanted.

    Returns
    -------
    dict of str to list of str
        `NEAREST` neighbours, best first, on a tie the more frequent one; the word itself is none.

    Examples
    --------
    >>> rows = csr_matrix([[2, 0, 0], [1, 0, 0], [0, 3, 1], [1, 1, 0]])
    >>> nearest_words(rows, Vocabulary(["king", "queen", "car", "road"]), ["king", "car"])
    {'king': ['queen', 'road', 'car'], 'car': ['road', 'king', 'queen']}
    """
    rows = M[:CANDIDATES].astype(np.float64)
    lengths = np.sqrt(rows.multiply(rows).sum(axis=1).A1)
    numbers = [vocabulary.index[word] for word in words]
    dots: NDArray[np.float64] = (rows @ M[numbers].astype(np.float64).T).toarray().T  # (n, V)
    cosines = dots / np.where(lengths > 0, lengths, 1)  # the length of the word's own row is
    found = {}  # the same for all of them, so it does not matter for the order
    for word, number, row in zip(words, numbers, cosines.round(12), strict=True):
        order = np.argsort(-row, kind="stable")
        best = order[order != number][:NEAREST]
        found[word] = [vocabulary.words[i] for i in best]
    return found


def in_window(
    length: int, centre: int, width: int, weighting: Weighting = "plain"
) -> list[tuple[int, float]]:
    """List the places that a window sees, from left to right, and what each of them counts.

    Parameters
    ----------
    length : int
        Tokens of the document.
    centre : int
        The place of the word at the centre, from 0; it is not in its own window.
    width : int
        The longest distance that counts.
    weighting : Weighting
        As in `lib.cooccurrence.window_weights`.

    Returns
    -------
    list of (int, float)
        Places, and the weight of each; fewer where the document ends.

    Examples
    --------
    >>> in_window(5, 1, 2, "distance")
    [(0, 1.0), (2, 1.0), (3, 0.5)]
    """
    weights = window_weights(width, weighting)
    places = range(max(0, centre - width), min(length, centre + width + 1))
    return [(p, float(weights[abs(p - centre) - 1])) for p in places if p != centre]


def overlap(first: Neighbours, second: Neighbours) -> float:
    """Say which share of the neighbours two settings have in common, over all words.

    Examples
    --------
    >>> overlap({"a": ["b", "c"], "d": ["e", "f"]}, {"a": ["c", "x"], "d": ["e", "f"]})
    0.75
    """
    both = sum(len(set(first[word]) & set(second[word])) for word in first)
    return both / sum(map(len, first.values()))


def window(corpus: Corpus, lists: Mapping[Setting, Neighbours]) -> LiveFigure:
    """Make the live figure *window*.

    Parameters
    ----------
    corpus : Corpus
        Holds `SENTENCE` at the beginning of a document: the figure shows how a window is counted
        there.
    lists : mapping of (int, weighting) to neighbours
        What `nearest_words` found for each setting that was counted; ``(1, "plain")`` is needed.

    Returns
    -------
    LiveFigure
        Its table holds all lists, a row a word.

    Raises
    ------
    ValueError
        If no document of the corpus begins with the sentence, the narrowest setting or the word
        that is asked about is missing, or the lists are about different words.
    """
    if NARROWEST not in lists:
        raise ValueError(f"the setting {NARROWEST} is needed, since all others are held against it")
    words = list(lists[NARROWEST])
    for setting, neighbours in lists.items():
        if list(neighbours) != words:
            raise ValueError(f"{setting} has neighbours of other words than {NARROWEST}")
    if QUESTION not in words:
        raise ValueError(f"the reader is asked about {QUESTION!r}, which is not among the words")
    _must_begin(corpus, SENTENCE)
    order = sorted(lists, key=lambda setting: (setting[1] != "plain", setting))
    return LiveFigure(
        name="window",
        title="What a window hears",
        summary="Move a window over a sentence and see what it counts. Say which of two lists "
        "of neighbours comes from the narrow window, then widen it and watch the lists change.",
        data={
            "tokens": SENTENCE.split(),
            "reach": REACH,
            "settings": [{"width": width, "weighting": name} for width, name in order],
            "words": words,
            "lists": [[list(lists[setting][word]) for word in words] for setting in order],
            "question": {"word": QUESTION, "options": _options(order)},
        },
        table=Table(
            ("nearest neighbours of", *map(_label, order)),
            [(word, *(", ".join(lists[setting][word]) for setting in order)) for word in words],
        ),
    )


def _must_begin(corpus: Corpus, sentence: str) -> None:
    """Refuse a corpus in which no document begins like that: the figure would show a made-up one.

    A document that begins so holds the rarest word of the sentence near its start; only those
    documents are compared.
    """
    words = sentence.split()
    known = [corpus.vocabulary.index.get(word, -1) for word in words]
    rarest = int(np.argmax(known))
    at = np.flatnonzero(corpus.ids == known[rarest]) - rarest
    starts = np.intersect1d(at, corpus.starts[:-1])
    if -1 in known or not any(
        np.array_equal(corpus.ids[s : s + len(known)], known) for s in starts
    ):
        raise ValueError(f"no document of this corpus begins with {' '.join(words[:6])!r}")


def _options(order: Sequence[Setting]) -> list[int]:
    """Choose the two lists between which the reader decides: the widest plain one, the narrowest.

    The right answer is the second, which a reader cannot know.
    """
    plain = [place for place, (_, weighting) in enumerate(order) if weighting == "plain"]
    return [plain[-1], order.index(NARROWEST)]


def _label(setting: Setting) -> str:
    """Name a setting in the head of the table.

    Examples
    --------
    >>> _label((1, "plain")), _label((8, "distance"))
    ('width 1', 'width 8, by distance')
    """
    width, weighting = setting
    return f"width {width}" + ("" if weighting == "plain" else f", by {weighting}")
