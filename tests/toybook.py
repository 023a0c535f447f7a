"""A toy book for the tests of the tools: it keeps every contract, and is made to be broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from tools import notebooks
from tools.contracts import TEMPLATE

TITLE = "The second method scores half of the first"
KEY = "toy-score"
EXERCISE = '''"""Exercises of the toy chapter."""

from lib.exercise import Exercise


class Double(Exercise):
    """Twice the number."""

    def solution(x):
        return 2 * x

    def cases():
        return {"one": (1,), "three": (3,)}
'''


def svg(values: list[float], title: str = TITLE, label: str | None = None) -> str:
    """Draw a toy figure in the form in which the book stores figures."""
    shown = json.dumps({"series": [{"name": "a", "x": [1, 2], "y": values}]})
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" role="img" '
        f'aria-label="{title if label is None else label}"><title>{title}</title>'
        f"<metadata>{shown}</metadata><text>method</text></svg>"
    )


def markdown(text: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def code(source: str, *outputs: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "execution_count": None,
        "metadata": metadata,
        "outputs": list(outputs),
        "source": source,
    }


def printed(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(mime: str, value: object, **more: object) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {mime: value, **more}}


def recorded(
    key: str = KEY, value: float = 0.2812, low: float = 0.1104, high: float = 0.4401
) -> dict[str, Any]:
    """Make the output of ``record``."""
    payload = {
        "key": key, "value": value, "low": low, "high": high, "level": 0.95, "n": 50,
        "unit": "documents", "method": "bootstrap", "kind": "bootstrap", "digits": 2,
        "percent": False,
    }  # fmt: skip
    line = f"{key} = {value:.2f} [{low:.2f}, {high:.2f}] (n = 50 documents)"
    return shown(notebooks.RESULT_MIME, payload, **{"text/plain": line})


def percentage(key: str = "toy-share", value: float = 0.97) -> dict[str, Any]:
    """Make the output of ``record(..., percent=True)``."""
    payload = {
        "key": key, "value": value, "low": 0.962, "high": 0.977, "level": 0.95, "n": 2189,
        "unit": "documents", "method": "bootstrap", "kind": "bootstrap", "digits": 1,
        "percent": True,
    }  # fmt: skip
    line = f"{key} = {100 * value:.1f} % [96.2, 97.7] (n = 2,189 documents)"
    return shown(notebooks.RESULT_MIME, payload, **{"text/plain": line})


def statement(number: int, **fields: object) -> dict[str, Any]:
    entry = {
        "number": number, "statement": f"Statement {number}.", "owner": 17, "later": [],
        "evidence": ["run"], "verdict": None, "because": None, "results": [], "cites": [],
        "stands_while": None, "flips_if": None,
    }  # fmt: skip
    return entry | fields


class ToyBook:
    """A folder laid out as the book is, with helpers that write its parts."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for folder in ("chapters", "data", "exercises", "lib"):
            (root / folder).mkdir(parents=True)
        self.write("requirements.txt", "numpy==2.0\n")
        self.write("lib/__init__.py", '"""Toy."""\n\n__version__ = "0.1.0"\n')
        self.write("references.bib", "@article{Toy2020,\n  title = {Toys},\n}\n")
        self.write("exercises/ch01.py", EXERCISE)

    def write(self, name: str, text: str) -> Path:
        path = self.root / name
        path.write_text(text, encoding="utf-8")
        return path

    def toc(self, *entries: str) -> None:
        parts = [{"caption": "Part", "chapters": [{"file": entry} for entry in entries]}]
        toc = {"format": "jb-book", "root": "intro", "parts": parts}
        self.write("_toc.yml", yaml.safe_dump(toc))

    def chapter(self, name: str, *cells: dict[str, Any], executed: bool = True) -> Path:
        """Write a chapter; ``executed`` numbers its code cells from 1."""
        count = 0
        for place, cell in enumerate(cells):
            cell.setdefault("id", f"cell-{place}")
            if cell["cell_type"] == "code":
                count += 1
                cell["execution_count"] = count if executed else None
        content = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
        path = self.root / "chapters" / f"{name}.ipynb"
        notebooks.write(content, path)
        return path

    def edit(self, path: Path, place: int, **changes: Any) -> None:
        """Change fields of the n-th code cell of a stored chapter."""
        notebook = notebooks.read(path)
        notebooks.code_cells(notebook)[place - 1].update(changes)
        notebooks.write(notebook, path)

    def claims(self, *changed: dict[str, Any]) -> None:
        """Write 42 statements, these among them."""
        entries = {number: statement(number) for number in range(1, 43)}
        entries |= {entry["number"]: entry for entry in changed}
        self.write("data/claims.yml", json.dumps(list(entries.values())))  # JSON is YAML

    def remember(self, seconds: float = 10.0, peak_mib: int = 500) -> None:
        """Write down that every chapter was run just now."""
        entries = {
            chapter.stem: {
                "fingerprint": notebooks.fingerprint(self.root, chapter),
                "seconds": seconds,
                "peak_mib": peak_mib,
                "cells": len(notebooks.code_cells(notebooks.read(chapter))),
            }
            for chapter in notebooks.chapters(self.root)
        }
        self.write("data/runs.json", json.dumps(entries))


JUDGED = statement(
    1,
    owner=1,
    verdict="holds",
    because="It scores {toy-score}.",
    results=[KEY],
    cites=["Toy2020"],
    stands_while=f"{KEY}.low > 0",
    flips_if="The interval reaches zero.",
)
FIRST, TRIAL, SCORE, FIGURE, VERDICT, STUB = range(1, 7)  # the code cells, as messages count them


def whole_book(root: Path) -> ToyBook:
    """Build a book of one page and one chapter that keeps every contract."""
    book = ToyBook(root)
    book.toc("chapters/01_toy")
    book.write("intro.md", "# A toy\n\nIt scores 0.28<!--toy-score-->.\n")
    stub = (
        "from exercises.ch01 import Double\n\n\ndef double(x):\n"
        '    """Twice the number."""\n    ...\n\n\nDouble.check(double)'
    )
    book.chapter(
        "01_toy",
        markdown("# Toy: does it score?\n\nYears such as 1990 and section 2.1 are no results."),
        code(TEMPLATE.read_text(encoding="utf-8").strip()),
        code("trial(1)", shown("text/markdown", "> Statement 1.")),
        markdown(
            "A score of 0.28<!--toy-score--> [0.11<!--toy-score.low-->, 0.44<!--toy-score.high-->]."
        ),
        code("record('toy-score', mean, scores, unit='documents')", recorded()),
        code("show(chart, alt=words)", shown("image/svg+xml", svg([0.5, 0.25]))),
        code("verdict(1)", shown("text/markdown", "Verdict: holds.")),
        code(stub, printed("Double: not attempted yet.\n")),
    )
    book.claims(JUDGED)
    book.remember()
    return book
