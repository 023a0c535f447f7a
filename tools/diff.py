"""What moved: results and verdicts of an earlier commit against those stored now.

    python -m tools.diff             against the last commit
    python -m tools.diff v1.0        against any other

Flipped verdicts come first, then verdicts that the new numbers no longer bear out, then results
by key, old -> new.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tools.notebooks import ROOT, Result, UnreadableError, claims, parse, results, results_of


class DiffError(RuntimeError):
    """The earlier state cannot be read."""


@dataclass
class Difference:
    """What moved between two states of the book; each line is ready to print."""

    flipped: list[str] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return all of it, flipped verdicts first."""
        parts = [
            ("Flipped verdicts", self.flipped),
            ("Verdicts that the numbers no longer bear out", self.unsupported),
            ("Changed results", self.changed),
            ("New results", self.added),
            ("Results that are gone", self.removed),
            ("Read from refused runs in _build/failed", self.refused),
        ]
        blocks = ["\n".join([f"{head}: {len(lines)}", *lines]) for head, lines in parts if lines]
        return "\n\n".join(blocks) or "No result and no verdict has moved."


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )
    if done.returncode:
        raise DiffError(f"git {' '.join(arguments)} failed: {done.stderr.strip()}")
    return done.stdout


def old_results(root: Path, ref: str) -> dict[str, Result]:
    """Return the results that the notebooks of a commit store, by key."""
    found: dict[str, Result] = {}
    names = _git(root, "ls-tree", "-r", "--name-only", "-z", ref, "--", "chapters").split("\0")
    for name in sorted(name for name in names if name.endswith(".ipynb")):
        notebook = parse(_git(root, "show", f"{ref}:./{name}"), Path(name).stem)
        for result in results_of(notebook, Path(name).stem):
            found.setdefault(result.key, result)
    return found


def old_claims(root: Path, ref: str) -> dict[Any, dict[str, Any]]:
    """Return the statements of a commit by number; none if it has no ``data/claims.yml``."""
    if not _git(root, "ls-tree", "--name-only", ref, "--", "data/claims.yml").strip():
        return {}
    entries = yaml.safe_load(_git(root, "show", f"{ref}:./data/claims.yml")) or []
    return {entry.get("number"): entry for entry in entries if isinstance(entry, dict)}


def refused_results(root: Path) -> dict[str, Result]:
    """Return what runs that failed had recorded, by key; their notebooks were not stored."""
    found: dict[str, Result] = {}
    for path in sorted((root / "_build" / "failed").glob("*.ipynb")):
        for result in results_of(parse(path.read_text(encoding="utf-8"), path.stem), path.stem):
            found[result.key] = result
    return found


def _value(result: Result) -> str:
    return result.text.partition(" = ")[2] or result.text


def _verdict(entry: dict[str, Any]) -> str:
    return str(entry.get("verdict") or "undecided")


def diff(old_ref: str = "HEAD", root: Path = ROOT) -> Difference:
    """Compare the stored results and verdicts of a commit with those in the working tree.

    Raises
    ------
    DiffError
        If git is missing, the folder is no repository, or there is no such commit.
    """
    before, refused = old_results(root, old_ref), refused_results(root)
    after = {**results(root), **refused}
    old, new = old_claims(root, old_ref), {entry.get("number"): entry for entry in claims(root)}
    found = Difference()
    for number, entry in new.items():
        was, now = _verdict(old.get(number, {})), _verdict(entry)
        if was != now:
            found.flipped.append(f"  {number:>2}  {was} -> {now}: {entry.get('statement', '')}")
    found.flipped.sort(key=lambda line: "  undecided -> " in line)  # first verdicts come last
    found.refused = sorted({f"  {result.chapter}" for result in refused.values()})
    found.unsupported = _unsupported(list(new.values()), after)
    for key in sorted(before.keys() | after.keys()):
        if key not in after:
            found.removed.append(f"  {key}  {_value(before[key])}")
        elif key not in before:
            found.added.append(f"  {key}  {_value(after[key])}")
        elif before[key].text != after[key].text:
            found.changed.append(f"  {key}  {_value(before[key])} -> {_value(after[key])}")
    return found


def _unsupported(entries: Sequence[dict[str, Any]], known: dict[str, Result]) -> list[str]:
    """Say which verdicts rest on a condition that the stored results do not meet."""
    from lib.results import condition_keys, evaluate_condition
    from tools.contracts import bounds

    lines = []
    for entry in entries:
        condition = entry.get("stands_while")
        if not condition or not entry.get("verdict"):
            continue
        try:
            keys = condition_keys(condition)
            if keys <= known.keys() and not evaluate_condition(
                condition, {key: bounds(known[key]) for key in keys}
            ):
                lines.append(f"  {entry['number']:>2}  {_verdict(entry)}, while {condition}")
        except ValueError as error:
            lines.append(f"  {entry['number']:>2}  {error}")
    return lines


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.diff", description="Old and new results and verdicts by key."
    )
    parser.add_argument("ref", nargs="?", default="HEAD", help="the commit to compare with")
    try:
        print(diff(parser.parse_args(arguments).ref, root).text())
    except (DiffError, UnreadableError, OSError) as error:
        print(f"Nothing to compare with: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
