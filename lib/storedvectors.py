"""Vectors that come with the book: computed once, looked up by the text itself.

An hour of encoding need not be spent by every reader. A file holds the vectors of some sets of
texts under one setting of an encoder, in half precision, and the settings. Texts are not in it: a
vector is found by the first 16 bytes of the SHA-256 of its text, so that a text that was changed by
one sign has none, and is refused rather than given the vector of what it was.

    TextVectors.read("minilm").encode(load("lee50").texts)

`experiments/text_vectors.py` makes the files and says what is in them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from lib._fetch import DATA
from lib.pooling import unit_rows
from lib.sif import text_list
from lib.vectorcache import text_key

Float32s: TypeAlias = NDArray[np.float32]

FOLDER: Final = DATA / "vectors"
FORMAT: Final = "vectors of texts 1"
KEY: Final = 16  # bytes of the hash of a text


class TextVectors:
    """Stored vectors as an encoder of the book, which knows certain texts and no others.

    Parameters
    ----------
    texts : sequence of n str
        Twice the same text is stored once.
    X : (n, d) array
        Their vectors, before they are brought to length 1.
    settings : mapping
        How they were made: whatever JSON can hold.
    name : str
        For tables and figures.

    Raises
    ------
    ValueError
        If there are not as many vectors as texts, one text has two vectors, or a number has no
        place in half precision (above 65,504).

    Examples
    --------
    >>> known = TextVectors(["a cat", "a dog"], [[3, 4], [0, 2]], {}, "toy")
    >>> known.encode(["a dog", "a cat"])
    array([[0. , 1. ],
           [0.6, 0.8]], dtype=float32)
    >>> "a cat." in known
    False
    """

    def __init__(
        self, texts: Sequence[str], X: ArrayLike, settings: Mapping[str, Any], name: str = "stored"
    ) -> None:
        listed = text_list(texts)
        with np.errstate(over="ignore"):  # refused below
            table = np.asarray(X, dtype=np.float16)
        if table.ndim != 2 or len(table) != len(listed):
            raise ValueError(f"{len(listed)} texts, and vectors of the shape {table.shape}")
        if not np.isfinite(table).all():
            raise ValueError("a number is too large for half precision, or none at all")
        rows: dict[bytes, int] = {}
        for i, text in enumerate(listed):
            first = rows.setdefault(text_key(text)[:KEY], i)
            if not np.array_equal(table[first], table[i]):
                raise ValueError(f"texts {first} and {i} are the same, and their vectors are not")
        keys = sorted(rows)  # so that the file does not depend on the order of the texts
        self._take(keys, table[[rows[key] for key in keys]], dict(settings), name)

    def _take(
        self, keys: list[bytes], table: NDArray[np.float16], settings: dict[str, Any], name: str
    ) -> None:
        self._rows = {key: i for i, key in enumerate(keys)}
        self.table, self.settings, self.name = table, settings, name

    # Looking up

    def fit(self, background: Sequence[str]) -> Self:
        """Learn nothing: the vectors are there."""
        return self

    def encode(self, texts: Sequence[str], *, unit: bool = True) -> Float32s:
        """Look vectors up: (n, d) float32.

        Parameters
        ----------
        texts : sequence of n str
            Texts that are known, to the sign.
        unit : bool
            Whether rows are brought to length 1.

        Raises
        ------
        TypeError
            If one single text is given.
        KeyError
            If a text is not known.
        """
        found = [self._rows.get(text_key(text)[:KEY], -1) for text in text_list(texts)]
        if -1 in found:
            raise KeyError(
                f"{self.name} has no vector for {found.count(-1):,} of {len(found):,} texts, the "
                f"first of them no. {found.index(-1)}: take texts as their loader gives them, or "
                "encode them"
            )
        X = self.table[np.asarray(found, dtype=np.int64)].astype(np.float32)
        return unit_rows(X) if unit else X

    def __contains__(self, text: str) -> bool:
        """Tell whether a text has a vector."""
        return text_key(text)[:KEY] in self._rows

    def __len__(self) -> int:
        """Return how many texts are known."""
        return len(self._rows)

    # Keeping

    def save(self, path: Path) -> None:
        """Write one file of safetensors; the same texts and vectors give the same bytes."""
        keys = np.frombuffer(b"".join(self._rows), dtype=np.uint8).reshape(len(self), KEY)
        about = {"format": FORMAT, "settings": self.settings}
        path.parent.mkdir(parents=True, exist_ok=True)
        # One entry, since safetensors writes several in any order.
        metadata = {"about": json.dumps(about, sort_keys=True)}
        save_file({"keys": keys, "vectors": self.table}, path, metadata=metadata)

    @classmethod
    def read(cls, name: str, folder: Path = FOLDER) -> Self:
        """Read a file by its name.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it holds something else, or is damaged.
        """
        path = folder / f"{name}.safetensors"
        if not path.is_file():
            there = ", ".join(sorted(p.stem for p in folder.glob("*.safetensors"))) or "none"
            raise FileNotFoundError(f"no vectors are called {name!r}; there are: {there}")
        try:
            with safe_open(path, framework="np") as file:
                about = json.loads((file.metadata() or {}).get("about", "{}"))
                if about.get("format") != FORMAT:
                    raise ValueError(f"{path.name} holds no vectors of texts")
                keys, table = file.get_tensor("keys"), file.get_tensor("vectors")
        except SafetensorError as error:
            raise ValueError(
                f"{path.name} is damaged, or no file of safetensors: {error}"
            ) from error
        stored = cls.__new__(cls)
        stored._take([key.tobytes() for key in keys], table, about["settings"], name)
        return stored
