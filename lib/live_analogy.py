"""The live figure *analogy switch* of chapter 7: own analogies, and what is left of them.

The reader asks "a is to a* as b is to ?" with own words, chooses 3CosAdd, 3CosMul or only b, and
switches whether the given words may be answers. The vectors for it, GloVe of the ten thousand most
frequent words, are too large for a notebook: `packed_vectors` writes them when the site is built,
one byte a number, and the page loads them when the reader asks.

A byte is the number divided by the largest magnitude of its row, in 127 steps. Rows are compared by
cosines, to which the scale of a row does not matter, so the scales are not written. What the bytes
change is measured: `agreement`.

``webassets/live/analogy-switch.js`` answers in the reader's browser; it is tested against
`lib.vectors.Vectors.analogy` over the same bytes.
"""

from __future__ import annotations

import base64
import gzip
import logging
from collections.abc import Sequence
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lib.data import DataError, load
from lib.live import LiveFigure, Table, compact
from lib.vectors import Method, Vectors

Int8s: TypeAlias = NDArray[np.int8]

logger = logging.getLogger(__name__)

SOURCE: Final = "glove-6b-50d"
WORDS: Final = 10_000
TOP: Final = 5
METHODS: Final[tuple[Method, ...]] = ("add", "mul", "only-b")

QUESTIONS: Final = (
    ("man", "king", "woman"),
    ("france", "paris", "italy"),
    ("france", "paris", "japan"),
    ("big", "bigger", "small"),
    ("good", "better", "bad"),
    ("walk", "walked", "go"),
    ("dog", "dogs", "child"),
    ("england", "london", "germany"),
    ("man", "doctor", "woman"),
    ("russia", "moscow", "egypt"),
    ("husband", "wife", "uncle"),
    ("japan", "yen", "britain"),
)
"""A dozen questions: of grammar, of countries, of people."""

EXAMPLES: Final = (
    QUESTIONS[0],
    QUESTIONS[1],
    QUESTIONS[4],
    QUESTIONS[5],
    QUESTIONS[8],
    QUESTIONS[11],
)
"""Those that the page offers to a reader who has none."""

FIRST: Final = ("man", "king", "woman")
CHOICES: Final = ("queen", "king", "woman")
"""What the reader may guess that comes first when the given words are allowed."""


def as_bytes(W: NDArray[Any]) -> Int8s:
    """Write vectors (n, d) in whole numbers from -127 to 127, each row by its own scale.

    Examples
    --------
    >>> as_bytes(np.array([[0.5, -0.25], [0.0, 3.0]])).tolist()
    [[127, -64], [0, 127]]
    """
    most = np.abs(W).max(axis=1, keepdims=True)
    scale = 127 / np.where(most > 0, most, 1)
    return np.rint(W.astype(np.float64) * scale).astype(np.int8)


def small_vectors(vectors: Vectors) -> Vectors:
    """Keep the first `WORDS` words, their vectors in whole numbers.

    Parameters
    ----------
    vectors : Vectors
        Frequent words first.

    Returns
    -------
    Vectors
        What the page has.
    """
    words = list(vectors.words[:WORDS])
    return Vectors(words, as_bytes(vectors.W[: len(words)]), f"{vectors.name}, in bytes")


def packed(vectors: Vectors) -> dict[str, Any]:
    """Write words and bytes as text, for a script of the page.

    Returns
    -------
    dict
        ``words``, apart by blanks; ``d``; ``bytes``, row after row in base 64.

    Examples
    --------
    >>> packed(Vectors(["cat", "dog"], [[1, 0], [0, -2]]))
    {'words': 'cat dog', 'd': 2, 'bytes': 'fwAAgQ=='}
    """
    small = small_vectors(vectors)
    return {
        "words": " ".join(small.words),
        "d": small.W.shape[1],
        "bytes": base64.b64encode(as_bytes(small.W).tobytes()).decode("ascii"),
    }


def packed_vectors() -> dict[str, Any] | None:
    """Make the vectors for the site; called when the site is built.

    Returns
    -------
    dict or None
        See `packed`. None where GloVe was never fetched: the page then keeps its table and says
        that this copy has no vectors.
    """
    try:
        return packed(Vectors.of(load(SOURCE)))
    except DataError as error:
        logger.warning("the analogies have no vectors on this site: %s", error)
        return None


def agreement(
    vectors: Vectors, questions: Sequence[Sequence[str]], method: Method = "add"
) -> float:
    """Say for which share of questions the bytes give the same answer as the full vectors.

    Both answer from the words that the page has; questions with other words are left out.

    Raises
    ------
    ValueError
        If no question is left.
    """
    small = small_vectors(vectors)
    known = [q for q in questions if all(word in small for word in q[:3])]
    if not known:
        raise ValueError("no question has its three words among those of the page")
    full = Vectors(small.words, vectors.W[: len(small)], vectors.name)
    both = zip(full.answers(known, method=method), small.answers(known, method=method), strict=True)
    return sum(a == b for a, b in both) / len(known)


def analogy_switch(vectors: Vectors) -> LiveFigure:
    """Make the live figure *analogy switch*.

    Parameters
    ----------
    vectors : Vectors
        GloVe, ``Vectors.of(load("glove-6b-50d"))``: the page answers with the first `WORDS` words
        of it, and so does the table, with the full numbers.

    Returns
    -------
    LiveFigure
        Its table answers `QUESTIONS` in four ways.
    """
    text = compact(packed(vectors)).encode()
    words = vectors.words[:WORDS]
    table = Vectors(list(words), vectors.W[: len(words)], vectors.name)
    return LiveFigure(
        name="analogy-switch",
        title="Ask your own analogy",
        summary="Say what comes out when the given words are allowed to be the answer, then ask "
        "own questions, switch the method, and see how much of it the third word does alone.",
        data={
            "n": len(words),
            "vectors": vectors.name,
            "megabytes": round(len(text) / 1e6, 1),
            "packed": round(len(gzip.compress(text, mtime=0)) / 1e6, 1),
            "first": list(FIRST),
            "choices": list(CHOICES),
            "answers": _answers(table),
            "examples": [list(question) for question in EXAMPLES],
            "top": TOP,
        },
        table=_table(table),
    )


def _answers(table: Vectors) -> dict[str, list[list[Any]]]:
    """Answer the first question with the given words allowed, and without them."""
    return {
        name: [list(pair) for pair in table.analogy(*FIRST, k=TOP, inputs=allowed)]
        for name, allowed in (("allowed", True), ("left out", False))
    }


def _table(table: Vectors) -> Table:
    """Answer the questions in four ways."""
    rows: list[tuple[str, ...]] = []
    for a, a_star, b in QUESTIONS:
        answers = [table.analogy(a, a_star, b, method=method)[0][0] for method in METHODS]
        allowed = table.analogy(a, a_star, b, inputs=True)[0][0]
        rows.append((f"{a} : {a_star} = {b} : ?", *answers, allowed))
    return Table(("question", "3CosAdd", "3CosMul", "only b", "3CosAdd, given words allowed"), rows)
