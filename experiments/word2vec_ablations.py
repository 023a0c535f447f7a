"""Which parts of Word2Vec's recipe do anything? Each is taken out, one at a time.

Question: by how much does a score change without subsampling, with a fixed window, with other
noise, with a rate that does not fall?

Design: skip-gram with the settings of chapter 5 (one set of negatives a window), and copies of it
in which one setting differs. Five seeds; a seed gives the same first vectors to all, so that the
differences are paired. A fixed window of 5 sees more words than one drawn from 1 to 5, so it has a
partner that sees as many on average, a fixed window of 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from experiments import Progress, sweep
from experiments._word_scores import corpus, scores
from lib.experiment import Row
from lib.word2vec import Settings, Word2Vec

CHANGES: dict[str, dict[str, Any]] = {
    "as it is": {},
    "no subsampling": {"sample": 0},
    "ten times the subsampling": {"sample": 1e-4},
    "fixed window of 5": {"dynamic": False},
    "fixed window of 3": {"dynamic": False, "window": 3},
    "noise as frequent as in text": {"power": 1.0},
    "all words as noise alike": {"power": 0.0},
    "constant rate": {"final_rate": 0.025},
}
RECIPE = {"word2vec": {"step": "window", "dimensions": 100, "epochs": 5}, "changes": CHANGES}
SEEDS = (0, 1, 2, 3, 4)


def measure(change: str, seed: int) -> dict[str, float]:
    """Train with one change on the whole corpus, and score the vectors."""
    settings = Settings(step="window", **CHANGES[change])
    model = Word2Vec(corpus(), settings, np.random.default_rng(seed))
    model.train()
    return scores(model.W)


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Measure every change with every seed."""
    points = [{"change": change, "seed": seed} for seed in SEEDS for change in CHANGES]
    return sweep(points, measure, progress, done)
