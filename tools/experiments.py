"""Run the experiments: what takes longer than a chapter may, kept as one small file each.

Each module of ``experiments/`` yields rows, which go to ``data/results/NAME.json`` with its recipe,
seeds, versions, seconds and the fingerprint of its code. Rows that are finished lie in the data
cache until all are there: an interrupted run goes on where it stopped, and the old result stays
as it is until the new one is whole.

    python -m tools.experiments list             what there is, fresh or stale
    python -m tools.experiments stale            warn of those whose code has changed (exit 0)
    python -m tools.experiments run              run what is stale or missing
    python -m tools.experiments run NAME...      run these, stale or not; --all for all
        --minutes 9                              begin no row after nine minutes
        --keep method=lsa                        keep older rows which the change does not touch,
                                                 or --keep all, where it touches none
"""

from __future__ import annotations

import argparse
import ast
import importlib.metadata
import importlib.util
import inspect
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

from lib.experiment import NAME, ExperimentError, Row, Stored, rounded, stored
from tools import notebooks
from tools.notebooks import ROOT

PACKAGES = ("numpy", "scipy", "numba", "gensim", "torch")
LARGEST = 1_000_000  # bytes of a result
Say = Callable[[str], object]


def _print(line: str) -> None:
    print(line, flush=True)


# ---------------------------------------------------------------- what there is


def names(root: Path = ROOT) -> list[str]:
    """Return the names of the experiments: the modules of ``experiments/``."""
    files = (root / "experiments").glob("[!_]*.py")
    return sorted(path.stem for path in files)


def fingerprint(root: Path, name: str) -> str:
    """Hash what a result depends on: the experiment, the modules behind it, the data they load.

    Docstrings and comments do not count. Versions of packages do not either: the result says
    which it was made with.
    """
    tree = ast.parse((root / "experiments" / f"{name}.py").read_text(encoding="utf-8"))
    parts = {"experiment": notebooks.meaning(tree)} | notebooks.code_behind(root, [tree])
    return notebooks.short_hash(parts)


def state(root: Path, name: str) -> str:
    """Tell whether a result is ``fresh``, ``stale``, ``missing`` or ``broken``."""
    folder = root / "data" / "results"
    if not (folder / f"{name}.json").is_file():
        return "missing"
    try:
        made_by = stored(name, folder=folder).fingerprint
    except ExperimentError:
        return "broken"
    return "fresh" if made_by == fingerprint(root, name) else "stale"


def states(root: Path = ROOT) -> dict[str, str]:
    """Return the state of every experiment."""
    return {name: state(root, name) for name in names(root)}


def problems(root: Path = ROOT) -> list[str]:
    """Return what is wrong with the stored results, but for stale ones: a line each."""
    folder, known = root / "data" / "results", names(root)
    found = [
        f"experiments/{name}.py has no good name" for name in known if not NAME.fullmatch(name)
    ]
    for name in known:
        try:
            text = _as_text(vars(stored(name, folder=folder)))
        except ExperimentError as error:
            found.append(str(error))
            continue
        content = (folder / f"{name}.json").read_bytes()
        if content.replace(b"\r\n", b"\n") != text.encode("utf-8"):
            found.append(f"data/results/{name}.json was edited by hand: run the experiment")
        if len(content) > LARGEST:
            found.append(f"data/results/{name}.json has more than {LARGEST:,} bytes")
    strangers = {path.stem for path in folder.glob("*") if path.suffix != ".json"}
    strangers |= {path.stem for path in folder.glob("*.json")} - set(known)
    found += [f"data/results: {name} belongs to no experiment" for name in sorted(strangers)]
    return found


# ---------------------------------------------------------------- rows on the way


@dataclass
class Partial:
    """Finished rows of an unfinished run, in a file to which every row is added at once."""

    path: Path
    mark: str
    rows: list[Row] = field(default_factory=list)
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    kept: set[str] = field(default_factory=set)
    points: list[str] = field(default_factory=list)
    anew: int = 0
    """Rows that the code as it is has made."""

    def read(self) -> Partial:
        """Take what earlier runs of the same code left."""
        for line in self.lines():
            if line["fingerprint"] == self.mark:
                self._take(line)
        return self

    def lines(self) -> list[dict[str, Any]]:
        """Return all whole lines of the file; the last may be torn."""
        found = []
        text = self.path.read_text(encoding="utf-8") if self.path.is_file() else ""
        for line in text.split("\n"):
            try:
                found.append(dict(json.loads(line)))
            except ValueError:
                continue
        return found

    def add(
        self, row: Row, seconds: float, cpu_seconds: float, *, point: str = "", kept: str = ""
    ) -> None:
        """Write a row down.

        `point` is how the progress named it, and `kept` the condition by which it, an older row,
        is taken over.
        """
        line: dict[str, Any] = {"seconds": seconds, "cpu_seconds": cpu_seconds}
        line |= {"fingerprint": self.mark, "row": row, "point": point, "kept": kept}
        self._take(line)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8", newline="\n") as file:
            file.write("\n" * self._torn() + json.dumps(line, ensure_ascii=False) + "\n")

    def _torn(self) -> bool:
        content = self.path.read_bytes()
        return bool(content) and not content.endswith(b"\n")

    def _take(self, line: dict[str, Any]) -> None:
        self.rows.append(line["row"])
        self.seconds += line["seconds"]
        self.cpu_seconds += line["cpu_seconds"]
        self.kept |= {line.get("kept", "")} - {""}
        self.anew += not line.get("kept")
        self.points.append(line.get("point", ""))


def _cache(root: Path) -> Path:
    named = os.environ.get("BOOK_DATA_DIR")
    return (Path(named).expanduser() if named else root / "data" / "cache") / "experiments"


def _keep(partial: Partial, root: Path, name: str, conditions: Sequence[str], say: Say) -> None:
    """Take rows of older code that meet a condition such as ``method=lsa``, or ``all``."""
    older = [line for line in partial.lines() if line["fingerprint"] != partial.mark]
    older = [line for line in older if line["fingerprint"] == older[-1]["fingerprint"]]
    if older and not conditions and not partial.rows:
        say(f"{name}  {len(older)} finished rows are of other code and left out; see --keep")
    last = _last(root, name)
    whole = [_share(row, last) for row in last.rows] if last else []
    for condition in conditions:
        anew = list(zip(partial.points, partial.rows, strict=True))
        key, _, value = condition.partition("=")
        for lines in (older, whole):
            meet = [
                line for line in lines if condition == "all" or str(line["row"].get(key)) == value
            ]
            if meet:
                break
        else:
            raise ExperimentError(f"{name}: no older row has {condition}")
        for line in meet:
            point = line.get("point", "")
            if not any(_same_point(point, line["row"], *new) for new in anew):
                partial.add(line["row"], line["seconds"], line["cpu_seconds"],
                            point=point, kept=condition)  # fmt: skip


def _last(root: Path, name: str) -> Stored | None:
    try:
        return stored(name, folder=root / "data" / "results")
    except ExperimentError:
        return None


def _share(row: Row, last: Stored) -> dict[str, Any]:
    """Return a stored row with its share of what the whole run cost."""
    n = len(last.rows)
    return {"row": row, "seconds": last.seconds / n, "cpu_seconds": last.cpu_seconds / n}


def _same_point(point: str, row: Row, new_point: str, new_row: Row) -> bool:
    """Tell whether an older row has been run again: by its name, or by all but its decimals."""
    if point and new_point:
        return point == new_point
    return all(new_row.get(k) == v for k, v in row.items() if not isinstance(v, float))


# ---------------------------------------------------------------- running


def load(root: Path, name: str) -> ModuleType:
    """Import an experiment and look whether it is one.

    Raises
    ------
    ExperimentError
        If there is no such experiment, or it lacks a part; the message says which.
    """
    if name not in names(root):
        there = ", ".join(names(root)) or "no module in experiments/"
        raise ExperimentError(f"no experiment is called {name!r}; there are: {there}")
    path = root / "experiments" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"experiments.{name}", path)
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    kinds = {"__doc__": str, "RECIPE": dict, "SEEDS": list | tuple | range}
    for part, kind in kinds.items():
        if not isinstance(getattr(module, part, None), kind):
            raise ExperimentError(f"experiments/{name}.py has no {part}: experiments/__init__.py")
    if not callable(getattr(module, "run", None)):
        raise ExperimentError(f"experiments/{name}.py has no run(progress)")
    return module


def versions() -> dict[str, str]:
    """Return what the numbers may depend on: packages, platform, threads."""
    found = {name: importlib.metadata.version(name) for name in PACKAGES}
    return found | {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "threads": os.environ.get("OMP_NUM_THREADS", "not set"),
    }


def _cpu() -> float:
    """Processor seconds of this process and of its finished children."""
    return sum(os.times()[:4])


class Reporter:
    """Prints a line with the time elapsed and, for ``3/15 method lsa``, the time left."""

    def __init__(self, name: str, say: Say) -> None:
        self.name, self.say = name, say
        self.begin, self.first = time.perf_counter(), 0
        self.point = ""  # what came after 3/15

    def __call__(self, text: str) -> None:
        """Report what comes next."""
        elapsed = time.perf_counter() - self.begin
        line = f"{self.name}  {_clock(elapsed)}  {text}"
        if place := re.match(r"(\d+)/(\d+) *", text):
            number, total = map(int, place.groups())
            self.first, self.point = self.first or number, text[place.end() :]
            if number > self.first:
                left = elapsed / (number - self.first) * (total - number + 1)
                line += f"  (about {_clock(left)} left)"
        self.say(line)


def _clock(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes}:{seconds:02d}"


def _as_text(result: dict[str, Any]) -> str:
    """Return a file's content: keys in order, a line a row."""
    rows = [json.dumps(row, ensure_ascii=False, sort_keys=True) for row in result["rows"]]
    rest = json.dumps({**result, "rows": []}, ensure_ascii=False, indent=1, sort_keys=True)
    text = rest.replace('\n "rows": []', '\n "rows": [\n  ' + ",\n  ".join(rows) + "\n ]", 1)
    return text + "\n"


def run_one(
    root: Path,
    name: str,
    *,
    say: Say = _print,
    keep: Sequence[str] = (),
    minutes: float = float("inf"),
) -> bool:
    """Run an experiment, going on with what an interrupted run left.

    Parameters
    ----------
    root : Path
        The book.
    name : str
        Of the experiment.
    say : callable
        Is told the progress, line by line.
    keep : sequence of str
        Conditions, as ``method=lsa``: older rows that meet one are kept, since whoever runs this
        knows that the change of code does not touch them. The result says so.
    minutes : float
        No row is begun after so many minutes.

    Returns
    -------
    bool
        Whether the result is whole and was written.

    Raises
    ------
    ExperimentError
        If it is no experiment, is being run already, or found too much or nothing.
    """
    from filelock import FileLock, Timeout

    mark, module = fingerprint(root, name) if name in names(root) else "", load(root, name)
    path = _cache(root) / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(path.with_suffix(".lock"), timeout=0):
            partial = Partial(path, mark).read()
            _keep(partial, root, name, keep, say)
            if not _rows(module, partial, Reporter(name, say), minutes):
                say(f"{name}  stopped after {minutes:g} minutes, {len(partial.rows)} rows kept")
                return False
            _write(root, name, module, partial)
            path.unlink(missing_ok=True)
    except Timeout:
        raise ExperimentError(f"{name} is being run already: wait for it") from None
    say(f"{name}  {len(partial.rows)} rows in {_clock(partial.seconds)}: data/results/{name}.json")
    return True


def _rows(module: ModuleType, partial: Partial, progress: Reporter, minutes: float) -> bool:
    """Add the rows that are missing; return whether all are there."""
    resumes = "done" in inspect.signature(module.run).parameters
    if not resumes:  # it begins anew, so what is there does not count
        partial.rows.clear()
        partial.points.clear()
        partial.seconds = partial.cpu_seconds = 0.0
    found: Iterable[Row] = (
        module.run(progress, list(partial.rows)) if resumes else module.run(progress)
    )
    start = clock = time.perf_counter()
    cpu = _cpu()
    for row in found:
        now, now_cpu = time.perf_counter(), _cpu()
        partial.add(rounded(row), now - clock, now_cpu - cpu, point=progress.point)
        clock, cpu = now, now_cpu
        if now - start > 60 * minutes:
            return False
    return True


def _write(root: Path, name: str, module: ModuleType, partial: Partial) -> None:
    if not partial.rows:
        raise ExperimentError(f"{name} found no rows: the result is left as it was")
    last = _last(root, name)
    again = last is not None and partial.anew == 0  # then nothing ran today, on these versions
    result = {
        "name": name,
        "rows": partial.rows,
        "recipe": rounded(module.RECIPE),
        "seeds": rounded(list(module.SEEDS)),
        "versions": last.versions if last and again else versions(),
        "seconds": round(partial.seconds, 1),
        "cpu_seconds": round(partial.cpu_seconds, 1),
        "date": last.date if last and again else datetime.now(UTC).strftime("%Y-%m-%d"),
        "fingerprint": partial.mark,
        "kept": sorted(partial.kept),
    }
    text = _as_text(result)
    if len(text.encode("utf-8")) > LARGEST:
        raise ExperimentError(
            f"{name}: the result has more than {LARGEST:,} bytes; store less a row"
        )
    notebooks.write_text(root / "data" / "results" / f"{name}.json", text)


# ---------------------------------------------------------------- command line


def _list_command(root: Path) -> int:
    for name, now in states(root).items():
        line = f"{name:32} {now:8}"
        if now in ("fresh", "stale"):
            found = stored(name, folder=root / "data" / "results")
            line += f"{len(found.rows):>5} rows {found.seconds:>8.0f} s  {found.date}"
        print(line)
    return 0


def _stale_command(root: Path) -> int:
    for name, now in states(root).items():
        if now != "fresh":
            print(f"warning: the result of the experiment {name} is {now}: "
                  f"python tools/book.py experiments {name}")  # fmt: skip
    return 0


def _run_command(given: argparse.Namespace, root: Path) -> int:
    now = states(root)
    chosen = given.names or [name for name in now if given.all or now[name] != "fresh"]
    if not chosen:
        print("nothing is stale")
    failed = 0
    for name in chosen:
        try:
            whole = run_one(root, name, keep=given.keep, minutes=given.minutes)
        except ExperimentError:
            raise
        except Exception as error:
            print(f"{name}: FAILED, finished rows are kept, the stored result is as it was\n"
                  f"  {type(error).__name__}: {error}")  # fmt: skip
            whole = False
        failed += not whole
    return 1 if failed else 0


def main(arguments: Sequence[str] | None = None, *, root: Path = ROOT) -> int:
    """Run the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.experiments", description="The experiments."
    )
    parser.add_argument("command", choices=("list", "stale", "run"))
    parser.add_argument("names", nargs="*", help="run: these, stale or not")
    parser.add_argument("--all", action="store_true", help="run: all")
    parser.add_argument("--stale", action="store_true", help="run: what is stale (the default)")
    parser.add_argument("--keep", action="append", default=[], metavar="FIELD=VALUE",
                        help="run: keep older rows with this value, or all")  # fmt: skip
    parser.add_argument("--minutes", type=float, default=float("inf"),
                        help="run: begin no row after so many minutes")  # fmt: skip
    given = parser.parse_args(arguments)
    try:
        if given.command == "run":
            return _run_command(given, root)
        return _list_command(root) if given.command == "list" else _stale_command(root)
    except ExperimentError as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("\nstopped; finished rows are kept: run the same command again to go on")
        return 130


if __name__ == "__main__":
    for variable, value in notebooks.FIXED_ENVIRONMENT.items():  # as for chapters, if not set
        os.environ.setdefault(variable, value)
    sys.exit(main())
