"""Smooth inverse frequency: a weighted mean, and a direction taken off.

A hard baseline for sentence vectors (Arora, Liang & Ma 2017, algorithm 1). The vector of a text
s is

    v_s = 1 / |s| * sum over words w of  a / (a + p(w)) * v_w,      then    v_s - u u^T v_s,

where p(w) is how frequent the word is, and u is the direction that the vectors of many texts have
in common, which tells texts from each other least of all.

Ours differs in two points. In the paper u comes from the very texts that are judged; here it comes
from a background, as everything that is fitted in this book. And the weights' sum stands in the
place of |s|, so that v_s is a mean. That scales each v_s, which changes none of its cosines, but it
changes a little how much each background text counts when u is sought.

:class:`SifWordVectors` does so with vectors of words, `lib.textencoder` with the states of a
transformer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lib.text import tokenize
from lib.vectors import Vectors, WordTable

Float32s: TypeAlias = NDArray[np.float32]
Floats: TypeAlias = NDArray[np.float64]


def text_list(texts: Sequence[str]) -> list[str]:
    """Return texts as a list.

    Raises
    ------
    TypeError
        If it is one single text, or holds something else than texts.

    Examples
    --------
    >>> text_list(("a cat", "a dog"))
    ['a cat', 'a dog']
    """
    if isinstance(texts, str):
        raise TypeError(f"a list of texts is needed, got one text; write [{texts[:20]!r}]")
    listed = list(texts)
    for place, text in enumerate(listed):
        if not isinstance(text, str):
            raise TypeError(f"a list of texts is needed, and number {place} is {text!r}")
    return listed


def token_frequencies(rows: Iterable[Sequence[int]], V: int) -> Floats:
    """Share of each of V tokens among all tokens of some texts: (V,), adding up to 1.

    Raises
    ------
    ValueError
        If there is no token at all.

    Examples
    --------
    >>> token_frequencies([[0, 2], [2, 2]], 3)
    array([0.25, 0.  , 0.75])
    """
    counts = np.zeros(V)
    for row in rows:
        np.add.at(counts, np.asarray(row, dtype=np.int64), 1)
    if not counts.any():
        raise ValueError("without a token there are no frequencies: give texts with words")
    return np.asarray(counts / counts.sum())


def sif_weights(frequencies: Floats, a: float = 1e-3) -> Floats:
    """Return ``a / (a + p)``: the frequent weigh less (Arora, Liang & Ma 2017, algorithm 1).

    Parameters
    ----------
    frequencies : (V,) array
        p, as :func:`token_frequencies` gives them.
    a : float
        Where the weight is one half: 1e-3 in the paper, which found 1e-4 to 1e-3 best (section
        4.1.1).

    Returns
    -------
    (V,) array
        1 for a token that was never seen.

    Raises
    ------
    ValueError
        If a is not positive.

    Examples
    --------
    >>> sif_weights(np.array([0.0, 0.001, 0.009]))
    array([1. , 0.5, 0.1])
    """
    if not a > 0:
        raise ValueError(f"a = {a}: the weight of a token is a / (a + p), so a must be positive")
    return np.asarray(a / (a + frequencies))


def common_direction(X: NDArray[np.floating]) -> Floats:
    """Return the direction that some vectors have in common: their first singular vector, (d,).

    Without centring, as in the paper: of vectors whose mean is far from zero, it is close to the
    direction of that mean. Its sign is fixed (the sum of its numbers is not negative).

    Parameters
    ----------
    X : (n, d) array
        Vectors of background texts.

    Raises
    ------
    ValueError
        If there is no vector, or all are zero.

    Examples
    --------
    >>> common_direction(np.array([[3.0, 4.0], [-6.0, -8.0]])).round(3)
    array([0.6, 0.8])
    """
    if not np.any(X):
        raise ValueError("vectors that are all zero have no direction in common")
    _, _, rows = np.linalg.svd(np.asarray(X, dtype=np.float64), full_matrices=False)
    first = rows[0]
    return np.asarray(-first if first.sum() < 0 else first)


def without(X: NDArray[np.floating], direction: Floats) -> Float32s:
    """Take a direction of length 1 off every row: ``x - u u^T x``, (n, d) float32.

    Examples
    --------
    >>> without(np.array([[3.0, 4.0]]), np.array([1.0, 0.0]))
    array([[0., 4.]], dtype=float32)
    """
    return np.asarray(X - np.outer(X @ direction, direction), dtype=np.float32)


class SifWordVectors:
    """The weighted mean of the vectors of a text's words, the common direction taken off.

    Parameters
    ----------
    vectors : Vectors or the table that ``lib.data.load`` gives
        Pretrained word vectors, lower-cased like GloVe's.
    a : float
        Where the weight is one half, see :func:`sif_weights`.
    remove : bool
        Whether the common direction is taken off.
    tokenizer : callable
        From a text to its words.
    name : str, optional
        For tables and figures; by default the name of the vectors and "sif".

    Raises
    ------
    ValueError
        If a is not positive.

    Examples
    --------
    >>> vectors = Vectors(["the", "cat", "dog"], [[1, 1], [1, 0], [0, 1]])
    >>> encoder = SifWordVectors(vectors, a=0.5, remove=False).fit(["the cat", "the dog"])
    >>> encoder.encode(["the cat"]).round(2)  # weights 1 / 2 and 2 / 3
    array([[1.  , 0.43]], dtype=float32)
    """

    def __init__(
        self,
        vectors: WordTable,
        a: float = 1e-3,
        *,
        remove: bool = True,
        tokenizer: Callable[[str], list[str]] = tokenize,
        name: str | None = None,
    ) -> None:
        sif_weights(np.zeros(1), a)  # refuses a bad one at once
        self.vectors = vectors if isinstance(vectors, Vectors) else Vectors.of(vectors)
        self.a, self.remove, self.tokenizer = a, remove, tokenizer
        self.name = name or self.vectors.name.partition("-")[0] + "-sif"
        self._counts: Counter[str] = Counter()
        self._total = 0
        self._common: Floats | None = None

    def fit(self, background: Sequence[str]) -> Self:
        """Count words, and find the direction that the background's vectors have in common.

        Raises
        ------
        TypeError
            If one single text is given.
        ValueError
            If the background has no words, or none of them has a vector.
        """
        texts = text_list(background)
        self._total, self._common = 0, None  # not fitted, whatever happens below
        self._counts = Counter(word for text in texts for word in self.tokenizer(text))
        total = self._counts.total()
        if not total:
            raise ValueError("without a word there are no frequencies: give texts with words")
        if self.remove:
            self._common = common_direction(self._means(texts, total))
        self._total = total
        return self

    def encode(self, texts: Sequence[str]) -> Float32s:
        """Encode: (n, d) float32; zero for a text of none but unknown words.

        Raises
        ------
        TypeError
            If one single text is given.
        RuntimeError
            If it was never fitted.
        """
        listed = text_list(texts)
        if not self._total:
            raise RuntimeError(f"{self.name} has no frequencies yet; call fit(background) first")
        X = self._means(listed, self._total)
        return X if self._common is None else without(X, self._common)

    def _means(self, texts: list[str], total: int) -> Float32s:
        """Weigh and average, nothing taken off yet: (n, d)."""
        means = np.zeros((len(texts), self.vectors.W.shape[1]), dtype=np.float32)
        for row, text in zip(means, texts, strict=True):
            words = [word for word in self.tokenizer(text) if word in self.vectors]
            if words:
                p = np.array([self._counts[word] for word in words]) / total
                w = sif_weights(p, self.a)
                row[:] = w @ self.vectors.W[[self.vectors.index[word] for word in words]] / w.sum()
        return means
