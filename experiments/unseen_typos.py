"""How much do typos cost a classifier, by the way its words become vectors?

Question: a classifier of posts is trained on clean text. Then a share of the words of the test
posts gets a slip of the pen each. Whose accuracy falls how far?

Design: the exam of chapter 4 (thirty training posts a group, 20 Newsgroups), every fifth test
post, words as in `lib.corpus`. A word of four letters or more is mistyped with the probability
`rate`. The slips are the same for all methods, and a higher rate has those of a lower one and more.
Vectors are trained on the whole corpus and averaged over the words of a post, all weighing the
same. None of the settings was tuned.

- "tfidf-words": TF-IDF, words of the vocabulary; others are dropped.
- "tfidf-letters": TF-IDF of hashed runs of three to six letters, inside words.
- "word2vec": averaged; unknown words are dropped.
- "word2vec-mended" and "tfidf-words-mended": the same, after unknown words were replaced by the
  most frequent known word one slip away, if there is one.
- "ngrams": n-gram vectors.
- "pieces": vectors of the pieces of byte-pair encoding.
- "minilm": the first 64 tokens of a third of these posts.

The last and "tfidf-words-mended" are measured at four of the six rates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from experiments import Progress, sweep
from experiments.unseen_words import GOLD, MERGES, SETTINGS, gold
from lib.corpus import LETTERS, Corpus, load_corpus
from lib.counts import document_frequency, idf, tfidf
from lib.data import load
from lib.encoders import MiniLM
from lib.evaluate import Probe, probe
from lib.experiment import Row
from lib.ngrams import NgramTrainer, NgramVectors, PieceSpelling, Spelling, piece_counts
from lib.subword import BytePairEncoding
from lib.unseen import Corrector, mistype_text

RATES = (0.0, 0.1, 0.2, 0.4, 0.7, 1.0)
FEWER = (0.0, 0.2, 0.4, 1.0)
METHODS = ("tfidf-words", "tfidf-letters", "word2vec", "word2vec-mended", "ngrams",
           "pieces", "minilm", "tfidf-words-mended")  # fmt: skip
RECIPE = {
    "settings": {"step": "window", "dimensions": 100, "window": 5, "epochs": 5},
    "spelling": {"shortest": 3, "longest": 6, "buckets": 100_000},
    "merges": MERGES,
    "gold_seed": GOLD,
    "weights_from": 3000,
    "minilm_tokens": 64,
}
SEEDS = (0,)
SPELLING = Spelling()

Words = list[list[str]]


@lru_cache(maxsize=1)
def corpus() -> Corpus:
    """Load the corpus once in a run."""
    return load_corpus()


def cut(texts: Sequence[str]) -> Words:
    """Cut texts into the words of the corpus."""
    find = re.compile(LETTERS).findall
    return [find(text.lower()) for text in texts]


@lru_cache(maxsize=1)
def exam() -> tuple[Words, np.ndarray, Words, np.ndarray]:
    """Words and groups of the training posts, and of every fifth test post."""
    ng, rng = load("20newsgroups"), np.random.default_rng(0)
    rows = np.sort(
        np.concatenate([rng.permutation(np.flatnonzero(ng.train.y == c))[:30] for c in range(20)])
    )
    train = cut([ng.train.texts[i] for i in rows])
    return train, ng.train.y[rows], cut(ng.test.texts[::5]), ng.test.y[::5]


@lru_cache(maxsize=8)
def mistyped(rate: float, seed: int) -> Words:
    """Return the test posts with slips; each post has its own generator."""
    return [
        mistype_text(words, rate, np.random.default_rng([seed, number]))
        for number, words in enumerate(exam()[2])
    ]


def counted(posts: Words) -> tuple[csr_matrix, list[str]]:
    """Count words: (n, types), and the types."""
    index: dict[str, int] = {}
    flat = [index.setdefault(word, len(index)) for words in posts for word in words]
    starts = np.append(0, np.cumsum([len(words) for words in posts]))
    X = csr_matrix((np.ones(len(flat), np.float32), flat, starts), (len(posts), len(index)))
    X.sum_duplicates()
    return X, list(index)


# Ways to a matrix -----------------------------------------------------------------------------


@lru_cache(maxsize=2)
def spelled_vectors(kind: str) -> NgramVectors:
    """N-gram vectors, or vectors of pieces."""
    rng = np.random.default_rng(0)
    if kind == "pieces":
        counts = dict(zip(corpus().vocabulary.words, corpus().counts.tolist(), strict=True))
        pieces = PieceSpelling(BytePairEncoding.train(counts, MERGES))
        trainer = NgramTrainer(corpus(), SETTINGS, rng, pieces, own=False)
    else:
        trainer = NgramTrainer(corpus(), SETTINGS, rng, SPELLING)
    trainer.train()
    return trainer.ngrams


@lru_cache(maxsize=2)
def weights(letters: bool) -> np.ndarray:
    """IDF of words, or of runs of letters, on the first 3,000 documents of the corpus."""
    words = corpus().vocabulary.words
    posts = [[words[i] for i in corpus().document(d)] for d in range(min(3000, len(corpus())))]
    X = features(posts, letters)
    return idf(document_frequency(X), len(posts), "smooth")


def features(posts: Words, letters: bool) -> csr_matrix:
    """Count known words (n, V), or runs of letters (n, buckets)."""
    X, types = counted(posts)
    if letters:
        return csr_matrix(X @ piece_counts(types, SPELLING))
    index = corpus().vocabulary.index
    known = np.array([word in index for word in types])
    columns = [index[word] for word in types if word in index]
    ones = np.ones(len(columns), np.float32)
    place = csr_matrix((ones, (np.flatnonzero(known), columns)), (len(types), len(index)))
    return csr_matrix(X @ place)


def encode(method: str, posts: Words) -> Any:  # noqa: ANN401
    """Turn posts into a matrix, one row a post."""
    if method.endswith("mended"):
        mend = Corrector(corpus().vocabulary.index).mend
        posts = [[one for word in words if (one := mend(word))] for words in posts]
    if method.startswith("tfidf"):
        letters = method == "tfidf-letters"
        return tfidf(features(posts, letters), weights=weights(letters))
    if method.startswith("word2vec"):
        X = features(posts, letters=False)
        return _mean(X, gold())
    if method == "minilm":
        return MiniLM(max_tokens=64).encode([" ".join(words) for words in posts])
    X, types = counted(posts)
    spelled = spelled_vectors("pieces" if method == "pieces" else "ngrams")
    return _mean(X, spelled.vectors(types).W)


def _mean(X: csr_matrix, W: np.ndarray) -> np.ndarray:
    totals = X.sum(axis=1).A1
    mean: np.ndarray = (X @ W) / np.maximum(totals, 1)[:, None]
    return mean


# The exam -------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def trained(method: str) -> Probe:
    """Train the classifier on clean posts."""
    Cs = (10, 100) if method.startswith("tfidf") else (0.01, 0.1, 1)
    return probe(encode(method, exam()[0]), exam()[1], Cs=Cs, folds=2, max_iter=100)


def measure(method: str, rate: float, seed: int) -> dict[str, str]:
    """Classify the mistyped posts; a letter from a to t for each, the group that was guessed."""
    posts = mistyped(rate, seed)
    if method == "minilm":
        posts = posts[::3]
    guess = trained(method).predict(encode(method, posts))
    return {"guesses": "".join(chr(ord("a") + int(c)) for c in guess)}


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Measure all methods at all rates."""
    points = [
        {"method": method, "rate": rate, "seed": seed}
        for seed in SEEDS for method in METHODS
        for rate in (FEWER if method in ("minilm", "tfidf-words-mended") else RATES)
    ]  # fmt: skip
    return sweep(points, measure, progress, done)
