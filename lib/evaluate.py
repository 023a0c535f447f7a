"""From vectors to scores, and from scores to intervals.

Four groups of functions, in the order in which the book needs them: how similar two vectors are,
how well a system agrees with people or labels, a fair linear probe, and how far a score would have
moved on other documents. The last group takes any statistic; what it needs to know is the *unit*:
the thing of which the next data set would bring new ones. Fifty documents give 1,225 pairs, but
only fifty units.

References
----------
Efron, B. & Tibshirani, R. (1993). An Introduction to the Bootstrap. Chapman & Hall.
McSherry, F. & Najork, M. (2008). Computing information retrieval performance measures efficiently
in the presence of tied scores. ECIR.
Snijders, T. & Borgatti, S. (1999). Non-parametric standard errors and tests for network
statistics. Connections 22(2).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

import numpy as np
import scipy.sparse as sp
import scipy.stats
from numpy.typing import ArrayLike, NDArray

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.intp]
Labels: TypeAlias = NDArray[Any]  # numbers or strings
Matrix: TypeAlias = Any  # an array (n, d) or a scipy sparse matrix of that shape
Data: TypeAlias = Any  # something with one entry a unit: a list, an array, a Matrix, or Pairs
Statistic: TypeAlias = Callable[..., float]


def _is_sparse(X: Matrix) -> bool:
    return bool(sp.issparse(X))


# ---------------------------------------------------------------------------------------------
# Similarity
# ---------------------------------------------------------------------------------------------


def cosine(u: ArrayLike, v: ArrayLike) -> float:
    """Cosine of the angle between two vectors, ``u . v / (|u| |v|)``.

    Parameters
    ----------
    u, v : (d,) array
        Two vectors of the same length.

    Returns
    -------
    float
        Between -1 and 1; 0 if either vector is all zeros (an empty document points nowhere).

    Raises
    ------
    ValueError
        If the lengths differ, or a value is not finite.

    Examples
    --------
    >>> cosine([1, 0], [1, 1])
    0.707106781187
    >>> cosine([0, 0], [1, 1])
    0.0
    """
    first, second = np.asarray(u, dtype=np.float64), np.asarray(v, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise ValueError(
            f"cosine needs two vectors of one length, got shapes {first.shape} and "
            f"{second.shape}; cosine_matrix compares rows of matrices"
        )
    return float(cosine_matrix(first[None], second[None])[0, 0])


def cosine_matrix(A: Matrix, B: Matrix | None = None) -> Floats:
    """Cosine of each row of ``A`` with each row of ``B`` (by default with each row of ``A``).

    Divides every row by its length once; then one matrix product gives all cosines.

    Parameters
    ----------
    A : (n, d) array or sparse matrix
    B : (m, d) array or sparse matrix, optional

    Returns
    -------
    (n, m) array of float64
        Rounded to 12 decimals, so that equal cosines are equal numbers. Eight bytes a pair: 20,000
        rows against themselves take 3.2 GB, and sparse input needs 2.6 times as much for a moment.
        A row of zeros has cosine 0 with everything, itself included.

    Raises
    ------
    ValueError
        If the numbers of columns differ, or a value is not finite.

    Examples
    --------
    >>> cosine_matrix([[3, 0], [0, 0]], [[1, 0], [1, 1]]).round(3)
    array([[1.   , 0.707],
           [0.   , 0.   ]])
    """
    left = _unit_rows(A)
    right = left if B is None else _unit_rows(B)
    if left.shape[1] != right.shape[1]:
        raise ValueError(
            f"cosine_matrix: A has {left.shape[1]} columns and B has {right.shape[1]}; "
            "encode both with the same fitted encoder"
        )
    product = left @ right.T
    dense = product.toarray() if _is_sparse(product) else np.asarray(product)
    # Equal cosines must be equal numbers: the last digits depend on the order of the columns and
    # on the processor, and would otherwise break ties.
    dense.round(12, out=dense)
    return np.clip(dense, -1.0, 1.0, out=dense)


def _unit_rows(X: Matrix) -> Matrix:
    """Divide each row by its Euclidean length; rows of zeros stay zeros."""
    if _is_sparse(X):
        S = sp.csr_matrix(X, dtype=np.float64, copy=True)
        S.sum_duplicates()
        _require_finite(S.data, "cosine")
        S.data /= np.repeat(_or_one(abs(S).max(axis=1).toarray().ravel()), np.diff(S.indptr))
        squares = np.asarray(S.multiply(S).sum(axis=1)).ravel()
        S.data /= np.repeat(np.sqrt(_or_one(squares)), np.diff(S.indptr))
        return S
    D = np.array(X, dtype=np.float64)
    if D.ndim != 2:
        raise ValueError(f"cosine_matrix needs matrices (n, d), got shape {D.shape}")
    squares = np.einsum("ij,ij->i", D, D)
    # Squares of very large or small numbers leave the range of a float: there, the largest entry
    # is divided out first. (The sparse branch does so always.)
    odd = ~((squares > 1e-200) & (squares < 1e200))
    if odd.any():
        _require_finite(D[odd], "cosine")
        D[odd] /= _or_one(np.abs(D[odd]).max(axis=1, initial=0.0))[:, None]
        squares[odd] = np.einsum("ij,ij->i", D[odd], D[odd])
    D /= np.sqrt(_or_one(squares))[:, None]
    return D


def _or_one(x: Floats) -> Floats:
    return np.where(x == 0, 1.0, x)


def _require_finite(x: NDArray[Any], who: str) -> None:
    if not np.isfinite(x).all():
        raise ValueError(f"{who}: a value is NaN or infinite; look for a division by zero before")


def upper_triangle(M: ArrayLike) -> Floats:
    """Entries above the diagonal of a square matrix, row by row: each pair once.

    Parameters
    ----------
    M : (n, n) array

    Returns
    -------
    (n * (n - 1) / 2,) array of float64
        In the order (0, 1), (0, 2), ..., (1, 2), ...

    Raises
    ------
    ValueError
        If ``M`` is not square.

    Examples
    --------
    >>> upper_triangle([[1, 2, 3], [2, 1, 4], [3, 4, 1]])
    array([2., 3., 4.])
    """
    matrix = np.asarray(M, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"upper_triangle needs a square matrix, got shape {matrix.shape}")
    return matrix[np.triu_indices(len(matrix), 1)]


# ---------------------------------------------------------------------------------------------
# Agreement of two lists of numbers
# ---------------------------------------------------------------------------------------------


def pearson(x: ArrayLike, y: ArrayLike) -> float:
    """Pearson's correlation: the cosine of the two lists after each has lost its mean.

    Parameters
    ----------
    x, y : (n,) array

    Returns
    -------
    float
        Between -1 and 1; NaN where it is undefined, that is if a list is constant.

    Raises
    ------
    ValueError
        If the lengths differ, there are fewer than two numbers, or one is not finite.

    Examples
    --------
    >>> round(pearson([1, 2, 3], [1, 2, 4]), 4)
    0.982
    """
    a, b = _two_lists(x, y, "pearson")
    if (a == a[0]).all() or (b == b[0]).all():
        return float("nan")
    a, b = _centred(a), _centred(b)
    return float(np.clip(a @ b / np.sqrt((a @ a) * (b @ b)), -1.0, 1.0))


def _centred(x: Floats) -> Floats:
    """Subtract the mean; divide by a constant first, which keeps sums of squares finite."""
    scaled = x / np.abs(x).max()
    centred: Floats = scaled - scaled.mean()
    return centred


def average_ranks(x: ArrayLike) -> Floats:
    """Ranks from 1 (smallest) to n; equal values share the mean of the ranks they fill.

    Parameters
    ----------
    x : (n,) array

    Returns
    -------
    (n,) array of float64

    Raises
    ------
    ValueError
        If ``x`` is not a flat list, or holds a NaN, which has no rank.

    Examples
    --------
    >>> average_ranks([30, 10, 20, 20])
    array([4. , 1. , 2.5, 2.5])
    """
    values = np.asarray(x, dtype=np.float64)
    if values.ndim != 1 or np.isnan(values).any():
        raise ValueError(f"average_ranks needs a list of numbers without NaN, got {values.shape}")
    order = np.argsort(values, kind="stable")
    starts, sizes = _runs(values[order])
    ranks = np.empty(len(values))
    # A run of t equal values from position s on fills the ranks s+1, ..., s+t: mean s + (t+1)/2.
    ranks[order] = np.repeat(starts + (sizes + 1) / 2, sizes)
    return ranks


def _runs(ordered: Floats) -> tuple[Ints, Ints]:
    """Start and size of each run of equal neighbours."""
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    starts = np.concatenate(([0], changes)) if len(ordered) else np.empty(0, dtype=np.intp)
    return starts, np.diff(np.append(starts, len(ordered)))


def spearman(x: ArrayLike, y: ArrayLike) -> float:
    """Spearman's rank correlation: Pearson's correlation of the average ranks.

    The shortcut ``1 - 6 sum(d^2) / (n^3 - n)`` holds only without ties; human ratings are full of
    them (Kendall 1945 treats the tied case).

    Parameters
    ----------
    x, y : (n,) array

    Returns
    -------
    float
        Between -1 and 1; NaN where it is undefined, that is if a list is constant.

    Raises
    ------
    ValueError
        If the lengths differ, there are fewer than two numbers, or one is not finite.

    Examples
    --------
    >>> round(spearman([1, 2, 3, 4], [1, 4, 4, 16]), 4)
    0.9487
    """
    a, b = _two_lists(x, y, "spearman")
    return pearson(average_ranks(a), average_ranks(b))


def _two_lists(x: ArrayLike, y: ArrayLike, who: str) -> tuple[Floats, Floats]:
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if a.ndim != 1 or a.shape != b.shape or len(a) < 2:
        raise ValueError(
            f"{who} needs two lists of one length, at least two numbers each, got shapes "
            f"{a.shape} and {b.shape}; upper_triangle turns a matrix of pairs into a list"
        )
    _require_finite(a, who)
    _require_finite(b, who)
    return a, b


# ---------------------------------------------------------------------------------------------
# Classification
# ---------------------------------------------------------------------------------------------


def accuracy(y: ArrayLike, y_hat: ArrayLike) -> float:
    """Share of documents whose predicted label is the true one.

    Parameters
    ----------
    y, y_hat : (n,) array
        True and predicted labels.

    Raises
    ------
    ValueError
        If the lengths differ or there is no document.

    Examples
    --------
    >>> accuracy(["a", "b", "b", "a"], ["a", "b", "a", "a"])
    0.75
    """
    truth, guess = _two_labellings(y, y_hat, "accuracy")
    return float((truth == guess).mean())


def macro_f1(y: ArrayLike, y_hat: ArrayLike, labels: ArrayLike | None = None) -> float:
    """Mean over classes of F1 = 2 TP / (2 TP + FP + FN): every class counts the same.

    Parameters
    ----------
    y, y_hat : (n,) array
        True and predicted labels.
    labels : (c,) array, optional
        The classes to average over. Default: those that occur in ``y`` or ``y_hat``. Pass them
        when resampling: a class that falls out of a resample would otherwise leave the mean. A
        class that occurs in neither list has F1 0.

    Raises
    ------
    ValueError
        If the lengths differ, or there is no document or no class.

    Examples
    --------
    >>> round(macro_f1(["a", "a", "a", "b"], ["a", "a", "b", "b"]), 4)
    0.7333
    """
    truth, guess = _two_labellings(y, y_hat, "macro_f1")
    seen = np.unique(np.concatenate([truth, guess]))
    classes = seen if labels is None else np.unique(np.asarray(labels))
    if not len(classes):
        raise ValueError("macro_f1: labels is empty; leave it out to use the labels that occur")
    index = {c: i for i, c in enumerate(classes.tolist())}
    outside = len(classes)  # one more bin for labels that are not averaged over
    t = np.array([index.get(c, outside) for c in seen.tolist()])[np.searchsorted(seen, truth)]
    g = np.array([index.get(c, outside) for c in seen.tolist()])[np.searchsorted(seen, guess)]
    hits = np.bincount(t[t == g], minlength=outside + 1)[:outside]
    # True plus predicted counts of a class are 2 TP + FN + FP.
    both = np.bincount(t, minlength=outside + 1) + np.bincount(g, minlength=outside + 1)
    return float(np.mean(2 * hits / np.maximum(both[:outside], 1)))


def _two_labellings(y: ArrayLike, y_hat: ArrayLike, who: str) -> tuple[Labels, Labels]:
    truth, guess = np.asarray(y), np.asarray(y_hat)
    if truth.ndim != 1 or truth.shape != guess.shape or not len(truth):
        raise ValueError(
            f"{who} needs one predicted label for each true one, got shapes {truth.shape} and "
            f"{guess.shape}"
        )
    return truth, guess


# ---------------------------------------------------------------------------------------------
# Retrieval
# ---------------------------------------------------------------------------------------------
# Each measure looks at one query: `relevance` and `scores` hold a number for each document. When
# documents tie in score, their order is up to chance; each measure is then its expectation over
# all orders of the tied documents, so that no hidden order of the data decides a result.


def precision_at_k(relevance: ArrayLike, scores: ArrayLike, k: int) -> float:
    """Share of relevant documents among the first ``k``.

    Parameters
    ----------
    relevance : (n,) array
        Relevant (positive) or not (0), for each document.
    scores : (n,) array
        The system's score of each document; higher ranks earlier. Ties count by
        their expectation (McSherry & Najork 2008).
    k : int
        The cut. With fewer than ``k`` documents the missing ones count as not relevant.

    Raises
    ------
    ValueError
        If the lengths differ, a relevance is negative or ``k`` is below 1.

    Examples
    --------
    >>> precision_at_k([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], k=2)
    0.5
    """
    hits = _expected_gains(_binary(relevance), scores, _cut(k))
    return float(hits.sum() / k)


def recall_at_k(relevance: ArrayLike, scores: ArrayLike, k: int) -> float:
    """Share of all relevant documents that are found among the first ``k``.

    Parameters
    ----------
    relevance, scores, k
        As in :func:`precision_at_k`.

    Raises
    ------
    ValueError
        Also if no document is relevant: leave such a query out.

    Examples
    --------
    >>> recall_at_k([1, 0, 1, 0], [0.9, 0.8, 0.7, 0.1], k=2)
    0.5
    """
    relevant = _some_relevant(_binary(relevance), "recall_at_k")
    return float(_expected_gains(relevant, scores, _cut(k)).sum() / relevant.sum())


def reciprocal_rank(relevance: ArrayLike, scores: ArrayLike, k: int | None = None) -> float:
    """One divided by the rank of the first relevant document.

    If the first tie group with relevant documents starts after ``s`` documents and holds ``r``
    relevant among ``g``, the first of them stands at place ``j`` of the group with probability
    ``C(g - j, r - 1) / C(g, r)`` (McSherry & Najork 2008).

    Parameters
    ----------
    relevance, scores
        As in :func:`precision_at_k`.
    k : int, optional
        Counts 0 where the first relevant document stands after rank ``k``.

    Raises
    ------
    ValueError
        Also if no document is relevant: leave such a query out.

    Examples
    --------
    >>> reciprocal_rank([0, 1, 1], [0.9, 0.8, 0.7])
    0.5
    """
    relevant = _some_relevant(_binary(relevance), "reciprocal_rank")
    limit = len(relevant) if k is None else _cut(k)
    starts, sizes, sums = _tie_groups(relevant, scores)
    first = int(np.flatnonzero(sums > 0)[0])
    s, g, r = int(starts[first]), int(sizes[first]), int(sums[first])
    expected, chance = 0.0, r / g  # the chance that the first relevant one stands at place j = 1
    for j in range(1, g - r + 2):
        if s + j <= limit:
            expected += chance / (s + j)
        if j < g:  # C(g - j - 1, r - 1) / C(g - j, r - 1)
            chance *= (g - j - r + 1) / (g - j)
    return expected


def average_precision(relevance: ArrayLike, scores: ArrayLike) -> float:
    """Mean, over the relevant documents, of the precision at the rank of each.

    Within a tie group of ``g`` documents with ``r`` relevant, after ``s`` documents with ``p``
    relevant, place ``j`` holds a relevant one with chance ``r / g``, and then ``p + 1 +
    (j - 1)(r - 1) / (g - 1)`` relevant ones are expected down to it (McSherry & Najork
    2008).

    Parameters
    ----------
    relevance, scores
        As in :func:`precision_at_k`.

    Raises
    ------
    ValueError
        Also if no document is relevant: leave such a query out.

    Examples
    --------
    >>> round(average_precision([1, 0, 1], [0.9, 0.8, 0.7]), 4)
    0.8333
    """
    relevant = _some_relevant(_binary(relevance), "average_precision")
    starts, sizes, sums = _tie_groups(relevant, scores)
    before = np.cumsum(sums) - sums
    s, g, r, p = (np.repeat(x, sizes) for x in (starts, sizes, sums, before))  # each (n,)
    rank = np.arange(1, len(relevant) + 1)
    found = p + 1 + (rank - s - 1) * (r - 1) / np.maximum(g - 1, 1)
    return float(np.sum(r / g * found / rank) / relevant.sum())


def ndcg(
    relevance: ArrayLike,
    scores: ArrayLike,
    k: int | None = None,
    *,
    gain: Literal["linear", "exponential"] = "linear",
) -> float:
    """Discounted cumulative gain, divided by that of the best possible order.

    The document at rank ``i`` adds ``gain / log2(1 + i)`` (Jarvelin & Kekalainen 2002 with the
    discount now usual). The ideal order ranks by relevance and is cut at ``k`` as well.

    Parameters
    ----------
    relevance : (n,) array
        Grades, 0 for not relevant.
    scores : (n,) array
        As in :func:`precision_at_k`.
    k : int, optional
        The cut; by default all documents count.
    gain : {"linear", "exponential"}
        ``relevance`` itself, or ``2 ** relevance - 1`` (Burges et al. 2005), which lets one
        highly relevant document outweigh several slightly relevant ones. The same for 0 and 1.

    Raises
    ------
    ValueError
        If the lengths differ, a grade is negative, no document is relevant (leave such a query
        out), ``k`` is below 1 or ``gain`` is unknown.

    Examples
    --------
    >>> round(ndcg([3, 0, 1], [0.9, 0.8, 0.7]), 4)
    0.9639
    """
    grades = _some_relevant(_grades(relevance), "ndcg")
    if gain not in ("linear", "exponential"):
        raise ValueError(f"ndcg: gain must be 'linear' or 'exponential', got {gain!r}")
    gains = grades if gain == "linear" else 2.0**grades - 1
    limit = len(gains) if k is None else min(_cut(k), len(gains))
    discount = 1 / np.log2(1 + np.arange(1, limit + 1))
    ideal = np.sort(gains)[::-1][:limit]
    return float(_expected_gains(gains, scores, limit) @ discount / (ideal @ discount))


def _expected_gains(gains: Floats, scores: ArrayLike, k: int) -> Floats:
    """Give each tied document the mean gain of its group; return ranks 1 to k."""
    _, sizes, sums = _tie_groups(gains, scores)
    return np.repeat(sums / sizes, sizes)[:k]


def _tie_groups(gains: Floats, scores: ArrayLike) -> tuple[Ints, Ints, Floats]:
    """Group equal scores, the best first: documents before, documents inside, summed gain."""
    s = np.asarray(scores, dtype=np.float64)
    if s.shape != gains.shape:
        raise ValueError(f"relevance has shape {gains.shape} but scores has shape {s.shape}")
    if np.isnan(s).any():
        raise ValueError("scores: a value is NaN, which has no rank")
    order = np.argsort(-s, kind="stable")
    starts, sizes = _runs(s[order])
    return starts, sizes, np.add.reduceat(gains[order], starts)


def _grades(relevance: ArrayLike) -> Floats:
    grades = np.asarray(relevance, dtype=np.float64)
    if grades.ndim != 1 or not len(grades):
        raise ValueError(f"relevance needs a number for each document, got shape {grades.shape}")
    if not (grades >= 0).all():
        raise ValueError("relevance: a value is negative or NaN; 0 means not relevant")
    return grades


def _binary(relevance: ArrayLike) -> Floats:
    return (_grades(relevance) > 0).astype(np.float64)


def _some_relevant(relevance: Floats, who: str) -> Floats:
    if not relevance.any():
        raise ValueError(f"{who}: no document is relevant to this query; leave the query out")
    return relevance


def _cut(k: int) -> int:
    if k < 1:
        raise ValueError(f"k must be at least 1, got {k}")
    return k


# ---------------------------------------------------------------------------------------------
# A fair linear probe
# ---------------------------------------------------------------------------------------------

GRID: tuple[float, ...] = tuple(10.0**e for e in range(-4, 4))


@dataclass(frozen=True, eq=False)
class Probe:
    """A fitted linear probe; :func:`probe` makes one.

    Attributes
    ----------
    classes : (c,) array
        The labels, sorted.
    W : (c, d) array of float64
        One row of weights a class, on the standardised features.
    b : (c,) array of float64
    mean, scale : (d,) arrays of float64
        What a dense feature loses, then what it is divided by. Zeros and ones for sparse ones.
    C : float
        The chosen inverse strength of the penalty.
    validation : dict of float to float
        Score of each C in the inner cross-validation; empty if there was no choice.
    converged : bool
        Whether the optimiser met its tolerance for the chosen C.
    """

    classes: Labels
    W: Floats
    b: Floats
    mean: Floats
    scale: Floats
    C: float
    validation: dict[float, float] = field(default_factory=dict)
    converged: bool = True

    @property
    def at_edge(self) -> bool:
        """Whether the best C is the smallest or largest tried: then the grid is too narrow."""
        return bool(self.validation) and self.C in (min(self.validation), max(self.validation))

    def logits(self, X: Matrix) -> Floats:
        """Scores (n, c) of each class; their softmax gives the probabilities."""
        if X.shape[1] != self.W.shape[1]:
            raise ValueError(
                f"the probe was trained on {self.W.shape[1]} features and got {X.shape[1]}; "
                "encode both splits with the same fitted encoder"
            )
        if _is_sparse(X):
            return np.asarray(X @ self.W.T) + self.b
        Z = (np.asarray(X, dtype=np.float64) - self.mean) / self.scale
        logits: Floats = Z @ self.W.T + self.b
        return logits

    def predict(self, X: Matrix) -> Labels:
        """Label (n,) with the highest score; the first of the sorted classes on a tie."""
        labels: Labels = self.classes[self.logits(X).argmax(axis=1)]
        return labels


def probe(
    X: Matrix,
    y: ArrayLike,
    *,
    Cs: Sequence[float] = GRID,
    folds: int = 5,
    score: Callable[[Any, Any], float] = accuracy,
    rng: np.random.Generator | None = None,
    max_iter: int = 1000,
) -> Probe:
    """Logistic regression that treats dense and sparse features alike fairly.

    How much penalty suits a feature depends on its scale, and one C for all would favour the
    encoder it happens to suit. So dense features are standardised, with the training part's
    statistics alone, sparse ones are left as they are (centring would fill the zeros), and each
    encoder gets its own C from an inner cross-validation. It minimises the sum of
    the log-losses plus ``|W|^2 / (2 C)``, by scikit-learn's L-BFGS, which is deterministic. (For
    two classes scikit-learn fits one row w with ``|w|^2 / (2 C)``; W holds -w/2 and w/2.)

    Parameters
    ----------
    X : (n, d) array or sparse matrix
        Training documents.
    y : (n,) array
        Their labels.
    Cs : sequence of float
        What to choose from. With a single value there is no cross-validation.
    folds : int
        Parts of the inner cross-validation. Documents are dealt to them class by class, like
        cards, in their order in ``X``.
    score : callable
        ``score(y, y_hat)`` of the pooled held-out predictions decides; on a tie the smallest C.
    rng : numpy.random.Generator, optional
        Shuffles the documents before they are dealt.
    max_iter : int
        Steps of the optimiser for one C; ``Probe.converged`` says whether they sufficed.

    Returns
    -------
    Probe
        With ``predict``; see there.

    Raises
    ------
    ValueError
        If lengths differ, a C is not positive, a value is not finite, there are fewer than two
        classes, or a fold would leave only one class to train on.

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0], [2.0], [3.0]] * 5), [0, 0, 1, 1] * 5
    >>> probe(X, y).predict(np.array([[0.5], [2.5]]))
    array([0, 1])
    """
    labels = np.asarray(y)
    features = sp.csr_matrix(X, dtype=np.float64) if _is_sparse(X) else np.asarray(X, np.float64)
    grid = sorted(set(Cs))
    _check_probe(features, labels, grid, folds)
    validation: dict[float, float] = {}
    if len(grid) > 1:
        fold = _deal(labels, folds, rng)
        held_out = {C: np.empty_like(labels) for C in grid}
        for part in range(folds):
            inside = np.flatnonzero(fold != part)
            outside = np.flatnonzero(fold == part)
            for fitted in _fit_path(features[inside], labels[inside], grid, max_iter):
                held_out[fitted.C][outside] = fitted.predict(features[outside])
        validation = {C: float(score(labels, held_out[C])) for C in grid}
    best = max(grid, key=lambda C: (validation.get(C, 0.0), -C))
    path = _fit_path(features, labels, grid[: grid.index(best) + 1], max_iter)
    return replace(path[-1], validation=validation)


def _check_probe(X: Matrix, y: Labels, grid: list[float], folds: int) -> None:
    if X.ndim != 2 or y.ndim != 1 or X.shape[0] != len(y):
        raise ValueError(f"probe: X has shape {X.shape} but y has shape {y.shape}")
    _require_finite(X.data if _is_sparse(X) else X, "probe")
    if not grid or min(grid) <= 0:
        raise ValueError(f"probe: Cs must be positive numbers, got {grid}")
    if len(np.unique(y)) < 2:
        raise ValueError("probe: all training labels are the same; there is nothing to separate")
    if len(grid) > 1 and not 2 <= folds <= len(y):
        raise ValueError(f"probe: folds must lie between 2 and {len(y)} documents, got {folds}")


def _deal(y: Labels, folds: int, rng: np.random.Generator | None) -> Ints:
    """Fold (n,) of each document: sorted by class, then dealt in turn like cards."""
    order = np.arange(len(y)) if rng is None else rng.permutation(len(y))
    order = order[np.argsort(y[order], kind="stable")]
    fold = np.empty(len(y), dtype=np.intp)
    fold[order] = np.arange(len(y)) % folds
    for part in range(folds):
        if len(np.unique(y[fold != part])) < 2:
            raise ValueError(
                f"probe: without fold {part} only one class is left to train on; use fewer folds, "
                "more documents, or a single C"
            )
    return fold


def _fit_path(X: Matrix, y: Labels, grid: list[float], max_iter: int) -> list[Probe]:
    """Fit each C from the smallest on, each starting where the one before ended."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    d = X.shape[1]
    mean, scale = np.zeros(d), np.ones(d)
    if not _is_sparse(X):
        mean = X.mean(axis=0)
        scale = np.where(np.ptp(X, axis=0) == 0, 1.0, X.std(axis=0))
        X = (X - mean) / scale
    model = LogisticRegression(max_iter=max_iter, tol=1e-5, warm_start=True)
    path = []
    for C in grid:
        model.set_params(C=C)
        # The matrices are small: a second thread would spend its time waiting for the first.
        with warnings.catch_warnings(), threadpool_limits(1):
            warnings.simplefilter("ignore", ConvergenceWarning)
            model.fit(X, y)
        W, b = model.coef_, model.intercept_
        if len(W) == 1:  # two classes: one row w, so that sigmoid(w) = softmax(-w/2, w/2)
            W, b = np.vstack([-W, W]) / 2, np.array([-b[0], b[0]]) / 2
        converged = bool((model.n_iter_ < max_iter).all())
        path.append(Probe(model.classes_, W.copy(), b.copy(), mean, scale, C, {}, converged))
    return path


# ---------------------------------------------------------------------------------------------
# How sure are we?
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Estimate:
    """A value, and the interval that goes with it.

    Attributes
    ----------
    value : float
        The statistic on the data as they are.
    low, high : float
        Ends of the interval.
    level : float
        Its nominal coverage, such as 0.95.
    n : int
        Number of units.
    unit : str
        What was resampled or left out, in the plural: "documents", "queries", "seeds".
    method : str
        How the interval was made.
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    unit: str
    method: str


class Pairs:
    """A symmetric table of pairs that is resampled by document, not by pair.

    All pairs of one document move together: 50 documents carry 50 documents' worth of evidence,
    not 1,225 pairs' worth. ``take`` draws rows and columns with the same indices; a document drawn
    twice would be paired with its own copy, and such pairs are dropped (their similarity is 1 by
    construction). A statistic gets the remaining pairs as one flat list.

    Parameters
    ----------
    M : (n, n) array
        Symmetric; the diagonal is never used.

    Raises
    ------
    ValueError
        If ``M`` is not square, not symmetric, or a value off the diagonal is not finite.

    Examples
    --------
    >>> pairs = Pairs([[1, 2, 3], [2, 1, 4], [3, 4, 1]])
    >>> len(pairs), pairs.values()
    (3, array([2., 3., 4.]))
    >>> pairs.take([0, 2, 2])
    array([3., 3.])
    """

    def __init__(self, M: ArrayLike) -> None:
        matrix = np.array(M, dtype=np.float64)
        above = upper_triangle(matrix)
        _require_finite(above, "Pairs")
        if not np.allclose(above, upper_triangle(matrix.T), rtol=0, atol=1e-6):
            raise ValueError("Pairs: the matrix is not symmetric; (M + M.T) / 2 makes it so")
        self.M: Floats = matrix
        self._rows, self._columns = np.triu_indices(len(matrix), 1)

    def __len__(self) -> int:
        return len(self.M)

    def values(self) -> Floats:
        """Each pair once, (n * (n - 1) / 2,)."""
        return upper_triangle(self.M)

    def take(self, index: ArrayLike) -> Floats:
        """Pairs among the documents drawn, those of a document with its own copy left out."""
        drawn = np.asarray(index, dtype=np.intp)
        full = len(drawn) == len(self.M)
        rows, columns = (self._rows, self._columns) if full else np.triu_indices(len(drawn), 1)
        first, second = drawn[rows], drawn[columns]
        distinct = first != second
        pairs: Floats = self.M[first[distinct], second[distinct]]
        return pairs


def bootstrap(
    statistic: Statistic,
    *data: Data,
    rng: np.random.Generator,
    n_resamples: int = 2000,
    unit: str,
    level: float = 0.95,
) -> Estimate:
    """Percentile bootstrap interval of any statistic (Efron & Tibshirani 1993, chapter 13).

    Draws as many units as there are, with replacement, the same ones from every argument;
    computes the statistic; repeats. The interval runs between the ``(1 - level) / 2`` and
    ``(1 + level) / 2`` quantiles of what came out.

    With :class:`Pairs` this follows the vertex bootstrap of Snijders & Borgatti (1999), but leaves
    out the pairs of a document with its own copy, where they draw others in their place. The part
    of the variance that is peculiar to a pair, rather than to its documents, it counts three
    times: a pair whose documents are drawn a and b times has weight a b, and that has variance (1
    + 1)^2 - 1 = 3 if the documents are many. So these intervals err on the wide side.

    Parameters
    ----------
    statistic : callable
        ``statistic(*data) -> float``. Receives lists and arrays indexed along their first axis;
        of a ``Pairs`` the flat list of pairs.
    *data : array, list, sparse matrix or Pairs
        All with the same number of units.
    rng : numpy.random.Generator
    n_resamples : int
        With 2,000 an end of a 95 % interval still moves by about 0.06 standard errors from seed
        to seed.
    unit : str
        What one unit is, in the plural: "documents", "queries", "word pairs".
    level : float
        Nominal coverage, between 0 and 1.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        If there are fewer than two units, their numbers differ, a setting is out of range, or the
        statistic is undefined (NaN) on the data or on a resample.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> e = bootstrap(np.mean, [0, 1, 1, 1, 0, 1, 1, 1, 0, 1], rng=rng, unit="queries")
    >>> e.value, round(e.low, 2), round(e.high, 2), e.n
    (0.7, 0.4, 1.0, 10)
    """
    n = _units(data, unit, level)
    if n_resamples < 1:
        raise ValueError(f"n_resamples must be at least 1, got {n_resamples}")
    value = float(statistic(*(_whole(x) for x in data)))
    if np.isnan(value):
        raise ValueError("the statistic is undefined (NaN) on the data: is a list constant?")
    draws = np.empty(n_resamples)
    for i in range(n_resamples):
        index = rng.integers(0, n, size=n)
        draws[i] = statistic(*(_take(x, index) for x in data))
    undefined = int(np.isnan(draws).sum())
    if undefined:
        raise ValueError(
            f"the statistic is undefined (NaN) on {undefined} of {n_resamples} resamples; a "
            "constant list, or too few units, is the usual cause"
        )
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(value, float(low), float(high), level, n, unit, "percentile bootstrap")


def jackknife(statistic: Statistic, *data: Data, unit: str, level: float = 0.95) -> Estimate:
    """Jackknife interval: leave out one unit at a time (Efron & Tibshirani 1993, chapter 11).

    From the n values without one unit each, ``se^2 = (n - 1) / n * sum((value_i - mean)^2)``; the
    interval is ``value +- t se`` with the t quantile at n - 1 degrees of freedom. For a mean this
    is the textbook t interval. Needs no randomness and works from a handful of units on (seeds),
    but only for statistics that change smoothly: not for a median. The interval is symmetric and
    may run past the end of a scale (an accuracy above 1); near an end take :func:`bootstrap`.

    With :class:`Pairs` each pair is left out with either of its documents, so what is peculiar to
    a pair counts twice: less than the three times of :func:`bootstrap`.

    Parameters
    ----------
    statistic, *data, unit, level
        As in :func:`bootstrap`.

    Returns
    -------
    Estimate

    Raises
    ------
    ValueError
        As in :func:`bootstrap`.

    Examples
    --------
    >>> e = jackknife(np.mean, [1.0, 2.0, 3.0], unit="seeds")
    >>> round(e.value, 3), round(e.low, 3), round(e.high, 3)
    (2.0, -0.484, 4.484)
    """
    n = _units(data, unit, level)
    value = float(statistic(*(_whole(x) for x in data)))
    everyone = np.arange(n)
    without = [
        float(statistic(*(_take(x, np.delete(everyone, i)) for x in data))) for i in range(n)
    ]
    se = float(np.sqrt((n - 1) / n * np.sum((np.array(without) - np.mean(without)) ** 2)))
    if np.isnan(value) or np.isnan(se):
        raise ValueError(
            f"the statistic is undefined (NaN) on the data or without one of the {unit}; a "
            "constant list, or too few units, is the usual cause"
        )
    half = float(scipy.stats.t.ppf((1 + level) / 2, n - 1)) * se
    return Estimate(value, value - half, value + half, level, n, unit, "jackknife")


def paired_difference(
    statistic: Statistic,
    first: Sequence[Data],
    second: Sequence[Data],
    *,
    rng: np.random.Generator | None = None,
    n_resamples: int = 2000,
    unit: str,
    level: float = 0.95,
) -> Estimate:
    """Interval of ``statistic(*first) - statistic(*second)``, both on the same resamples.

    Two systems judged on the same documents share the luck of the documents. Resampled together
    that luck cancels; two separate intervals may overlap and still hide a clear difference.

    Parameters
    ----------
    statistic : callable
    first, second : sequences of data
        What goes into the statistic for either system, such as ``(human, model)`` with two
        :class:`Pairs`, or ``(y, y_hat)``.
    rng : numpy.random.Generator, optional
        With it, :func:`bootstrap`; without it, :func:`jackknife`, which is the less wasteful one
        for ``Pairs``.
    n_resamples, unit, level
        As in :func:`bootstrap`.

    Returns
    -------
    Estimate
        Positive where the first is better (if more is better). ``method`` begins with "paired".

    Raises
    ------
    ValueError
        As in :func:`bootstrap`.

    Examples
    --------
    >>> y = [0, 0, 0, 0, 1, 1, 1, 1]
    >>> e = paired_difference(accuracy, (y, y), (y, [0, 0, 0, 1, 1, 1, 1, 0]), unit="documents")
    >>> e.value, round(e.low, 2), round(e.high, 2)
    (0.25, -0.14, 0.64)
    """
    cut = len(first)

    def difference(*data: Data) -> float:
        return statistic(*data[:cut]) - statistic(*data[cut:])

    if rng is None:
        e = jackknife(difference, *first, *second, unit=unit, level=level)
    else:
        e = bootstrap(
            difference, *first, *second, rng=rng, n_resamples=n_resamples, unit=unit, level=level
        )
    return replace(e, method=f"paired {e.method}")


def _size(x: Data) -> int:
    return int(x.shape[0]) if hasattr(x, "shape") else len(x)


def _units(data: Sequence[Data], unit: str, level: float) -> int:
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}; 0.95 is usual")
    sizes = [_size(x) for x in data]
    if not sizes or min(sizes) != max(sizes):
        raise ValueError(f"the data must have the same number of {unit}, got {sizes}")
    if sizes[0] < 2:
        raise ValueError(f"an interval needs at least 2 {unit}, got {sizes[0]}")
    return sizes[0]


def _whole(x: Data) -> Data:
    return x.values() if isinstance(x, Pairs) else x


def _take(x: Data, index: Ints) -> Data:
    if isinstance(x, Pairs):
        return x.take(index)
    if hasattr(x, "iloc"):  # of pandas: by place, whatever the rows are called
        return x.iloc[index]
    if hasattr(x, "shape"):
        return x[index]
    return [x[i] for i in index]
