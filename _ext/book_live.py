"""Live figures on the website: data and scripts from the stored notebooks, only where needed.

A cell that calls ``lib.live.show`` leaves the figure's data in its notebook and a table in the
page. Here the data become ``_static/live/NAME.data.js`` (with ``NAME.json`` and ``NAME.csv`` for
download), and a page that holds a figure gets its scripts. The directive puts the figure of a
chapter on another page::

    ```{live} pair-judge
    :mode: front
    ```
"""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Final

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective
from sphinx.util.typing import OptionSpec

from lib.live import LIMIT, MIME, Table, compact, fallback, large

FOLDER = "live"
MARK = re.compile(r'<figure class="live" data-live="([a-z0-9-]+)"')
END = "</figure>"
# Builders of large data, beside those of lib.live: listed here they leave fresh what was run.
BUILDERS: Final[Mapping[str, str]] = {"analogy-switch": "lib.live_analogy:packed_vectors"}

# Figures that the script and the style of another draw.
DRAWN_BY: Final[Mapping[str, str]] = {"bank-layers": "bank"}
# Before anything is drawn: hide the table that the instrument will fold, unless it never comes.
EARLY = (
    'document.documentElement.classList.add("live-on");'
    'addEventListener("load",function(){if(!window.EmbeddingsTested||!EmbeddingsTested.live)'
    'document.documentElement.classList.remove("live-on")});'
)


class LiveError(ValueError):
    """A live figure that cannot be put on a page."""


def stored(notebook: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the payload of every live figure in a notebook's stored outputs."""
    for cell in notebook.get("cells", []):
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(MIME)
            if found is not None:
                text = "".join(found) if isinstance(found, list) else found
                yield json.loads(text) if isinstance(text, str) else dict(text)


def payloads(root: Path) -> dict[str, dict[str, Any]]:
    """Read the live figures of all chapters, by name.

    Raises
    ------
    LiveError
        If two outputs share a name, or one is too large.
    """
    found: dict[str, dict[str, Any]] = {}
    for path in sorted((root / "chapters").glob("*.ipynb")):
        for payload in stored(json.loads(path.read_text(encoding="utf-8"))):
            name, size = payload["name"], len(compact(payload["data"]).encode())
            if name in found:
                raise LiveError(f"{path.name}: a second live figure is called {name!r}")
            if size > LIMIT:
                raise LiveError(f"{path.name}: {name!r} has {size:,} bytes of data")
            found[name] = payload
    return found


def files(name: str, payload: Mapping[str, Any]) -> dict[str, str]:
    """Write the files of a figure: for the page, and for readers who want the numbers."""
    table = Table(payload["table"]["header"], payload["table"]["rows"])
    call = "EmbeddingsTested.live.{}({},{});\n"
    written = {
        f"{name}.data.js": call.format("data", json.dumps(name), compact(payload)),
        f"{name}.json": json.dumps(payload, ensure_ascii=False, indent=1) + "\n",
        f"{name}.csv": table.csv(),
    }
    more = built(name)
    if more is not None:
        written[f"{name}.large.js"] = call.format("large", json.dumps(name), compact(more))
    return written


def built(name: str) -> object | None:
    """Build the data of a figure that are too large for a notebook; None if it has none."""
    if name not in BUILDERS:
        return large(name)
    module, _, function = BUILDERS[name].partition(":")
    found: object | None = getattr(importlib.import_module(module), function)()
    return found


def with_links(markup: str, to_root: str) -> str:
    """Add to each figure in the markup the links to its numbers."""

    def add(figure: re.Match[str]) -> str:
        place = f"{to_root}_static/{FOLDER}/{figure[1]}"
        return (
            f'{figure[0][: -len(END)]}<p class="live-links">'
            f'<a href="{place}.csv" download>These numbers as CSV</a>, '
            f'<a href="{place}.json" download>as JSON</a></p>\n{END}'
        )

    return re.sub(f"{MARK.pattern}.*?{END}", add, markup, flags=re.S)


def read_figures(app: Sphinx) -> None:
    """Read the notebooks once, before the pages."""
    app.env.live_figures = payloads(Path(app.srcdir))  # type: ignore[attr-defined]


def write_files(app: Sphinx, env: Any) -> list[str]:
    """Write the data files of all figures into the site, before the pages ask for them."""
    if app.builder.format == "html":
        folder = Path(app.outdir) / "_static" / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        for name, payload in env.live_figures.items():
            for file, text in files(name, payload).items():
                (folder / file).write_text(text, encoding="utf-8", newline="\n")
    return []


def figures_of(doctree: nodes.document | None) -> list[str]:
    """List the live figures of a page, in order, each once."""
    if doctree is None:
        return []
    raws = (raw.astext() for raw in doctree.findall(nodes.raw) if raw.get("format") == "html")
    return list(dict.fromkeys(name for text in raws for name in MARK.findall(text)))


def add_links(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put the links to the numbers into each figure of a page."""
    if app.builder.name not in {"html", "dirhtml"}:
        return
    to_root = "../" * app.builder.get_target_uri(docname).count("/")
    for raw in list(doctree.findall(nodes.raw)):
        if raw.get("format") == "html" and MARK.search(raw.astext()):
            markup = with_links(raw.astext(), to_root)
            raw.replace_self(nodes.raw("", markup, format="html"))


def add_scripts(
    app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any
) -> None:
    """Give a page with live figures the scripts and the style that they need."""
    names = figures_of(doctree)
    if not names or app.builder.name not in {"html", "dirhtml"}:
        return
    assets = Path(app.srcdir) / "webassets" / FOLDER
    drawn = list(dict.fromkeys(DRAWN_BY.get(name, name) for name in names))
    for stem in ("live", *drawn):
        if (assets / f"{stem}.css").exists():
            app.add_css_file(f"{FOLDER}/{stem}.css")
    app.add_js_file(None, body=EARLY)
    given = [f"{name}.data" for name in names]
    for stem in ("live", *drawn, *given):
        app.add_js_file(f"{FOLDER}/{stem}.js", loading_method="defer")


class Live(SphinxDirective):
    """The live figure of a chapter on any page."""

    required_arguments = 1
    option_spec: ClassVar[OptionSpec] = {"mode": directives.unchanged}

    def run(self) -> list[nodes.Node]:
        """Put the same markup here as in the chapter."""
        name, known = self.arguments[0], self.env.live_figures  # type: ignore[attr-defined]
        if name not in known:
            have = ", ".join(sorted(known)) or "none"
            raise self.error(f"no chapter shows a live figure {name!r}; there are: {have}")
        for path in sorted((Path(self.env.srcdir) / "chapters").glob("*.ipynb")):
            self.env.note_dependency(str(path))
        return [
            nodes.raw("", fallback(known[name], self.options.get("mode", "full")), format="html")
        ]


def register(app: Sphinx) -> None:
    """Add the directive and connect to reading and writing."""
    app.add_directive("live", Live)
    app.connect("builder-inited", read_figures)
    app.connect("env-updated", write_files)
    app.connect("doctree-resolved", add_links)
    app.connect("html-page-context", add_scripts)
