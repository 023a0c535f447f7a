"""What a stored chapter promises, as functions that list what is broken.

Every contract takes the book's folder and returns a list of problems, each a sentence that names
the notebook, the cell and what to do; an empty list means that the promise is kept.  ``[3]`` is
the third code cell.

    python -m tools.contracts        print every problem; exit 1 if there is one
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tools import numbers
from tools.compare import figure
from tools.notebooks import (
    RESULT_MIME,
    ROOT,
    Cell,
    Notebook,
    Result,
    UnreadableError,
    as_text,
    calls,
    chapters,
    claims,
    code_cells,
    markdown_cells,
    missing_files,
    number_of,
    pages,
    plain_python,
    read,
    results_of,
    runs,
    stale,
    syntax_tree,
    where,
)

STATEMENTS = range(1, 43)
MAX_SECONDS = 120
MAX_SECONDS_TOGETHER = 20 * 60
MAX_KILOBYTES = 700
MAX_LINES, MAX_COLUMNS = 40, 80
MIN_ALT = 20  # characters
TEMPLATE = Path(__file__).with_name("templates") / "first_cell.py"
HIDDEN = {"remove-cell", "remove-input"}
NBVAL = re.compile(r"(?i)^\s*#\s*(?:NBVAL_\w+|PYTEST_VALIDATE_IGNORE_OUTPUT)\s*$", re.MULTILINE)
FILE_NAME = re.compile(r"(?i)\S*\.(?:png|svg|jpe?g|gif|webp|pdf)")


def max_mebibytes(chapter: Path) -> int:
    """Return the memory that a chapter may take at its peak."""
    return 2048 if 0 <= number_of(chapter) <= 9 else 3072


def _cells(root: Path) -> Iterator[tuple[str, Path, Cell]]:
    """Yield place, chapter and code cell, for every code cell of the book."""
    for chapter in chapters(root):
        for count, cell in enumerate(code_cells(read(chapter)), start=1):
            yield f"{where(chapter)} [{count}]", chapter, cell


def _tags(cell: Cell) -> set[str]:
    return set(cell.get("metadata", {}).get("tags", []))


# ---------------------------------------------------------------- stored outputs


def table_of_contents_whole(root: Path = ROOT) -> list[str]:
    """Every entry of ``_toc.yml`` is a file, and every notebook of ``chapters`` an entry."""
    problems = [
        f"_toc.yml: {entry} is neither a notebook nor a page: write it or take the entry out"
        for entry in missing_files(root)
    ]
    listed = set(chapters(root))
    for path in sorted((root / "chapters").glob("*.ipynb")):
        if path not in listed:
            problems.append(
                f"{where(path)}: not in _toc.yml, so nothing checks it: add or remove it"
            )
    return problems


def counts_in_order(root: Path = ROOT) -> list[str]:
    """Every cell was executed, in order, once: the counts run from 1 to n."""
    problems = []
    for chapter in chapters(root):
        for place, cell in enumerate(code_cells(read(chapter)), start=1):
            count = cell.get("execution_count")
            spot = f"{where(chapter)} [{place}]"
            if not cell["source"].strip():
                problems.append(f"{spot}: the code cell is empty: delete it")
            elif count is None:
                problems.append(f"{spot}: never executed: run the chapter")
            elif count != place:
                problems.append(f"{spot}: its count is {count}: run the chapter in a fresh kernel")
            for output in cell.get("outputs", []):
                if output.get("execution_count", count) != count:
                    problems.append(f"{spot}: its output has another count: run the chapter")
    return problems


def no_stored_error(root: Path = ROOT) -> list[str]:
    """No output is an error; a failure that the text wants is caught and printed."""
    problems = []
    for place, _, cell in _cells(root):
        for output in cell.get("outputs", []):
            if output["output_type"] == "error":
                problems.append(
                    f"{place}: stores the error {output.get('ename')}: mend it, or catch it and "
                    "print it"
                )
    return problems


_BAR = re.compile(r"\d+%\|.*\||\d+(?:\.\d+)?\s?(?:it/s|s/it)\b|[\u2588\u2589-\u258f]{2}")
_WARNING = re.compile(r"\b[A-Z]\w*Warning\b: ")


def no_noise(root: Path = ROOT) -> list[str]:
    """No stderr, warning or progress bar is stored."""
    problems = []
    for place, _, cell in _cells(root):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            text = as_text(output.get("text", "")) + as_text(data.get("text/plain", ""))
            if output.get("name") == "stderr":
                line = text.strip().splitlines()[-1:] or [""]
                problems.append(f"{place}: stores stderr: mend its cause ({line[0][:80]})")
            elif _WARNING.search(text):
                problems.append(f"{place}: stores a warning: mend its cause")
            widget = any(mime.startswith("application/vnd.jupyter.widget") for mime in data)
            if widget or _BAR.search(text) or "\r" in text:
                problems.append(f"{place}: stores a progress bar: switch it off")
    return problems


def no_exemption(root: Path = ROOT) -> list[str]:
    """No cell is exempt from the checks: no nbval marker, no tag that allows errors."""
    problems = []
    for place, _, cell in _cells(root):
        tags = {
            tag for tag in _tags(cell) if tag.startswith("nbval-") or tag in ("raises-exception",)
        }
        if tags or NBVAL.search(cell["source"]):
            problems.append(
                f"{place}: carries a marker that switches a check off: remove it "
                "(metadata book.duration is for cells that print durations)"
            )
    return problems


def tolerances_narrow(root: Path = ROOT) -> list[str]:
    """No stated tolerance is wider than half of a recorded interval."""
    problems = []
    for place, chapter, cell in _cells(root):
        tolerance = cell.get("metadata", {}).get("book", {}).get("tolerance")
        if tolerance is None:
            continue
        if not isinstance(tolerance, int | float) or tolerance <= 0:
            problems.append(f"{place}: the tolerance {tolerance!r} is not a positive number")
            continue
        for result in results_of({"cells": [cell]}, chapter.stem):
            numbers_ = result.payload
            scale = 100 if result.percent else 1
            width = (numbers_.get("high", 0) - numbers_.get("low", 0)) * scale
            if tolerance > width / 2:
                problems.append(
                    f"{place}: the tolerance {tolerance:g} is wider than half the interval of "
                    f"{result.key!r} ({width / 2:.3g}): narrow it"
                )
    return problems


# ---------------------------------------------------------------- alt text

_MARKDOWN_IMAGE = re.compile(r"!\[(?P<alt>[^\]]*)\]\([^)]*\)|!\[(?P<ref>[^\]]*)\]\[[^\]]*\]")
_HTML_IMAGE = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
_INLINE_SVG = re.compile(r"<svg\b.*?</svg>", re.IGNORECASE | re.DOTALL)
_DIRECTIVE_IMAGE = re.compile(r"^[`:]{3,}\{(?:figure|image)\}.*?^[`:]{3,}\s*$", re.M | re.S)


def _alt_problem(alt: str) -> str:
    alt = " ".join(alt.split())
    if not alt:
        return "has no alt text"
    if FILE_NAME.fullmatch(alt):
        return f"has a file name for its alt text ({alt})"
    if len(alt) < MIN_ALT:
        return f"has an alt text of {len(alt)} characters ({alt!r})"
    return ""


def _markup_problems(text: str) -> Iterator[str]:
    """Yield what is wrong with the images in a piece of HTML or Markdown."""
    for tag in _HTML_IMAGE.findall(text):
        alt = re.search(r"""\balt\s*=\s*(?:"([^"]*)"|'([^']*)')""", tag)
        yield _alt_problem((alt[1] or alt[2] or "") if alt else "")
    for drawing in _INLINE_SVG.findall(text):
        if 'aria-hidden="true"' not in drawing.split(">")[0]:
            yield _svg_problem(drawing)


def _svg_problem(svg: str) -> str:
    shown = figure(svg)
    if shown is None:
        return "is an SVG that is not well-formed"
    return _alt_problem(shown.label) or _alt_problem(shown.title)


def alt_texts(root: Path = ROOT) -> list[str]:
    """Every image says what it shows: SVG in aria-label and title, others in an alt text."""
    problems = []
    for place, _, cell in _cells(root):
        mystnb = cell.get("metadata", {}).get("mystnb", {})
        stated = str((mystnb.get("image") or {}).get("alt", ""))
        for output in cell.get("outputs", []):
            for mime, value in output.get("data", {}).items():
                found: list[str] = []
                if mime == "image/svg+xml":
                    found = [_svg_problem(as_text(value))]
                elif mime.startswith("image/"):
                    found = [_alt_problem(stated)]
                elif mime in ("text/html", "text/markdown"):
                    found = list(_markup_problems(as_text(value)))
                problems += [
                    f"{place}: an image {what}: say what it shows" for what in found if what
                ]
    for place, text in _markdown(root):
        found = list(_markup_problems(text))
        found += [
            _alt_problem(image[1] or image[2] or "") for image in _MARKDOWN_IMAGE.finditer(text)
        ]
        for directive in _DIRECTIVE_IMAGE.findall(text):
            alt = re.search(r"^\s*:alt:(.*)$", directive, re.MULTILINE)
            found.append(_alt_problem(alt[1] if alt else ""))
        problems += [f"{place}: an image {what}: say what it shows" for what in found if what]
    return problems


def _markdown(root: Path) -> Iterator[tuple[str, str]]:
    for page in pages(root):
        yield where(page), page.read_text(encoding="utf-8")
    for chapter in chapters(root):
        for place, cell in markdown_cells(read(chapter)):
            yield f"{where(chapter)}, Markdown cell {place}", cell["source"]


# ---------------------------------------------------------------- costs


def budgets(root: Path = ROOT) -> list[str]:
    """Time, memory and size of every chapter keep to the budget, and the times together."""
    known, problems, together = runs(root), [], 0.0
    for chapter in chapters(root):
        name, run = where(chapter), known.get(chapter.stem, {})
        seconds, peak = float(run.get("seconds", 0)), int(run.get("peak_mib", 0))
        size, most = chapter.stat().st_size / 1000, max_mebibytes(chapter)
        together += seconds
        if seconds > MAX_SECONDS:
            problems.append(f"{name}: took {seconds} s, {MAX_SECONDS} are allowed: make it cheaper")
        if peak > most:
            problems.append(f"{name}: took {peak} MiB, {most} are allowed: hold less in memory")
        if size > MAX_KILOBYTES:
            problems.append(f"{name}: has {size:.0f} KB, {MAX_KILOBYTES} are allowed: print less")
    if together > MAX_SECONDS_TOGETHER:
        problems.append(
            f"chapters: took {together:.0f} s together, {MAX_SECONDS_TOGETHER} are allowed"
        )
    return problems


def nothing_stale(root: Path = ROOT) -> list[str]:
    """Every chapter was run with the code, data and requirements that are there now."""
    return [
        f"{where(chapter)}: stale: run `python -m tools.notebooks run {chapter.stem[:2]}`"
        for chapter in stale(root)
    ]


# ---------------------------------------------------------------- code as shown


def first_cells(root: Path = ROOT) -> list[str]:
    """Every chapter begins with the common first code cell."""
    template = TEMPLATE.read_text(encoding="utf-8").strip()
    problems = []
    for chapter in chapters(root):
        cells = code_cells(read(chapter))
        if not cells or cells[0]["source"].strip() != template:
            problems.append(
                f"{where(chapter)} [1]: differs from tools/templates/first_cell.py: copy that file "
                "into the first code cell"
            )
    return problems


def cells_fit_a_screen(root: Path = ROOT) -> list[str]:
    """No shown cell is longer than a screen or wider than a page."""
    problems = []
    for place, _, cell in _cells(root):
        if HIDDEN & _tags(cell):
            continue
        lines = cell["source"].splitlines()
        wide = [number for number, line in enumerate(lines, 1) if len(line) > MAX_COLUMNS]
        if len(lines) > MAX_LINES:
            problems.append(
                f"{place}: {len(lines)} lines, {MAX_LINES} are allowed: move code into lib"
            )
        if wide:
            problems.append(
                f"{place}: line {wide[0]} has {len(lines[wide[0] - 1])} columns, {MAX_COLUMNS} are "
                "allowed: break it"
            )
    return problems


_FORBIDDEN = {
    "sys.path": "install the book's code instead",
    "sys.modules": "restart the kernel instead",
    "warnings.filterwarnings": "mend the cause of the warning",
    "warnings.simplefilter": "mend the cause of the warning",
}


def no_shortcut(root: Path = ROOT) -> list[str]:
    """No cell touches the import path or hides warnings; every cell is valid Python."""
    problems = []
    for place, _, cell in _cells(root):
        try:
            tree = ast.parse(plain_python(cell["source"]))
        except SyntaxError as error:
            problems.append(f"{place}: not Python ({error.msg}, line {error.lineno})")
            continue
        for node in ast.walk(tree):
            name = ast.unparse(node) if isinstance(node, ast.Attribute) else ""
            if name in _FORBIDDEN:
                problems.append(f"{place}: uses {name}: {_FORBIDDEN[name]}")
    return problems


def _stubs(root: Path, chapter: Path) -> dict[str, str]:
    """Return the unsolved cell of each exercise of a chapter, by the exercise's name."""
    name = f"exercises.ch{number_of(chapter):02d}"
    path = root / "exercises" / f"ch{number_of(chapter):02d}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    if number_of(chapter) < 0 or not path.is_file() or spec is None or spec.loader is None:
        return {}
    module, before = importlib.util.module_from_spec(spec), sys.modules.get(name)
    sys.modules[name] = module  # inspect finds the source through it
    try:
        spec.loader.exec_module(module)
        return {
            key: item.stub().strip()
            for key, item in vars(module).items()
            if isinstance(item, type) and hasattr(item, "stub") and item.__module__ == name
        }
    finally:
        sys.modules.pop(name)
        if before is not None:
            sys.modules[name] = before


def stubs_as_generated(root: Path = ROOT) -> list[str]:
    """Every exercise of a chapter stands in it once, exactly as generated, unsolved."""
    problems = []
    for chapter in chapters(root):
        sources = [cell["source"].strip() for cell in code_cells(read(chapter))]
        stubs = _stubs(root, chapter)
        for name, stub in stubs.items():
            if sources.count(stub) != 1:
                problems.append(
                    f"{where(chapter)}: the unsolved cell of {name} stands in it "
                    f"{sources.count(stub)} times as {name}.stub() gives it, it must be once: "
                    "copy the stub into one code cell"
                )
        for place, source in enumerate(sources, start=1):
            for call in calls(syntax_tree(source), "check"):
                owner = getattr(getattr(call.func, "value", None), "id", None)
                if owner and owner[:1].isupper() and owner not in stubs:
                    problems.append(
                        f"{where(chapter)} [{place}]: {owner} is no exercise of exercises/"
                        f"ch{number_of(chapter):02d}.py: write it there"
                    )
    return problems


# ---------------------------------------------------------------- statements


def statements_complete(root: Path = ROOT) -> list[str]:
    """Every number from 1 to 42 has one entry in ``data/claims.yml``, well-formed."""
    from lib.results import load_claims

    times = Counter(entry.get("number") for entry in claims(root))
    problems = [
        f"data/claims.yml: statement {number} stands {times[number]} times, it must be once"
        for number in STATEMENTS
        if times[number] != 1
    ]
    problems += [
        f"data/claims.yml: there is no statement {number!r}: they run from 1 to 42"
        for number in times
        if number not in STATEMENTS
    ]
    if (root / "data" / "claims.yml").is_file():
        try:
            load_claims(root / "data" / "claims.yml")
        except ValueError as error:
            problems.append(f"data/claims.yml: {error}")
    return problems


def bounds(result: Result) -> SimpleNamespace:
    """Return a stored result as conditions read it."""
    value = float(result.payload["value"])
    return SimpleNamespace(
        value=value,
        low=float(result.payload.get("low", value)),
        high=float(result.payload.get("high", value)),
    )


_MENTION = re.compile(rf"\{{({numbers.KEY})(?:\.\w+)?\}}")  # {key.low} in a reason


def verdicts_borne_out(root: Path = ROOT) -> list[str]:
    """Every statement of a written chapter has a verdict that its stored results bear out."""
    from lib.results import VERDICTS, condition_keys, evaluate_condition

    written = {number_of(chapter): chapter for chapter in chapters(root)}
    problems = []
    for entry in claims(root):
        chapter = written.get(entry.get("owner", -1))
        if chapter is None:
            continue
        place = f"data/claims.yml, statement {entry.get('number')}"
        found = {r.key: r for r in results_of(read(chapter), chapter.stem)}
        if entry.get("verdict") not in VERDICTS:
            known = ", ".join(VERDICTS)
            problems.append(
                f"{place}: {where(chapter)} is written, and the verdict is "
                f"{entry.get('verdict')!r}: decide for one of {known}"
            )
            continue
        problems += [
            f"{place}: no {field}: write it"
            for field in ("because", "flips_if")
            if not entry.get(field)
        ]
        condition = entry.get("stands_while")
        try:
            keys = set(entry.get("results") or [])
            keys |= set(_MENTION.findall(str(entry.get("because") or "")))
            keys |= condition_keys(condition) if condition else set()
            unknown = sorted(key for key in keys if key not in found)
            if unknown:
                problems.append(
                    f"{place}: {where(chapter)} records no {', '.join(unknown)}: record it there"
                )
            elif condition and not evaluate_condition(
                condition, {key: bounds(result) for key, result in found.items()}
            ):
                shown = "; ".join(found[key].text for key in sorted(condition_keys(condition)))
                problems.append(
                    f"{place}: the verdict {entry['verdict']!r} stands only while {condition}, and "
                    f"the stored results say {shown}: judge again"
                )
        except ValueError as error:
            problems.append(f"{place}: stands_while cannot be decided: {error}")
    return problems


def sources_exist(root: Path = ROOT) -> list[str]:
    """Every source that a statement names, and every citation in prose, is in the bibliography."""
    path = root / "references.bib"
    text = path.read_text(encoding="utf-8") if path.is_file() else ""
    known = set(re.findall(r"^\s*@\w+\s*\{\s*([^,\s]+)\s*,", text, re.MULTILINE))
    problems = [
        f"data/claims.yml, statement {entry.get('number')}: references.bib has no {key!r}: add it"
        for entry in claims(root)
        for key in entry.get("cites") or []
        if key not in known
    ]
    for place, prose in _markdown(root):
        for keys in re.findall(r"\{cite[^}]*\}`([^`]+)`", prose):
            for key in keys.split(","):
                key = re.sub(r"^.*<|>$", "", key.strip())
                if key not in known:
                    problems.append(f"{place}: references.bib has no {key!r}: add it")
    return problems


def _calls_by_cell(notebook: Notebook, name: str) -> list[tuple[int, list[int]]]:
    """Return place and numbers of every call such as ``trial(1, 4)``, by code cell."""
    found = []
    for place, cell in enumerate(code_cells(notebook), start=1):
        for call in calls(syntax_tree(cell["source"]), name):
            if isinstance(call.func, ast.Name):
                values = [a.value for a in call.args if isinstance(a, ast.Constant)]
                found.append((place, [v for v in values if isinstance(v, int)]))
    return found


def trials_and_verdicts(root: Path = ROOT) -> list[str]:
    """Each chapter opens with ``trial`` of its statements and closes with their ``verdict``."""
    problems = []
    for chapter in chapters(root):
        notebook, name = read(chapter), where(chapter)
        here = number_of(chapter)
        owned = {e["number"] for e in claims(root) if e.get("owner") == here}
        allowed = owned | {e["number"] for e in claims(root) if here in (e.get("later") or [])}
        recorded = [r.cell for r in results_of(notebook, chapter.stem)]
        for word, what in (("trial", "opens"), ("verdict", "closes")):
            found = _calls_by_cell(notebook, word)
            times = Counter(number for _, numbers_ in found for number in numbers_)
            for number in sorted(owned - times.keys()):
                problems.append(f"{name}: {what} without {word}({number}): it owns the statement")
            for number in sorted(number for number, n in times.items() if n > 1):
                problems.append(
                    f"{name}: calls {word} {times[number]} times for {number}: once will do"
                )
            for number in sorted(times.keys() - allowed):
                problems.append(
                    f"{name}: calls {word}({number}), but another chapter owns the statement"
                )
            for place, _ in found:
                if word == "trial" and recorded and place > min(recorded):
                    problems.append(f"{name} [{place}]: trial comes after a result: put it first")
                if word == "verdict" and recorded and place < max(recorded):
                    problems.append(f"{name} [{place}]: verdict comes before a result: put it last")
    return problems


def results_recorded_whole(root: Path = ROOT) -> list[str]:
    """Every recorded result has the fields that the ledger needs, and says what its line says."""
    problems = []
    for place, chapter, cell in _cells(root):
        for result in results_of({"cells": [cell]}, chapter.stem):
            missing = [n for n in ("key", "value", "unit", "n") if n not in result.payload]
            if missing or not result.key:
                problems.append(f"{place}: {RESULT_MIME} lacks {', '.join(missing)}: use record()")
                continue
            printed = result.shown.get("value", "nan").replace(",", "").replace("\u2212", "-")
            digits = len(printed.partition(".")[2])
            value = float(result.payload["value"]) * (100 if result.percent else 1)
            if not abs(float(printed) - value) <= 0.5001 * 10.0**-digits:
                problems.append(
                    f"{place}: the line {result.text!r} does not say {value:g}: run the chapter"
                )
    return problems


# ---------------------------------------------------------------- all of them

CONTRACTS: tuple[Callable[[Path], list[str]], ...] = (
    table_of_contents_whole,
    counts_in_order,
    no_stored_error,
    no_noise,
    no_exemption,
    tolerances_narrow,
    alt_texts,
    budgets,
    nothing_stale,
    first_cells,
    cells_fit_a_screen,
    no_shortcut,
    stubs_as_generated,
    statements_complete,
    verdicts_borne_out,
    sources_exist,
    trials_and_verdicts,
    results_recorded_whole,
    numbers.check_tags,
    numbers.check_untagged,
)


def check(root: Path = ROOT) -> dict[str, list[str]]:
    """Return the problems of every contract that is broken, by its name."""
    found: dict[str, Any] = {contract.__name__: contract(root) for contract in CONTRACTS}
    return {name: problems for name, problems in found.items() if problems}


def main(*, root: Path = ROOT) -> int:
    """Print every problem; return 1 if there is one."""
    try:
        broken = check(root)
    except UnreadableError as error:
        print(f"error: {error}")
        return 1
    for name, problems in broken.items():
        print(f"{name.replace('_', ' ')}: {len(problems)}")
        for problem in problems:
            print(f"  {problem}")
    print(f"{len(CONTRACTS) - len(broken)} contracts kept, {len(broken)} broken")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
