"""Training a neural language model: Adam, at a rate that rises and falls; it can stop and go on.

A model, a text that is cut into passages, settings and a seed make a :class:`Trainer`. Its steps
depend on nothing else; so a training of an hour can be stopped, saved and taken up again, and its
first steps can be replayed years later.
"""

from __future__ import annotations

import os
import pickle
import time
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lib import _fetch
from lib.corpus import Corpus

Ints: TypeAlias = NDArray[np.int64]


class Trainable(Protocol):
    """What :class:`Trainer` can train: `lib.neurallm.NeuralModel`, `lib.elmo.BiLM`."""

    def batch(self, text: Corpus, passages: Sequence[int] | Ints) -> Any:  # noqa: ANN401, D102
        ...

    def loss(self, batch: Any) -> Tensor:  # noqa: ANN401, D102
        ...


@dataclass(frozen=True)
class Training:
    """How to train.

    Parameters
    ----------
    epochs : float
        Passes over the text; the last may be a part.
    batch : int
        Passages a step.
    rate : float
        The highest length of a step of Adam (Kingma & Ba 2015).
    warmup : int
        Steps over which the rate grows from 0 in a straight line; then it falls to 0 in another.
    clip : float
        A gradient longer than this is shortened to it (Pascanu, Mikolov & Bengio 2013).

    Raises
    ------
    ValueError
        If a value is not positive.
    """

    epochs: float = 1.0
    batch: int = 64
    rate: float = 2e-3
    warmup: int = 100
    clip: float = 1.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ValueError(f"{name} must be above 0, not {value}")


class Progress(NamedTuple):
    """How far a training is."""

    step: int
    steps: int
    tokens: int  # of all steps so far
    tokens_per_second: float  # since the last report
    loss: float  # mean over the steps since the last report
    rate: float


class Trainer:
    """Adam over shuffled passages, at a rate that rises and falls; it can stop and go on.

    The passages' order comes from seed and epoch, the rate from the step. So a trainer that is
    saved and loaded goes on as if it had never stopped, and two of the same seed take the same
    steps, to the bit with one thread on one machine.

    Parameters
    ----------
    model : a torch module that is Trainable
        Its weights are changed.
    text : lib.corpus.Corpus
        Cut into passages, each a document.
    training : Training
        How to train.
    seed : int
        Decides the order of the passages.

    Raises
    ------
    ValueError
        If the text has no passages.

    Attributes
    ----------
    step, steps : int
        Done, and in all.
    losses : list of float
        The loss of every step, measured before it.
    """

    def __init__(self, model: Trainable, text: Corpus, training: Training, seed: int = 0) -> None:
        if not len(text):
            raise ValueError("there is nothing to train on: the text has no passages")
        self.model, self.text, self.training, self.seed = model, text, training, seed
        self.per_epoch = -(-len(text) // training.batch)
        self.steps = max(1, round(training.epochs * self.per_epoch))
        self.losses: list[float] = []
        self.tokens = 0
        assert isinstance(model, nn.Module)
        self._weights = list(model.parameters())
        self._adam = torch.optim.Adam(self._weights, lr=training.rate)
        self._lengths = np.diff(text.starts)
        self._epoch, self._order = -1, np.empty(0, np.int64)

    @property
    def step(self) -> int:
        """How many steps are done."""
        return len(self.losses)

    def rate(self, step: int) -> float:
        """Return the rate of a step, counted from 0."""
        rising = (step + 1) / self.training.warmup
        falling = (self.steps - step) / max(1, self.steps - self.training.warmup)
        return self.training.rate * min(rising, falling, 1.0)

    def passages(self, step: int) -> Ints:
        """Return the passages of a step."""
        epoch, place = divmod(step, self.per_epoch)
        if epoch != self._epoch:
            self._epoch = epoch
            self._order = np.random.default_rng([self.seed, epoch]).permutation(len(self.text))
        return self._order[place * self.training.batch :][: self.training.batch]

    def train(
        self,
        steps: int | None = None,
        *,
        progress: Callable[[Progress], object] | None = None,
        every: int = 50,
    ) -> Self:
        """Take so many steps more, or all that are left.

        Parameters
        ----------
        steps : int, optional
            How many at most.
        progress : callable, optional
            Is told a :class:`Progress` after each `every` steps and at the end.
        every : int
            How often.

        Raises
        ------
        FloatingPointError
            If the loss is no longer finite.
        """
        last = self.steps if steps is None else min(self.steps, self.step + steps)
        begin, tokens, first = time.perf_counter(), self.tokens, self.step
        while self.step < last:
            self._take_step()
            if progress is not None and (self.step % every == 0 or self.step == last):
                now = time.perf_counter()
                speed = (self.tokens - tokens) / max(now - begin, 1e-9)
                loss = float(np.mean(self.losses[first:]))
                rate = self.rate(self.step - 1)
                progress(Progress(self.step, self.steps, self.tokens, speed, loss, rate))
                begin, tokens, first = time.perf_counter(), self.tokens, self.step
        return self

    def _take_step(self) -> None:
        passages = self.passages(self.step)
        loss = self.model.loss(self.model.batch(self.text, passages))
        value = float(loss.detach())
        if not np.isfinite(value):
            raise FloatingPointError(
                f"the loss is {value} at step {self.step}: take a lower rate than "
                f"{self.training.rate}, or a longer warm-up"
            )
        self._adam.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._weights, self.training.clip)
        for group in self._adam.param_groups:
            group["lr"] = self.rate(self.step)
        self._adam.step()
        self.losses.append(value)
        self.tokens += int(self._lengths[passages].sum())

    def save(self, path: Path) -> None:
        """Write all that is needed to go on, in one atomic step."""
        assert isinstance(self.model, nn.Module)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        try:
            torch.save(
                {
                    "model": self.model.state_dict(),
                    "adam": self._adam.state_dict(),
                    "losses": torch.tensor(self.losses, dtype=torch.float64),
                    "tokens": self.tokens,
                    "plan": self._plan(),
                },
                part,
            )
            _fetch.replace(part, path)
        finally:
            part.unlink(missing_ok=True)

    def load(self, path: Path) -> Self:
        """Go on where a trainer of the same model, text, settings and seed was saved.

        Raises
        ------
        ValueError
            If it was another one, or the file is damaged.
        """
        assert isinstance(self.model, nn.Module)
        try:
            state = torch.load(path, weights_only=True)
            plan = state["plan"]
        except FileNotFoundError:
            raise
        except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, KeyError) as error:
            raise ValueError(f"{path.name} is damaged, or holds no training: delete it") from error
        if plan != self._plan():
            raise ValueError(f"{path.name} is of another training ({plan}): delete it")
        self.model.load_state_dict(state["model"])
        self._adam.load_state_dict(state["adam"])
        self.losses, self.tokens = state["losses"].tolist(), state["tokens"]
        return self

    def _plan(self) -> list[float]:
        """Return what two trainers must share for one to go on where the other stopped."""
        sizes = [self.seed, len(self.text), self.text.tokens, sum(map(torch.numel, self._weights))]
        words = zlib.crc32(self.text.ids.tobytes())
        return [float(x) for x in (*vars(self.training).values(), *sizes, words)]
