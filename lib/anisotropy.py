"""How far vectors point the same way, what makes them, and four repairs.

If directions were spread evenly, two vectors drawn at random would have a cosine of zero on
average. The mean cosine that they do have is the *anisotropy* of a space (Ethayarajh 2019): a
cosine of 0.6 says much where random pairs have 0.0, and nothing where they have 0.6. Such a mean
is a sum over the numbers of a vector, and often a few of them, *rogue dimensions*, make most of it
(Timkey & van Schijndel 2021): :func:`contributions`.

Four repairs, each stronger than the one before, and each learnt from one set of vectors and then
applied to another, lest the judged set help to judge itself:

    :func:`centre`        take off the mean
    :func:`standardise`   and give each number the same spread (Timkey & van Schijndel 2021)
    :func:`remove_top`    take off the mean and the k directions along which vectors differ most
                          (Mu & Viswanath 2018)
    :func:`whiten`        take off the mean, and give every direction the same spread
                          (Su, Cao, Liu & Ou 2021)

None of them knows anything of meaning: what they do to it has to be measured.

Papers: Ethayarajh 2019; Mu & Viswanath 2018; Timkey & van Schijndel 2021; Su, Cao, Liu & Ou 2021.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Rows: TypeAlias = NDArray[np.floating[Any]]

FLAT: Final = 1e-6
"""What has less than this part of the largest variance is flat, see `standardise`, `whiten`."""


# How far vectors point the same way -----------------------------------------------------------


def anisotropy(X: Rows) -> float:
    """Average the cosines of all pairs of different rows.

    With unit rows ``u`` the sum over all ordered pairs is ``|sum u|^2 - n``, so no pair has to be
    looked at. On tokens drawn at random this is the measure of Ethayarajh 2019; on the occurrences
    of one word it is what is called self-similarity there.

    Parameters
    ----------
    X : (n, d) array
        Vectors. One of length zero has no direction, and is refused.

    Raises
    ------
    ValueError
        If there are fewer than two rows, or one is zero or not finite.

    Examples
    --------
    >>> anisotropy(np.array([[1.0, 0.0], [0.0, 2.0]]))
    0.0
    >>> round(anisotropy(np.array([[1.0, 0.0], [1.0, 1.0], [3.0, 0.0]])), 3)  # .707, .707 and 1
    0.805
    """
    return float(contributions(X).sum())


def contributions(X: Rows) -> Floats:
    """Say what each dimension gives to :func:`anisotropy`: (d,), with that as its sum.

    The cosine of x and y is the sum over i of ``x_i y_i / (|x| |y|)``; here is the mean of each
    term over all pairs of different rows (Timkey & van Schijndel 2021).

    Parameters
    ----------
    X : (n, d) array
        Vectors, none of them zero.

    Raises
    ------
    ValueError
        As for :func:`anisotropy`.

    Examples
    --------
    >>> contributions(np.array([[3.0, 4.0], [3.0, -4.0]])).round(2)  # the cosine is -0.28
    array([ 0.36, -0.64])
    """
    U = _unit(X)
    n = len(U)
    total: Floats = (U.sum(axis=0) ** 2 - (U**2).sum(axis=0)) / (n * (n - 1))
    return total


def rogue(X: Rows, k: int = 3) -> tuple[NDArray[np.int64], float]:
    """Find the k dimensions that give most to the anisotropy, and the part that they give.

    Parameters
    ----------
    X : (n, d) array
        Vectors, none of them zero.
    k : int
        How many.

    Returns
    -------
    (k,) array of int, float
        The dimensions, the largest share first, and their sum over that of all. Where nothing
        points the same way there is nothing to share: with an anisotropy near zero the part may
        be far above 1, or negative.

    Raises
    ------
    ValueError
        If k is not between 1 and d, or as for :func:`anisotropy`.

    Examples
    --------
    >>> X = np.array([[9.0, 1.0, 0.0], [9.0, 0.0, 1.0], [9.0, -1.0, 0.0]])
    >>> which, part = rogue(X, k=1)
    >>> which.tolist(), part > 0.99
    ([0], True)
    """
    shares = contributions(X)
    if not 1 <= k <= len(shares):
        raise ValueError(f"k = {k}: the vectors have {len(shares)} dimensions")
    order = np.argsort(-shares, kind="stable")[:k].astype(np.int64)
    return order, float(shares[order].sum() / shares.sum())


# Repairs --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Repair:
    """A repair learnt from a background: take off a mean, then map.

    Attributes
    ----------
    name : str
        For tables.
    mean : (d,) array
        What is taken off.
    matrix : (d, d) array
        By what the rest is multiplied.
    """

    name: str
    mean: Floats
    matrix: Floats

    def __call__(self, X: Rows) -> Floats:
        """Repair vectors: (..., d) -> (..., d).

        Raises
        ------
        ValueError
            If the vectors have another length than those it was learnt from.
        """
        d = len(self.mean)
        if X.shape[-1] != d:
            raise ValueError(f"{self.name} was learnt from {d} numbers, got {X.shape[-1]}")
        out: Floats = (np.asarray(X, dtype=np.float64) - self.mean) @ self.matrix
        return out

    @property
    def rank(self) -> int:
        """How many directions are left."""
        return int(np.linalg.matrix_rank(self.matrix))


def nothing(background: Rows) -> Repair:
    """Leave vectors as they are: what repairs are compared with."""
    d = _background(background).shape[1]
    return Repair("plain", np.zeros(d), np.eye(d))


def centre(background: Rows) -> Repair:
    """Learn the mean of a background, to be taken off.

    Parameters
    ----------
    background : (n, d) array
        Other vectors than those to be judged.

    Examples
    --------
    >>> centre(np.array([[1.0, 5.0], [3.0, 5.0]]))(np.array([[2.0, 6.0]]))
    array([[0., 1.]])
    """
    B = _background(background)
    return Repair("centred", B.mean(axis=0), np.eye(B.shape[1]))


def standardise(background: Rows) -> Repair:
    """Learn mean and spread of each dimension (Timkey & van Schijndel 2021).

    A dimension that hardly changes, one whose variance is less than `FLAT` of the largest, is
    dropped: what a norm has switched off would come back as loud as the others.

    Parameters
    ----------
    background : (n, d) array
        Other vectors than those to be judged.

    Examples
    --------
    >>> standardise(np.array([[1.0, 5.0], [3.0, 5.0]]))(np.array([[4.0, 6.0]]))
    array([[2., 0.]])
    """
    B = _background(background)
    spread = B.std(axis=0)
    kept = (spread > 0) & (spread**2 >= FLAT * (spread**2).max())
    scale = np.divide(1, spread, out=np.zeros_like(spread), where=kept)
    return Repair("standardised", B.mean(axis=0), np.diag(scale))


def remove_top(background: Rows, k: int) -> Repair:
    """Learn the mean and the k principal directions around it (Mu & Viswanath 2018).

    Parameters
    ----------
    background : (n, d) array
        Other vectors than those to be judged.
    k : int
        How many directions; 0 only centres.

    Raises
    ------
    ValueError
        If k is negative, or no direction would be left.

    Examples
    --------
    >>> B = np.array([[9.0, 1.0], [-9.0, -1.0], [9.0, -1.0], [-9.0, 1.0]])
    >>> remove_top(B, 1)(np.array([[5.0, 2.0]])).round(6) + 0.0
    array([[0., 2.]])
    """
    B = _background(background)
    d = B.shape[1]
    if not 0 <= k < d:
        raise ValueError(f"k = {k}: of {d} directions one at least must be left")
    _, directions = _spread(B)
    top = directions[:, :k]
    return Repair(f"without the top {k}", B.mean(axis=0), np.eye(d) - top @ top.T)


def whiten(background: Rows) -> Repair:
    """Learn mean and covariance, and give every direction the same spread (Su et al. 2021).

    The matrix is ``V diag(1 / sqrt(variance)) V^T``: it stretches along the principal directions V
    and turns nothing. (Su et al. leave out the last factor, a rotation: no cosine notices.)

    A flat direction, one whose variance is less than `FLAT` of the largest, is dropped: to stretch
    it would blow up rounding. Layer norm makes one such direction, since it takes the mean off
    each vector.

    Parameters
    ----------
    background : (n, d) array
        Other vectors than those to be judged, many more than d: with few of them, small variances
        come out too small, and noise is stretched most.

    Raises
    ------
    ValueError
        If all rows are the same.

    Examples
    --------
    >>> B = np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 1.0], [0.0, -1.0]])
    >>> (whiten(B)(B) ** 2).mean(axis=0).round(6)  # the variance along either axis
    array([1., 1.])
    """
    B = _background(background)
    variances, directions = _spread(B)
    if variances[0] <= 0:
        raise ValueError("all rows are the same: there is no spread to make even")
    kept = variances > FLAT * variances[0]
    V = directions[:, kept]
    return Repair("whitened", B.mean(axis=0), (V / np.sqrt(variances[kept])) @ V.T)


def _spread(B: Floats) -> tuple[Floats, Floats]:
    """Return variances along the principal directions, and these as columns, largest first."""
    centred = B - B.mean(axis=0)
    variances, directions = np.linalg.eigh(centred.T @ centred / len(B))
    return variances[::-1], directions[:, ::-1]


def _unit(X: Rows) -> Floats:
    """Bring rows to length 1."""
    A = np.asarray(X, dtype=np.float64)
    if A.ndim != 2 or len(A) < 2:
        raise ValueError(f"two rows or more are needed, got the shape {A.shape}")
    lengths = np.linalg.norm(A, axis=1, keepdims=True)
    if not (np.isfinite(lengths).all() and (lengths > 0).all()):
        raise ValueError("each row must have a direction: one is zero, or not finite")
    unit: Floats = A / lengths
    return unit


def _background(B: Rows) -> Floats:
    A = np.asarray(B, dtype=np.float64)
    if A.ndim != 2 or len(A) < 2 or not np.isfinite(A).all():
        raise ValueError(f"a background of two finite rows or more is needed, got {A.shape}")
    return A
