"""The state of the book: what ran when, what it cost, and whether it is still current.

Reads ``_build/status.json`` where ``make status`` has written it, else ``data/runs.json``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from book_ledger import _chapter_link, chapters, table
from book_runs import peak_gib, read_runs
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def _named(items: Any) -> dict[str, Mapping[str, Any]]:
    """Return records by name, whether stored as a mapping or as a list with a name in each."""
    if isinstance(items, Mapping):
        return {str(k): v if isinstance(v, Mapping) else {"value": v} for k, v in items.items()}
    keys = ("name", "chapter", "stem", "path", "file", "number")
    return {
        str(next((item[k] for k in keys if k in item), place)): item
        for place, item in enumerate(items or [])
    }


def read_status(root: Path) -> dict[str, Any]:
    """Read what is known about the state of the book; ``{}`` if nothing was ever measured."""
    path = root / "_build" / "status.json"
    if path.exists():
        return dict(json.loads(path.read_text(encoding="utf-8")))
    runs = read_runs(root)
    known: dict[str, Any] = {"chapters": runs} if runs else {}
    measured = root / "data" / "browser.json"
    if measured.exists():
        known["browser"] = json.loads(measured.read_text(encoding="utf-8"))
    return known


def _text(value: object) -> nodes.paragraph:
    return nodes.paragraph("", "-" if value is None else str(value))


def chapter_rows(status: Mapping[str, Any], names: Mapping[int, str], here: str) -> list[Any]:
    """One row a chapter: name, seconds, memory, cells, date, current or not."""
    rows = []
    for name, run in sorted(_named(status.get("chapters")).items()):
        stem = Path(name).stem
        number = int(stem[:2]) if stem[:2].isdigit() else -1
        memory, stale = peak_gib(run), run.get("stale")
        seconds = run.get("seconds")
        state = None if stale is None else "to be run again" if stale else "current"
        rows.append(
            [
                nodes.paragraph("", "", _chapter_link(number, names, here)),
                _text(None if seconds is None else round(seconds)),
                _text(None if memory is None else f"{memory:.1f}"),
                _text(run.get("cells")),
                _text(str(run.get("date") or run.get("when") or "-")[:10]),
                _text(state),
            ]
        )
    return rows


def page_rows(pages: Any) -> list[Any]:
    """One row a page: weight, requests, barriers found by axe, Lighthouse's performance."""
    rows = []
    for page in pages:
        light = page.get("lighthouse", {})
        speed = [light.get(form, {}).get("performance") for form in ("desktop", "phone")]
        size = page.get("bytes")
        cells = [page["page"], None if size is None else round(size / 1024), page.get("requests")]
        rows.append([_text(cell) for cell in [*cells, page.get("axe"), *speed]])
    return rows


def stored_results(root: Path) -> dict[str, dict[str, Any]]:
    """Read what the experiments stored, by name."""
    paths = sorted((root / "data" / "results").glob("*.json"))
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}


def experiment_rows(results: Mapping[str, Mapping[str, Any]]) -> list[Any]:
    """One row an experiment: name, rows, seeds, minutes on the clock, day of the run."""
    return [
        [
            _text(cell)
            for cell in (
                name.replace("_", " "),
                len(found["rows"]),
                len(found["seeds"]),
                f"{found['seconds'] / 60:.0f}",
                found["date"][:10],
            )
        ]
        for name, found in results.items()
    ]


def speed_rows(races: Iterable[Mapping[str, Any]]) -> list[Any]:
    """One row a race against gensim: what ran, ours in thousand words a second, the ratio."""
    rows = []
    for race in races:
        size = f"{race['tokens'] / 1e6:g}"
        ratio = f"{race['ratio']:.1f} ({race['lowest']:.1f} to {race['highest']:.1f})"
        cells = [race["model"], race["dimensions"], size, race["threads"]]
        rows.append([_text(cell) for cell in [*cells, f"{race['ours'] / 1e3:,.0f}", ratio]])
    return rows


class Status(SphinxDirective):
    """Tables of the last runs, the experiments, the versions and the committed artefacts."""

    def run(self) -> list[nodes.Node]:
        """Build what is known, and say so when nothing is."""
        root = Path(self.env.srcdir)
        for name in ("_build/status.json", "data/runs.json", "data/browser.json"):
            self.env.note_dependency(str(root / name))
        status = read_status(root)
        if not status:
            return [nodes.paragraph("", "Nothing was measured yet: run make status.")]
        names = chapters(self.env.found_docs)
        built: list[nodes.Node] = []
        rows = chapter_rows(status, names, self.env.docname)
        if rows:
            heads = ["Chapter", "Seconds", "Peak GiB", "Cells", "Run on", "State"]
            built += [nodes.rubric("", "Chapters"), table(heads, rows, [20, 12, 12, 12, 20, 24])]
        built += self.experiments(stored_results(root))
        versions = _named(status.get("versions"))
        if versions:
            cells = [
                [_text(k), _text(v.get("value", v.get("version")))]
                for k, v in sorted(versions.items())
            ]
            built += [nodes.rubric("", "Versions"), table(["Package", "Version"], cells, [50, 50])]
        artefacts = _named(status.get("artefacts"))
        if artefacts:
            cells = [
                [_text(k), _text(v.get("bytes", v.get("size"))), _text(str(v.get("sha256"))[:12])]
                for k, v in sorted(artefacts.items())
            ]
            heads = ["File", "Bytes", "SHA-256 begins"]
            built += [nodes.rubric("", "Artefacts"), table(heads, cells, [50, 20, 30])]
        pages = (status.get("browser") or {}).get("pages", [])
        if pages:
            heads = ["Page", "KB", "Requests", "axe", "Desktop", "Phone"]
            grid = table(heads, page_rows(pages), [40, 12, 12, 12, 12, 12])
            text = (
                "What the last audit measured in a browser: compressed kilobytes without the live "
                "figures, requests, barriers that axe-core finds, and the performance that "
                "Lighthouse gives, of 100."
            )
            built += [nodes.rubric("", "Pages"), nodes.paragraph("", text), grid]
        audit = status.get("mutations") or {}
        if isinstance(audit.get("share"), int | float):
            text = f"Planted errors that the tests catch: {100 * audit['share']:.0f} %."
            built.append(nodes.paragraph("", text))
        return built

    def experiments(self, results: Mapping[str, Mapping[str, Any]]) -> list[nodes.Node]:
        """Build the table of the experiments, and that of the races against gensim."""
        self.env.note_dependency(str(Path(self.env.srcdir) / "data" / "results"))
        built: list[nodes.Node] = []
        if results:
            heads = ["Experiment", "Rows", "Seeds", "Minutes", "Run on"]
            grid = table(heads, experiment_rows(results), [40, 12, 12, 16, 20])
            text = "What takes longer than a chapter may, and is stored for the chapters to read."
            built += [nodes.rubric("", "Experiments"), nodes.paragraph("", text), grid]
        if "word2vec_scaling" in results:
            heads = ["Word2Vec", "Numbers", "Million tokens", "Threads", "Thousand words/s"]
            rows = speed_rows(results["word2vec_scaling"]["rows"])
            text = (
                "Words a second of lib.word2vec, divided by those of gensim reading the same file "
                "in the same run, one pass: the median of three rounds (lowest and highest). Rows "
                "with negatives a window, or a window at once, run another, cheaper algorithm."
            )
            grid = table([*heads, "Ratio"], rows, [34, 12, 14, 12, 14, 24])
            built += [nodes.rubric("", "Speed against gensim"), nodes.paragraph("", text), grid]
        return built


def register(app: Sphinx) -> None:
    """Add the directive."""
    app.add_directive("book-status", Status)
