"""Ask whether the tests would notice: plant errors in `lib` and see that a test fails.

`tests/mutations.toml` lists small errors in formulas, written by somebody who did not write the
code: a sign, an axis, a constant, a default. Each is planted in a copy of the book, and the
tests of its module must fail. Then every module is emptied in turn (each function returns 0), and
its tests must fail too. The share that was caught goes to data/audit.json, with a fingerprint of
the code that was audited.
"""

from __future__ import annotations

import argparse
import ast
import concurrent.futures
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = 0.95  # the share of planted errors that the tests must catch
SECONDS = 600  # an endless loop is noticed too, but named apart from a failing test


@dataclass(frozen=True)
class Mutation:
    """One error to plant: in `file`, the text `find` (once only) becomes `replace`."""

    file: str
    find: str
    replace: str
    why: str
    tests: tuple[str, ...] = ()

    def apply(self, source: str) -> str:
        """Return `source` with the error planted.

        Raises
        ------
        ValueError
            If `find` does not stand in the source exactly once: the code has moved on.
        """
        if (times := source.count(self.find)) != 1:
            raise ValueError(f"{self.file}: {self.find!r} stands there {times} times, not once")
        return source.replace(self.find, self.replace)

    def suites(self) -> list[str]:
        """Return the test files that should notice."""
        return list(self.tests) or [f"tests/test_{Path(self.file).stem.lstrip('_')}.py"]


def load_mutations(path: Path) -> list[Mutation]:
    """Read the list of errors to plant."""
    entries = tomllib.loads(path.read_text(encoding="utf-8"))["mutation"]
    return [Mutation(**{**e, "tests": tuple(e.get("tests", ()))}) for e in entries]


class _Emptied(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.FunctionDef:
        # Without its __init__ a class could not even be made, and no test would be asked.
        if not (node.name.startswith("__") and node.name.endswith("__")):
            node.body = [ast.Return(ast.Constant(0))]
        return node


def emptied(source: str) -> str:
    r"""Return `source` with the body of every function replaced by `return 0`.

    >>> print(emptied("def f(x):\n    return x + 1"))
    def f(x):
        return 0
    """
    return ast.unparse(ast.fix_missing_locations(_Emptied().visit(ast.parse(source))))


@contextmanager
def copies(number: int) -> Iterator[SimpleQueue[Path]]:
    """Give copies of the book to plant errors in; the book itself is never touched."""
    leave = shutil.ignore_patterns(".git", ".venv", "_build", "cache", "__pycache__", ".*_cache")
    pool: SimpleQueue[Path] = SimpleQueue()
    with tempfile.TemporaryDirectory() as folder:
        for i in range(number):
            pool.put(Path(shutil.copytree(ROOT, Path(folder) / f"book-{i}", ignore=leave)))
        yield pool


def run_tests(copy: Path, suites: list[str]) -> str:
    """Run `suites` in a copy of the book until one fails: "passed", "failed" or "timeout"."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(copy),
        "BOOK_DATA_DIR": os.environ.get("BOOK_DATA_DIR") or str(ROOT / "data" / "cache"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *suites]
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return "timeout"
    return "passed" if done.returncode == 0 else "failed"


def outcome(mutation: Mutation, pool: SimpleQueue[Path]) -> str:
    """Plant one error in a free copy, run its tests, and put the copy back in order."""
    copy = pool.get()
    path = copy / mutation.file
    source = path.read_text(encoding="utf-8")
    try:
        new = emptied(source) if mutation.find == "*" else mutation.apply(source)
        path.write_text(new, encoding="utf-8")
        return run_tests(copy, mutation.suites())
    finally:
        path.write_text(source, encoding="utf-8")
        pool.put(copy)


def emptied_modules(only: Collection[str] = ()) -> list[Mutation]:
    """Return the mutations that empty each module of `lib`, or only the named ones."""
    names = sorted(p.stem for p in (ROOT / "lib").glob("[a-z]*.py"))
    chosen = [n for n in names if not only or n in only]
    return [Mutation(f"lib/{n}.py", "*", "", "every function returns 0") for n in chosen]


def audited_code() -> str:
    """Return a fingerprint of `lib`, of the planted errors and of the tests they are put to."""
    listed = ROOT / "tests" / "mutations.toml"
    suites = {s for m in [*load_mutations(listed), *emptied_modules()] for s in m.suites()}
    files = [*sorted((ROOT / "lib").glob("*.py")), listed, *(ROOT / s for s in sorted(suites))]
    return hashlib.sha256(b"".join(f.read_bytes() for f in files)).hexdigest()[:16]


def audit(mutations: list[Mutation], workers: int, only: Collection[str] = ()) -> dict[str, object]:
    """Plant every error and every emptied module; return the shares and what went unnoticed."""
    code = audited_code()  # of now: the copies are made at the start
    planted = [*mutations, *emptied_modules(only)]
    suites = sorted({s for m in planted for s in m.suites()})
    with copies(workers) as pool, concurrent.futures.ThreadPoolExecutor(workers) as threads:
        copy = pool.get()
        if run_tests(copy, suites) != "passed":
            raise RuntimeError("the tests fail without a planted error: mend them first")
        pool.put(copy)
        said = {"failed": "caught", "timeout": "timeout", "passed": "MISSED"}
        outcomes = []
        for m, how in zip(planted, threads.map(lambda m: outcome(m, pool), planted), strict=True):
            outcomes.append(how)
            print(f"{said[how]:<7} {m.file:<22} {m.why}", flush=True)
    caught = [how != "passed" for how in outcomes]
    number = len(mutations)
    missed = [f"{m.file}: {m.why}" for m, seen in zip(planted, caught, strict=True) if not seen]
    return {
        "code": code,
        "mutations": number,
        "caught": sum(caught[:number]),
        "share": round(sum(caught[:number]) / max(number, 1), 4),
        "emptied_modules": len(planted) - number,
        "emptied_caught": sum(caught[number:]),
        "timeouts": outcomes.count("timeout"),
        "missed": missed,
    }


def main(arguments: list[str] | None = None) -> int:
    """Audit the tests; exit with 1 when too many planted errors go unnoticed."""
    parser = argparse.ArgumentParser(prog="audit", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("modules", nargs="*", help="only these modules of lib")
    parser.add_argument("--workers", type=int, default=2)
    options = parser.parse_args(arguments)
    mutations = load_mutations(ROOT / "tests" / "mutations.toml")
    if options.modules:
        mutations = [m for m in mutations if Path(m.file).stem in options.modules]
    try:
        result = audit(mutations, options.workers, options.modules)
    except (RuntimeError, ValueError) as error:
        print(f"error: {error}")
        return 1
    print(f"{result['caught']} of {result['mutations']} planted errors caught")
    print(f"{result['emptied_caught']} of {result['emptied_modules']} emptied modules noticed")
    if not options.modules:
        text = json.dumps(result, indent=1) + "\n"
        (ROOT / "data" / "audit.json").write_text(text, encoding="utf-8")
    enough = float(str(result["share"])) >= REQUIRED
    return int(not (enough and result["emptied_caught"] == result["emptied_modules"]))


if __name__ == "__main__":
    sys.exit(main())
