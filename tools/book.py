"""The one entry point of the book: `python tools/book.py COMMAND` (or `make COMMAND`).

Written with the standard library alone, so that a bare Python 3.11 or newer can start it, on Linux,
macOS and Windows. It makes the book's own virtual environment, installs the locked requirements,
fetches the data by pinned hash, and then lets the book's environment do the work. Every step can
be interrupted and repeated; a step whose inputs have not changed is not done again.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
MINIMUM = (3, 11)
TORCH_INDEX = "BOOK_TORCH_INDEX"  # the environment variable that names another index for torch


class BookError(Exception):
    """A failure with a sentence for the reader; no stack trace is shown for it."""


# --------------------------------------------------------------------------- the environment


def venv_dir() -> Path:
    """Where the book's virtual environment lies: `.venv`, or what BOOK_VENV names."""
    return Path(os.environ.get("BOOK_VENV") or ROOT / ".venv").absolute()


def venv_python() -> Path:
    """Return the interpreter of the book's virtual environment."""
    return venv_dir() / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def say(text: str) -> None:
    """Print one line at once, so that progress is seen when the output goes to a file."""
    print(text, flush=True)


def call(*args: str | Path, quiet: bool = False, **env: str) -> int:
    """Run the book's Python with `args` from the root of the book; return its exit status."""
    command = [str(venv_python()), *map(str, args)]
    environment = {**os.environ, "PYTHONUTF8": "1", **env}
    out = subprocess.DEVNULL if quiet else None
    return subprocess.run(
        command, cwd=ROOT, env=environment, stdout=out, stderr=out, check=False
    ).returncode


def must(sentence: str, *args: str | Path) -> None:
    """Run the book's Python, and stop with `sentence` if it fails."""
    if call(*args):
        raise BookError(sentence)


@contextlib.contextmanager
def only_one() -> Iterator[None]:
    """Let one set-up at a time touch the environment; the operating system frees a dead lock."""
    path = ROOT / "_build" / "setup.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8") as lock:
        told = False
        while not try_lock(lock):
            if not told:
                say("another set-up is at work on this book: waiting for it")
                told = True
            time.sleep(1)
        yield


def try_lock(lock: IO[str]) -> bool:
    """Take the lock on an open file if nobody has it; tell whether it worked."""
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def wanted_state() -> dict[str, str]:
    """Say what a finished set-up depends on; a stamp of it lies in the environment."""
    lock = (ROOT / "requirements.txt").read_bytes() + (ROOT / "pyproject.toml").read_bytes()
    return {
        "requirements": hashlib.sha256(lock).hexdigest(),
        "python": platform.python_version(),
        "root": str(ROOT),
    }


def stamp() -> Path:
    """Return the file that is written last, so that an interrupted set-up is not taken for done."""
    return venv_dir() / "book-setup.json"


def is_ready() -> bool:
    """Tell whether the environment was finished for just these requirements and this folder."""
    try:
        done = dict(json.loads(stamp().read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return False
    wanted = wanted_state()
    # The environment keeps the Python that it was made with, whatever Python started this script.
    same = (done.get(k) == wanted[k] for k in ("requirements", "root"))
    return venv_python().exists() and all(same)


def make_venv() -> None:
    """Make the virtual environment, anew if what lies there does not start."""
    if venv_python().exists():
        probe = [str(venv_python()), "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"]
        with contextlib.suppress(OSError):
            if subprocess.run(probe, capture_output=True, check=False).returncode == 0:
                return
        if not ours():
            raise BookError(
                f"{venv_dir()} holds something that the book did not make, and that cannot serve "
                "as its environment: let BOOK_VENV name an empty folder, or leave it unset."
            )
        say("the virtual environment is broken or too old: making it anew")
        shutil.rmtree(venv_dir())
    say(f"making the virtual environment in {venv_dir()}")
    venv_dir().mkdir(parents=True, exist_ok=True)
    marker().write_text("This environment was made by tools/book.py.\n", encoding="utf-8")
    venv.EnvBuilder(with_pip=True, symlinks=os.name != "nt").create(venv_dir())


def marker() -> Path:
    """Return the file by which the book knows an environment that it made itself."""
    return venv_dir() / "made-by-the-book.txt"


def ours() -> bool:
    """Tell whether the book made the environment, and so may delete it."""
    return marker().exists() or venv_dir() == ROOT / ".venv"


def torch_pin() -> str:
    """Return the requirement that pins torch, as requirements.txt has it."""
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return next(line for line in lines if line.startswith("torch=="))


def install_torch(index: str | None) -> None:
    """Install torch by itself, from `index` if one is named, and warn where CUDA would come along.

    On Linux the usual index serves a torch that brings gigabytes of CUDA packages. pip prefers a
    build marked `+cpu` of the same version wherever the machine's configuration offers one, so it
    is enough to ask what pip would take, and to say so before it is taken.
    """
    if index:
        say(f"torch: the build that {index} offers")
        must(
            f"torch could not be installed from {index}: check the address and the network, "
            "then run the same command again.",
            "-m", "pip", "install", "--quiet", "--no-deps", "--index-url", index, torch_pin(),
        )  # fmt: skip
        return
    pinned = torch_pin().removeprefix("torch==")
    if not sys.platform.startswith("linux") or pinned in installed_version("torch"):
        return
    report = venv_dir() / "torch-report.json"
    ask = ["install", "--quiet", "--dry-run", "--no-deps", "--report", str(report), torch_pin()]
    if call("-m", "pip", *ask):
        return  # the main installation says what is wrong
    found = json.loads(report.read_text(encoding="utf-8"))["install"]
    needs = " ".join(found[0]["metadata"].get("requires_dist", [])) if found else ""
    if "nvidia" in needs or "cuda" in needs:
        say(
            "note: pip offers only the CUDA build of torch here, several gigabytes that the book "
            f"does not need. To take the CPU build, stop now (Ctrl-C), set {TORCH_INDEX} to the "
            "CPU index named on pytorch.org's 'Start locally' page, and run the command again."
        )


def installed_version(package: str) -> str:
    """Return the version of `package` in the book's environment, or an empty string."""
    code = f"import importlib.metadata as m; print(m.version({package!r}))"
    done = subprocess.run(
        [str(venv_python()), "-c", code], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def install_packages() -> None:
    """Install the locked requirements, naming each package as pip comes to it."""
    command = [str(venv_python()), "-m", "pip", "install", "--disable-pip-version-check",
               "--progress-bar", "off", "-r", "requirements.txt"]  # fmt: skip
    if os.environ.get("BOOK_OFFLINE") == "1":
        command.append("--no-index")
    environment = {**os.environ, "PYTHONUTF8": "1"}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            if line.startswith(("Collecting", "Installing", "Successfully")):
                print(f"  {line.strip()[:100]}", flush=True)
    if pip.returncode:
        raise BookError(
            "The requirements could not be installed: see pip's message above. "
            "Connect to the network (or configure pip's index) and run it again."
        )


def setup(options: argparse.Namespace) -> None:
    """Make everything ready: environment, requirements, `lib`, data. Fast when nothing changed."""
    start = time.monotonic()
    with only_one():
        if not is_ready():
            make_venv()
            stamp().unlink(missing_ok=True)  # what is half done must not be taken for done
            install_torch(getattr(options, "torch_index", None) or os.environ.get(TORCH_INDEX))
            say("installing the locked requirements (minutes the first time)")
            install_packages()
            # Without isolation the build takes the locked setuptools and needs no network.
            must(
                "The book's own package could not be installed: see the message above.",
                "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
                "--disable-pip-version-check", "-e", ".",
            )  # fmt: skip
            stamp().write_text(json.dumps(wanted_state(), indent=1), encoding="utf-8")
        if call("-c", "import lib.data", quiet=True):
            stamp().unlink(missing_ok=True)
            raise BookError("The environment is damaged: run the same command again to mend it.")
        must("The data are not complete: see the message above.", "-m", "lib.data", "fetch", "-q")
    if options.command == "setup" or time.monotonic() - start > 10:
        say(f"set-up ready ({time.monotonic() - start:.0f} s)")


# --------------------------------------------------------------------------- the commands


def book(options: argparse.Namespace) -> None:
    """Build the website and print the path of its first page."""
    setup(options)
    must("The site was not built: see the messages above.", "-m", "tools.site")


STAGES: dict[str, list[list[str]]] = {
    "static": [
        ["-m", "ruff", "check", "."],
        ["-m", "ruff", "format", "--check", "--quiet", "."],
        ["-m", "mypy"],
        ["-m", "tools.experiments", "stale"],
        ["-m", "yamllint", "--strict", "."],
        ["-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows",
         *sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob(".github/workflows/*.yml"))],
    ],
    "unit": [["-m", "pytest", "-q", "-n", "2", "--dist", "worksteal"]],
    "notebooks": [["-m", "tools.check_notebooks"]],
    "site": [["-m", "tools.site", "--check"]],
    "browser": [
        ["-m", "tools.browser"],
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/browser/planted.py"],
    ],
}  # fmt: skip
NOT_RUN = 77  # the exit status of a check that could not be made here
MISSING = {
    "browser": "no Chromium found; install Chromium from your system's packages (Debian: "
    "apt-get install chromium), or let BOOK_CHROMIUM name a Chromium, Chrome or Edge"
}


def run_stage(name: str) -> str:
    """Run the commands of a stage: "passed", "FAILED", or "not run" where something is missing."""
    codes: list[int] = []
    for command in STAGES[name]:
        codes.append(call(*command, OMP_NUM_THREADS="2"))
        if codes[-1] == NOT_RUN:
            break
    if any(code not in (0, NOT_RUN) for code in codes):
        return "FAILED"
    return "not run" if NOT_RUN in codes else "passed"


def summary(rows: list[tuple[str, str, float]]) -> str:
    """Count what passed, what failed and what was not run; the last is never among the first."""
    said = [how for _, how, _ in rows]
    text = f"stages: {said.count('passed')} passed, {said.count('FAILED')} failed"
    return text + (f", {said.count('not run')} not run" if "not run" in said else "")


def test(options: argparse.Namespace) -> None:
    """Run every check; a failed stage does not hide the next one."""
    start = time.monotonic()
    setup(options)
    rows = [("set-up", "passed", time.monotonic() - start)]
    for name in options.only or STAGES:
        if name not in STAGES:
            raise BookError(f"There is no stage {name!r}; the stages are {', '.join(STAGES)}.")
        say(f"\n=== {name} " + "=" * (60 - len(name)))
        began = time.monotonic()
        rows.append((name, run_stage(name), time.monotonic() - began))
    say("")
    for name, how, seconds in rows:
        say(f"{name:<10} {how:<7} {seconds:6.0f} s")
    for name in (name for name, how, _ in rows if how == "not run"):
        say(f"not run: 1 stage ({name}): {MISSING.get(name, 'something is missing')}")
    say(summary(rows))
    if any(how == "FAILED" for _, how, _ in rows):
        raise BookError("Not every check passed.")


def serve(options: argparse.Namespace) -> None:
    """Serve the built site on this machine alone."""
    if not (ROOT / "_build/html/index.html").exists():
        book(options)
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", options.port)) == 0:
            raise BookError(
                f"Port {options.port} is taken: python tools/book.py serve --port "
                f"{options.port + 1}"
            )
    say(f"http://127.0.0.1:{options.port}/  (Ctrl-C ends it)")
    command = [sys.executable, "-m", "http.server", str(options.port), "--bind", "127.0.0.1",
               "--directory", str(ROOT / "_build" / "html")]  # fmt: skip
    with contextlib.suppress(KeyboardInterrupt):
        subprocess.run(command, check=False)


def lab(options: argparse.Namespace) -> None:
    """Open JupyterLab on the chapters; their stored figures are shown because they are ours."""
    setup(options)
    notebooks = sorted((ROOT / "chapters").glob("*.ipynb"))
    call("-m", "jupyter", "trust", *notebooks, quiet=True)
    with contextlib.suppress(KeyboardInterrupt):
        must("JupyterLab did not start: see its message above.",
             "-m", "jupyter", "lab", "--notebook-dir", ROOT)  # fmt: skip


def doctor(options: argparse.Namespace) -> None:
    """Report on this machine without changing anything: it must work when the rest does not."""
    python = str(venv_python()) if venv_python().exists() else sys.executable
    if subprocess.run([python, "-m", "tools.doctor"], cwd=ROOT, check=False).returncode:
        raise BookError("Something needs a fix: see the lines that begin with FIX.")


def module(name: str, sentence: str) -> Callable[[argparse.Namespace], None]:
    """Return a command that sets up and hands its arguments to a module of the book's tools."""

    def command(options: argparse.Namespace) -> None:
        setup(options)
        must(sentence, "-m", *name.split(), *options.arguments)

    return command


def audit(options: argparse.Namespace) -> None:
    """Make the slow checks: planted errors in lib, axe on every word, Lighthouse.

    With names of modules, only errors planted in those.
    """
    setup(options)
    failed = [call("-m", "tools.audit", *options.arguments)]
    if not options.arguments:
        for command in SLOW:
            say(f"\n=== {command[1]} " + "=" * (60 - len(command[1])))
            failed.append(call(*command))
    if NOT_RUN in failed:
        parts = f"{failed.count(NOT_RUN)} of {len(failed)} parts of the audit"
        say(f"not run: {parts}: a browser or npm is missing, see above")
    if any(code not in (0, NOT_RUN) for code in failed):
        raise BookError("The audit found a gap.")


SLOW = [
    ["-m", "tools.site"],
    ["-m", "tools.browser", "--everything", "--table", "data/browser.json"],
    ["-m", "tools.lighthouse", "--table", "data/browser.json"],
    ["-m", "tools.print", "--check", "--site", "_build/html"],
]


def clean(options: argparse.Namespace) -> None:
    """Delete what was built; the environment and the data stay."""
    shutil.rmtree(ROOT / "_build", ignore_errors=True)


COMMANDS: dict[str, tuple[Callable[[argparse.Namespace], None], str]] = {
    "setup": (setup, "environment, locked requirements, verified data"),
    "book": (book, "from a bare clone to the built website"),
    "test": (test, "from a bare clone to every check"),
    "serve": (serve, "the built site on http://127.0.0.1"),
    "lab": (lab, "JupyterLab on the chapters"),
    "run": (
        module("tools.notebooks run", "A chapter did not run: its stored notebook is unchanged."),
        "execute the chapters that are stale, or those named",
    ),
    "experiments": (
        module(
            "tools.experiments run",
            "An experiment is not finished: its stored result is unchanged.",
        ),
        "run the experiments that are stale, or those named (long)",
    ),
    "diff": (module("tools.diff", "No comparison was made."), "old and new results by key"),
    "status": (module("tools.status", "No status was made."), "print _build/status.json"),
    "bench": (module("tools.bench", "A benchmark failed."), "race lib against its peers"),
    "audit": (audit, "planted errors, every coloured word, Lighthouse: nightly"),
    "print": (
        module("tools.print", "The PDF and the EPUB were not made."),
        "the whole book as PDF and EPUB in _build/print",
    ),
    "links": (module("tools.links", "A link is dead."), "ask every outside link for an answer"),
    "numbers": (
        module("tools.numbers", "Prose and results differ."),
        "compare the numbers of the prose with the results; --fix rewrites them",
    ),
    "doctor": (doctor, "this machine, for a bug report"),
    "lock": (module("tools.lock", "Nothing was locked."), "requirements.in to requirements.txt"),
    "clean": (clean, "delete _build"),
}


def parser() -> argparse.ArgumentParser:
    """Return the command line of the book."""
    p = argparse.ArgumentParser(prog="book.py", description=(__doc__ or "").split("\n\n")[0])
    subs = p.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (function, text) in COMMANDS.items():
        sub = subs.add_parser(name, help=text, description=text)
        sub.set_defaults(function=function)
        if name in {"setup", "book", "test"}:
            sub.add_argument("--torch-index", metavar="URL", help="take torch from this index")
        if name == "test":
            sub.add_argument("--only", nargs="+", metavar="STAGE", help=", ".join(STAGES))
        if name == "serve":
            sub.add_argument("--port", type=int, default=8000)
        if function.__name__ in {"command", "audit"}:
            sub.add_argument("arguments", nargs="*", help="handed to the tool")
    return p


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    if sys.version_info < MINIMUM:
        found = platform.python_version()
        say(f"error: the book needs Python 3.11 or newer, and this is {found}: start it with one.")
        return 2
    options, extra = parser().parse_known_args(arguments)
    if extra and not hasattr(options, "arguments"):
        parser().error(f"unknown arguments: {' '.join(extra)}")
    try:
        if extra:
            options.arguments += extra
        options.function(options)
    except BookError as error:
        say(f"error: {error}")
        return 1
    except OSError as error:
        say(f"error: {error.strerror or error}: {error.filename or ROOT}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped; run the same command again to go on where it ended")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
