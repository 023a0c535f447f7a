"""Benchmarks of word vectors: rated pairs, analogies, associations, neighbours.

Each benchmark is tied to one vocabulary at first, so that a word is a row number; then any matrix
with these rows can be put to it, ``(V, d)`` vectors or, for rated pairs, sparse counts. The same
rows for every method: that keeps races fair.

>>> words = ["man", "woman", "king", "queen"]
>>> W = np.array([[1, 0], [1, 1], [4, 0.1], [3, 2]])
>>> pairs = RatedPairs("toy", np.array([0, 0]), np.array([2, 1]), np.array([8.0, 5.0]), 2)
>>> pairs.cosines(W).round(2)
array([1.  , 0.71])

Papers: Mikolov, Yih & Zweig 2013 (3CosAdd), Levy & Goldberg 2014 (3CosMul), Linzen 2016 (the
baselines), Caliskan, Bryson & Narayanan 2017 (WEAT).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations
from math import comb
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy.sparse as sp
from numpy.typing import ArrayLike, NDArray

from lib.data import load
from lib.evaluate import spearman
from lib.text import Vocabulary
from lib.vectors import Method, Vectors, analogy_scores

Floats: TypeAlias = NDArray[np.float64]
Float32s: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Matrix: TypeAlias = Any  # (V, d) array, sparse matrix, or something that has one as its W
Words: TypeAlias = Vocabulary | Vectors | Mapping[str, int] | Iterable[str]

BATCH = 512
"""So many questions are answered at once: their cosines with all words take the memory."""


def _numbers(words: Words) -> Mapping[str, int]:
    """Give the row number of each word."""
    if isinstance(words, (Vocabulary, Vectors)):
        return words.index
    return words if isinstance(words, Mapping) else {word: i for i, word in enumerate(words)}


def _unit_rows(W: Matrix) -> Float32s:
    """Bring rows to length 1; rows of zeros stay zeros."""
    rows = np.asarray(W, dtype=np.float32)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Float32s = (rows / np.where(lengths == 0, 1, lengths)).astype(np.float32)
    return unit


# Rated pairs ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class RatedPairs:
    """Pairs of words with ratings by people; :func:`rated_pairs` reads them.

    Parameters
    ----------
    name : str
        Of the benchmark.
    first, second : (n,) arrays of int
        Row numbers of the two words of each pair.
    ratings : (n,) array
        Higher means closer.
    total : int
        Pairs in the whole set, with those that the vocabulary does not know.
    """

    name: str
    first: Ints
    second: Ints
    ratings: Floats
    total: int

    def __len__(self) -> int:
        return len(self.ratings)

    def take(self, index: ArrayLike) -> RatedPairs:
        """Keep the pairs that a mask or a list of numbers picks."""
        i = np.asarray(index)
        return replace(self, first=self.first[i], second=self.second[i], ratings=self.ratings[i])

    def cosines(self, W: Matrix) -> Floats:
        """Cosine (n,) of the two rows of each pair; 0 if a row is all zeros.

        Rounded to 12 decimals, so that equal cosines are equal numbers and tie in rank.
        """
        W = getattr(W, "W", W)
        if bool(sp.issparse(W)):
            a, b = (W.tocsr()[i].astype(np.float64) for i in (self.first, self.second))
            products, *squares = (
                np.asarray(x.multiply(y).sum(axis=1)).ravel() for x, y in ((a, b), (a, a), (b, b))
            )
        else:
            a, b = (np.asarray(W)[i].astype(np.float64) for i in (self.first, self.second))
            products, *squares = ((x * y).sum(axis=1) for x, y in ((a, b), (a, a), (b, b)))
        lengths = np.sqrt(squares[0]) * np.sqrt(squares[1])
        cosines: Floats = (products / np.where(lengths == 0, 1, lengths)).round(12)
        return cosines


def rated_pairs(name: Literal["wordsim353", "simlex999"], words: Words) -> RatedPairs:
    """Read a benchmark, and keep the pairs whose two words are known.

    Parameters
    ----------
    name : "wordsim353" or "simlex999"
        Relatedness (Finkelstein et al. 2002) or similarity (Hill et al. 2015).
    words : Vocabulary, Vectors, sequence of words, or mapping from word to row
        Words of the benchmark are lower-cased before they are looked up.

    Examples
    --------
    >>> pairs = rated_pairs("simlex999", ["old", "new", "smart", "intelligent"])
    >>> len(pairs), pairs.total, pairs.ratings
    (2, 999, array([1.58, 9.2 ]))
    """
    index, data = _numbers(words), load(name)
    lowered = [(a.lower(), b.lower()) for a, b in data.pairs]
    known = np.array([a in index and b in index for a, b in lowered], dtype=bool)
    rows = [(index[a], index[b]) for (a, b), kept in zip(lowered, known, strict=True) if kept]
    first, second = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    return RatedPairs(name, first, second, np.asarray(data.ratings)[known], len(lowered))


def disjoint_halves(
    sets: Mapping[str, RatedPairs], rng: np.random.Generator
) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Split benchmarks so that no word, of any of them, stands in both halves.

    Words are dealt to two sides at random; then each in turn changes to the side of most of its
    partners, as long as the sides stay balanced within three words in a hundred. Pairs that still
    straddle the sides are in neither half.

    Returns
    -------
    dict from str to (development, test)
        Masks over the pairs of each set.

    Examples
    --------
    >>> pairs = RatedPairs("toy", np.array([0, 2, 4, 6]), np.array([1, 3, 5, 7]), np.ones(4), 4)
    >>> development, test = disjoint_halves({"toy": pairs}, np.random.default_rng(0))["toy"]
    >>> bool((development & test).any()), int((development | test).sum())
    (False, 4)
    """
    pairs = [np.array([p.first, p.second]) for p in sets.values()]
    judged = np.unique(np.concatenate([p.ravel() for p in pairs]))
    together = np.zeros((len(judged), len(judged)))
    for p in pairs:
        i, j = np.searchsorted(judged, p)
        np.add.at(together, (np.r_[i, j], np.r_[j, i]), 1)
    side = np.where(rng.permutation(len(judged)) % 2, 1, -1)
    slack = max(4.0, 0.03 * len(judged))
    for _ in range(20):
        for i in rng.permutation(len(judged)):
            pulled = together[i] @ side  # where do its partners stand?
            if pulled * side[i] < 0 and abs(side.sum() - 2 * side[i]) < slack:
                side[i] = -side[i]
    halves = {}
    for (name, _), p in zip(sets.items(), pairs, strict=True):
        a, b = side[np.searchsorted(judged, p)]
        halves[name] = ((a > 0) & (b > 0), (a < 0) & (b < 0))
    return halves


def gap(ratings: ArrayLike, first: ArrayLike, second: ArrayLike) -> float:
    """How much better the first agrees with people than the second, in Spearman's correlation.

    Examples
    --------
    >>> gap([1, 2, 3], [1, 2, 3], [3, 2, 1])
    2.0
    """
    return spearman(ratings, first) - spearman(ratings, second)


# Analogies ------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Questions:
    """Analogies "a is to a* as b is to b*"; :func:`analogy_questions` reads them.

    Thousands of questions are made of a few hundred word pairs, each pair of a category with each
    other: (a, a*) is one and (b, b*) another. So the pairs are the evidence.

    Parameters
    ----------
    rows : (q, 4) array of int
        Row numbers of a, a*, b and b*, the answer.
    pairs : (q, 2) array of int
        Which word pairs, of p in all, (a, a*) and (b, b*) are.
    category : (p,) array of int
        The category of each word pair, in rising order.
    categories : tuple of str
        Their names.
    limit : int
        Answers are looked for among the first so many rows.
    total : int
        Questions in the whole set, with those that hold other words.
    """

    rows: Ints
    pairs: Ints
    category: Ints
    categories: tuple[str, ...]
    limit: int
    total: int

    def __len__(self) -> int:
        return len(self.rows)


def analogy_questions(words: Words, limit: int = 20_000) -> Questions:
    """Read the analogies of Mikolov, Chen, Corrado & Dean (2013) that a vocabulary can answer.

    Parameters
    ----------
    words : Vocabulary, Vectors, sequence of words, or mapping from word to row
        In order of frequency.
    limit : int
        The four words must be among the first so many, and so must the answer.

    Returns
    -------
    Questions
        A category without a question is left out.

    Examples
    --------
    >>> words = ["king", "queen", "man", "woman", "boy", "girl", "euro", "japan"]
    >>> questions = analogy_questions(words)
    >>> len(questions), questions.categories, len(questions.category)
    (6, ('family',), 3)
    """
    index, data = _numbers(words), load("analogies")
    known = {word for word, row in index.items() if row < limit}
    rows, pairs, numbers, category = [], [], {}, []  # type: ignore[var-annotated]
    names: list[str] = []
    for name, questions in data.categories.items():
        lowered = (tuple(word.lower() for word in question) for question in questions)
        kept = [question for question in lowered if known.issuperset(question)]
        names += [name] if kept else []
        for question in kept:
            rows.append([index[word] for word in question])
            for pair in (question[:2], question[2:]):
                if (name, pair) not in numbers:
                    numbers[name, pair] = len(numbers)
                    category.append(len(names) - 1)
            pairs.append([numbers[name, question[:2]], numbers[name, question[2:]]])
    return Questions(
        np.array(rows, dtype=np.int64).reshape(-1, 4),
        np.array(pairs, dtype=np.int64).reshape(-1, 2),
        np.array(category, dtype=np.int64),
        tuple(names),
        limit,
        sum(map(len, data.categories.values())),
    )


@dataclass(frozen=True, eq=False)
class Answers:
    """What a method answered; goes into ``record`` or ``bootstrap`` with :func:`macro_average`.

    Its units are the word pairs: ``answers[index]`` draws as many pairs as there are, with
    replacement, within each category, and a question counts as often as both of its pairs were
    drawn, the one times the other. (A bootstrap draws `index` over all pairs. Its numbers serve
    as the seed of the draws within categories, so that two methods get the same draws.)

    Parameters
    ----------
    questions : Questions
    rows : (q,) array of int
        Row number of each answer.
    drawn : (p,) array of int
        How often each word pair counts.
    """

    questions: Questions
    rows: Ints
    drawn: Ints

    @property
    def shape(self) -> tuple[int]:
        """The number of word pairs."""
        return (len(self.drawn),)

    def __len__(self) -> int:
        return len(self.drawn)

    def __getitem__(self, index: ArrayLike) -> Answers:
        seed = np.asarray(index)
        if seed.shape != self.shape:
            raise ValueError(f"pairs are drawn all at once, {len(self)} of them: take a bootstrap")
        category = self.questions.category
        begins, sizes = (np.searchsorted(category, category, side) for side in ("left", "right"))
        sizes = sizes - begins
        places = np.random.default_rng(seed).random(len(self)) * sizes
        drawn = np.bincount(begins + places.astype(np.int64), minlength=len(self))
        return replace(self, drawn=drawn)

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each question (q,) was answered by b*."""
        hits: NDArray[np.bool_] = self.rows == self.questions.rows[:, 3]
        return hits

    def only(self, category: str) -> Answers:
        """Keep one category, for an interval of its own.

        Raises
        ------
        KeyError
            If there is none of this name.
        """
        q = self.questions
        if category not in q.categories:
            raise KeyError(f"{category!r} is no category here: {', '.join(q.categories)}")
        inside = q.category == q.categories.index(category)  # (p,)
        kept, begin = inside[q.pairs[:, 0]], int(inside.argmax())
        pairs, none = q.pairs[kept] - begin, np.zeros(inside.sum(), dtype=np.int64)
        part = replace(q, rows=q.rows[kept], pairs=pairs, category=none, categories=(category,))
        return Answers(part, self.rows[kept], self.drawn[inside])

    def shares(self) -> dict[str, float]:
        """Share of right answers by category; NaN where the draws left no question."""
        q = self.questions
        weight = self.drawn[q.pairs].prod(axis=1)  # (q,)
        category, n = q.category[q.pairs[:, 0]], len(q.categories)
        asked = np.bincount(category, weight, n)
        hit = np.bincount(category, weight * self.right, n)
        with np.errstate(invalid="ignore"):
            return dict(zip(q.categories, (hit / asked).tolist(), strict=True))


def answer(
    table: Matrix, questions: Questions, method: Method = "add", *, inputs_allowed: bool = False
) -> Answers:
    """Answer analogies "a is to a* as b is to ?" by the nearest word.

    Parameters
    ----------
    table : Vectors or (V, d) array
        A row for each word of the vocabulary of `questions`; compared by the cosine.
    questions : Questions
    method : str
        "add" (3CosAdd), "mul" (3CosMul), or one that leaves out what an analogy needs; as in
        :func:`lib.vectors.analogy_scores`.
    inputs_allowed : bool
        Whether a, a* and b may be answers. The published scores leave them out.

    Raises
    ------
    ValueError
        If the method is unknown.

    Examples
    --------
    >>> questions = analogy_questions(["man", "woman", "king", "queen"])
    >>> W = np.array([[1, 0], [1, 1], [4, 0.1], [3, 2]])
    >>> answer(W, questions).right.tolist()
    [True, True]
    >>> answer(W, questions, inputs_allowed=True).rows  # a* itself, both times
    array([3, 1])
    """
    unit = _unit_rows(getattr(table, "W", table))
    U, best = unit[: questions.limit], []
    for start in range(0, max(len(questions), 1), BATCH):  # once even without questions
        given = questions.rows[start : start + BATCH, :3]
        scores = analogy_scores(unit[given], U, method)
        if not inputs_allowed:
            np.put_along_axis(scores, given, -np.inf, axis=1)
        best.append(scores.argmax(axis=1))
    rows = np.concatenate(best)
    return Answers(questions, rows, np.ones(len(questions.category), dtype=np.int64))


def macro_average(answers: Answers) -> float:
    """Mean over categories of the share of right answers: every category counts the same.

    Categories of which a resample left no question are left out; NaN if that leaves none.
    """
    shares = np.array(list(answers.shares().values()))
    known = shares[~np.isnan(shares)]
    return float(known.mean()) if len(known) else float("nan")


def macro_gap(first: Answers, second: Answers) -> float:
    """How much better the first answers than the second, in the macro-average."""
    return macro_average(first) - macro_average(second)


# Associations ---------------------------------------------------------------------------------


def association(
    W: Matrix, words: Sequence[int], A: Sequence[int], B: Sequence[int]
) -> NDArray[np.float64]:
    """Mean cosine of each word with the words of A, minus that with B (WEAT's s(w, A, B)).

    Parameters
    ----------
    W : Vectors or (V, d) array
    words, A, B : sequences of int
        Row numbers.

    Returns
    -------
    (n,) array

    Examples
    --------
    >>> W = np.array([[1, 0], [0, 2], [3, 3], [5, 0]])
    >>> association(W, [2, 3], A=[0], B=[1]).tolist()
    [0.0, 1.0]
    """
    rows = np.asarray(getattr(W, "W", W))
    unit = [_unit_rows(rows[list(part)]).astype(np.float64) for part in (words, A, B)]
    s: Floats = (unit[0] @ unit[1].T).mean(axis=1) - (unit[0] @ unit[2].T).mean(axis=1)
    return s


def weat_effect(x: ArrayLike, y: ArrayLike) -> float:
    """WEAT's effect size: difference of two mean associations, over the spread of all of them.

    ``(mean(x) - mean(y)) / std(x and y)``, with n - 1 in the standard deviation (Caliskan, Bryson
    & Narayanan 2017, who leave n or n - 1 open). It cannot pass 2.

    Examples
    --------
    >>> round(weat_effect([3, 1], [-1, -3]), 3)
    1.549
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    return float((x.mean() - y.mean()) / np.concatenate([x, y]).std(ddof=1))


def permutation_p(
    x: ArrayLike, y: ArrayLike, *, rng: np.random.Generator | None = None, limit: int = 20_000
) -> float:
    """How often a random split of all words into parts of these sizes favours the first as much.

    One-sided, on the sum of x, which for fixed sizes orders splits like the difference of means.
    The split at hand is among those counted, so the answer is never 0.

    Parameters
    ----------
    x, y : (n,) and (m,) arrays
        Associations of the words of two sets.
    rng : numpy.random.Generator, optional
        Draws `limit` splits where there are more than that.
    limit : int
        Up to so many splits are gone through exactly.

    Raises
    ------
    ValueError
        If there are more splits and no `rng`.

    Examples
    --------
    >>> permutation_p([3, 1], [-1, -3])  # the best of the six splits
    0.16666666666666666
    """
    x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    everyone, n = np.concatenate([x, y]), len(x)
    enough = x.sum() - 1e-9  # equal sums may differ by rounding
    if comb(len(everyone), n) <= limit:
        return float(np.mean(everyone[_splits(len(everyone), n)].sum(axis=1) >= enough))
    if rng is None:
        raise ValueError(f"more than {limit:,} splits: pass rng, and {limit:,} are drawn")
    sums = rng.permuted(np.tile(everyone, (limit, 1)), axis=1)[:, :n].sum(axis=1)
    return float((1 + np.sum(sums >= enough)) / (1 + limit))


@lru_cache(maxsize=1)
def _splits(total: int, n: int) -> Ints:
    """Go through all choices of n among the numbers below total: (choices, n)."""
    return np.array(list(combinations(range(total), n)), dtype=np.int64)


# Neighbours -----------------------------------------------------------------------------------


def nearest_rows(
    W: Matrix, queries: ArrayLike, k: int, *, by: Literal["cosine", "distance"] = "cosine"
) -> Ints:
    """Find the k rows nearest to each query, best first, itself left out: (q, k).

    Parameters
    ----------
    W : Vectors or (V, d) array
    queries : (q,) array of int
        Row numbers.
    k : int
    by : "cosine" or "distance"
        The Euclidean distance is for the points of a picture.

    Examples
    --------
    >>> nearest_rows([[1, 0], [9, 1], [1, 1], [0, 1]], [0], 2).tolist()
    [[1, 2]]
    >>> nearest_rows([[1, 0], [9, 1], [1, 1], [0, 1]], [0], 2, by="distance").tolist()
    [[2, 3]]
    """
    rows, q = np.asarray(getattr(W, "W", W), dtype=np.float32), np.asarray(queries)
    if by == "cosine":
        rows = _unit_rows(rows)
        scores = rows[q] @ rows.T
    else:
        rows = rows - rows.mean(axis=0)  # small numbers lose fewer digits
        scores = 2 * rows[q] @ rows.T - (rows**2).sum(axis=1)
    scores[np.arange(len(q)), q] = -np.inf
    nearest: Ints = np.argsort(-scores, axis=1, kind="stable")[:, :k]
    return nearest


def shared(first: Ints, second: Ints) -> Floats:
    """Share (q,) of the entries of each row of the first that stand in that of the second.

    Examples
    --------
    >>> shared(np.array([[1, 2], [3, 4]]), np.array([[2, 1], [4, 5]])).tolist()
    [1.0, 0.5]
    """
    share: Floats = (first[:, :, None] == second[:, None, :]).any(axis=2).mean(axis=1)
    return share
