"""Reading GGUF, the file in which the book's language model comes, with its packed weights.

A GGUF file holds named settings and named tables of numbers, one after another (version 3 of the
format, little-endian). Weights are packed in blocks of 32 numbers:

    Q8_0    one half-precision scale s, and 32 whole numbers q from -128 to 127:  w = s q
    Q4_1    half-precision s and m, and 32 whole numbers q from 0 to 15:          w = s q + m

so that a number takes 8.5 or 5 bits instead of 32. What is unpacked is not what was trained: it is
the nearest that the packing can say. Only the kinds of table that the book's model uses are read;
others are refused by name.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Float32s: TypeAlias = NDArray[np.float32]
Bytes: TypeAlias = NDArray[np.uint8]

BLOCK: Final = 32
"""So many numbers share a scale."""

_MAGIC: Final = b"GGUF"
_SIMPLE: Final = {
    0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"
}  # fmt: skip
_TEXT, _LIST = 8, 9


# Unpacking ------------------------------------------------------------------------------------


def unpack_f32(data: Bytes) -> Float32s:
    """Read plain single-precision numbers: (4 n,) bytes -> (n,)."""
    return data.view("<f4").astype(np.float32)


def unpack_q8_0(data: Bytes) -> Float32s:
    """Unpack blocks of 34 bytes: a scale, then 32 whole numbers with sign.

    Examples
    --------
    >>> scale = np.array([0.5], "<f2").view(np.uint8)
    >>> numbers = np.arange(-16, 16, dtype=np.int8).view(np.uint8)
    >>> unpack_q8_0(np.concatenate([scale, numbers]))[:3]
    array([-8. , -7.5, -7. ], dtype=float32)
    """
    blocks = data.reshape(-1, 2 + BLOCK)
    scale = blocks[:, :2].copy().view("<f2").astype(np.float32)  # (blocks, 1)
    numbers = blocks[:, 2:].view(np.int8).astype(np.float32)  # (blocks, 32)
    return np.asarray((scale * numbers).ravel())


def unpack_q4_1(data: Bytes) -> Float32s:
    """Unpack blocks of 20 bytes: scale, minimum, then 16 bytes with two numbers each.

    Byte i holds the number i in its lower four bits and the number i + 16 in the upper ones.

    Examples
    --------
    >>> scale_and_minimum = np.array([2, -10], "<f2").view(np.uint8)
    >>> numbers = np.array([0xF1] + [0] * 15, np.uint8)
    >>> unpack_q4_1(np.concatenate([scale_and_minimum, numbers]))[[0, 1, 16]]  # 1, 0, 15
    array([ -8., -10.,  20.], dtype=float32)
    """
    blocks = data.reshape(-1, 4 + BLOCK // 2)
    scale = blocks[:, 0:2].copy().view("<f2").astype(np.float32)
    minimum = blocks[:, 2:4].copy().view("<f2").astype(np.float32)
    packed = blocks[:, 4:]
    numbers = np.concatenate([packed & 15, packed >> 4], axis=1).astype(np.float32)
    return np.asarray((scale * numbers + minimum).ravel())


class _Kind(NamedTuple):
    """How a kind of table is stored: `size` bytes for each `numbers` numbers."""

    name: str
    numbers: int
    size: int
    unpack: Callable[[Bytes], Float32s]


_KINDS: Final = {
    0: _Kind("F32", 1, 4, unpack_f32),
    3: _Kind("Q4_1", BLOCK, 4 + BLOCK // 2, unpack_q4_1),
    8: _Kind("Q8_0", BLOCK, 2 + BLOCK, unpack_q8_0),
}


# Reading --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Table:
    """Where a table of numbers stands in the file.

    Parameters
    ----------
    shape : tuple of int
        As NumPy has it, rows first (the file has it the other way round).
    kind : str
        How it is packed: "F32", "Q4_1" or "Q8_0".
    begin, end : int
        Its bytes in the file.
    """

    shape: tuple[int, ...]
    kind: str
    begin: int
    end: int


@dataclass(frozen=True, eq=False)
class Gguf:
    """The contents of a GGUF file; tables are unpacked when they are asked for.

    Parameters
    ----------
    path : Path
        The file.
    settings : mapping
        By name: numbers, texts and lists of them.
    tables : mapping from str to Table
        By name.
    """

    path: Path
    settings: Mapping[str, Any]
    tables: Mapping[str, Table]

    def __getitem__(self, name: str) -> Float32s:
        """Unpack a table.

        Raises
        ------
        KeyError
            If the file has no such table.
        """
        if name not in self.tables:
            raise KeyError(f"{self.path.name} has no table {name!r}; .tables lists them")
        table = self.tables[name]
        raw = np.fromfile(
            self.path, dtype=np.uint8, count=table.end - table.begin, offset=table.begin
        )
        kind = next(kind for kind in _KINDS.values() if kind.name == table.kind)
        return kind.unpack(raw).reshape(table.shape)


def read_gguf(path: Path) -> Gguf:
    """Read settings and the list of tables; the numbers stay in the file.

    Parameters
    ----------
    path : Path
        A GGUF file of version 2 or 3.

    Returns
    -------
    Gguf

    Raises
    ------
    ValueError
        If it is no such file, is cut short, packs a table in another way than the three here, or
        has rows that are not made of whole blocks.
    """
    if not path.stat().st_size:
        raise ValueError(f"{path.name} is no GGUF file: it is empty")
    data = np.memmap(path, dtype=np.uint8, mode="r")
    reader = _Reader(data.data, path.name)
    if reader.take(4) != _MAGIC:
        raise ValueError(f"{path.name} is no GGUF file: it does not begin with the letters GGUF")
    version = reader.whole("I")
    if version not in (2, 3):
        raise ValueError(f"{path.name} has version {version} of GGUF; versions 2 and 3 are read")
    count, pairs = reader.whole("Q"), reader.whole("Q")
    settings: dict[str, Any] = {reader.text(): reader.value() for _ in range(pairs)}
    listed = [reader.table() for _ in range(count)]
    step = int(settings.get("general.alignment", 32))
    first = -(-reader.place // step) * step  # tables begin at a multiple
    tables = {}
    for name, shape, kind, offset in listed:
        packing = _packing(path.name, name, kind)
        if shape and shape[-1] % packing.numbers:
            raise ValueError(
                f"{path.name}: rows of {shape[-1]} numbers, as in {name!r}, are no whole blocks "
                f"of {packing.numbers}"
            )
        begin = first + offset
        end = begin + math.prod(shape) // packing.numbers * packing.size
        if end > data.size:
            raise ValueError(f"{path.name} is cut short: table {name!r} ends beyond the file")
        tables[name] = Table(shape, packing.name, begin, end)
    return Gguf(path, settings, tables)


def _packing(file: str, table: str, kind: int) -> _Kind:
    if kind not in _KINDS:
        known = ", ".join(f"{number} ({known.name})" for number, known in _KINDS.items())
        raise ValueError(f"{file} packs {table!r} as kind {kind}; read are the kinds {known}")
    return _KINDS[kind]


class _Reader:
    """Reads one thing after another."""

    def __init__(self, data: memoryview, name: str) -> None:
        self.data, self.name, self.place = data, name, 0

    def take(self, n: int) -> bytes:
        taken = bytes(self.data[self.place : self.place + n])
        if len(taken) < n:
            raise ValueError(f"{self.name} is cut short: it ends within its settings")
        self.place += n
        return taken

    def number(self, code: str) -> float:
        form = "<" + code
        found: float = struct.unpack(form, self.take(struct.calcsize(form)))[0]
        return found

    def whole(self, code: str) -> int:
        return int(self.number(code))

    def text(self) -> str:
        return self.take(self.whole("Q")).decode("utf-8")

    def value(self, kind: int | None = None) -> object:
        kind = self.whole("I") if kind is None else kind
        if kind == _TEXT:
            return self.text()
        if kind == _LIST:
            inner, n = self.whole("I"), self.whole("Q")
            return [self.value(inner) for _ in range(n)]
        if kind not in _SIMPLE:
            raise ValueError(f"{self.name} holds a setting of the unknown kind {kind}")
        return self.number(_SIMPLE[kind])

    def table(self) -> tuple[str, tuple[int, ...], int, int]:
        name, axes = self.text(), self.whole("I")
        shape = tuple(self.whole("Q") for _ in range(axes))[::-1]
        return name, shape, self.whole("I"), self.whole("Q")
