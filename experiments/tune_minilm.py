"""What does tuning a sentence encoder on one task win there, and what does it cost elsewhere?

Question: MiniLM learns from a thousand headlines which article each belongs to. How much better
does it find articles that it never saw; how much is gained or lost in how people see the similarity
of other news; and is it the last layers or low-rank adapters that should learn?

Design: articles of the set `news` whose headline has four words at least and whose text has 110.
The query is the headline. The document is fifty words of the text from the 61st on: the beginning
of an article repeats its headline, and would make the task one of common words. Of articles with
the same headline, or that share a tenth of the shorter one's runs of eight words, only the first
stays. Then 1,200 pairs are for learning, 300 for development, 500 held out; no article, nor a near
duplicate, is in two of them. A headline has to find its document among all those of its part.

- "minilm": as published. "static": its token vectors alone (`lib.distil`, 256 numbers, weights
  from the documents for learning).
- "last": the last two blocks learn. "lora": adapters of rank 8 (alpha 16) on queries and values of
  all blocks learn. One pass, batches of 32, temperature 0.05, no dropout. The rate of each was
  chosen by the development part alone, with seed 0: 1e-4 among 3e-5, 1e-4, 3e-4, and 3e-3 among
  3e-4, 1e-3, 3e-3; the next higher one is reported too. Three seeds of the cheaper way, two of the
  other.
- "last" also at other temperatures, and with a hard negative for each query: the wrong document of
  the learning part that MiniLM as published finds most similar.

A row has

    method, rate, temperature, hard, seed    the point; 0, false for what does not learn
    learning          how many numbers learn
    loss              [mean of the first ten steps, mean of the last ten], in nats
    development       mean reciprocal rank on the development part
    ranks             of the right document, for each held-out query; ties count against it
    mrr, recall       [value, low, high]: mean reciprocal rank, share of rank 1; 95 % over queries
    mrr_gain          the same for the difference to "minilm", paired over queries
    lee               [value, low, high]: Spearman on Lee-50; 95 % over documents
    lee_gain          the same for the difference to "minilm", paired over documents (jackknife)
    lee_cosines       of the 1,225 pairs of Lee-50, to four digits
"""

from __future__ import annotations

import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, NamedTuple, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from experiments import Progress, sweep
from lib.contrastive import hardest
from lib.data import Articles, Lee50, load
from lib.distil import StaticEncoder
from lib.evaluate import (
    Estimate,
    Pairs,
    bootstrap,
    cosine_matrix,
    paired_difference,
    spearman,
    upper_triangle,
)
from lib.experiment import Row
from lib.lora import count
from lib.textencoder import Backbone, TextEncoder, minilm
from lib.tuning import TextPairs, Tuned, Tuner, Tuning, last_layers, low_rank

Ints: TypeAlias = NDArray[np.int64]

HEADLINE, SKIPPED, WORDS = 4, 60, 50
RUN, EVERY, SHARED = 8, 8, 0.1
PARTS = (1_200, 300, 500)
BLOCKS, RANK, ALPHA, STATIC = 2, 8, 16.0, 256
TUNING = Tuning(epochs=1, batch=32, warmup=5, max_tokens=96)
RATES: Final = {"last": (1e-4, 3e-4), "lora": (3e-3, 1e-2)}  # the first is preferred
TEMPERATURES = (0.02, 0.2)
SEEDS = (0, 1, 2)
SEEDS_OF: Final = {"last": SEEDS, "lora": SEEDS[:2]}
RECIPE = {
    "words of a headline, at least": HEADLINE,
    "words left out, and read": [SKIPPED, WORDS],
    "near duplicates share": f"{SHARED} of the shorter one's runs of {RUN} words, one in {EVERY}",
    "pairs for learning, development, held out": PARTS,
    "last": {"blocks": BLOCKS},
    "lora": {"rank": RANK, "alpha": ALPHA, "layers": "queries and values"},
    "static": {"numbers": STATIC},
    "training": {"epochs": 1, "batch": TUNING.batch, "warmup": TUNING.warmup, "clip": 1.0},
    "tokens": {"learning": TUNING.max_tokens, "judging": 256},
    "rates": RATES,
    "temperatures": [TUNING.temperature, *TEMPERATURES],
    "resamples": 2_000,
    "threads": 1,
}


def points() -> list[dict[str, Any]]:
    """Return the design, what is cheap or matters most first."""

    def point(method: str, rate: float = 0.0, **change: object) -> dict[str, Any]:
        temperature = TUNING.temperature if rate else 0.0
        common = {"method": method, "rate": rate, "temperature": temperature, "hard": False}
        return common | {"seed": 0} | change

    still = [point("minilm"), point("static")]
    seeds = [point(m, RATES[m][0], seed=seed) for m in RATES for seed in SEEDS_OF[m]]
    rates = [point(m, rate) for m in RATES for rate in RATES[m][1:]]
    rate = RATES["last"][0]
    other = [point("last", rate, temperature=t) for t in TEMPERATURES]
    return [*still, *seeds, *rates, *other, point("last", rate, hard=True)]


# The task -------------------------------------------------------------------------------------


class Pair(NamedTuple):
    """A headline, and fifty words of its article."""

    headline: str
    document: str


class Encodes(Protocol):
    """What is judged here."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Encode: (n, d)."""
        ...


def pairs_of(articles: Articles) -> list[Pair]:
    """Cut headline and document from all articles that are long enough and no repetition."""
    shortest = SKIPPED + WORDS
    long = [
        (title, text.split())
        for title, text in zip(articles.titles, articles.texts, strict=True)
        if len(title.split()) >= HEADLINE and len(text.split()) >= shortest
    ]
    kept = distinct([words for _, words in long], [title for title, _ in long])
    return [Pair(long[i][0], " ".join(long[i][1][SKIPPED:shortest])) for i in kept]


def distinct(texts: Sequence[Sequence[str]], titles: Sequence[str]) -> list[int]:
    """Return the texts that repeat no earlier one that stays: by title, or by runs of words.

    Of the runs of eight words one in eight is looked at, chosen by its hash; case does not count.

    Examples
    --------
    >>> once = [str(i) for i in range(400)]
    >>> distinct([once, once[:300] + ["new"] * 50, ["other"] * 90], ["a", "b", "c"])
    [0, 2]
    """
    owners: defaultdict[int, list[int]] = defaultdict(list)
    sizes: list[int] = []
    seen: set[str] = set()
    kept = []
    for number, (words, title) in enumerate(zip(texts, titles, strict=True)):
        runs = _runs(words)
        sizes.append(len(runs))
        shared = Counter(owner for run in runs for owner in owners.get(run, ()))
        near = any(n >= SHARED * min(len(runs), sizes[other]) for other, n in shared.items())
        if near or title.lower() in seen:
            continue
        kept.append(number)
        seen.add(title.lower())
        for run in runs:
            owners[run].append(number)
    return kept


def _runs(words: Sequence[str]) -> set[int]:
    low = [word.lower() for word in words]
    texts = (" ".join(low[i : i + RUN]) for i in range(len(low) - RUN + 1))
    return {run for run in (zlib.crc32(text.encode("utf-8")) for text in texts) if run % EVERY == 0}


def ranks(queries: ArrayLike, documents: ArrayLike) -> Ints:
    """Return the rank of document i for query i, by cosine; ties count against it.

    Examples
    --------
    >>> ranks([[1, 0], [1, 0]], [[2, 0], [1, 1]])
    array([1, 2])
    """
    scores = cosine_matrix(np.asarray(queries), np.asarray(documents))
    return np.asarray((scores >= np.diag(scores)[:, None]).sum(axis=1), dtype=np.int64)


def mean_reciprocal(found: ArrayLike) -> float:
    """Return the mean of 1 / rank."""
    return float(np.mean(1 / np.asarray(found)))


def first_share(found: ArrayLike) -> float:
    """Return the share of rank 1."""
    return float(np.mean(np.asarray(found) == 1))


def ends(estimate: Estimate) -> list[float]:
    """Return value and interval as a row has them."""
    return [estimate.value, estimate.low, estimate.high]


class Judged(NamedTuple):
    """What an encoder does on both tests."""

    development: float
    ranks: Ints
    lee: NDArray[np.float64]  # (50, 50) cosines


@dataclass(frozen=True, eq=False)
class Task:
    """The texts, and how a point of the design is measured on them.

    Parameters
    ----------
    pairs : list of Pair
        As many as `parts` together, or more.
    lee : lib.data.Lee50
        The other test.
    backbone : lib.textencoder.Backbone
        Is tuned.
    parts : three int
        Pairs for learning, for development, held out.
    tuning : lib.tuning.Tuning
        What all points share.
    blocks, rank, static : int
        Sizes of the three ways.
    resamples : int
        For the intervals.
    """

    pairs: list[Pair]
    lee: Lee50
    backbone: Backbone
    parts: tuple[int, int, int] = PARTS
    tuning: Tuning = TUNING
    blocks: int = BLOCKS
    rank: int = RANK
    static: int = STATIC
    resamples: int = 2_000

    @cached_property
    def split(self) -> tuple[list[Pair], list[Pair], list[Pair]]:
        """Pairs for learning, for development, held out: drawn at random, once and for all."""
        if len(self.pairs) < sum(self.parts):
            raise ValueError(f"{len(self.pairs)} pairs, and {sum(self.parts)} are needed")
        order = np.random.default_rng(0).permutation(len(self.pairs))
        a, b, c = np.cumsum(self.parts)
        drawn = [self.pairs[i] for i in order[:c]]
        return drawn[:a], drawn[a:b], drawn[b:]

    @cached_property
    def before(self) -> Judged:
        """What the model does as published."""
        return self.judge(self.encoder(self.backbone))

    def encoder(self, backbone: Backbone) -> TextEncoder:
        """Return a model as it is judged: what does not fit is cut off."""
        return TextEncoder(backbone, overlong="cut", pool=self.tuning.pool)

    def learnt(self, *, hard: bool = False) -> TextPairs:
        """Return what is learnt from."""
        headlines, documents = zip(*self.split[0], strict=True)
        return TextPairs(headlines, documents, self._hard if hard else None)

    @cached_property
    def _hard(self) -> list[str]:
        """Return for each headline the wrong document that the published model finds nearest."""
        headlines, documents = zip(*self.split[0], strict=True)
        encoder = self.encoder(self.backbone)
        scores = cosine_matrix(encoder.encode(headlines), encoder.encode(documents))
        right = torch.eye(len(scores), dtype=torch.bool)
        return [documents[i] for i in hardest(torch.from_numpy(scores), right, 1)[:, 0].tolist()]

    def tuner(self, method: str, rate: float, temperature: float, hard: bool, seed: int) -> Tuner:
        """Return a tuning at its beginning."""
        values = vars(self.tuning) | {"rate": rate, "temperature": temperature}
        return Tuner(self._tuned(method, seed), self.learnt(hard=hard), Tuning(**values), seed)

    def _tuned(self, method: str, seed: int) -> Tuned:
        if method == "last":
            return last_layers(self.backbone, self.blocks)
        return low_rank(self.backbone, rank=self.rank, alpha=ALPHA, seed=seed)

    def judge(self, encoder: Encodes) -> Judged:
        """Let an encoder find documents, and compare those of Lee-50."""
        development, heldout = (
            ranks(encoder.encode([p.headline for p in part]), encoder.encode([p[1] for p in part]))
            for part in self.split[1:]
        )
        cosines = cosine_matrix(encoder.encode(self.lee.texts))
        return Judged(mean_reciprocal(development), heldout, cosines)

    def measure(
        self, method: str, rate: float, temperature: float, hard: bool, seed: int
    ) -> dict[str, Any]:
        """Make an encoder, and judge it."""
        if method == "minilm":
            return {"learning": 0} | self._row(self.before)
        if method == "static":
            static = StaticEncoder.distil(self.backbone, self.static)
            static.fit([pair.document for pair in self.split[0]])
            return {"learning": 0} | self._row(self.judge(static))
        tuner = self.tuner(method, rate, temperature, hard, seed)
        tuner.train()
        loss = [float(np.mean(tuner.losses[:10])), float(np.mean(tuner.losses[-10:]))]
        learning = count(tuner.backbone.network).learning
        judged = self.judge(self.encoder(tuner.backbone))
        return {"learning": learning, "loss": loss} | self._row(judged)

    def _row(self, judged: Judged) -> dict[str, Any]:
        settings: dict[str, Any] = {"n_resamples": self.resamples}

        def over_queries(statistic: Any) -> list[float]:  # noqa: ANN401
            rng = np.random.default_rng(0)
            return ends(bootstrap(statistic, judged.ranks, rng=rng, unit="queries", **settings))

        human, rng = Pairs(self.lee.human), np.random.default_rng(0)
        now, then = Pairs(judged.lee), Pairs(self.before.lee)
        lee = bootstrap(spearman, human, now, rng=rng, unit="documents", **settings)
        lee_gain = paired_difference(spearman, (human, now), (human, then), unit="documents")
        gain = paired_difference(
            mean_reciprocal, (judged.ranks,), (self.before.ranks,),
            rng=np.random.default_rng(0), unit="queries", **settings,
        )  # fmt: skip
        return {
            "development": judged.development,
            "mrr": over_queries(mean_reciprocal),
            "recall": over_queries(first_share),
            "mrr_gain": ends(gain),
            "lee": ends(lee),
            "lee_gain": ends(lee_gain),
            "ranks": judged.ranks,
            "lee_cosines": upper_triangle(judged.lee).round(4),
        }


# Running --------------------------------------------------------------------------------------


@contextmanager
def alone() -> Iterator[None]:
    """Let PyTorch use one thread, and only what gives the same result each time."""
    with ExitStack() as behind:
        exact = torch.are_deterministic_algorithms_enabled()
        behind.callback(torch.use_deterministic_algorithms, exact)
        behind.callback(torch.set_num_threads, torch.get_num_threads())
        torch.use_deterministic_algorithms(True)
        torch.set_num_threads(1)
        yield


def whole() -> Task:
    """Return the task that the book reports."""
    return Task(pairs_of(load("news")), load("lee50"), minilm())


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Measure all points that are not done yet."""
    with alone():
        yield from sweep(points(), whole().measure, progress, done)
