"""From how far do word vectors learn? Word2Vec and LSA on text that is torn into chunks.

Question: how long must a run of text stay whole for the vectors to be as good as from whole
documents? Everything that a model learns from words further apart than a chunk is destroyed.

Design: chunks of 2 to 128 tokens, three seeds (of the order, the first vectors and the draws).

- "shuffled": the chunks of all documents are mixed over the corpus; a window that reaches over the
  end of its chunk meets a stranger.
- "cut": each chunk is a document of its own, so that no window leaves it; neighbours are lost, but
  no false ones come in.
- "whole": the documents as they are.

Word2Vec is skip-gram with the settings of chapter 5. LSA takes whole documents as contexts, and is
the contrast: a document of the shuffled corpus is made of as many chunks as before, by other hands.
One length, 32, and the whole documents get two seeds more, since their difference is small. Two
points on the first million tokens are there to be run again in the chapter.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.sparse import csr_matrix

from experiments import Progress, sweep
from experiments._word_scores import corpus, scores
from lib.cooccurrence import truncated_svd
from lib.corpus import Corpus, cut_chunks, shuffle_chunks
from lib.counts import tfidf
from lib.experiment import Row
from lib.word2vec import Settings, Word2Vec

LENGTHS = (2, 4, 8, 16, 32, 128)
SMALL = 1_000_000
CLOSER, MORE = 32, (3, 4)

RECIPE = {
    "lengths": LENGTHS,
    "word2vec": {"step": "window", "dimensions": 100, "window": 5, "epochs": 5},
    "lsa": {"dimensions": 100, "exponent": 0},
    "small": SMALL,
    "more seeds for the length": CLOSER,
}
SEEDS = (0, 1, 2)


def torn(text: Corpus, order: str, length: int, seed: int) -> Corpus:
    """Tear a corpus into chunks of so many tokens; "whole" leaves it."""
    if order == "cut":
        return cut_chunks(text, length)
    if order == "shuffled":
        return shuffle_chunks(text, length, np.random.default_rng([seed, length]))
    return text


def lsa_vectors(text: Corpus, seed: int) -> np.ndarray:
    """Vectors (V, 100) of words from the documents in which they stand, every dimension alike."""
    owner = np.repeat(np.arange(len(text)), np.diff(text.starts))
    shape = (len(text), len(text.vocabulary))
    X = csr_matrix((np.ones(text.tokens), (owner, text.ids)), shape=shape)
    X.sum_duplicates()
    return truncated_svd(tfidf(X), 100, rng=np.random.default_rng(seed)).Vt.T


def measure(method: str, order: str, length: int, tokens: int, seed: int) -> dict[str, float]:
    """Make vectors from the first so many tokens of the corpus, torn as asked, and score them."""
    text = corpus() if tokens == 0 else corpus().head(tokens)
    text = torn(text, order, length, seed)
    if method == "lsa":
        return scores(lsa_vectors(text, seed))
    model = Word2Vec(text, Settings(step="window"), np.random.default_rng(seed))
    model.train()
    return scores(model.W)


def points() -> list[Row]:
    """List the design; length 0 is the whole document, tokens 0 the whole corpus."""
    design = [("word2vec", order, k, 0) for k in LENGTHS for order in ("shuffled", "cut")]
    design += [("lsa", "shuffled", k, 0) for k in LENGTHS]
    design += [("word2vec", "whole", 0, 0), ("lsa", "whole", 0, 0)]
    names = ("method", "order", "length", "tokens")
    rows = [dict(zip(names, one, strict=True)) for one in design]
    every = [{**row, "seed": seed} for seed in SEEDS for row in rows]
    again = [("word2vec", "shuffled", 4, SMALL), ("word2vec", "whole", 0, SMALL)]
    small = [{**dict(zip(names, one, strict=True)), "seed": 0} for one in again]
    closer = [("word2vec", "shuffled", CLOSER, 0), ("word2vec", "whole", 0, 0)]
    more = [{**dict(zip(names, one, strict=True)), "seed": seed} for seed in MORE for one in closer]
    return small + every + more


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Measure the whole design."""
    return sweep(points(), measure, progress, done)
