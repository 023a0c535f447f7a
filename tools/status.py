"""Gather the state of the book: chapters, verdicts, versions, artefacts, audit.

Prints it and writes _build/status.json: `chapters` (seconds, peak memory, cells, stale or not),
`claims` (number, verdict, result keys), `experiments` (fresh or stale), `versions`, `artefacts`
(size and hash), `mutations`, `browser` (what the last audit measured of every page).
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import platform
import sys
from pathlib import Path
from typing import Any

import yaml

from tools import audit, experiments, notebooks

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("numpy", "scipy", "scikit-learn", "torch", "transformers", "gensim", "matplotlib",
            "jupyter-book", "nbval")  # fmt: skip
ARTEFACTS = ("chapters/*.ipynb", "data/results/*", "data/checkpoints/*", "data/vectors/*",
             "data/own/*")  # fmt: skip


def chapters(root: Path) -> list[dict[str, Any]]:
    """Return one entry per chapter: what its last run cost, and whether it is stale."""
    runs = json.loads((root / "data" / "runs.json").read_text(encoding="utf-8"))
    paths = notebooks.chapters(root)
    stale = {Path(p).stem for p in notebooks.stale(root, paths)}
    return [{"chapter": p.stem, **runs.get(p.stem, {}), "stale": p.stem in stale} for p in paths]


def claims(root: Path) -> list[dict[str, Any]]:
    """Return number, owner, verdict and result keys of every statement."""
    entries = yaml.safe_load((root / "data" / "claims.yml").read_text(encoding="utf-8"))
    fields = ("number", "owner", "verdict", "results")
    return [{k: e[k] for k in fields} for e in entries]


def artefacts(root: Path) -> list[dict[str, Any]]:
    """Return path, size in bytes and hash of every committed artefact."""
    found = sorted(p for pattern in ARTEFACTS for p in root.glob(pattern) if p.is_file())
    return [
        {
            "path": p.relative_to(root).as_posix(),
            "bytes": p.stat().st_size,
            "sha256": hashlib.sha256(p.read_bytes()).hexdigest(),
        }
        for p in found
    ]


def mutations(root: Path) -> dict[str, Any] | None:
    """Return the last audit, marked stale when `lib` or its tests have changed since."""
    path = root / "data" / "audit.json"
    if not path.exists():
        return None
    last: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return {**last, "stale": last["code"] != audit.audited_code()}


def browser(root: Path) -> dict[str, Any] | None:
    """Return what the last audit measured of the pages in a browser, if it ever did."""
    path = root / "data" / "browser.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def status(root: Path = ROOT) -> dict[str, Any]:
    """Return the whole state of the book."""
    versions = {name: importlib.metadata.version(name) for name in PACKAGES}
    return {
        "chapters": chapters(root),
        "claims": claims(root),
        "experiments": experiments.states(root),
        "versions": {"python": platform.python_version(), **versions},
        "platform": f"{platform.system()} {platform.machine()}",
        "artefacts": artefacts(root),
        "mutations": mutations(root),
        "browser": browser(root),
    }


def main() -> int:
    """Print the status and write it to _build/status.json."""
    text = json.dumps(status(), indent=1, ensure_ascii=False) + "\n"
    target = ROOT / "_build" / "status.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(text, encoding="utf-8")
    print(text, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
