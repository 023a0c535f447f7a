"""Vector figures as part of the page: its colours, its text and its screen reader reach them.

A figure stored in a notebook has black ink on a light ground, so that it can be read anywhere.
On the site the ground becomes transparent and the ink takes the colour of the text, in light
and in dark. The colours of the methods stay: they mean something.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

INK = {"#000000", "#000", "black", "#1a1a1a", "#222222", "#262626", "#333333"}
PAPER = {"#ffffff", "#fff", "white"}
# What lib.plot calls the parts of a figure that follow the page. Written into the attributes, since
# a rule of the style sheet does not reach a marker that is drawn by reference.
ROLES = {
    "ink": "currentColor",
    "muted": "var(--ink-2)",
    "faint": "var(--rule)",
    "ground": "var(--figure-paper)",
}
LINK = re.compile(r"url\(#([^)]+)\)")
PAINT = re.compile(r"\b(fill|stroke|color|stop-color)(\s*:\s*)(#[0-9a-fA-F]{3,6}|black|white)\b")


class FigureError(ValueError):
    """A figure that cannot be put into a page."""


def _local(name: str) -> str:
    """Drop the namespace of a name: HTML knows the elements of SVG by their short names."""
    return name.rsplit("}", 1)[-1]


def _repaint(style: str) -> str:
    """Ink takes the colour of the text, paper that of the page."""

    def swap(match: re.Match[str]) -> str:
        colour = match.group(3).lower()
        if colour in INK:
            return f"{match.group(1)}{match.group(2)}currentColor"
        if colour in PAPER:
            return f"{match.group(1)}{match.group(2)}var(--figure-paper)"
        return match.group(0)

    return PAINT.sub(swap, style)


def _scoped(css: str, prefix: str) -> str:
    """Confine the rules of a figure to that figure."""

    def confine(match: re.Match[str]) -> str:
        selectors = [s.strip() for s in match.group(1).split(",")]
        return ", ".join(f"#{prefix} {s}" for s in selectors) + " {"

    return re.sub(r"([^{}]+)\{", confine, css)


def inline_svg(text: str, prefix: str) -> str:
    """Turn a stored SVG file into markup that can stand in an HTML page.

    Every id gets ``prefix`` (two figures of a page would otherwise share ids), style rules are
    confined to the figure, ink and paper follow the page, the title becomes the accessible name,
    the fixed size becomes a largest size, and metadata and the document type are left out.

    Raises
    ------
    FigureError
        If the figure says nothing to those who cannot see it, or an id names two things in it.
    """
    root = ET.fromstring(text)
    name = root.get("aria-label") or ""
    for parent in list(root.iter()):
        for child in list(parent):
            if _local(child.tag) == "title" and parent is root:
                name = name or (child.text or "")
            if _local(child.tag) in {"title", "metadata"}:
                parent.remove(child)
    if not name.strip():
        raise FigureError("a figure has no alternative text: pass alt= to lib.plot.show")
    _define_once(root)
    for element in root.iter():
        _rewrite(element, prefix)
    width = root.attrib.pop("width", "")
    root.attrib.pop("height", None)
    root.set("id", prefix)
    root.set("class", "book-figure")
    root.set("role", "img")
    root.set("aria-label", " ".join(name.split()))
    root.set("style", f"max-width: {_css_length(width)}")
    return ET.tostring(root, encoding="unicode", short_empty_elements=True)


def _define_once(root: ET.Element) -> None:
    """Take out what is defined again: panels that draw the same marker define it each."""
    known: dict[str, bytes] = {}
    for parent in list(root.iter()):
        for child in list(parent):
            if (name := child.get("id")) is None:
                continue
            tail, child.tail = child.tail, None
            drawn = ET.tostring(child)
            child.tail = tail
            if name not in known:
                known[name] = drawn
            elif known[name] == drawn:
                parent.remove(child)
            else:
                raise FigureError(f"two elements of a figure have the id {name!r}")


def _css_length(width: str) -> str:
    """Write the width of a drawing as a length that a style sheet understands."""
    return f"{width}px" if re.fullmatch(r"[\d.]+", width) else width or "100%"


def _rewrite(element: ET.Element, prefix: str) -> None:
    """Give one element its short name, its own ids and the colours of the page."""
    element.tag = _local(element.tag)
    attributes = {_local(key): value for key, value in element.attrib.items()}
    element.attrib.clear()
    for key, value in attributes.items():
        if key == "id":
            value = f"{prefix}-{value}"
        elif key == "href" and value.startswith("#"):
            value = f"#{prefix}-{value[1:]}"
        elif key in {"aria-labelledby", "aria-describedby"}:
            continue
        elif key in {"fill", "stroke"}:
            value = _repaint(f"{key}:{value}").split(":", 1)[1]
        elif key == "style":
            value = _repaint(value)
        element.set(key, LINK.sub(rf"url(#{prefix}-\1)", value))
    for role in attributes.get("class", "").split():
        name, _, part = role.partition("-")
        if name in ROLES and part in {"fill", "stroke"}:
            element.set(part, ROLES[name])
    if element.tag == "style":
        element.text = _scoped(element.text or "", prefix)


def is_output(node: nodes.Node) -> bool:
    """Whether the node stands in the output of a cell."""
    while node is not None:
        if isinstance(node, nodes.Element) and "cell_output" in node.get("classes", []):
            return True
        node = node.parent
    return False


def inline_figures(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Replace each vector figure of a cell's output by its own markup, on the website only."""
    if app.builder.name not in {"html", "dirhtml"}:
        return
    figures = [
        image
        for image in doctree.findall(nodes.image)
        if str(image.get("uri", "")).endswith(".svg") and is_output(image)
    ]
    for number, image in enumerate(figures, start=1):
        path = Path(app.srcdir) / image["uri"]
        try:
            markup = inline_svg(path.read_text(encoding="utf-8"), f"figure-{number}")
        except (OSError, ET.ParseError, FigureError) as error:
            logger.warning("figure %d: %s", number, error, location=docname)
            continue
        markup = f'<div class="figure-frame">{markup}</div>'
        image.replace_self(nodes.raw("", markup, format="html"))


def register(app: Sphinx) -> None:
    """Connect to the writing of each page."""
    app.connect("doctree-resolved", inline_figures)
