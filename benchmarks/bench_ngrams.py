"""N-gram vectors beside gensim's FastText: words per second, same corpus and settings, one run.

gensim reads the corpus from a file (`corpus_file`), its fastest way, with its C code loaded. Both
count all tokens of the corpus, those that subsampling drops too; neither counts the vocabulary and
its runs of letters, and ours does not count the compilation. One thread, CPU seconds.

"negatives a pair" makes the steps of gensim, up to rounding and to its division of the sum by one
piece too few; "one negative set a window" is another algorithm. Run
``python -m benchmarks.bench_ngrams`` for JSON on the screen.
"""

from __future__ import annotations

import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from gensim.models import FAST_VERSION, FastText

from lib.corpus import Corpus, load_corpus
from lib.evaluate import spearman
from lib.ngrams import NgramTrainer, Spelling
from lib.vectors import Vectors
from lib.word2vec import Settings
from lib.wordtests import rated_pairs

RACES = [
    # name, settings, tokens of the corpus
    ("negatives a pair", Settings(epochs=1), 300_000),
    ("one negative set a window", Settings(epochs=1, step="window"), 300_000),
    ("negatives a pair", Settings(epochs=1), 1_000_000),
    ("one negative set a window", Settings(epochs=1, step="window"), 1_000_000),
]


def _ours(corpus: Corpus, settings: Settings) -> tuple[float, Vectors]:
    """Train, and return tokens per second and vectors."""
    NgramTrainer(corpus.head(100), settings, np.random.default_rng(1)).train()  # compiles
    trainer = NgramTrainer(corpus, settings, np.random.default_rng(1))
    begin = time.process_time()
    trainer.train()
    return trainer.words_done / (time.process_time() - begin), trainer.vectors


def _theirs(corpus: Corpus, path: Path, settings: Settings) -> tuple[float, Vectors]:
    """Train gensim with the same settings, and return tokens per second and vectors."""
    spelling = Spelling()
    model = FastText(
        vector_size=settings.dimensions,
        window=settings.window,
        min_count=1,
        sample=settings.sample,
        sg=1,
        negative=settings.negative,
        alpha=settings.rate,
        min_alpha=settings.final_rate,
        min_n=spelling.shortest,
        max_n=spelling.longest,
        bucket=spelling.buckets,
        workers=1,
        seed=1,
    )
    model.build_vocab(corpus_file=str(path))
    words = model.corpus_total_words
    begin = time.process_time()
    model.train(corpus_file=str(path), total_words=words, total_examples=model.corpus_count,
                epochs=settings.epochs)  # fmt: skip
    seconds = time.process_time() - begin
    return words * settings.epochs / seconds, Vectors(model.wv.index_to_key, model.wv.vectors)


def race(name: str, settings: Settings, tokens: int, corpus: Corpus, rounds: int) -> dict[str, Any]:
    """Let both run in turn and compare their median speeds."""
    part = corpus.head(tokens)
    speeds: dict[str, list[float]] = {"ours": [], "peer": []}
    scores: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.txt"
        lines = (" ".join(part.vocabulary.decode(document)) for document in part.documents())
        path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")
        for i in range(rounds):
            for side in ("ours", "peer")[:: 1 if i % 2 else -1]:
                ours = side == "ours"
                speed, vectors = _ours(part, settings) if ours else _theirs(part, path, settings)
                speeds[side].append(speed)
                pairs = rated_pairs("wordsim353", vectors)
                found = spearman(pairs.ratings, pairs.cosines(vectors))
                scores[f"wordsim {side}"] = round(found, 3)
    ratios = sorted(a / b for a, b in zip(speeds["ours"], speeds["peer"], strict=True))
    scores |= {"lowest ratio": round(ratios[0], 2), "highest ratio": round(ratios[-1], 2)}
    return {
        "name": f"n-grams, {name}, 1 thread, {tokens:,} tokens",
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
    if FAST_VERSION < 0:
        raise RuntimeError("gensim runs without its C code here: reinstall it for a fair race")
    corpus = load_corpus()
    return [race(*row, corpus, rounds) for row in RACES]


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
