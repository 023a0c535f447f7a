"""Builds the website and checks what was built.

``python -m tools.site`` stages the vendored scripts, builds every page with warnings as errors
and prints the path of the first page; ``--check`` then runs the checks below. A check is a pure
function from the parsed pages (or a folder) to a list of problems, each one line.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml

from lib._fetch import Store
from tools import finish, typefaces
from tools.formulas import FormulaError

ROOT = Path(__file__).resolve().parent.parent
BUDGET = 800 * 1024
"""Largest weight of a page, compressed, with everything it loads."""

# The parts of MathJax that the build runs on, and the part that the pages load.
NEEDED = (
    "node-main.js", "input/tex.js", "output/chtml.js", "output/chtml/fonts/tex.js",
    "adaptors/liteDOM.js", "a11y/assistive-mml.js",
)  # fmt: skip
FONTS = "output/chtml/fonts/woff-v2"

# jupyter-book 1 has no `python -m`; this runs it in the environment of this process. An optional
# package for the syntax of international addresses, which no setting of ours holds, compiles 38
# grammars when it is imported: without it the build begins two seconds earlier.
BUILDER = (
    "import sys; sys.modules['rfc3987_syntax'] = None; "
    "from jupyter_book.cli.main import main; main()"
)

LOADING = {
    "script": ("src",),
    "img": ("src", "srcset"),
    "source": ("src", "srcset"),
    "iframe": ("src",),
    "video": ("src", "poster"),
    "audio": ("src",),
    "track": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
    "input": ("src",),
}
LOADING_LINKS = {
    "stylesheet", "icon", "preload", "modulepreload", "prefetch", "preconnect", "dns-prefetch",
    "manifest", "apple-touch-icon", "mask-icon", "shortcut",
}  # fmt: skip
LANDMARKS = {"main", "nav", "footer"}
FOREIGN = re.compile(r"^\s*(?:https?:)?//", re.I)
CSS_LOAD = re.compile(r"""(?:url\(\s*["']?|@import\s+["'])([^"')\s;]+)""", re.I)
SCRIPT_LOAD = re.compile(
    r"""(?:\bimport\s*\(?|\bfrom|\bfetch\s*\(|importScripts\s*\(|Worker\s*\(|\.src\s*=|"""
    r"""\.open\s*\(\s*["']\w+["']\s*,)\s*["'`]((?:https?:)?//[^"'`]+)""",
    re.I,
)


class SiteError(RuntimeError):
    """The site was not built, or something in it is not as it must be."""


# --------------------------------------------------------------------------- reading the pages


@dataclass
class Page:
    """What the checks need to know of one HTML page."""

    name: str
    lang: str = ""
    title: str = ""
    ids: list[str] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    images: list[tuple[str, str | None]] = field(default_factory=list)
    unnamed_drawings: int = 0
    scripts: list[str] = field(default_factory=list)
    styles: list[str] = field(default_factory=list)
    metas: dict[str, str] = field(default_factory=dict)
    rels: dict[str, str] = field(default_factory=dict)
    landmarks: set[str] = field(default_factory=set)
    classes: Counter[str] = field(default_factory=Counter)
    preloads: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    """Collects a :class:`Page` from its text."""

    def __init__(self, name: str) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page(name)
        self._inside = ""
        self._drawings = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {key: value or "" for key, value in attrs}
        page = self.page
        if "id" in found:
            page.ids.append(found["id"])
        page.anchors.update(found[key] for key in ("id", "name") if key in found)
        if tag == "html":
            page.lang = found.get("lang", "")
        if tag in {"a", "area"} and "href" in found:
            page.links.append(found["href"])
        if tag == "link" and LOADING_LINKS & set(found.get("rel", "").lower().split()):
            page.loads.append(found.get("href", ""))
        self._note_head(tag, found)
        page.classes.update(found.get("class", "").split())
        if tag in LANDMARKS:
            page.landmarks.add(tag)
        for key in LOADING.get(tag, ()):
            if key in found:
                page.loads += _addresses(found[key], several=key == "srcset")
        if tag == "img":
            page.images.append((found.get("src", ""), dict(attrs).get("alt")))
        hidden = found.get("aria-hidden") == "true" or found.get("role") in {"presentation", "none"}
        self._drawings += tag == "svg"
        if tag == "svg" and not hidden and not _name_of(found):
            page.unnamed_drawings += 1
        if "style" in found:
            page.styles.append(found["style"])
        page.scripts += [value for key, value in found.items() if key.startswith("on")]
        self._inside = tag

    def _note_head(self, tag: str, found: Mapping[str, str]) -> None:
        """Keep what the head says about the page, and which scripts hold it up."""
        if tag == "meta" and (name := found.get("name") or found.get("property")):
            self.page.metas[name] = found.get("content", "").strip()
        elif tag == "link":
            for rel in found.get("rel", "").lower().split():
                self.page.rels.setdefault(rel, found.get("href", ""))
            if found.get("rel") == "preload":
                self.page.preloads.append(found.get("href", ""))
        elif tag == "script" and "src" in found and not {"defer", "async"} & set(found):
            self.page.waiting.append(found["src"])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._drawings -= tag == "svg"
        self._inside = ""

    def handle_data(self, data: str) -> None:
        if self._inside == "title" and not self._drawings and not self.page.title:
            self.page.title = data.strip()
        elif self._inside == "script":
            self.page.scripts.append(data)
        elif self._inside == "style":
            self.page.styles.append(data)


def _addresses(value: str, *, several: bool) -> list[str]:
    """List the addresses in an attribute; ``srcset`` has several, with a width each."""
    if not several:
        return [value]
    return [part.split()[0] for part in re.split(r",\s+", value) if part.strip()]


def _name_of(attributes: Mapping[str, str]) -> str:
    return (attributes.get("aria-label") or attributes.get("aria-labelledby") or "").strip()


def read_page(text: str, name: str) -> Page:
    """Parse the text of one page; ``name`` is its path in the site, with forward slashes."""
    reader = _Reader(name)
    reader.feed(text)
    reader.close()
    return reader.page


def read_site(site: Path) -> dict[str, Page]:
    """Parse every page of a built site, by path in the site."""
    pages = {}
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if not name.startswith("_static/"):
            pages[name] = read_page(path.read_text(encoding="utf-8"), name)
    return pages


# --------------------------------------------------------------------------- the checks


def _is_local(address: str) -> bool:
    return not urlsplit(address).scheme and not FOREIGN.match(address)


def _target(page: str, address: str) -> str:
    """Return the path in the site that a local address on a page points to."""
    path = unquote(urlsplit(address).path)
    if not path:
        return page
    base = Path("/" + page).parent
    return os.path.normpath(base / path).replace(os.sep, "/").lstrip("/")


def broken_links(pages: Mapping[str, Page], files: Iterable[str]) -> list[str]:
    """Links and loaded files that do not exist, and anchors that no element carries."""
    problems, known = [], set(files) | set(pages)
    for name, page in pages.items():
        for address in [*page.links, *page.loads]:
            if not _is_local(address):
                continue
            target, anchor = _target(name, address), unquote(urlsplit(address).fragment)
            if target not in known:
                problems.append(f"{name}: links to {address!r}, which is not in the site")
            elif anchor and target in pages and anchor not in pages[target].anchors:
                problems.append(f"{name}: links to {address!r}, and no element has that id")
    return problems


def missing_from_styles(styles: Mapping[str, str], files: Iterable[str]) -> list[str]:
    """Files that a style sheet asks for and that do not exist."""
    known = set(files)
    return [
        f"{name}: asks for {address!r}, which is not in the site"
        for name, css in styles.items()
        for address in CSS_LOAD.findall(re.sub(r"/\*.*?\*/", "", css, flags=re.S))
        if _is_local(address) and not address.startswith("#")
        if _target(name, address) not in known
    ]


def third_party_requests(pages: Mapping[str, Page], styles: Mapping[str, str]) -> list[str]:
    """Whatever a page, or a style sheet it uses, would load from another host.

    A plain link is fine: it loads nothing until somebody follows it.
    """
    problems = []
    for name, page in pages.items():
        found = [address for address in page.loads if FOREIGN.match(address)]
        found += [a for css in page.styles for a in CSS_LOAD.findall(css) if FOREIGN.match(a)]
        found += [a for script in page.scripts for a in SCRIPT_LOAD.findall(script)]
        problems += [f"{name}: loads {address!r} from another host" for address in found]
    for name, css in styles.items():
        bare = re.sub(r"/\*.*?\*/", "", css, flags=re.S)
        found = [address for address in CSS_LOAD.findall(bare) if FOREIGN.match(address)]
        problems += [f"{name}: loads {address!r} from another host" for address in found]
    return problems


def images_without_text(pages: Mapping[str, Page]) -> list[str]:
    """Images without alternative text, or with their file name in its place.

    An empty text is right for a decoration; the site has one, its mark beside its name.
    """
    problems = []
    for name, page in pages.items():
        for source, text in page.images:
            stem = Path(urlsplit(source).path).name
            shown = source if len(source) < 80 else source[:77] + "..."
            if text is None or (not text.strip() and "mark" not in stem):
                problems.append(f"{name}: the image {shown!r} has no alternative text")
            elif text.strip() and stem and text.strip() in {stem, source, Path(stem).stem}:
                problems.append(f"{name}: the image {shown!r} has its file name as text")
            elif re.fullmatch(r"\S+\.(svg|png|jpe?g|gif|webp)", text.strip(), re.I):
                problems.append(f"{name}: the image {shown!r} has a file name as text")
        if page.unnamed_drawings:
            problems.append(f"{name}: {page.unnamed_drawings} drawing(s) without a name")
    return problems


def duplicate_ids(pages: Mapping[str, Page]) -> list[str]:
    """Ids that two elements of one page share."""
    return [
        f"{name}: {times} elements have the id {value!r}"
        for name, page in pages.items()
        for value, times in Counter(page.ids).items()
        if times > 1
    ]


def without_language_or_title(pages: Mapping[str, Page]) -> list[str]:
    """Pages that do not say which language they are in, or what they are about."""
    problems = []
    for name, page in pages.items():
        if not page.lang.strip():
            problems.append(f"{name}: the page does not name its language")
        if not page.title:
            problems.append(f"{name}: the page has no title")
    # index.html is the first page of the book under a second address.
    own = [page for name, page in pages.items() if name != "index.html"]
    titles = Counter(page.title for page in own if page.title)
    problems += [f"{n} pages share the title {title!r}" for title, n in titles.items() if n > 1]
    return problems


def without_description(pages: Mapping[str, Page]) -> list[str]:
    """Pages that a search engine or a link's preview would show without words or picture."""
    wanted = {
        "description": "give its first paragraph more than forty letters, or set html_meta",
        "og:title": "book_head.py writes it",
        "og:description": "book_head.py writes it",
        "og:image": "book_share.py draws it",
        "twitter:card": "book_share.py writes it",
    }
    problems = [
        f"{name}: the head has no {meta!r}: {cure}"
        for name, page in pages.items()
        for meta, cure in wanted.items()
        if not page.metas.get(meta)
    ]
    told = [n for n in pages if n.startswith(("chapters/", "pages/"))]
    texts = Counter(pages[name].metas.get("description", "") for name in told)
    problems += [
        f"{times} pages share the description {text!r}: begin each with a paragraph of its own"
        for text, times in texts.items()
        if text and times > 1
    ]
    return problems


def missing_pictures(pages: Mapping[str, Page], files: Iterable[str], address: str) -> list[str]:
    """Previews and icons that a page names and that were not drawn."""
    known, problems = set(files), []
    for name, page in pages.items():
        picture = page.metas.get("og:image", "").removeprefix(address) if address else ""
        picture = picture or _target(name, page.metas.get("og:image", ""))
        icon = page.rels.get("apple-touch-icon", "")
        for file in (picture, _target(name, icon) if icon else "(an apple-touch-icon)"):
            if file not in known:
                problems.append(f"{name}: {file} was not drawn: book_share.py draws it")
    return problems


def without_landmarks(pages: Mapping[str, Page]) -> list[str]:
    """Pages that a screen reader or a keyboard cannot find its way in."""
    problems = []
    for name, page in pages.items():
        for landmark in sorted(LANDMARKS - page.landmarks):
            problems.append(f"{name}: no <{landmark}>: see _ext/templates")
        if "#main-content" not in page.links or "main-content" not in page.anchors:
            problems.append(f"{name}: no link that skips to the main content: see _ext/templates")
    return problems


def without_answer(pages: Mapping[str, Page]) -> list[str]:
    """Chapters that do not open with their answer, their part, their costs and their notebook."""
    wanted = {
        "answer": "a first paragraph of three sentences",
        "book-place": "a part in _toc.yml",
        "last-run": "a run: make run",
        "book-notebook": "a link to its notebook",
    }
    return [
        f"{name}: {page.classes[kind]} blocks of class {kind!r} instead of one: it needs {cure}"
        for name, page in pages.items()
        if name.startswith("chapters/")
        for kind, cure in wanted.items()
        if page.classes[kind] != 1
    ]


def slow_to_stand(pages: Mapping[str, Page], styles: int = 3) -> list[str]:
    """Pages that wait for scripts or for many style sheets before anything is drawn."""
    problems = [
        f"{name}: waits for {script!r}: let tools/finish.py defer it"
        for name, page in pages.items()
        for script in page.waiting
    ]
    for name, page in pages.items():
        sheets = [a for a in page.loads if urlsplit(a).path.endswith(".css")]
        if len(sheets) > styles:
            problems.append(f"{name}: {len(sheets)} style sheets: let tools/finish.py join them")
        if any("tex-chtml" in a for a in page.loads):
            problems.append(f"{name}: loads MathJax: its formulas are set, see tools/formulas.py")
    return problems


def wrong_address(pages: Mapping[str, Page], files: Iterable[str], address: str) -> list[str]:
    """Absolute addresses: all of them where the site's address is known, else none."""
    problems, known = [], set(files)
    for name, page in pages.items():
        said = page.rels.get("canonical", "")
        if not address and (said or "og:url" in page.metas):
            problems.append(f"{name}: names an address, and BOOK_ADDRESS is not set")
        elif address and name not in {"search.html", "404.html"} and not said.startswith(address):
            problems.append(f"{name}: its canonical address is {said!r}, not below {address}")
    for file in ("sitemap.xml", "robots.txt"):
        if address and file not in known:
            problems.append(f"{file} was not written, although BOOK_ADDRESS is set")
        elif not address and file in known:
            problems.append(f"{file} was written, although BOOK_ADDRESS is not set")
    return problems


def pages_of(toc: Mapping[str, object]) -> list[str]:
    """List the files that a table of contents names, first page first.

    Examples
    --------
    >>> pages_of({"root": "intro", "parts": [{"chapters": [{"file": "chapters/00_primer"}]}]})
    ['intro', 'chapters/00_primer']
    """
    found: list[str] = []

    def walk(node: object) -> None:
        if isinstance(node, Mapping):
            for key, value in node.items():
                if key in {"root", "file"}:
                    found.append(str(value))
                else:
                    walk(value)
        elif isinstance(node, Sequence) and not isinstance(node, str):
            for item in node:
                walk(item)

    walk(toc)
    return found


def missing_pages(toc: Mapping[str, object], files: Iterable[str]) -> list[str]:
    """Pages of the table of contents that were not built (jupyter-book 2 builds none)."""
    known = set(files)
    wanted = ["index", *pages_of(toc)]
    return [f"{name}.html was not built" for name in wanted if f"{name}.html" not in known]


def weights(pages: Mapping[str, Page], site: Path) -> dict[str, int]:
    """Compressed bytes of each page with the local files it loads, and the typefaces of those."""
    packed: dict[str, int] = {}

    def with_faces(names: set[str]) -> set[str]:
        sheets = [name for name in names if name.endswith(".css") and (site / name).is_file()]
        texts = [(name, (site / name).read_text(encoding="utf-8")) for name in sheets]
        asked = {_target(n, a) for n, css in texts for a in CSS_LOAD.findall(css) if _is_local(a)}
        return names | {name for name in asked if name.endswith((".woff", ".woff2"))}

    def weigh(name: str) -> int:
        if name not in packed:
            path = site / name
            body = path.read_bytes() if path.is_file() else b""
            squeezed = path.suffix not in {".woff", ".woff2", ".png", ".jpg", ".webp"}
            packed[name] = len(gzip.compress(body, 6)) if squeezed else len(body)
        return packed[name]

    return {
        name: weigh(name)
        + sum(map(weigh, with_faces({_target(name, a) for a in page.loads if _is_local(a)})))
        for name, page in pages.items()
    }


def too_heavy(weight: Mapping[str, int], budget: int = BUDGET) -> list[str]:
    """Pages over the budget."""
    return [
        f"{name}: {size / 1024:.0f} KB compressed, the budget is {budget / 1024:.0f} KB"
        for name, size in weight.items()
        if size > budget
    ]


def check(site: Path, toc: Mapping[str, object]) -> list[str]:
    """Run every check on a built site."""
    given = os.environ.get("BOOK_ADDRESS", "").strip()
    address = given.rstrip("/") + "/" if given else ""
    pages = read_site(site)
    files = [path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()]
    styles = {
        path.relative_to(site).as_posix(): path.read_text(encoding="utf-8")
        for path in sorted(site.rglob("*.css"))
    }
    return [
        *missing_pages(toc, files),
        *broken_links(pages, files),
        *missing_from_styles(styles, files),
        *third_party_requests(pages, styles),
        *images_without_text(pages),
        *duplicate_ids(pages),
        *without_language_or_title(pages),
        *without_description(pages),
        *missing_pictures(pages, files, address),
        *without_landmarks(pages),
        *without_answer(pages),
        *slow_to_stand(pages),
        *wrong_address(pages, files, address),
        *([] if "404.html" in files else ["404.html was not built: see book_share.py"]),
        *too_heavy(weights(pages, site)),
    ]


# --------------------------------------------------------------------------- building


def mathjax_folder() -> Path:
    """Where the verified MathJax of the data layer lies."""
    from lib.data import load

    return Path(load("mathjax").folder)


def stage(source: Path, target: Path) -> Path:
    """Copy the typefaces of MathJax and its licence, which the site serves.

    Returns the folder ``es5`` that the formulas are set with.

    Raises
    ------
    SiteError
        If a part that the build needs is missing from ``source``.
    """
    found = sorted(source.rglob(NEEDED[0]))
    base = found[0].parent if found else source
    for name in (*NEEDED, FONTS):
        if not (base / name).exists():
            raise SiteError(f"{name} is not in {source}: delete that folder and try again")
    target.mkdir(parents=True, exist_ok=True)
    terms = [path for path in (base / "LICENSE", base.parent / "LICENSE") if path.exists()]
    for path in [*sorted((base / FONTS).glob("*.woff")), *terms]:
        shutil.copyfile(path, target / path.name)
    return base


def messages(output: str) -> list[str]:
    """Pick the warnings and errors from what the builder said."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    wanted = re.compile(r"\b(WARNING|ERROR|SEVERE|CRITICAL)\b|^\w*(Error|Exception)\b")
    return [line.rstrip() for line in plain.splitlines() if wanted.search(line)]


def build(root: Path = ROOT, *, mathjax: Path | None = None, fonts: Path | None = None) -> Path:
    """Build the website of the book in ``root``; returns the path of its first page.

    Raises
    ------
    SiteError
        If the builder warned about anything, or a page of ``_toc.yml`` does not exist afterwards.
    """
    root = Path(root)
    static = root / "_build" / "static"
    shutil.rmtree(static / "vendor", ignore_errors=True)
    setter = stage(mathjax or mathjax_folder(), static / "vendor" / "mathjax")
    typefaces.make(fonts or Store.from_environment().cache, static / "fonts")
    toc = yaml.safe_load((root / "_toc.yml").read_text(encoding="utf-8"))
    site = root / "_build" / "html"
    # From nothing each time: it takes seconds, and a page that lists others is never left behind.
    shutil.rmtree(site, ignore_errors=True)
    command = [sys.executable, "-c", BUILDER, "build", str(root)]
    command += ["--all", "-n", "-W", "--keep-going"]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONUTF8": "1", "NO_COLOR": "1", "PYTHONPATH": path}
    run = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, encoding="utf-8", errors="replace"
    )
    said = messages(run.stdout + run.stderr)
    if run.returncode or said:
        detail = "\n".join(said or (run.stdout + run.stderr).splitlines()[-30:])
        raise SiteError(f"the site was not built without a warning:\n{detail}")
    files = [path.relative_to(site).as_posix() for path in site.rglob("*.html")]
    missing = missing_pages(toc, files)
    if missing:
        raise SiteError("the builder reported success, but " + "; ".join(missing))
    # jupyter-book leaves a bare redirection there; the first page itself needs no second request.
    shutil.copyfile(site / f"{toc['root']}.html", site / "index.html")
    try:
        finish.finish(site, setter)
    except FormulaError as error:
        raise SiteError(f"a formula was not set: {error}") from error
    finish.say_weight(site, weights(read_site(site), site))
    return site / "index.html"


def main(arguments: Sequence[str] | None = None) -> int:
    """Build, optionally check, and say where the first page lies."""
    parser = argparse.ArgumentParser(prog="python -m tools.site", description=main.__doc__)
    parser.add_argument("--check", action="store_true", help="also check what was built")
    parser.add_argument("--mathjax", type=Path, help="a folder with MathJax, for a trial build")
    options = parser.parse_args(arguments)
    try:
        index = build(ROOT, mathjax=options.mathjax)
    except SiteError as error:
        print(f"site: {error}", file=sys.stderr)
        return 1
    if options.check:
        toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
        problems = check(index.parent, toc)
        for problem in problems:
            print(f"site: {problem}", file=sys.stderr)
        if problems:
            return 1
        heaviest = max(weights(read_site(index.parent), index.parent).items(), key=lambda w: w[1])
        pages = len(pages_of(toc))
        print(f"site: {pages} pages checked; heaviest {heaviest[0]}, {heaviest[1] / 1024:.0f} KB")
    print(index)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
