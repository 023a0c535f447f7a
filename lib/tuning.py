"""Tuning an encoder on pairs: a query, and the text that should be found for it.

What learns is either the last layers (:func:`last_layers`) or low-rank adapters
(:func:`low_rank`, see `lib.lora`); all else is frozen. The loss is
:func:`lib.contrastive.ranking_loss`: each query has to find its own text among those of the batch.
The steps are those of `lib.trainer`, so a tuning can be stopped, saved and taken up again.

    tuned = last_layers(minilm(), 2)
    Tuner(tuned, TextPairs(queries, documents), Tuning(rate=1e-4), seed=0).train()
    TextEncoder(tuned).encode(texts)

The model tuned is a copy; the one that was given stays as it is.

Papers: Henderson, Al-Rfou, Strope et al. 2017 (other answers of the batch as wrong ones); Reimers &
Gurevych 2019 (tuning for sentence vectors); Hu, Shen, Wallis et al. 2022 (adapters).
"""

from __future__ import annotations

import copy
import hashlib
import zlib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, fields
from typing import Final, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lib import lora
from lib.contrastive import dropout, ranking_loss
from lib.corpus import Corpus
from lib.pooling import POOLS
from lib.textencoder import PLAIN, Backbone, place
from lib.trainer import Trainer, Training
from lib.transformer import Decoder, Encoder

Ints: TypeAlias = NDArray[np.int64]
Pool: TypeAlias = Literal["mean", "cls", "last", "max"]

QUERIES_AND_VALUES: Final = ("attention.queries", "attention.values")
"""The layers that Hu et al. (2022) mostly adapt, in every block."""


# What there is to learn from ------------------------------------------------------------------


@dataclass(frozen=True)
class TextPairs:
    """Queries, and the text that belongs to each.

    Parameters
    ----------
    queries, documents : sequences of n str
        Document i belongs to query i, and to every query that reads the same.
    hard : sequence of n str, optional
        Wrong documents that look right, one for each query; every query of the batch sees them.

    Raises
    ------
    ValueError
        If the lengths differ, or there are fewer than two pairs.
    """

    queries: Sequence[str]
    documents: Sequence[str]
    hard: Sequence[str] | None = None

    def __post_init__(self) -> None:
        n, m = len(self.queries), len(self.documents)
        if n != m:
            raise ValueError(f"{n} queries and {m} documents are no pairs")
        if n < 2:
            raise ValueError(f"{n} pairs: a right document needs wrong ones beside it")
        if self.hard is not None and len(self.hard) != n:
            raise ValueError(f"{len(self.hard)} hard negatives for {n} pairs: one each is needed")

    def __len__(self) -> int:
        """Return n."""
        return len(self.queries)


@dataclass(frozen=True)
class Tuning:
    """How to tune.

    Parameters
    ----------
    epochs, batch, rate, warmup, clip : float, int, float, int, float
        As for :class:`lib.trainer.Training`; the more pairs a batch has, the more wrong documents
        each query sees.
    temperature : float
        Of the loss.
    symmetric : bool
        Whether documents also have to find their queries.
    dropout : float
        The share of numbers dropped while learning, as in :func:`lib.contrastive.dropout`.
    max_tokens : int
        How many tokens of a text are read, marks included; the rest is cut off.
    pool : {"mean", "cls", "last", "max"}
        How tokens become a vector: as the encoder will do it afterwards.

    Raises
    ------
    ValueError
        If a value is out of range.
    """

    epochs: float = 1.0
    batch: int = 32
    rate: float = 1e-4
    warmup: int = 10
    clip: float = 1.0
    temperature: float = 0.05
    symmetric: bool = False
    dropout: float = 0.0
    max_tokens: int = 64
    pool: Pool = "mean"

    def __post_init__(self) -> None:
        self.training()  # refuses what is not positive
        if not self.temperature > 0:
            raise ValueError(f"temperature = {self.temperature}: it divides, and must be positive")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout = {self.dropout}: a share of 0 to below 1 can be dropped")
        if self.batch < 2:
            raise ValueError("a batch of one pair has no wrong documents: take 2 or more")
        if self.pool not in POOLS:
            raise ValueError(f"pool must be one of {', '.join(POOLS)}; got {self.pool!r}")

    def training(self) -> Training:
        """Return what the trainer needs to know."""
        return Training(self.epochs, self.batch, self.rate, self.warmup, self.clip)


# What learns ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Tuned(Backbone):
    """A backbone whose weights change: for `lib.textencoder`, which may be used at any time.

    Parameters
    ----------
    how : str
        What learns, in words; a part of what tells two tunings apart.
    """

    how: str = field(default="", kw_only=True)

    @property
    def fingerprint(self) -> str:
        """Hash of the weights as they are now: 16 hexadecimal digits."""
        digest = hashlib.sha256()
        for name, weight in self.network.state_dict().items():
            digest.update(name.encode("utf-8"))
            digest.update(weight.detach().contiguous().numpy().tobytes())
        return digest.hexdigest()[:16]


def last_layers(backbone: Backbone, k: int) -> Tuned:
    """Copy a model, and let its last k blocks learn.

    Parameters
    ----------
    backbone : Backbone
        From `lib.textencoder`; stays as it is.
    k : int
        From 1 to L.

    Raises
    ------
    ValueError
        If there are not k blocks.
    """
    L = len(backbone.network.blocks)
    if not 1 <= k <= L:
        raise ValueError(f"k = {k}: {backbone.name} has the blocks 1 to {L}")
    network = copy.deepcopy(backbone.network).requires_grad_(False)
    for block in network.blocks[L - k :]:
        block.requires_grad_(True)
    return _tuned(backbone, network, f"last {k}")


def low_rank(
    backbone: Backbone,
    *,
    rank: int = 8,
    alpha: float = 16.0,
    layers: Sequence[str] = QUERIES_AND_VALUES,
    seed: int = 0,
) -> Tuned:
    """Copy a model, and put low-rank adapters on it (`lib.lora`), which alone will learn.

    ``lora.merge(tuned.network)`` afterwards makes it as fast as before, ``lora.save`` keeps the
    adapters alone.

    Parameters
    ----------
    backbone : Backbone
        From `lib.textencoder`; stays as it is.
    rank, alpha, layers, seed : int, float, sequence of str, int
        As for :func:`lib.lora.adapt`.
    """
    network = copy.deepcopy(backbone.network)
    lora.adapt(network, layers, rank=rank, alpha=alpha, seed=seed)
    return _tuned(backbone, network, f"rank {rank}, alpha {alpha}, seed {seed}")


def _tuned(backbone: Backbone, network: Encoder | Decoder, how: str) -> Tuned:
    parts = {part.name: getattr(backbone, part.name) for part in fields(Backbone)}
    return Tuned(**(parts | {"network": network, "name": f"{backbone.name}-tuned"}), how=how)


# Learning -------------------------------------------------------------------------------------


class Ranking(nn.Module):
    """A network with the ranking loss on top: what `lib.trainer` trains.

    Parameters
    ----------
    backbone : Tuned
        Its network learns.
    pairs : TextPairs
        Cut into tokens here, once.
    tuning : Tuning
        How texts become vectors, and what the loss is.
    """

    def __init__(self, backbone: Tuned, pairs: TextPairs, tuning: Tuning) -> None:
        super().__init__()
        self.network, self.pairs, self.tuning = backbone.network, pairs, tuning
        self.generator = torch.Generator()  # of what is dropped; seeded before every step

        def read(texts: Sequence[str]) -> list[list[int]]:
            return [place(backbone, PLAIN, tuning.max_tokens, text).ids for text in texts]

        self.queries, self.documents = read(pairs.queries), read(pairs.documents)
        self.hard = None if pairs.hard is None else read(pairs.hard)

    def batch(self, text: Corpus, passages: Sequence[int] | Ints) -> list[int]:
        """Return the numbers of the pairs; the trainer's text is only there to be counted."""
        return [int(i) for i in passages]

    def loss(self, batch: list[int]) -> Tensor:
        """Return the loss of some pairs, in nats a query."""
        p = self.tuning.dropout
        dropped = dropout(self.network, p, self.generator) if p else nullcontext()
        with dropped:
            queries = self._vectors(self.queries, batch)
            documents = self._vectors(self.documents, batch)
            hard = None if self.hard is None else self._vectors(self.hard, batch)
        return ranking_loss(
            queries,
            documents,
            hard=hard,
            temperature=self.tuning.temperature,
            symmetric=self.tuning.symmetric,
            same=self._same(batch),
        )

    def _vectors(self, texts: list[list[int]], batch: list[int]) -> Tensor:
        """Encode as :class:`lib.textencoder.TextEncoder` does, with gradients: (B, d)."""
        rows = [texts[i] for i in batch]
        T = max(map(len, rows))
        ids = torch.tensor([row + [0] * (T - len(row)) for row in rows])
        real = torch.tensor([[t < len(row) for t in range(T)] for row in rows])
        states = self.network(ids, None if real.all() else real)
        return POOLS[self.tuning.pool](states, real)

    def _same(self, batch: list[int]) -> Tensor:
        """Say which pairs belong together since query or document reads the same: (B, B)."""
        queries = [self.pairs.queries[i] for i in batch]
        documents = [self.pairs.documents[i] for i in batch]
        return torch.tensor(
            [
                [q == p or d == e for p, e in zip(queries, documents, strict=True)]
                for q, d in zip(queries, documents, strict=True)
            ]
        )


class Tuner(Trainer):
    """:class:`lib.trainer.Trainer` for pairs of texts: seeded, with progress, and resumable.

    Parameters
    ----------
    backbone : Tuned
        From :func:`last_layers` or :func:`low_rank`; its weights are changed.
    pairs : TextPairs
        What belongs together.
    tuning : Tuning
        How to tune.
    seed : int
        Decides the order of the pairs, and what is dropped.

    Raises
    ------
    ValueError
        If nothing of the model learns.
    """

    def __init__(
        self, backbone: Tuned, pairs: TextPairs, tuning: Tuning | None = None, seed: int = 0
    ) -> None:
        self.backbone, self.pairs = backbone, pairs
        self.tuning = Tuning() if tuning is None else tuning
        if not lora.count(backbone.network).learning:
            raise ValueError(f"nothing of {backbone.name} learns: take last_layers or low_rank")
        self._ranking = Ranking(backbone, pairs, self.tuning)
        super().__init__(self._ranking, self._read(), self.tuning.training(), seed)

    def _read(self) -> Corpus:
        """Return the tokens of each pair, one document a pair: what the trainer counts."""
        r = self._ranking
        parts = zip(r.queries, r.documents, r.hard or [[]] * len(r.queries), strict=True)
        return Corpus.from_documents([map(str, q + d + h) for q, d, h in parts])

    def _take_step(self) -> None:
        # A seed for each step, so that what is dropped does not depend on where one began.
        number = np.random.SeedSequence([self.seed, self.step]).generate_state(1)[0]
        self._ranking.generator.manual_seed(int(number))
        super()._take_step()

    def _plan(self) -> list[float]:
        settings = [*map(str, vars(self.tuning).values()), self.backbone.how, self.backbone.name]
        learning = lora.count(self.backbone.network).learning
        return [*super()._plan(), learning, float(zlib.crc32("|".join(settings).encode("utf-8")))]
