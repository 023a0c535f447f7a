"""Word2Vec: word vectors that are good at telling a true neighbour from a random word.

A window slides over the text. Skip-gram asks of each word near the centre: does the centre really
stand here, or is it a word drawn from the noise? A dot product and a sigmoid give the answer, and
its error moves both vectors. CBOW asks once a window, of the mean of its words. Hierarchical
softmax asks no noise at all, but for the way to the word through a binary tree.

:func:`update` is the whole of the learning, in six lines of NumPy; :class:`Word2Vec` applies it to
a corpus, plainly or compiled (`lib._word2vec`), with the same draws and the same result up to
rounding.

Papers: Mikolov, Chen, Corrado & Dean 2013 (models), Mikolov, Sutskever, Chen, Corrado & Dean 2013
(negative sampling, subsampling), Ji, Satish, Li & Dubey 2016 (a window at a time), İrsoy, Benton &
Stratos 2021 (the mean of CBOW).
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib._word2vec import GOLDEN, LANES, kernel
from lib.corpus import Corpus
from lib.vectors import Vectors

Floats: TypeAlias = NDArray[np.floating[Any]]
Float32s: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]

CHUNK = 10_000
"""Whole documents of at least so many tokens are trained at one rate, in one call."""

GROUP = 32
"""Progress is reported once for so many chunks."""

_ALL = 2**64 - 1


# The update ---------------------------------------------------------------------------------


def sigmoid(x: ArrayLike) -> Floats:
    """Turn any number into a probability: ``1 / (1 + exp(-x))``, without overflow.

    Examples
    --------
    >>> sigmoid([0, 1000]).tolist()
    [0.5, 1.0]
    """
    x = np.asarray(x)
    small = np.exp(-np.abs(x))  # never above 1
    p: Floats = np.where(x >= 0, 1, small) / (1 + small)
    return p


def loss(X: ArrayLike, Y: ArrayLike, labels: ArrayLike) -> float:
    """Sum ``-log sigmoid(x . y)`` over pairs of label 1, ``-log sigmoid(-x . y)`` over the others.

    Parameters
    ----------
    X : (m, d) array
        Input vectors: the words of the window, or for CBOW their mean alone.
    Y : (k, d) array
        Output vectors: the centre and the words drawn from the noise, or the nodes of a tree.
    labels : (k,) array
        1 for what is true, 0 for what is not.

    Examples
    --------
    >>> round(loss([[1, 0]], [[0, 1], [0, 2]], [1, 0]), 4)  # two times log 2
    1.3863
    """
    x = np.asarray(X) @ np.asarray(Y).T  # (m, k)
    signed = np.where(np.asarray(labels) == 1, x, -x)
    return float(np.logaddexp(0, -signed).sum())


def gradients(X: ArrayLike, Y: ArrayLike, labels: ArrayLike) -> tuple[Floats, Floats]:
    """Differentiate :func:`loss` by the inputs (m, d) and by the outputs (k, d).

    Examples
    --------
    >>> dX, dY = gradients([[1, 2]], [[2, -1]], [1])
    >>> dX.tolist(), dY.tolist()  # the error is sigmoid(0) - 1 = -0.5
    ([[-1.0, 0.5]], [[-0.5, -1.0]])
    """
    X, Y = np.asarray(X), np.asarray(Y)
    error = sigmoid(X @ Y.T) - np.asarray(labels)  # (m, k): predicted minus true
    return error @ Y, error.T @ X


def update(W: Floats, C: Floats, example: Example, rate: float, *, mean: str = "") -> None:
    """Take one step down the gradient, in place: the whole of Word2Vec's learning.

    Parameters
    ----------
    W, C : (V, d) arrays
        Input and output vectors.
    example : Example
        Which rows meet.
    rate : float
        The length of the step.
    mean : "", "copied" or "divided"
        For CBOW: the outputs meet the mean of the inputs, and each input gets the whole error of
        the mean ("copied", as in word2vec.c), or its share, the gradient ("divided").
    """
    inputs, outputs, labels = example
    X, Y = W[inputs], C[outputs]  # copies: all gradients are taken before the step
    dX, dY = gradients(X.mean(0, keepdims=True) if mean else X, Y, labels)
    if mean == "divided":
        dX = dX / len(inputs)
    step = np.asarray(rate, W.dtype)
    np.add.at(W, inputs, -step * dX)  # a word that stands twice gets both steps
    np.add.at(C, outputs, -step * dY)


class Example(NamedTuple):
    """Input words, output words or nodes, and a label for each output."""

    inputs: Ints
    outputs: Ints
    labels: NDArray[np.float32]


# What is drawn, and how often -----------------------------------------------------------------


def keep_probability(counts: ArrayLike, sample: float) -> NDArray[np.float64]:
    """How likely a token of each word survives subsampling: ``sqrt(t / f) + t / f``, at most 1.

    The form of word2vec.c, with f the word's share of the corpus and t = `sample`; the paper's
    is without the second term. A `sample` of 0 keeps everything.

    Examples
    --------
    >>> keep_probability([96, 4], 0.04).round(3).tolist()
    [0.246, 1.0]
    """
    counts = np.asarray(counts, dtype=np.float64)
    if sample == 0:
        return np.ones(len(counts))
    ratio = sample * counts.sum() / np.maximum(counts, 1)
    p: NDArray[np.float64] = np.minimum(np.sqrt(ratio) + ratio, 1)
    return p


def noise_distribution(counts: ArrayLike, power: float = 0.75) -> NDArray[np.float64]:
    """Draw negatives by ``count ** power``: with 0.75 rare words come more often than in text.

    Examples
    --------
    >>> noise_distribution([16, 1]).round(3).tolist()
    [0.889, 0.111]
    """
    weights = np.asarray(counts, dtype=np.float64) ** power
    weights[np.asarray(counts) == 0] = 0  # also for a power of 0
    p: NDArray[np.float64] = weights / weights.sum()
    return p


def alias_table(p: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.int32]]:
    """Prepare draws from V unequal probabilities in constant time (Walker 1977, Vose 1991).

    All columns are equally likely; column i means i with probability ``share[i]``, otherwise
    ``other[i]``.

    Returns
    -------
    share : (V,) array
    other : (V,) array of int32

    Examples
    --------
    >>> share, other = alias_table([0.75, 0.25])
    >>> share.tolist(), other.tolist()
    ([1.0, 0.5], [0, 0])
    """
    share = np.asarray(p, dtype=np.float64) * len(np.asarray(p))
    other = np.arange(len(share), dtype=np.int32)
    poor = [i for i in range(len(share)) if share[i] < 1]
    rich = [i for i in range(len(share)) if share[i] >= 1]
    while poor and rich:
        i, giver = poor.pop(), rich[-1]
        other[i] = giver
        share[giver] -= 1 - share[i]  # the giver fills up column i
        if share[giver] < 1:
            poor.append(rich.pop())
    share[poor + rich] = 1  # what is left misses 1 by rounding only
    return share, other


class Tree(NamedTuple):
    """The way to each word through a binary tree.

    Word w passes the nodes ``nodes[starts[w]:starts[w + 1]]`` and turns by the `codes` there.
    """

    starts: Ints
    nodes: Ints
    codes: NDArray[np.int8]


def huffman_tree(counts: ArrayLike) -> Tree:
    """Build the tree with the shortest mean path (Huffman 1952): frequent words lie near the root.

    Node 0 is the root; a tree over V words has V - 1 nodes.

    Raises
    ------
    ValueError
        If there are fewer than two words.

    Examples
    --------
    >>> tree = huffman_tree([4, 1, 2])
    >>> np.diff(tree.starts).tolist()  # the most frequent word needs one turn, the others two
    [1, 2, 2]
    """
    counts = np.asarray(counts)
    V = len(counts)
    if V < 2:
        raise ValueError(f"a tree needs two words or more, not {V}")
    heap = [(int(count), i) for i, count in enumerate(counts)]  # 0 to V - 1 are the words
    heapq.heapify(heap)
    parent, code = np.zeros(2 * V - 1, np.int64), np.zeros(2 * V - 1, np.int8)
    for new in range(V, 2 * V - 1):
        (first, left), (second, right) = heapq.heappop(heap), heapq.heappop(heap)
        parent[left] = parent[right] = new
        code[right] = 1
        heapq.heappush(heap, (first + second, new))
    paths = [_path(w, parent, code) for w in range(V)]
    starts = np.append(0, np.cumsum([len(nodes) for nodes, _ in paths]))
    root = 2 * V - 2
    nodes = root - np.concatenate([nodes for nodes, _ in paths])
    return Tree(starts, nodes, np.concatenate([codes for _, codes in paths]))


def _path(word: int, parent: Ints, code: NDArray[np.int8]) -> tuple[list[int], NDArray[np.int8]]:
    """Climb from a word to the root, and return nodes and turns from the root down."""
    nodes, codes = [], []
    while word < len(parent) - 1:
        codes.append(code[word])
        word = int(parent[word])
        nodes.append(word)
    return nodes[::-1], np.array(codes[::-1], dtype=np.int8)


class Draws:
    """Random numbers by splitmix64, the same as in the compiled trainer.

    Examples
    --------
    >>> draws = Draws(0)
    >>> hex(draws.bits())
    '0xe220a8397b1dcdaf'
    >>> draws.below(5) in range(5)
    True
    """

    def __init__(self, state: int) -> None:
        self.state = state

    def bits(self) -> int:
        """64 random bits."""
        self.state = (self.state + int(GOLDEN)) & _ALL
        return _mix(self.state)

    def below(self, n: int) -> int:
        """Return a whole number from 0 to n - 1."""
        return ((self.bits() >> 32) * n) >> 32

    def noise(self, share: NDArray[np.uint32], other: NDArray[np.int32]) -> int:
        """Return a word from an alias table whose shares are whole numbers out of 2**32."""
        bits = self.bits()
        column = ((bits >> 32) * len(share)) >> 32
        return column if bits & 0xFFFFFFFF < int(share[column]) else int(other[column])


def _mix(z: int) -> int:
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 & _ALL
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB & _ALL
    return z ^ (z >> 31)


def _out_of_2_32(p: NDArray[np.float64]) -> NDArray[np.uint32]:
    """Probabilities as whole numbers, which the trainer compares with 32 random bits."""
    return np.minimum(np.round(p * 2**32), 2**32 - 1).astype(np.uint32)


# The trainer ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Settings:
    """What to train, with the defaults of word2vec.c where nothing else is said.

    Parameters
    ----------
    dimensions : int
        Length of a vector.
    model : "skip-gram" or "cbow"
        Each word of the window predicts the centre, or their mean does.
    output : "negative" or "hierarchical"
        Against words drawn from the noise, or along the path in a Huffman tree.
    negative : int
        Words drawn from the noise for each example.
    step : "pair" or "window"
        For skip-gram. "pair": one update a pair, each with negatives of its own, as word2vec.c
        does. "window": one update for all pairs of a window, which share their negatives; another
        algorithm, faster, to be named where it is used (Ji et al. 2016). CBOW has one example a
        window anyway.
    window : int
        Words on each side, at most.
    dynamic : bool
        Draw the reach of each window from 1 to `window`, so that near words count for more.
    sample : float
        Above this share of the corpus, a word's tokens are left out more and more; 0 for never.
    power : float
        Exponent of the noise distribution.
    epochs : int
        Passes over the corpus.
    rate, final_rate : float
        Length of the steps, falling linearly from the first to the second.
    mean : "copied" or "divided"
        For CBOW: each input gets the whole error of the mean, as in word2vec.c and gensim, or its
        share, which is the gradient, and needs a larger rate (İrsoy et al. 2021).

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    dimensions: int = 100
    model: Literal["skip-gram", "cbow"] = "skip-gram"
    output: Literal["negative", "hierarchical"] = "negative"
    negative: int = 5
    step: Literal["pair", "window"] = "pair"
    window: int = 5
    dynamic: bool = True
    sample: float = 1e-3
    power: float = 0.75
    epochs: int = 5
    rate: float = 0.025
    final_rate: float = 0.0001
    mean: Literal["copied", "divided"] = "copied"

    def __post_init__(self) -> None:
        for name in ("dimensions", "negative", "window", "epochs"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {known}, not {getattr(self, name)!r}")
        if not 0 <= self.final_rate <= self.rate:
            raise ValueError(f"the rate cannot fall from {self.rate} to {self.final_rate}")
        if not 0 <= self.sample <= 1:
            raise ValueError(f"sample is a share from 0 to 1, not {self.sample}")


_CHOICES = {
    "model": ("skip-gram", "cbow"),
    "output": ("negative", "hierarchical"),
    "step": ("pair", "window"),
    "mean": ("copied", "divided"),
}


@dataclass(frozen=True)
class Progress:
    """How far a training is.

    Attributes
    ----------
    words, total : int
        Tokens of the corpus done, of all epochs together; those that subsampling dropped count.
    words_per_second : float
        In this call of :meth:`Word2Vec.train`, compilation not counted.
    loss : float
        Mean over recent examples (pairs, or for CBOW windows) of :func:`loss`, measured at one
        position of 64 before its update; NaN if there was none.
    rate : float
        The current step length.
    """

    words: int
    total: int
    words_per_second: float
    loss: float
    rate: float


class Word2Vec:
    """Vectors in training; they can be used at any moment.

    An interrupted :meth:`train` (by Ctrl-C, or an error in the caller's `progress`) leaves what
    was learnt so far; calling it again goes on to the same end as without the interruption.

    Parameters
    ----------
    corpus : lib.corpus.Corpus
        n tokens of V words, in documents; no window reaches over the end of a document.
    settings : Settings
        What to train.
    rng : numpy.random.Generator
        Gives the first vectors and the start of all draws. On one machine, the same generator and
        one thread give the same bits.

    Attributes
    ----------
    W, C : (V, d) arrays of float32
        Input vectors (those that are used) and output vectors. With the hierarchical softmax, C
        holds the V - 1 nodes of the tree.
    words_done : int
        Tokens trained on, over all epochs.
    compile_seconds : float
        What it took to compile before the first chunk; near 0 if the same width was compiled
        before.

    Raises
    ------
    ValueError
        If the corpus is empty.

    Examples
    --------
    >>> from lib.corpus import Corpus
    >>> corpus = Corpus.from_documents([["cat", "and", "dog"], ["dog", "and", "cat"]] * 50)
    >>> settings = Settings(dimensions=16, sample=0, epochs=2)
    >>> model = Word2Vec(corpus, settings, np.random.default_rng(0))
    >>> model.train()
    >>> model.vectors
    Vectors(3 words, 16 dimensions, 'word2vec')
    """

    def __init__(self, corpus: Corpus, settings: Settings, rng: np.random.Generator) -> None:
        if not len(corpus.ids):
            raise ValueError("the corpus has no tokens: there is nothing to train on")
        self.corpus, self.settings = corpus, settings
        self.words: Sequence[str] = corpus.vocabulary.words
        counts = np.bincount(corpus.ids, minlength=len(self.words))
        V, d = len(self.words), settings.dimensions
        self._W, self._C = _table(V + 1, d), _table(V + 1, d)  # the last row stays zero
        self._W[:V, :d] = (rng.random((V, d), dtype=np.float32) - np.float32(0.5)) / d
        self._key = int(rng.integers(2**64, dtype=np.uint64))
        self._keep = _out_of_2_32(keep_probability(counts, settings.sample))
        share, self._other = alias_table(noise_distribution(counts, settings.power))
        self._share = _out_of_2_32(share)
        self._hierarchical = settings.output == "hierarchical"
        none = Tree(np.zeros(1, np.int64), np.zeros(0, np.int64), np.zeros(0, np.int8))
        self._tree = huffman_tree(counts) if self._hierarchical else none
        self._chunks = _cut(corpus.starts)
        self._done = 0  # chunks, over all epochs
        self.compile_seconds = 0.0

    @property
    def W(self) -> Float32s:
        """Input vectors."""
        return self._W[:-1, : self.settings.dimensions]

    @property
    def C(self) -> Float32s:
        """Output vectors, of words or of nodes."""
        rows = len(self.words) - self._hierarchical
        return self._C[:rows, : self.settings.dimensions]

    @property
    def vectors(self) -> Vectors:
        """The input vectors of now, under their words (a copy)."""
        return Vectors(self.words, self.W.copy(), "word2vec")

    @property
    def words_done(self) -> int:
        """Tokens trained on, over all epochs."""
        epoch, chunk = divmod(self._done, len(self._chunks) - 1)
        return int(epoch * len(self.corpus.ids) + self.corpus.starts[self._chunks[chunk]])

    @property
    def _total(self) -> int:
        return self.settings.epochs * len(self.corpus.ids)

    def _plan(self, number: int) -> tuple[int, int, int, float]:
        """First and last document of a chunk, the state of its draws, and its rate."""
        epoch, chunk = divmod(number, len(self._chunks) - 1)
        first, last = self._chunks[chunk], self._chunks[chunk + 1]
        done = (epoch * len(self.corpus.ids) + self.corpus.starts[first]) / self._total
        s = self.settings
        rate = s.rate - (s.rate - s.final_rate) * float(done)
        return int(first), int(last), _mix((self._key + number) & _ALL), rate

    def train(
        self,
        progress: Callable[[Progress], object] | None = None,
        *,
        threads: int = 1,
        compiled: bool = True,
    ) -> None:
        """Train to the end of the last epoch.

        Parameters
        ----------
        progress : callable, optional
            Called now and then with a :class:`Progress`; what it returns does not matter.
        threads : int
            More than one thread writes to the same vectors without waiting (Recht et al. 2011):
            faster, and different each time. For benchmarks.
        compiled : bool
            False applies :func:`update` instead, thousands of times slower.
        """
        if threads < 1 or (threads > 1 and not compiled):
            raise ValueError(f"{threads} threads are not possible here: 1, or more if compiled")
        run = self._compile() if compiled else self._train_plainly
        begin, words = time.perf_counter(), self.words_done
        count = self.settings.epochs * (len(self._chunks) - 1)
        with ThreadPoolExecutor(threads) as pool:
            while self._done < count:
                group = range(self._done, min(self._done + GROUP, count))
                reports = []
                if threads > 1:
                    reports = list(pool.map(run, group))
                    self._done = group.stop
                else:
                    for number in group:
                        reports.append(run(number))
                        self._done = number + 1
                if progress is not None:
                    speed = (self.words_done - words) / (time.perf_counter() - begin)
                    progress(self._progress(speed, np.sum(reports, axis=0), group.stop - 1))

    def _progress(self, speed: float, report: NDArray[np.float64], number: int) -> Progress:
        _, _, total, measured = report
        mean = float(total / measured) if measured else float("nan")
        return Progress(self.words_done, self._total, speed, mean, self._plan(number)[3])

    def _compile(self) -> Callable[[int], NDArray[np.float64]]:
        """Return a function that trains on one chunk, given its number, and reports what it did."""
        s, corpus, tree = self.settings, self.corpus, self._tree
        trainer = kernel(-(-s.dimensions // LANES) * LANES)

        def call(first: int, last: int, state: int, rate: float) -> NDArray[np.float64]:
            report = np.zeros(4)  # tokens kept, pairs, loss, examples in the loss
            trainer(
                self._W, self._C, corpus.ids, corpus.starts, first, last, np.uint64(state),
                np.float32(rate), self._keep, self._share, self._other,
                tree.starts, tree.nodes, tree.codes, s.window, s.dynamic,
                0 if self._hierarchical else s.negative, s.model == "cbow", s.mean == "divided",
                s.step == "window", report,
            )  # fmt: skip
            return report

        begin = time.perf_counter()
        call(0, 0, 0, 0.0)  # no document: this only compiles
        self.compile_seconds = time.perf_counter() - begin
        return lambda number: call(*self._plan(number))

    def _train_plainly(self, number: int) -> NDArray[np.float64]:
        """Train on one chunk by :func:`update`, with the draws of the compiled trainer."""
        *_, rate = self._plan(number)
        mean = self.settings.mean if self.settings.model == "cbow" else ""
        for example in self.examples(number):
            update(self.W, self._C[:-1, : self.settings.dimensions], example, rate, mean=mean)
        return np.zeros(4)

    def examples(self, number: int) -> Iterator[Example]:
        """Go through the examples of a chunk, in the order in which the trainer takes them.

        Parameters
        ----------
        number : int
            Of the chunk, counted from 0 over all epochs.
        """
        first, last, state, _ = self._plan(number)
        draws, s = Draws(state), self.settings
        documents = [
            [w for w in self.corpus.ids[a:b] if draws.bits() >> 32 <= self._keep[w]]
            for a, b in pairwise(self.corpus.starts[first : last + 1])
        ]
        for document in documents:
            for place, centre in enumerate(document):
                reach = 1 + draws.below(s.window) if s.dynamic else s.window
                near = document[max(0, place - reach) : place] + document[place + 1 :][:reach]
                apart = s.model == "skip-gram" and s.step == "pair"
                inputs = [[w] for w in near] if apart else [near]
                outputs = [self._outputs(int(centre), draws) for _ in inputs]
                for x, (y, labels) in zip(inputs, outputs, strict=True):
                    if x:
                        yield Example(np.array(x, np.int64), y, labels)

    def _outputs(self, centre: int, draws: Draws) -> tuple[Ints, NDArray[np.float32]]:
        """Rows of C that an example of this centre meets, with their labels."""
        if self._hierarchical:
            path = slice(self._tree.starts[centre], self._tree.starts[centre + 1])
            return self._tree.nodes[path], (1 - self._tree.codes[path]).astype(np.float32)
        drawn = [draws.noise(self._share, self._other) for _ in range(self.settings.negative)]
        outputs = [centre, *(w for w in drawn if w != centre)]  # the centre is no noise
        return np.array(outputs), np.array([1] + [0] * (len(outputs) - 1), np.float32)


def _table(rows: int, columns: int) -> Float32s:
    """Zeros whose rows begin on a cache line: 64 bytes, which is 16 numbers."""
    width = -(-columns // 16) * 16
    memory = np.zeros(rows * width + 16, dtype=np.float32)
    begin = (-memory.ctypes.data // 4) % 16
    table: Float32s = memory[begin : begin + rows * width].reshape(rows, width)
    return table


def _cut(starts: Ints) -> Ints:
    """Cut the documents into chunks of `CHUNK` tokens or a little more: where each begins."""
    bounds = [0]
    while bounds[-1] < len(starts) - 1:
        enough = np.searchsorted(starts, starts[bounds[-1]] + CHUNK)
        bounds.append(int(min(enough, len(starts) - 1)))
    return np.array(bounds)
