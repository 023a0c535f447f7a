"""Keeps together on a line what belongs together, and says what a folded cell holds.

A number stays with its percent sign, a formula with the sign after it, and a word of a heading in
one piece. A folded cell is announced as the solution, the set-up, the imports or the code.
"""

from __future__ import annotations

import ast
import re
from typing import Any, ClassVar

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform

BEFORE_PERCENT = re.compile(r"(?<=\d) (?=%)")
HYPHENATED = re.compile(r"(\w+(?:-\w+)+)")
SIGN = re.compile(r"^[.,;:?)\]]+")
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


class KeepSignWithFormula(SphinxPostTransform):
    """Let no line begin with the full stop or comma that follows a formula."""

    default_priority = 602
    formats: ClassVar[tuple[str, ...]] = ("html",)

    def run(self, **kwargs: Any) -> None:
        """Wrap each such formula and its sign."""
        for formula in list(self.document.findall(nodes.math)):
            after = formula.next_node(descend=False, siblings=True)
            found = SIGN.match(str(after)) if isinstance(after, nodes.Text) else None
            if not found:
                continue
            # Not parent.replace(): it takes the first text that reads the same, such as ". ".
            parent, rest = formula.parent, str(after)[found.end() :]
            place = next(i for i, child in enumerate(parent.children) if child is formula)
            kept = nodes.inline("", classes=["kept-sign"])
            parent[place : place + 2] = [kept, *([nodes.Text(rest)] if rest else [])]
            kept += [formula, nodes.Text(found.group())]


class NameFoldedCells(SphinxPostTransform):
    """Say on the button of a folded cell what opens: the builder says "code cell content"."""

    default_priority = 190  # before the cells are folded

    def run(self, **kwargs: Any) -> None:
        """Set the words of each folded cell."""
        for cell in self.document.findall(nodes.container):
            if cell.get("nb_element") == "cell_code" and cell.get("hide_mode"):
                what = inside(cell.astext())
                cell["prompt_show"], cell["prompt_hide"] = f"Show {what}", f"Hide {what}"


def only_imports(code: str) -> bool:
    r"""Tell whether a cell does nothing but import.

    Examples
    --------
    >>> only_imports("import re\nfrom math import log"), only_imports("import re\nx = 1")
    (True, False)
    """
    try:
        body = ast.parse(code).body
    except SyntaxError:
        return False
    return bool(body) and all(isinstance(line, ast.Import | ast.ImportFrom) for line in body)


def inside(source: str) -> str:
    """Return what a folded cell holds, judged by its code.

    Examples
    --------
    >>> inside("Ranks.show_solution()"), inside("x = 1"), inside("import re")
    ('the solution', 'the code', 'what this chapter imports')
    """
    if "show_solution()" in source:
        return "the solution"
    if only_imports(source):
        return "what this chapter imports"
    return "the set-up" if source.startswith('"""The same in every chapter') else "the code"


def register(app: Sphinx) -> None:
    """Add the transforms."""
    app.add_post_transform(KeepPercentTogether)
    app.add_post_transform(KeepHyphensTogether)
    app.add_post_transform(KeepSignWithFormula)
    app.add_post_transform(NameFoldedCells)
