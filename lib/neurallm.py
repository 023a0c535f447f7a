"""Neural language models: words become vectors, vectors become probabilities of the next word.

:class:`Bengio` looks at a few words before, as an n-gram model does, but by their vectors, so that
what it learns of one word helps with its like (Bengio, Ducharme, Vincent & Jauvin 2003).
:class:`LSTM` reads one word after the other, and keeps in its state what it needs of all of them
(Hochreiter & Schmidhuber 1997). Both end in a :class:`Softmax` over the vocabulary, plain or
adaptive (Grave, Joulin, Cissé, Grangier & Jégou 2017), and learn by `lib.trainer`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lib.corpus import Corpus

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


# From states to probabilities -----------------------------------------------------------------


class Softmax(nn.Module):
    """Probabilities of V words from a state: ``softmax(W h + b)``, or in steps.

    With V = 20,000 the plain form costs more than all the rest of a small network. The adaptive
    one asks first which of a few thousand frequent words comes, or which *cluster* of rarer ones,
    and only if a cluster came, which word of it; rare clusters also get shorter vectors. It is an
    exact distribution, and may be trained and compared like the plain one.

    At the beginning all words are about equally likely: a cluster begins with the bias
    ``log(size)``.

    Parameters
    ----------
    d : int
        Length of a state.
    V : int
        Words, the most frequent first.
    cutoffs : sequence of int
        Where the clusters begin, as ``(2000, 8000)``; without any, the plain form.
    shrink : int
        Vectors of the first cluster have ``d / shrink`` dimensions, of the next ``d / shrink**2``.

    Raises
    ------
    ValueError
        If the last cluster's vectors would have no dimension.

    Examples
    --------
    >>> with seeded(np.random.default_rng(0)):
    ...     output = Softmax(4, 10, (3, 6), shrink=2)
    >>> round(output.all(torch.zeros(1, 4)).exp().sum().item(), 4)
    1.0
    """

    def __init__(self, d: int, V: int, cutoffs: Sequence[int] = (), shrink: int = 4) -> None:
        super().__init__()
        if shrink ** len(cutoffs) > d:
            raise ValueError(
                f"vectors of the last cluster have {d} / {shrink} ** {len(cutoffs)} dimensions, "
                "and need one or more"
            )
        self.V = V
        self.plain = nn.Linear(d, V) if not cutoffs else None
        self.steps = None
        if cutoffs:
            self.steps = nn.AdaptiveLogSoftmaxWithLoss(
                d, V, list(cutoffs), div_value=shrink, head_bias=True
            )
            sizes = torch.tensor(np.diff([*cutoffs, V]), dtype=torch.float32)
            with torch.no_grad():
                self.steps.head.bias.zero_()
                self.steps.head.bias[cutoffs[0] :] = sizes.log()

    def forward(self, states: Tensor, words: Tensor) -> Tensor:
        """Return the log-probability of one word for each state: (m, d), (m,) -> (m,)."""
        if self.steps is not None:
            return torch.as_tensor(self.steps(states, words).output)
        assert self.plain is not None
        return -nn.functional.cross_entropy(self.plain(states), words, reduction="none")

    def all(self, states: Tensor) -> Tensor:
        """Return the log-probabilities of all words: (m, d) -> (m, V)."""
        if self.steps is not None:
            return self.steps.log_prob(states)
        assert self.plain is not None
        return torch.log_softmax(self.plain(states), dim=-1)


class ProjectedLSTM(nn.Module):
    """An LSTM, written out, whose output is shorter than its memory (Sak, Senior & Beaufays 2014).

    With the memory c of `cells` numbers, and the output r of d, at each word x:

        i, f, o = sigmoid(W x + U r + b)     what to write, to keep, and to show
        n = tanh(W x + U r + b)              what could be written
        c = f * c + i * n
        r = P (o * tanh(c))

    Each of the four has its own rows in W, U and b. Sak et al. also let the gates look at c
    (peepholes); here they do not. Without P this is the common LSTM, for which PyTorch's `nn.LSTM`
    is faster; with P the two take about the same time.

    Parameters
    ----------
    inputs : int
        Length of x.
    cells : int
        Length of c.
    d : int
        Length of r.
    """

    def __init__(self, inputs: int, cells: int, d: int) -> None:
        super().__init__()
        self.cells, self.d = cells, d
        self.inner = nn.Linear(inputs, 4 * cells)  # W and b, in the order i, f, o, n
        self.recurrent = nn.Linear(d, 4 * cells, bias=False)  # U
        self.projection = nn.Linear(cells, d, bias=False)  # P
        with torch.no_grad():
            self.inner.bias.zero_()
            self.inner.bias[cells : 2 * cells] = 1.0  # at first, keep (Gers et al. 2000)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return r after each word and the last c: (B, T, inputs) -> (B, T, d), (B, cells)."""
        given = self.inner(x.transpose(0, 1)).unbind(0)  # T times (B, 4 cells)
        r, c = x.new_zeros(len(x), self.d), x.new_zeros(len(x), self.cells)
        U, P = self.recurrent.weight.t(), self.projection.weight.t()
        states = []
        for step in given:
            all_four = torch.addmm(step, r, U)
            i, f, o = torch.sigmoid(all_four[:, : 3 * self.cells]).chunk(3, dim=1)
            n = torch.tanh(all_four[:, 3 * self.cells :])
            c = f * c + i * n
            r = (o * torch.tanh(c)) @ P
            states.append(r)
        return torch.stack(states, dim=1), c


@contextmanager
def seeded(rng: np.random.Generator) -> Iterator[None]:
    """Let PyTorch draw first weights by `rng`, and leave its own generator as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(rng.integers(2**63)))
        yield


# From text to batches -------------------------------------------------------------------------


class Batch(NamedTuple):
    """Some passages side by side: words (B, T), padded with 0, and which of them are real."""

    words: Tensor
    real: Tensor


def side_by_side(text: Corpus, passages: Sequence[int] | Ints) -> Batch:
    """Put passages into rows, the shorter ones padded.

    Examples
    --------
    >>> text = Corpus.from_documents([["a", "b", "a"], ["b"]])
    >>> side_by_side(text, [1, 0])
    Batch(words=tensor([[1, 0, 0],
            [0, 1, 0]]), real=tensor([[ True, False, False],
            [ True,  True,  True]]))
    """
    chosen = np.asarray(passages, dtype=np.int64)
    begins, ends = text.starts[chosen], text.starts[chosen + 1]
    places = begins[:, None] + np.arange(int(np.max(ends - begins, initial=0)))
    real = places < ends[:, None]
    words = np.where(real, text.ids[np.minimum(places, text.tokens - 1)], 0)
    return Batch(torch.from_numpy(words.astype(np.int64)), torch.from_numpy(real))


def groups(text: Corpus, size: int) -> list[Ints]:
    """Put passages of similar length into one batch, for measuring.

    Examples
    --------
    >>> groups(Corpus.from_documents([["a"], ["a", "b"], ["b"]]), 2)
    [array([0, 2]), array([1])]
    """
    order = np.argsort(np.diff(text.starts), kind="stable")
    return [order[first : first + size] for first in range(0, len(order), size)]


# The models -----------------------------------------------------------------------------------


class NeuralModel(nn.Module):
    """What both models share: a state for every token, and a softmax.

    Parameters
    ----------
    V : int
        Words. The number V itself is the mark before the beginning.
    d : int
        Length of the state from which a word is predicted.
    cutoffs : sequence of int
        See :class:`Softmax`.
    """

    def __init__(self, V: int, d: int, cutoffs: Sequence[int]) -> None:
        super().__init__()
        self.V = V
        self.output = Softmax(d, V, cutoffs)

    def states(self, before: Tensor) -> Tensor:
        """Return the state after each word: (B, T) -> (B, T, d); the first is the mark V."""
        raise NotImplementedError

    def batch(self, text: Corpus, passages: Sequence[int] | Ints) -> Batch:
        """Prepare passages for :meth:`loss`.

        Raises ValueError if the text has another number of words than the model.
        """
        if len(text.vocabulary) != self.V:
            raise ValueError(
                f"the text has {len(text.vocabulary):,} words, the model {self.V:,}: "
                "limit_vocabulary(corpus, size) gives a text of the right size"
            )
        return side_by_side(text, passages)

    def log_likelihoods(self, batch: Batch) -> Tensor:
        """Return the log-probability of every real token, row after row: (m,)."""
        marks = torch.full_like(batch.words[:, :1], self.V)
        before = torch.cat([marks, batch.words[:, :-1]], dim=1)
        out: Tensor = self.output(self.states(before)[batch.real], batch.words[batch.real])
        return out

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean of ``-log p`` over the real tokens, in nats."""
        return -self.log_likelihoods(batch).mean()

    @torch.no_grad()
    def log_probabilities(self, text: Corpus, *, size: int = 64) -> Floats:
        """Natural logarithm of the probability of every token, given those before it: (n,)."""
        found = np.empty(text.tokens)
        for passages in groups(text, size):
            logs = self.log_likelihoods(self.batch(text, passages)).numpy()
            found[places_of(text, passages)] = logs
        return found

    @torch.no_grad()
    def next(self, context: Sequence[int]) -> Floats:
        """Natural logarithms of the probabilities of all words after a context: (V,)."""
        states = self.states(torch.tensor([[self.V, *context]]))
        return np.asarray(self.output.all(states[:, -1])[0].numpy(), dtype=np.float64)


def places_of(text: Corpus, passages: Sequence[int] | Ints) -> Ints:
    """Say where the tokens of some passages stand in the text, passage after passage."""
    return np.concatenate(
        [np.arange(text.starts[p], text.starts[p + 1]) for p in passages] or [np.empty(0, np.int64)]
    )


class Bengio(NeuralModel):
    """The network of Bengio et al. 2003, section 2: ``y = b + W x + U tanh(d + H x)``.

    x is made of the vectors of the `context` words before, side by side; y goes through a softmax.
    W may be left out. The vectors are the same at each of the places, and learnt with the rest: ten
    years before Word2Vec, word vectors are what a language model needs on its way.

    Parameters
    ----------
    V : int
        Words.
    rng : numpy.random.Generator
        Draws the first weights.
    context : int
        How many words before it sees (n - 1; the paper took 4 for the Brown corpus).
    dimensions : int
        Length of a word vector (m).
    hidden : int
        Length of the hidden layer (h).
    direct : bool
        With W, connections from the vectors right to the output.
    cutoffs : sequence of int
        See :class:`Softmax`.

    Raises
    ------
    ValueError
        If it is to see no word.

    Examples
    --------
    >>> model = Bengio(10, np.random.default_rng(0), context=3, dimensions=4, hidden=5)
    >>> round(float(np.exp(model.next([1, 2])).sum()), 4)
    1.0
    """

    def __init__(
        self,
        V: int,
        rng: np.random.Generator,
        *,
        context: int = 4,
        dimensions: int = 60,
        hidden: int = 100,
        direct: bool = False,
        cutoffs: Sequence[int] = (),
    ) -> None:
        if context < 1:
            raise ValueError(f"context = {context}: at least one word before must be seen")
        with seeded(rng):
            super().__init__(V, hidden + context * dimensions * direct, cutoffs)
            self.context, self.direct = context, direct
            self.vectors = nn.Embedding(V + 1, dimensions)  # the last is the mark's
            self.hidden = nn.Linear(context * dimensions, hidden)

    def states(self, before: Tensor) -> Tensor:
        """Return ``tanh(d + H x)``, with `direct` after x itself: (B, T) -> (B, T, size)."""
        marks = torch.full_like(before[:, :1], self.V).expand(-1, self.context - 1)
        padded = torch.cat([marks, before], dim=1)  # (B, T + context - 1)
        windows = padded.unfold(1, self.context, 1)  # (B, T, context)
        x = self.vectors(windows).flatten(2)  # (B, T, context * m)
        h = torch.tanh(self.hidden(x))
        return torch.cat([x, h], dim=2) if self.direct else h


class LSTM(NeuralModel):
    """A network that reads: word vectors, one or more layers of LSTM, a softmax.

    Parameters
    ----------
    V : int
        Words.
    rng : numpy.random.Generator
        Draws the first weights.
    dimensions : int
        Length of a word vector.
    hidden : int
        Length of a state.
    layers : int
        How many LSTMs, one above the other.
    cutoffs : sequence of int
        See :class:`Softmax`.

    Examples
    --------
    >>> model = LSTM(10, np.random.default_rng(0), dimensions=4, hidden=5)
    >>> round(float(np.exp(model.next([1, 2])).sum()), 4)
    1.0
    """

    def __init__(
        self,
        V: int,
        rng: np.random.Generator,
        *,
        dimensions: int = 128,
        hidden: int = 128,
        layers: int = 1,
        cutoffs: Sequence[int] = (),
    ) -> None:
        with seeded(rng):
            super().__init__(V, hidden, cutoffs)
            self.vectors = nn.Embedding(V + 1, dimensions)  # the last is the mark's
            self.lstm = nn.LSTM(dimensions, hidden, layers, batch_first=True)

    def states(self, before: Tensor) -> Tensor:
        """Return the top layer's state after each word: (B, T) -> (B, T, hidden)."""
        states: Tensor = self.lstm(self.vectors(before))[0]
        return states
