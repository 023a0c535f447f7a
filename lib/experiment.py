"""What an experiment found, where running it takes longer than a chapter may.

An experiment is a module of ``experiments/``. Running it writes one small file: the rows that it
found, recipe, seeds, versions, cost. A chapter reads that file by :func:`stored`, runs one point
of it again, and lets :func:`disagreements` compare.

>>> found = Stored("toy", [{"d": 50, "score": 0.5}, {"d": 100, "score": 0.6}])
>>> disagreements({"score": 0.61, "seconds": 3.0}, found.row(d=100), tolerance=0.02)
{}
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, TypeAlias

from lib._fetch import DATA

Row: TypeAlias = dict[str, Any]

RESULTS: Final = DATA / "results"
DIGITS: Final = 6  # significant digits of a stored number
NAME: Final = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")


class ExperimentError(RuntimeError):
    """A result that is missing or cannot be used; the message says what to do."""


@dataclass(frozen=True)
class Stored:
    """The stored result of the experiment ``experiments/<name>.py``.

    A row stands for a point of the design and a seed. `seconds` is what the whole run took on the
    clock, `date` when it ended, `versions` those of Python, packages and platform, `fingerprint`
    that of its code. Rows that meet a condition of `kept`, as ``method=lsa``, are older than that.
    """

    name: str
    rows: list[Row]
    recipe: dict[str, Any] = field(default_factory=dict)
    seeds: list[int] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    date: str = ""
    fingerprint: str = ""
    kept: list[str] = field(default_factory=list)

    def where(self, **values: object) -> list[Row]:
        """Return the rows in which the fields have these values, in their order."""
        wanted = rounded(values)
        return [row for row in self.rows if all(row.get(k) == v for k, v in wanted.items())]

    def row(self, **values: object) -> Row:
        """Return the one row with these values; raise KeyError if there is none, or several."""
        found = self.where(**values)
        if len(found) != 1:
            asked = ", ".join(f"{name}={value!r}" for name, value in values.items())
            raise KeyError(f"{self.name!r} has {len(found)} rows with {asked}, not just one")
        return found[0]


def rounded(value: Any) -> Any:  # noqa: ANN401, whatever JSON can hold
    """Return a value as it is stored: plain lists, dicts and numbers of six significant digits.

    Raises TypeError for what JSON cannot hold, ValueError for a number that is not finite.

    >>> rounded({"score": 2 / 3, "seeds": (1, 2)})
    {'score': 0.666667, 'seeds': [1, 2]}
    """
    if hasattr(value, "tolist"):  # arrays and scalars of NumPy
        value = value.tolist()
    if isinstance(value, Mapping):
        if odd := [key for key in value if not isinstance(key, str)]:
            raise TypeError(f"{odd[0]!r} is no name of a field: use a string")
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"{value} cannot be stored: leave the field out, or use None")
        return float(f"{value:.{DIGITS}g}") + 0.0  # no negative zero
    if value is None or isinstance(value, str | int):
        return value
    raise TypeError(f"{value!r} cannot be stored: use numbers, strings, lists and dicts")


def disagreements(
    live: Mapping[str, Any], row: Mapping[str, Any], *, tolerance: float = 0.0
) -> dict[str, tuple[Any, Any]]:
    """Compare a point that was run again with its stored row, over the fields of `live`.

    Numbers may differ by `tolerance`; 0 asks for all six digits, as on one machine. Durations
    (``seconds`` and all that ends so) are not compared. Returns the new and the stored value (None
    if there is none) of each field that differs.

    >>> disagreements({"n": 5, "score": 0.5}, {"n": 5, "score": 0.4, "d": 9}, tolerance=0.05)
    {'score': (0.5, 0.4)}
    """
    new = {key: part for key, part in rounded(live).items() if not key.endswith("seconds")}
    pairs = {key: (part, row.get(key)) for key, part in new.items()}
    return {key: pair for key, pair in pairs.items() if not _close(*pair, tolerance)}


def _close(a: object, b: object, tolerance: float) -> bool:
    if isinstance(a, int | float) and isinstance(b, int | float):
        return abs(a - b) <= tolerance
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_close, a, b, [tolerance] * len(a)))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_close(a[key], b[key], tolerance) for key in a)
    return a == b


def stored(name: str, *, folder: Path = RESULTS) -> Stored:
    """Read the stored result of an experiment from `folder`.

    Raises ExperimentError if the file is missing or damaged, or holds something else.
    """
    path = folder / f"{name}.json"
    if not NAME.fullmatch(name) or not path.is_file():
        there = ", ".join(sorted(file.stem for file in folder.glob("*.json"))) or "none"
        raise _unusable(name, f"there is no stored result of an experiment {name!r} ({there})")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # neither UTF-8 nor JSON
        raise _unusable(name, f"data/results/{path.name} is damaged ({error})") from None
    if not isinstance(content, dict) or content.keys() != {part.name for part in fields(Stored)}:
        raise _unusable(name, f"data/results/{path.name} is not the result of an experiment")
    if content["name"] != name:
        raise _unusable(name, f"data/results/{path.name} holds that of {content['name']!r}")
    rows = content["rows"]
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise _unusable(name, f"data/results/{path.name} has no rows")
    return Stored(**content)


def _unusable(name: str, what: str) -> ExperimentError:
    return ExperimentError(
        f"{what}: take the file that belongs to the book (git checkout -- data/results), or run "
        f"the experiment again, which may take an hour (python tools/book.py experiments {name})"
    )
