"""Binds the pages of the built site into one book, for paper and for reading devices.

A page of the site folds what a reader should not see at once, links by address and repeats its
ids on other pages. A book cannot fold: the answers to the questions and the solutions of the
exercises go to the end of their chapter, with links both ways. Links between pages become links
within the book, and every id becomes unique. What only works on a screen is left out or said.

Everything here is a pure function of the pages; :mod:`tools.print` and :mod:`tools.epub` make
files of the result.
"""

from __future__ import annotations

import copy
import html
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Comment, Tag
from bs4.element import NavigableString

from tools.formulas import unset

ON_SCREEN = (
    "a.headerlink, script, style, noscript, template, canvas, button, input, select, form, "
    ".toctree-wrapper, .live-links, .no-print, .prev-next-area, .figure-larger, "
    ".book-place, .book-notebook, [hidden]"
)
LIVE = "On the website this figure can be operated. Here it stands as its numbers."
SOLUTION = re.compile(r"(\w+)\.show_solution\(")
LABEL = re.compile(r"^([A-Z])\.\s+")
DRAWING = re.compile(r"<svg\b.*?</svg>", re.S)
STANDS_FOR = "book-drawing"
REFERENCES = ("for", "headers", "aria-labelledby", "aria-describedby", "aria-controls")
KEPT = {"class": "kept"}
WITHOUT_PAGES = ("pages-bibliography", "pages-glossary")


class BindingError(ValueError):
    """A page that cannot be bound into the book."""


@dataclass
class Chapter:
    """One page of the site as a chapter of the book.

    ``key`` is its id in the book, ``number`` is empty for pages that have none, ``part`` names the
    part that begins with it, and ``body`` is its ``<section>``, with placeholders for drawings.
    """

    name: str
    key: str
    title: str
    number: str
    part: str
    body: Tag
    drawings: dict[str, str] = field(default_factory=dict)

    @property
    def sections(self) -> list[tuple[str, str]]:
        """The id and the title of each section directly below the chapter."""
        return [
            (str(head.parent["id"]), text_of(head))
            for head in self.body.find_all("h2")
            if head.parent is not None and head.parent.get("id")
        ]

    @property
    def label(self) -> str:
        """The title with its number before it."""
        return f"{self.number}  {self.title}".strip()


def text_of(tag: Tag) -> str:
    """Return the text of an element with every run of white space made one space."""
    return " ".join(tag.get_text().split())


def parts_of(toc: Mapping[str, object]) -> list[tuple[str, str]]:
    """List the pages of a table of contents, each with the part that begins there.

    Examples
    --------
    >>> parts_of({"root": "intro", "parts": [{"caption": "I", "chapters": [{"file": "a"}]}]})
    [('intro', ''), ('a', 'I')]
    """
    found = [(str(toc["root"]), "")]
    groups = toc.get("parts") or [{"chapters": toc.get("chapters", [])}]
    for group in groups:  # type: ignore[attr-defined]
        for place, entry in enumerate(group.get("chapters", [])):
            found.append((str(entry["file"]), str(group.get("caption", "")) if not place else ""))
    return found


def key_of(name: str) -> str:
    """Turn the name of a page into an id: letters, digits, hyphens and underscores.

    Examples
    --------
    >>> key_of("chapters/00_primer")
    'chapters-00_primer'
    """
    return re.sub(r"[^A-Za-z0-9_-]", "-", name)


def place_of(key: str, anchor: str) -> str:
    """Return the id in the book of an id of a page."""
    return f"{key}--{key_of(anchor)}" if anchor else key


# --------------------------------------------------------------------------- one page


def take_drawings(text: str, key: str) -> tuple[str, dict[str, str]]:
    """Take the vector figures out of a page, their ids made unique, and leave placeholders.

    An HTML parser would write the names of SVG in small letters, which XML does not know.
    """
    drawings: dict[str, str] = {}

    def take(match: re.Match[str]) -> str:
        if 'aria-hidden="true"' in match[0].split(">", 1)[0]:
            return ""  # a decoration, drawn by rules that only the site has
        name = f"{key}-drawing-{len(drawings) + 1}"
        drawings[name] = _own_ids(match.group(0), name)
        return f'<{STANDS_FOR} data-name="{name}"></{STANDS_FOR}>'

    return DRAWING.sub(take, text), drawings


def _own_ids(svg: str, name: str) -> str:
    for old in sorted(set(re.findall(r'\bid="([^"]+)"', svg)), key=len, reverse=True):
        escaped = re.escape(old)
        svg = re.sub(rf'(?<=\bid="){escaped}(?=")', f"{name}.{old}", svg)
        svg = re.sub(rf"#{escaped}(?![\w.-])", f"#{name}.{old}", svg)
    return svg.replace(f"{name}.", f"{name}-")


def article_of(text: str, name: str) -> tuple[Tag, dict[str, str]]:
    """Find what a page says, without the frame of the site.

    Raises
    ------
    BindingError
        If the page has no article, or its article has no title.
    """
    text, drawings = take_drawings(text, key_of(name))
    article = BeautifulSoup(text, "html.parser").select_one("article.bd-article")
    if article is None or article.find("h1") is None:
        raise BindingError(f"{name}: the page has no article with a title")
    for comment in article.find_all(string=lambda s: isinstance(s, Comment)):
        comment.extract()
    for tag in article.select(ON_SCREEN):
        if not tag.decomposed:
            tag.decompose()
    for tag in article.find_all(True):
        for name_of_script in [a for a in tag.attrs if a.startswith("on")]:
            del tag[name_of_script]
    return article, drawings


def own_places(article: Tag, name: str) -> None:
    """Make every id of a page, and what refers to it, unique in the book."""
    key = key_of(name)
    for tag in article.find_all(True):
        if tag.get("id"):
            tag["id"] = place_of(key, str(tag["id"]))
        for attribute in REFERENCES:
            if tag.get(attribute):
                ids = str(tag[attribute]).split()
                tag[attribute] = " ".join(place_of(key, i) for i in ids)


def relink(article: Tag, name: str, names: Mapping[str, str]) -> None:
    """Let links between pages lead within the book; what is not in the book is no link any more.

    ``names`` gives the key of each page by its path in the site.
    """
    here = f"{name}.html"
    for link in article.find_all("a"):
        address = urlsplit(str(link.get("href", "")))
        if address.scheme in {"http", "https", "mailto"}:
            link["class"] = " ".join([*filter(None, link.get_attribute_list("class")), "outside"])
            continue
        path = unquote(address.path)
        target = posixpath.normpath(posixpath.join(posixpath.dirname(here), path)) if path else here
        if link.get("href") and not address.netloc and target in names:
            link["href"] = "#" + place_of(names[target], unquote(address.fragment))
        else:
            link.name = "span"
            link.attrs = {k: v for k, v in link.attrs.items() if k in {"id", "class"}}
    for image in article.find_all("img"):
        source = str(image.get("src", ""))
        if not urlsplit(source).scheme:
            image["src"] = posixpath.normpath(posixpath.join(posixpath.dirname(here), source))


# --------------------------------------------------------------------------- nothing is folded


def _new(name: str, text: str = "", **attributes: str) -> Tag:
    made = BeautifulSoup("", "html.parser").new_tag(name, attrs=dict(attributes))
    if text:
        made.string = text
    return made


def _link(text: str, target: str) -> Tag:
    return _new("a", text, href=f"#{target}", **{"class": "turn"})


def _line(text: str, link: Tag) -> Tag:
    line = _new("p", **{"class": "turn-line"})
    line.extend([text, link, "."])
    return line


def unfold(body: Tag, key: str, number: str, known: dict[str, str]) -> None:
    """Open everything that is folded; answers and solutions go to the end of the chapter.

    ``known`` gives the place of folded code by the code: what stands in the book already is not
    printed again, and what is new is added.
    """
    ends = [
        ("answers", "Answers to the questions", list(_questions(body, key, number))),
        ("solutions", "Solutions", list(_solutions(body, key))),
        ("set-up", "Folded code", list(_folded_code(body, key, known))),
    ]
    for name, title, entries in ends:
        if entries:
            section = _new("section", id=f"{key}--{name}-of-chapter", **{"class": "at-the-end"})
            section.append(_new("h2", title))
            section.extend(entries)
            body.append(section)
    for details in body.find_all("details"):
        _open(details)


def _open(details: Tag) -> None:
    summary = details.find("summary", recursive=False)
    if "hide" in details.get_attribute_list("class") and isinstance(summary, Tag):
        summary.decompose()
        details.unwrap()
        return
    details.name = "div"
    details.attrs = {"class": "unfolded"}
    if isinstance(summary, Tag):
        summary.name = "p"
        summary.attrs = {"class": "unfolded-title"}


def _questions(body: Tag, key: str, number: str) -> Iterator[Tag]:
    """Turn each question into a list of options, and yield what the options answer."""
    for place, question in enumerate(body.select(".question"), start=1):
        options = question.find_all("details", recursive=False)
        if not options:
            continue
        name = f"{number}.{place}" if number else str(place)
        asked, answered = f"{key}--question-{place}", f"{key}--answer-{place}"
        entry = _new("div", id=answered, **{"class": "reply"})
        entry.append(_new("h3", f"Question {name}"))
        choices = _new("ul", **{"class": "options"})
        for option in options:
            choices.append(_choice(option, entry))
        options[0].insert_before(choices)
        for option in options:
            option.decompose()
        question["id"] = asked
        question.insert(0, _new("p", f"Question {name}", **{"class": "question-number"}))
        question.append(_line("Choose first. Then see the ", _link("answer", answered)))
        entry.append(_line("Back to the ", _link("question", asked)))
        yield entry


def _choice(option: Tag, entry: Tag) -> Tag:
    """Return an option as an item of a list; what it answers goes to ``entry``."""
    summary = option.find("summary", recursive=False)
    if not isinstance(summary, Tag):
        raise BindingError("an option of a question has no summary")
    text = text_of(summary)
    item = _new("li")
    item.extend(list(summary.contents))
    summary.decompose()
    letter = LABEL.match(text)
    answer = _new("div", **{"class": "reply-option"})
    answer.append(_new("p", f"{letter[1]}." if letter else text, **{"class": "option-label"}))
    answer.extend(list(option.contents))
    entry.append(answer)
    return item


def _solutions(body: Tag, key: str) -> Iterator[Tag]:
    """Take out each cell that shows a solution, and yield it under the name of its exercise."""
    for place, cell in enumerate(body.select("div.cell"), start=1):
        code = cell.select_one(".cell_input")
        found = SOLUTION.search(code.get_text()) if code else None
        if not found:
            continue
        before = cell.find_all_previous(["strong", "h2", "h3", "h4"])
        named = (text_of(t).rstrip(".") for t in before if isinstance(t, Tag))
        title = next((t for t in named if re.match(r"\d+\.", t)), found[1])
        there, here = f"{key}--solution-{place}", f"{key}--exercise-{place}"
        line = _line("The solution is at the end of the chapter: ", _link(title, there))
        line["id"] = here
        cell.replace_with(line)
        entry = _new("div", id=there, **{"class": "solution"})
        entry.append(_new("h3", title))
        entry.extend([cell, _line("Back to the ", _link("exercise", here))])
        yield entry


def _folded_code(body: Tag, key: str, known: dict[str, str]) -> Iterator[Tag]:
    """Take out cells of which the site folds the code and that show nothing, such as the set-up.

    Neighbours share one line in the text; code that is in ``known`` is only pointed at.
    """
    line: Tag | None = None
    for place, cell in enumerate(body.select("div.cell.tag_hide-input"), start=1):
        if cell.select_one(".cell_output"):
            continue
        shown = cell.select_one(".cell_input") or cell
        code, there = "".join(shown.get_text().split()), f"{key}--code-{place}"
        link = _link(_said_of(cell), known.get(code, there))
        if line is not None and cell.find_previous_sibling() is line:
            line.contents[-1].insert_before(", ", link)
        else:
            line = _line("Printed apart, since it shows nothing: ", link)
            line["id"] = f"{key}--folded-{place}"
            cell.insert_before(line)
        cell.extract()
        if code not in known:
            known[code] = there
            entry = _new("div", id=there, **{"class": "solution"})
            entry.extend([cell, _line("Back to ", _link("its place", str(line["id"])))])
            yield entry


def _said_of(cell: Tag) -> str:
    """Return what the site says on the button of a folded cell, such as ``the set-up``."""
    said = cell.select_one("summary .collapsed")
    return text_of(said).removeprefix("Show ") if said else "the code"


def say_live(body: Tag) -> None:
    """Say under each live figure that it moves elsewhere; its title ends with a full stop."""
    for figure in body.select("figure.live"):
        for title in figure.select("figcaption > strong"):
            if not text_of(title).endswith((".", "?")):
                title.append(".")
        figure.append(_new("p", LIVE, **{"class": "live-note"}))


# --------------------------------------------------------------------------- the whole book


def bind(pages: Mapping[str, str], toc: Mapping[str, object]) -> list[Chapter]:
    """Bind the pages of a table of contents, given as HTML by name, into chapters.

    Raises
    ------
    BindingError
        If a page is missing or cannot be read, or a link leads nowhere.
    """
    order = parts_of(toc)
    known: dict[str, str] = {}
    names = {f"{name}.html": key_of(name) for name, _ in order}
    names["index.html"] = key_of(order[0][0])
    chapters = []
    for name, part in order:
        if name not in pages:
            raise BindingError(f"{name}: the page was not built")
        chapters.append(_chapter(name, part, pages[name], names, known))
    lost = lost_links(chapters)
    if lost:
        raise BindingError("; ".join(lost))
    return chapters


def _chapter(
    name: str, part: str, text: str, names: Mapping[str, str], known: dict[str, str]
) -> Chapter:
    key, stem = key_of(name), posixpath.basename(name)
    article, drawings = article_of(text, name)
    own_places(article, name)
    for place in article.select(".where"):
        place.insert_before(" ")
    relink(article, name, names)
    number = str(int(stem[:2])) if re.match(r"\d\d_", stem) else ""
    body = _new("section", id=key, **{"class": "chapter"})
    top = article.find("section", recursive=False)
    if isinstance(top, Tag) and top.get("id"):
        body.append(_new("span", id=str(top["id"]), **{"class": "place"}))
        top.unwrap()
    body.extend(list(article.contents))
    unfold(body, key, number, known)
    say_live(body)
    title = body.find("h1")
    assert isinstance(title, Tag)
    for other in body.find_all("h1")[1:]:
        other.name = "h2"
    chapter = Chapter(name, key, text_of(title), number, part, body, drawings)
    if number:
        title.insert_before(_new("p", f"Chapter {number}", **{"class": "chapter-number"}))
    if part:
        body.insert(0, _new("p", part, **{"class": "part"}))
    return chapter


def lost_links(chapters: Sequence[Chapter]) -> list[str]:
    """Links within the book to a place that it does not have."""
    places = {str(t["id"]) for c in chapters for t in [c.body, *c.body.find_all(id=True)]}
    return [
        f"{c.name}: the link {link['href']!r} leads nowhere"
        for c in chapters
        for link in c.body.find_all("a", href=re.compile("^#"))
        if str(link["href"])[1:] not in places
    ]


def doubled_places(chapters: Sequence[Chapter]) -> list[str]:
    """Ids that stand twice in the book."""
    seen: set[str] = set()
    doubled = []
    for chapter in chapters:
        for tag in [chapter.body, *chapter.body.find_all(id=True)]:
            name = str(tag["id"])
            doubled += [f"{chapter.name}: the id {name!r} stands twice"] * (name in seen)
            seen.add(name)
    return doubled


def titles_of(chapters: Sequence[Chapter]) -> list[str]:
    """List the titles of the book, of chapters, sections and parts of sections."""
    levels = ["h1", "h2", "h3", "h4"]
    return [text_of(head) for chapter in chapters for head in chapter.body.find_all(levels)]


def figures_of(chapters: Sequence[Chapter]) -> list[str]:
    """List what every figure of the book says to those who cannot see it."""
    found = []
    for chapter in chapters:
        for svg in chapter.drawings.values():
            name = re.search(r'\baria-label="([^"]*)"', svg)
            found.append(" ".join(html.unescape(name[1] if name else "").split()))
        found += [" ".join(str(i.get("alt", "")).split()) for i in chapter.body.find_all("img")]
    return [name for name in found if name]


def formulas_of(chapters: Sequence[Chapter]) -> Iterator[tuple[Tag, str, bool]]:
    """Yield every formula of the book: its element, its TeX, whether it stands by itself."""
    for chapter in chapters:
        for tag in chapter.body.select(".math"):
            text = tag.get_text().strip()
            yield tag, text[2:-2].strip() if text[:2] in {r"\(", r"\["} else text, tag.name == "div"


# --------------------------------------------------------------------------- paper


def _note_addresses(body: Tag, key: str) -> None:
    """Print the address of each outside link at the end of its chapter, unless the text has it."""
    notes: dict[str, int] = {}
    for link in body.select("a.outside"):
        address = str(link["href"]).removeprefix("mailto:")
        told = text_of(link).removeprefix("doi:")
        if address.split("://")[-1].rstrip("/") in told or (told and address.endswith(told)):
            continue
        mark = _new("sup", str(notes.setdefault(address, len(notes) + 1)))
        mark["class"] = "note"
        link.insert_after(mark)
    if not notes:
        return
    section = _new("section", id=f"{key}--addresses", **{"class": "addresses"})
    section.append(_new("p", "Addresses", **{"class": "addresses-title"}))
    listed = _new("ol")
    listed.extend([_new("li", address) for address in notes])
    section.append(listed)
    body.append(section)


def _note_pages(body: Tag, key: str) -> None:
    """Put a place for the page number behind each link to another chapter and to the end."""
    for link in body.find_all("a", href=re.compile("^#")):
        target = str(link["href"])[1:]
        owner = target.split("--")[0]
        turns = "turn" in link.get_attribute_list("class")
        if turns or (owner != key and owner not in WITHOUT_PAGES):
            link.insert_after(_new("span", **{"class": "page-of", "data-page": target}))


def _keep_words(body: Tag) -> None:
    """Let no line of a title end within a word such as one-hot."""
    for text in [t for h in body.find_all(["h1", "h2", "h3"]) for t in h.find_all(string=True)]:
        pieces: list[Tag | NavigableString] = []
        for place, piece in enumerate(re.split(r"(\w+(?:-\w+)+)", str(text))):
            plain = not place % 2
            pieces.append(NavigableString(piece) if plain else _new("span", piece, **KEPT))
        text.replace_with(*pieces)


def _keep_points(body: Tag) -> None:
    """Let no line begin with the comma or the full stop that follows a formula."""
    for formula in body.select("span.math"):
        after = formula.next_sibling
        if not isinstance(after, NavigableString):
            continue
        point = re.match(r"[.,;:?)\]’”]+", after)
        if point:
            kept = _new("span", **KEPT)
            after.replace_with(NavigableString(after[point.end() :]))
            formula.wrap(kept)
            kept.append(point[0])


def contents(chapters: Sequence[Chapter]) -> str:
    """Write the table of contents, with an empty place for each page number."""
    rows = []
    for chapter in chapters:
        if chapter.part:
            rows.append(f'<li class="contents-part">{html.escape(chapter.part)}</li>')
        rows.append(_contents_row(chapter.key, chapter.title, chapter.number, "contents-chapter"))
        below = chapter.sections if chapter.number else []  # reference pages are looked up by name
        rows += [_contents_row(i, title, "", "contents-section") for i, title in below]
    return (
        '<nav class="contents" id="contents"><h1>Contents</h1><ul>'
        + "\n".join(rows)
        + "</ul></nav>"
    )


def _contents_row(target: str, title: str, number: str, kind: str) -> str:
    return (
        f'<li class="{kind}"><a href="#{target}"><span class="contents-number">{number}</span>'
        f'<span class="contents-title">{html.escape(title)}</span>'
        f'<span class="contents-dots" aria-hidden="true"></span>'
        f'<span class="contents-page" data-page="{target}"></span></a></li>'
    )


def running_heads(chapters: Sequence[Chapter], title: str) -> str:
    """Write the rules that put the book's and the chapter's title on top of each page."""
    rules = []
    for place, chapter in enumerate(chapters):
        left = title if chapter.title != title else ""
        rules.append(
            f"@page c{place} {{ @top-left {{ content: {_quoted(left)} }} "
            f"@top-right {{ content: {_quoted(head_of(chapter))} }} }}\n"
            f"#{chapter.key} {{ page: c{place} }}"
        )
    return "\n".join(rules)


def head_of(chapter: Chapter, longest: int = 70) -> str:
    """Return the title of a chapter for the top of its pages, cut at a colon if it is long."""
    title = chapter.label
    return title if len(title) <= longest else title.split(":")[0]


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def with_drawings(text: str, drawings: Mapping[str, str]) -> str:
    """Put the drawings back in their places."""
    place = re.compile(rf'<{STANDS_FOR} data-name="([^"]+)"></{STANDS_FOR}>')
    return place.sub(lambda m: drawings[m[1]], text)


def paper(
    chapters: Sequence[Chapter], *, head: str, front: str, title: str, language: str = "en"
) -> str:
    """Write the book as one page of HTML, to be printed.

    ``head`` is put into the head (style sheets, scripts), ``front`` before the table of contents.
    """
    bodies = []
    for chapter in chapters:
        body = copy.copy(chapter.body)
        _note_addresses(body, chapter.key)
        _note_pages(body, chapter.key)
        _keep_words(body)
        _keep_points(body)
        bodies.append(with_drawings(body.decode(formatter="minimal"), chapter.drawings))
    return (
        f'<!DOCTYPE html>\n<html lang="{language}" data-theme="light"><head><meta charset="utf-8"/>'
        f"<title>{html.escape(title)}</title>{head}"
        f"<style>{running_heads(chapters, title)}</style></head>"
        f'<body class="mathjax_ignore">\n{front}\n{contents(chapters)}\n'
        + "\n".join(bodies)
        + "</body></html>\n"
    )


def read_pages(site: Path, toc: Mapping[str, object]) -> dict[str, str]:
    """Read the built pages of a table of contents, by name; what is not there is left out."""
    paths = {name: site / f"{name}.html" for name, _ in parts_of(toc)}
    found = {n: p.read_text(encoding="utf-8") for n, p in paths.items() if p.is_file()}
    return {name: unset(text) for name, text in found.items()}
