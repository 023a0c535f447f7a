"""Live figures: what a chapter computed, made into an instrument that a reader can operate.

A picture answers one question; a live figure lets the reader ask the next one. The numbers behind
it are computed once, by a cell of a chapter, and travel three ways in one output: as data for the
script of the page, as a table for pages without scripts, as a few lines of text for a terminal::

    figure = LiveFigure(name, title, summary, data, Table(header, rows))
    live.show(figure)

The website finds the data in the stored notebook and lets ``webassets/live/NAME.js`` draw them.
What such a script computes beyond drawing (ranks, intervals) is computed in Python as well, in a
module beside this one (``lib.live_pairs``), so that a test can hold one against the other.
"""

from __future__ import annotations

import csv
import html
import importlib
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from IPython.core.getipython import get_ipython
from IPython.display import display

MIME: Final = "application/vnd.embeddings-tested.live+json"
LIMIT: Final = 150 * 1024  # bytes of a figure's data, so that a page stays light
DIGITS: Final = 4  # decimals of a number in the data, unless a figure asks for others
SHOWN: Final = 3  # rows of the table in the plain text

Cell: TypeAlias = str | int | float

# Data too large for a notebook, written when the site is built and loaded when a reader asks:
# the figure's name, then where its builder is, a function without arguments in a module of lib.
BUILDERS: Final[Mapping[str, str]] = {
    "news-search": "lib.live_terms:news_index",
}


@dataclass(frozen=True)
class Table:
    """The numbers behind a figure as rows under a header; the first cell names its row.

    Raises
    ------
    ValueError
        If a row has not as many cells as the header.

    Examples
    --------
    >>> print(Table(("pair", "rating"), [("cat, dog", 7)]).csv(), end="")
    pair,rating
    "cat, dog",7
    """

    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def __post_init__(self) -> None:
        for number, row in enumerate(self.rows, start=1):
            if len(row) != len(self.header):
                raise ValueError(
                    f"row {number} has {len(row)} cells under a header of {len(self.header)}"
                )

    def csv(self) -> str:
        """Write the table as comma-separated values, one line a row."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.header, *self.rows])
        return text.getvalue()


@dataclass(frozen=True)
class LiveFigure:
    """A figure that a reader can operate.

    Parameters
    ----------
    name : str
        Lower-case words joined by hyphens: the script is ``webassets/live/NAME.js``.
    title : str
        What the reader finds out.
    summary : str
        What the reader can do, in a sentence or two; also what a screen reader says first.
    data : mapping
        What the script draws: anything that JSON can hold. Floats are rounded to ``digits``.
    table : Table
        The same for those without scripts, complete enough to be worth reading.
    digits : int
        Decimals that floats in ``data`` and ``table`` keep.

    Raises
    ------
    ValueError
        If a number is not finite, or the data are larger than ``LIMIT``.

    Examples
    --------
    >>> figure = LiveFigure("dice", "Throw it", "Guess first.", {"p": 1 / 6}, Table(("p",), [(1,)]))
    >>> figure.payload()["data"]
    {'p': 0.1667}
    """

    name: str
    title: str
    summary: str
    data: Mapping[str, Any]
    table: Table
    digits: int = DIGITS

    def __post_init__(self) -> None:
        size = len(compact(self.payload()["data"]).encode())
        if size > LIMIT:
            raise ValueError(
                f"live figure {self.name!r}: {size:,} bytes of data, {LIMIT:,} are allowed; "
                "round more, send less, or let a builder write it (lib.live.BUILDERS)"
            )

    def payload(self) -> dict[str, Any]:
        """Return what is stored in the notebook: plain lists, dictionaries, rounded numbers."""
        return {
            "name": self.name,
            "title": self.title,
            "summary": self.summary,
            "data": rounded(self.data, self.digits),
            "table": {
                "header": list(self.table.header),
                "rows": rounded(self.table.rows, self.digits),
            },
        }


def rounded(value: object, digits: int = DIGITS) -> Any:  # noqa: ANN401
    """Round every float inside nested lists and dictionaries; what JSON cannot hold is refused.

    Numbers of NumPy become plain ones, arrays and tuples become lists, minus zero becomes zero.

    Examples
    --------
    >>> rounded({"x": (1 / 3, 2, -0.00001), "name": "cat"}, 2)
    {'x': [0.33, 2, 0.0], 'name': 'cat'}
    """
    if hasattr(value, "tolist"):  # an array or a number of NumPy
        value = value.tolist()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError(f"a live figure holds {value}, which JSON cannot: say None instead")
        return round(value, digits) + 0.0
    if isinstance(value, Mapping):
        return {str(key): rounded(inner, digits) for key, inner in value.items()}
    if isinstance(value, Sequence):
        return [rounded(inner, digits) for inner in value]
    raise TypeError(f"a live figure cannot hold {value!r} ({type(value).__name__})")


def compact(value: object) -> str:
    """Write JSON without spaces, safe inside a script of a page (no ``</``)."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("</", "<\\/").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def show(figure: LiveFigure) -> None:
    """Show a live figure in a notebook: one output, with data, table and text.

    Outside of a notebook nothing is shown.
    """
    payload = figure.payload()
    bundle = {"text/plain": plain(payload), "text/html": fallback(payload), MIME: payload}
    if get_ipython() is not None:
        display(bundle, raw=True)  # type: ignore[no-untyped-call]


def plain(payload: Mapping[str, Any]) -> str:
    """Say in text what a figure is about, with the first rows of its table."""
    table = payload["table"]
    rows = [table["header"], *table["rows"][:SHOWN]]
    lines = [" | ".join(map(number_text, row)) for row in rows]
    more = len(table["rows"]) - SHOWN
    return "\n".join(
        [payload["title"], payload["summary"], *lines, *([f"and {more} more rows"] * (more > 0))]
    )


def number_text(cell: Cell) -> str:
    """Write a cell of a table: two decimals where there are any, a minus sign that is one.

    Examples
    --------
    >>> number_text(-0.125), number_text(3), number_text("cat")
    ('−0.12', '3', 'cat')
    """
    if isinstance(cell, float):
        return f"{cell:.2f}".replace("-0.00", "0.00").replace("-", "\u2212")
    return str(cell)


def fallback(payload: Mapping[str, Any], mode: str = "full") -> str:
    """Write the figure as HTML that needs no script: a caption and a table.

    Where scripts run, the page's own puts the instrument above the table, which it folds.
    """

    def escape(cell: Cell) -> str:
        return html.escape(number_text(cell))

    table = payload["table"]
    head = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in table["header"])
    body = "\n".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in table["rows"]
    )
    name = escape(payload["name"])
    title, summary = escape(payload["title"]), escape(payload["summary"])
    return (
        f'<figure class="live" data-live="{name}" id="live-{name}" data-mode="{escape(mode)}">\n'
        f"<figcaption><strong>{title}</strong> {summary}</figcaption>\n"
        '<div class="live-fallback table-frame"><table>\n'
        f"<caption>The numbers behind it</caption>\n"
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table></div>\n</figure>\n"
    )


def large(name: str) -> object | None:
    """Build the data of a figure that are too large for a notebook; None if it has no such data.

    Examples
    --------
    >>> large("pair-judge") is None
    True
    """
    if name not in BUILDERS:
        return None
    module, _, function = BUILDERS[name].partition(":")
    build: Callable[[], object] = getattr(importlib.import_module(module), function)
    return build()
