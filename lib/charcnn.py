"""Vectors of words from their letters: convolutions, the largest answers, highways.

A table of vectors has a row for every word that it knows. A network that reads letters has none,
and gives a vector to any word: *unfriendliest*, a slip of the pen, a name it never met. ELMo reads
its words so (`lib.elmo`), after Kim, Jernite, Sontag & Rush 2016.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

Ints: TypeAlias = NDArray[np.int64]

BYTES: Final = 256
WORD_BEGIN, WORD_END, TEXT_BEGIN, TEXT_END = range(BYTES + 1, BYTES + 5)
SYMBOLS: Final = BYTES + 5
"""What a letter can be: 0 for nothing, 1 to 256 for the bytes of UTF-8, then four marks."""


def spell(words: Sequence[str], longest: int) -> Ints:
    """Turn words into the numbers of their letters, between marks for their beginning and end.

    Parameters
    ----------
    words : sequence of str
        Any words.
    longest : int
        How many bytes of a word are read, at most.

    Returns
    -------
    (n, C) array
        With C just large enough, at most ``longest + 2``; 0 behind the end.

    Raises
    ------
    ValueError
        If a word is empty.

    Examples
    --------
    >>> spell(["ab", "a"], 20)  # "a" is byte 97, so letter 98
    array([[257,  98,  99, 258],
           [257,  98, 258,   0]])
    """
    coded = [word.encode("utf-8")[:longest] for word in words]
    if not all(coded):
        raise ValueError("a word must have a letter")
    letters = np.zeros((len(coded), max(map(len, coded), default=0) + 2), np.int64)
    for row, code in zip(letters, coded, strict=True):
        row[0] = WORD_BEGIN
        row[1 : len(code) + 1] = np.frombuffer(code, np.uint8).astype(np.int64) + 1
        row[len(code) + 1] = WORD_END
    return letters


class Highway(nn.Module):
    """A layer that changes only some of what passes (Srivastava, Greff & Schmidhuber 2015).

    ``y = g * relu(W x + b) + (1 - g) * x`` with the gate ``g = sigmoid(W' x + b')``. The gate
    begins nearly closed (b' = -2), so that at first almost all passes unchanged.

    Parameters
    ----------
    d : int
        Length of x and y.
    """

    def __init__(self, d: int) -> None:
        super().__init__()
        self.change = nn.Linear(d, d)
        self.gate = nn.Linear(d, d)
        with torch.no_grad():
            self.gate.bias.fill_(-2.0)

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, d) to (n, d)."""
        g = torch.sigmoid(self.gate(x))
        return g * torch.relu(self.change(x)) + (1 - g) * x


class CharacterCNN(nn.Module):
    """A vector for every word, from its letters alone (Kim, Jernite, Sontag & Rush 2016).

    Filters of several widths slide over the letters; each keeps its largest answer, wherever in the
    word it came (max-pooling). Highway layers and a projection to d numbers follow. Answers go
    through relu, as in ELMo's program, where Kim et al. have tanh.

    A filter is placed on every letter of the word, marks included, and may reach over the end,
    where it sees zeros. So the vector depends on the word alone, not on the longest one beside it.

    Parameters
    ----------
    letters : int
        Length of the vector of a letter.
    filters : sequence of pairs
        Widths of the convolutions, and how many filters of each.
    highways : int
        How many highway layers.
    d : int
        Length of the vector of a word.

    Examples
    --------
    >>> network = CharacterCNN(4, [(1, 2), (3, 5)], 1, 6)
    >>> network(torch.from_numpy(spell(["cat", "a"], 20))).shape
    torch.Size([2, 6])
    """

    def __init__(
        self, letters: int, filters: Sequence[tuple[int, int]], highways: int, d: int
    ) -> None:
        super().__init__()
        self.letters = nn.Embedding(SYMBOLS, letters, padding_idx=0)
        self.filters = nn.ModuleList(nn.Conv1d(letters, number, width) for width, number in filters)
        number = sum(number for _, number in filters)
        self.highways = nn.Sequential(*(Highway(number) for _ in range(highways)))
        self.projection = nn.Linear(number, d)

    def forward(self, spellings: Tensor) -> Tensor:
        """Map the letters of n words (n, C) to vectors (n, d)."""
        letters = self.letters(spellings).transpose(1, 2)  # (n, letters, C)
        nothing = (spellings == 0)[:, None]  # (n, 1, C)
        found = []
        for convolution in self.filters:
            width = convolution.kernel_size[0]  # type: ignore[index]
            answers = torch.relu(convolution(F.pad(letters, (0, int(width) - 1))))  # (n, m, C)
            found.append(answers.masked_fill(nothing, 0.0).amax(dim=2))  # (n, m)
        out: Tensor = self.projection(self.highways(torch.cat(found, dim=1)))
        return out
