"""Keeps a number and its percent sign on one line, and a hyphenated word of a heading."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

BEFORE_PERCENT = re.compile(r"(?<=\d) (?=%)")
HYPHENATED = re.compile(r"(\w+(?:-\w+)+)")
NO_BREAK_SPACE = "\u00a0"
AS_TYPED = (nodes.literal, nodes.literal_block, nodes.raw, nodes.math, nodes.math_block)


def together(text: str) -> str:
    """Return `text` with every space between a number and a percent sign unbreakable."""
    return BEFORE_PERCENT.sub(NO_BREAK_SPACE, text)


class KeepPercentTogether(SphinxPostTransform):
    """Mend every text of a page but code and mathematics."""

    default_priority = 600
    formats: ClassVar[tuple[str, ...]] = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Replace the texts that change."""
        for text in list(self.document.findall(nodes.Text)):
            new = together(str(text))
            if new != text and not isinstance(text.parent, AS_TYPED):
                text.parent.replace(text, nodes.Text(new))


class KeepHyphensTogether(SphinxPostTransform):
    """Let no line of a heading end inside a hyphenated word."""

    default_priority = 601
    formats: ClassVar[tuple[str, ...]] = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Wrap each such word of each heading."""
        for title in self.document.findall(nodes.title):
            for text in [child for child in title.children if isinstance(child, nodes.Text)]:
                pieces = [
                    nodes.inline("", piece, classes=["whole-word"])
                    if place % 2
                    else nodes.Text(piece)
                    for place, piece in enumerate(HYPHENATED.split(str(text)))
                    if piece
                ]
                if len(pieces) > 1 or isinstance(pieces[0], nodes.inline):
                    title.replace(text, pieces)


def register(app: Sphinx) -> None:
    """Add the transform."""
    app.add_post_transform(KeepPercentTogether)
    app.add_post_transform(KeepHyphensTogether)
