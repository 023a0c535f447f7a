"""GloVe: word vectors whose inner products are the logarithms of how often words meet.

Chapter 6 derives the loss (Pennington, Socher & Manning 2014, equation 8)

    J = sum over i, j of f(X_ij) * (w_i . c_j + b_i + b'_j - log X_ij) ** 2

where X counts which words stand near which, each word has a vector w and a bias b, each context
a vector c and a bias b', and f keeps rare pairs from weighing too much. Only pairs that were
seen have a logarithm, so only they count: training goes through them again and again, and moves
two vectors at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from time import perf_counter
from typing import Literal, NamedTuple, Self, TypeAlias

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix, triu

Floats: TypeAlias = NDArray[np.float64]
Float32s: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int32]
Sweep: TypeAlias = Callable[[Float32s, Ints, Ints, Float32s, Float32s, np.float32], float]

BLOCKS = 32
"""The vocabulary is dealt out to so many blocks; only two of them are at work at a time."""

WORD, CONTEXT, WORD_SQUARES, CONTEXT_SQUARES = range(4)
"""What the four rows of a word hold: its vectors as word and as context, each with its bias as
the last number, and the squared gradients that each of these numbers has seen."""


def weight(x: ArrayLike, *, x_max: float, alpha: float = 0.75) -> Floats:
    """How much a pair counts in the loss: ``min(1, (x / x_max) ** alpha)``.

    Equation 9 of Pennington et al. 2014, who take 100 and 3/4 for a corpus of billions of words.

    Parameters
    ----------
    x : array
        How often a word and a context met, not negative.
    x_max : float
        From here on a pair counts fully.
    alpha : float
        1 would make the weight grow in proportion.

    Returns
    -------
    array of float64
        From 0 (a pair never seen) to 1.

    Examples
    --------
    >>> weight([0, 16, 100, 1000], x_max=100, alpha=0.5)
    array([0. , 0.4, 1. , 1. ])
    """
    return np.minimum(1.0, (np.asarray(x, dtype=np.float64) / x_max) ** alpha)


def loss_and_gradients(
    W: Floats, C: Floats, b: Floats, b_context: Floats, X: Floats, *, x_max: float, alpha: float
) -> tuple[float, tuple[Floats, Floats, Floats, Floats]]:
    """Compute the whole loss J, and its derivatives, from a small dense matrix of counts.

    Parameters
    ----------
    W, C : (V, d) arrays
        Vectors of words and of contexts.
    b, b_context : (V,) arrays
        Their biases.
    X : (V, V) array
        Counts, words in rows; where it is 0, nothing is added.
    x_max, alpha : float
        See :func:`weight`.

    Returns
    -------
    float
        J, equation 8 of Pennington et al. 2014.
    tuple of four arrays
        The derivatives of J by W, C, b and b_context, each of the shape of what it belongs to.

    Examples
    --------
    >>> zero = np.zeros((1, 2)), np.zeros((1, 2)), np.zeros(1), np.zeros(1)
    >>> J, gradients = loss_and_gradients(*zero, np.array([[np.e]]), x_max=1, alpha=1)
    >>> J, gradients[2]
    (1.0, array([-2.]))
    """
    logs = np.log(X, out=np.zeros_like(X), where=X > 0)
    error = W @ C.T + b[:, None] + b_context - logs  # (V, V)
    g = weight(X, x_max=x_max, alpha=alpha) * error  # half the derivative by the prediction
    J = float(np.sum(g * error))
    return J, (2 * g @ C, 2 * g.T @ W, 2 * g.sum(axis=1), 2 * g.sum(axis=0))


def adagrad_step(
    w: Float32s,
    c: Float32s,
    w_squares: Float32s,
    c_squares: Float32s,
    log_x: float,
    f: float,
    rate: float,
) -> float:
    """Move one word and one context, in plain NumPy: the heart of GloVe.

    The gradient of ``f * error ** 2 / 2`` (the 2 of the derivative is left out, as in the
    authors' program) is divided by the root of the sum of its squares so far, number by number:
    what was moved often moves less (AdaGrad; Duchi, Hazan & Singer 2011).

    Parameters
    ----------
    w, c : (d + 1,) arrays
        The vectors, with the bias as last number. Changed in place.
    w_squares, c_squares : (d + 1,) arrays
        The squares so far, to which this gradient's are added after the step. Changed in place.
    log_x : float
        The logarithm of the count.
    f : float
        The weight of the pair.
    rate : float
        The length of a step whose gradient is the first and is 1.

    Returns
    -------
    float
        ``f * error ** 2``, the pair's part of the loss before the step.

    Examples
    --------
    >>> w, c = np.array([1.0, 0.0]), np.array([2.0, 0.0])  # one dimension and a bias
    >>> squares = np.ones(2), np.ones(2)
    >>> adagrad_step(w, c, *squares, log_x=1.0, f=0.5, rate=0.1)  # the error is 1
    0.5
    >>> w, c, squares[0]
    (array([ 0.9 , -0.05]), array([ 1.95, -0.05]), array([2.  , 1.25]))
    """
    error = w[:-1] @ c[:-1] + w[-1] + c[-1] - log_x
    g = f * error
    w_gradient = g * np.append(c[:-1], w.dtype.type(1))  # the bias is multiplied by 1
    c_gradient = g * np.append(w[:-1], w.dtype.type(1))
    w -= rate * w_gradient / np.sqrt(w_squares)
    c -= rate * c_gradient / np.sqrt(c_squares)
    w_squares += w_gradient**2
    c_squares += c_gradient**2
    return float(g * error)


def _sweep_plainly(
    P: Float32s, left: Ints, right: Ints, logs: Float32s, weights: Float32s, rate: np.float32
) -> float:
    """Do with :func:`adagrad_step` what :func:`_sweep` does."""
    loss = 0.0
    for i, j, log_x, f in zip(left, right, logs, weights, strict=True):
        for k, (word, context) in enumerate(((P[i], P[j]), (P[j], P[i]))):
            w, w_squares = word[WORD], word[WORD_SQUARES]
            c, c_squares = context[CONTEXT], context[CONTEXT_SQUARES]
            numbers = float(log_x[k]), float(f[k]), float(rate)
            loss += adagrad_step(w, c, w_squares, c_squares, *numbers)
    return loss


@njit(fastmath=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _step(
    w: Float32s,
    c: Float32s,
    w_squares: Float32s,
    c_squares: Float32s,
    log_x: np.float32,
    f: np.float32,
    rate: np.float32,
) -> np.float32:
    """Compile :func:`adagrad_step`."""
    d = len(w) - 1
    error = w[d] + c[d] - log_x
    for k in range(d):
        error += w[k] * c[k]
    g = f * error
    for k in range(d):
        w_gradient = g * c[k]
        c_gradient = g * w[k]
        w[k] -= rate * w_gradient / np.sqrt(w_squares[k])
        c[k] -= rate * c_gradient / np.sqrt(c_squares[k])
        w_squares[k] += w_gradient * w_gradient
        c_squares[k] += c_gradient * c_gradient
    w[d] -= rate * g / np.sqrt(w_squares[d])
    c[d] -= rate * g / np.sqrt(c_squares[d])
    w_squares[d] += g * g
    c_squares[d] += g * g
    return np.float32(g * error)


@njit(fastmath=True, nogil=True, error_model="numpy")  # type: ignore[untyped-decorator]
def _sweep(
    P: Float32s, left: Ints, right: Ints, logs: Float32s, weights: Float32s, rate: np.float32
) -> float:
    """Go once through pairs (i, j): word i with context j, then word j with context i.

    Both use the same rows of P (V, 4, d + 1), which are then at hand.
    """
    loss = 0.0
    for n in range(len(left)):
        i = P[left[n]]
        j = P[right[n]]
        loss += float(_step(i[0], j[1], i[2], j[3], logs[n, 0], weights[n, 0], rate))
        loss += float(_step(j[0], i[1], j[2], i[3], logs[n, 1], weights[n, 1], rate))
    return loss


class Progress(NamedTuple):
    """What training tells after each pass over the counts."""

    epoch: int  # passes so far, over all calls of train
    loss: float  # mean over the counts, each measured just before its step
    seconds: float  # of this pass
    updates: int  # of this pass: one for each count that is not 0


class GloVe:
    """Vectors fitted to the logarithms of co-occurrence counts, by AdaGrad.

    The result depends on the counts, the settings and the generator alone, not on the number of
    threads: the words are dealt to blocks, a tile is what two blocks have in common, and only
    tiles without a common block are worked on at the same time (Gemulla et al. 2011).

    Parameters
    ----------
    counts : (V, V) sparse matrix
        How often words met, as ``count_contexts(corpus, weighting="distance")`` counts it.
        Words in rows, contexts in columns; not negative.
    dimensions : int
        d, the length of a vector.
    rng : numpy.random.Generator
        Draws the first vectors, evenly from -1/2d to 1/2d as the authors' program does, and the
        order of the pairs.
    x_max, alpha : float
        See :func:`weight`.
    rate : float
        See :func:`adagrad_step`. The paper takes 0.05, for many passes over a corpus of billions;
        on the few millions of this book 0.2 needs a fifth of the passes.
    start : float
        What the sums of squared gradients start from. The authors' program sums the squares of
        the rate times the gradient from 1, which is the same as a rate of 1 and a start of
        ``1 / rate ** 2`` (400 for its rate of .05) here.

    Attributes
    ----------
    losses : list of float
        The mean loss of each pass.

    Raises
    ------
    ValueError
        If the counts are not square, not finite, negative or all zero, or a setting is not
        positive.

    Examples
    --------
    >>> counts = csr_matrix([[4.0, 1.0], [1.0, 2.0]])
    >>> model = GloVe(counts, 2, rng=np.random.default_rng(0), x_max=1).train(500)
    >>> (model.words @ model.contexts.T + model.word_biases[:, None]
    ...  + model.context_biases).round(1) + 0.0  # the logarithms of the counts
    array([[1.4, 0. ],
           [0. , 0.7]], dtype=float32)
    """

    def __init__(
        self,
        counts: csr_matrix,
        dimensions: int = 100,
        *,
        rng: np.random.Generator,
        x_max: float = 10.0,
        alpha: float = 0.75,
        rate: float = 0.2,
        start: float = 1.0,
    ) -> None:
        _check(counts, dimensions=dimensions, x_max=x_max, alpha=alpha, rate=rate, start=start)
        self._rng = rng
        self.rate = rate
        self._left, self._right, x = _pairs(counts, rng)
        self.updates = int(np.sum(x > 0))  # in one pass
        self._logs = np.log(x, out=np.zeros_like(x), where=x > 0).astype(np.float32)  # (n, 2)
        self._weights = weight(x, x_max=x_max, alpha=alpha).astype(np.float32)  # (n, 2)
        self._tiles = _tiles(self._left, self._right)
        size = counts.shape[0]
        self._P = np.full((size, 4, dimensions + 1), start, dtype=np.float32)
        self._P[:, :WORD_SQUARES] = (rng.random((size, 2, dimensions + 1)) - 0.5) / dimensions
        self.losses: list[float] = []

    @property
    def words(self) -> Float32s:
        """The word vectors w: (V, d)."""
        return self._P[:, WORD, :-1]

    @property
    def contexts(self) -> Float32s:
        """The context vectors c: (V, d)."""
        return self._P[:, CONTEXT, :-1]

    @property
    def word_biases(self) -> Float32s:
        """The biases b of the words: (V,)."""
        return self._P[:, WORD, -1]

    @property
    def context_biases(self) -> Float32s:
        """The biases b' of the contexts: (V,)."""
        return self._P[:, CONTEXT, -1]

    def vectors(self, which: Literal["sum", "words", "contexts"] = "sum") -> Float32s:
        """Return a copy of the vectors: (V, d).

        With symmetric counts, w and c differ only by how they began; the paper adds them
        (section 4.2), which averages some of the noise away.
        """
        chosen = {
            "sum": lambda: self.words + self.contexts,
            "words": self.words.copy,
            "contexts": self.contexts.copy,
        }
        if which not in chosen:
            raise ValueError(f"which = {which!r}: choose from {', '.join(chosen)}")
        return chosen[which]()

    def train(
        self,
        epochs: int,
        *,
        progress: Callable[[Progress], object] | None = None,
        threads: int = 1,
        compiled: bool = True,
    ) -> Self:
        """Go through all pairs `epochs` times more.

        An interrupted run (Ctrl-C) leaves vectors that can be used, and trained on.

        Parameters
        ----------
        epochs : int
            How many passes over the counts.
        progress : callable, optional
            Is given a :class:`Progress` after each pass.
        threads : int
            How many tiles are worked on at the same time. The result is the same to the bit.
        compiled : bool
            False works through the pairs in plain NumPy, some thousand times slower.

        Raises
        ------
        FloatingPointError
            If the loss is no longer finite.
        """
        sweep: Sweep = _sweep if compiled else _sweep_plainly
        with ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool:
            for _ in range(epochs):
                began = perf_counter()
                self.losses.append(self._pass(sweep, pool) / self.updates)
                if not np.isfinite(self.losses[-1]):
                    raise FloatingPointError(
                        f"the loss is {self.losses[-1]} after {len(self.losses)} passes: take a "
                        f"lower rate than {self.rate}"
                    )
                if progress is not None:
                    seconds = perf_counter() - began
                    progress(Progress(len(self.losses), self.losses[-1], seconds, self.updates))
        return self

    def _pass(self, sweep: Sweep, pool: Executor | None) -> float:
        """Work on every tile once, in rounds of tiles that share no block; return the loss."""
        rate = np.float32(self.rate)

        def work(tile: slice) -> float:
            left, right = self._left[tile], self._right[tile]
            return sweep(self._P, left, right, self._logs[tile], self._weights[tile], rate)

        loss = 0.0
        for number in self._rng.permutation(len(self._tiles)):
            tiles = self._tiles[number]
            loss += sum(map(work, tiles) if pool is None else pool.map(work, tiles))
        return loss


def _check(counts: csr_matrix, **settings: float) -> None:
    """Refuse counts and settings that can't be trained on."""
    if counts.shape[0] != counts.shape[1]:
        raise ValueError(f"counts of shape {counts.shape}: words and contexts must be the same")
    if not 0 < counts.data.sum() < np.inf or (counts.data < 0).any():
        raise ValueError("counts must be finite and not negative, and one must be above 0")
    for name, value in settings.items():
        if not value > 0:
            raise ValueError(f"{name} = {value}, but it must be above 0")


def _pairs(counts: csr_matrix, rng: np.random.Generator) -> tuple[Ints, Ints, Floats]:
    """Arrange the counts by pairs of words i <= j, tile after tile, in random order in each.

    Returns
    -------
    left, right : (n,) arrays of int32
        The words i and j of each pair that met in either order.
    x : (n, 2) array
        How often j was a context of i, and i of j; for i = j the second is 0, not to count twice.
    """
    X = csr_matrix(counts, dtype=np.float64, copy=True)
    X.sum_duplicates()
    upper = triu(X + X.T, format="coo")
    i, j = upper.row.astype(np.int32), upper.col.astype(np.int32)
    order = rng.permutation(len(i))
    # Few enough tiles for 16 bits, which NumPy sorts fastest.
    order = order[np.argsort(_tile(i, j)[order].astype(np.uint16), kind="stable")]
    i, j = i[order], j[order]
    x = np.stack([np.asarray(X[i, j]).ravel(), np.asarray(X[j, i]).ravel()], axis=1)
    x[i == j, 1] = 0
    return i, j, x


def _tile(i: Ints, j: Ints) -> Ints:
    """Find the tile of each pair; word i is in block ``i % BLOCKS``, so blocks weigh the same."""
    a, b = i % BLOCKS, j % BLOCKS
    tile: Ints = np.minimum(a, b) * BLOCKS + np.maximum(a, b)
    return tile


def _tiles(left: Ints, right: Ints) -> list[list[slice]]:
    """Find where each tile's pairs lie, and arrange the tiles in rounds."""
    bounds = np.searchsorted(_tile(left, right), np.arange(BLOCKS**2 + 1))
    return [
        [slice(bounds[a * BLOCKS + b], bounds[a * BLOCKS + b + 1]) for a, b in tiles]
        for tiles in _rounds()
    ]


def _rounds() -> list[list[tuple[int, int]]]:
    """Arrange all pairs of blocks like a tournament: in a round, each block plays once.

    One block keeps its place, the others move on by one from round to round; those who sit
    opposite each other play. In the last round each plays against itself.
    """
    others = list(range(1, BLOCKS))
    rounds = []
    for shift in range(BLOCKS - 1):
        circle = [0, *others[shift:], *others[:shift]]
        half = BLOCKS // 2
        opposite = zip(circle[:half], reversed(circle[half:]), strict=True)
        rounds.append([(min(pair), max(pair)) for pair in opposite])
    return [*rounds, [(block, block) for block in range(BLOCKS)]]
