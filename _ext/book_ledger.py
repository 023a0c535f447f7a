"""The ledger of the statements on trial, from ``data/claims.yml``.

``{ledger}`` prints the table of statements; ``:only: judged`` keeps those with a verdict,
``{ledger-count}`` says in one sentence how far the book has come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

VERDICTS = {
    "holds": "holds",
    "qualified": "holds with a qualification",
    "wrong": "wrong",
    "untestable": "cannot be tested",
}
OPEN = "not yet judged"


def read_claims(root: Path) -> list[dict[str, Any]]:
    """The statements in the order of their numbers.

    Raises
    ------
    ExtensionError
        If a verdict is not one of the four, or a number occurs twice.
    """
    path = root / "data" / "claims.yml"
    stored = yaml.safe_load(path.read_text(encoding="utf-8"))
    claims = sorted(
        stored["claims"] if isinstance(stored, Mapping) else stored, key=lambda c: c["number"]
    )
    twice = [n for n, times in Counter(c["number"] for c in claims).items() if times > 1]
    if twice:
        raise ExtensionError(f"data/claims.yml: statement {twice[0]} occurs twice")
    for claim in claims:
        if claim.get("verdict") not in {None, *VERDICTS}:
            raise ExtensionError(
                f"data/claims.yml: statement {claim['number']} has the verdict "
                f"{claim['verdict']!r}; it must be one of {', '.join(VERDICTS)}, or null"
            )
    return claims


def chapters(docnames: Iterable[str]) -> dict[int, str]:
    """Chapter number to page name, for the chapters that are in the book.

    Examples
    --------
    >>> chapters(["intro", "chapters/02_one_hot"])
    {2: 'chapters/02_one_hot'}
    """
    found = {}
    for name in sorted(docnames):
        stem = name.rpartition("/")[2]
        if name.startswith("chapters/") and stem[:2].isdigit():
            found[int(stem[:2])] = name
    return found


def count_line(claims: Sequence[Mapping[str, Any]]) -> str:
    """How many statements have a verdict, and which, in one sentence."""
    judged = Counter(c["verdict"] for c in claims if c.get("verdict"))
    total = sum(judged.values())
    if not total:
        return f"{len(claims)} statements are on trial; none has its verdict yet."
    kinds = ", ".join(f"{judged[key]} {name}" for key, name in VERDICTS.items() if judged[key])
    return f"{total} of {len(claims)} statements have their verdict so far: {kinds}."


def _chapter_link(number: int, names: Mapping[int, str], here: str) -> nodes.Node:
    """A link to a chapter of the book, or its bare number if it is not written yet."""
    text = f"chapter {number}"
    if number not in names:
        return nodes.inline("", text, classes=["unwritten"])
    link = pending_xref(
        "",
        nodes.inline("", text),
        refdomain="std",
        reftype="doc",
        reftarget="/" + names[number],
        refdoc=here,
        refexplicit=True,
        refwarn=True,
    )
    return link


def _owner_cell(claim: Mapping[str, Any], names: Mapping[int, str], here: str) -> nodes.paragraph:
    """The chapter that judges the statement, then those that come back to it."""
    cell = nodes.paragraph()
    cell += _chapter_link(claim["owner"], names, here)
    later = [number for number in claim.get("later") or [] if number != claim["owner"]]
    for position, number in enumerate(later):
        cell += nodes.Text("; later " if position == 0 else ", ")
        cell += _chapter_link(number, names, here)
    return cell


def _verdict(claim: Mapping[str, Any]) -> nodes.inline:
    key = claim.get("verdict")
    classes = ["verdict-mark", f"verdict-{key or 'open'}"]
    return nodes.inline("", VERDICTS.get(key, OPEN), classes=classes)


def table(
    headings: Sequence[str], rows: Sequence[Sequence[nodes.Element]], widths: Sequence[int]
) -> nodes.table:
    """A docutils table from ready-made cells."""
    group = nodes.tgroup(cols=len(headings))
    group += [nodes.colspec(colwidth=width) for width in widths]
    head, body = nodes.thead(), nodes.tbody()
    head += _row([nodes.paragraph("", text) for text in headings])
    body += [_row(cells) for cells in rows]
    group += [head, body]
    return nodes.table("", group)


def _row(cells: Iterable[nodes.Element]) -> nodes.row:
    return nodes.row("", *[nodes.entry("", cell) for cell in cells])


class Ledger(SphinxDirective):
    """The table of statements."""

    option_spec = {"only": lambda text: directives.choice(text, ("judged", "all"))}

    def run(self) -> list[nodes.Node]:
        """Build the table; each row can be linked as ``#statement-5``."""
        root = Path(self.env.srcdir)
        self.env.note_dependency(str(root / "data" / "claims.yml"))
        names = chapters(self.env.found_docs)
        judged_only = self.options.get("only") == "judged"
        rows = []
        for claim in read_claims(root):
            if judged_only and not claim.get("verdict"):
                continue
            said = nodes.container("", nodes.paragraph("", claim["statement"]))
            if claim.get("because"):
                said += nodes.paragraph("", claim["because"], classes=["because"])
            number = nodes.paragraph("", str(claim["number"]))
            if not judged_only:
                number["ids"] = [f"statement-{claim['number']}"]
            where = _owner_cell(claim, names, self.env.docname)
            rows.append([number, said, nodes.paragraph("", "", _verdict(claim)), where])
        if not rows:
            return [nodes.paragraph("", "No statement has its verdict yet.")]
        built = table(["No.", "Statement", "Verdict", "Where"], rows, [6, 54, 20, 20])
        built["classes"].append("ledger")
        return [built]


class LedgerCount(SphinxDirective):
    """How many statements have their verdict."""

    def run(self) -> list[nodes.Node]:
        """One paragraph."""
        root = Path(self.env.srcdir)
        self.env.note_dependency(str(root / "data" / "claims.yml"))
        return [nodes.paragraph("", count_line(read_claims(root)), classes=["ledger-count"])]


def register(app: Sphinx) -> None:
    """Add the two directives."""
    app.add_directive("ledger", Ledger)
    app.add_directive("ledger-count", LedgerCount)
