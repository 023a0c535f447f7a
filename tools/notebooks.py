"""The chapters as files: what is in them, what made them, and running them again.

A chapter is a notebook named in ``_toc.yml``, stored with its outputs.  This module reads
chapters and the results that their cells recorded, says which are stale, and executes them in a
fresh kernel, so that a re-run without a change leaves the same bytes.

    python -m tools.notebooks run            execute what is stale
    python -m tools.notebooks run 01 07      execute these, stale or not
    python -m tools.notebooks run --all      execute all
    python -m tools.notebooks list           chapters, fresh or stale, seconds, memory
    python -m tools.notebooks results [01]   every recorded result
"""

from __future__ import annotations

import argparse
import ast
import contextlib
import functools
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    import psutil
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

ROOT = Path(__file__).resolve().parents[1]
RESULT_MIME = "application/vnd.embeddings-tested.result+json"
CELL_TIMEOUT = 300  # seconds
KEPT_CELL_METADATA = ("book", "mystnb", "nbgrader", "otter", "tags")
KEPT_NOTEBOOK_METADATA = ("book", "mystnb")
KERNEL_METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}
FIXED_ENVIRONMENT = {
    "OMP_NUM_THREADS": "2",
    "OPENBLAS_NUM_THREADS": "2",
    "MKL_NUM_THREADS": "2",
    "NUMEXPR_NUM_THREADS": "2",
    "NUMBA_NUM_THREADS": "2",
    "VECLIB_MAXIMUM_THREADS": "2",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONHASHSEED": "0",
    "PYTHONUTF8": "1",
    "BOOK_OFFLINE": "1",
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
}

PACKAGES = ("lib", "exercises", "experiments", "benchmarks")

Notebook = dict[str, Any]
Cell = dict[str, Any]


# ---------------------------------------------------------------- which files


def number_of(chapter: Path) -> int:
    """Return the number that a chapter's file name begins with; -1 if there is none."""
    digits = re.match(r"\d+", chapter.stem)
    return int(digits.group()) if digits else -1


class UnreadableError(ValueError):
    """A file of the book that cannot be read as what it should be; the message names it."""


def where(path: Path) -> str:
    """Return how messages name a file: ``chapters/01_name.ipynb``, ``intro.md``."""
    at_the_root = (path.parent / "_toc.yml").is_file()
    return path.name if at_the_root else f"{path.parent.name}/{path.name}"


@functools.lru_cache(maxsize=16)
def _parsed(text: str) -> Any:  # noqa: ANN401, YAML holds anything
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def table_of_contents(root: Path) -> list[str]:
    """Return the files named in ``_toc.yml``, root page first, in reading order, as written."""
    path = root / "_toc.yml"
    if not path.is_file():
        return []
    toc = _parsed(path.read_text(encoding="utf-8")) or {}

    def files(entry: dict[str, Any]) -> Iterator[str]:
        if "file" in entry:
            yield str(entry["file"])
        for below in ("parts", "chapters", "sections"):
            for child in entry.get(below) or []:
                yield from files(child)

    return [str(toc["root"]), *files(toc)] if "root" in toc else list(files(toc))


def _with_suffix(root: Path, entry: str, suffix: str) -> Path:
    return root / (entry if entry.endswith(suffix) else entry + suffix)


def chapters(root: Path = ROOT) -> list[Path]:
    """Return the notebooks of ``_toc.yml`` in reading order (missing ones left out)."""
    paths = (_with_suffix(root, entry, ".ipynb") for entry in table_of_contents(root))
    return [path for path in paths if path.is_file()]


def pages(root: Path = ROOT) -> list[Path]:
    """Return the Markdown pages of ``_toc.yml`` in reading order (missing ones left out)."""
    paths = (_with_suffix(root, entry, ".md") for entry in table_of_contents(root))
    return [path for path in paths if path.is_file()]


def missing_files(root: Path = ROOT) -> list[str]:
    """Return the entries of ``_toc.yml`` that have neither a notebook nor a page."""
    return [
        entry
        for entry in table_of_contents(root)
        if not any(_with_suffix(root, entry, suffix).is_file() for suffix in (".ipynb", ".md"))
    ]


def select(root: Path, names: Sequence[str]) -> list[Path]:
    """Return the chapters called by number or by the beginning of their name.

    A notebook in ``chapters/`` that is not in ``_toc.yml`` yet is found too.
    """
    known = {chapter.stem: chapter for chapter in chapters(root)}
    for path in sorted((root / "chapters").glob("*.ipynb")):
        known.setdefault(path.stem, path)
    chosen = []
    for name in names:
        stem = Path(name).stem
        found = [
            chapter
            for chapter in known.values()
            if (
                number_of(chapter) == int(stem) if stem.isdigit() else chapter.stem.startswith(stem)
            )
        ]
        if not found:
            have = ", ".join(known) or "no notebook in chapters/"
            raise ValueError(f"no chapter is called {name!r}; there are: {have}")
        chosen += [chapter for chapter in found if chapter not in chosen]
    return chosen


# ---------------------------------------------------------------- reading


def as_text(value: str | Iterable[str]) -> str:
    """Join what notebook files store as a string or as a list of lines."""
    return value if isinstance(value, str) else "".join(value)


def parse(text: str, stem: str = "cell") -> Notebook:
    """Return a notebook from its JSON, sources and texts joined, every cell with a stable id."""
    notebook: Notebook = json.loads(text)
    seen: set[str] = set()
    for position, cell in enumerate(notebook.get("cells", [])):
        cell["source"] = as_text(cell.get("source", ""))
        name = cell.get("id")
        if not name or name in seen:
            name = re.sub(r"[^A-Za-z0-9_-]", "-", f"{stem[:40]}-{position}")
        cell["id"] = name
        seen.add(name)
        for output in cell.get("outputs", []):
            if "text" in output:
                output["text"] = as_text(output["text"])
            for mime, value in output.get("data", {}).items():
                if isinstance(value, list) and not mime.endswith("json"):
                    output["data"][mime] = as_text(value)
    return notebook


def read(path: Path) -> Notebook:
    """Read a notebook file.

    Raises
    ------
    UnreadableError
        If it is not valid JSON, as after a merge conflict.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), path.stem)
    except json.JSONDecodeError as error:
        raise UnreadableError(
            f"{where(path)} is not a valid notebook (line {error.lineno}): a merge conflict? "
            f"Mend it there, or take the stored one: git checkout -- {where(path)}"
        ) from None


def code_cells(notebook: Notebook) -> list[Cell]:
    """Return the code cells; number n in messages is the n-th of these, as its ``[n]`` shows."""
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def markdown_cells(notebook: Notebook) -> list[tuple[int, Cell]]:
    """Return the Markdown cells with their place among all cells, from 1."""
    return [
        (place, cell)
        for place, cell in enumerate(notebook["cells"], start=1)
        if cell["cell_type"] == "markdown"
    ]


_TIMED = re.compile(r"^(\s*)%%?time(?:it)?\b[ \t]*", re.MULTILINE)


def plain_python(source: str) -> str:
    """Return a cell's source with IPython's own syntax (``%pip``, ``!git``) made Python."""
    from IPython.core.inputtransformer2 import TransformerManager

    source = _TIMED.sub(r"\1", source)  # the timed statement is code of the cell too
    return str(TransformerManager().transform_cell(source))  # type: ignore[no-untyped-call]


def syntax_tree(source: str) -> ast.Module:
    """Parse a cell; one that is not Python gives an empty tree (running it says why)."""
    try:
        return ast.parse(plain_python(source))
    except SyntaxError:
        return ast.Module(body=[], type_ignores=[])


def calls(tree: ast.AST, *names: str) -> Iterator[ast.Call]:
    """Yield the calls of functions or methods with one of these names, in order."""
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    for node in sorted(found, key=lambda call: (call.lineno, call.col_offset)):
        function = node.func
        name = getattr(function, "attr", None) or getattr(function, "id", None)
        if name in names:
            yield node


# ---------------------------------------------------------------- recorded results


@dataclass(frozen=True)
class Result:
    """One recorded number as a stored notebook shows it.

    ``text`` is the printed line, ``shown`` the printed ``value``, ``low`` and ``high`` as
    strings without the percent sign, ``payload`` the numbers behind them.
    """

    key: str
    chapter: str
    cell: int
    text: str
    payload: dict[str, Any] = field(default_factory=dict, compare=False)
    shown: dict[str, str] = field(default_factory=dict)
    percent: bool = False

    def prose(self, part: str = "value") -> str:
        """Return a part as prose writes it: ``0.28``, or ``97.0 %`` for a percentage."""
        return self.shown[part] + (" %" if self.percent else "")


_NUMBER = r"[-\u2212+]?(?:\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?|nan|inf)"
_RESULT_LINE = re.compile(
    rf"^(?P<key>\S+) = (?P<value>{_NUMBER})(?P<percent>\s?%)?"
    rf"(?:\s*\[(?P<low>{_NUMBER}),\s*(?P<high>{_NUMBER})\])?"
)


def results_of(notebook: Notebook, chapter: str) -> list[Result]:
    """Return the results recorded in a notebook's stored outputs, in order, repeats included."""
    found = []
    for number, cell in enumerate(code_cells(notebook), start=1):
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            if RESULT_MIME not in data:
                continue
            payload = data[RESULT_MIME]
            payload = json.loads(payload) if isinstance(payload, str) else dict(payload)
            text = str(data.get("text/plain", "")).strip()
            line = _RESULT_LINE.match(text)
            parts = line.groupdict() if line else {}
            shown = {part: parts[part] for part in ("value", "low", "high") if parts.get(part)}
            found.append(
                Result(
                    key=str(payload.get("key", parts.get("key", ""))),
                    chapter=chapter,
                    cell=number,
                    text=text,
                    payload=payload,
                    shown=shown,
                    percent=bool(parts.get("percent")),
                )
            )
    return found


def results(root: Path = ROOT) -> dict[str, Result]:
    """Return every recorded result of the book by key (of repeated keys the first)."""
    found: dict[str, Result] = {}
    for chapter in chapters(root):
        for result in results_of(read(chapter), chapter.stem):
            found.setdefault(result.key, result)
    return found


def claims(root: Path = ROOT) -> list[dict[str, Any]]:
    """Return the entries of ``data/claims.yml``; none if there is no such file."""
    path = root / "data" / "claims.yml"
    if not path.is_file():
        return []
    try:
        entries = _parsed(path.read_text(encoding="utf-8")) or []
    except yaml.YAMLError as error:
        line = getattr(getattr(error, "problem_mark", None), "line", -1) + 1
        raise UnreadableError(f"data/claims.yml is not valid YAML, line {line}: mend it") from None
    return [dict(entry) for entry in entries if isinstance(entry, dict)]


# ---------------------------------------------------------------- fingerprints


def _module_file(root: Path, module: str) -> Path | None:
    path = root.joinpath(*module.split("."))
    for candidate in (path.with_suffix(".py"), path / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def imported_modules(tree: ast.AST, root: Path, package: str = "") -> set[str]:
    """Return the modules of the book that a piece of code imports."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parents = package.split(".")[: len(package.split(".")) - node.level + 1]
            base = ".".join(parents) if node.level else ""
            base = ".".join(part for part in (base, node.module or "") if part)
            names.add(base)
            names.update(f"{base}.{alias.name}" for alias in node.names)
    ours = {name for name in names if name.split(".")[0] in PACKAGES}
    ours |= {name.split(".")[0] for name in ours}
    return {name for name in ours if _module_file(root, name)}


def modules_behind(trees: Iterable[ast.AST], root: Path) -> dict[str, Path]:
    """Return the modules that the code imports, and those that they import, by name."""
    waiting = {name for tree in trees for name in imported_modules(tree, root)}
    found: dict[str, Path] = {}
    while waiting:
        name = waiting.pop()
        path = _module_file(root, name)
        if name in found or path is None:
            continue
        found[name] = path
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        tree = ast.parse(path.read_text(encoding="utf-8"))
        waiting |= imported_modules(tree, root, package) - found.keys()
    return dict(sorted(found.items()))


def _is_docstring(statement: ast.AST) -> bool:
    value = getattr(statement, "value", None)
    return isinstance(statement, ast.Expr) and isinstance(getattr(value, "value", None), str)


def _is_version(statement: ast.AST) -> bool:
    targets = getattr(statement, "targets", [])
    return any(getattr(target, "id", None) == "__version__" for target in targets)


def meaning(node: object) -> str:
    """Return code as text that comments, layout, docstrings and the Python version leave alone.

    ``ast.dump`` differs between Python versions in which empty fields it has; this leaves all
    empty ones out.
    """
    if isinstance(node, list):
        return "[" + ",".join(meaning(item) for item in node) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    parts = []
    for name, value in ast.iter_fields(node):
        if name == "body" and isinstance(value, list):
            value = [
                statement
                for place, statement in enumerate(value)
                if not (place == 0 and _is_docstring(statement)) and not _is_version(statement)
            ]
        if value is None or value == [] or name in ("kind", "type_comment", "ctx"):
            continue
        parts.append(f"{name}={meaning(value)}")
    return f"{type(node).__name__}({','.join(parts)})"


def _strings(tree: ast.AST) -> set[str]:
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _loaded(tree: ast.AST, *functions: str) -> set[str]:
    arguments = (
        argument
        for call in calls(tree, *functions)
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
    )
    return {name for argument in arguments for name in _strings(argument)}


def data_manifest(root: Path) -> dict[str, str]:
    """Return what each data set consists of, by its name, as text.

    The hashes of the members of a fetched set; the text of a set of our own.
    """
    own = sorted((root / "data" / "own").glob("*.csv"))
    manifest = {path.stem: path.read_text(encoding="utf-8") for path in own}
    path = root / "data" / "members.json"
    if path.is_file():
        sets = json.loads(path.read_text(encoding="utf-8")).get("sets", {})
        for name, entry in sets.items():
            manifest[name] = json.dumps(entry.get("members", entry), sort_keys=True)
    return manifest


def stored_results(root: Path) -> dict[str, str]:
    """Return the text of each stored result of an experiment, by its name."""
    files = sorted((root / "data" / "results").glob("*.json"))
    return {path.stem: path.read_text(encoding="utf-8") for path in files}


def _called_numbers(trees: Iterable[ast.AST], *names: str) -> list[int]:
    return [
        argument.value
        for tree in trees
        for call in calls(tree, *names)
        for argument in call.args
        if isinstance(argument, ast.Constant) and isinstance(argument.value, int)
    ]


def _printed_code(trees: Iterable[ast.AST]) -> set[str]:
    """Return the names whose source cells print; ``exercises`` for a printed solution."""
    found = set()
    for tree in trees:
        for call in calls(tree, "getsource", "getsourcelines"):
            found |= {n.id for n in ast.walk(call) if isinstance(n, ast.Name)}
            found |= {n.attr for n in ast.walk(call) if isinstance(n, ast.Attribute)}
        if any(calls(tree, "show_solution")):
            found.add("exercises")
    return found


def _defined(module: str, tree: ast.Module) -> set[str]:
    """Return the names that a module stands for: its own, its package's, what it defines."""
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    return defined | set(module.split(".")) - {"lib"}


def code_behind(
    root: Path, trees: Sequence[ast.AST], printed: Set[str] = frozenset()
) -> dict[str, str]:
    """Return what code depends on beside itself, by name, as text.

    The modules of the book behind it, without docstrings (but those of `printed` names, whole);
    the data sets that they load, and the stored results of experiments that they read.
    """
    parts: dict[str, str] = {}
    manifest, results = data_manifest(root), stored_results(root)
    strings = {name for tree in trees for name in _strings(tree)}
    data = strings & manifest.keys()
    reads = any(True for tree in trees for _ in calls(tree, "stored"))
    known = strings & results.keys() if reads else set()
    for name, path in modules_behind(trees, root).items():
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        parts[f"module {name}"] = text if printed & _defined(name, tree) else meaning(tree)
        data |= _loaded(tree, "load") & manifest.keys()
        known |= _loaded(tree, "stored") & results.keys()
    parts |= {f"data {name}": manifest[name] for name in sorted(data)}
    return parts | {f"result {name}": results[name] for name in sorted(known)}


def ingredients(root: Path, chapter: Path) -> dict[str, str]:
    """Return everything that a chapter's outputs depend on, by name, as text.

    Its code cells and what is behind them; the statements that it puts on trial; the locked
    requirements.
    """
    sources = [cell["source"] for cell in code_cells(read(chapter))]
    trees = [syntax_tree(source) for source in sources]
    parts = {f"cell {number}": source for number, source in enumerate(sources, start=1)}
    parts |= code_behind(root, trees, _printed_code(trees))

    on_trial = set(_called_numbers(trees, "trial", "verdict"))
    for entry in claims(root):
        if entry.get("number") in on_trial:
            text = json.dumps(entry, sort_keys=True, ensure_ascii=False, default=str)
            parts[f"statement {entry['number']}"] = text

    lock = root / "requirements.txt"
    if lock.is_file():
        lines = (line.split("#")[0].strip() for line in lock.read_text("utf-8").splitlines())
        parts["requirements"] = "\n".join(line for line in lines if line)
    return parts


def fingerprint(root: Path, chapter: Path) -> str:
    """Return a short hash of everything that a chapter's outputs depend on."""
    return short_hash(ingredients(root, chapter))


def short_hash(parts: dict[str, str]) -> str:
    """Return 20 digits that change with any part, its name or its place."""
    text = json.dumps(parts, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()[:20]


def runs(root: Path = ROOT) -> dict[str, dict[str, Any]]:
    """Return ``data/runs.json``: the last run of each chapter, by name."""
    path = root / "data" / "runs.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def stale(root: Path = ROOT, chosen: Iterable[Path] | None = None) -> list[Path]:
    """Return the chapters whose fingerprint is not the one of their last run."""
    known = runs(root)
    return [
        chapter
        for chapter in (chapters(root) if chosen is None else chosen)
        if known.get(chapter.stem, {}).get("fingerprint") != fingerprint(root, chapter)
    ]


# ---------------------------------------------------------------- writing


def write_text(path: Path, text: str) -> bool:
    """Write a file whole or not at all; return whether that changed it."""
    content = text.encode("utf-8")
    if path.is_file() and path.read_bytes() == content:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(path.stat().st_mode if path.exists() else 0o644)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    return True


def _kept(metadata: dict[str, Any], names: Sequence[str]) -> dict[str, Any]:
    return {name: metadata[name] for name in names if metadata.get(name)}


def normalised(notebook: Notebook) -> Notebook:
    """Return a notebook without what changes from run to run: only content is kept."""
    cells = []
    for cell in notebook["cells"]:
        kept: Cell = {
            "cell_type": cell["cell_type"],
            "id": cell["id"],
            "metadata": _kept(cell.get("metadata", {}), KEPT_CELL_METADATA),
            "source": cell["source"],
        }
        if cell["cell_type"] == "code":
            kept["execution_count"] = cell.get("execution_count")
            kept["outputs"] = [dict(output) for output in cell.get("outputs", [])]
            for output in kept["outputs"]:
                output.pop("transient", None)
        elif cell.get("attachments"):
            kept["attachments"] = cell["attachments"]
        cells.append(kept)
    metadata = KERNEL_METADATA | _kept(notebook.get("metadata", {}), KEPT_NOTEBOOK_METADATA)
    return {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}


def _as_lines(notebook: Notebook) -> Notebook:
    """Store texts as lists of lines, so that a change of one line is a change of one line."""
    for cell in notebook["cells"]:
        cell["source"] = cell["source"].splitlines(keepends=True)
        for output in cell.get("outputs", []):
            if isinstance(output.get("text"), str):
                output["text"] = output["text"].splitlines(keepends=True)
            data = dict(output.get("data", {}))
            for mime, value in data.items():
                if isinstance(value, str) and not mime.endswith("json"):
                    data[mime] = value.splitlines(keepends=True)
            if data:
                output["data"] = data
    return notebook


def dumps(notebook: Notebook) -> str:
    """Return a notebook's file content: keys in order, one space of indent, a final newline."""
    notebook = _as_lines(normalised(notebook))
    return json.dumps(notebook, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write(notebook: Notebook, path: Path) -> bool:
    """Write a notebook in normal form; return whether that changed the file."""
    return write_text(path, dumps(notebook))


# ---------------------------------------------------------------- running


def kernel_environment() -> dict[str, str]:
    """Return the environment that chapters run in: fixed threads and seeds, no network."""
    return {**os.environ, **FIXED_ENVIRONMENT}


@dataclass(frozen=True)
class Run:
    """What came of executing one chapter; ``error`` is empty if it went well."""

    chapter: Path
    seconds: float
    peak_mib: int
    cells: int
    changed: bool = False
    error: str = ""


class _MemoryWatch(threading.Thread):
    """Samples the memory of a process and its children; keeps the peak.

    On Linux and Windows the kernel process's own high-water mark is read as well, which no
    spike between two samples escapes.
    """

    def __init__(self, manager: AsyncKernelManager) -> None:
        super().__init__(daemon=True)
        self.manager, self.peak, self.done = manager, 0, threading.Event()

    def run(self) -> None:
        while not self.done.wait(0.05):
            with contextlib.suppress(Exception):  # the kernel is not there yet, or gone
                self.peak = max(self.peak, self._now())

    def _now(self) -> int:
        import psutil

        process = psutil.Process(getattr(self.manager.provisioner, "pid", None) or -1)
        together = process.memory_info().rss
        for child in process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                together += child.memory_info().rss
        return max(together, _high_water(process))


def _high_water(process: psutil.Process) -> int:
    windows = getattr(process.memory_info(), "peak_wset", 0)
    status = Path(f"/proc/{process.pid}/status")
    if windows or not status.is_file():
        return int(windows)
    mark = re.search(r"^VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"), re.MULTILINE)
    return int(mark.group(1)) * 1024 if mark else 0


def _kernel_manager() -> AsyncKernelManager:
    """Return a manager whose kernel is this very Python, whatever kernels are registered."""
    from ipykernel.kernelspec import get_kernel_dict
    from jupyter_client.kernelspec import KernelSpec
    from jupyter_client.manager import AsyncKernelManager

    class ThisPython(AsyncKernelManager):
        @property
        def kernel_spec(self) -> KernelSpec:
            return KernelSpec(resource_dir="", **get_kernel_dict())

    return ThisPython()


_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def _in_short(error: BaseException, number: int, timeout: int) -> str:
    """Name the failing cell and its error in one or two lines."""
    from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

    if isinstance(error, CellExecutionError):
        value = _COLOUR.sub("", str(error.evalue)).strip()
        return f"cell {number}: {error.ename}: {value[:600]}"
    if isinstance(error, CellTimeoutError):
        return f"cell {number}: took longer than {timeout} seconds"
    if isinstance(error, DeadKernelError):
        return f"cell {number}: the kernel died (out of memory?)"
    return f"cell {number}: {type(error).__name__}: {error}"


def execute(notebook: Notebook, folder: Path, timeout: int = CELL_TIMEOUT) -> tuple[Notebook, Run]:
    """Execute a notebook in a fresh kernel that stands in a folder; return it with its outputs."""
    import nbformat
    from nbclient import NotebookClient

    for cell in code_cells(notebook):
        cell["outputs"], cell["execution_count"] = [], None
    notebook = normalised(notebook)
    live = nbformat.from_dict(notebook)  # type: ignore[no-untyped-call]
    manager = _kernel_manager()
    begun: list[int] = []  # places of the code cells that were begun
    client = NotebookClient(
        live,
        km=manager,
        timeout=timeout,
        allow_errors=False,
        record_timing=False,
        coalesce_streams=True,
        on_cell_execute=lambda cell, cell_index: begun.append(cell_index),
        resources={"metadata": {"path": str(folder)}},
    )
    watch, error, begin = _MemoryWatch(manager), "", time.perf_counter()
    watch.start()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        environment = {**kernel_environment(), "IPYTHONDIR": profile}
        try:
            client.execute(env=environment, stderr=subprocess.DEVNULL, cleanup_kc=True)
        except Exception as problem:
            error = _in_short(problem, len(begun) or 1, timeout)
        finally:
            watch.done.set()
            watch.join()
    seconds = time.perf_counter() - begin
    done = json.loads(json.dumps(live))
    count = len(code_cells(done))
    run_ = Run(folder, round(seconds, 1), round(watch.peak / 2**20), count, error=error)
    return done, run_


def _remember(root: Path, chapter: Path, outcome: Run, mark: str) -> None:
    """Write the run down in ``data/runs.json`` if the chapter's fingerprint is a new one."""
    from filelock import FileLock

    (root / "_build").mkdir(exist_ok=True)
    with FileLock(root / "_build" / "runs.lock", timeout=60):
        known = runs(root)
        if known.get(chapter.stem, {}).get("fingerprint") == mark:
            return
        known[chapter.stem] = {
            "fingerprint": mark,
            "seconds": outcome.seconds,
            "peak_mib": outcome.peak_mib,
            "cells": outcome.cells,
            "date": datetime.now(UTC).strftime("%Y-%m-%d"),
            "python": platform.python_version(),
            "platform": f"{platform.system()} {platform.machine()}",
        }
        names = {listed.stem for listed in chapters(root)} | {
            path.stem for path in (root / "chapters").glob("*.ipynb")
        }
        known = {name: entry for name, entry in sorted(known.items()) if name in names}
        text = json.dumps(known, indent=1, ensure_ascii=False) + "\n"
        write_text(root / "data" / "runs.json", text)


def run_one(root: Path, chapter: Path, timeout: int = CELL_TIMEOUT) -> Run:
    """Execute a chapter; store its outputs if no cell failed, else leave the file as it is.

    Code that changes during the run leaves the chapter stale: the fingerprint that is written
    down is the one from before.
    """
    before, content = fingerprint(root, chapter), chapter.read_bytes()
    notebook, outcome = execute(read(chapter), chapter.parent, timeout)
    outputs = [output for cell in code_cells(notebook) for output in cell["outputs"]]
    error, changed = outcome.error, False
    if not error and any(output["output_type"] == "error" for output in outputs):
        error = "a cell tagged raises-exception stores an error: catch it and print it instead"
    if not error and chapter.read_bytes() != content:
        error = "the notebook was edited during the run: run it again"
    refused = root / "_build" / "failed" / chapter.name
    if error:  # to look at, and for tools.diff: which numbers moved before a verdict fell
        refused.parent.mkdir(parents=True, exist_ok=True)
        write(notebook, refused)
    else:
        refused.unlink(missing_ok=True)
        changed = write(notebook, chapter)
        _remember(root, chapter, outcome, before)
    return Run(
        chapter, outcome.seconds, outcome.peak_mib, outcome.cells, changed=changed, error=error
    )


def run(root: Path, chosen: Iterable[Path], timeout: int = CELL_TIMEOUT) -> list[Run]:
    """Execute chapters one after the other, each in a fresh kernel."""
    return [run_one(root, chapter, timeout) for chapter in chosen]


# ---------------------------------------------------------------- command line


def _run_command(names: Sequence[str], everything: bool, root: Path) -> int:
    chosen = chapters(root) if everything else stale(root)
    chosen = select(root, names) if names else chosen
    if not chosen:
        print("nothing is stale")
    failed = 0
    for chapter in chosen:
        print(f"{chapter.stem}: running", flush=True)
        outcome = run_one(root, chapter)
        if outcome.error:
            failed += 1
            print(f"{chapter.stem}: FAILED, stored notebook left as it was\n  {outcome.error}")
            print(f"  the refused run: _build/failed/{chapter.name}; `make diff` reads it")
            continue
        print(
            f"{chapter.stem}: {outcome.cells} cells, {outcome.seconds} s, "
            f"{outcome.peak_mib} MiB, {'outputs changed' if outcome.changed else 'no change'}",
            flush=True,
        )
    return 1 if failed else 0


def _list_command(root: Path) -> int:
    known, old = runs(root), {chapter.stem for chapter in stale(root)}
    for chapter in chapters(root):
        entry = known.get(chapter.stem, {})
        state = "stale" if chapter.stem in old else "fresh"
        seconds, peak = entry.get("seconds", "-"), entry.get("peak_mib", "-")
        print(f"{chapter.stem:32} {state:6} {seconds:>6} s {peak:>6} MiB")
    return 0


def _results_command(names: Sequence[str], root: Path) -> int:
    for chapter in select(root, names) if names else chapters(root):
        for result in results_of(read(chapter), chapter.stem):
            print(f"{chapter.stem} [{result.cell}]  {result.text}")
    return 0


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.notebooks", description="The chapters.")
    parser.add_argument("command", choices=("run", "list", "stale", "results"))
    parser.add_argument("chapters", nargs="*", help="numbers or beginnings of names")
    parser.add_argument("--all", action="store_true", help="run: all chapters, stale or not")
    given = parser.parse_args(arguments)
    try:
        if given.command == "run":
            return _run_command(given.chapters, given.all, root)
        if given.command == "results":
            return _results_command(given.chapters, root)
        if given.command == "stale":
            print("\n".join(chapter.stem for chapter in stale(root)))
            return 0
        return _list_command(root)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
