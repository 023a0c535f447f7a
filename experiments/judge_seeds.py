"""How much of a word's neighbourhood, and of a score, is the luck of the seed?

Question: train the same vectors on the same text again, from another seed. How many of a word's
ten nearest neighbours stay, and how far do the benchmarks move?

Design: skip-gram with the settings of chapter 7 (one set of negatives a window), five seeds.
Everything else is equal: corpus, order of the documents, settings. The seed decides the first
vectors, the negatives, which tokens are left out and how wide each window is. Neighbours are those
of 200 words spread evenly over the frequent part of the vocabulary, among the 20,000 most
frequent words.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments import Progress, sweep
from lib.corpus import Corpus, load_corpus
from lib.evaluate import spearman
from lib.experiment import Row
from lib.word2vec import Settings, Word2Vec
from lib.wordtests import analogy_questions, answer, macro_average, nearest_rows, rated_pairs

PROBES = range(500, 10_500, 50)
LIMIT = 20_000
NEAREST = 10
RECIPE = {
    "word2vec": {"step": "window", "dimensions": 100, "epochs": 5},
    "probes": "every 50th word from rank 500 to 10,450",
    "neighbours": NEAREST,
    "limit": LIMIT,
}
SEEDS = (0, 1, 2, 3, 4)


@lru_cache(maxsize=1)
def corpus() -> Corpus:
    """Load the corpus once in a run."""
    return load_corpus()


def scores(W: NDArray[np.floating[Any]]) -> dict[str, float]:
    """Score the vectors (V, d) of the words of the corpus by the benchmarks of chapter 7."""
    words = corpus().vocabulary
    wordsim, simlex = rated_pairs("wordsim353", words), rated_pairs("simlex999", words)
    questions = analogy_questions(words, LIMIT)
    return {
        "wordsim": spearman(wordsim.ratings, wordsim.cosines(W)),
        "simlex": spearman(simlex.ratings, simlex.cosines(W)),
        "add": macro_average(answer(W, questions, "add")),
        "only_b": macro_average(answer(W, questions, "only-b")),
    }


def neighbours(W: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Find the nearest words of each probe: (probes, NEAREST)."""
    return nearest_rows(W[:LIMIT], np.array(PROBES), NEAREST)


def measure(seed: int) -> dict[str, Any]:
    """Train on the whole corpus from one seed."""
    model = Word2Vec(corpus(), Settings(step="window"), np.random.default_rng(seed))
    model.train()
    return {**scores(model.W), "neighbours": neighbours(model.W)}


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Train from every seed."""
    return sweep([{"seed": seed} for seed in SEEDS], measure, progress, done)
