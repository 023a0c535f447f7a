"""Which words stand near which: counts, what they say beyond chance, and short vectors of them.

Chapter 4 climbs a staircase: count the words around each word, take the surprise out of the
counts (pointwise mutual information), and squeeze the long sparse rows into short dense ones
(singular value decomposition). No step learns anything: the same corpus gives the same vectors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.linalg import svds

from lib.corpus import Corpus

Weighting: TypeAlias = Literal["plain", "distance", "dynamic"]
Side: TypeAlias = Literal["both", "left", "right"]
Floats: TypeAlias = NDArray[np.float64]
Float32s: TypeAlias = NDArray[np.float32]


# Counting -------------------------------------------------------------------------------------


def window_weights(window: int, weighting: Weighting = "plain") -> Floats:
    """How much a context word counts by its distance, from 1 to the width of the window.

    Parameters
    ----------
    window : int
        The longest distance that counts, in tokens; at least 1.
    weighting : {"plain", "distance", "dynamic"}
        ``"plain"``: 1 at every distance. ``"distance"``: 1 / d (GloVe; Pennington et al. 2014,
        section 4.2). ``"dynamic"``: ``(window - d + 1) / window``, which is how often Word2Vec
        looks that far, since it draws the width of each window from 1 to `window` (Levy,
        Goldberg & Dagan 2015, section 3.1).

    Returns
    -------
    (window,) array of float64
        The weight of distance 1 first.

    Raises
    ------
    ValueError
        If the window is narrower than 1, or there is no such weighting.

    Examples
    --------
    >>> window_weights(4, "distance").round(2)
    array([1.  , 0.5 , 0.33, 0.25])
    >>> window_weights(4, "dynamic")
    array([1.  , 0.75, 0.5 , 0.25])
    """
    if window < 1:
        raise ValueError(f"window = {window}, but it reaches at least 1 word")
    distance = np.arange(1, window + 1, dtype=np.float64)
    if weighting == "plain":
        return np.ones(window)
    if weighting == "distance":
        return 1 / distance
    if weighting == "dynamic":
        return (window - distance + 1) / window
    raise ValueError(f"weighting = {weighting!r}: choose from {', '.join(get_args(Weighting))}")


def count_contexts(
    corpus: Corpus,
    *,
    window: int = 5,
    weighting: Weighting = "plain",
    side: Side = "both",
) -> csr_matrix:
    """Count for every word which words stand near it; windows end where the document ends.

    Compiled: for each word, its places in the corpus are visited one after the other, and the
    words to the right of each are added up in one row. What stands to the left is the transpose.

    Parameters
    ----------
    corpus : Corpus
        Of V words.
    window : int
        The longest distance that counts, in tokens.
    weighting : {"plain", "distance", "dynamic"}
        How much by distance; see :func:`window_weights`.
    side : {"both", "left", "right"}
        Whether entry (w, c) counts c on both sides of w (then the matrix is symmetric), before
        it, or after it.

    Returns
    -------
    (V, V) csr_matrix of float64
        Words in rows, contexts in columns, column numbers sorted.

    Raises
    ------
    ValueError
        If window, weighting or side is none of these.

    Examples
    --------
    >>> corpus = Corpus.from_documents([["a", "b", "a"], ["c", "b"]])
    >>> count_contexts(corpus, window=2).toarray()  # a, b, c
    array([[2., 2., 0.],
           [2., 0., 1.],
           [0., 1., 0.]])
    >>> count_contexts(corpus, window=2, weighting="distance", side="right").toarray()
    array([[0.5, 1. , 0. ],
           [1. , 0. , 0. ],
           [0. , 1. , 0. ]])
    """
    if side not in get_args(Side):
        raise ValueError(f"side = {side!r}: choose from {', '.join(get_args(Side))}")
    size = len(corpus.vocabulary)
    weights = window_weights(window, weighting)
    spread, places, firsts = _lay_out(corpus.ids, corpus.starts, corpus.counts)
    counted = _count_right(spread, places, firsts, weights)
    right = csr_matrix((counted[2], counted[1], counted[0]), shape=(size, size))
    left = right.T.tocsr()  # transposing sorts the column numbers
    if side == "left":
        return left
    right = left.T.tocsr()
    return right if side == "right" else (left + right).tocsr()


@njit()  # type: ignore[untyped-decorator]
def _lay_out(
    ids: NDArray[np.int32], starts: NDArray[np.int64], counts: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.int64]]:
    """Spread the tokens out with a gap, -1, after each document, and list each word's places.

    Word w stands at ``places[firsts[w]:firsts[w + 1]]``, from left to right. A gap of one place
    is enough to stop every window.
    """
    spread = np.full(len(ids) + len(starts) - 1, -1, dtype=np.int32)
    places = np.empty(len(ids), dtype=np.int64)
    firsts = np.zeros(len(counts) + 1, dtype=np.int64)
    firsts[1:] = np.cumsum(counts)
    free = firsts[:-1].copy()  # where the next place of each word goes
    for d in range(len(starts) - 1):
        for t in range(starts[d], starts[d + 1]):
            spread[t + d] = ids[t]
            places[free[ids[t]]] = t + d
            free[ids[t]] += 1
    return spread, places, firsts


@njit()  # type: ignore[untyped-decorator]
def _count_right(
    ids: NDArray[np.int32], places: NDArray[np.int64], firsts: NDArray[np.int64], weights: Floats
) -> tuple[NDArray[np.int64], NDArray[np.int32], Floats]:
    """Add up what stands to the right of each word: the three arrays of a csr_matrix."""
    size = len(firsts) - 1
    total = np.zeros(size)  # of each context, for the word at hand
    last = np.full(size, -1, dtype=np.int32)  # the last word that saw this context
    pointers = np.zeros(size + 1, dtype=np.int64)
    columns = np.empty(len(ids), dtype=np.int32)
    values = np.empty(len(ids), dtype=np.float64)
    used = 0
    for word in range(size):
        if used + size > len(columns):  # there may be no room for a full row
            room = len(columns) + size
            columns = np.concatenate((columns, np.empty(room, dtype=np.int32)))
            values = np.concatenate((values, np.empty(room, dtype=np.float64)))
        begin = used
        for p in places[firsts[word] : firsts[word + 1]]:
            for d in range(len(weights)):
                context = ids[p + d + 1]
                if context < 0:
                    break
                if last[context] != word:
                    last[context] = word
                    total[context] = 0.0
                    columns[used] = context
                    used += 1
                total[context] += weights[d]
        for k in range(begin, used):
            values[k] = total[columns[k]]
        pointers[word + 1] = used
    return pointers, columns[:used].copy(), values[:used].copy()


def count_contexts_plainly(
    documents: Iterable[Sequence[int]],
    size: int,
    *,
    window: int = 5,
    weighting: Weighting = "plain",
    side: Side = "both",
) -> Floats:
    """Count as :func:`count_contexts` does, in the plainest Python, for small corpora.

    Parameters
    ----------
    documents : iterable of sequences of int
        The word numbers of each document.
    size : int
        V, the number of words.
    window, weighting, side
        As there.

    Returns
    -------
    (V, V) array of float64

    Examples
    --------
    >>> count_contexts_plainly([[0, 1, 0], [2, 1]], 3, window=2)
    array([[2., 2., 0.],
           [2., 0., 1.],
           [0., 1., 0.]])
    """
    weights = window_weights(window, weighting)
    counts = np.zeros((size, size))
    for document in documents:
        for i, word in enumerate(document):
            for d, context in enumerate(document[i + 1 : i + 1 + window]):
                if side in ("both", "right"):
                    counts[word, context] += weights[d]
                if side in ("both", "left"):
                    counts[context, word] += weights[d]
    return counts


# Association ----------------------------------------------------------------------------------


def pmi(counts: csr_matrix, *, smoothing: float = 1.0) -> csr_matrix:
    """Pointwise mutual information of the pairs that were seen (Church & Hanks 1990).

    ``log(P(w, c) / (P(w) * P_a(c)))``: how much more often word and context meet than they would
    by chance. ``P_a`` raises the context counts to the power ``smoothing`` before normalising.

    Parameters
    ----------
    counts : (V, C) sparse matrix
        Non-negative co-occurrence counts, words in rows, contexts in columns.
    smoothing : float
        The exponent a; 1 smooths nothing.

    Returns
    -------
    (V, C) csr_matrix of float64
        Stored are just the pairs with a count, also where the value is 0; for the others, PMI
        is minus infinity, and nothing is stored.

    Raises
    ------
    ValueError
        If a count is negative or not finite, or every count is zero.

    Examples
    --------
    >>> pmi(csr_matrix([[3, 1], [1, 3]])).toarray().round(2)
    array([[ 0.41, -0.69],
           [-0.69,  0.41]])
    """
    X = csr_matrix(counts, dtype=np.float64, copy=True)
    X.sum_duplicates()
    X.eliminate_zeros()
    if not X.nnz or not (np.isfinite(X.data) & (X.data > 0)).all():
        raise ValueError("counts must be finite and not negative, and one must be above 0")
    words = np.asarray(X.sum(axis=1)).ravel()  # (V,)
    contexts = np.asarray(X.sum(axis=0)).ravel()  # (C,)
    smoothed = np.power(contexts, smoothing, out=np.zeros_like(contexts), where=contexts > 0)
    # P(w, c) / P(w) is the row divided by its sum: the total cancels.
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    chance = (smoothed / smoothed.sum())[X.indices]  # P_a(c) of each stored pair
    X.data = np.log(X.data / words[rows]) - np.log(chance)
    return X


def ppmi(counts: csr_matrix, *, shift: float = 1.0, smoothing: float = 0.75) -> csr_matrix:
    """Positive pointwise mutual information between words and contexts.

    Keeps ``max(0, log(P(w, c) / (P(w) * P_a(c))) - log(shift))``, where ``P_a`` raises the
    context counts to the power ``smoothing`` before normalising: rare contexts, whose PMI is
    otherwise inflated, count for less (Levy, Goldberg & Dagan 2015, section 3).

    Parameters
    ----------
    counts : (V, C) sparse matrix
        Non-negative co-occurrence counts, words in rows, contexts in columns.
    shift : float
        The number of negative samples k that SGNS would use; 1 shifts nothing.
    smoothing : float
        The exponent a; 1 smooths nothing.

    Returns
    -------
    (V, C) csr_matrix of float32
        Zero wherever PMI is not positive or the pair was never seen.

    Raises
    ------
    ValueError
        If a count is negative or every count is zero, or the shift is not positive.

    Examples
    --------
    >>> ppmi(csr_matrix([[2, 0], [0, 2]]), smoothing=1.0).toarray().round(2)
    array([[0.69, 0.  ],
           [0.  , 0.69]], dtype=float32)
    """
    if not shift > 0:
        raise ValueError(f"shift = {shift}, but its logarithm is taken: it must be above 0")
    X = pmi(counts, smoothing=smoothing)
    X.data = np.maximum(X.data - np.log(shift), 0)
    X.eliminate_zeros()
    return X.astype(np.float32)


# Short vectors --------------------------------------------------------------------------------


class SVD(NamedTuple):
    """The largest d singular values of a matrix and their vectors: ``M ~ U @ diag(s) @ Vt``."""

    U: Float32s  # (n, d)
    s: Float32s  # (d,), falling
    Vt: Float32s  # (d, m)

    def vectors(self, exponent: float = 0.5) -> Float32s:
        """Weigh the columns of U by the singular values: ``U * s**exponent``, (n, d).

        1 keeps the inner products of the rows of M as well as d dimensions can; 0.5 and 0 often
        serve word similarity better (Levy, Goldberg & Dagan 2015, section 3.3).
        """
        weighed: Float32s = self.U * self.s**exponent
        return weighed


def truncated_svd(M: csr_matrix, d: int, *, rng: np.random.Generator) -> SVD:
    """Find the d largest singular values of a sparse matrix, and their vectors.

    The best approximation of M by a matrix of rank d (Eckart & Young 1936), found by Lanczos
    iteration, which needs only products of M with vectors: M stays sparse.

    Parameters
    ----------
    M : (n, m) sparse matrix
        For instance of PPMI, or TF-IDF of documents.
    d : int
        How many values, at most the smaller side of M.
    rng : numpy.random.Generator
        Draws the vector from which the iteration starts; the result hardly depends on it.

    Returns
    -------
    SVD
        In float32. The sign of a pair of singular vectors is free: here the entry of U with the
        largest magnitude is positive.

    Raises
    ------
    ValueError
        If M has not d singular values.

    Examples
    --------
    >>> M = csr_matrix([[0.0, 0.0, 0.0], [0.0, -2.0, 0.0], [3.0, 0.0, 0.0]])
    >>> svd = truncated_svd(M, 2, rng=np.random.default_rng(0))
    >>> svd.s
    array([3., 2.], dtype=float32)
    >>> (svd.vectors(1) @ svd.Vt).round(3) + 0.0
    array([[ 0.,  0.,  0.],
           [ 0., -2.,  0.],
           [ 3.,  0.,  0.]], dtype=float32)
    """
    n, m = M.shape
    if not 1 <= d <= min(n, m):
        raise ValueError(f"d = {d}: a matrix of {n:,} by {m:,} has 1 to {min(n, m):,} values")
    start = rng.standard_normal(min(n, m), dtype=np.float32)
    if 2 * d < min(n, m):
        A = csr_matrix(M, dtype=np.float32)
        U, s, Vt = svds(A, d, v0=start)
    else:  # the iteration finds only some of all values
        U, s, Vt = np.linalg.svd(M.toarray().astype(np.float64), full_matrices=False)
    order = np.argsort(-s, kind="stable")[:d]
    U, s, Vt = (part.astype(np.float32) for part in (U[:, order], s[order], Vt[order]))
    signs = np.where(U[np.argmax(np.abs(U), axis=0), np.arange(d)] < 0, -1, 1).astype(np.float32)
    return SVD(U * signs, s, Vt * signs[:, None])
