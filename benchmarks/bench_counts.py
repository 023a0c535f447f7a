"""Time counting and TF-IDF of 20 Newsgroups against scikit-learn, side by side.

Ours and the peer run in turn in the same process, each on one thread, so that a busy machine slows
both; the best CPU time of several rounds counts. Run ``python benchmarks/bench_counts.py`` for JSON
on the screen.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from time import process_time

from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer

from lib.counts import BagOfWords, Tfidf
from lib.data import load

Job = Callable[[], tuple[csr_matrix, ...]]


def run(rounds: int = 5) -> list[dict]:
    """Measure each pair.

    Parameters
    ----------
    rounds : int
        How often each side runs; the best time counts.

    Returns
    -------
    list of dict
        ``ours`` and ``peer`` in seconds of CPU time, ``ratio`` is peer / ours, ``scores`` holds
        the largest difference between the two results.
    """
    news = load("20newsgroups")
    train, test = news.train.texts, news.test.texts

    def fit_and_transform(model: Tfidf | TfidfVectorizer) -> tuple[csr_matrix, ...]:
        return model.fit_transform(train), model.transform(test)

    def fit_then_transform(model: Tfidf | TfidfVectorizer) -> tuple[csr_matrix, ...]:
        return (model.fit(train).transform(train),)

    def count(model: BagOfWords | CountVectorizer) -> tuple[csr_matrix, ...]:
        return (model.fit_transform(train),)

    two = {"ngram_range": (1, 2), "min_df": 2}
    return [
        compare(name, ours, peer, rounds)
        for name, ours, peer in [
            (
                "TF-IDF of 20 Newsgroups, fit_transform(train), transform(test)",
                lambda: fit_and_transform(Tfidf()),
                lambda: fit_and_transform(TfidfVectorizer()),
            ),
            (
                "TF-IDF of 20 Newsgroups, fit(train), transform(train)",
                lambda: fit_then_transform(Tfidf()),
                lambda: fit_then_transform(TfidfVectorizer()),
            ),
            (
                "counts of 20 Newsgroups, words and pairs, min_df 2, fit_transform(train)",
                lambda: count(BagOfWords(**two)),
                lambda: count(CountVectorizer(**two)),
            ),
        ]
    ]


def compare(name: str, ours: Job, peer: Job, rounds: int) -> dict:
    """Run two jobs in turn and compare their best times and their results."""
    seconds: dict[Job, list[float]] = {ours: [], peer: []}
    results: dict[Job, tuple[csr_matrix, ...]] = {}
    for _ in range(rounds):
        for job in (ours, peer):
            start = process_time()
            results[job] = job()
            seconds[job].append(process_time() - start)
    difference = max(
        float(abs(a - b).max()) for a, b in zip(results[ours], results[peer], strict=True)
    )
    best = {job: min(times) for job, times in seconds.items()}
    return {
        "name": name,
        "ours": best[ours],
        "peer": best[peer],
        "peer_name": "scikit-learn",
        "ratio": best[peer] / best[ours],
        "unit": "CPU s",
        "scores": {"largest difference": difference},
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
