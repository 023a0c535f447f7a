"""The live figure *one update* of chapter 5: a step of Word2Vec, small enough to watch.

Seven words in two dimensions: three of a river, three of a market, and *the*, which stands beside
all of them. The reader takes one update after the other, sees dot products, sigmoids and errors,
and where each arrow will go; then takes the negatives away, and all words end up in one direction.

``webassets/live/one-update.js`` does the updates in the reader's browser. What is here holds them
against `lib.word2vec.update`, and makes the words, their first vectors and the draws.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lib.live import LiveFigure, Table
from lib.word2vec import Example, noise_distribution, sigmoid, update

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

TOPICS: Final = (("river", "stream", "water"), ("price", "shares", "market"))
WORDS: Final = (*TOPICS[0], *TOPICS[1], "the")
PAIRS: Final = tuple(
    (WORDS.index(centre), WORDS.index(context))
    for topic in TOPICS
    for centre, context in (
        *((a, b) for a in topic for b in topic if a != b),
        *((word, "the") for word in topic),
        *(("the", word) for word in topic),
    )
)
"""What stands beside what: each word beside the two of its topic and beside *the*."""

MOST: Final = 5  # negatives drawn for each update; fewer are used if the reader wants fewer
UPDATES: Final = 600
RATES: Final = (0.05, 0.1, 0.25, 0.5)  # at 1 the vectors of this toy explode
RATE: Final = 0.25
NEGATIVES: Final = 2  # at the beginning
SPAN: Final = 0.5  # the numbers of the first vectors lie between minus and plus this


@dataclass(frozen=True)
class Toy:
    """Where the figure begins, and what is drawn.

    Attributes
    ----------
    W, C : (7, 2) arrays
        The first input and output vectors. word2vec.c begins with outputs of zero; here they are
        random, so that there is something to see.
    draws : (updates, 2 + MOST) array of int
        For each update its centre, its true context, and the words drawn from the noise.
    """

    W: Floats
    C: Floats
    draws: Ints

    def example(self, step: int, negatives: int) -> Example:
        """Give the example of an update with so many of its negatives.

        Examples
        --------
        >>> example = toy().example(0, 2)
        >>> len(example.outputs), example.labels.tolist()
        (3, [1.0, 0.0, 0.0])
        """
        centre, *outputs = self.draws[step, : 2 + negatives]
        labels = np.zeros(1 + negatives, dtype=np.float32)
        labels[0] = 1
        return Example(np.array([centre]), np.array(outputs), labels)


@cache
def toy() -> Toy:
    """Make the toy: the same each time.

    All pairs come once, in random order, then again. The noise is that of Word2Vec, counts to the
    power 3/4, without the true context.

    Examples
    --------
    >>> toy().W.shape, toy().draws.shape
    ((7, 2), (600, 7))
    """
    rng = np.random.default_rng(0)
    V = len(WORDS)
    W, C = rng.uniform(-SPAN, SPAN, (2, V, 2)).round(2)  # few digits, so that the page has them
    rounds = -(-UPDATES // len(PAIRS))
    order = np.concatenate([rng.permutation(len(PAIRS)) for _ in range(rounds)])[:UPDATES]
    pairs = np.array(PAIRS)[order]
    counts = np.bincount(np.array(PAIRS)[:, 1], minlength=V)
    negatives = np.empty((UPDATES, MOST), dtype=np.int64)
    for row, (_, context) in zip(negatives, pairs, strict=True):
        noise = noise_distribution(np.where(np.arange(V) == context, 0, counts))
        row[:] = rng.choice(V, MOST, p=noise)
    return Toy(W, C, np.concatenate([pairs, negatives], axis=1))


def trained(negatives: int, rate: float, updates: int) -> tuple[Floats, Floats]:
    """Return the vectors (V, 2) after so many updates from the beginning.

    Examples
    --------
    >>> W, C = trained(2, 0.25, 0)
    >>> bool((W == toy().W).all())
    True
    """
    start = toy()
    W, C = start.W.copy(), start.C.copy()
    for step in range(updates):
        update(W, C, start.example(step, negatives), rate)
    return W, C


@dataclass(frozen=True)
class Measures:
    """What became of the vectors.

    Attributes
    ----------
    cosine : float
        Mean cosine of all pairs of input vectors: 1 if all point in one direction.
    same, across : float
        The same within the topics, and between them.
    seen, unseen : float
        Mean probability that the model gives to pairs that stand side by side, and to those that
        never do.
    length : float
        Mean length of the input vectors.
    """

    cosine: float
    same: float
    across: float
    seen: float
    unseen: float
    length: float


def measures(W: Floats, C: Floats) -> Measures:
    """Measure vectors (V, 2).

    Examples
    --------
    >>> ones = np.ones((7, 2))
    >>> round(measures(ones, -ones).cosine, 9), round(measures(ones, -ones).seen, 3)
    (1.0, 0.119)
    """
    U = W / np.linalg.norm(W, axis=1, keepdims=True)
    cosines, p = U @ U.T, sigmoid(W @ C.T)
    V, topic = len(W), np.array([0, 0, 0, 1, 1, 1, -1])
    pair = np.triu(np.ones((V, V), dtype=bool), 1)
    known = (topic[:, None] >= 0) & (topic >= 0)
    alike = topic[:, None] == topic
    seen = np.zeros((V, V), dtype=bool)
    seen[tuple(np.array(PAIRS).T)] = True
    unseen = ~seen & ~np.eye(V, dtype=bool)
    return Measures(
        cosine=float(cosines[pair].mean()),
        same=float(cosines[pair & known & alike].mean()),
        across=float(cosines[pair & known & ~alike].mean()),
        seen=float(p[seen].mean()),
        unseen=float(p[unseen].mean()),
        length=float(np.linalg.norm(W, axis=1).mean()),
    )


def one_update() -> LiveFigure:
    """Make the live figure *one update*; it needs no data.

    Returns
    -------
    LiveFigure
        Its table says what becomes of the vectors with 0 to 5 negatives.
    """
    start = toy()
    return LiveFigure(
        name="one-update",
        title="One update of Word2Vec",
        summary="Seven words in two dimensions. Say what becomes of them without negatives, then "
        "take one update after the other and see what each of them pulls and pushes.",
        data={
            "words": list(WORDS),
            "topics": [[WORDS.index(word) for word in topic] for topic in TOPICS],
            "pairs": [list(pair) for pair in PAIRS],
            "W": start.W,
            "C": start.C,
            "draws": start.draws,
            "rates": list(RATES),
            "rate": RATE,
            "negatives": NEGATIVES,
            "most": MOST,
        },
        table=_table(),
    )


def _table() -> Table:
    """Say what becomes of the vectors with each number of negatives."""
    rows: list[tuple[Any, ...]] = []
    for negatives in range(MOST + 1):
        m = measures(*trained(negatives, RATE, UPDATES))
        rows.append((negatives, m.cosine, m.same, m.across, m.seen, m.unseen, m.length))
    header = (
        f"negatives, after {UPDATES} updates at rate {RATE}",
        "mean cosine of all words",
        "within a topic",
        "between topics",
        "probability given to seen pairs",
        "to unseen pairs",
        "mean length",
    )
    return Table(header, rows)
