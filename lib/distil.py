"""A transformer boiled down to a table: one vector a token, and a text is their weighted mean.

Each token of the vocabulary goes through the transformer alone, and what comes out is kept. From
then on a text needs a look-up and an average, no network: far faster, and blind to order and
context again, as in chapter 1. Principal components make the table smaller, and weights by
frequency (`lib.sif`) keep *the* and *of* from drowning the rest.

After Model2Vec (Tulkens & van Dongen 2024, software), which guesses frequencies from the order of
the vocabulary by Zipf's law; here they are counted in a background.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from lib.pooling import unit_rows
from lib.sif import sif_weights, text_list, token_frequencies
from lib.textencoder import Backbone

Float32s: TypeAlias = NDArray[np.float32]


def token_vectors(backbone: Backbone, *, layer: int = -1, size: int = 2_048) -> Float32s:
    """Read every token alone, between the model's marks: (V, d).

    Parameters
    ----------
    backbone : Backbone
        From `lib.textencoder`.
    layer : int
        Whose states are kept: 0 what goes into the first block, which is little more than the
        table that the model has anyway.
    size : int
        Tokens at a time; without influence on the result but for rounding.

    Returns
    -------
    (V, d) array of float32
        The state of each token itself, marks left out.
    """
    before, after = list(backbone.before), list(backbone.after)
    found = []
    for begin in range(0, backbone.size, size):
        tokens = range(begin, min(begin + size, backbone.size))
        ids = torch.tensor([[*before, token, *after] for token in tokens])
        with torch.inference_mode():
            found.append(backbone.network.layer(layer, ids)[:, len(before)].numpy())
    return np.concatenate(found)


def principal_components(W: NDArray[np.floating], k: int) -> Float32s:
    """Turn rows to their k directions of largest variance, around their mean: (V, d) -> (V, k).

    A direction may point either way: here its number of largest magnitude is positive.

    Raises
    ------
    ValueError
        If there are not k directions.

    Examples
    --------
    >>> principal_components(np.array([[0.0, 1.0], [0.0, 3.0], [0.0, 8.0]]), 1).ravel()
    array([-3., -1.,  4.], dtype=float32)
    """
    if not 1 <= k <= min(W.shape):
        raise ValueError(f"k = {k}: {W.shape[0]} rows of {W.shape[1]} numbers do not have as many")
    centred = np.asarray(W, dtype=np.float64) - W.mean(axis=0, dtype=np.float64)
    _, vectors = np.linalg.eigh(centred.T @ centred)  # from small to large
    directions = vectors[:, ::-1][:, :k]  # (d, k)
    largest = directions[np.abs(directions).argmax(axis=0), np.arange(k)]
    return np.asarray(centred @ (directions * np.sign(largest)), dtype=np.float32)


class StaticEncoder:
    """A table of token vectors as an encoder: the weighted mean of a text's tokens.

    Parameters
    ----------
    table : (V, k) array
        A vector for each token.
    cut : callable
        From a text to the numbers of its tokens.
    a : float
        Where the weight of a token is one half, see `lib.sif.sif_weights`. Before :meth:`fit`, all
        weigh the same.
    name : str
        For tables and figures.

    Raises
    ------
    ValueError
        If the table has not two dimensions, or a is not positive.

    Examples
    --------
    >>> def letters(text: str) -> list[int]:
    ...     return ["abc".index(letter) for letter in text]
    >>> encoder = StaticEncoder(np.eye(3), letters)
    >>> encoder.encode(["aab"]).round(2)  # 2 / 3 and 1 / 3, brought to length 1
    array([[0.89, 0.45, 0.  ]], dtype=float32)
    """

    def __init__(
        self,
        table: NDArray[np.floating],
        cut: Callable[[str], list[int]],
        *,
        a: float = 1e-3,
        name: str = "static",
    ) -> None:
        self.table = np.asarray(table, dtype=np.float32)
        if self.table.ndim != 2:
            raise ValueError(f"a row for each token is needed, got {self.table.shape}")
        self.cut, self.a, self.name = cut, a, name
        self.weights = sif_weights(np.zeros(len(self.table)), a).astype(np.float32)

    @classmethod
    def distil(cls, backbone: Backbone, k: int = 256, *, a: float = 1e-3) -> Self:
        """Boil a transformer down to k numbers a token; a minute for MiniLM's vocabulary."""
        table = principal_components(token_vectors(backbone), k)
        return cls(table, backbone.cut, a=a, name=f"{backbone.name}-static")

    def fit(self, background: Sequence[str]) -> Self:
        """Count tokens in background texts, and weigh the frequent ones less.

        Raises
        ------
        TypeError
            If one single text is given.
        ValueError
            If the background has no tokens.
        """
        frequencies = token_frequencies(map(self.cut, text_list(background)), len(self.table))
        self.weights = sif_weights(frequencies, self.a).astype(np.float32)
        return self

    def encode(self, texts: Sequence[str]) -> Float32s:
        """Encode: (n, k) float32, rows of length 1; zero for a text without tokens.

        Raises
        ------
        TypeError
            If one single text is given.
        """
        listed = text_list(texts)
        X = np.zeros((len(listed), self.table.shape[1]), dtype=np.float32)
        for row, text in zip(X, listed, strict=True):
            tokens = self.cut(text)
            if tokens:  # a sum has the direction of the mean, and only that is kept
                row[:] = self.weights[tokens] @ self.table[tokens]
        return unit_rows(X)
