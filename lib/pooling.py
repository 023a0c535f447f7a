"""From the states of tokens to one vector of a text: mean, first, last, largest, weighted.

A transformer gives a vector for every token. What stands for the text is a choice, and it matters:
a token of an encoder has seen the whole text, a token of a decoder only itself and what stands
before it, so that the first token has seen nothing else, and the last one all.

    ========  ====================================================
    mean      the average of all tokens, the default of Sentence-BERT
    cls       the first token, as in BERT
    last      the last token, as with decoders
    max       of each number the largest, as over the states of InferSent's LSTMs
    weighted  an average, each token by a weight, see `lib.sif`
    ========  ====================================================

Papers: Reimers & Gurevych 2019 (mean, first token and largest: section 3, and compared in table 6);
Conneau, Kiela, Schwenk, Barrault & Bordes 2017 (mean and largest: section 3.2.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Float32s: TypeAlias = NDArray[np.float32]
Pool: TypeAlias = Callable[[Tensor, Tensor], Tensor]


def mean(states: Tensor, kept: Tensor) -> Tensor:
    """Average the tokens that are kept: (B, T, d), (B, T) -> (B, d).

    Parameters
    ----------
    states : (B, T, d) tensor
        A vector for each token, padded to T.
    kept : (B, T) tensor of bool or numbers
        Which tokens count, or how much each one does; 0 for padding.

    Returns
    -------
    (B, d) tensor
        Zero for a text without tokens.

    Examples
    --------
    >>> states = torch.tensor([[[1.0], [3.0], [9.0]]])
    >>> mean(states, torch.tensor([[True, True, False]]))
    tensor([[2.]])
    >>> mean(states, torch.tensor([[3.0, 1.0, 0.0]]))
    tensor([[1.5000]])
    """
    weights = kept.to(states.dtype)[:, None]  # (B, 1, T)
    total = weights.sum(dim=2)  # (B, 1)
    return (weights @ states)[:, 0] / torch.where(total == 0, 1, total)


def cls(states: Tensor, kept: Tensor) -> Tensor:
    """Take the first token that is kept, in BERT the mark [CLS]: (B, T, d), (B, T) -> (B, d).

    Zero for a text without tokens.

    Examples
    --------
    >>> cls(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[False, True, True]]))
    tensor([[3.]])
    """
    return _taken(states, kept, kept.bool().int().argmax(dim=1))


def last(states: Tensor, kept: Tensor) -> Tensor:
    """Take the last token that is kept, wherever padding stands: (B, T, d), (B, T) -> (B, d).

    Zero for a text without tokens.

    Examples
    --------
    >>> last(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[True, True, False]]))
    tensor([[3.]])
    """
    T = kept.shape[1]
    return _taken(states, kept, T - 1 - kept.bool().int().flip(1).argmax(dim=1))


def _taken(states: Tensor, kept: Tensor, place: Tensor) -> Tensor:
    found = states[torch.arange(len(states)), place]  # (B, d)
    return torch.where(kept.bool().any(dim=1)[:, None], found, 0)


def largest(states: Tensor, kept: Tensor) -> Tensor:
    """Take of each number the largest among the tokens: (B, T, d), (B, T) -> (B, d).

    Zero for a text without tokens (Conneau et al. 2017, section 3.2.2).

    Examples
    --------
    >>> largest(torch.tensor([[[1.0, -5.0], [3.0, -7.0], [9.0, 9.0]]]), torch.tensor([[1, 1, 0]]))
    tensor([[ 3., -5.]])
    """
    kept = kept.bool()
    found = states.masked_fill(~kept[..., None], float("-inf")).amax(dim=1)
    return torch.where(kept.any(dim=1)[:, None], found, 0)


POOLS: Final[dict[str, Pool]] = {"mean": mean, "cls": cls, "last": last, "max": largest}
"""The ways to pool by name."""


def unit_rows(X: NDArray[np.floating]) -> Float32s:
    """Bring rows to length 1, zero rows left as they are: (n, d) float32.

    Examples
    --------
    >>> unit_rows(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]], dtype=float32)
    """
    lengths = np.linalg.norm(X, axis=1, keepdims=True)
    return np.asarray(X / np.where(lengths == 0, 1, lengths), dtype=np.float32)
