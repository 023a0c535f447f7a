"""The last hand on the built site: what every page loads becomes small and comes early.

The builder puts eight style sheets and a dozen scripts on each page. Here the style sheets become
one, without the rules that no page and no script can use; scripts wait until the page stands; and
what a page has no use for (copy buttons without code, MathJax once the formulas are set) is not
loaded.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Container, Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tools.formulas import set_pages

SHEET = "_static/book.css"
LINK = re.compile(r'[ \t]*<link\b[^>]*\brel="stylesheet"[^>]*>\n?')
SCRIPT = re.compile(r"[ \t]*<script\b([^>]*)>(.*?)</script>\n?", re.S)
HREF = re.compile(r'\bhref="([^"]+)"')
SRC = re.compile(r'\bsrc="([^"]+)"')
URL = re.compile(r"""url\(\s*(["']?)([^"')]+)\1\s*\)""")
IMPORT = re.compile(r"""@import\s+(?:url\()?["']?([^"')\s;]+)["']?\)?\s*;""")
COMMENT = re.compile(r"/\*.*?\*/", re.S)
NAME = re.compile(r"\.((?:[\w-]|\\.)+)|#((?:[\w-]|\\.)+)")
# Sheets that only some pages use stay files of their own; those of live figures become one a page.
FIGURES = "_static/live/"
APART = (FIGURES, "_static/print")
# Scripts of the builder, by what a page must contain to need them.
WANTED_BY = {
    "clipboard.min.js": 'class="highlight',
    "copybutton.js": 'class="highlight',
    "togglebutton.js": 'class="toggle',
    "design-tabs.js": 'class="sd-tab',
}
# From disk a browser fetches no page, so a search there lists titles without excerpts.
FROM_DISK = (
    '\nif (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;'
)
# Never used on any page: the icons are drawn by our style sheet, in one language.
UNUSED = ("scripts/fontawesome.js", "scripts/fontawesome.js.map", "vendor/fontawesome", "locales",
          "webpack-macros.html", "sbt-webpack-macros.html")  # fmt: skip


# --------------------------------------------------------------------------- style sheets


def blocks(css: str) -> Iterator[tuple[str, str]]:
    """Split a style sheet into ``(head, body)``; a statement without a body has the body ``""``.

    Examples
    --------
    >>> list(blocks("@charset 'utf-8';a{b:c}@media print{d{e:f}}"))
    [("@charset 'utf-8'", ''), ('a', 'b:c'), ('@media print', 'd{e:f}')]
    """
    start = place = depth = 0
    head = ""
    quote = ""
    while place < len(css):
        letter = css[place]
        if quote:
            if letter == "\\":
                place += 1
            elif letter == quote:
                quote = ""
        elif letter in "\"'":
            quote = letter
        elif letter == "\\":
            place += 1
        elif letter == "{":
            depth += 1
            if depth == 1:
                head, start = css[start:place].strip(), place + 1
        elif letter == "}" and depth:
            depth -= 1
            if depth == 0:
                yield head, css[start:place].strip()
                start = place + 1
        elif letter == ";" and depth == 0:
            if statement := css[start:place].strip():
                yield statement, ""
            start = place + 1
        place += 1


def pruned(css: str, used: set[str]) -> str:
    """Drop the rules that name a class or an id which no page and no script contains.

    Examples
    --------
    >>> pruned(".a .b, .a {x:y} .c:not(.d) {x:y} @media print {.d {x:y}} p{x:y}", {"a", "c"})
    '.a{x:y}.c:not(.d){x:y}p{x:y}'
    """
    kept = []
    for head, body in blocks(css):
        if not body:
            kept += [f"{head};"] if head.startswith(("@import", "@layer", "@charset")) else []
        elif head.startswith(("@media", "@supports", "@layer", "@container")):
            inside = pruned(body, used)
            kept += [f"{head}{{{inside}}}"] if inside else []
        elif head.startswith("@font-face"):
            kept += [] if "awesome" in body.lower() else [f"{head}{{{body}}}"]
        elif head.startswith("@"):
            kept.append(f"{head}{{{body}}}")
        else:
            selectors = [s for s in split_selectors(head) if _can_match(s, used)]
            kept += [f"{','.join(selectors)}{{{body}}}"] if selectors else []
    return "".join(kept)


def used_faces(css: str) -> str:
    """Drop the typefaces that no rule of a squeezed sheet asks for.

    Examples
    --------
    >>> used_faces("@font-face{font-family:A;src:a}@font-face{font-family:B;src:b}p{font:1em A}")
    '@font-face{font-family:A;src:a}p{font:1em A}'
    """
    face = re.compile(r"""@font-face\{[^}]*?font-family:\s*["']?([^;"'}]+)["']?[^}]*\}""")
    rest = face.sub("", css)
    return face.sub(lambda m: m[0] if re.search(rf"\b{re.escape(m[1])}\b", rest) else "", css)


def split_selectors(head: str) -> list[str]:
    """Split a list of selectors at its own commas, not at those inside brackets.

    Examples
    --------
    >>> split_selectors("a, b:is(c, d),e")
    ['a', 'b:is(c, d)', 'e']
    """
    found, depth, start = [], 0, 0
    for place, letter in enumerate(head):
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            found.append(head[start:place].strip())
            start = place + 1
    return [*found, head[start:].strip()]


def _can_match(selector: str, used: set[str]) -> bool:
    bare = re.sub(r"\[[^\]]*\]", "", selector)
    while "(" in bare:  # what stands in :not(), :is() and the like is left alone
        shorter = re.sub(r"\([^()]*\)", "", bare)
        if shorter == bare:
            break
        bare = shorter
    names = (a or b for a, b in NAME.findall(bare))
    return all(name.replace("\\", "") in used for name in names)


def squeezed(css: str) -> str:
    """Take away comments and white space that mean nothing.

    Examples
    --------
    >>> squeezed("a { b: c; /* d */ }")
    'a{b:c}'
    """
    css = re.sub(r"\s+", " ", COMMENT.sub("", css))
    parts = re.split(r"""("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')""", css)
    for place in range(0, len(parts), 2):
        text = re.sub(r"\s*([{};,>])\s*", r"\1", parts[place])
        parts[place] = re.sub(r":\s+", ":", text) if "{" in text or ";" in text else text
    return "".join(parts).replace(";}", "}").strip()


def used_words(texts: Iterable[str]) -> set[str]:
    """Every word in pages and scripts that could be the name of a class or an id."""
    words: set[str] = set()
    for text in texts:
        words.update(re.findall(r"[\w-]+", text))
    return words


def moved(css: str, sheet: str) -> str:
    """Rewrite the addresses in a sheet as seen from ``_static``, marked by a slash in front."""
    folder = Path("/" + sheet).parent

    def address(match: re.Match[str]) -> str:
        target = match.group(2)
        if target.startswith(("data:", "#", "/", "http:", "https:", "%23")):
            return match.group(0)
        parts: list[str] = []
        for part in (folder / target).parts[1:]:
            if part == "..":
                parts.pop()
            else:
                parts.append(part)
        inside = "/".join(parts).removeprefix("_static/")
        return f'url("/{inside}")'

    return URL.sub(address, css)


def whole(site: Path, sheet: str, seen: set[str]) -> str:
    """Read a sheet with those that it imports from the site put in their place."""
    seen.add(sheet)
    css = COMMENT.sub("", (site / sheet).read_text(encoding="utf-8-sig"))

    def put_in(match: re.Match[str]) -> str:
        target = _local(sheet, match.group(1))
        return whole(site, target, seen) if (site / target).is_file() else match.group(0)

    return moved(IMPORT.sub(put_in, css), sheet)


def _local(page: str, address: str) -> str:
    """Path in the site of an address on a page, or nothing for another host's."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return ""
    found: list[str] = []
    for part in [*Path(page).parent.parts, *unquote(parts.path).split("/")]:
        if part == ".." and found:
            found.pop()
        elif part not in {"", ".", ".."}:
            found.append(part)
    return "/".join(found)


def bundle_styles(pages: dict[str, str], site: Path) -> None:
    """Make one style sheet of those that the pages share, and link it in their place."""
    shared: dict[str, None] = {}
    for name, text in pages.items():
        for tag in LINK.findall(text):
            sheet = _sheet(name, tag)
            own = not sheet or sheet.startswith(APART) or "media=" in tag
            if not own and (site / sheet).is_file():
                shared.setdefault(sheet)
    scripts = [p.read_text(encoding="utf-8") for p in site.rglob("_static/**/*.js")
               if "vendor" not in p.parts and "fontawesome" not in p.name]  # fmt: skip
    used = used_words([*pages.values(), *scripts])
    read: set[str] = set()
    sheets = [whole(site, sheet, read) for sheet in shared]
    css = "".join(pruned(squeezed(re.sub(r"@charset[^;]+;", "", sheet)), used) for sheet in sheets)
    css = used_faces(css).replace('url("/', 'url("')
    (site / SHEET).write_text(css, encoding="utf-8", newline="\n")
    for name, text in pages.items():
        pages[name] = relinked(text, name, shared, SHEET, css)
    for sheet in read:
        (site / sheet).unlink()


def relinked(text: str, page: str, sheets: Container[str], target: str, css: str) -> str:
    """Link one sheet where a page links the first of several, and take the other links away.

    Examples
    --------
    >>> links = '<link rel="stylesheet" href="../a.css"/><link rel="stylesheet" href="../b.css"/>'
    >>> print(relinked(links, "chapters/01.html", {"a.css", "b.css"}, "c.css", "p{x:y}"), end="")
      <link rel="stylesheet" href="../c.css?v=a737a368"/>
    """
    mark = hashlib.sha256(css.encode()).hexdigest()[:8]
    first = [f'  <link rel="stylesheet" href="{"../" * page.count("/")}{target}?v={mark}"/>\n']

    def swap(match: re.Match[str]) -> str:
        if _sheet(page, match.group(0)) not in sheets:
            return match.group(0)
        return first.pop() if first else ""

    return LINK.sub(swap, text)


def join_figures(pages: dict[str, str], site: Path) -> None:
    """Make one style sheet a page of those of its live figures."""
    for name, text in pages.items():
        linked = [_sheet(name, tag) for tag in LINK.findall(text)]
        sheets = [sheet for sheet in linked if sheet.startswith(FIGURES)]
        if not sheets:
            continue
        target = FIGURES + "-and-".join(Path(sheet).stem for sheet in sheets) + ".min.css"
        css = squeezed("".join((site / sheet).read_text(encoding="utf-8") for sheet in sheets))
        (site / target).write_text(css, encoding="utf-8", newline="\n")
        pages[name] = relinked(text, name, sheets, target, css)


def _sheet(page: str, tag: str) -> str:
    """Path in the site of the sheet that a tag on a page links."""
    return _local(page, HREF.search(tag).group(1))  # type: ignore[union-attr]


# --------------------------------------------------------------------------- scripts


def wait(text: str, settings: str) -> str:
    """Let the scripts of one page wait for it, and leave out those that it has no use for.

    ``settings`` is the text of the builder's small file of options, which goes into the page: the
    short scripts between the files rely on it.

    Examples
    --------
    >>> print(wait('<head><script src="a.js"></script></head>', ""))
    <head><script defer src="a.js"></script></head>
    """

    def change(match: re.Match[str]) -> str:
        attributes, body = match.groups()
        source = SRC.search(attributes)
        if not source:
            useless = "MathJax" in body
            useless |= "togglebuttonSelector" in body and 'class="toggle' not in text
            useless |= "toggleHint" in body or "toggleOpenOnPrint" in body
            return "" if useless else match.group(0)
        file = urlsplit(source.group(1)).path
        if file.endswith("documentation_options.js"):
            return f"<script>{settings.strip()}{FROM_DISK if settings else ''}</script>\n"
        if file.endswith("mathjax/tex-chtml.js"):  # tools/formulas.py has done its work
            return ""
        for name, sign in WANTED_BY.items():
            if file.endswith(name) and sign not in text:
                return ""
        if re.search(r"\b(defer|async|type)\b", attributes):
            return match.group(0)
        return match.group(0).replace("<script", "<script defer", 1)

    return SCRIPT.sub(change, text)


# --------------------------------------------------------------------------- all of it


def finish(site: Path, mathjax: Path) -> None:
    """Finish a site that has just been built; MathJax's folder ``es5`` sets its formulas.

    Raises
    ------
    tools.formulas.FormulaError
        If a formula cannot be set.
    """
    names = sorted(p.relative_to(site).as_posix() for p in site.rglob("*.html"))
    names = [name for name in names if not name.startswith(("_static/", "_sources/"))]
    pages = {name: (site / name).read_text(encoding="utf-8") for name in names}
    options = site / "_static" / "documentation_options.js"
    settings = options.read_text(encoding="utf-8") if options.is_file() else ""
    pages = {name: wait(text, settings) for name, text in pages.items()}
    set_pages(pages, site, mathjax)
    bundle_styles(pages, site)
    join_figures(pages, site)
    _remove(site)
    for name, text in pages.items():
        (site / name).write_text(text, encoding="utf-8", newline="\n")


def _remove(site: Path) -> None:
    """Delete what no page loads."""
    for name in UNUSED:
        path = site / "_static" / name
        for file in [path] if path.is_file() else sorted(path.rglob("*"), reverse=True):
            file.rmdir() if file.is_dir() else file.unlink()
        if path.is_dir():
            path.rmdir()


def say_weight(site: Path, weight: Mapping[str, int]) -> None:
    """Put the weight of the chapters' pages where the first page speaks of it."""
    chapters = [size for name, size in weight.items() if name.startswith("chapters/")]
    if not chapters:
        return
    low, high = (round(size / 1000, -1) for size in (min(chapters), max(chapters)))
    said = f"{low:.0f} KB" if low == high else f"{low:.0f} to {high:.0f} KB"
    for path in site.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        new = re.sub(r'(<span class="page-weight">)[^<]*', rf"\g<1>{said}", text)
        if new != text:
            path.write_text(new, encoding="utf-8", newline="\n")
