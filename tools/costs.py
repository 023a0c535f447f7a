"""Measure what a finished set-up takes on this disk, as ``data/setup.json``.

``python -m tools.costs`` after ``make setup``. The front page of the site quotes the file, with its
date and system; a set-up elsewhere differs a little.
"""

from __future__ import annotations

import datetime
import json
import os
import platform
import sys
from collections.abc import Iterable
from pathlib import Path

from lib._fetch import Store

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "data" / "setup.json"


def on_disk(folder: Path) -> int:
    """Bytes of all files below a folder; a link counts nothing.

    Examples
    --------
    >>> on_disk(Path("no such folder"))
    0
    """
    paths = (Path(here) / file for here, _, files in os.walk(folder) for file in files)
    return sum(path.stat().st_size for path in paths if not path.is_symlink())


def downloads(wheels: Iterable[tuple[str, int]]) -> int:
    """Bytes of the wheels that carry the data, each counted once.

    Examples
    --------
    >>> downloads([("a.whl", 3), ("b.whl", 4), ("a.whl", 3), ("", 9)])
    7
    """
    return sum(size for name, size in set(wheels) if name)


def measure(environment: Path, store: Store) -> dict[str, int | str]:
    """Measure bytes of the environment, of the data and of what carries the data here."""
    sources = [data_set.source for data_set in store.sets.values()]
    return {
        "environment_bytes": on_disk(environment),
        "data_bytes": on_disk(store.cache),
        "data_download_bytes": downloads((source.wheel, source.size) for source in sources),
        "date": datetime.date.today().isoformat(),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def main() -> int:
    """Write the file and print it."""
    text = json.dumps(measure(Path(sys.prefix), Store.from_environment()), indent=1) + "\n"
    TARGET.write_text(text, encoding="utf-8", newline="\n")
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
