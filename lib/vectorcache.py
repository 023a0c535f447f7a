"""Vectors that were computed once, kept on disk: a second run, or a resumed one, reads them.

One SQLite file for each setting of an encoder (model, layer, pooling, and so on: anything that
changes a vector). Within it a vector is found by the SHA-256 of its text, so the texts themselves
are not stored. What is written is committed batch by batch: whoever interrupts an hour of encoding
loses the batch at hand and nothing else. Several processes may read and write at once; who only
reads changes nothing, so a cache may lie where nobody may write.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Float32s: TypeAlias = NDArray[np.float32]

_AT_ONCE = 500
"""So many vectors are asked for in one question; SQLite allows 999 in any version."""


def text_key(text: str) -> bytes:
    """Return the SHA-256 of a text: 32 bytes; lone surrogates are kept apart too."""
    return hashlib.sha256(text.encode("utf-8", errors="surrogatepass")).digest()


class VectorCache:
    """Vectors of texts under one setting.

    Parameters
    ----------
    folder : Path
        Where the files lie; made when the first vector is stored.
    settings : mapping
        All that changes a vector; must fit into JSON.

    Attributes
    ----------
    path : Path
        The file, named by the settings' own hash.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     cache = VectorCache(Path(folder), {"model": "toy"})
    ...     cache.store(["a"], np.array([[1.0, 2.0]], dtype=np.float32))
    ...     cache.get(["a", "b"])
    {0: array([1., 2.], dtype=float32)}
    """

    def __init__(self, folder: Path, settings: Mapping[str, Any]) -> None:
        self._settings = json.dumps(settings, sort_keys=True, ensure_ascii=False)
        digest = hashlib.sha256(self._settings.encode("utf-8")).hexdigest()[:16]
        self.path = Path(folder) / f"{digest}.sqlite"

    def get(self, texts: Sequence[str]) -> dict[int, Float32s]:
        """Read what is there: the place of a text in the list -> its vector (d,).

        A vector whose checksum is wrong counts as missing, so that it is computed anew.

        Raises
        ------
        ValueError
            If the file as a whole is damaged.
        """
        keys = [text_key(text) for text in texts]
        stored: dict[bytes, Float32s] = {}
        wanted = list(dict.fromkeys(keys))
        with self._reading() as base:
            if base is None:
                return {}
            for begin in range(0, len(wanted), _AT_ONCE):
                part = wanted[begin : begin + _AT_ONCE]
                marks = ",".join("?" * len(part))
                rows = base.execute(
                    f"SELECT key, sum, vector FROM vectors WHERE key IN ({marks})", part
                )
                for key, checksum, vector in rows:
                    if zlib.crc32(key + vector) == checksum:
                        stored[key] = np.frombuffer(vector, dtype="<f4").astype(np.float32)
        return {i: stored[key] for i, key in enumerate(keys) if key in stored}

    def store(self, texts: Sequence[str], X: Float32s) -> None:
        """Write vectors, all of them or none.

        Parameters
        ----------
        texts : sequence of n str
            The texts.
        X : (n, d) array of float32
            Their vectors, kept to the bit.

        Raises
        ------
        ValueError
            If there are not as many vectors as texts, or the file is damaged.
        """
        if len(texts) != len(X):
            raise ValueError(f"{len(texts)} texts and {len(X)} vectors do not go together")
        self.path.parent.mkdir(parents=True, exist_ok=True)
        rows = []
        for text, x in zip(texts, X, strict=True):
            key, vector = text_key(text), np.asarray(x, dtype="<f4").tobytes()
            rows.append((key, zlib.crc32(key + vector), vector))
        with self._writing() as base:
            base.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def __len__(self) -> int:
        """Return how many vectors are stored."""
        with self._reading() as base:
            return int(base.execute("SELECT count(*) FROM vectors").fetchone()[0]) if base else 0

    def settings(self) -> dict[str, Any]:
        """Return the settings as the file has them; nothing without a file."""
        with self._reading() as base:
            row = base.execute("SELECT value FROM settings").fetchone() if base else ("{}",)
        found: dict[str, Any] = json.loads(row[0])
        return found

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        """Open the file to read; None if nothing was ever stored."""
        if not self.path.exists():
            yield None
            return
        with self._connected() as base:
            tables = base.execute("SELECT 1 FROM sqlite_master WHERE name = 'vectors'").fetchone()
            yield base if tables else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """Open the file for one transaction: all of it is stored, or nothing."""
        with self._connected() as base, base:  # the second commits, or takes all back
            base.execute("BEGIN IMMEDIATE")  # so that the tables belong to the transaction too
            base.execute(
                "CREATE TABLE IF NOT EXISTS vectors "
                "(key BLOB PRIMARY KEY, sum INTEGER, vector BLOB) WITHOUT ROWID"
            )
            base.execute("CREATE TABLE IF NOT EXISTS settings (id INTEGER PRIMARY KEY, value TEXT)")
            base.execute("INSERT OR IGNORE INTO settings VALUES (1, ?)", (self._settings,))
            yield base

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        """Connect; another process that writes is waited for, up to a minute."""
        base = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        try:
            yield base
        except sqlite3.OperationalError:  # locked, no place left, no right to write
            raise
        except sqlite3.DatabaseError as error:
            raise ValueError(
                f"{self.path} is damaged ({error}): delete it, and its vectors are computed anew"
            ) from error
        finally:
            base.close()
