"""How much faster than gensim is `lib.word2vec`, and what does that depend on?

Design: words per second of both, in turn, three rounds on an otherwise idle machine, by the race of
`benchmarks.bench_word2vec`: one pass over the first tokens of the corpus, gensim from a file. One
thread is timed by its CPU seconds, two threads by the clock. From one base (a million tokens, 100
dimensions, one thread) one thing is changed at a time. Speeds belong to the machine; what may
carry over are the ratios, of which the median and the lowest and highest of the rounds are kept.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from benchmarks.bench_word2vec import race
from experiments import Progress, sweep
from lib.corpus import Corpus, load_corpus
from lib.experiment import Row
from lib.word2vec import Settings

ROUNDS = 3
BASE = {"dimensions": 100, "tokens": 1_000_000, "threads": 1}
ONE_PASS = Settings(epochs=1)
MODELS = {
    "skip-gram, negatives a pair": ONE_PASS,
    "skip-gram, negatives a window": replace(ONE_PASS, step="window"),
    "cbow": replace(ONE_PASS, model="cbow"),
    "hierarchical, pair by pair": replace(ONE_PASS, output="hierarchical"),
    "hierarchical, a window at once": replace(ONE_PASS, output="hierarchical", step="window"),
}
SEEDS = (1,)
RECIPE = {"rounds": ROUNDS, "base": BASE, "epochs": 1, "window": 5, "negative": 5, "sample": 1e-3}


def points() -> list[dict[str, Any]]:
    """Return the base for every model, then the changes, for skip-gram and for two threads."""
    changes = [{"dimensions": 50}, {"dimensions": 300}, {"tokens": 250_000}, {"tokens": 4_000_000}]
    skip_grams = [model for model in MODELS if model.startswith("skip-gram")]
    found = [{"model": model, **BASE} for model in MODELS]
    found += [{"model": model, **BASE, **change} for change in changes for model in skip_grams]
    return found + [{"model": model, **BASE, "threads": 2} for model in MODELS]


@functools.cache
def _corpus() -> Corpus:
    return load_corpus()


def measure(model: str, dimensions: int, tokens: int, threads: int) -> Mapping[str, float]:
    """Race one model; words per second of both sides, and their ratio."""
    settings = replace(MODELS[model], dimensions=dimensions)
    found = race(model, settings, threads, tokens, _corpus(), ROUNDS)
    scores = found["scores"]
    return {
        "ours": found["ours"],
        "gensim": found["peer"],
        "ratio": found["ratio"],
        "lowest": scores["lowest ratio"],
        "highest": scores["highest ratio"],
    }


def run(progress: Progress, done: Sequence[Row]) -> Iterator[Row]:
    """Race all points of the design."""
    yield from sweep(points(), measure, progress, done)
