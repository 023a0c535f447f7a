"""Makes the PDF and the EPUB of the book from the pages of the built site.

``python -m tools.print`` builds the site, binds its pages into one book (:mod:`tools.bound`),
lets the system's Chromium set the mathematics and print the PDF, and writes the EPUB
(:mod:`tools.epub`) with the same formulas as MathML. ``--check`` then reads both files back.
Both are written completely or not at all, and carry the date of the last run of the chapters.
"""

from __future__ import annotations

import argparse
import asyncio
import html
import io
import json
import math
import mimetypes
import re
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page, Route, async_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, ByteStringObject, NameObject, TextStringObject

from tools import bound, chromium, epub, print_check
from tools.bound import BindingError, Chapter
from tools.site import SiteError, mathjax_folder
from tools.site import build as build_site
from tools.spoken import spoken

ROOT = Path(__file__).resolve().parent.parent
NAME = "embeddings-tested"
TITLE = "Embeddings, Tested"
SUBTITLE = "From one-hot to LLMs"
PAPERS = {"a4": ("A4", 210, 297), "letter": ("letter", 216, 279)}
"""The sizes of paper: what CSS calls them, width and height in millimetres."""

ORIGIN = "http://book.invalid"  # a host that cannot exist: every file is handed over by us
MINUTE = 60_000  # milliseconds
NOT_RUN = 77  # the exit status where there is no browser: `make audit` counts that apart
ROUNDS = 5  # printings until the page numbers of the table of contents stand

MATHJAX = """<script>window.MathJax = {
  options: {enableMenu: false, enableAssistiveMml: false,
            processHtmlClass: "math", ignoreHtmlClass: "mathjax_ignore|tex2jax_ignore"},
  chtml: {scale: 1.0, matchFontHeight: false},
  startup: {pageReady: () => MathJax.startup.defaultPageReady().then(() => document.fonts.ready)
    .then(() => { window.bookIsSet = true; })}
};</script>
<script src="/mathjax/tex-chtml.js"></script>"""
FORMULAS = """() => Array.from(MathJax.startup.document.math).map((m) => (
  {tex: m.math.trim(), display: m.display, mathml: MathJax.startup.toMML(m.root)}))"""
# A formula is an image with its words as text, so that the tags of the PDF hold them.
SPEAK = """(words) => Array.from(MathJax.startup.document.math).forEach((m, i) => {
  m.typesetRoot.setAttribute("role", "img");
  m.typesetRoot.setAttribute("aria-label", words[i]); })"""
FILL = """(pages) => document.querySelectorAll("[data-page]").forEach((place) => {
  const page = pages[place.dataset.page], bare = place.className === "contents-page";
  place.textContent = bare ? (page || "000") : ` (page ${page || "000"})`; })"""
# What can be wrong on the page itself: TeX that was not set, formulas or lines too wide.
FAULTS = r"""() => {
  const faults = [];
  document.querySelectorAll("mjx-merror").forEach((e) => faults.push(
    `formula not set: ${e.textContent.slice(0, 80)}`));
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode())
    if (/\\frac|\\\(|\\\[|\$\$/.test(node.data)
        && !node.parentElement.closest("pre, code, script, style"))
      faults.push(`raw TeX: ${node.data.trim().slice(0, 80)}`);
  const right = document.body.getBoundingClientRect().right + 1;
  document.querySelectorAll("table, pre, mjx-container > mjx-math, .figure-frame svg, img")
    .forEach((e) => { if (e.getBoundingClientRect().right > right && !e.closest(".cover"))
      faults.push(`too wide: ${e.tagName} ${e.textContent.trim().slice(0, 60)}`); });
  return faults; }"""
# Short code stays on one page with its first output; only what is long may be cut in two.
KEEP = """(page) => Object.entries({"figure, .figure-frame": 0.95,
    ".cell_input, .cell_output > div, table": 0.5, "div.cell, .reply": 0.3})
  .forEach(([kind, share]) => document.querySelectorAll(kind).forEach((e) => {
    if (e.getBoundingClientRect().height < share * page) e.classList.add("whole"); }))"""


class PrintError(RuntimeError):
    """The book was not printed."""


@dataclass(frozen=True)
class Formula:
    """A formula as MathJax understood it."""

    tex: str
    display: bool
    mathml: str

    @property
    def words(self) -> str:
        """The formula for those who listen."""
        return spoken(self.mathml)


@dataclass(frozen=True)
class Printed:
    """What comes out of the browser."""

    pdf: bytes
    pages: Mapping[str, int]
    formulas: Sequence[Formula]
    cover: bytes


# --------------------------------------------------------------------------- what is printed


def last_run(root: Path) -> str:
    """Return the date of the latest run of a chapter, such as ``2026-11-23``."""
    stored = json.loads((root / "data" / "runs.json").read_text(encoding="utf-8"))
    runs = stored.get("chapters", stored).values()
    return max(str(run["date"])[:10] for run in runs if isinstance(run, Mapping) and "date" in run)


def release_of(config: Mapping[str, Any]) -> tuple[str, str]:
    """Return the version and the authors that `_config.yml` names."""
    release = str(config.get("sphinx", {}).get("config", {}).get("release", ""))
    return release, str(config.get("author", ""))


def cover(width: float, height: float, title: str = TITLE, subtitle: str = SUBTITLE) -> str:
    """Draw the cover: texts as vectors from one point, and the angle between two of them.

    Examples
    --------
    >>> cover(210, 297)[:22]
    '<svg viewBox="0 0 210 '
    """
    x, y, reach = width * 0.14, height * 0.86, min(width * 0.86, height * 0.6)
    golden = (math.sqrt(5) - 1) / 2
    marked = {9: "#f2b35c", 12: "#7cc5dd"}
    lines, angles = [], {}
    for place in range(31):
        turn = math.radians(4 + 82 * ((place * golden) % 1))
        length = reach * (0.45 + 0.55 * ((place * golden * golden * 7) % 1))
        length = reach * 0.94 if place in marked else length
        a, b = x + length * math.cos(turn), y - length * math.sin(turn)
        colour, stroke = marked.get(place, "#5b7f92"), 1.5 if place in marked else 0.35
        angles[place] = turn
        lines.append(
            f'<path d="M{x:.2f} {y:.2f}L{a:.2f} {b:.2f}" stroke="{colour}" '
            f'stroke-width="{stroke}"/><circle cx="{a:.2f}" cy="{b:.2f}" '
            f'r="{2.1 if place in marked else 0.8}" fill="{colour}"/>'
        )
    first, last = sorted(angles[place] for place in marked)
    arc = reach * 0.55
    start = f"{x + arc * math.cos(first):.2f} {y - arc * math.sin(first):.2f}"
    end = f"{x + arc * math.cos(last):.2f} {y - arc * math.sin(last):.2f}"
    words = html.escape(title)
    size = width * 0.076
    return (
        f'<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img" '
        f'aria-label="Cover: {words}. {html.escape(subtitle)}." fill="none">'
        f'<rect width="{width}" height="{height}" fill="#10303d"/>'
        f"{''.join(lines)}"
        f'<path d="M{start}A{arc:.2f} {arc:.2f} 0 0 0 {end}" stroke="#fdfcf9" stroke-width="0.9"/>'
        f'<g font-family="Book Serif, Charter, Georgia, Liberation Serif, serif" fill="#fdfcf9">'
        f'<text x="{x:.2f}" y="{height * 0.16:.2f}" font-size="{size:.2f}" font-weight="600">'
        f"{words}</text>"
        f'<text x="{x:.2f}" y="{height * 0.16 + size * 0.95:.2f}" font-size="{size * 0.5:.2f}">'
        f"{html.escape(subtitle)}</text>"
        f'<text x="{x:.2f}" y="{height * 0.93:.2f}" font-size="{size * 0.3:.2f}" fill="#b9d3dd">'
        "Every claim is an experiment that runs on a laptop</text></g></svg>"
    )


def front_matter(release: str, authors: str, date: str, size: tuple[str, int, int]) -> str:
    """Write cover and colophon."""
    return (
        f'<div class="cover">{cover(size[1], size[2])}</div>\n'
        f'<div class="colophon"><p class="book-title">{TITLE}</p><p>{SUBTITLE}</p>'
        f"<p>Version {html.escape(release)}, made from the runs of {date}.<br/>"
        f"By {html.escape(authors)}.</p>"
        "<p>Text and figures: Creative Commons Attribution, CC BY 4.0. Code: MIT licence. Corpora "
        "and models keep their own licences, which the chapter on data and models states.</p>"
        "<p>This edition is made from the same notebooks as the website. What is folded there is "
        "open here: the answers to the questions and the solutions of the exercises stand at the "
        "end of each chapter. Figures that can be operated on the website are printed as their "
        "numbers.</p></div>"
    )


def font_sheet(site: Path) -> str:
    """Return the site's font sheet with addresses from the root, or nothing where it has none."""
    sheets = [p for p in sorted(site.rglob("*.css")) if "@font-face" in p.read_text("utf-8")]
    rules = []
    for sheet in sheets:
        place = sheet.parent.relative_to(site).as_posix()
        for rule in re.findall(r"@font-face\s*\{[^}]*\}", sheet.read_text("utf-8")):
            if "local(" not in rule and "Book" in rule:
                rules.append(re.sub(r'url\(["\']?([^"\')]+)["\']?\)', rf"url(/{place}/\1)", rule))
    return "\n".join(dict.fromkeys(rules))


def page_to_print(root: Path, site: Path, chapters: Sequence[Chapter], size: str) -> str:
    """Write the whole book as the one page that the browser prints."""
    name, width, height = PAPERS[size]
    release, authors = release_of(yaml.safe_load((root / "_config.yml").read_text("utf-8")))
    sheet = (root / "webassets" / "print.css").read_text(encoding="utf-8")
    head = f"<style>{font_sheet(site)}\n@page {{ size: {name} }}\n{sheet}</style>{MATHJAX}"
    front = front_matter(release, authors, last_run(root), (name, width, height))
    return bound.paper(chapters, head=head, front=front, title=TITLE)


# --------------------------------------------------------------------------- the browser


def places(pdf: bytes) -> dict[str, int]:
    """Return the page, counted from 1, of every place that a link of the PDF leads to."""
    reader = PdfReader(io.BytesIO(pdf))
    found = {}
    for name, destination in reader.named_destinations.items():
        number = reader.get_destination_page_number(destination)
        if number is not None:
            found[name.lstrip("/")] = number + 1
    return found


def answer_from(site: Path, page: str, mathjax: Path) -> Any:  # noqa: ANN401
    """Return a handler that answers every request from the site's folder or MathJax's."""

    async def answer(route: Route) -> None:
        path = unquote(urlsplit(route.request.url).path).lstrip("/")
        inside = mathjax if path.startswith("mathjax/") else site
        file = (inside / path.removeprefix("mathjax/")).resolve()
        if not route.request.url.startswith(ORIGIN):
            await route.abort()
        elif path == "":
            await route.fulfill(body=page, content_type="text/html; charset=utf-8")
        elif file.is_relative_to(inside.resolve()) and file.is_file():
            kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
            await route.fulfill(body=file.read_bytes(), content_type=kind)
        else:
            await route.fulfill(status=404, body="")

    return answer


async def _press(program: Path, site: Path, page: str, size: str) -> Printed:
    async with (
        async_playwright() as player,
        chromium.browser(player, program, ["--font-render-hinting=none"]) as browser,
    ):
        _, width, height = PAPERS[size]
        inside = round((width - 46) / 25.4 * 96)  # the width of the text, in CSS pixels
        tab = await browser.new_page(viewport={"width": inside, "height": 1000})
        await tab.route("**/*", answer_from(site, page, mathjax_folder() / "es5"))
        await tab.emulate_media(media="print", color_scheme="light")
        await tab.goto(f"{ORIGIN}/", timeout=MINUTE)
        await tab.wait_for_function("window.bookIsSet === true", timeout=3 * MINUTE)
        faults = await tab.evaluate(FAULTS)
        if faults:
            raise PrintError("; ".join(faults[:10]))
        formulas = [Formula(**found) for found in await tab.evaluate(FORMULAS)]
        await tab.evaluate(SPEAK, [formula.words for formula in formulas])
        await tab.evaluate(KEEP, round((height - 47) / 25.4 * 96))
        pdf, pages = await _until_numbers_stand(tab)
        await tab.set_viewport_size({"width": 800, "height": 1200})
        await tab.set_content(f'<body style="margin:0">{cover(200, 300)}</body>')
        picture = await tab.screenshot(type="png")
    return Printed(pdf, pages, formulas, picture)


async def _until_numbers_stand(tab: Page) -> tuple[bytes, dict[str, int]]:
    """Print until the page numbers in the text are those of the printed pages."""
    pages: dict[str, int] = {}
    for _ in range(ROUNDS):
        await tab.evaluate(FILL, pages)
        pdf = await tab.pdf(prefer_css_page_size=True, tagged=True, outline=True,
                            print_background=True)  # fmt: skip
        found = places(pdf)
        if found == pages:
            return pdf, pages
        pages = found
    raise PrintError("the page numbers in the text do not settle")


def press(program: Path, site: Path, page: str, size: str = "a4") -> Printed:
    """Let Chromium set the mathematics of a page and print it.

    Raises
    ------
    PrintError
        If a formula cannot be set, something is wider than the paper, or the browser fails.
    """
    try:
        return asyncio.run(_press(program, site, page, size))
    except PlaywrightError as error:
        raise PrintError(f"the browser failed: {str(error).splitlines()[0]}") from error


# --------------------------------------------------------------------------- the finished files


def mend_outline(outline: Any, titles: Mapping[str, str]) -> None:  # noqa: ANN401
    """Write the titles of an outline as the book has them: Chromium joins lines without a space.

    ``titles`` gives each title by itself without white space.
    """
    entry = outline.get("/First")
    while entry is not None:
        item = entry.get_object()
        name = print_check.bare(str(item["/Title"]))
        item[NameObject("/Title")] = TextStringObject(titles.get(name, item["/Title"]))
        mend_outline(item, titles)
        entry = item.get("/Next")


def finished(pdf: bytes, titles: Sequence[str], *, authors: str, date: str) -> bytes:
    """Give the printed PDF its title and authors, and a fixed date: it can be made again."""
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    stamp = f"D:{date.replace('-', '')}000000Z"
    writer.metadata = None
    writer.add_metadata({
        "/Title": f"{TITLE}: {SUBTITLE}", "/Author": authors, "/CreationDate": stamp,
        "/ModDate": stamp, "/Subject": "An executable book on text embeddings",
        "/Creator": "Embeddings, Tested", "/Producer": "Chromium and pypdf",
    })  # fmt: skip
    root = writer._root_object
    if "/Outlines" in root:
        known = {print_check.bare(title): title for title in titles}
        mend_outline(root["/Outlines"].get_object(), known)
    root[NameObject("/Lang")] = TextStringObject("en")
    root[NameObject("/PageMode")] = NameObject("/UseOutlines")
    same = ByteStringObject((NAME + date).encode().ljust(16, b"-")[:16])
    writer._ID = ArrayObject([same, same])
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def replace_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write all files, then put all in their places: nothing half-written is ever seen."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".making-") as made:
        for name, content in files.items():
            (Path(made) / name).write_bytes(content)
        for name in files:
            (Path(made) / name).replace(folder / name)


def make(root: Path, site: Path, folder: Path, size: str = "a4") -> dict[str, Path]:
    """Make the PDF and the EPUB of a built site; returns their paths.

    Raises
    ------
    chromium.NoBrowser, BindingError, PrintError
        If there is no browser, a page cannot be bound, or the browser cannot print.
    """
    program = chromium.find_chromium()
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    chapters = bound.bind(bound.read_pages(site, toc), toc)
    printed = press(program, site, page_to_print(root, site, chapters, size), size)
    release, authors = release_of(yaml.safe_load((root / "_config.yml").read_text("utf-8")))
    date = last_run(root)
    book = epub.Epub(
        title=TITLE, subtitle=SUBTITLE, authors=authors, release=release, date=date,
        style=(root / "webassets" / "epub.css").read_text(encoding="utf-8"),
        formulas={(f.tex, f.display): (f.mathml, f.words) for f in printed.formulas},
        cover=printed.cover, site=site,
    )  # fmt: skip
    files = {
        f"{NAME}.pdf": finished(printed.pdf, bound.titles_of(chapters), authors=authors, date=date),
        f"{NAME}.epub": epub.write(chapters, book),
    }
    replace_files(folder, files)
    return {name: folder / name for name in files}


def check(root: Path, site: Path, made: Mapping[str, Path]) -> list[str]:
    """Read both files back; returns what is wrong with them."""
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    chapters = bound.bind(bound.read_pages(site, toc), toc)
    notebooks = {
        c.name: json.loads((root / f"{c.name}.ipynb").read_text(encoding="utf-8"))
        for c in chapters
        if (root / f"{c.name}.ipynb").is_file()
    }
    pdf = made[f"{NAME}.pdf"].read_bytes()
    return [
        *print_check.pdf_problems(pdf, chapters, notebooks, TITLE),
        *epub.problems(made[f"{NAME}.epub"].read_bytes()),
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the PDF and the EPUB, optionally check them, and say where they lie."""
    parser = argparse.ArgumentParser(prog="python -m tools.print", description=main.__doc__)
    parser.add_argument("--paper", choices=sorted(PAPERS), default="a4", help="size of the paper")
    parser.add_argument("--check", action="store_true", help="also read both files back")
    parser.add_argument("--site", type=Path, help="a built site to take instead of a new one")
    parser.add_argument("--out", type=Path, default=ROOT / "_build" / "print")
    options = parser.parse_args(arguments)
    start = time.monotonic()
    try:
        chromium.find_chromium()  # before minutes are spent on the rest
        site = options.site or build_site(ROOT).parent
        made = make(ROOT, site, options.out, options.paper)
        problems = check(ROOT, site, made) if options.check else []
    except chromium.NoBrowser as error:
        print(f"print: the PDF and the EPUB need a browser: {error}", file=sys.stderr)
        return NOT_RUN
    except (SiteError, BindingError, PrintError, epub.EpubError) as error:
        print(f"print: {error}", file=sys.stderr)
        return 1
    for problem in problems:
        print(f"print: {problem}", file=sys.stderr)
    if problems:
        return 1
    for path in made.values():
        print(f"{path}  {path.stat().st_size / 1e6:.1f} MB")
    print(f"print: {time.monotonic() - start:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
