"""Links the first use of a term in each chapter to its entry in the glossary.

Headings, links, code, mathematics, outputs and the answer on top stay as they are. The link shows
the definition as a tooltip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx

PAGE = "pages/glossary"
# Everyday words too: these count as terms only where the text sets them in bold or italics.
ORDINARY = {"type", "context", "recall", "dense", "frozen", "ceiling", "unit of resampling"}
UNTOUCHED = (
    nodes.title, nodes.reference, nodes.literal, nodes.literal_block, nodes.raw, nodes.math,
    nodes.math_block, nodes.rubric, nodes.caption, nodes.term, nodes.table, nodes.citation,
    addnodes.pending_xref,
)  # fmt: skip
UNTOUCHED_CLASSES = {"answer", "cell_output", "cell_input", "last-run", "ledger", "verdict"}


@dataclass(frozen=True)
class Term:
    """One entry of the glossary."""

    name: str
    anchor: str
    meaning: str


def entries(glossary: nodes.document) -> dict[str, Term]:
    """Read the terms of the glossary page, by lower-case name."""
    found = {}
    for item in glossary.findall(nodes.definition_list_item):
        meaning = " ".join(d.astext() for d in item.children if isinstance(d, nodes.definition))
        for term in item.children:
            if isinstance(term, nodes.term) and term["ids"]:
                name = term.astext()
                found[plain(name)] = Term(name, term["ids"][0], " ".join(meaning.split()))
    return found


def pattern(names: Iterator[str] | list[str]) -> re.Pattern[str]:
    """Match any of the names as whole words, longest first, also in the plural.

    Examples
    --------
    >>> pattern(["idf", "tf-idf", "corpus"]).findall("TF-IDF, idfs, corpuses, nonidf, idf")
    ['TF-IDF', 'idfs', 'corpuses', 'idf']
    """
    longest = sorted(names, key=lambda name: (-len(name), name))
    either = "|".join(re.escape(n).replace("'", "['’]").replace(r"\ ", r"\s+") for n in longest)
    return re.compile(rf"(?<![\w-])(?:{either})(?:s|es)?(?![\w-])", re.I)


def plain(name: str) -> str:
    """Write a name as it is looked up: lower case, straight apostrophes, single spaces."""
    return " ".join(name.lower().replace("’", "'").split())


def key_of(text: str, terms: Mapping[str, Term]) -> str:
    """Find the name of the entry that a match stands for."""
    name = plain(text)
    return next(k for k in (name, name.removesuffix("s"), name.removesuffix("es")) if k in terms)


def may_change(text: nodes.Text) -> bool:
    """Whether a text stands where a link may be put."""
    node = text.parent
    if node is None or not any(child is text for child in node.children):
        return False  # put in place by another part of the book, which knows what it does
    while node is not None:
        if isinstance(node, UNTOUCHED):
            return False
        if isinstance(node, nodes.Element) and UNTOUCHED_CLASSES & set(node.get("classes", [])):
            return False
        node = node.parent
    return True


def link_terms(doctree: nodes.document, terms: Mapping[str, Term], page: str) -> list[str]:
    """Link the first use of each term; returns the names that were linked, in order."""
    left, linked = dict(terms), []
    for text in list(doctree.findall(nodes.Text)):
        if not left:
            break
        if not may_change(text):
            continue
        stressed = isinstance(text.parent, nodes.strong | nodes.emphasis)
        pieces: list[nodes.Node] = []
        rest = str(text)
        allowed = [name for name in left if stressed or name not in ORDINARY]
        while allowed and (match := pattern(allowed).search(rest)):
            term = left.pop(key_of(match.group(), terms))
            allowed.remove(plain(term.name))
            linked.append(term.name)
            pieces += [nodes.Text(rest[: match.start()])] if match.start() else []
            pieces.append(
                nodes.reference(
                    "", match.group(), internal=True, refuri=f"{page}#{term.anchor}",
                    reftitle=term.meaning, classes=["term-link"],
                )
            )  # fmt: skip
            rest = rest[match.end() :]
        if pieces:
            pieces += [nodes.Text(rest)] if rest else []
            _put(text, pieces)
    return linked


def _put(text: nodes.Text, pieces: list[nodes.Node]) -> None:
    """Replace one text; equal texts beside it are told apart, as `replace_self` would not."""
    parent = text.parent
    place = next(i for i, child in enumerate(parent.children) if child is text)
    for piece in pieces:
        piece.parent = parent
    parent.children[place : place + 1] = pieces


def add_links(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link the terms of a chapter, on the website only."""
    if app.builder.name != "html" or not docname.startswith("chapters/"):
        return
    if PAGE not in app.env.found_docs:
        return
    terms = entries(app.env.get_doctree(PAGE))
    link_terms(doctree, terms, app.builder.get_relative_uri(docname, PAGE))


def register(app: Sphinx) -> None:
    """Connect to the writing of each page, after references have become links."""
    app.connect("doctree-resolved", add_links, priority=700)
