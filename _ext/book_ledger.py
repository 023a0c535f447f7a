"""The ledger of the statements on trial, from ``data/claims.yml``.

``{ledger}`` prints the list of statements; ``:only: judged`` keeps those with a verdict,
``{ledger-count}`` says in one sentence how far the book has come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import OptionSpec

from lib.results import VERDICTS, Claim, ClaimError, fill, format_line, load_claims, parse_line
from lib.results import Result as Found
from tools.notebooks import results

logger = logging.getLogger(__name__)
OPEN = "not yet judged"


def read_claims(root: Path) -> list[Claim]:
    """Read the statements in the order of their numbers.

    Raises
    ------
    ExtensionError
        If ``data/claims.yml`` is missing or not as it must be.
    """
    try:
        claims = load_claims(root / "data" / "claims.yml")
    except ClaimError as error:
        raise ExtensionError(str(error)) from error
    return [claims[number] for number in sorted(claims)]


def recorded(root: Path) -> dict[str, Found]:
    """Gather the results that the stored chapters have recorded, by key."""
    found = {}
    for key, result in results(root).items():
        if result.text:
            found[key] = parse_line(result.text.splitlines()[0])
    return found


def reason(claim: Claim, records: Mapping[str, Found]) -> str:
    """Why the verdict is what it is, with its numbers put in."""
    try:
        return fill(" ".join((claim.because or "").split()), records)
    except KeyError as error:
        logger.warning(
            "statement %d: no stored chapter has recorded %s: run its chapter with make run",
            claim.number,
            error,
        )
        return ""


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


def count_line(claims: Sequence[Claim]) -> str:
    """How many statements have a verdict, and which, in one sentence."""
    judged = Counter(claim.verdict for claim in claims if claim.verdict)
    total = sum(judged.values())
    if not total:
        return f"{len(claims)} statements are on trial; none has its verdict yet."
    kinds = "; ".join(f"{judged[key]}\u00a0{name}" for key, name in VERDICTS.items() if judged[key])
    return f"{total} of {len(claims)} statements have their verdict so far: {kinds}."


def _chapter_link(number: int, names: Mapping[int, str], here: str) -> nodes.Node:
    """Link to a chapter of the book, or name it if it is not written yet."""
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


def _where(claim: Claim, names: Mapping[int, str], here: str) -> nodes.paragraph:
    """Name the chapter that judges the statement, then those that come back to it."""
    line = nodes.paragraph("", "", classes=["where"])
    line += _chapter_link(claim.owner, names, here)
    later = [number for number in claim.later if number != claim.owner]
    for position, number in enumerate(later):
        line += nodes.Text("; later " if position == 0 else ", ")
        line += _chapter_link(number, names, here)
    return line


def _verdict(claim: Claim) -> nodes.inline:
    classes = ["mark", f"mark-{claim.verdict or 'open'}"]
    text = VERDICTS[claim.verdict] if claim.verdict else OPEN
    return nodes.inline("", text, classes=classes)


def _entry(
    claim: Claim, records: Mapping[str, Found], names: Mapping[int, str], here: str
) -> nodes.list_item:
    """One statement: its number, its words, its verdict and where it is judged, and why."""
    entry = nodes.list_item("", nodes.paragraph("", str(claim.number), classes=["number"]))
    entry += nodes.paragraph("", " ".join(claim.statement.split()), classes=["said"])
    ruling = nodes.container("", nodes.paragraph("", "", _verdict(claim)), classes=["ruling"])
    ruling += _where(claim, names, here)
    entry += ruling
    if claim.verdict:
        why = nodes.container("", nodes.paragraph("", reason(claim, records)), classes=["why"])
        for key in claim.results:
            if key in records:
                line = format_line(records[key]).replace("(n = ", "(n\u00a0=\u00a0")
                why += nodes.paragraph("", line, classes=["rests-on"])
        entry += why
    return entry


def table(
    headings: Sequence[str], rows: Sequence[Sequence[nodes.Element]], widths: Sequence[int]
) -> nodes.table:
    """Make a docutils table from ready-made cells."""
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
    """The list of statements."""

    option_spec: ClassVar[OptionSpec] = {
        "only": lambda text: directives.choice(text, ("judged", "all"))
    }

    def run(self) -> list[nodes.Node]:
        """Build the list; an entry can be linked as ``#statement-5``."""
        root = Path(self.env.srcdir)
        self.env.note_dependency(str(root / "data" / "claims.yml"))
        names = chapters(self.env.found_docs)
        for name in names.values():
            self.env.note_dependency(str(root / f"{name}.ipynb"))
        judged_only = self.options.get("only") == "judged"
        records, here = recorded(root), self.env.docname
        claims = [c for c in read_claims(root) if c.verdict or not judged_only]
        if not claims:
            return []
        ledger = nodes.bullet_list(bullet="-", classes=["ledger"])
        for claim in claims:
            entry = _entry(claim, records, names, here)
            if not judged_only:
                entry["ids"] = [f"statement-{claim.number}"]
            ledger += entry
        return [ledger]


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
