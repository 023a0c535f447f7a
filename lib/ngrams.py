"""Vectors for words never seen: a word is the mean of its own vector and those of its letters.

Word2Vec gives each word of its list a row and every other string nothing. Here the input vector
of a word is the mean of rows for its runs of three to six letters, and one row for the word as a
whole. Runs are shared between words, so a string outside the list is the mean of the runs it
shares with words inside. Their number has no end, so each is hashed into one of so many rows
("buckets"), and runs that meet in a bucket share it.

Nothing else is new: the noise, the subsampling, the steps and the plain update are those of
`lib.word2vec`. To :func:`lib.word2vec.update` the pieces of a word are what the words of a window
are to CBOW. As in the authors' program the centre is the input and predicts each neighbour, so
that the pieces are added up once a window.

Paper: Bojanowski, Grave, Joulin & Mikolov 2017, section 3.2 (their sum is a mean here, as in
their program, which divides by the number of pieces).
"""

# ruff: noqa: ANN401 (the compiler finds the types of what it compiles)
from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, Protocol, TypeAlias

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lib._word2vec import (
    GOLDEN,
    LANES,
    LOSS_EVERY,
    OPTIONS,
    Kernel,
    _below,
    _noise,
    _prefetch,
    _step_sizes,
    _thin_out,
    f4,
    mix,
)
from lib.corpus import Corpus
from lib.subword import BytePairEncoding
from lib.vectors import Vectors
from lib.word2vec import Draws, Example, Settings, Word2Vec, _table, update

Float32s: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]


# From a string to rows ------------------------------------------------------------------------


def fnv1a(text: str) -> int:
    """Hash a string to 32 bits, as fastText does.

    FNV-1a over the bytes of UTF-8: exclusive or with the byte, times a prime, again and again.
    fastText takes bytes as signed numbers, so that a byte of 128 or more also flips the upper
    24 bits; ASCII has the standard hash.

    Examples
    --------
    >>> hex(fnv1a("a"))
    '0xe40c292c'
    """
    h = 2166136261
    for byte in text.encode("utf-8"):
        h ^= byte if byte < 128 else byte | 0xFFFFFF00
        h = h * 16777619 & 0xFFFFFFFF
    return h


@dataclass(frozen=True)
class Spelling:
    """Which rows of a table a string stands for.

    Parameters
    ----------
    shortest, longest : int
        Lengths of the runs of letters; the marks ``<`` and ``>`` around the word count as letters.
    buckets : int
        Rows for the runs. With few of them many runs share a row.

    Raises
    ------
    ValueError
        If the lengths or the number of buckets make no sense.

    Examples
    --------
    >>> Spelling(3, 4).runs("cats")
    ['<ca', '<cat', 'cat', 'cats', 'ats', 'ats>', 'ts>']
    >>> Spelling(3, 4, buckets=10).rows("cats")
    array([7, 3, 1, 6, 1, 7, 8])
    """

    shortest: int = 3
    longest: int = 6
    buckets: int = 100_000

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest:
            raise ValueError(
                f"runs of {self.shortest} to {self.longest} letters: from 1 up, shortest first"
            )
        if self.buckets < 1:
            raise ValueError(f"there must be a bucket or more, not {self.buckets}")

    def runs(self, word: str) -> list[str]:
        """Cut a string into all its runs, those that begin further left first.

        A single ``<`` or ``>`` is none of them, and the empty string has no runs at all.
        """
        if not word:
            return []
        marked = f"<{word}>"
        n = len(marked)
        return [
            marked[i : i + size]
            for i in range(n)
            for size in range(self.shortest, min(self.longest, n - i) + 1)
            if size > 1 or 0 < i < n - 1
        ]

    def rows(self, word: str) -> Ints:
        """Return the bucket of each run of a string, in their order."""
        return np.array([fnv1a(run) % self.buckets for run in self.runs(word)], dtype=np.int64)


class PieceSpelling:
    """The pieces of byte-pair encoding as rows, to train vectors for them in the same way.

    Parameters
    ----------
    bpe : BytePairEncoding
        A piece is a row; letters that its training never saw share one more.

    Examples
    --------
    >>> spelling = PieceSpelling(BytePairEncoding.train({"log": 4, "logs": 3}, merges=2))
    >>> spelling.runs("logs"), spelling.rows("logs")
    (['log', 's', '</w>'], array([6, 3, 4]))
    """

    def __init__(self, bpe: BytePairEncoding) -> None:
        self.bpe = bpe
        self._index = {piece: row for row, piece in enumerate(bpe.symbols)}
        self.buckets = len(self._index) + 1

    def runs(self, word: str) -> list[str]:
        """Cut a string into pieces, the end mark included; the empty string has none."""
        return self.bpe.encode(word) if word else []

    def rows(self, word: str) -> Ints:
        """Return the row of each piece of a string, in their order."""
        unknown = self.buckets - 1
        return np.array([self._index.get(p, unknown) for p in self.runs(word)], dtype=np.int64)


class Pieces(Protocol):
    """What cuts a string into pieces that have rows: :class:`Spelling`, :class:`PieceSpelling`."""

    @property
    def buckets(self) -> int: ...  # noqa: D102
    def runs(self, word: str) -> list[str]: ...  # noqa: D102
    def rows(self, word: str) -> Ints: ...  # noqa: D102


def piece_counts(words: Sequence[str], spelling: Pieces) -> csr_matrix:
    """Count the pieces of each string, by bucket.

    Returns
    -------
    (n, B) csr_matrix of float32
        The cosine of two rows compares two strings by their spelling alone.

    Examples
    --------
    >>> X = piece_counts(["cat", "aa"], Spelling(1, 1, buckets=26))
    >>> X.sum(axis=1).T.tolist()
    [[3.0, 2.0]]
    """
    rows = [spelling.rows(word) for word in words]
    starts = np.append(0, np.cumsum([len(row) for row in rows]))
    flat = np.concatenate([np.empty(0, np.int64), *rows])
    ones = np.ones(len(flat), dtype=np.float32)
    X = csr_matrix((ones, flat, starts), shape=(len(words), spelling.buckets))
    X.sum_duplicates()
    return X


@dataclass(frozen=True, eq=False)
class NgramVectors:
    """Vectors for words of a list, and for any other string by its letters.

    Parameters
    ----------
    words : sequence of str
        V words.
    own : (V, d) array or None
        A row for each word as a whole, if there are such rows.
    seen : (V,) array of bool
        Which words training has met; the row of another one has learnt nothing and is left out.
    table : (B, d) array
        A row for each bucket.
    spelling : Spelling or PieceSpelling
        Which buckets a string stands for.
    name : str
        For messages.

    Examples
    --------
    >>> spelling = Spelling(3, 3, buckets=5)
    >>> spelling.runs("cat"), spelling.rows("cat")
    (['<ca', 'cat', 'at>'], array([2, 1, 1]))
    >>> table = np.array([[9, 9], [0, 1], [1, 2], [9, 9], [9, 9]])
    >>> ngrams = NgramVectors(["cat"], np.array([[7, 4]]), np.array([True]), table, spelling)
    >>> ngrams.vector("cat"), ngrams.vector("cat", own=False).round(2)
    (array([2., 2.], dtype=float32), array([0.33, 1.33], dtype=float32))
    >>> "cat" in ngrams, "cats" in ngrams
    (True, False)
    """

    words: Sequence[str]
    own: Float32s | None
    seen: NDArray[np.bool_]
    table: Float32s
    spelling: Pieces
    name: str = "n-grams"
    index: dict[str, int] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        known = (i for i in range(len(self.words)) if self.seen[i])
        object.__setattr__(self, "index", {self.words[i]: i for i in known})

    def __contains__(self, word: object) -> bool:
        """Tell whether training has met the word as a whole."""
        return word in self.index

    def vector(self, word: str, *, own: bool = True) -> Float32s:
        """Return the vector (d,) of any string: the mean of its rows.

        Parameters
        ----------
        word : str
            In the letters of the training text: lower case, if that was.
        own : bool
            False leaves out the row of the word as a whole: the vector it would get if it were
            unknown, but for what training has written into its runs.

        Raises
        ------
        ValueError
            If the string has no pieces and no row of its own, as the empty one.
        """
        row: Float32s = self.vectors([word], own=own).W[0]
        return row

    def vectors(self, words: Sequence[str] | None = None, *, own: bool = True) -> Vectors:
        """Return the vectors of different strings as a table; by default of all words seen."""
        chosen = list(self.index) if words is None else words
        X = piece_counts(chosen, self.spelling)
        sums = X @ self.table  # (n, d)
        pieces = X.sum(axis=1).A1  # (n,)
        if own and self.own is not None:
            known = np.array([word in self.index for word in chosen], dtype=np.bool_)
            rows = [self.index[word] for word in chosen if word in self.index]
            sums[known] += self.own[rows]
            pieces += known
        if (pieces == 0).any():
            word = chosen[int(np.argmin(pieces))]
            raise ValueError(f"{word!r} has no pieces, so {self.name} have no vector for it")
        return Vectors(chosen, sums / pieces[:, None], self.name)


# Training -------------------------------------------------------------------------------------


class NgramTrainer(Word2Vec):
    """Skip-gram with negative sampling whose inputs are words and their runs of letters.

    Everything else is as in :class:`lib.word2vec.Word2Vec`: progress, interruption, one thread
    and a generator for the same bits.

    Parameters
    ----------
    corpus : lib.corpus.Corpus
        n tokens of V words.
    settings : Settings
        For skip-gram with negative sampling; `step` is "pair", or "window" for one set of
        negatives a window, each weighing as much as the pairs that share it.
    rng : numpy.random.Generator
        Gives the first vectors and the start of all draws.
    spelling : Spelling or PieceSpelling
        Which pieces a word has, and how many rows there are for them.
    own : bool
        Whether each word has a row for itself as well.

    Attributes
    ----------
    W : (V + B, d) array of float32
        Input rows: words, then buckets.
    C : (V, d) array of float32
        Output vectors, of words.

    Raises
    ------
    ValueError
        If the corpus is empty or the settings ask for another model.

    Examples
    --------
    >>> corpus = Corpus.from_documents([["cat", "and", "dog"], ["dog", "and", "cat"]] * 50)
    >>> settings = Settings(dimensions=16, sample=0, epochs=2)
    >>> trainer = NgramTrainer(corpus, settings, np.random.default_rng(0), Spelling(buckets=50))
    >>> trainer.train()
    >>> trainer.ngrams.vector("cats").shape
    (16,)
    """

    def __init__(
        self,
        corpus: Corpus,
        settings: Settings,
        rng: np.random.Generator,
        spelling: Pieces | None = None,
        *,
        own: bool = True,
    ) -> None:
        if settings.model != "skip-gram" or settings.output != "negative":
            raise ValueError("n-grams are trained by skip-gram with negative sampling only")
        if settings.step not in ("pair", "window"):
            raise ValueError(f"step must be 'pair' or 'window' here, not {settings.step!r}")
        super().__init__(corpus, settings, rng)
        self.spelling: Pieces = Spelling() if spelling is None else spelling
        self.own = own
        V, d = len(self.words), settings.dimensions
        rows = V + self.spelling.buckets
        self._W = _table(rows + 1, d)  # the last row stays zero
        self._W[:rows, :d] = (2 * rng.random((rows, d), dtype=np.float32) - np.float32(1)) / d
        pieces = [
            np.append([w] * own, V + self.spelling.rows(word)) for w, word in enumerate(self.words)
        ]
        bare = [word for word, piece in zip(self.words, pieces, strict=True) if not len(piece)]
        if bare:
            raise ValueError(f"{bare[0]!r} has no pieces, and no row of its own to be trained")
        self._piece_starts = np.append(0, np.cumsum([len(p) for p in pieces])).astype(np.int64)
        self._pieces = np.concatenate(pieces).astype(np.int32)
        # A step that adds e to each row of a word adds e times this to their mean: 1, or more if
        # two of the runs share a bucket.
        self._gain = np.array(
            [np.sum(np.unique(p, return_counts=True)[1] ** 2) / len(p) for p in pieces],
            dtype=np.float32,
        )

    @property
    def ngrams(self) -> NgramVectors:
        """What was learnt up to now, for words and any other string (a copy)."""
        V = len(self.words)
        W = self.W.copy()
        own = W[:V] if self.own else None
        return NgramVectors(self.words, own, self.corpus.counts > 0, W[V:], self.spelling)

    @property
    def vectors(self) -> Vectors:
        """The vectors of now of the words that the corpus holds, runs included (a copy)."""
        return self.ngrams.vectors()

    def _compile(self) -> Callable[[int], NDArray[np.float64]]:
        """Return a function that trains on one chunk, given its number, and reports what it did."""
        s, corpus = self.settings, self.corpus
        trainer = _kernel(-(-s.dimensions // LANES) * LANES)

        def call(first: int, last: int, state: int, rate: float) -> NDArray[np.float64]:
            report = np.zeros(4)  # tokens kept, pairs, loss, pairs in the loss
            trainer(
                self._W, self._C, corpus.ids, corpus.starts, first, last, np.uint64(state),
                np.float32(rate), self._keep, self._share, self._other,
                self._piece_starts, self._pieces, self._gain,
                s.window, s.dynamic, s.negative, s.step == "window", report,
            )  # fmt: skip
            return report

        begin = time.perf_counter()
        call(0, 0, 0, 0.0)  # no document: this only compiles
        self.compile_seconds = time.perf_counter() - begin
        return lambda number: call(*self._plan(number))

    def _train_plainly(self, number: int) -> NDArray[np.float64]:
        """Train on one chunk by :func:`lib.word2vec.update`, with the same draws."""
        *_, rate = self._plan(number)
        for example in self.examples(number):
            # The mean of the pieces predicts, and each piece gets the whole error, as in CBOW.
            update(self.W, self.C, example, rate, mean="copied")
        return np.zeros(4)

    def examples(self, number: int) -> Iterator[Example]:
        """Go through the examples of a chunk, in the order in which the trainer takes them.

        Parameters
        ----------
        number : int
            Of the chunk, counted from 0 over all epochs.

        Yields
        ------
        Example
            The rows of the pieces of the centre, and a neighbour with its negatives; or, with
            ``step="window"``, all neighbours with the shared negatives, each of which stands
            there once for every neighbour that it is not.
        """
        first, last, state, _ = self._plan(number)
        draws, s = Draws(state), self.settings
        documents = [
            [int(w) for w in self.corpus.ids[a:b] if draws.bits() >> 32 <= self._keep[w]]
            for a, b in pairwise(self.corpus.starts[first : last + 1])
        ]
        for document in documents:
            for place, centre in enumerate(document):
                reach = 1 + draws.below(s.window) if s.dynamic else s.window
                near = document[max(0, place - reach) : place] + document[place + 1 :][:reach]
                inputs = self._rows(centre)
                groups = [[w] for w in near] if s.step == "pair" else [near]
                outputs = [(g, self._drawn(g, draws)) for g in groups]
                for true, noise in outputs:
                    if true:
                        labels = np.array([1] * len(true) + [0] * len(noise), np.float32)
                        yield Example(inputs, np.array([*true, *noise]), labels)

    def _rows(self, word: int) -> Ints:
        """Rows of W that a word is the mean of."""
        pieces = self._pieces[self._piece_starts[word] : self._piece_starts[word + 1]]
        return pieces.astype(np.int64)

    def _drawn(self, true: list[int], draws: Draws) -> list[int]:
        """Draw negatives for neighbours that share them; a neighbour is not its own noise."""
        drawn = [draws.noise(self._share, self._other) for _ in range(self.settings.negative)]
        return [word for word in drawn for neighbour in true if word != neighbour]


@lru_cache(maxsize=4)
def _kernel(width: int) -> Kernel:
    """Compile the trainer for rows of `width` numbers, a multiple of `LANES`.

    Within a window only its centre is an input. So the mean of its pieces is taken once, moved
    along with each pair, and the sum of the errors is written to the pieces once at the end: the
    same steps as pair by pair, without touching the pieces for each pair.
    """

    @numba.njit(inline="always", **OPTIONS)  # type: ignore[untyped-decorator]
    def fetch(table: Any, row: Any) -> None:
        for t in range(0, width, 16):  # a cache line holds 16 numbers
            _prefetch(table, row, t)

    @numba.njit(**OPTIONS)  # type: ignore[untyped-decorator]
    def step(
        h: Any, error: Any, total: Any, gain: Any, C: Any, rows: Any, labels: Any, weights: Any,
        k: Any, rate: Any, G: Any, measure: Any,
    ) -> Any:  # fmt: skip
        """Update k outputs for the mean h of a word's pieces; move h, and add the error to total.

        Rows are given up to a multiple of six, those beyond k being padding.
        """
        for j in range(0, k, 6):  # six sums at a time keep the processor busy
            r0, r1, r2, r3, r4, r5 = (
                rows[j], rows[j + 1], rows[j + 2], rows[j + 3], rows[j + 4], rows[j + 5],
            )  # fmt: skip
            a0 = a1 = a2 = a3 = a4 = a5 = f4(0)
            for t in range(width):
                a0 += h[t] * C[r0, t]
                a1 += h[t] * C[r1, t]
                a2 += h[t] * C[r2, t]
                a3 += h[t] * C[r3, t]
                a4 += h[t] * C[r4, t]
                a5 += h[t] * C[r5, t]
            G[j], G[j + 1], G[j + 2], G[j + 3], G[j + 4], G[j + 5] = a0, a1, a2, a3, a4, a5
        loss = 0.0
        if measure:
            for j in range(k):
                x = np.float64(G[j]) * (1 - 2 * labels[j])
                loss += weights[j] * (max(x, 0.0) + np.log1p(np.exp(-abs(x))))
        _step_sizes(G, (k + 7) // 8 * 8, rate)
        for j in range(k):
            G[j] = (G[j] + rate * labels[j]) * weights[j]
        G[k] = G[k + 1] = f4(0)
        for t in range(width):
            error[t] = f4(0)
        for j in range(0, k, 3):
            r0, r1, r2 = rows[j], rows[j + 1], rows[j + 2]
            g0, g1, g2 = G[j], G[j + 1], G[j + 2]
            for t in range(width):
                error[t] += g0 * C[r0, t] + g1 * C[r1, t] + g2 * C[r2, t]
        for j in range(k):
            r, g = rows[j], G[j]
            for t in range(width):
                C[r, t] += g * h[t]
        for t in range(width):
            total[t] += error[t]
            h[t] += gain * error[t]
        return loss

    @numba.njit(**OPTIONS)  # type: ignore[untyped-decorator]
    def train(
        W: Any, C: Any, ids: Any, starts: Any, first: Any, last: Any, state: Any, rate: Any,
        keep: Any, share: Any, other: Any, piece_starts: Any, pieces: Any, gains: Any,
        window: Any, dynamic: Any, negative: Any, at_once: Any, report: Any,
    ) -> None:  # fmt: skip
        size = starts[last] - starts[first]
        room = np.zeros((2, max(size, last - first) + 1), np.int64)
        kept, ends = room[0], room[1]  # a dropped last token is written, too
        n, state = _thin_out(ids, starts, first, last, keep, state, kept, ends)
        most = 2 * window  # neighbours in a window
        low, high = np.zeros((2, 2), np.int64)
        drawn = np.zeros((2, most * negative), np.int64)
        rows = np.full(most + negative + 6, len(C) - 1, np.int64)  # the last row of C is zero
        marks = np.zeros((3, most + negative + 11), np.float32)
        labels, weights, G = marks[0], marks[1], marks[2]
        vectors = np.zeros((3, width), np.float32)
        h, error, total = vectors[0], vectors[1], vectors[2]
        begin = document = pairs = measured = 0
        end = ends[0] if n else 0
        loss = 0.0
        for position in range(-1, n):
            ahead = position + 1
            if ahead < n:  # draw the next window, and ask for its rows
                s = ahead & 1
                if ahead >= end:
                    begin, document = end, document + 1
                    end = ends[document]
                reach = window
                if dynamic:
                    state += GOLDEN
                    reach = 1 + _below(mix(state), window)
                low[s], high[s] = max(begin, ahead - reach), min(end, ahead + reach + 1)
                draws = negative if at_once else negative * (high[s] - low[s] - 1)
                for j in range(draws):
                    state += GOLDEN
                    drawn[s, j] = _noise(mix(state), share, other)
                    fetch(C, drawn[s, j])
                if ahead + window < n:
                    fetch(C, kept[ahead + window])
                for q in range(piece_starts[kept[ahead]], piece_starts[kept[ahead] + 1]):
                    fetch(W, pieces[q])
            if position < 0:
                continue
            s = position & 1
            m = high[s] - low[s] - 1
            if m == 0:
                continue
            measure = position % LOSS_EVERY == 0
            word = kept[position]
            a, b = piece_starts[word], piece_starts[word + 1]
            for t in range(width):
                h[t] = f4(0)
                total[t] = f4(0)
            for q in range(a, b):
                r = pieces[q]
                for t in range(width):
                    h[t] += W[r, t]
            scale = f4(1) / f4(b - a)
            for t in range(width):
                h[t] *= scale
            k = 0
            for i in range(low[s], high[s]):
                if i == position:
                    continue
                if at_once:
                    rows[k], labels[k], weights[k] = kept[i], f4(1), f4(1)
                    k += 1
                    continue
                rows[0], labels[0], weights[0] = kept[i], f4(1), f4(1)
                for j in range(negative):
                    rows[1 + j] = drawn[s, k + j]
                    labels[1 + j] = f4(0)
                    weights[1 + j] = f4(drawn[s, k + j] != kept[i])
                k += negative
                loss += step(
                    h, error, total, gains[word], C, rows, labels, weights, 1 + negative,
                    rate, G, measure,
                )  # fmt: skip
            if at_once:
                for j in range(negative):
                    rows[m + j], labels[m + j] = drawn[s, j], f4(0)
                    others = m
                    for i in range(m):
                        others -= rows[i] == drawn[s, j]
                    weights[m + j] = f4(others)
                k = m + negative
                for j in range(k, k + 6):
                    rows[j] = len(C) - 1
                loss += step(
                    h, error, total, gains[word], C, rows, labels, weights, k, rate, G, measure
                )
            for q in range(a, b):
                r = pieces[q]
                for t in range(width):
                    W[r, t] += total[t]
            measured += m * measure
            pairs += m
        report[0] += n
        report[1] += pairs
        report[2] += loss
        report[3] += measured

    run: Kernel = train
    return run
