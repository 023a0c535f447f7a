"""Descriptions for search engines, and mends of the HTML that the theme and pandas produce."""

from __future__ import annotations

import html
import re
from pathlib import Path
from typing import Any

from book_share import head_links, site_address
from docutils import nodes
from sphinx.application import Sphinx

SITE = "Embeddings, Tested"
DEFAULT = (
    "An open, executable book on text embeddings: every claim is an experiment on real text "
    "that runs on a laptop, offline."
)
LONGEST = 200
EARLY_FACES = ("display.woff", "serif.woff", "sans.woff")
"""Typefaces that the first screen of every page needs."""


def shorten(text: str, longest: int = LONGEST) -> str:
    """Cut ``text`` after a whole sentence if one ends in time, else after a whole word.

    Examples
    --------
    >>> shorten("One idea. Another idea.", longest=12)
    'One idea.'
    >>> shorten("nothing ends here", longest=12)
    'nothing ...'
    """
    text = " ".join(text.split())
    if len(text) <= longest:
        return text
    sentences = [m.end() for m in re.finditer(r"[.?](?=\s)", text[: longest + 1])]
    if sentences:
        return text[: sentences[-1]]
    return text[: longest - 4].rsplit(" ", 1)[0] + " ..."


def description(doctree: nodes.document | None) -> str:
    """Shorten the first paragraph that speaks to the reader; if none does, speak in general."""
    if doctree is None:
        return DEFAULT
    for paragraph in doctree.findall(nodes.paragraph):
        inside = paragraph.parent
        text = paragraph.astext().strip()
        ours = isinstance(inside, nodes.section | nodes.document) or "answer" in inside["classes"]
        if ours and "last-run" not in paragraph["classes"] and len(text) > 40:
            return shorten(text)
    return DEFAULT


def head_tags(title: str, text: str, *, described: bool = False) -> str:
    """Meta tags of one page; a page that brings its own description keeps it."""
    title, text = html.escape(title, quote=True), html.escape(text, quote=True)
    first = "" if described else f'\n<meta name="description" content="{text}"/>'
    return (
        f"{first}"
        f'\n<meta property="og:title" content="{title}"/>'
        f'\n<meta property="og:description" content="{text}"/>'
        f'\n<meta property="og:site_name" content="{SITE}"/>'
        '\n<meta property="og:type" content="article"/>'
        '\n<meta name="color-scheme" content="light dark"/>\n'
    )


def add_head(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, Any],
    doctree: nodes.document | None,
) -> None:
    """Add the meta tags to the context of a page."""
    title = html.unescape(re.sub(r"<[^>]+>", "", context.get("title") or SITE))
    tags = context.get("metatags") or ""
    own = re.search(r'<meta content="([^"]*)" name="description"', tags)
    text = html.unescape(own.group(1)) if own else description(doctree)
    tags = head_tags(title, text, described=bool(own)) + tags
    up = "../" * pagename.count("/")
    links = head_links(pagename, app.config.root_doc, up) if app.builder.name == "html" else ""
    context["metatags"] = tags + links
    context["book_address"] = site_address()
    faces = Path(app.srcdir) / "_build" / "static" / "fonts"
    context["book_faces"] = [f for f in EARLY_FACES if (faces / f).is_file()]
    if context.get("body"):
        context["body"] = mend_citations(context["body"])


def mend_citations(text: str) -> str:
    """Take away roles that the list of citations claims and does not fill.

    Examples
    --------
    >>> mend_citations('<div role="list" class="citation-list"><div role="doc-biblioentry">x')
    '<div class="citation-list"><div>x'
    """
    text = re.sub(r' role="list"(?= class="citation-list")', "", text)
    return text.replace(' role="doc-biblioentry"', "")


def mend_table(text: str) -> str:
    """Make a table written by pandas readable by ear and fit for a phone.

    Its two heading rows become one, an empty heading above the row labels becomes a plain cell
    (an empty heading says nothing), and presentational attributes and embedded styles go.
    """
    if "<table" not in text:
        return text
    text = re.sub(r"<style\b[^>]*>.*?</style>\s*", "", text, flags=re.S)
    text = re.sub(r"<thead>.*?</thead>", _one_head, text, flags=re.S)
    text = re.sub(r"<th\b[^>]*>\s*</th>", "<td></td>", text)
    text = re.sub(r'(<table\b[^>]*?) border="\d+"', r"\1", text)
    text = re.sub(r'(<tr\b[^>]*?) style="text-align: \w+;"', r"\1", text)
    text = re.sub(r"(<tbody>.*?</tbody>)", _row_headings, text, flags=re.S)
    return text


def _one_head(match: re.Match[str]) -> str:
    """Join the two heading rows of pandas, names of columns and names of row labels, into one."""
    rows = re.findall(r"<tr\b[^>]*>(.*?)</tr>", match.group(0), flags=re.S)
    if len(rows) != 2:
        return match.group(0)
    columns, labels = (re.findall(r"<th\b[^>]*>(.*?)</th>", row, flags=re.S) for row in rows)
    if len(columns) != len(labels) or any(a and b for a, b in zip(columns, labels, strict=True)):
        return match.group(0)
    joined = (a or b for a, b in zip(columns, labels, strict=True))
    return "<thead><tr>" + "".join(f"<th>{name}</th>" for name in joined) + "</tr></thead>"


def _row_headings(match: re.Match[str]) -> str:
    return re.sub(r"<th>", '<th scope="row">', match.group(1))


def mend_raw(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Mend the raw HTML of cell outputs, and let wide tables scroll by themselves."""
    if app.builder.format != "html":
        return
    for raw in doctree.findall(nodes.raw):
        if raw.get("format") == "html" and "<table" in raw.astext():
            mended = mend_table(raw.astext())
            raw.children = [nodes.Text(mended)]
            raw.rawsource = mended


def register(app: Sphinx) -> None:
    """Connect to the writing of each page, and add the typefaces where they were fetched."""
    if (Path(app.srcdir) / "_build" / "static" / "fonts" / "fonts.css").is_file():
        app.add_css_file("fonts/fonts.css", priority=100)
    app.connect("html-page-context", add_head)
    app.connect("doctree-resolved", mend_raw)
