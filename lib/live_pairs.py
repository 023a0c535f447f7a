"""The pair judge: twelve pairs of sentences, five methods, and which of them agrees with you.

The reader says how similar the two sentences of each pair are, from 0 to 10, before seeing what
the methods say. Then the question of chapter 1 is asked of one reader instead of fifty documents:
in which order do you put the pairs, and whose order is nearest to it? Ratings and cosines have
different units, so only their order is compared (Spearman); twelve pairs are few, so every
agreement has an interval (the jackknife over pairs), and two methods count as told apart only if
the interval of their difference stays clear of zero at a level that is strict enough for ten looks.

How far is such an interval to be trusted? In simulated readers (normal scores, ratings rounded to
0 to 10) it held the true correlation for about 88 in 100 of them at six pairs and 93 at twelve,
not 95: a little too narrow. Of five equally good methods one was wrongly told from the best by at
most 4 in 100 readers who looked once, but by up to 17 in 100 who looked after every pair. The
strict level pays for ten pairs of methods, not for looking again and again; the page says so.

``webassets/live/pair-judge.js`` computes the same in the reader's browser. What is here is the
reference that it is tested against, and the maker of its data.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import scipy.stats

from lib.data import SentencePairs
from lib.encoders import Encoder
from lib.evaluate import Estimate, cosine_matrix, jackknife, paired_difference, spearman
from lib.live import LiveFigure, Table
from lib.plot import METHODS
from lib.text import tokenize

METHODS_JUDGED: Final = ("one-hot", "counts", "tfidf", "glove", "minilm")
TOP: Final = 10  # the highest rating; the lowest is 0
FEWEST: Final = 3  # ratings from which an order is compared at all
FEWEST_FOR_INTERVAL: Final = 6  # below, leaving one pair out changes too much or nothing
LEVEL: Final = 0.95
LOOKS: Final = math.comb(len(METHODS_JUDGED), 2)  # pairs of methods that a reader may compare
STRICT: Final = 1 - (1 - LEVEL) / LOOKS
DUST: Final = 1e-9  # differences below are rounding
DECIMALS: Final = 9  # so that equal correlations are equal, whatever the order of summation

KINDS: Final[Mapping[str, str]] = {
    "paraphrase": "The same meaning without a shared content word",
    "two senses": "One word in two senses",
    "same topic": "The same topic, another statement",
    "roles swapped": "The same words, roles swapped",
    "function words": "Unrelated, but sharing the small words",
    "negation": "One small word turns it round",
    "unrelated": "Unrelated",
    "misspelt": "The same sentence, misspelt",
    "near-identical": "Nearly the same wording",
}


def pair_cosines(encoder: Encoder, pairs: Sequence[tuple[str, str]]) -> list[float]:
    """Cosine of the two sentences of each pair, by an encoder that is fitted.

    A sentence without a known word has the zero vector, and cosine 0 with anything.

    Examples
    --------
    >>> from lib.encoders import OneHotDocument
    >>> seen = OneHotDocument().fit(["the river rises", "the price"])
    >>> [round(c, 2) for c in pair_cosines(seen, [("the river", "the price"), ("rises", "zebra")])]
    [0.5, 0.0]
    """
    first = encoder.encode([a for a, _ in pairs])
    second = encoder.encode([b for _, b in pairs])
    return [float(c) for c in np.diagonal(cosine_matrix(first, second))]


@dataclass(frozen=True)
class Agreement:
    """How one method's order of the rated pairs agrees with the reader's.

    ``rho`` is Spearman's correlation, None if the method gives all pairs the same cosine;
    ``low`` and ``high`` bound it at 95 %, None where no interval can be had. ``apart`` says
    whether the pairs tell the method from the one that agrees best: True or False, None if there
    is no telling yet.
    """

    method: str
    rho: float | None
    low: float | None = None
    high: float | None = None
    apart: bool | None = None


def agreements(
    ratings: Sequence[int | None], cosines: Mapping[str, Sequence[float]]
) -> list[Agreement]:
    """Compare the reader's order of the rated pairs with every method's, best first.

    Parameters
    ----------
    ratings : sequence of int or None
        One a pair, from 0 to 10; None where the reader has not rated yet.
    cosines : mapping of str to sequence of float
        By method, one a pair.

    Returns
    -------
    list of Agreement
        Sorted by falling ``rho``, undefined ones last, in the order of ``cosines`` where equal.
        Empty if fewer than three pairs are rated, or all with the same rating: without a
        difference there is no order.

    Examples
    --------
    >>> cosines = {"counts": [0.9, 0.1, 0.5, 0.2], "minilm": [0.8, 0.3, 0.2, 0.9]}
    >>> [(a.method, round(a.rho, 2)) for a in agreements([9, 1, 4, None], cosines)]
    [('counts', 1.0), ('minilm', 0.5)]
    >>> agreements([5, 5, 5, 5], cosines)
    []
    """
    rated = [i for i, rating in enumerate(ratings) if rating is not None]
    mine = [float(ratings[i] or 0) for i in rated]
    if len(rated) < FEWEST or len(set(mine)) == 1:
        return []
    theirs = {name: [values[i] for i in rated] for name, values in cosines.items()}
    rhos = {name: spearman(mine, values) for name, values in theirs.items()}
    order = sorted(
        rhos, key=lambda m: math.inf if math.isnan(rhos[m]) else -round(rhos[m], DECIMALS)
    )
    best = order[0]
    return [
        Agreement(
            name,
            None if math.isnan(rhos[name]) else rhos[name],
            *_bounds(mine, theirs[name]),
            None if name == best else _told_apart(mine, theirs[best], theirs[name]),
        )
        for name in order
    ]


def _bounds(mine: list[float], theirs: list[float]) -> tuple[float | None, float | None]:
    """Return the ends of the interval, cut to the scale; None where it says nothing."""
    estimate = _interval(mine, theirs)
    if estimate is None:
        return None, None
    return max(-1.0, estimate.low), min(1.0, estimate.high)


def _interval(
    mine: list[float], theirs: list[float], best: list[float] | None = None
) -> Estimate | None:
    """Jackknife over pairs: of a correlation, or of how far ``best`` lies above it.

    None with too few pairs, where it is undefined without one of them, and where leaving one
    out changes nothing: an interval of no width would claim a certainty that nobody has.
    """
    if len(mine) < FEWEST_FOR_INTERVAL:
        return None
    try:
        if best is None:
            found = jackknife(spearman, mine, theirs, unit="pairs", level=LEVEL)
        else:
            found = paired_difference(
                spearman, (mine, best), (mine, theirs), unit="pairs", level=STRICT
            )
    except ValueError:
        return None
    return found if found.high - found.low > DUST else None


def _told_apart(mine: list[float], best: list[float], theirs: list[float]) -> bool | None:
    """Say whether the difference to the best stays above zero; None if that cannot be said."""
    difference = _interval(mine, theirs, best)
    return None if difference is None else difference.low > 0


def pair_judge(
    sentences: SentencePairs, cosines: Mapping[str, Sequence[float]], background: Sequence[str]
) -> LiveFigure:
    """Make the figure: the pairs, each method's cosines, and what the script needs beside them.

    Parameters
    ----------
    sentences : SentencePairs
        As ``lib.data.load("sentence-pairs")`` gives them.
    cosines : mapping of str to sequence of float
        By method (names of ``lib.plot.METHODS``), one a pair.
    background : sequence of str
        What the counting methods were fitted on: words that it lacks are named beside the answers.

    Raises
    ------
    ValueError
        If a method has not one cosine a pair.
    """
    n = len(sentences.pairs)
    for name, values in cosines.items():
        if len(values) != n:
            raise ValueError(f"{name}: {len(values)} cosines for {n} pairs")
    known = {word for text in background for word in tokenize(text)}
    pairs = [
        {
            "kind": KINDS[kind],
            "first": first,
            "second": second,
            "unseen": [w for w in dict.fromkeys(tokenize(f"{first} {second}")) if w not in known],
            "cosines": [round(float(values[i]), 4) for values in cosines.values()],
        }
        for i, (kind, (first, second)) in enumerate(
            zip(sentences.kinds, sentences.pairs, strict=True)
        )
    ]
    return LiveFigure(
        "pair-judge",
        "Which method agrees with you?",
        f"Rate {number_word(n)} pairs of sentences from 0 (nothing to do with each other) to {TOP} "
        "(mean the same). After each rating the methods show their cosines; from the third on you "
        "see whose order of the pairs is nearest to yours, and how sure that is.",
        {
            "pairs": pairs,
            "methods": [_look(name) for name in cosines],
            "human": _look("human"),
            "top": TOP,
            "fewest": FEWEST,
            "fewestForInterval": FEWEST_FOR_INTERVAL,
            "quantiles": _quantiles(n),
        },
        _table(pairs, list(cosines)),
        digits=6,
    )


def number_word(n: int) -> str:
    """Write a small number as a word; above twelve, in figures.

    Examples
    --------
    >>> number_word(12), number_word(30)
    ('twelve', '30')
    """
    words = [
        "no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
        "eleven", "twelve",
    ]  # fmt: skip
    return words[n] if n < len(words) else str(n)


def _look(name: str) -> dict[str, str]:
    """Return how a method is called and drawn in the whole book."""
    style = METHODS[name]
    return {"name": name, "label": style.label, "colour": style.colour, "marker": style.marker}


def _quantiles(n: int) -> dict[str, list[float]]:
    """Tabulate, by number of pairs, Student's quantiles of one interval and of one in ten looks."""
    return {
        str(k): [float(scipy.stats.t.ppf((1 + level) / 2, k - 1)) for level in (LEVEL, STRICT)]
        for k in range(FEWEST_FOR_INTERVAL, n + 1)
    }


def _table(pairs: Sequence[Mapping[str, object]], methods: Sequence[str]) -> Table:
    """Lay out the pairs with a column for each method."""
    header = ("Pair", "First sentence", "Second sentence", *(METHODS[m].label for m in methods))
    rows = []
    for number, pair in enumerate(pairs, start=1):
        cosines = pair["cosines"]
        assert isinstance(cosines, list)
        rows.append((number, str(pair["first"]), str(pair["second"]), *cosines))
    return Table(header, rows)
