"""What are vectors worth that were made for words which training never met?

Question: words are taken out of the corpus, and get their vectors by their letters, or from a few
of the places where they stood. How close are these to what training on the words would have given?

Design: `lib.unseen.withhold` draws forms of known words, strangers whose beginning no other word
shares, and the test halves of WordSim-353 and SimLex-999. Gold are the neighbours in Word2Vec on
the whole corpus; a withheld word is judged by the share of its ten nearest words that it has in
common with gold, and by the cosines of rated pairs, both words of which are withheld.

- "gold": the neighbours that gold has, and its cosines.
- "word2vec": again on the whole corpus, from another seed. The ceiling: luck alone lies between.
- "ngrams": n-gram vectors on the whole corpus, nothing withheld.

All others are made without the words:

- "ngrams-withheld" and "pieces-withheld": runs of three to six letters with a row for each word,
  or the pieces of byte-pair encoding (8,000 merges) and no rows for words; "buckets-100" is the
  first with a hundred buckets.
- From Word2Vec on the corpus without the words: "base", for forms, and "borrowed" take the vector
  of the base and of the word spelled most alike; "ridge" and "cnn" learn a function from letters
  to the vectors of known words, as far as it helps on words set aside; "context-4" is a linear map
  of the mean vector of the words around four places, "mean-16" that mean itself, around sixteen.
"""

from __future__ import annotations

import copy
import string
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import Ridge
from torch import Tensor, nn

from experiments import Progress, sweep
from lib.corpus import Corpus, load_corpus
from lib.experiment import Row
from lib.ngrams import NgramTrainer, NgramVectors, PieceSpelling, Spelling, piece_counts
from lib.subword import BytePairEncoding
from lib.unseen import Withheld, context_counts, neighbours, withhold
from lib.word2vec import Settings, Word2Vec
from lib.wordtests import shared

GOLD, MERGES = 10, 8000
GROUPS = ("forms", "strangers", "judged")
METHODS = ("word2vec", "ngrams", "ngrams-withheld", "pieces-withheld", "buckets-100", "base",
           "borrowed", "ridge", "cnn", "context-1", "context-4", "context-16",
           "mean-16")  # fmt: skip
PENALTIES = (1.0, 10.0, 100.0)
RECIPE = {
    "settings": {"step": "window", "dimensions": 100, "window": 5, "epochs": 5},
    "spelling": {"shortest": 3, "longest": 6, "buckets": 100_000},
    "merges": MERGES,
    "gold_seed": GOLD,
    "penalties": PENALTIES,
    "cnn": {"most_epochs": 30, "patience": 3, "batch": 256, "rate": 0.002},
}
SEEDS = (0, 1, 2)
SETTINGS = Settings(step="window")


@lru_cache(maxsize=1)
def material() -> tuple[Corpus, Withheld]:
    """Load the corpus, and draw what is withheld; the same words for every seed."""
    corpus = load_corpus()
    return corpus, withhold(corpus, np.random.default_rng(0))


# Training on the text -------------------------------------------------------------------------


def train_word2vec(seed: int, *, without: bool = False) -> np.ndarray:
    """Vectors (V, d) of Word2Vec on the whole corpus, or without the withheld words."""
    corpus, withheld = material()
    if without:
        corpus = withheld.without(corpus)
    model = Word2Vec(corpus, SETTINGS, np.random.default_rng(seed))
    model.train()
    return model.W.copy()


def train_ngrams(method: str, seed: int) -> NgramVectors:
    """N-gram vectors, or those of pieces, with or without the withheld words."""
    corpus, withheld = material()
    if method != "ngrams":
        corpus = withheld.without(corpus)
    rng, words = np.random.default_rng(seed), corpus.vocabulary.words
    if method.startswith("pieces"):
        counts = {w: int(n) for w, n in zip(words, corpus.counts, strict=True) if n}
        pieces = PieceSpelling(BytePairEncoding.train(counts, MERGES))
        trainer = NgramTrainer(corpus, SETTINGS, rng, pieces, own=False)
    else:
        buckets = int(method.removeprefix("buckets-")) if "buckets" in method else 100_000
        trainer = NgramTrainer(corpus, SETTINGS, rng, Spelling(buckets=buckets))
    trainer.train()
    return trainer.ngrams


@lru_cache(maxsize=1)
def gold() -> np.ndarray:
    """Vectors of the words as Word2Vec learns them when it sees them."""
    return train_word2vec(GOLD)


@lru_cache(maxsize=2)
def known_vectors(seed: int) -> np.ndarray:
    """Word2Vec (V, d) without the withheld words: centred, of length 1.

    All vectors share a direction, which a function of letters would learn first.
    """
    W = train_word2vec(seed, without=True)
    centred = W - W[material()[1].candidates].mean(axis=0)
    unit: np.ndarray = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    return unit


# From letters to the vectors of known words ---------------------------------------------------


@lru_cache(maxsize=1)
def runs() -> csr_matrix:
    """Count the runs of letters of all words: (V, buckets)."""
    return piece_counts(material()[0].vocabulary.words, Spelling())


def halves(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split the known words: to learn from, and one in twenty set aside."""
    mixed = np.random.default_rng(seed).permutation(material()[1].candidates)
    return mixed[len(mixed) // 20 :], mixed[: len(mixed) // 20]


def ridge(U: np.ndarray, learn: np.ndarray, penalty: float) -> Ridge:
    """Fit a linear map from the counts of runs to vectors."""
    model = Ridge(alpha=penalty, solver="sparse_cg", max_iter=20, tol=1e-3, fit_intercept=False)
    return model.fit(runs()[learn], U[learn])


@lru_cache(maxsize=1)
def best_penalty() -> float:
    """Return the penalty whose map of letters serves words set aside best (first seed)."""
    U, (learn, aside) = known_vectors(SEEDS[0]), halves(SEEDS[0])
    agreement = {}
    for penalty in PENALTIES:
        made = ridge(U, learn, penalty).predict(runs()[aside])
        lengths = np.maximum(np.linalg.norm(made, axis=1), 1e-12)
        agreement[penalty] = np.mean((made * U[aside]).sum(axis=1) / lengths)
    return max(agreement, key=agreement.__getitem__)


class CharacterCNN(nn.Module):
    """Letters to a vector: filters of widths 2 to 5, the highest answers, two layers."""

    def __init__(self, d: int, filters: int = 64) -> None:
        super().__init__()
        letters = "<>" + string.ascii_lowercase
        self.code = {letter: i for i, letter in enumerate(letters, start=1)}
        self.E = nn.Embedding(len(letters) + 1, 16, padding_idx=0)
        self.filters = nn.ModuleList(
            nn.Conv1d(16, filters, width, padding=width // 2) for width in (2, 3, 4, 5)
        )
        self.top = nn.Sequential(
            nn.Tanh(), nn.Linear(4 * filters, 256), nn.ReLU(), nn.Linear(256, d)
        )

    def ids(self, words: Sequence[str], longest: int = 20) -> Tensor:
        """Give the numbers of letters: (n, longest); 0 pads and stands for others."""
        ids = torch.zeros(len(words), longest, dtype=torch.long)
        for row, word in zip(ids, words, strict=True):
            marked = f"<{word}>"[:longest]
            row[: len(marked)] = torch.tensor([self.code.get(a, 0) for a in marked])
        return ids

    def forward(self, ids: Tensor) -> Tensor:
        """Turn letters (n, t) into vectors (n, d)."""
        x = self.E(ids).transpose(1, 2)  # (n, 16, t)
        best = [conv(x).amax(dim=2) for conv in self.filters]  # (n, filters) each
        vectors: Tensor = self.top(torch.cat(best, dim=1))
        return vectors


def best_cnn(U: np.ndarray, seed: int) -> tuple[np.ndarray, int]:
    """Vectors (V, d) by letters, of the pass that serves words set aside best."""
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    words = material()[0].vocabulary.words
    net, order = CharacterCNN(U.shape[1]), torch.Generator().manual_seed(seed)
    everyone, Y = net.ids(words), torch.tensor(U, dtype=torch.float32)
    learn, aside = (torch.tensor(half) for half in halves(seed))
    optimiser = torch.optim.Adam(net.parameters(), lr=0.002)
    best, kept, passes = -1.0, copy.deepcopy(net.state_dict()), 0
    for epoch in range(1, 31):
        mixed = learn[torch.randperm(len(learn), generator=order)]
        for chosen in torch.split(mixed, 256):  # type: ignore[no-untyped-call]
            optimiser.zero_grad()
            loss = 1 - torch.cosine_similarity(net(everyone[chosen]), Y[chosen]).mean()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
        with torch.no_grad():
            agreement = torch.cosine_similarity(net(everyone[aside]), Y[aside]).mean().item()
        if agreement > best:
            best, kept, passes = agreement, copy.deepcopy(net.state_dict()), epoch
        elif epoch >= passes + 3:
            break
    net.load_state_dict(kept)
    with torch.no_grad():
        return net(everyone).numpy(), passes


# From the words around ------------------------------------------------------------------------


def company(U: np.ndarray, places: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean vector of the known words around a few places of each word, and a map of it.

    Returns
    -------
    (V, d), (V, d)
        The means, and their images under the linear map that takes those of known words to
        their vectors (least squares); zeros for words that are neither known nor withheld.
    """
    corpus, withheld = material()
    known, out = withheld.candidates, withheld.all
    rows = np.concatenate([known, out])
    counts = context_counts(corpus, rows, places, np.random.default_rng([seed, places]))
    met = np.ones(len(U), np.float32)
    met[out] = 0  # they have no vectors
    counts = csr_matrix(counts @ diags(met))
    totals = np.maximum(counts.sum(axis=1).A1, 1)
    means = (counts @ U) / totals[:, None]
    A = np.linalg.lstsq(means[: len(known)], U[known], rcond=None)[0]  # (d, d)
    plain, mapped = np.zeros_like(U), np.zeros_like(U)
    plain[rows], mapped[rows] = means, means @ A
    return plain, mapped


# Judging --------------------------------------------------------------------------------------


def nearest(W: Any) -> dict[str, np.ndarray]:  # noqa: ANN401
    """Ten nearest candidates (q, 10) of the withheld words of each group."""
    _, withheld = material()
    return {group: neighbours(W, getattr(withheld, group), withheld.candidates) for group in GROUPS}


def judge(W: Any, truth: Mapping[str, Any]) -> dict[str, list[float]]:  # noqa: ANN401
    """Compare vectors (V, d) of withheld words with the neighbours that gold has.

    Returns
    -------
    dict
        "forms", "strangers" and "judged": how many of the ten nearest words are right, for each
        word. "wordsim" and "simlex": the cosine of each pair.
    """
    found: dict[str, list[float]] = {}
    for group, mine in nearest(W).items():
        found[group] = [round(10 * share) for share in shared(np.array(truth[group]), mine)]
    return found | cosines(W)


def cosines(W: Any) -> dict[str, list[float]]:  # noqa: ANN401
    """Cosine of each pair of withheld words."""
    pairs = material()[1].pairs
    return {name: some.cosines(W).round(4).tolist() for name, some in pairs.items()}


@lru_cache(maxsize=1)
def truth() -> dict[str, np.ndarray]:
    """Neighbours that gold has."""
    return nearest(gold())


def stand_ins(method: str, U: np.ndarray, seed: int) -> tuple[np.ndarray, dict[str, float]]:
    """Known vectors (V, d), and those that a method makes for the withheld words."""
    _, withheld = material()
    W, out, note = U.copy(), withheld.all, {}
    W[out] = 0
    if method == "base":
        W[withheld.forms] = U[withheld.bases]
    elif method == "borrowed":
        W[out] = U[neighbours(runs(), out, withheld.candidates, 1)[:, 0]]
    elif method == "ridge":
        note["penalty"] = best_penalty()
        W[out] = ridge(U, withheld.candidates, note["penalty"]).predict(runs()[out])
    elif method == "cnn":
        made, note["epochs"] = best_cnn(U, seed)
        W[out] = made[out]
    else:
        kind, _, places = method.partition("-")
        plain, mapped = company(U, int(places), seed)
        W[out] = (plain if kind == "mean" else mapped)[out]
    return W, note


def measure(method: str, seed: int) -> dict[str, Any]:
    """Make vectors by one method and judge."""
    if method == "gold":
        return {group: near.tolist() for group, near in truth().items()} | cosines(gold())
    if method == "word2vec":
        return judge(train_word2vec(seed), truth())
    if method.startswith(("ngrams", "pieces", "buckets")):
        words = material()[0].vocabulary.words
        return judge(train_ngrams(method, seed).vectors(words).W, truth())
    W, note = stand_ins(method, known_vectors(seed), seed)
    return judge(W, truth()) | note


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Measure all methods with all seeds."""
    points = [{"method": "gold", "seed": GOLD}]
    points += [{"method": method, "seed": seed} for seed in SEEDS for method in METHODS]
    return sweep(points, measure, progress, done)
