"""A small ELMo: how well do two directions predict, beside n-grams of the same text?

Question: what perplexity does a bidirectional language model reach that learns for about an hour
on two cores, forward and backward, on documents it has not seen; and how good are n-grams there?

Design: documents of the corpus, two in a hundred held out, two for development; documents that
repeat any of those are left out of the training part. All models see passages of at most 32 words,
and are asked for the same tokens among the same 20,000 words, one of which stands for all others.
What they read differs: an n-gram model sees that one word for every rare one, ELMo its letters.

- "n-gram": interpolated, modified Kneser-Ney of the orders 1 to 5, of the text and of the text
  turned around;
- "part": a twelfth of the training; loss, speed, and perplexity on the development part;
- "start": the first fifty losses, so that anyone can check that their training repeats ours;
- "model": the trained model, with size and hash of the file that is kept,
  ``data/checkpoints/elmo-small.safetensors``.

Rows of the kinds "n-gram" and "model" hold the log-probability of every held-out document, in the
order of the row "heldout", which holds their tokens: `lib.languagemodel.perplexity` of these has an
interval over documents. The training goes on where it was interrupted: its state lies in the data
cache.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch

from experiments import Progress
from lib import elmo
from lib._fetch import DATA
from lib.corpus import Corpus, cut_chunks, load_corpus
from lib.data import Store
from lib.experiment import Row
from lib.languagemodel import (
    by_document,
    limit_vocabulary,
    perplexity,
    reverse,
    reversed_places,
    split_documents,
)
from lib.smoothing import NgramCounts, kneser_ney
from lib.trainer import Progress as Report
from lib.trainer import Trainer, Training

CHECKPOINT = DATA / "checkpoints" / "elmo-small.safetensors"
LENGTH = 32
SHARE = 0.02
DEVELOPMENT = 40_000  # tokens
SETTINGS = elmo.Settings()
TRAINING = Training(epochs=2.0, batch=32, rate=4e-3, warmup=200, clip=1.0)
ORDERS = (1, 2, 3, 4, 5)
DIRECTIONS = ("forward", "backward")
PARTS = 12
FIRST = 50
SEEDS = (0,)
THREADS = 2
RECIPE = {
    "passages of": LENGTH,
    "share held out, and for development": SHARE,
    "tokens for development": DEVELOPMENT,
    "settings": asdict(SETTINGS),
    "training": asdict(TRAINING),
    "orders": ORDERS,
    "parts": PARTS,
    "threads": THREADS,
}


@dataclass(frozen=True, eq=False)
class Task:
    """Texts, and what is trained on them; the whole one, or a small one for tests.

    Parameters
    ----------
    corpus : lib.corpus.Corpus
        All documents, with all their words.
    settings, training : Settings, Training
        What is trained, and how.
    share : float
        Of the documents, for each of the two parts not learnt from.
    orders : tuple of int
        Of the n-grams.
    state : Path
        Where an interrupted training lies.
    checkpoint : Path
        Where the trained model goes.
    length : int
        Words of a passage, at most.
    """

    corpus: Corpus
    settings: elmo.Settings
    training: Training
    share: float
    orders: tuple[int, ...]
    state: Path
    checkpoint: Path
    length: int = LENGTH

    @cached_property
    def documents(self) -> tuple[Corpus, Corpus, Corpus]:
        """Documents for training, development and judging."""
        return split_documents(self.corpus, self.share, np.random.default_rng(SEEDS[0]))

    @cached_property
    def passages(self) -> tuple[Corpus, Corpus, Corpus]:
        """The same, cut into passages; of the development part a few, for it is asked often."""
        train, development, heldout = self.documents
        few = development.head(min(development.tokens, DEVELOPMENT))
        first, second, third = (cut_chunks(part, self.length) for part in (train, few, heldout))
        return first, second, third

    def limited(self, part: Corpus) -> Corpus:
        """Return a text for n-grams, which know the words of the softmax alone."""
        return limit_vocabulary(part, self.settings.vocabulary)

    def trainer(self) -> Trainer:
        """Return the training at its beginning."""
        words = self.limited(self.corpus).vocabulary.words
        model = elmo.BiLM(words, self.settings, np.random.default_rng(SEEDS[0]))
        return Trainer(model, self.passages[0], self.training, SEEDS[0])


def whole() -> Task:
    """Return the task that the book reports."""
    state = Store.from_environment().cache / "experiments" / "train_elmo.pt"
    return Task(load_corpus(), SETTINGS, TRAINING, SHARE, ORDERS, state, CHECKPOINT)


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Judge the n-grams, train, and judge what was trained."""
    with deterministic(THREADS):
        yield from rows(whole(), progress, done)


def rows(task: Task, progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Yield the rows that are not done yet."""
    known = {_name(row) for row in done}
    if "heldout" not in known:
        yield {"kind": "heldout", "tokens": np.diff(task.documents[2].starts)}
    for order in task.orders:
        for direction in DIRECTIONS:
            if f"n-gram {order} {direction}" not in known:
                progress(f"{order}-grams {direction}")
                point = {"kind": "n-gram", "order": order, "direction": direction}
                yield point | judge_ngrams(task, order, direction)
    yield from train(task, progress, known)


def _name(row: Row) -> str:
    parts = (row.get(key) for key in ("kind", "order", "part", "direction"))
    return " ".join(str(part) for part in parts if part is not None)


def judge_ngrams(task: Task, order: int, direction: str) -> dict[str, Any]:
    """Count, smooth, and tell the log-probabilities of the held-out documents."""
    train, _, heldout = (task.limited(part) for part in task.passages)
    turned = direction == "backward"
    begin = time.perf_counter()
    model = kneser_ney(NgramCounts(reverse(train) if turned else train, order))
    if turned:
        logs = model.log_probabilities(reverse(heldout))[reversed_places(heldout)]
    else:
        logs = model.log_probabilities(heldout)
    sums = by_document(logs, task.documents[2])
    return _judged(sums, task) | {"seconds": time.perf_counter() - begin}


def _judged(sums: np.ndarray, task: Task) -> dict[str, Any]:
    return {"perplexity": perplexity(sums, np.diff(task.documents[2].starts)), "sums": sums}


def train(task: Task, progress: Progress, known: set[str]) -> Iterator[Row]:
    """Train part by part, keep the state after each, and judge the model in the end."""
    names = [*(f"part {part}" for part in range(1, PARTS + 1)), "start"]
    names += [f"model {direction}" for direction in DIRECTIONS]
    if known.issuperset(names) and task.checkpoint.is_file():
        return  # its state is gone: it would begin again
    trainer = task.trainer()
    if task.state.is_file():
        trainer.load(task.state)
    assert isinstance(trainer.model, elmo.BiLM)

    def told(report: Report) -> None:
        progress(
            f"step {report.step:,} of {report.steps:,}, {report.tokens_per_second:,.0f} tokens a "
            f"second, loss {report.loss:.3f}, rate {report.rate:.2g}"
        )

    for part in range(1, PARTS + 1):
        first, last = (trainer.steps * p // PARTS for p in (part - 1, part))
        begin, before = time.perf_counter(), trainer.tokens
        if trainer.step < last:
            progress(f"{part}/{PARTS} part")
            trainer.train(last - trainer.step, progress=told)
            trainer.save(task.state)
        seconds = time.perf_counter() - begin
        if f"part {part}" not in known:
            point = {"kind": "part", "part": part, "step": last, "seconds": seconds}
            speed = (trainer.tokens - before) / seconds
            yield point | {
                "loss": float(np.mean(trainer.losses[first:last] or trainer.losses[-1:])),
                "tokens_per_second": speed,
                "development": developed(trainer.model, task),
            }
    if "start" not in known:
        yield {"kind": "start", "losses": trainer.losses[:FIRST], "torch": torch.__version__}
    yield from judge_model(trainer.model, task, known)
    task.state.unlink(missing_ok=True)


def developed(model: elmo.BiLM, task: Task) -> list[float]:
    """Return the perplexities forward and backward on the development part."""
    both = model.both_log_probabilities(task.passages[1])
    return [float(np.exp(-logs.mean())) for logs in both]


def judge_model(model: elmo.BiLM, task: Task, known: set[str]) -> Iterator[Row]:
    """Keep the model, and tell the log-probabilities of the held-out documents."""
    elmo.save(model, task.checkpoint, RECIPE)
    content = task.checkpoint.read_bytes()
    file = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    both = model.both_log_probabilities(task.passages[2])
    for direction, logs in zip(DIRECTIONS, both, strict=True):
        if f"model {direction}" not in known:
            sums = by_document(logs, task.documents[2])
            yield {"kind": "model", "direction": direction} | file | _judged(sums, task)


def replay(task: Task, steps: int = FIRST) -> list[float]:
    """Take the first steps again, and return their losses."""
    return task.trainer().train(steps).losses


@contextmanager
def deterministic(threads: int) -> Iterator[None]:
    """Let PyTorch use so many threads, and only what gives the same result each time."""
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_num_threads(before[0])
        torch.use_deterministic_algorithms(before[1])
