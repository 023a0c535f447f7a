"""What stands above a chapter's text: its part, what it costs to read and to run, its answer.

The first paragraph of a chapter is its answer, in three sentences. It becomes a block of its own,
and a chapter whose first paragraph has another number of sentences fails the build. The cell that
only imports what the chapter uses is folded.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from book_runs import read_runs, run_line
from book_text import only_imports
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
WORDS_A_MINUTE = 200
CODE_LINES_A_MINUTE = 30
SENTENCES = 3
LABEL = "In three sentences"
# A sentence ends at a full stop, question mark or colon-free quotation before a capital letter.
END = re.compile(r"[.?](?:[\"”’)\]]*)(?=\s+[A-Z\"“(\[$]|\s*$)")
SHORT_FORMS = re.compile(r"\b(e\.g|i\.e|cf|vs|Fig|Eq|et al|etc|Dr|St)\.", re.I)


def sentences(text: str) -> int:
    """Count the sentences of a paragraph.

    Examples
    --------
    >>> sentences("It scores 0.51, e.g. more. Why? Because of 2.3 points.")
    3
    """
    return len(END.findall(SHORT_FORMS.sub(r"\1", " ".join(text.split()))))


def minutes(doctree: nodes.document) -> float:
    """Minutes to read a page: words of its prose, and lines of its code.

    What a cell printed, and what lies folded away, is not counted.
    """
    words = lines = 0
    for node in doctree.findall(nodes.TextElement):
        if _inside(node, {"cell_output", "tag_hide-input"}):
            continue
        if isinstance(node, nodes.paragraph | nodes.title | nodes.term):
            words += len(node.astext().split())
        elif isinstance(node, nodes.literal_block):
            lines += node.astext().count("\n") + 1
    return words / WORDS_A_MINUTE + lines / CODE_LINES_A_MINUTE


def _inside(node: nodes.Node | None, kinds: set[str]) -> bool:
    while node is not None:
        if isinstance(node, nodes.Element) and kinds & set(node.get("classes", [])):
            return True
        node = node.parent
    return False


def spoken_minutes(value: float) -> str:
    """Write minutes, to five where more would be a pretence.

    Examples
    --------
    >>> spoken_minutes(3.2), spoken_minutes(32.2), spoken_minutes(131)
    ('3 minutes', '30 minutes', '2 h 10 min')
    """
    whole = max(1, round(value)) if value < 20 else 5 * round(value / 5)
    if whole >= 100:
        return f"{whole // 60} h {whole % 60} min" if whole % 60 else f"{whole // 60} h"
    return f"{whole} minute{'s' if whole != 1 else ''}"


def parts(toc: Mapping[str, Any]) -> dict[str, str]:
    """Page name to the caption of the part it stands in.

    Examples
    --------
    >>> parts({"parts": [{"caption": "Part I", "chapters": [{"file": "chapters/01_a"}]}]})
    {'chapters/01_a': 'Part I'}
    """
    return {
        chapter["file"]: part.get("caption", "")
        for part in toc.get("parts", [])
        for chapter in part.get("chapters", [])
        if "file" in chapter
    }


def place_line(docname: str, captions: Mapping[str, str]) -> str:
    """Say where in the book a chapter stands; nothing for other pages.

    Examples
    --------
    >>> place_line("chapters/02_one_hot", {"chapters/02_one_hot": "Part I - Counting"})
    'Part I: Counting · Chapter 2'
    >>> place_line("pages/about", {})
    ''
    """
    stem = docname.rpartition("/")[2]
    if not docname.startswith("chapters/") or not stem[:2].isdigit():
        return ""
    caption = captions.get(docname, "").replace(" - ", ": ")
    return " · ".join(filter(None, [caption, f"Chapter {int(stem[:2])}"]))


def add_opening(app: Sphinx, doctree: nodes.document) -> None:
    """Put the costs under the title of a chapter, and mark its answer."""
    docname = app.env.docname
    if not docname.startswith("chapters/"):
        return
    root = Path(app.srcdir)
    app.env.note_dependency(str(root / "data" / "runs.json"))
    title = next(iter(doctree.findall(nodes.title)), None)
    if title is None or title.parent is None:
        return
    section = title.parent
    answer = next((n for n in section.children if isinstance(n, nodes.paragraph)), None)
    if answer is not None:
        _mark_answer(answer, docname)
    costs = [f"{spoken_minutes(minutes(doctree))} to read"]
    ran = run_line(read_runs(root).get(Path(docname).name, {}))
    line = nodes.paragraph("", ". ".join([*costs, *([ran] if ran else [])]), classes=["last-run"])
    section.insert(section.index(title) + 1, line)


def _mark_answer(answer: nodes.paragraph, docname: str) -> None:
    """Set the first paragraph of a chapter apart."""
    found = sentences(answer.astext())
    if found != SENTENCES:
        logger.warning(
            "the first paragraph is the chapter's answer and must have %d sentences, not %d",
            SENTENCES, found, location=docname,
        )  # fmt: skip
    for bold in [n for n in answer.children if isinstance(n, nodes.strong)]:
        place = answer.index(bold)  # set apart as a block, it need not be bold
        answer[place : place + 1] = bold.children
    block = nodes.container("", classes=["answer"])
    answer.replace_self(block)
    block += nodes.paragraph("", LABEL, classes=["answer-label"])
    block += answer


def fold_imports(app: Sphinx, doctree: nodes.document) -> None:
    """Fold the cells of a chapter that only import: a reader looks them up when there is need."""
    if not app.env.docname.startswith("chapters/"):
        return
    for cell in doctree.findall(nodes.container):
        if cell.get("nb_element") != "cell_code" or cell.get("hide_mode"):
            continue
        shown = cell.children[-1].get("nb_element") if cell.children else None
        if shown == "cell_code_source" and only_imports(cell.astext()):
            cell["classes"].append("tag_hide-input")
            cell["hide_mode"] = "input"  # what its button says: book_text


def add_place(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: object
) -> None:
    """Say above a chapter where it stands, and offer its notebook below."""
    path = Path(app.srcdir) / "_toc.yml"
    toc = yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}
    body = context.get("body")
    if not body or not pagename.startswith("chapters/"):
        return
    place = html.escape(place_line(pagename, parts(toc)))
    above = f'<p class="book-place">{place}</p>\n' if place else ""
    below = ""
    on_the_site = app.builder.name == "html"  # a book in one file has no notebooks beside it
    if on_the_site and (Path(app.srcdir) / f"{pagename}.ipynb").exists():
        notebook = context["pathto"](f"_sources/{pagename}.ipynb", 1)
        below = (
            f'<p class="book-notebook"><a href="{notebook}" download>Download this chapter as a '
            "notebook</a>, with its outputs, to run and to change.</p>\n"
        )
    context["body"] = above + body + below


def register(app: Sphinx) -> None:
    """Connect to the reading and the writing of each page."""
    app.connect("doctree-read", fold_imports)
    app.connect("doctree-read", add_opening)
    app.connect("html-page-context", add_place)
