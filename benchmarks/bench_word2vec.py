"""Word2Vec beside gensim: words per second on the same corpus, with the same settings, in one run.

gensim reads the corpus from a file (`corpus_file`), its fastest way, with its C code loaded. Both
count all tokens of the corpus, those that subsampling drops too. Neither counts the vocabulary,
and ours does not count the compilation, which comes first and once for each number of dimensions.

One thread is timed by its CPU seconds, two threads by the clock. Run
``python -m benchmarks.bench_word2vec`` for JSON on the screen.
"""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from gensim.models import Word2Vec as Peer
from gensim.models import word2vec as peer_module

from lib.corpus import Corpus, load_corpus
from lib.data import load
from lib.evaluate import spearman
from lib.vectors import Vectors
from lib.word2vec import Settings, Word2Vec

BASE = Settings(epochs=1, step="window")
RACES: list[tuple[str, Settings, int, int]] = [
    # name, settings, threads, tokens of the corpus
    ("one negative set a window", BASE, 1, 1_000_000),
    ("one negative set a window", BASE, 2, 1_000_000),
    ("negatives a pair", replace(BASE, step="pair"), 1, 1_000_000),
    ("negatives a pair", replace(BASE, step="pair"), 2, 1_000_000),
    ("one negative set a window", BASE, 1, 250_000),
    ("one negative set a window", BASE, 1, 4_000_000),
    ("one negative set a window", replace(BASE, dimensions=50), 1, 1_000_000),
    ("one negative set a window", replace(BASE, dimensions=300), 1, 1_000_000),
    ("CBOW", replace(BASE, model="cbow"), 1, 1_000_000),
    ("hierarchical, a window at once", replace(BASE, output="hierarchical"), 1, 1_000_000),
]


def _ours(corpus: Corpus, settings: Settings, threads: int) -> tuple[float, Vectors]:
    """Train, and return tokens per second and vectors."""
    model = Word2Vec(corpus, settings, np.random.default_rng(1))
    clock: Callable[[], float] = time.perf_counter if threads > 1 else time.process_time
    Word2Vec(corpus.head(100), settings, np.random.default_rng(1)).train()  # compiles
    begin = clock()
    model.train(threads=threads)
    return model.words_done / (clock() - begin), model.vectors


def _theirs(corpus: Corpus, path: Path, settings: Settings, threads: int) -> tuple[float, Vectors]:
    """Train gensim with the same settings, and return tokens per second and vectors."""
    hierarchical = settings.output == "hierarchical"
    model = Peer(
        vector_size=settings.dimensions,
        window=settings.window,
        min_count=1,
        sample=settings.sample,
        sg=int(settings.model == "skip-gram"),
        hs=int(hierarchical),
        negative=0 if hierarchical else settings.negative,
        alpha=settings.rate,
        min_alpha=settings.final_rate,
        workers=threads,
        seed=1,
    )
    model.build_vocab(corpus_file=str(path))
    words = model.corpus_total_words
    clock: Callable[[], float] = time.perf_counter if threads > 1 else time.process_time
    begin = clock()
    model.train(corpus_file=str(path), total_words=words, total_examples=model.corpus_count,
                epochs=settings.epochs)  # fmt: skip
    seconds = clock() - begin
    return words * settings.epochs / seconds, Vectors(model.wv.index_to_key, model.wv.vectors)


def _relatedness(vectors: Vectors) -> float:
    """Rank correlation with WordSim-353, over the pairs whose words are known."""
    rated = load("wordsim353")
    known = [
        (vectors.similarity(a.lower(), b.lower()), rating)
        for (a, b), rating in zip(rated.pairs, rated.ratings, strict=True)
        if a.lower() in vectors and b.lower() in vectors
    ]
    return spearman([value for value, _ in known], [rating for _, rating in known])


def race(
    name: str, settings: Settings, threads: int, tokens: int, corpus: Corpus, rounds: int
) -> dict[str, Any]:
    """Let both run in turn and compare their median speeds."""
    part = corpus.head(tokens)
    speeds: dict[str, list[float]] = {"ours": [], "peer": []}
    scores: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.txt"
        lines = (" ".join(part.vocabulary.decode(document)) for document in part.documents())
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        for i in range(rounds):
            sides: list[tuple[str, Callable[[], tuple[float, Vectors]]]] = [
                ("ours", lambda: _ours(part, settings, threads)),
                ("peer", lambda: _theirs(part, path, settings, threads)),
            ]
            for side, run_once in sides[:: 1 if i % 2 else -1]:
                speed, vectors = run_once()
                speeds[side].append(speed)
                scores[f"wordsim {side}"] = round(_relatedness(vectors), 3)
    ratios = sorted(a / b for a, b in zip(speeds["ours"], speeds["peer"], strict=True))
    scores |= {"lowest ratio": round(ratios[0], 2), "highest ratio": round(ratios[-1], 2)}
    size = f"{settings.dimensions} dimensions, {tokens:,} tokens"
    return {
        "name": f"word2vec, {name}, {threads} thread{'s' * (threads > 1)}, {size}",
        "ours": median(speeds["ours"]),
        "peer": median(speeds["peer"]),
        "peer_name": "gensim",
        "ratio": median(ratios),
        "unit": "tokens/s",
        "scores": scores,
    }


def run(rounds: int = 3) -> list[dict[str, Any]]:
    """Race all rows of the table.

    Raises
    ------
    RuntimeError
        If gensim's compiled code is missing: it would be no fair race.
    """
    if peer_module.FAST_VERSION < 0:
        raise RuntimeError("gensim runs without its C code here: reinstall it for a fair race")
    corpus = load_corpus()
    return [race(*row, corpus, rounds) for row in RACES]


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
