"""What others see of the book: previews, icons, the map for search engines, the page not found.

Previews and icons are drawn when the site is built. Absolute addresses are written only where the
site's own address is known, from the variable ``BOOK_ADDRESS``.
"""

from __future__ import annotations

import hashlib
import io
import os
import textwrap
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from book_ledger import chapters, count_line, read_claims
from sphinx.application import Sphinx

ADDRESS = "BOOK_ADDRESS"
SIZE = (1200, 630)
ICONS = {"favicon.png": 48, "apple-touch-icon.png": 180}
INK, MUTED, PAPER, ACCENT, WARM = "#20252b", "#565d66", "#fdfcf9", "#0b5a73", "#c8811a"
SITE = "Embeddings, Tested"


def site_address() -> str:
    """Address of the site with a slash at its end, or nothing where it is not known.

    Examples
    --------
    >>> os.environ[ADDRESS] = "https://example.org/book"
    >>> site_address()
    'https://example.org/book/'
    >>> del os.environ[ADDRESS]
    """
    address = os.environ.get(ADDRESS, "").strip()
    return address.rstrip("/") + "/" if address else ""


def page_address(pagename: str, root: str) -> str:
    """Address of a page; the first page of the book is the site itself.

    Examples
    --------
    >>> import os; os.environ[ADDRESS] = "https://example.org/book"
    >>> page_address("intro", "intro"), page_address("pages/about", "intro")
    ('https://example.org/book/', 'https://example.org/book/pages/about.html')
    >>> del os.environ[ADDRESS]
    """
    return site_address() + ("" if pagename == root else f"{pagename}.html")


# --------------------------------------------------------------------------- drawings


def _canvas(width: int, height: int, ground: str) -> Any:
    """Make a figure with one axis in pixels, the origin at the top left."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width / 100, height / 100), dpi=100, facecolor=ground)
    axis = figure.add_axes((0, 0, 1, 1))
    axis.set_xlim(0, width)
    axis.set_ylim(height, 0)
    axis.set_axis_off()
    return figure, axis


def _save(figure: Any) -> bytes:
    stream = io.BytesIO()
    # Without date and version, so that the same drawing is the same file.
    figure.savefig(stream, format="png", dpi=100, metadata={"Software": None})
    return stream.getvalue()


def _mark(axis: Any, x: float, y: float, size: float, line: str, dot: str, warm: str) -> None:
    """Draw the book's mark: two vectors from one point, and the angle between them."""
    from matplotlib.patches import Arc, Circle

    u = size / 32
    for ends in (((5, 28), (27, 15)), ((5, 14), (27, 4))):
        axis.plot([x + u * e for e in ends[0]], [y + u * e for e in ends[1]], color=line,
                  linewidth=1.5 * u, solid_capstyle="round", zorder=1)  # fmt: skip
    arc = Arc((x + 5 * u, y + 27 * u), 31 * u, 31 * u, theta1=-68, theta2=-28, color=line)
    arc.set(linewidth=0.9 * u, linestyle=(0, (0.3, 1.6)), capstyle="round")
    axis.add_patch(arc)
    for cx, cy, colour in ((5, 27, dot), (28, 15, dot), (14, 4, warm)):
        axis.add_patch(Circle((x + u * cx, y + u * cy), 3 * u, color=colour, linewidth=0, zorder=2))


def _type(root: Path, face: str) -> Any:
    """One of the book's typefaces, or what matplotlib has where they were not fetched."""
    from matplotlib.font_manager import FontProperties

    path = root / "_build" / face
    return FontProperties(fname=str(path)) if path.is_file() else FontProperties(family="serif")


def balanced(title: str, longest: int) -> list[str]:
    """Break a title into as few lines as fit, and those of like length.

    Examples
    --------
    >>> balanced("how would we know that it is good", 28)
    ['how would we know', 'that it is good']
    """
    lines = textwrap.wrap(title, longest)
    for width in range(longest - 1, 8, -1):
        narrower = textwrap.wrap(title, width)
        if len(narrower) > len(lines):
            break
        lines = narrower
    return lines


def preview(title: str, above: str, below: str, root: Path) -> bytes:
    """Draw the picture that a link to a page is shown with, 1200 by 630."""
    serif, sans = _type(root, "display.ttf"), _type(root, "sans.ttf")
    figure, axis = _canvas(*SIZE, PAPER)
    axis.axvspan(0, 14, color=ACCENT, linewidth=0)
    _mark(axis, 1000, 58, 110, ACCENT, ACCENT, WARM)
    axis.text(80, 118, above, fontproperties=sans, fontsize=25, color=ACCENT, va="baseline")
    lines = balanced(title, 30)[:4]
    size = 62 if len(lines) < 3 else 52
    for row, line in enumerate(lines):
        axis.text(78, 262 + row * size * 1.55, line, fontproperties=serif, fontsize=size,
                  color=INK, va="baseline")  # fmt: skip
    axis.text(80, 566, below, fontproperties=sans, fontsize=22, color=MUTED, va="baseline")
    return _save(figure)


def icon(size: int) -> bytes:
    """Draw the book's mark on its colour, as a square picture."""
    figure, axis = _canvas(size, size, ACCENT)
    _mark(axis, 0.14 * size, 0.14 * size, 0.72 * size, PAPER, PAPER, "#f2b84b")
    return _save(figure)


def _cached(folder: Path, name: str, wanted: Sequence[str], draw: Any) -> bytes:
    """Draw once, and again only when the words or the code that draws have changed."""
    code = Path(__file__).read_bytes()
    key = hashlib.sha256("\0".join(wanted).encode() + code).hexdigest()[:16]
    path = folder / f"{Path(name).stem}-{key}.png"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob(f"{Path(name).stem}-????????????????.png"):
            old.unlink()
        path.write_bytes(draw())
    return path.read_bytes()


def preview_name(pagename: str) -> str:
    """File of a page's preview: chapters have their own, all other pages share one.

    Examples
    --------
    >>> preview_name("chapters/02_one_hot"), preview_name("pages/about")
    ('_static/social/02_one_hot.png', '_static/social/book.png')
    """
    stem = pagename.rpartition("/")[2] if pagename.startswith("chapters/") else "book"
    return f"_static/social/{stem}.png"


def draw_all(app: Sphinx) -> None:
    """Draw the previews and the icons into the built site."""
    root, out = Path(app.srcdir), Path(app.outdir)
    folder = root / "_build" / "social"
    counted = count_line(read_claims(root))
    sheets = {"book": ("From one-hot to LLMs: what embeddings can and cannot do", SITE, counted)}
    for number, name in chapters(app.env.found_docs).items():
        title = app.env.titles[name].astext()
        below = "Every claim is an experiment that you can run"
        sheets[name.rpartition("/")[2]] = (title, f"{SITE}  ·  Chapter {number}", below)
    (out / "_static" / "social").mkdir(parents=True, exist_ok=True)
    for stem, words in sheets.items():
        fonts = str(_type(root, "display.ttf").get_file())
        picture = _cached(
            folder, stem, [*words, Path(fonts).name], lambda words=words: preview(*words, root)
        )
        (out / "_static" / "social" / f"{stem}.png").write_bytes(picture)
    for name, size in ICONS.items():
        picture = _cached(folder, name, [str(size)], lambda size=size: icon(size))
        (out / "_static" / name).write_bytes(picture)


# --------------------------------------------------------------------------- for machines


def head_links(pagename: str, root: str, up: str) -> str:
    """Preview, icons and address of one page; ``up`` leads from the page to the site's root."""
    address = site_address()
    picture = (address or up) + preview_name(pagename)
    tags = [
        f'<link rel="icon" type="image/png" sizes="48x48" href="{up}_static/favicon.png"/>',
        f'<link rel="apple-touch-icon" href="{up}_static/apple-touch-icon.png"/>',
        f'<meta property="og:image" content="{escape(picture)}"/>',
        f'<meta property="og:image:width" content="{SIZE[0]}"/>',
        f'<meta property="og:image:height" content="{SIZE[1]}"/>',
        '<meta property="og:image:alt" content="The title of the page and the mark of the book"/>',
        '<meta name="twitter:card" content="summary_large_image"/>',
    ]
    if address and pagename not in {"search", "404"}:
        here = escape(page_address(pagename, root))
        tags.append(f'<link rel="canonical" href="{here}"/>')
        tags.append(f'<meta property="og:url" content="{here}"/>')
    if pagename in {"search", "404"}:
        tags.append('<meta name="robots" content="noindex"/>')
    return "\n".join(tags) + "\n"


def sitemap(addresses: Sequence[str], day: str) -> str:
    """Write the list of pages for search engines."""
    entries = "".join(
        f"<url><loc>{escape(a)}</loc><lastmod>{day}</lastmod></url>\n" for a in addresses
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n{entries}</urlset>\n'
    )


def write_for_machines(app: Sphinx, error: Exception | None) -> None:
    """Draw what is drawn, and list the pages where the site's address is known."""
    if error or app.builder.name != "html":
        return
    draw_all(app)
    if not site_address():
        return
    out, root = Path(app.outdir), app.config.root_doc
    names = [root, *sorted(set(app.env.found_docs) - {root})]
    pages = [page_address(name, root) for name in names if (out / f"{name}.html").exists()]
    text = sitemap(pages, date.today().isoformat())
    (out / "sitemap.xml").write_text(text, encoding="utf-8", newline="\n")
    robots = f"User-agent: *\nAllow: /\nSitemap: {site_address()}sitemap.xml\n"
    (out / "robots.txt").write_text(robots, encoding="utf-8", newline="\n")


def not_found(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """Add the page for addresses that do not exist."""
    if app.builder.name == "html":
        yield ("404", {"title": "Page not found"}, "not-found.html")


def register(app: Sphinx) -> None:
    """Connect to the end of the build."""
    app.connect("html-collect-pages", not_found)
    app.connect("build-finished", write_for_machines)
