"""The book's own small sets, judged by hand, as they lie in ``data/own``.

Each has a note of the same name beside it that says who judged, what and by which rule.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass

from lib._fetch import DATA

KINDS: tuple[str, ...] = ("name", "word", "number", "code", "foreign", "error")
"""What a word that occurs once can be: see ``data/own/once-only.md``."""


@dataclass(frozen=True)
class OnceOnly:
    """Words that the news uses once, and what each of them is."""

    words: tuple[str, ...]  # n words, in alphabetical order
    kinds: tuple[str, ...]  # (n,), each one of KINDS


def once_only() -> OnceOnly:
    """Read the 120 words that were drawn from those the news uses once.

    Returns
    -------
    OnceOnly
        Labelled by one person; see ``data/own/once-only.md`` for the draw and the rule.

    Raises
    ------
    ValueError
        If a kind is none of `KINDS`.

    Examples
    --------
    >>> sample = once_only()
    >>> len(sample.words), sample.words[7], sample.kinds[7]
    (120, 'andersson', 'name')
    """
    text = (DATA / "own" / "once-only.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    words, kinds = (tuple(row[column] for row in rows) for column in ("word", "kind"))
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown:
        raise ValueError(f"once-only.csv has the kind {unknown[0]!r}: take one of {KINDS}")
    return OnceOnly(words, kinds)
