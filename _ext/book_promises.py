"""A link to a chapter by its number leads there once it is written, and is no link before.

A chapter speaks of a later one as ``[chapter 8](../intro.md)``: the first page is sure to exist.
"""

from __future__ import annotations

import re

from book_ledger import chapters
from docutils import nodes
from sphinx.application import Sphinx

CHAPTER = re.compile(r"[Cc]hapter (\d+)")


def chapter_named(text: str) -> int | None:
    """Return the number of the chapter that a text names and nothing else.

    Examples
    --------
    >>> chapter_named("Chapter 12"), chapter_named("chapter 12 and more")
    (12, None)
    """
    found = CHAPTER.fullmatch(" ".join(text.split()))
    return int(found[1]) if found else None


def keep(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Let each such link lead to its chapter, or make it plain text."""
    names = chapters(app.env.found_docs)
    first = app.builder.get_relative_uri(docname, app.config.root_doc)
    for link in list(doctree.findall(nodes.reference)):
        number = chapter_named(link.astext())
        if number is None or link.get("refuri") != first:
            continue
        if number in names:
            link["refuri"] = app.builder.get_relative_uri(docname, names[number]) or "#"
        else:
            link.replace_self(nodes.inline("", "", *link.children, classes=["to-come"]))


def register(app: Sphinx) -> None:
    """Connect to the finished pages."""
    app.connect("doctree-resolved", keep)
