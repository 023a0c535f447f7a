"""The data and model cards, one section each, from ``data/cards/*.md``."""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

HEADING = re.compile(r"^(#{1,4})\s+(.+?)\s*#*$")
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.S)


def split_card(text: str, fallback: str) -> tuple[str, list[tuple[str, str]]]:
    r"""Split a card into its title and its parts, ``(heading, Markdown)``.

    The part before the first lower heading has an empty heading. Fenced code is left alone.

    Examples
    --------
    >>> split_card("# Lee-50\nFifty texts.\n## Licence\nNot stated.\n", "lee50")
    ('Lee-50', [('', 'Fifty texts.'), ('Licence', 'Not stated.')])
    """
    text = FRONT_MATTER.sub("", text.replace("\r\n", "\n"))
    title, fenced = fallback, False
    parts: list[tuple[str, list[str]]] = [("", [])]
    for line in text.splitlines():
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else HEADING.match(line)
        if heading and len(heading[1]) == 1 and title == fallback:
            title = heading[2]
        elif heading:
            parts.append((heading[2], []))
        else:
            parts[-1][1].append(line)
    joined = [(name, "\n".join(lines).strip()) for name, lines in parts]
    return title, [(name, body) for name, body in joined if name or body]


class DataCards(SphinxDirective):
    """Every card of ``data/cards`` as a section with an anchor ``card-NAME``."""

    def run(self) -> list[nodes.Node]:
        """Build the sections in the order of their file names."""
        folder = Path(self.env.srcdir) / "data" / "cards"
        paths = sorted(folder.glob("*.md"))
        if not paths:
            return [nodes.paragraph("", "No card is written yet.")]
        return [self._section(path) for path in paths]

    def _section(self, path: Path) -> nodes.section:
        self.env.note_dependency(str(path))
        title, parts = split_card(path.read_text(encoding="utf-8"), path.stem)
        section = nodes.section(ids=[f"card-{path.stem}"], names=[f"card-{path.stem}"])
        section["classes"].append("card-section")
        section += nodes.title("", title)
        for heading, body in parts:
            if heading:
                section += nodes.rubric("", heading)
            lines = StringList(body.splitlines(), source=str(path))
            self.state.nested_parse(lines, 0, section)
        return section


def register(app: Sphinx) -> None:
    """Add the directive, and rebuild the page when a card is added or taken away."""
    app.add_directive("data-cards", DataCards)
