"""Time counting contexts and the singular value decomposition against what NumPy users write.

Ours and the peer run in turn in the same process, each on one thread, so that a busy machine slows
both; the best CPU time of several rounds counts. Run ``python benchmarks/bench_cooccurrence.py``
for JSON on the screen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from time import process_time

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from sklearn.decomposition import TruncatedSVD
from threadpoolctl import threadpool_limits

from lib.cooccurrence import count_contexts, ppmi, truncated_svd, window_weights
from lib.corpus import Corpus, load_corpus

DIMENSIONS = 100


def run(rounds: int = 3) -> list[dict]:
    """Measure each pair.

    Parameters
    ----------
    rounds : int
        How often each side runs; the best time counts.

    Returns
    -------
    list of dict
        ``ours`` and ``peer`` in seconds of CPU time, ``ratio`` is peer / ours, ``scores`` shows
        that both did the same work.
    """
    corpus = load_corpus()
    count_contexts(corpus.head(1000))  # compiles
    entries = []
    for window, weighting in [(5, "distance"), (10, "plain")]:
        settings = {"window": window, "weighting": weighting}
        ours, peer, X, Y = race(
            lambda s=settings: count_contexts(corpus, **s),
            lambda s=settings: count_by_distance(corpus, **s),
            rounds,
        )
        scores = {
            "tokens": corpus.tokens,
            "pairs": int(X.nnz),
            "largest relative difference": float(abs(X - Y).max() / X.max()),
        }
        name = f"contexts of the whole corpus, window {window}, {weighting}"
        entries.append(entry(name, ours, peer, "scipy, one distance at a time", scores))
    M = ppmi(count_contexts(corpus, weighting="distance"))
    with threadpool_limits(1):
        ours, peer, svd, model = race(
            lambda: truncated_svd(M, DIMENSIONS, rng=np.random.default_rng(0)),
            lambda: TruncatedSVD(DIMENSIONS, n_iter=5, random_state=0).fit(M),
            rounds,
        )
    scores = {  # the more, the better the approximation
        "squares kept by ours": float((svd.s.astype(float) ** 2).sum()),
        "squares kept by the peer": float((model.singular_values_.astype(float) ** 2).sum()),
    }
    name = f"SVD of PPMI, {DIMENSIONS} dimensions"
    return [*entries, entry(name, ours, peer, "scikit-learn, randomised", scores)]


def count_by_distance(corpus: Corpus, *, window: int, weighting: str) -> csr_matrix:
    """Count with scipy alone: pairs at distance 1, at distance 2, and so on, added up."""
    size = len(corpus.vocabulary)
    documents = np.repeat(np.arange(len(corpus)), np.diff(corpus.starts))
    right = csr_matrix((size, size))
    for d, weight in enumerate(window_weights(window, weighting), start=1):
        inside = documents[d:] == documents[:-d]
        words, contexts = corpus.ids[:-d][inside], corpus.ids[d:][inside]
        weights = np.full(len(words), weight)
        right += coo_matrix((weights, (words, contexts)), shape=(size, size)).tocsr()
    return (right + right.T).tocsr()


def race(ours: Callable, peer: Callable, rounds: int) -> tuple:
    """Run two jobs in turn; return both best times and both results."""
    seconds: dict[Callable, list[float]] = {ours: [], peer: []}
    results = {}
    for _ in range(rounds):
        for job in (ours, peer):
            start = process_time()
            results[job] = job()
            seconds[job].append(process_time() - start)
    return min(seconds[ours]), min(seconds[peer]), results[ours], results[peer]


def entry(name: str, ours: float, peer: float, peer_name: str, scores: dict) -> dict:
    """Put one comparison into the agreed form."""
    return {
        "name": name,
        "ours": ours,
        "peer": peer,
        "peer_name": peer_name,
        "ratio": peer / ours,
        "unit": "CPU s",
        "scores": scores,
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
