"""Ask every outside link of the book for an answer; needs the network, so it runs on a schedule."""

from __future__ import annotations

import re
import sys
import urllib.error
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"https?://[^\s\"'<>)\]}\\]+")
WHERE = ("*.md", "*.bib", "*.cff", "pages/*.md", "chapters/*.ipynb", "data/cards/*.md")
REFUSES_ROBOTS = {401, 403, 405, 429}  # alive, but not for a script


def outside_links(root: Path) -> dict[str, list[str]]:
    """Return every outside address below `root` with the files that name it."""
    found: dict[str, list[str]] = {}
    for path in sorted(p for pattern in WHERE for p in root.glob(pattern)):
        for address in LINK.findall(path.read_text(encoding="utf-8")):
            if "127.0.0.1" in address:
                continue
            found.setdefault(address.rstrip(".,;:"), []).append(path.relative_to(root).as_posix())
    return found


def problem(address: str, seconds: float = 20.0) -> str | None:
    """Return what is wrong with `address`, or None when it answers."""
    headers = {"User-Agent": "embeddings-tested link check"}
    try:
        request = urllib.request.Request(address, headers=headers)
        with urllib.request.urlopen(request, timeout=seconds):
            return None
    except urllib.error.HTTPError as error:
        return None if error.code in REFUSES_ROBOTS else f"answers {error.code}"
    except (OSError, ValueError) as error:
        return f"does not answer ({error})"


def main() -> int:
    """Print each dead link with the files that name it."""
    links = outside_links(ROOT)
    dead = {a: p for a in links if (p := problem(a))}
    for address, why in dead.items():
        print(f"{address} {why}: named in {', '.join(sorted(set(links[address])))}")
    print(f"links: {len(links) - len(dead)} passed, {len(dead)} failed")
    return int(bool(dead))


if __name__ == "__main__":
    sys.exit(main())
