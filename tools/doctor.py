"""Tell what this machine is and whether the book can run on it, for pasting into a bug report."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NEEDED_GIB = 8  # environment and data, measured on Linux, with room to build


@dataclass(frozen=True)
class Finding:
    """One line of the report: what was looked at, what was found, whether it will do."""

    what: str
    found: str
    good: bool
    fix: str = ""

    def line(self) -> str:
        """Return the finding as one line of text."""
        mark = "ok  " if self.good else "FIX "
        return f"{mark}{self.what:<22} {self.found}" + ("" if self.good else f" -> {self.fix}")


def check_python(version: tuple[int, ...] = tuple(sys.version_info[:3])) -> Finding:
    """Tell whether this Python is new enough, and whether it is the reference one."""
    text = ".".join(map(str, version))
    note = "" if version[:2] == (3, 11) else " (the stored outputs come from 3.11)"
    good = version >= (3, 11)
    return Finding("python", text + note, good, "start the book with Python 3.11 or newer")


def locked(root: Path = ROOT) -> dict[str, str]:
    """Return the locked packages without a marker: name to version."""
    lines = (root / "requirements.txt").read_text(encoding="utf-8").splitlines()
    pins = (line.split("==") for line in lines if "==" in line and ";" not in line)
    return {name.strip(): version.strip() for name, version in pins}


def check_packages(pins: dict[str, str]) -> Finding:
    """Compare the installed versions with the lock; a suffix such as `+cpu` is no difference."""
    wrong = []
    for name, version in pins.items():
        try:
            have = importlib.metadata.version(name).split("+")[0]
        except importlib.metadata.PackageNotFoundError:
            have = "missing"
        if have != version:
            wrong.append(f"{name} {have} instead of {version}")
    found = f"{len(pins) - len(wrong)} of {len(pins)} as locked"
    fix = "run `python tools/book.py setup`: " + ", ".join(wrong[:5])
    return Finding("packages", found, not wrong, fix)


def check_lib() -> Finding:
    """Tell whether `import lib` gives the book's package and not a stray folder of that name."""
    try:
        import lib
    except ImportError as error:
        return Finding("lib", str(error), False, "run `python tools/book.py setup`")
    where = getattr(lib, "__file__", None)
    good = where is not None and Path(where).resolve().parent == ROOT / "lib"
    found = f"{getattr(lib, '__version__', 'no version')} from {where}"
    return Finding("lib", found, good, "run `python tools/book.py setup` in the book's folder")


def check_data() -> Finding:
    """Tell where the data lie and whether each member has its checksum."""
    try:
        from lib import data
    except ImportError as error:
        return Finding("data", str(error), False, "run `python tools/book.py setup`")
    try:
        found_now = data.verify()
    except data.DataError as error:
        return Finding("data", str(error), False, "run `python tools/book.py setup`")
    faults = {name: state for name, state in found_now.items() if state != "ok"}
    number = len(found_now)  # those that are fetched; our own come with the book
    found = f"{number - len(faults)} of {number} sets and models with the right checksums"
    named = "; ".join(f"{name}: {fault}" for name, fault in faults.items())
    return Finding("data", found, not faults, f"run `python tools/book.py setup` ({named})")


def check_disk(folder: Path = ROOT) -> Finding:
    """Tell how much room is left where the book lies."""
    free = shutil.disk_usage(folder).free / 2**30
    return Finding("free disk", f"{free:.0f} GiB", free > 1, f"a set-up needs {NEEDED_GIB} GiB")


def report() -> list[Finding]:
    """Return every finding, in the order of the report."""
    machine = f"{platform.system()} {platform.release()} {platform.machine()}"
    cores = f"{os.cpu_count()} cores"
    return [
        Finding("system", f"{machine}, {cores}", True),
        check_python(),
        check_packages(locked()),
        check_lib(),
        check_data(),
        check_disk(),
    ]


def main() -> int:
    """Print the report; exit with 1 if something needs a fix."""
    findings = report()
    print("\n".join(f.line() for f in findings))
    return int(not all(f.good for f in findings))


if __name__ == "__main__":
    sys.exit(main())
