"""Keeps a number and its percent sign on one line."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

BEFORE_PERCENT = re.compile(r"(?<=\d) (?=%)")
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


def register(app: Sphinx) -> None:
    """Add the transform."""
    app.add_post_transform(KeepPercentTogether)
