"""Writes the bound book as an EPUB 3, and checks what was written.

Formulas are MathML with their words beside them, figures are pictures of their own with a light
ground (a device may show the page dark), and the style leaves colours to the device. The file is
the same, byte for byte, whenever it is made from the same pages.
"""

from __future__ import annotations

import copy
import html
import io
import posixpath
import re
import struct
import uuid
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag
from bs4.element import PageElement

from tools.bound import STANDS_FOR, Chapter, formulas_of
from tools.spoken import spoken

XHTML = "http://www.w3.org/1999/xhtml"
OPS = "http://www.idpf.org/2007/ops"
SVG = "http://www.w3.org/2000/svg"
MATHML = "http://www.w3.org/1998/Math/MathML"
OPF = "{http://www.idpf.org/2007/opf}"
CONTAINER = """<?xml version="1.0" encoding="utf-8"?>
<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/package.opf" media-type="application/oebps-package+xml"/>
</rootfiles></container>
"""
KINDS = {
    ".xhtml": "application/xhtml+xml", ".css": "text/css", ".svg": "image/svg+xml",
    ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp",
    ".gif": "image/gif",
}  # fmt: skip
# The colours of a figure on a light ground, by the names that the site's style sheet gives them.
COLOURS = {
    "--ink": "#20252b", "--ink-2": "#565d66", "--rule": "#d9d4c7", "--figure-paper": "#fdfcf9",
    "--paper": "#fdfcf9", "--paper-2": "#f5f2eb", "--accent": "#0b5a73", "--good": "#1d6b42",
    "--fair": "#8a5200", "--bad": "#a3262a", "--mute": "#5b5f66",
}  # fmt: skip
INK, GROUND = COLOURS["--ink"], COLOURS["--figure-paper"]
# Attributes that HTML once had and XHTML of today has not.
OUTDATED = ("align", "valign", "border", "bgcolor", "cellpadding", "cellspacing", "data-name")
TEX = re.compile(r"\\frac|\\\(|\\\[|\$\$")
FEATURES = ("alternativeText", "MathML", "describedMath", "structuralNavigation",
            "tableOfContents", "readingOrder", "unlocked")  # fmt: skip


class EpubError(ValueError):
    """The book cannot be written as an EPUB."""


@dataclass(frozen=True)
class Epub:
    """What the EPUB holds besides the chapters.

    ``formulas`` gives MathML and words by TeX and whether the formula stands by itself; ``site``
    is the folder where pictures are looked up.
    """

    title: str
    subtitle: str
    authors: str
    release: str
    date: str
    style: str
    formulas: Mapping[tuple[str, bool], tuple[str, str]]
    cover: bytes
    site: Path
    language: str = "en"

    @property
    def identifier(self) -> str:
        """A name that stays the same as long as the book does."""
        return f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, self.title + self.release)}"


# --------------------------------------------------------------------------- parts of a page


def picture(svg: str) -> str:
    """Turn a figure of a page into a file of its own: fixed colours on a light ground.

    Raises
    ------
    EpubError
        If the figure asks for a colour that is not known here.
    """

    def colour(match: re.Match[str]) -> str:
        if match[1] not in COLOURS:
            raise EpubError(f"a figure uses the colour {match[1]}, which tools/epub.py lacks")
        return COLOURS[match[1]]

    svg = re.sub(r"var\((--[\w-]+)(?:,[^)]*)?\)", colour, svg)
    ET.register_namespace("", SVG)
    root = ET.fromstring(svg if "xmlns=" in svg[: svg.index(">")] else
                         svg.replace("<svg", f'<svg xmlns="{SVG}"', 1))  # fmt: skip
    left, top, width, height = (root.get("viewBox") or "0 0 600 400").split()
    name = root.attrib.pop("aria-label", "")
    for key in ("style", "class", "role"):
        root.attrib.pop(key, None)
    root.set("color", INK)
    root.set("width", width)
    root.set("height", height)
    title = ET.Element(f"{{{SVG}}}title")
    title.text = name
    ground = {"x": left, "y": top, "width": width, "height": height, "fill": GROUND}
    root.insert(0, ET.Element(f"{{{SVG}}}rect", ground))
    root.insert(0, title)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode")


def _alternative(svg: str) -> str:
    name = re.search(r'\baria-label="([^"]*)"', svg)
    return html.unescape(name[1]) if name else ""


def _mathematics(chapters: Sequence[Chapter], book: Epub) -> None:
    """Put MathML in the place of TeX."""
    for tag, tex, display in list(formulas_of(chapters)):
        if (tex, display) not in book.formulas:
            raise EpubError(f"the formula {tex[:60]!r} was not set")
        mathml, words = book.formulas[tex, display]
        mathml = re.sub(r"\s*\bdata-[\w-]+=\"[^\"]*\"", "", mathml)
        made = BeautifulSoup(mathml, "html.parser").find("math")
        if not isinstance(made, Tag):
            raise EpubError(f"the formula {tex[:60]!r} is no MathML")
        made["xmlns"] = MATHML
        made["alttext"] = words
        tag.clear()
        tag.extend(_lines(made) if display else [made])
        tag["class"] = "math-block" if display else "math-inline"


def _lines(formula: Tag) -> list[Tag]:
    """Cut a formula at its wide spaces: what stands side by side on paper is too wide for a phone.

    A reading device neither breaks a formula nor scrolls it.
    """
    spaces = [
        space
        for space in formula.find_all("mspace", width="2em")
        if space.parent is formula or (space.parent and space.parent.parent is formula)
    ]
    if not spaces:
        return [formula]
    ends = {id(s if s.parent is formula else s.parent) for s in spaces}
    lines: list[list[PageElement]] = [[]]
    for part in list(formula.contents):
        if id(part) in ends:
            lines.append([])
        else:
            lines[-1].append(part)
    made = []
    for line in lines:
        piece = copy.copy(formula)
        piece.clear()
        piece.extend(line)
        piece["alttext"] = spoken(str(piece))
        made.append(piece)
    return made


def _pictures(chapter: Chapter, book: Epub) -> dict[str, bytes]:
    """Make files of the figures of a chapter and let the chapter show them."""
    files: dict[str, bytes] = {}
    for place in chapter.body.find_all(STANDS_FOR):
        name = str(place["data-name"])
        svg = chapter.drawings[name]
        files[f"images/{name}.svg"] = picture(svg).encode()
        place.name = "img"
        place.attrs = {"src": f"images/{name}.svg", "alt": _alternative(svg)}
    for image in chapter.body.find_all("img"):
        source = str(image.get("src", ""))
        if source.startswith("images/"):
            continue
        path = book.site / source
        if not path.is_file():
            raise EpubError(f"{chapter.name}: the picture {source} is not in the site")
        image["src"] = f"images/{path.name}"
        files[f"images/{path.name}"] = path.read_bytes()
    return files


def _tidy(body: Tag) -> None:
    """Leave out what XHTML does not know."""
    for tag in body.find_all(True):
        for attribute in OUTDATED:
            if tag.name != "math" and attribute in tag.attrs:
                del tag[attribute]
        if tag.name in {"thead", "tbody", "tr"} and not tag.contents:
            tag.decompose()


def _relink(chapters: Sequence[Chapter]) -> None:
    """Let links lead to the file of the chapter that holds the place."""
    for chapter in chapters:
        for link in chapter.body.find_all("a", href=re.compile("^#")):
            target = str(link["href"])[1:]
            owner = target.split("--")[0]
            if owner != chapter.key:
                link["href"] = f"{owner}.xhtml" + (f"#{target}" if target != owner else "")


def xhtml(title: str, body: str, book: Epub, *, kind: str = "") -> str:
    """Write one document of the EPUB."""
    mark = f' epub:type="{kind}"' if kind else ""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE html>\n'
        f'<html xmlns="{XHTML}" xmlns:epub="{OPS}" lang="{book.language}" '
        f'xml:lang="{book.language}"><head><title>{html.escape(title)}</title>'
        f'<link rel="stylesheet" type="text/css" href="style.css"/></head>\n'
        f"<body{mark}>{body}</body></html>\n"
    )


# --------------------------------------------------------------------------- the whole file


def navigation(chapters: Sequence[Chapter], book: Epub) -> str:
    """Write the table of contents that a reading device shows."""
    items: list[str] = []
    group: list[str] = []
    part = ""
    for chapter in chapters:
        if chapter.part:
            items += _group(part, group)
            part, group = chapter.part, []
        below = "".join(
            f'<li><a href="{chapter.key}.xhtml#{i}">{html.escape(t)}</a></li>'
            for i, t in chapter.sections
        )
        inner = f"<ol>{below}</ol>" if below else ""
        group.append(
            f'<li><a href="{chapter.key}.xhtml">{html.escape(chapter.label)}</a>{inner}</li>'
        )
    items += _group(part, group)
    first = f"{chapters[0].key}.xhtml"
    return xhtml(
        "Contents",
        '<nav epub:type="toc" id="toc" role="doc-toc"><h1>Contents</h1>'
        f"<ol>{''.join(items)}</ol></nav>"
        '<nav epub:type="landmarks" id="landmarks" hidden="hidden"><h2>Landmarks</h2><ol>'
        '<li><a epub:type="cover" href="cover.xhtml">Cover</a></li>'
        '<li><a epub:type="toc" href="nav.xhtml">Contents</a></li>'
        f'<li><a epub:type="bodymatter" href="{first}">Begin reading</a></li></ol></nav>',
        book,
    )


def _group(part: str, entries: Sequence[str]) -> list[str]:
    if not part:
        return list(entries)
    return [f"<li><span>{html.escape(part)}</span><ol>{''.join(entries)}</ol></li>"]


def package(files: Mapping[str, bytes], spine: Sequence[str], book: Epub) -> str:
    """Write the list of files, their order, and what the book is."""
    features = "".join(
        f'<meta property="schema:accessibilityFeature">{name}</meta>' for name in FEATURES
    )
    manifest = []
    for name, content in files.items():
        special = {"nav.xhtml": "nav", "cover.png": "cover-image"}.get(name, "")
        if name.endswith(".xhtml") and b"<math" in content:
            special = f"{special} mathml".strip()
        properties = f' properties="{special}"' if special else ""
        manifest.append(
            f'<item id="{_id(name)}" href="{name}" '
            f'media-type="{KINDS[posixpath.splitext(name)[1]]}"{properties}/>'
        )
    order = "".join(f'<itemref idref="{_id(name)}"/>' for name in spine)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<package xmlns="{OPF[1:-1]}" version="3.0" unique-identifier="book-id" '
        f'xml:lang="{book.language}" '
        'prefix="schema: http://schema.org/"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
        f'<dc:identifier id="book-id">{book.identifier}</dc:identifier>'
        f"<dc:title>{html.escape(f'{book.title}: {book.subtitle}')}</dc:title>"
        f"<dc:creator>{html.escape(book.authors)}</dc:creator>"
        f"<dc:language>{book.language}</dc:language><dc:date>{book.date}</dc:date>"
        "<dc:rights>Text and figures CC BY 4.0, code MIT</dc:rights>"
        f'<meta property="dcterms:modified">{book.date}T00:00:00Z</meta>'
        '<meta property="schema:accessMode">textual</meta>'
        '<meta property="schema:accessMode">visual</meta>'
        '<meta property="schema:accessModeSufficient">textual</meta>'
        f"{features}"
        '<meta property="schema:accessibilityHazard">none</meta>'
        '<meta property="schema:accessibilitySummary">Figures have text that says what they show, '
        "formulas are MathML with their words, tables have headings.</meta>"
        '<meta name="cover" content="cover-png"/></metadata>\n'
        f"<manifest>{''.join(manifest)}</manifest>\n<spine>{order}</spine></package>\n"
    )


def _id(name: str) -> str:
    made = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    return made if made[0].isalpha() else f"i-{made}"


def documents(chapters: Sequence[Chapter], book: Epub) -> tuple[dict[str, bytes], list[str]]:
    """Write every file of the book and the order in which it is read."""
    own = [
        Chapter(c.name, c.key, c.title, c.number, c.part, copy.copy(c.body), c.drawings)
        for c in chapters
    ]
    _mathematics(own, book)
    _relink(own)
    says = html.escape(f"Cover: {book.title}. {book.subtitle}.")
    cover = f'<img src="cover.png" alt="{says}"/>'
    title_page = (
        f'<section class="title-page"><h1>{html.escape(book.title)}</h1>'
        f"<p>{html.escape(book.subtitle)}</p><p>{html.escape(book.authors)}</p>"
        f"<p>Version {html.escape(book.release)}, made from the runs of {book.date}. Text and "
        "figures: CC BY 4.0. Code: MIT licence.</p></section>"
    )
    pages = {
        "cover.xhtml": xhtml("Cover", f'<div class="cover">{cover}</div>', book, kind="cover"),
        "title.xhtml": xhtml(book.title, title_page, book, kind="titlepage"),
        "nav.xhtml": navigation(own, book),
    }  # fmt: skip
    pictures: dict[str, bytes] = {}
    for chapter in own:
        pictures |= _pictures(chapter, book)
        _tidy(chapter.body)
        pages[f"{chapter.key}.xhtml"] = xhtml(
            chapter.label, chapter.body.decode(formatter="minimal"), book
        )
    files = {name: text.encode() for name, text in pages.items()}
    return {**files, "style.css": book.style.encode(), "cover.png": book.cover, **pictures}, list(
        pages
    )


def write(chapters: Sequence[Chapter], book: Epub) -> bytes:
    """Write the EPUB.

    Raises
    ------
    EpubError
        If a formula was not set, a picture is missing, or a page does not become well-formed.
    """
    files, spine = documents(chapters, book)
    for name, content in files.items():
        if name.endswith((".xhtml", ".svg")):
            try:
                ET.fromstring(content)
            except ET.ParseError as error:
                raise EpubError(f"{name} is not well-formed: {error}") from error
    stored = {f"OEBPS/{name}": content for name, content in files.items()}
    year, month, day = (int(part) for part in book.date.split("-"))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        entries = {
            "mimetype": b"application/epub+zip",
            "META-INF/container.xml": CONTAINER.encode(),
            "OEBPS/package.opf": package(files, spine, book).encode(),
            **stored,
        }
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name, (year, month, day, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            # The first entry must be readable as it stands: that is how the format is recognised.
            entry.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return out.getvalue()


# --------------------------------------------------------------------------- the checks


def _documents(files: Mapping[str, bytes]) -> Iterator[tuple[str, ET.Element | str]]:
    for name, content in files.items():
        if name.endswith((".xhtml", ".opf", ".svg", ".xml")):
            try:
                yield name, ET.fromstring(content)
            except ET.ParseError as error:
                yield name, str(error)


def _frame(epub: bytes) -> list[str]:
    """Problems of the archive itself."""
    if epub[30:38] != b"mimetype" or epub[38:58] != b"application/epub+zip":
        return ["the first entry is not an uncompressed mimetype"]
    (method,) = struct.unpack("<H", epub[8:10])
    return ["the entry mimetype is compressed"] if method else []


def _listed(opf: ET.Element, names: set[str]) -> list[str]:
    """Files that are listed and missing, or there and not listed; what is read and not listed."""
    items = {i.get("id"): i for i in opf.iter(f"{OPF}item")}
    hrefs = {posixpath.join("OEBPS", str(i.get("href"))) for i in items.values()}
    found = {n for n in names if n.startswith("OEBPS/") and not n.endswith(".opf")}
    problems = [f"{name} is listed and not there" for name in sorted(hrefs - found)]
    problems += [f"{name} is there and not listed" for name in sorted(found - hrefs)]
    read = [str(i.get("idref")) for i in opf.iter(f"{OPF}itemref")]
    problems += [f"{name} is in the order and not listed" for name in read if name not in items]
    navs = [i for i in items.values() if "nav" in str(i.get("properties")).split()]
    covers = [i for i in items.values() if "cover-image" in str(i.get("properties")).split()]
    problems += [] if len(navs) == 1 else [f"{len(navs)} tables of contents instead of one"]
    problems += [] if len(covers) == 1 else [f"{len(covers)} covers instead of one"]
    return problems


def _page_problems(name: str, page: ET.Element, places: Mapping[str, set[str]]) -> Iterator[str]:
    """Yield what is wrong on one page: loads from outside, wordless pictures, lost links, TeX."""
    for tag in page.iter():
        kind = tag.tag.rsplit("}", 1)[-1]
        source = tag.get("src") or (tag.get("href") if kind in {"link", "image"} else "") or ""
        if urlsplit(source).scheme or source.startswith("//"):
            yield f"{name}: loads {source!r} from outside"
        elif (
            source
            and posixpath.normpath(posixpath.join(posixpath.dirname(name), source)) not in places
        ):
            yield f"{name}: {source!r} is not in the file"
        if kind == "img" and not (tag.get("alt") or "").strip():
            yield f"{name}: a picture has no text"
        if kind == "math" and not (tag.get("alttext") or "").strip():
            yield f"{name}: a formula has no words"
        if kind in {"script", "iframe", "object", "embed", "form", "input", "button", "details"}:
            yield f"{name}: holds the element {kind}"
        if kind == "a" and not urlsplit(tag.get("href", "")).scheme and tag.get("href"):
            yield from _lost(name, str(tag.get("href")), places)
    yield from (
        f"{name}: raw TeX {text.strip()[:60]!r}" for text in _prose(page) if TEX.search(text)
    )


def _prose(tag: ET.Element) -> Iterator[str]:
    """Yield the texts of an element that are not code."""
    if tag.tag.rsplit("}", 1)[-1] not in {"pre", "code", "annotation"}:
        yield tag.text or ""
        for child in tag:
            yield from _prose(child)
            yield child.tail or ""


def _lost(name: str, href: str, places: Mapping[str, set[str]]) -> Iterator[str]:
    path, _, anchor = href.partition("#")
    target = (
        posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path))) if path else name
    )
    if target not in places or (anchor and unquote(anchor) not in places[target]):
        yield f"{name}: the link {href!r} leads nowhere"


def problems(epub: bytes) -> list[str]:
    """Read an EPUB back; returns what is wrong with it."""
    found = _frame(epub)
    with zipfile.ZipFile(io.BytesIO(epub)) as archive:
        files = {info.filename: archive.read(info) for info in archive.infolist()}
    if "META-INF/container.xml" not in files or "OEBPS/package.opf" not in files:
        return [*found, "the container or the package is missing"]
    read = dict(_documents(files))
    found += [f"{name} is not well-formed: {e}" for name, e in read.items() if isinstance(e, str)]
    trees = {name: tree for name, tree in read.items() if isinstance(tree, ET.Element)}
    if "OEBPS/package.opf" in trees:
        found += _listed(trees["OEBPS/package.opf"], set(files))
    places: dict[str, set[str]] = {name: set() for name in files}
    for name, tree in trees.items():
        ids = [str(tag.get("id")) for tag in tree.iter() if tag.get("id")]
        found += [
            f"{name}: the id {i!r} stands twice" for i in sorted(set(ids)) if ids.count(i) > 1
        ]
        places[name] = set(ids)
    for name, tree in trees.items():
        if name.endswith(".xhtml"):
            found += _page_problems(name, tree, places)
        elif name.endswith(".svg") and re.search(rb"var\(|url\(\s*[\"']?http", files[name]):
            found.append(f"{name}: depends on something outside of it")
    return found
