"""Race `lib` against its peers: runs every benchmarks/bench_*.py and writes _build/bench.json.

Each entry is `{name, ours, peer, peer_name, ratio, unit, scores}`: both sides measured in the same
run on the same machine, a ratio above 1 meaning that ours is better, and `scores` holding what
shows that the two did the same work.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
FIELDS = {"name", "ours", "peer", "peer_name", "ratio", "unit", "scores"}


def check_entry(entry: dict[str, Any]) -> dict[str, Any]:
    """Return `entry` if it has just the agreed fields and a positive ratio.

    Raises
    ------
    ValueError
        If a field is missing, unknown, or the ratio is not a positive number.
    """
    if set(entry) != FIELDS:
        odd = sorted(set(entry) ^ FIELDS)
        raise ValueError(f"benchmark {entry.get('name')!r}: fields missing or unknown: {odd}")
    if not entry["ratio"] > 0:
        raise ValueError(f"benchmark {entry['name']!r}: the ratio is {entry['ratio']}")
    return entry


def collect(names: list[str]) -> list[dict[str, Any]]:
    """Run the benchmark modules called `names` (all if empty) and return their entries."""
    found = sorted(p.stem for p in (ROOT / "benchmarks").glob("bench_*.py"))
    chosen = [f"bench_{n.removeprefix('bench_')}" for n in names] or found
    unknown = sorted(set(chosen) - set(found))
    if unknown:
        raise ValueError(f"no such benchmark: {unknown}; there are {found}")
    entries: list[dict[str, Any]] = []
    for name in chosen:
        print(f"{name} ...", flush=True)
        entries += map(check_entry, importlib.import_module(f"benchmarks.{name}").run())
    return entries


def main(arguments: list[str]) -> int:
    """Run, print a line an entry, and write the JSON."""
    try:
        entries = collect(arguments)
    except ValueError as error:
        print(f"error: {error}")
        return 2
    for e in entries:
        print(f"{e['name']:<34} ours {e['ours']:10.4g}  {e['peer_name']} {e['peer']:10.4g} "
              f"{e['unit']:<12} ratio {e['ratio']:.2f}")  # fmt: skip
    target = ROOT / "_build" / "bench.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    print(target)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
