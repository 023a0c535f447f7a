"""Counting against predicting: one corpus, one search, and what it costs.

Question: on the same text and with the same care, which vectors agree best with people, and what
do they cost? And do the methods end at the same vectors?

Design: PPMI-SVD, skip-gram with negative sampling (SGNS), CBOW and GloVe, a hundred dimensions, the
whole corpus. All methods have sixteen candidates: two windows, two values of the setting that is
known to matter most for the method, two ways to read the vectors (exponent 0 or 1/2 of the singular
values; words alone or words + contexts), and two treatments (as they are; without their mean and
their three leading directions, Mu & Viswanath 2018). Rows of kind

- "search": one seed, all candidates; the best sum of both correlations on the development half
  (disjoint in words from the test half) wins;
- "final": the winner of each method with five other seeds (PPMI-SVD once: the counts draw nothing,
  and its SVD draws with a fixed seed);
- "glove": GloVe with one thing changed at a time, three seeds. "The authors' steps" are those of
  their program, which squares the rate times the slope, from 1: rate 1, start 400 here.

The search is not all the care that went in: GloVe's rate, start and passes come from some twenty
earlier runs on the same pairs, the smoothing and the weights 1/distance of PPMI-SVD from chapter 4.
SGNS takes one set of negatives a window. Processor seconds are one thread's, from the corpus to the
vectors; this run may have shared its machine, so chapter 6 takes those of `glove_cost`.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments import Progress, sweep
from lib.cooccurrence import count_contexts, ppmi, truncated_svd
from lib.corpus import Corpus, load_corpus
from lib.evaluate import spearman
from lib.experiment import Row, rounded
from lib.glove import GloVe
from lib.word2vec import Settings, Word2Vec
from lib.wordtests import (
    Questions,
    RatedPairs,
    analogy_questions,
    answer,
    disjoint_halves,
    macro_average,
    nearest_rows,
    rated_pairs,
)

Vectors = NDArray[np.floating[Any]]
Readings = dict[str, Vectors]

DIMENSIONS = 100
WINDOWS = (5, 10)
SECOND: dict[str, tuple[str, tuple[float, float]]] = {
    "ppmi": ("shift", (1, 5)),
    "sgns": ("sample", (1e-3, 1e-4)),
    "cbow": ("rate", (0.025, 0.05)),
    "glove": ("x_max", (10, 100)),
}
EPOCHS = {"sgns": 5, "cbow": 10, "glove": 5}
CHANGES: dict[str, dict[str, float]] = {
    "as it is": {},
    "x_max 100": {"x_max": 100},
    "window 5": {"window": 5},
    "rate 0.05": {"rate": 0.05},
    "the authors' steps": {"rate": 1, "start": 400},
    "no counts below 1": {"least": 1},
}
PASSES = (1, 3, 5)
LONG = 10
LONGER = ("as it is", "the authors' steps")
SETS = {"wordsim": "wordsim353", "simlex": "simlex999"}
CUT = 3
PROBES, FREQUENT, NEAR = 300, 20_000, 10
SEARCH_SEED = 0
SEEDS = (1, 2, 3, 4, 5)
RECIPE = {
    "dimensions": DIMENSIONS,
    "windows": WINDOWS,
    "second setting": SECOND,
    "epochs": EPOCHS,
    "changes": CHANGES,
    "passes": (*PASSES, LONG),
    "directions taken out": CUT,
    "neighbours": [PROBES, FREQUENT, NEAR],
    "search seed": SEARCH_SEED,
}


# From the corpus to vectors ---------------------------------------------------------------------


@lru_cache(maxsize=1)
def corpus() -> Corpus:
    """Load the corpus once, and compile on a small part what will be timed on the whole."""
    whole = load_corpus()
    small = whole.head(20_000)
    rng = np.random.default_rng(0)
    GloVe(count_contexts(small), DIMENSIONS, rng=rng).train(1)
    Word2Vec(small, Settings(dimensions=DIMENSIONS, epochs=1), rng).train()
    return whole


def read_ppmi(window: int, shift: float) -> Readings:
    """Count, take PPMI with 1/d weights and smoothed contexts, and squeeze."""
    counts = count_contexts(corpus(), window=window, weighting="distance")
    M = ppmi(counts, shift=shift)
    del counts
    svd = truncated_svd(M, DIMENSIONS, rng=np.random.default_rng(0))
    return {"exponent 0": svd.vectors(0), "exponent 1/2": svd.vectors(0.5)}


def read_word2vec(model: str, window: int, value: float, seed: int) -> Readings:
    """Train skip-gram or CBOW."""
    kind = "skip-gram" if model == "sgns" else "cbow"
    changed: dict[str, Any] = {SECOND[model][0]: value, "epochs": EPOCHS[model]}
    settings = Settings(dimensions=DIMENSIONS, model=kind, step="window", window=window, **changed)  # type: ignore[arg-type]
    trained = Word2Vec(corpus(), settings, np.random.default_rng(seed))
    trained.train()
    return {"words": trained.W, "sum": trained.W + trained.C}


def start_glove(
    seed: int,
    window: int = 10,
    x_max: float = 10,
    rate: float = 0.2,
    start: float = 1,
    least: float = 0,
) -> GloVe:
    """Count by 1/d, and prepare GloVe for the counts that are not below the least."""
    counts = count_contexts(corpus(), window=window, weighting="distance")
    if least:
        counts.data[counts.data < least] = 0
        counts.eliminate_zeros()
    rng = np.random.default_rng(seed)
    return GloVe(counts, DIMENSIONS, rng=rng, x_max=x_max, rate=rate, start=start)


def read_glove(model: GloVe) -> Readings:
    """Return what can be read off a trained model."""
    return {"words": model.vectors("words"), "sum": model.vectors("sum")}


def readings(method: str, window: int, value: float, seed: int) -> Readings:
    """Make vectors by one method, to be read in two ways."""
    if method == "ppmi":
        return read_ppmi(window, value)
    if method == "glove":
        return read_glove(start_glove(seed, window, value).train(EPOCHS["glove"]))
    return read_word2vec(method, window, value, seed)


def treat(W: Vectors, treatment: str) -> Vectors:
    """Leave vectors as they are, or take out their mean and leading directions."""
    if treatment == "as it is":
        return W
    centred = W.astype(np.float64) - W.mean(axis=0, dtype=np.float64)
    _, directions = np.linalg.eigh(centred.T @ centred)  # the last are the largest
    top = directions[:, -CUT:]
    return np.asarray(centred - (centred @ top) @ top.T)


TREATMENTS = ("as it is", "cut")


# From vectors to scores -------------------------------------------------------------------------


@lru_cache(maxsize=1)
def benchmarks() -> tuple[dict[str, RatedPairs], dict[str, Any], Questions]:
    """Rated pairs, their halves, and analogies, for the words of the corpus."""
    words = corpus().vocabulary
    pairs = {name: rated_pairs(long, words) for name, long in SETS.items()}  # type: ignore[arg-type]
    return pairs, disjoint_halves(pairs, np.random.default_rng(0)), analogy_questions(words)


def scores(W: Vectors) -> dict[str, list[float]]:
    """Spearman on the development half, the test half, and all pairs of both sets."""
    pairs, halves, _ = benchmarks()
    found = {}
    for name, p in pairs.items():
        cosines = p.cosines(W)
        masks = (*halves[name], np.ones(len(p), dtype=bool))
        found[name] = [spearman(p.ratings[m], cosines[m]) for m in masks]
    return found


def all_scores(read: Readings) -> dict[str, dict[str, list[float]]]:
    """Score both readings in both treatments; "sum, cut" names one candidate."""
    return {
        f"{reading}, {treatment}": scores(treat(W, treatment))
        for reading, W in read.items()
        for treatment in TREATMENTS
    }


def in_full(W: Vectors) -> Row:
    """Return what comparing methods needs: all cosines, analogies, and neighbours of some words."""
    pairs, _, questions = benchmarks()
    probes = np.random.default_rng(0).permutation(FREQUENT)[:PROBES]
    return {
        "cosines": {name: p.cosines(W).round(4) for name, p in pairs.items()},
        "analogies": macro_average(answer(W, questions)),
        "neighbours": nearest_rows(W[:FREQUENT], probes, NEAR),
    }


# The design -------------------------------------------------------------------------------------


def measure(
    kind: str, method: str, window: int, value: float, seed: int, chosen: str = ""
) -> dict[str, Any]:
    """Make vectors and score them; the chosen reading, if there is one, in full."""
    corpus()
    begin = time.process_time()
    read = readings(method, window, value, seed)
    found: Row = {"train_cpu_seconds": time.process_time() - begin, "scores": all_scores(read)}
    if chosen:
        reading, treatment = chosen.split(", ")
        found |= in_full(treat(read[reading], treatment))
    return found


def measure_glove(kind: str, change: str, seed: int) -> dict[str, Any]:
    """Train GloVe with one change, and score it on the way."""
    model = start_glove(seed, **CHANGES[change])  # type: ignore[arg-type]
    by_passes = {}
    for passes in (*PASSES, LONG) if change in LONGER else PASSES:
        model.train(passes - len(model.losses))
        by_passes[str(passes)] = all_scores(read_glove(model))
    return {"counts": model.updates, "losses": model.losses, "by_passes": by_passes}


def search_points() -> list[Row]:
    """List the trainings of the search: two windows, two values."""
    return [
        {"kind": "search", "method": method, "window": window, "value": value, "seed": SEARCH_SEED}
        for method, (_, values) in SECOND.items()
        for window in WINDOWS
        for value in values
    ]


def winner(rows: Iterable[Mapping[str, Any]], method: str) -> Row:
    """Return the candidate with the best sum of correlations on the development half."""
    candidates = [
        (sum(halves[0] for halves in sets.values()), -number, row, name)
        for number, row in enumerate(rows)
        if row.get("kind") == "search" and row["method"] == method
        for name, sets in row["scores"].items()
    ]
    _, _, row, name = max(candidates, key=lambda c: c[:2])
    return {"method": method, "window": row["window"], "value": row["value"], "chosen": name}


def final_points(rows: Sequence[Mapping[str, Any]]) -> list[Row]:
    """List the winners with their seeds."""
    return [
        {"kind": "final", **winner(rows, method), "seed": seed}
        for method in SECOND
        for seed in (SEEDS[:1] if method == "ppmi" else SEEDS)
    ]


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Search, race the winners, and take GloVe apart."""
    rows = list(done)
    for row in sweep(search_points(), measure, progress, done):
        rows.append(rounded(row))
        yield row
    yield from sweep(final_points(rows), measure, progress, done)
    changes = [{"kind": "glove", "change": c, "seed": seed} for seed in SEEDS[:3] for c in CHANGES]
    yield from sweep(changes, measure_glove, progress, done)
