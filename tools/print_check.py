"""Reads a printed book back: all is there, nothing is cut, every link leads somewhere."""

from __future__ import annotations

import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pypdf import PdfReader
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from tools.bound import Chapter, figures_of, head_of

PAGES = (30, 1500)  # fewer or more pages than this is a mistake


def bare(text: str) -> str:
    r"""Return `text` without white space, soft hyphens and the like.

    Examples
    --------
    >>> bare("a b\n c")
    'abc'
    """
    return re.sub(r"[\s\u00ad\u200b]+", "", text)


def _titles(outline: Sequence[Any]) -> Iterator[str]:
    for entry in outline:
        if isinstance(entry, list):
            yield from _titles(entry)
        else:
            yield str(entry.title)


def tagged_texts(reader: PdfReader) -> list[str]:
    """Return the alternative texts of the figures in the tag tree of a PDF."""
    root: Any = reader.root_object.get("/StructTreeRoot")
    found: list[str] = []
    todo = [root]
    while todo:
        node = todo.pop()
        node = node.get_object() if isinstance(node, IndirectObject) else node
        if isinstance(node, ArrayObject):
            todo += list(node)
        elif isinstance(node, DictionaryObject):
            if node.get("/Alt") is not None:
                found.append(" ".join(str(node["/Alt"]).split()))
            if node.get("/K") is not None:
                todo.append(node.raw_get("/K"))
    return found


def lost_links(reader: PdfReader) -> list[str]:
    """Links of a PDF to places within it that it does not have."""
    known = {name.lstrip("/") for name in reader.named_destinations}
    problems = []
    for number, page in enumerate(reader.pages, start=1):
        for item in page.get("/Annots") or []:
            link = item.get_object()
            action = link.get("/A", {}).get_object() if "/A" in link else {}
            target = link.get("/Dest", action.get("/D") if action.get("/S") == "/GoTo" else None)
            if target is not None and not isinstance(target, ArrayObject):
                name = str(target).lstrip("/")
                if name not in known:
                    problems.append(f"page {number}: a link leads to {name!r}, which is nowhere")
            elif target is None and "book.invalid" in str(action.get("/URI", "")):
                problems.append(f"page {number}: a link leads to {action['/URI']}")
    return problems


def fonts_left_out(reader: PdfReader) -> list[str]:
    """Fonts that the PDF names and does not hold."""
    problems = set()
    for page in reader.pages:
        fonts = page.get("/Resources", {}).get("/Font", {})
        for value in fonts.get_object().values() if fonts else []:
            font = value.get_object()
            below = font.get("/DescendantFonts")
            inner = below[0].get_object() if below else font
            held = inner.get("/FontDescriptor", {})
            kinds = ("/FontFile", "/FontFile2", "/FontFile3")
            if font["/Subtype"] != "/Type3" and not any(k in held for k in kinds):
                problems.add(f"the font {font.get('/BaseFont')} is not embedded")
    return sorted(problems)


def page_texts(reader: PdfReader, chapters: Sequence[Chapter], title: str) -> list[str]:
    """Return the text of each page without white space, running heads and page number."""
    heads = sorted({bare(head_of(c)) for c in chapters} | {"Contents"}, key=len, reverse=True)
    texts = []
    for number, page in enumerate(reader.pages, start=1):
        text = bare(page.extract_text())
        for start in (f"{left}{head}{number}" for left in (bare(title), "") for head in heads):
            if text.startswith(start):
                text = text[len(start) :]
                break
        texts.append(text)
    return texts


def code_cells(notebook: Mapping[str, Any]) -> list[str]:
    """Return the code of a notebook's cells that are shown."""
    return [
        "".join(cell["source"])
        for cell in notebook["cells"]
        if cell["cell_type"] == "code" and "".join(cell["source"]).strip()
        if not {"remove-cell", "remove-input"} & set(cell["metadata"].get("tags", []))
    ]


def is_whole(code: str, pages: Sequence[str]) -> bool:
    """Tell whether a piece of code stands on a page, or on the end of one and the top of the next.

    A page paints its formulas last, so that they may come between the two parts.

    Examples
    --------
    >>> is_whole("abcd", ["xabE=mc", "cdy"]), is_whole("abcd", ["xab", "dy"])
    (True, False)
    """
    if any(code in page for page in pages):
        return True
    for page, following in itertools.pairwise(pages):
        cut = next((n for n in range(len(code) - 1, 0, -1) if following.startswith(code[n:])
                    and code[:n] in page), 0)  # fmt: skip
        if cut:
            return True
    return False


def cut_cells(pages: Sequence[str], notebooks: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Code cells of which a part is missing on `pages`, which hold no white space."""
    return [
        f"{name}: the cell that begins {source.strip()[:50]!r} is not whole"
        for name, notebook in notebooks.items()
        for source in code_cells(notebook)
        if not is_whole(bare(source), pages)
    ]


def pdf_problems(
    pdf: bytes,
    chapters: Sequence[Chapter],
    notebooks: Mapping[str, Mapping[str, Any]],
    title: str,
) -> list[str]:
    """Read the printed book back; returns what is wrong with it."""
    reader = PdfReader(io.BytesIO(pdf))
    count = len(reader.pages)
    problems = [] if PAGES[0] <= count <= PAGES[1] else [f"{count} pages cannot be right"]
    outline = list(_titles(reader.outline))
    problems += [f"the outline lacks {c.title!r}" for c in chapters if c.title not in outline]
    texts = page_texts(reader, chapters, title)
    problems += [f"page {n} is empty" for n, text in enumerate(texts, 1) if n > 1 and not text]
    problems += lost_links(reader) + fonts_left_out(reader)
    said = set(tagged_texts(reader))
    problems += [
        f"the tags lack the text of a figure: {name[:60]!r}"
        for name in figures_of(chapters)
        if name not in said
    ]
    whole = "".join(texts)
    problems += cut_cells(texts, notebooks)
    code = "".join(bare(s) for n in notebooks.values() for s in code_cells(n))
    problems += [f"raw TeX {t!r}" for t in (r"\frac", "$$") if t in whole and t not in code]
    if not reader.root_object.get("/MarkInfo"):
        problems.append("the PDF is not tagged")
    return problems
