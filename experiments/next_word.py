"""What is a network worth that reads more text, beside n-grams of the same text?

Question: with how much text does a network that predicts the next word come up to n-grams; what is
left of either where the words stand in no order; and how far back does each of them see?

Design: documents, passages of 32 words and a vocabulary of 20,000 as in `experiments.train_elmo`.
Models learn from the first 1/64, 1/16, 1/4 of the training documents' tokens, or all, and all are
judged on the same held-out documents.

- "n-gram": interpolated, modified Kneser-Ney of the orders 1 to 5.
- "bengio": four words before, 60 numbers a word, 100 hidden units; "lstm": 128 numbers a word, a
  state of 128. Each reads its text once. Two seeds where that is cheap. On the two smallest amounts
  the LSTM is also trained for four passes: as many steps as one pass over four times the text.
- "shuffled": the words of every document in random order, in training and in judging.
- "word2vec": skip-gram on the same passages, read once and five times, for its word vectors.

A row holds the log-probability of every held-out document; of a network that has read a quarter of
the text or all of it also that of its words by the number of words before them in the passage
(`EDGES`), and the cosines of the pairs of WordSim-353 that are known. The LSTM that has read all
also writes passages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from experiments import Progress, sweep
from experiments.train_elmo import LENGTH, SHARE, deterministic
from lib.corpus import Corpus, cut_chunks, load_corpus, shuffle_chunks
from lib.experiment import Row
from lib.languagemodel import Split, by_document, limit_vocabulary, perplexity, split_documents
from lib.neurallm import LSTM, Bengio, NeuralModel
from lib.smoothing import NgramCounts, NgramModel, kneser_ney
from lib.trainer import Trainer, Training
from lib.word2vec import Settings, Word2Vec
from lib.wordtests import rated_pairs

V = 20_000
CUTOFFS = (1_000, 5_000)
SHARES = (64, 16, 4, 1)
ORDERS = (1, 2, 3, 4, 5)
RATE, BATCH, WARMUP = 5e-3, 32, 100
SIZES: dict[str, dict[str, int]] = {
    "bengio": {"context": 4, "dimensions": 60, "hidden": 100},
    "lstm": {"dimensions": 128, "hidden": 128},
}
EDGES = (0, 1, 2, 3, 4, 8, 16, 32)
TAKEN_APART = (4, 1)
WRITTEN = {"0.5": 6, "1.0": 1_000, "1.5": 6}
SEEDS = (0, 1)
RECIPE = {
    "vocabulary": V,
    "cutoffs": CUTOFFS,
    "passages of": LENGTH,
    "share held out, and for development": SHARE,
    "shares": [f"1/{share}" for share in SHARES],
    "orders": ORDERS,
    "networks": SIZES,
    "training": {"rate": RATE, "batch": BATCH, "warmup at most": WARMUP, "clip": 1.0},
    "words before, from": EDGES[:-1],
    "passages written, by temperature": WRITTEN,
    "threads": 1,
}


def points() -> list[dict[str, Any]]:
    """Return the design, what is cheap or matters most first."""

    def point(model: str, share: int, **change: object) -> dict[str, Any]:
        common = {"model": model, "order": 0, "share": share, "passes": 1, "text": "real"}
        return common | {"seed": 0} | change

    grams = [point("n-gram", share, order=order) for share in SHARES for order in ORDERS]
    grams += [point("n-gram", s, order=n, text="shuffled") for s in (4, 1) for n in (2, 3)]
    skip = [point("word2vec", 1, passes=passes) for passes in (1, 5)]
    cheap = [point(m, s, seed=i) for s in (64, 16) for i in SEEDS for m in SIZES]
    longer = [point("lstm", share, passes=4) for share in (64, 16)]
    long = [point("lstm", 1), point("lstm", 4), point("lstm", 4, text="shuffled")]
    long += [point("bengio", share) for share in (4, 1)]
    return [*grams, *skip, *cheap, *longer, *long]


@dataclass(frozen=True, eq=False)
class Task:
    """The texts, and how a point of the design is measured on them.

    Parameters
    ----------
    corpus : lib.corpus.Corpus
        All documents, with all their words.
    share : float
        Of the documents, for each of the two parts not learnt from.
    size : int
        Words that the models know.
    cutoffs : sequence of int
        Of the networks' softmax.
    sizes : dict
        Of the networks.
    written : dict
        How many passages the LSTM writes at each temperature.
    length : int
        Words of a passage, at most.
    """

    corpus: Corpus
    share: float = SHARE
    size: int = V
    cutoffs: Sequence[int] = CUTOFFS
    sizes: dict[str, dict[str, int]] = field(default_factory=lambda: SIZES)
    written: dict[str, int] = field(default_factory=lambda: WRITTEN)
    length: int = LENGTH

    @cached_property
    def documents(self) -> Split:
        """Documents for training, development and judging; rare words are one word."""
        parts = split_documents(self.corpus, self.share, np.random.default_rng(0))
        return Split(*(limit_vocabulary(part, self.size) for part in parts))

    def learnt(self, share: int = 1, text: str = "real") -> Corpus:
        """Return the passages that a model learns from."""
        train = self.documents.train
        return self._passages(train.head(train.tokens // share), text, 0)

    def judged(self, text: str = "real") -> Corpus:
        """Return the passages by which it is judged."""
        return self._passages(self.documents.heldout, text, 1)

    def _passages(self, documents: Corpus, text: str, number: int) -> Corpus:
        if text == "shuffled":
            rng = np.random.default_rng([0, number])
            documents = shuffle_chunks(documents, 1, rng, within="document")
        return cut_chunks(documents, self.length)

    @cached_property
    def _counted(self) -> dict[tuple[int, str], NgramCounts]:
        return {}

    def ngrams(self, order: int, share: int = 1, text: str = "real") -> NgramModel:
        """Count once for all orders, and smooth."""
        if (share, text) not in self._counted:
            self._counted.clear()  # one table at a time: the largest takes most of a gigabyte
            highest = max(ORDERS) if text == "real" else 3
            self._counted[share, text] = NgramCounts(self.learnt(share, text), highest)
        return kneser_ney(lower(self._counted[share, text], order))

    def forget(self) -> None:
        """Free the counts."""
        self._counted.clear()

    def trainer(self, model: str, share: int, passes: int, text: str, seed: int) -> Trainer:
        """Return the training of a network at its beginning."""
        rng, learnt = np.random.default_rng(seed), self.learnt(share, text)
        make = {"bengio": Bengio, "lstm": LSTM}[model]
        net = make(self.size, rng, cutoffs=self.cutoffs, **self.sizes[model])
        steps = passes * -(-len(learnt) // BATCH)
        training = Training(passes, BATCH, RATE, max(1, min(WARMUP, steps // 10)), 1.0)
        return Trainer(net, learnt, training, seed)

    def measure(
        self, model: str, order: int, share: int, passes: int, text: str, seed: int
    ) -> dict[str, Any]:
        """Make a model, and judge it."""
        if model == "n-gram":
            return self._judge(self.ngrams(order, share, text).log_probabilities, text, ())
        self.forget()
        if model == "word2vec":
            settings = Settings(step="window", epochs=passes)
            vectors = Word2Vec(self.learnt(share, text), settings, np.random.default_rng(seed))
            vectors.train()
            return {"wordsim": self._wordsim(vectors.W)}
        trainer = self.trainer(model, share, passes, text, seed)
        trainer.train()
        net = trainer.model
        assert isinstance(net, Bengio | LSTM)
        wanted = ("positions", "wordsim") if share in TAKEN_APART else ()
        found = self._judge(net.log_probabilities, text, wanted, net)
        found["loss"] = float(np.mean(trainer.losses[-100:]))
        if share == 1 and isinstance(net, LSTM):
            found["written"] = self.write(net)
        return found

    def _judge(
        self,
        judge: Callable[[Corpus], NDArray[np.float64]],
        text: str,
        wanted: Sequence[str],
        net: NeuralModel | None = None,
    ) -> dict[str, Any]:
        heldout = self.documents.heldout
        logs = judge(self.judged(text))
        sums = by_document(logs, heldout)
        found = {"perplexity": perplexity(sums, np.diff(heldout.starts)), "sums": sums}
        if "positions" in wanted:
            found["positions"] = by_position(logs, heldout, self.length)
        if "wordsim" in wanted:
            assert isinstance(net, Bengio | LSTM)
            found["wordsim"] = self._wordsim(net.vectors.weight.detach().numpy())
        return found

    def _wordsim(self, W: NDArray[np.floating]) -> NDArray[np.float64]:
        return rated_pairs("wordsim353", self.documents.train.vocabulary).cosines(W).round(4)

    def write(self, net: LSTM) -> dict[str, list[list[int]]]:
        """Let an LSTM write passages at each temperature.

        Those of temperature 1 are to be judged beside real ones, so they may hold the unknown
        word; the others are to be read.
        """
        rng = np.random.default_rng(0)
        return {
            temperature: lstm_passages(
                net, n, self.length, rng, float(temperature), unknown=temperature == "1.0"
            ).tolist()
            for temperature, n in self.written.items()
        }


def lower(counts: NgramCounts, order: int) -> NgramCounts:
    """Return the counts of a lower order, which those of a higher one hold."""
    part = copy(counts)
    part.order = order
    part.contexts, part.seen, part.counts = (
        table[:order] for table in (counts.contexts, counts.seen, counts.counts)
    )
    return part


def by_position(values: ArrayLike, documents: Corpus, length: int) -> NDArray[np.float64]:
    """Sum what each token has by document, and by how many words of its passage it follows.

    Returns
    -------
    (D, groups) array
        The groups begin at `EDGES`: 0, 1, 2, 3, 4 to 7, 8 to 15, 16 and more words before.
    """
    lengths = np.diff(documents.starts)
    owner = np.repeat(np.arange(len(documents)), lengths)
    place = (np.arange(documents.tokens) - np.repeat(documents.starts[:-1], lengths)) % length
    groups = len(EDGES) - 1
    cell = owner * groups + np.searchsorted(EDGES[:-1], place, side="right") - 1
    sums = np.bincount(cell, np.asarray(values, np.float64), minlength=len(documents) * groups)
    return sums.reshape(len(documents), groups)  # type: ignore[return-value]


# Writing --------------------------------------------------------------------------------------


def ngram_passages(
    model: NgramModel, passages: int, words: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Let an n-gram model write many passages at once: (passages, words).

    ``alpha(h, w) + gamma(h) p(w | h')`` is a mixture. So a word is drawn in steps: with the
    probability 1 - gamma(h) one of those seen after h, in proportion to alpha; otherwise the
    oldest word of h is forgotten, and the draw begins again.
    """
    counts, V = model.counts, model.counts.V
    sums = [np.append(0.0, np.cumsum(alpha)) for alpha in model.alpha]
    text = np.full((passages, counts.order - 1 + words), V, dtype=np.int64)
    for place in range(counts.order - 1, text.shape[1]):
        nodes = counts.nodes([text[:, place - back] for back in range(1, counts.order)])
        word = rng.integers(V, size=passages)  # below the empty context all are equally likely
        waiting = np.ones(passages, dtype=bool)
        for k in reversed(range(counts.order)):
            node = np.broadcast_to(nodes[k], passages)
            known = np.maximum(node, 0)
            begin = np.searchsorted(counts.seen[k], known * V)
            end = np.searchsorted(counts.seen[k], (known + 1) * V)
            target = sums[k][begin] + rng.random(passages)
            here = waiting & (node >= 0) & (target < sums[k][end])
            gram = np.searchsorted(sums[k], target[here], side="right") - 1
            word[here] = counts.seen[k][gram] - node[here] * V
            waiting &= ~here
        text[:, place] = word
    return text[:, counts.order - 1 :]


@torch.no_grad()
def lstm_passages(
    net: LSTM,
    passages: int,
    words: int,
    rng: np.random.Generator,
    temperature: float,
    *,
    unknown: bool = True,
) -> NDArray[np.int64]:
    """Let an LSTM write many passages at once, with or without word 0: (passages, words)."""
    text = np.full((passages, words + 1), net.V, dtype=np.int64)
    state = None
    for place in range(words):
        before = torch.as_tensor(text[:, place : place + 1])
        h, state = net.lstm(net.vectors(before), state)
        logs = net.output.all(h[:, -1]).numpy() / temperature  # (passages, V)
        if not unknown:
            logs[:, 0] = -np.inf
        sums = np.cumsum(np.exp(logs - logs.max(axis=1, keepdims=True)), axis=1, dtype=np.float64)
        target = rng.random((passages, 1)) * sums[:, -1:]
        text[:, place + 1] = (sums <= target).sum(axis=1)
    return text[:, 1:]


# Running --------------------------------------------------------------------------------------


@contextmanager
def alone() -> Iterator[None]:
    """Let PyTorch use one thread, and only what gives the same result each time."""
    with deterministic(1):
        yield


def whole() -> Task:
    """Return the task that the book reports."""
    return Task(load_corpus())


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Measure all points that are not done yet."""
    with alone():
        yield from sweep(points(), whole().measure, progress, done)
