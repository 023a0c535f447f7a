"""The vectors of the book's document sets, made once for all readers.

Question: none. Encoding the sets takes a quarter of an hour, and chapters need the vectors again.

Design: two encoders, and for each the sets that chapters put to it.

- "minilm": the mean over all tokens of the last layer, 256 tokens at most. Lee-50 and its
  background, all of R8, and the set `news`.
- "smollm2-echo": the text twice, and the mean over the last layer's states of the second, 512
  tokens at most. Lee-50 and its background.

Every set is a row: texts, distinct ones among them, those that were cut, and tokens cut off. A row
with the set "all" is the file ``data/vectors/MODEL.safetensors``, with its hash, its size, the
settings, and how far half precision moves a number, relative to the largest of its row. Vectors are
kept in the data cache as they come, so that an interrupted run goes on.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np

from experiments import Progress, sweep
from lib.data import Store, load
from lib.experiment import Row
from lib.storedvectors import FOLDER, TextVectors
from lib.textencoder import ECHO, PLAIN, TextEncoder

ALL: Final = "all"
SETS: Final = {
    "minilm": ("lee50", "lee-background", "r8", "news"),
    "smollm2-echo": ("lee50", "lee-background"),
}
MAX_TOKENS: Final = {"minilm": 256, "smollm2-echo": 512}
SEEDS = (0,)  # nothing is random
RECIPE = {"sets": SETS, "tokens": MAX_TOKENS, "pool": "mean", "precision": "half"}


def texts_of(name: str) -> list[str]:
    """Return the texts of a set: training and test part, one after the other."""
    found = load(name)  # type: ignore[call-overload]
    parts = [found.train, found.test] if hasattr(found, "train") else [found]
    return [text for part in parts for text in part.texts]


def encoder(model: str, cache: Path | None = None) -> TextEncoder:
    """Make an encoder as its vectors are stored: before they are brought to length 1."""
    return TextEncoder(
        model.removesuffix("-echo"),
        template=ECHO if model.endswith("-echo") else PLAIN,
        unit=False,
        max_tokens=MAX_TOKENS[model],
        overlong="cut",
        threads=1,
        cache=cache,
    )


def settings_of(chosen: TextEncoder) -> dict[str, Any]:
    """Return what a file says of how it was made: all that changes a vector, but for code."""
    return {key: value for key, value in chosen.settings().items() if key != "code"}


@dataclass(frozen=True, eq=False)
class Task:
    """Which sets, by which encoder, and where the file goes; the whole one, or one for tests.

    Parameters
    ----------
    sets : dict
        The names of the sets, by the name of the encoder.
    make : callable
        From the name of an encoder to the encoder.
    read : callable
        From the name of a set to its texts.
    folder : Path
        Where the files go.
    """

    sets: dict[str, tuple[str, ...]]
    make: Callable[[str], TextEncoder]
    read: Callable[[str], list[str]]
    folder: Path

    @cached_property
    def _made(self) -> dict[str, TextEncoder]:
        return {}

    def points(self) -> list[dict[str, Any]]:
        """Return the design: each set, and behind those of an encoder its file."""
        return [{"model": m, "set": s} for m, names in self.sets.items() for s in (*names, ALL)]

    def measure(self, model: str, set: str) -> dict[str, Any]:
        """Encode a set, or write the file."""
        if model not in self._made:
            self._made[model] = self.make(model)
        chosen = self._made[model]
        if set == ALL:
            return self._written(model, chosen)
        texts = self.read(set)
        chosen.encode(texts)
        cuts = chosen.cuts
        return {
            "texts": len(texts),
            "distinct": len(dict.fromkeys(texts)),
            "cut": cuts.texts,
            "tokens_cut": cuts.tokens,
        }

    def _written(self, model: str, chosen: TextEncoder) -> dict[str, Any]:
        texts = list(dict.fromkeys(t for name in self.sets[model] for t in self.read(name)))
        X = chosen.encode(texts)
        stored = TextVectors(texts, X, settings_of(chosen), model)
        path = self.folder / f"{model}.safetensors"
        stored.save(path)
        content = path.read_bytes()
        moved = np.abs(stored.encode(texts, unit=False) - X).max(axis=1) / np.abs(X).max(axis=1)
        return {
            "texts": len(stored),
            "numbers": X.shape[1],
            "sha256": hashlib.sha256(content).hexdigest(),
            "bytes": len(content),
            "settings": stored.settings,
            "moved": float(moved.max()),
        }


def whole() -> Task:
    """Return the task whose files come with the book."""
    cache = Store.from_environment().cache / "experiments" / "text_vectors"
    return Task(SETS, lambda model: encoder(model, cache), texts_of, FOLDER)


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Encode all sets that are not done yet, and write the files."""
    task = whole()
    yield from sweep(task.points(), task.measure, progress, done)
