"""Evaluation and encoders beside the libraries, each pair of runs interleaved in one process."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse as sp
import scipy.stats
from sklearn.metrics.pairwise import cosine_similarity

from lib.data import load
from lib.encoders import MiniLM
from lib.evaluate import Pairs, bootstrap, cosine_matrix, spearman


def _race(
    name: str,
    ours: Callable[[], Any],
    peer: Callable[[], Any],
    peer_name: str,
    unit: str,
    rounds: int = 5,
) -> dict[str, Any]:
    """Run both in turn, keep the best time of each, and compare what they returned.

    Parameters
    ----------
    name, peer_name, unit : str
        What is raced, against what, and what one run does.
    ours, peer : callables
        Give arrays of one shape.
    rounds : int
        How often each runs.
    """
    seconds: dict[str, list[float]] = {"ours": [], "peer": []}
    results: dict[str, Any] = {}
    for i in range(rounds):
        # Who comes first alternates, so that neither always finds the caches warm.
        for key, call in [("ours", ours), ("peer", peer)][:: 1 if i % 2 else -1]:
            start = time.perf_counter()
            results[key] = np.asarray(call())
            seconds[key].append(time.perf_counter() - start)
    best = {key: min(times) for key, times in seconds.items()}
    difference = float(np.abs(results["ours"] - results["peer"]).max())
    return {
        "name": name,
        "ours": best["ours"],
        "peer": best["peer"],
        "peer_name": peer_name,
        "ratio": best["peer"] / best["ours"],
        "unit": f"seconds for {unit}",
        "scores": {"max_abs_difference": difference},
    }


def bench_spearman() -> dict[str, Any]:
    """Resample the pairs of Lee-50 by document, 500 times, and correlate each time."""
    human = load("lee50").human
    other = np.random.default_rng(1).random((50, 50))
    first, second = Pairs(human), Pairs(human + other + other.T)

    def interval(statistic: Callable[..., float]) -> tuple[float, float, float]:
        rng = np.random.default_rng(0)
        e = bootstrap(statistic, first, second, rng=rng, n_resamples=500, unit="documents")
        return e.value, e.low, e.high

    return _race(
        "spearman-bootstrap",
        lambda: interval(spearman),
        lambda: interval(lambda x, y: float(scipy.stats.spearmanr(x, y)[0])),
        "scipy.stats.spearmanr",
        "500 resamples of 50 documents",
        rounds=3,
    )


def bench_cosine() -> list[dict[str, Any]]:
    """All cosines of 2,000 rows, dense and sparse."""
    rng = np.random.default_rng(0)
    dense = rng.normal(size=(2000, 384))
    sparse = sp.random_array((2000, 20_000), density=0.005, format="csr", rng=rng)
    sparse = sp.csr_matrix(sparse)
    return [
        _race(
            f"cosine-matrix-{kind}",
            lambda X=X: cosine_matrix(X),
            lambda X=X: (lambda M: M.toarray() if sp.issparse(M) else M)(
                cosine_similarity(X, dense_output=False)
            ),
            "sklearn.metrics.pairwise.cosine_similarity",
            f"2,000 rows of {X.shape[1]:,} columns",
        )
        for kind, X in (("dense", dense), ("sparse", sparse))
    ]


def bench_minilm() -> dict[str, Any]:
    """Encode 48 news texts in the order in which they come, and sorted by length."""
    import torch

    # Whole articles, first lines and titles: as mixed in length as real queries and documents.
    news = load("news")
    texts = []
    for title, text in zip(news.titles[:16], news.texts[:16], strict=True):
        texts += [text, title, text[:300]]
    encoder = MiniLM(batch_size=16)
    tokenizer, model = encoder.tokenizer, encoder.model

    def library() -> Any:
        rows = []
        for start in range(0, len(texts), 16):
            batch = tokenizer(
                texts[start : start + 16],
                padding=True,
                truncation=True,
                max_length=256,
                return_tensors="pt",
            )
            with torch.inference_mode():
                hidden = model(**batch).last_hidden_state
            mask = batch["attention_mask"].unsqueeze(-1).float()
            mean = (hidden * mask).sum(1) / mask.sum(1)
            rows.append(torch.nn.functional.normalize(mean).numpy())
        return np.concatenate(rows)

    return _race(
        "minilm-encode",
        lambda: encoder.encode(texts),
        library,
        "transformers, batches in the given order",
        "48 texts of mixed length, batches of 16",
        rounds=2,
    )


def run() -> list[dict[str, Any]]:
    """Run every comparison; a ratio above 1 means that ours is faster."""
    return [bench_spearman(), *bench_cosine(), bench_minilm()]


if __name__ == "__main__":
    print(json.dumps(run(), indent=1))
