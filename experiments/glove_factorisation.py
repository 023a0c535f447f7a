"""Is skip-gram with negative sampling a factorisation of PMI - log k? How well, by dimension?

Question: Levy & Goldberg (2014) derive that the dot product of a word's and a context's vector is
best at PMI - log k, if the vectors have enough dimensions. How near do vectors come that were
really trained, and what holds them back: too few dimensions, or the training?

Design: the first million tokens of the corpus, cut down to the 500 most frequent words, so that as
many dimensions as words can be trained. Most pairs of such words meet. Three ways to vectors:

- "trained": skip-gram as in chapter 5 (one set of negatives a window, which changes no
  expectation); three seeds. A last point trains three times as long.
- "best fit": a matrix of that rank fitted to the target by weighted least squares, twenty sweeps
  from one random start. It is the best that was found, not the best there is: with weights the
  best is hard to find (Gillis & Glineur 2011). What is missing here is mostly missing for want of
  dimensions. (With as many dimensions as words the fit is perfect: take the target for W and the
  unit matrix for C.)
- "textbook": the trained vectors again, against the PMI of the plain counts, where subsampling,
  the drawn window, and the noise to the power .75 are forgotten.

The effective counts are the mean over forty subsampled corpora, each counted with the weights that
the drawn window gives. R squared is 1 minus the squared error over the variance of the target, over
the pairs that met; primarily with each pair weighing as much as the loss curves there (chapter 6
derives it), and beside that with all pairs weighing the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from experiments import Progress, sweep
from lib.cooccurrence import count_contexts
from lib.corpus import Corpus, load_corpus
from lib.experiment import Row
from lib.text import Vocabulary
from lib.word2vec import Settings, Word2Vec, keep_probability, noise_distribution

Floats = NDArray[np.float64]

TOKENS, WORDS, DRAWS = 1_000_000, 500, 40
DIMENSIONS = (5, 20, 50, 100, 200, 500)
SETTINGS: dict[str, Any] = {"step": "window", "epochs": 20, "rate": 0.05}
LONGER = 60
SWEEPS, RIDGE = 20, 1e-3
SEEDS = (0, 1, 2)
RECIPE = {
    "tokens": TOKENS,
    "words": WORDS,
    "draws": DRAWS,
    "dimensions": DIMENSIONS,
    "word2vec": SETTINGS,
    "longer": LONGER,
    "sweeps": SWEEPS,
    "ridge": RIDGE,
}


def small_corpus(tokens: int = TOKENS, words: int = WORDS) -> Corpus:
    """Take the first tokens of the corpus, and of these only the most frequent words."""
    whole = load_corpus()
    head = whole.head(tokens)
    kept = head.keep(head.ids < words)
    return Corpus(Vocabulary(whole.vocabulary.words[:words], name="small"), kept.ids, kept.starts)


def effective_counts(corpus: Corpus, s: Settings, draws: int, rng: np.random.Generator) -> Floats:
    """How often word and context meet in an epoch, on average over the draws: (V, V)."""
    keep = keep_probability(corpus.counts, s.sample)
    total = np.zeros((len(corpus.vocabulary),) * 2)
    for _ in range(draws):
        thinned = corpus.keep(rng.random(corpus.tokens) < keep[corpus.ids])
        total += count_contexts(thinned, window=s.window, weighting="dynamic").toarray()
    return total / draws


def noise_counts(met: Floats, noise: Floats, k: int) -> Floats:
    """How often word and context are drawn as a false pair, in the same time: (V, V).

    For each of its meetings a word draws k times; a draw that hits the true context is dropped.
    """
    meetings = met.sum(axis=1, keepdims=True)
    return np.asarray(k * (meetings - met) * noise)


def optimum(met: Floats, drawn: Floats) -> Floats:
    """Return the dot products at which the loss is lowest: log(met / drawn), (V, V).

    Minus infinity where a pair never met. With ``drawn = k * word * context / total`` this is
    PMI - log k.
    """
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(met) - np.log(drawn))


def curvature(met: Floats, drawn: Floats) -> Floats:
    """Return the second derivative of the loss at the optimum: 0 where a pair never met."""
    return met * drawn / (met + drawn)


def r_squared(dots: Floats, target: Floats, weights: Floats) -> float:
    """1 minus squared error over variance, over the pairs whose weight is not 0."""
    used = weights > 0
    x, y, w = dots[used], target[used], weights[used]
    mean = np.average(y, weights=w)
    return float(1 - np.average((y - x) ** 2, weights=w) / np.average((y - mean) ** 2, weights=w))


def best_fit(
    target: Floats, weights: Floats, d: int, rng: np.random.Generator, sweeps: int
) -> Floats:
    """Fit a matrix of rank d by alternating weighted least squares; return it: (V, V).

    With C fixed, each row of W is an ordinary weighted regression, and the other way round; so the
    error falls in every half of a sweep.
    """
    C = rng.standard_normal((len(target), d)) / np.sqrt(d)
    W = C
    for _ in range(sweeps):
        W = _regress(C, target, weights)
        C = _regress(W, target.T, weights.T)
    return np.asarray(W @ C.T)


def _regress(C: Floats, target: Floats, weights: Floats) -> Floats:
    """Find for each row of the target the best combination of the columns of C: (V, d)."""
    filled = np.where(weights > 0, target, 0)
    W = np.empty((len(target), C.shape[1]))
    for i, (y, w) in enumerate(zip(filled, weights, strict=True)):
        A = (C * w[:, None]).T @ C
        A[np.diag_indices_from(A)] += RIDGE * w.mean()  # as good as nothing, but keeps A solvable
        W[i] = np.linalg.solve(A, C.T @ (w * y))
    return W


@lru_cache(maxsize=1)
def _prepared() -> tuple[Corpus, Floats, Floats, Floats]:
    """Return the small corpus, effective and noise counts, and the textbook's target."""
    corpus, s = small_corpus(), Settings(**SETTINGS)
    met = effective_counts(corpus, s, DRAWS, np.random.default_rng(0))
    drawn = noise_counts(met, noise_distribution(corpus.counts, s.power), s.negative)
    plain = count_contexts(corpus, window=s.window).toarray()
    by_chance = plain.sum(axis=1, keepdims=True) * plain.sum(axis=0) / plain.sum()
    return corpus, met, drawn, optimum(plain, s.negative * by_chance)


def measure(way: str, d: int, epochs: int, seed: int) -> dict[str, float]:
    """Make vectors of d numbers in one way, and compare their dot products with the target."""
    corpus, met, drawn, textbook = _prepared()
    target, weights, seen = optimum(met, drawn), curvature(met, drawn), met > 0
    rng = np.random.default_rng(seed)
    if way == "trained":
        model = Word2Vec(corpus, Settings(dimensions=d, **SETTINGS | {"epochs": epochs}), rng)
        model.train()
        dots = model.W.astype(np.float64) @ model.C.astype(np.float64).T
    else:
        dots = best_fit(target, weights, d, rng, SWEEPS)
    found = {
        "r2": r_squared(dots, target, weights),
        "r2_even": r_squared(dots, target, seen.astype(np.float64)),
        "mean_seen": float(dots[seen].mean()),
        "mean_unseen": float(dots[~seen].mean()),
    }
    if way == "trained":
        # Few pairs that met in thinned text did not meet in the whole; they have no target there.
        both = np.where(np.isfinite(textbook), weights, 0)
        found["r2_textbook"] = r_squared(dots, textbook, both)
    return found


def points() -> list[Row]:
    """List the design."""
    few = [{"way": "best fit", "d": d, "epochs": 0, "seed": 0} for d in DIMENSIONS if d < WORDS]
    epochs = int(SETTINGS["epochs"])
    many = [
        {"way": "trained", "d": d, "epochs": epochs, "seed": seed}
        for seed in SEEDS
        for d in DIMENSIONS
    ]
    longer = {"way": "trained", "d": DIMENSIONS[-1], "epochs": LONGER, "seed": 0}
    return [*few, *many, longer]


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Measure the whole design."""
    return sweep(points(), measure, progress, done)
