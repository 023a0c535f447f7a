"""Run every chapter under strict nbval and count: code cells = executed = passed.

nbval alone passes a notebook whose outputs were cleared, and reports what it skipped as if that
were fine.  Here the number of code cells comes from the file itself, and whatever is not plainly
passed is a failure: skips, expected failures and unexpected passes included.

    python -m tools.check_notebooks          all chapters of _toc.yml
    python -m tools.check_notebooks 01 02    these
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tools.notebooks import (
    CELL_TIMEOUT,
    ROOT,
    chapters,
    code_cells,
    kernel_environment,
    read,
    select,
    where,
)

HERE = Path(__file__).resolve().parents[1]  # where tests/nbval_plugin.py lies


@dataclass
class Outcome:
    """What came of one chapter."""

    chapter: Path
    cells: int
    executed: int = 0
    passed: int = 0
    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many cells did not pass; at least one if anything else is wrong."""
        return max(self.cells - self.passed, 1 if self.problems else 0)


def _command(paths: Sequence[Path], root: Path, report: Path, timeout: float) -> list[str]:
    # A chapter keeps one core busy: two side by side, each whole in one process, halve the wait.
    workers = min(2, len(paths), os.cpu_count() or 1)
    return [
        *(sys.executable, "-m", "pytest", "-p", "tests.nbval_plugin", "-p", "no:cacheprovider"),
        *("--nbval", "--nbval-current-env", "--nbval-cell-timeout", str(timeout)),
        *("--rootdir", str(root), "-o", "addopts=", "-o", "filterwarnings=default"),
        *("-o", "junit_family=xunit1", "-o", "xfail_strict=true", "--junitxml", str(report)),
        *("-q", "--color=no", "--tb=short", "--no-summary"),
        *(("-n", str(workers), "--dist", "loadfile") if workers > 1 else ()),
        *map(str, paths),
    ]


def _in_short(text: str) -> str:
    lines = [line.rstrip() for line in text.strip().splitlines()]
    return "\n".join(lines if len(lines) <= 60 else [*lines[:15], "...", *lines[-40:]])


def _count(case: ElementTree.Element, outcome: Outcome) -> None:
    """Add one reported cell to its chapter; only one with no remark at all has passed."""
    remarks = [child for child in case if child.tag in ("failure", "error", "skipped")]
    outcome.seconds += float(case.get("time") or 0)
    if not any(child.tag == "skipped" for child in remarks):
        outcome.executed += 1
    if not remarks:
        outcome.passed += 1
    number = str(case.get("name")).removeprefix("Cell ")
    place = f"[{int(number) + 1}]" if number.isdigit() else str(case.get("name"))
    for child in remarks:
        kind = "skipped or expected to fail" if child.tag == "skipped" else "failed"
        words = (child.text or "").strip() or str(child.get("message", ""))
        outcome.problems.append(f"{place} {kind}: {_in_short(words)}")


def _require_all(outcome: Outcome, ended: str) -> None:
    """Add a problem unless every code cell of the file was executed and passed."""
    counts = (outcome.cells, outcome.executed, outcome.passed)
    if not outcome.cells:
        outcome.problems.append("has no code cell: nothing was checked")
    elif not outcome.problems and len(set(counts)) > 1:
        words = "{} code cells, {} executed, {} passed: these must agree".format(*counts)
        outcome.problems.append(f"{words}{ended}")


def check(
    root: Path = ROOT,
    chosen: Sequence[Path] | None = None,
    *,
    timeout: float = CELL_TIMEOUT,
    echo: bool = False,
) -> list[Outcome]:
    """Run chapters under strict nbval in a process of its own.

    Parameters
    ----------
    root : Path
        The book, or a toy project with a ``chapters`` folder.
    chosen : sequence of Path, optional
        Its chapters; all those in ``_toc.yml`` if left out.
    timeout : float
        Seconds that one cell may take.
    echo : bool
        Show a dot for each cell while it runs.
    """
    paths = [path.resolve() for path in (chapters(root) if chosen is None else chosen)]
    outcomes = {path: Outcome(path, cells=len(code_cells(read(path)))) for path in paths}
    if not paths:
        return []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        report = Path(folder) / "report.xml"
        done = subprocess.run(
            _command(paths, root.resolve(), report, timeout),
            cwd=HERE,
            env={**kernel_environment(), "IPYTHONDIR": folder},
            stdout=None if echo else subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        for case in ElementTree.parse(report).iter("testcase") if report.is_file() else []:
            path = (root.resolve() / str(case.get("file", ""))).resolve()
            if path in outcomes:
                _count(case, outcomes[path])
    ended = "" if done.returncode == 0 else f"\n{_in_short(done.stdout or '')}"
    for outcome in outcomes.values():
        _require_all(outcome, ended)
    return list(outcomes.values())


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.check_notebooks", description="Strict nbval over the chapters."
    )
    parser.add_argument("chapters", nargs="*", help="numbers or beginnings of names")
    names = parser.parse_args(arguments).chapters
    outcomes = check(root, select(root, names) if names else None, echo=True)
    if not outcomes:
        print("no chapter is named in _toc.yml: 0 passed, 0 failed")
        return 1
    for outcome in outcomes:
        print(
            f"{where(outcome.chapter)}: {outcome.cells} code cells, {outcome.executed} executed, "
            f"{outcome.passed} passed, {outcome.seconds:.1f} s"
        )
        for problem in outcome.problems:
            print("  " + problem.replace("\n", "\n  "))
    failed = sum(outcome.failed for outcome in outcomes)
    print(f"{sum(outcome.passed for outcome in outcomes)} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
