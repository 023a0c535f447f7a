"""Turn requirements.in into requirements.txt: exact versions for all systems, Python 3.11 and on.

Uses uv's universal resolution (`pip install uv` into any environment first; it is not needed
to read, run or test the book). torch is pinned apart: resolved together with the rest it would
write gigabytes of CUDA packages into the lock, which nobody needs to run the book.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

TORCH = "torch==2.13.0"
HEADER = "# Made by `python tools/book.py lock` from requirements.in: do not edit.\n"


def lock(root: Path) -> str:
    """Resolve `root`/requirements.in and return the text of the lock.

    Raises
    ------
    RuntimeError
        If uv is missing or finds no set of versions; the message is uv's own.
    """
    beside = str(Path(sys.executable).parent)
    uv = shutil.which("uv", path=os.pathsep.join([beside, os.environ.get("PATH", "")]))
    if uv is None:
        raise RuntimeError("uv is not installed: run `pip install uv`, then lock again.")
    command = [uv, "pip", "compile", "--universal", "--python-version", "3.11", "--no-header",
               "--no-annotate", "--quiet", str(root / "requirements.in")]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"no versions fit requirements.in: {done.stderr.strip()}")
    return HEADER + done.stdout + TORCH + "\n"


def main() -> int:
    """Write requirements.txt beside requirements.in."""
    root = Path(__file__).resolve().parent.parent
    try:
        text = lock(root)
    except RuntimeError as error:
        print(f"error: {error}")
        return 1
    (root / "requirements.txt").write_text(text, encoding="utf-8")
    print(f"requirements.txt: {len(text.splitlines())} lines")
    return 0


if __name__ == "__main__":
    sys.exit(main())
