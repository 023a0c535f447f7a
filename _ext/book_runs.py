"""What a chapter cost when it last ran; ``book_reading`` prints it under the title."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

GIB = 2**30


def read_runs(root: Path) -> dict[str, Mapping[str, Any]]:
    """Read the last run of each chapter, by file stem, from ``data/runs.json`` if there is one.

    The file maps a stem, such as ``"02_one_hot"``, to its record, with or without an outer key
    ``"chapters"``.
    """
    path = root / "data" / "runs.json"
    if not path.exists():
        return {}
    stored = json.loads(path.read_text(encoding="utf-8"))
    chapters = stored.get("chapters", stored)
    return {Path(name).stem: run for name, run in chapters.items() if isinstance(run, Mapping)}


def peak_gib(run: Mapping[str, Any]) -> float | None:
    """Peak memory of a run in GiB, whichever unit the record names; None if it names none."""
    units = {"gib": 1.0, "mib": 1 / 1024, "bytes": 1 / GIB}
    for key, value in run.items():
        unit = key.rsplit("_", 1)[-1]
        if key.startswith("peak") and unit in units and isinstance(value, int | float):
            return float(value) * units[unit]
    return None


def run_line(run: Mapping[str, Any]) -> str:
    """One line for the reader; leaves out what the record does not say.

    Examples
    --------
    >>> run_line({"seconds": 42.4, "peak_gib": 0.91, "cells": 17, "date": "2026-11-23"})
    'Last run: 42 s, 0.9 GiB peak memory, 17 cells, 2026-11-23'
    """
    parts = []
    if "seconds" in run:
        parts.append(f"{max(1, round(run['seconds']))} s")
    memory = peak_gib(run)
    if memory is not None:
        parts.append(f"{memory:.1f} GiB peak memory")
    if "cells" in run:
        parts.append(f"{run['cells']} cells")
    date = run.get("date") or run.get("when")
    if date:
        parts.append(str(date)[:10])
    return "Last run: " + ", ".join(parts) if parts else ""
