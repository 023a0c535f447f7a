"""The data and model cards, one section each, and a table of them all.

The cards of what the set-up fetches lie in ``data/cards``, those of our own small sets in
``data/own``, those of the models that we trained in ``data/checkpoints``, and that of the vectors
that we computed in ``data/vectors``.

``{data-overview}`` has a line for each group of cards, ``title: name name``, and every card is in
one of them. Size and licence are the first words that a card says about them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective

HEADING = re.compile(r"^(#{1,4})\s+(.+?)\s*#*$")
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.S)
SAID = re.compile(r"^\*\*([A-Z][a-z ]+)\.\*\*\s+(.+?)(?=\n\s*\n|\Z)", re.M | re.S)
COLUMNS = ("Name", "What it is", "Size", "Licence")
FOLDERS = ("data/cards", "data/own", "data/checkpoints", "data/vectors")
OWN_LICENCE = "CC BY 4.0"


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


def cards(root: Path) -> dict[str, Path]:
    """Return the files of all cards by name, in the order of their names."""
    found = [path for folder in FOLDERS for path in (root / folder).glob("*.md")]
    return {path.stem: path for path in sorted(found, key=lambda path: path.stem)}


def first_words(text: str) -> str:
    """Return what stands before the first point or comma, without brackets and file names.

    Examples
    --------
    >>> first_words("120 lines in `data/own/once-only.csv`: a word, and its kind.")
    '120 lines'
    >>> first_words("Mozilla Public License 2.0, as the file says."), first_words("18,821 posts.")
    ('Mozilla Public License 2.0', '18,821 posts')
    """
    plain = re.sub(r"\s*\([^)]*\)|\s+in `[^`]*`", "", " ".join(text.split()))
    return re.split(r"[.,:;](?=\s|$)", plain, maxsplit=1)[0].strip()


def summary(text: str, name: str) -> tuple[str, str, str, str]:
    r"""Return the row of a card: its name, what it is, its size and its licence.

    Examples
    --------
    >>> summary("# lee50: fifty items\n\n**Licence.** Not stated. Ask.\n\n**Size.** 50 items.", "")
    ('lee50', 'fifty items', '50 items', 'Not stated')
    """
    title, _ = split_card(text, name)
    head, _, what = title.partition(": ")
    said = {kind: first_words(words) for kind, words in SAID.findall(text)}
    return head, what, said.get("Size", ""), said.get("Licence", "")


def groups(lines: Iterable[str], names: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Read the groups of the table.

    Raises
    ------
    ExtensionError
        If a group names a card that is not there, or a card is in no group or in two.

    Examples
    --------
    >>> groups(["Texts: r8 news", "Models: minilm"], ["minilm", "news", "r8"])
    [('Texts', ['r8', 'news']), ('Models', ['minilm'])]
    """
    split = [line.partition(":") for line in lines if line.strip()]
    found = [(title.strip(), listed.split()) for title, _, listed in split]
    listed = [card for _, inside in found for card in inside]
    if sorted(listed) != sorted(names):
        odd = sorted(set(listed) ^ set(names)) or sorted({c for c in listed if listed.count(c) > 1})
        raise ExtensionError(f"data-overview: {', '.join(odd)}: every card is in one group, once")
    return found


class DataOverview(SphinxDirective):
    """A table of all cards, by group, each row with a link to its card."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Build the table."""
        paths = cards(Path(self.env.srcdir))
        body = nodes.tbody()
        for title, names in groups(self.content, list(paths)):
            label = nodes.entry("", nodes.paragraph("", "", nodes.strong("", title)))
            label["morecols"] = len(COLUMNS) - 1
            body += nodes.row("", label, classes=["group"])
            for card in names:
                self.env.note_dependency(str(paths[card]))
                name, what, size, licence = summary(paths[card].read_text(encoding="utf-8"), card)
                ours = OWN_LICENCE if paths[card].parent.name == "own" else ""
                rest = (what, size, licence or ours)
                link = nodes.reference("", name, internal=True, refid=f"card-{card}")
                cells = [nodes.paragraph("", "", link), *(nodes.paragraph("", t) for t in rest)]
                body += nodes.row("", *(nodes.entry("", cell) for cell in cells))
        head = (nodes.entry("", nodes.paragraph("", name)) for name in COLUMNS)
        widths = (nodes.colspec(colwidth=width) for width in (18, 40, 22, 20))
        group = nodes.tgroup("", *widths, nodes.thead("", nodes.row("", *head)), body)
        group["cols"] = len(COLUMNS)
        return [nodes.table("", group, classes=["data-overview"])]


class DataCards(SphinxDirective):
    """Every card as a section with an anchor ``card-NAME``."""

    def run(self) -> list[nodes.Node]:
        """Build the sections in the order of their file names."""
        paths = cards(Path(self.env.srcdir)).values()
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
    """Add the directives."""
    app.add_directive("data-cards", DataCards)
    app.add_directive("data-overview", DataOverview)
