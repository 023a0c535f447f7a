"""One style for every figure of the book, and figures that carry their own numbers.

A method keeps its colour and its marker from the first chapter to the last (``METHODS``). Titles
state the finding, labels stand beside what they name, uncertainty is drawn. ``show`` turns a
figure into an SVG that a screen reader can announce, that a page can recolour for dark reading,
that is the same byte for byte when drawn again, and that holds the plotted values, so that a test
compares numbers and not pixels.

>>> from lib.plot import METHODS
>>> METHODS["glove"]
Method(label='GloVe', colour='#ee6c00', marker='v')
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import textwrap
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import matplotlib as mpl
import numpy as np
from IPython.core.getipython import get_ipython
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike, NDArray

from lib.evaluate import Estimate
from lib.results import format_estimate, format_number


@dataclass(frozen=True)
class Method:
    """How a method is called and drawn throughout the book."""

    label: str
    colour: str
    marker: str


# Each colour has a contrast of at least 3 to 1 on white and on #121212; no two look alike to
# readers with any of the three common colour deficiencies, but for a variant, which has the colour
# of its method; no two share a marker.
METHODS: Final[Mapping[str, Method]] = {
    "one-hot": Method("One-hot", "#585e99", "s"),
    "counts": Method("Counts", "#009ae6", "D"),
    "tfidf": Method("TF-IDF", "#7060ff", "o"),
    "lsa": Method("LSA", "#0f777c", "p"),
    "ppmi": Method("PPMI", "#659f4b", "h"),
    "word2vec": Method("Word2Vec", "#c05a10", "<"),
    "glove": Method("GloVe", "#ee6c00", "v"),
    "glove-idf": Method("GloVe × IDF", "#ee6c00", "8"),
    "fasttext": Method("fastText", "#8f5433", ">"),
    "elmo": Method("ELMo", "#cd52ba", "d"),
    "minilm": Method("MiniLM", "#c00c65", "^"),
    "smollm2": Method("SmolLM2", "#832ee6", "P"),
    "human": Method("Human", "#8a8a8a", "*"),
    "random": Method("Random", "#7a7b47", "X"),
}

INK: Final = "#1b1b1f"  # text and marks that follow the page's text colour
MUTED: Final = "#5f5f68"  # axes and secondary text
FAINT: Final = "#dedee3"  # grid lines
GROUND: Final = "#ffffff"
DARK_GROUND: Final = "#121212"
WIDTH: Final = 6.4  # inches
SMALLEST_TEXT: Final = 9.0  # points
TITLE_COLUMNS: Final = 58
FONTS: Final = "system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif"

# What a page may recolour: class names by colour. Black is matplotlib's default ink.
_ROLES: Final = {
    INK: "ink",
    "#000000": "ink",
    MUTED: "muted",
    FAINT: "faint",
    GROUND: "ground",
}
# Matplotlib's own defaults first, so that a reader's settings file changes nothing here.
_NOT_STYLE: Final = ("backend", "_internal", "interactive", "toolbar", "tk.")
_STYLE: Final[dict[Any, Any]] = {
    **{k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith(_NOT_STYLE)},
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.labelsize": 10,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "axes.edgecolor": MUTED,
    "axes.facecolor": "none",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "figure.facecolor": GROUND,
    "axes.linewidth": 0.8,
    "lines.linewidth": 2.0,
    "axes.unicode_minus": True,
}
_IN_FULL: Final = FuncFormatter(lambda v, _: f"{v:,.12g}")  # 10,000 rather than a power of ten
_SVG: Final[dict[Any, Any]] = {"svg.hashsalt": "embeddings-tested", "svg.fonttype": "none"}
_NO_METADATA: Final = dict.fromkeys(("Creator", "Date", "Format", "Type"))

# ---------------------------------------------------------------------------------------------
# Making figures
# ---------------------------------------------------------------------------------------------


def figure(
    title: str,
    x_label: str = "",
    y_label: str = "",
    *,
    width: float = WIDTH,
    height: float = 3.8,
    grid: Literal["x", "y", "both", "none"] = "both",
) -> tuple[Figure, Axes]:
    """Start a figure with one plot in the style of the book.

    Parameters
    ----------
    title : str
        The finding, as a sentence without a full stop; wrapped if long.
    x_label, y_label : str
        What the axes measure, with the unit.
    width, height : float
        In inches. Wider than 6.4 makes the text small on a phone.
    grid : {"x", "y", "both", "none"}
        The axes whose values get faint lines.

    Returns
    -------
    (Figure, Axes)
        Of matplotlib, without pyplot: nothing is shown until ``show``.

    Raises
    ------
    ValueError
        If the title is empty.

    Examples
    --------
    >>> fig, ax = figure("Rare words are most of the words", "rank", "count")
    >>> ax.get_xlabel()
    'rank'
    """
    fig, panels = grid_of_panels(title, 1, width=width, height=height, grid=grid)
    panels[0].set_xlabel(x_label)
    panels[0].set_ylabel(y_label)
    return fig, panels[0]


def grid_of_panels(
    title: str,
    n: int,
    *,
    columns: int = 2,
    width: float = WIDTH,
    height: float = 3.8,
    grid: Literal["x", "y", "both", "none"] = "both",
) -> tuple[Figure, list[Axes]]:
    """Start a figure with several small plots on shared axes under one title.

    Parameters
    ----------
    title : str
        The finding that the panels show together.
    n : int
        Number of panels; the last row may be short.
    columns : int
        Panels side by side: two can be read on a phone.
    width, height : float
        Of the whole figure, in inches.
    grid : {"x", "y", "both", "none"}
        The axes whose values get faint lines.

    Returns
    -------
    (Figure, list of n Axes)
    """
    if not title.strip():
        raise ValueError("a figure needs a title that states what it shows")
    with mpl.rc_context(_STYLE):
        fig = Figure(figsize=(width, height), layout="constrained")
        columns = min(columns, n)
        axes = fig.subplots(-(-n // columns), columns, squeeze=False, sharex=True, sharey=True)
        panels: list[Axes] = list(axes.flat)
        for spare in panels[n:]:
            spare.remove()
        for above in panels[max(0, n - columns) : n]:
            above.tick_params(labelbottom=True)
        for ax in panels[:n]:
            ax.tick_params(length=0, pad=5)
            if grid != "none":
                ax.grid(axis=grid, color=FAINT, linewidth=0.8)
        columns_of_text = round(TITLE_COLUMNS * width / WIDTH)
        wrapped = "\n".join(balanced_lines(title, columns_of_text))
        fig.suptitle(
            wrapped, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK, linespacing=1.25
        )
    return fig, panels[:n]


def balanced_lines(text: str, width: int) -> list[str]:
    """Wrap a text into as few lines as the width needs, of about equal length.

    Examples
    --------
    >>> balanced_lines("rare words are most of the words", 26)
    ['rare words are', 'most of the words']
    """
    lines = textwrap.wrap(text, width)
    while width > 1 and len(narrower := textwrap.wrap(text, width - 1)) == len(lines):
        lines, width = narrower, width - 1
    return lines


def dots_with_intervals(
    estimates: Sequence[Estimate],
    labels: Sequence[str],
    title: str,
    x_label: str,
    *,
    reference: tuple[str, Estimate] | None = None,
    zero: bool = False,
    percent: bool = False,
) -> Figure:
    """Draw one row a method: a dot, its interval, and both in words beside it.

    Parameters
    ----------
    estimates : sequence of Estimate
        From top to bottom.
    labels : sequence of str
        Names of ``METHODS``, drawn in their own colour and marker, or any other text.
    title : str
        The finding.
    x_label : str
        The measure and its unit.
    reference : (str, Estimate), optional
        A line across all rows with its interval shaded, such as the agreement among people.
    zero : bool
        Draw a line at zero: for differences.
    percent : bool
        Write values as percentages (the axis keeps fractions times a hundred).

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there are no estimates, or not as many labels.

    Examples
    --------
    >>> e = Estimate(0.28, 0.11, 0.44, level=0.95, n=50, unit="documents", method="")
    >>> fig = dots_with_intervals([e], ["tfidf"], "TF-IDF agrees a little", "Spearman")
    >>> fig.axes[0].texts[0].get_text()
    '0.28 [0.11, 0.44]'
    """
    if len(estimates) != len(labels) or not estimates:
        raise ValueError(f"{len(estimates)} estimates and {len(labels)} labels: need as many, > 0")
    rows = len(estimates)
    unit = 100 if percent else 1
    height = 1.15 + 0.36 * rows + 0.2 * (reference is not None)
    fig, ax = figure(title, x_label, height=height, grid="x")
    if zero:
        ax.axvline(0, color=MUTED, linewidth=1.2, label="_zero")
    for row, (estimate, name) in enumerate(zip(estimates, labels, strict=True)):
        method = METHODS.get(name, Method(name, INK, "o"))
        low, high = estimate.low * unit, estimate.high * unit
        ax.plot(
            [low, high], [row, row], color=method.colour, linewidth=2.0,
            solid_capstyle="round", label=f"{name} interval",
        )  # fmt: skip
        _dots(ax, [estimate.value * unit], [row], method, name, size=64)
        ax.annotate(
            format_estimate(estimate, percent=percent), (1.02, row), color=INK, fontsize=9.5,
            xycoords=ax.get_yaxis_transform(), va="center", annotation_clip=False,
        )  # fmt: skip
    if reference is not None:
        _draw_reference(ax, *reference, unit=unit, percent=percent)
    ax.set_yticks(range(rows), [METHODS[n].label if n in METHODS else n for n in labels])
    ax.tick_params(axis="y", labelsize=10, labelcolor=INK)
    ax.set_ylim(rows - 0.45, -0.55 - 0.45 * (reference is not None))
    ax.spines["left"].set_visible(False)
    return fig


def _draw_reference(ax: Axes, name: str, estimate: Estimate, *, unit: int, percent: bool) -> None:
    """Draw a value and its interval across all rows, named on the side that has room."""
    colour = METHODS["human"].colour
    low, middle, high = (x * unit for x in (estimate.low, estimate.value, estimate.high))
    band = ax.axvspan(low, high, color=colour, alpha=0.22, linewidth=0, label=f"{name} interval")
    band.set_zorder(0.5)
    ax.axvline(middle, color=colour, linewidth=1.6, label=name, zorder=0.6)
    left, right = ax.get_xlim()
    side = "right" if middle > (left + right) / 2 else "left"
    ax.annotate(
        f"{name} {format_estimate(estimate, percent=percent)}", (middle, 1), ha=side, va="top",
        xycoords=ax.get_xaxis_transform(), xytext=(-6 if side == "right" else 6, -2),
        textcoords="offset points", fontsize=9, color=MUTED,
    )  # fmt: skip


def scatter(
    x: ArrayLike,
    y: ArrayLike,
    title: str,
    x_label: str,
    y_label: str,
    *,
    method: str = "",
    point_labels: Mapping[int, str] | None = None,
) -> Figure:
    """Draw points, a few of them named.

    Parameters
    ----------
    x, y : (n,) array
        Coordinates.
    title, x_label, y_label : str
        The finding; what the axes measure.
    method : str
        A name of ``METHODS``; any other is drawn in ink.
    point_labels : mapping from index to str, optional
        Which points to name.

    Returns
    -------
    Figure
    """
    fig, ax = figure(title, x_label, y_label)
    style = METHODS.get(method, Method(method, INK, "o"))
    x, y = np.asarray(x, dtype=float), np.asarray(y, dtype=float)
    _cloud(ax, x, y, style, method or "points")
    for index, text in (point_labels or {}).items():
        ax.annotate(
            text, (x[index], y[index]), xytext=(6, 4), textcoords="offset points", fontsize=9
        )
    return fig


def human_against_model(
    human: ArrayLike,
    models: Mapping[str, ArrayLike],
    title: str,
    *,
    notes: Mapping[str, str] | None = None,
    x_label: str = "similarity rated by people (0 to 1)",
    y_label: str = "cosine of the model",
) -> Figure:
    """Draw what people say of each pair against what each model says, a panel a model.

    Parameters
    ----------
    human : (n,) array
        Ratings of n pairs.
    models : mapping from a name of METHODS (or any other) to (n,) array
        Similarities of the same pairs.
    title : str
        The finding.
    notes : mapping, optional
        A line under a panel's name, such as its correlation.
    x_label, y_label : str
        What the axes measure.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If there is no model, or one has another number of pairs.
    """
    x = np.asarray(human, dtype=float)
    if not models:
        raise ValueError("no models to draw: pass at least one, as in {'tfidf': cosines}")
    rows = -(-len(models) // 2)
    height = 3.9 if len(models) == 1 else 1.0 + 2.4 * rows
    fig, panels = grid_of_panels(title, len(models), height=height)
    for ax, (name, values) in zip(panels, models.items(), strict=True):
        y = np.asarray(values, dtype=float)
        if y.shape != x.shape:
            raise ValueError(f"{name} has {y.size:,} pairs, people rated {x.size:,}")
        style = METHODS.get(name, Method(name, INK, "o"))
        _cloud(ax, x, y, style, name)
        heading = style.label + (f"\n{notes[name]}" if notes and name in notes else "")
        ax.set_title(heading, loc="left", color=INK, fontsize=10, linespacing=1.3)
    fig.supxlabel(x_label, fontsize=10, color=INK)
    fig.supylabel(y_label, fontsize=10, color=INK)
    return fig


def lines(
    x: ArrayLike,
    series: Mapping[str, ArrayLike | Sequence[Estimate]],
    title: str,
    x_label: str,
    y_label: str,
    *,
    log_x: bool = False,
    log_y: bool = False,
) -> Figure:
    """Draw curves, each named at its end, with a band where intervals are given.

    Parameters
    ----------
    x : (n,) array
        Shared positions, ascending.
    series : mapping from a name of METHODS (or any other) to (n,) array or n Estimates
        What to draw.
    title, x_label, y_label : str
        The finding; what the axes measure.
    log_x, log_y : bool
        Logarithmic axes, ticks written out in full.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If a series has another length than ``x``.
    """
    positions = np.asarray(x, dtype=float)
    fig, ax = figure(title, x_label, y_label)
    for setter, axis, wanted in (
        (ax.set_xscale, ax.xaxis, log_x),
        (ax.set_yscale, ax.yaxis, log_y),
    ):
        if wanted:
            setter("log")
            axis.set_major_formatter(_IN_FULL)
            axis.set_minor_formatter(FuncFormatter(lambda v, _: ""))
    if log_x and positions.size <= 10:
        ax.set_xticks(positions)
        ax.minorticks_off()
    ends: list[tuple[float, Method]] = []
    for name, values in series.items():
        points: list[Any] = list(np.asarray(values, dtype=object))
        if len(points) != positions.size:
            raise ValueError(f"{name} has {len(points)} points, x has {positions.size}")
        style = METHODS.get(name, Method(name, INK, "o"))
        if isinstance(points[0], Estimate):
            low, high = [p.low for p in points], [p.high for p in points]
            ax.fill_between(
                positions, low, high, color=style.colour, alpha=0.18, linewidth=0,
                label=f"{name} interval",
            )  # fmt: skip
            points = [p.value for p in points]
        ax.plot(
            positions, points, color=style.colour, marker=style.marker, markersize=6,
            markeredgecolor=GROUND, markeredgewidth=0.8, label=name,
        )  # fmt: skip
        ends.append((float(points[-1]), style))
    _name_ends(fig, ax, positions[-1], ends)
    return fig


def bars(labels: Sequence[str], values: ArrayLike, title: str, x_label: str) -> Figure:
    """Draw amounts as bars from zero: for counts and sizes, not for scores with intervals.

    Parameters
    ----------
    labels : sequence of n str
        Names of ``METHODS``, or any other text; from top to bottom.
    values : (n,) array
        Amounts, none negative.
    title, x_label : str
        The finding; what is counted.

    Returns
    -------
    Figure

    Raises
    ------
    ValueError
        If a value is negative, or there are not as many labels.
    """
    amounts = np.asarray(values, dtype=float)
    if amounts.shape != (len(labels),) or not len(labels):
        raise ValueError(f"{len(labels)} labels and {amounts.size} values: need as many, > 0")
    if amounts.min() < 0:
        raise ValueError(f"{amounts.min():g} is negative: a bar's length is an amount")
    fig, ax = figure(title, x_label, height=1.1 + 0.34 * len(labels), grid="x")
    colours = [METHODS[name].colour if name in METHODS else MUTED for name in labels]
    ax.barh(range(len(labels)), amounts, height=0.62, color=colours, label="bars")
    digits = 0 if np.all(amounts == np.round(amounts)) else 2
    for row, amount in enumerate(amounts):
        ax.annotate(
            format_number(float(amount), digits), (float(amount), row), xytext=(5, 0),
            textcoords="offset points", va="center", fontsize=9.5, color=INK,
        )  # fmt: skip
    ax.set_yticks(range(len(labels)), [METHODS[n].label if n in METHODS else n for n in labels])
    ax.tick_params(axis="y", labelsize=10, labelcolor=INK)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    ax.set_xlim(0, max(float(amounts.max()) * 1.14, 1e-9))
    ax.xaxis.set_major_formatter(_IN_FULL)
    ax.spines["left"].set_visible(False)
    return fig


def _dots(
    ax: Axes, x: Sequence[float], y: Sequence[float], style: Method, name: str, size: float
) -> None:
    """Draw a method's marker with a rim in the colour of the ground."""
    area = size * (2.0 if style.marker == "*" else 1.0)
    ax.scatter(
        x, y, s=area, color=style.colour, marker=style.marker, edgecolors=GROUND,
        linewidths=0.8, zorder=3, label=name,
    )  # fmt: skip


def _cloud(ax: Axes, x: NDArray[Any], y: NDArray[Any], style: Method, name: str) -> None:
    """Draw many points so that crowded places look darker."""
    alpha = 0.9 if x.size <= 200 else 0.55
    ax.scatter(
        x, y, s=16, color=style.colour, marker=style.marker, alpha=alpha, linewidths=0, label=name
    )


def spread(positions: Sequence[float], gap: float) -> list[float]:
    """Move positions as little as needed to stand at least ``gap`` apart, order kept.

    Overlapping neighbours are pooled into blocks that stay centred on the mean of where their
    members wanted to be.

    Examples
    --------
    >>> spread([0.0, 0.1, 5.0], 1.0)
    [-0.45, 0.55, 5.0]
    """
    order = sorted(range(len(positions)), key=lambda i: positions[i])
    blocks: list[list[float]] = []  # centre, members
    for i in order:
        blocks.append([positions[i], 1])
        while len(blocks) > 1:
            (a, n), (b, m) = blocks[-2], blocks[-1]
            if b - a >= gap * (n + m) / 2 - 1e-12:
                break
            blocks[-2:] = [[(a * n + b * m) / (n + m), n + m]]
    placed = [
        centre + gap * (k - (size - 1) / 2) for centre, size in blocks for k in range(int(size))
    ]
    result = [0.0] * len(positions)
    for i, place in zip(order, placed, strict=True):
        result[i] = place
    return result


def _name_ends(fig: Figure, ax: Axes, x: float, ends: Sequence[tuple[float, Method]]) -> None:
    """Write each curve's name beside its last point, names kept apart."""
    fig.draw_without_rendering()
    to_points = 72 / fig.dpi
    heights = [float(ax.transData.transform((x, y))[1]) * to_points for y, _ in ends]
    for wanted, place, (y, style) in zip(heights, spread(heights, 13.0), ends, strict=True):
        ax.annotate(
            style.label, (x, y), xytext=(14, place - wanted), textcoords="offset points",
            va="center", fontsize=10, color=INK, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": style.colour, "linewidth": 1.6,
                        "shrinkA": 1, "shrinkB": 4},
        )  # fmt: skip


# ---------------------------------------------------------------------------------------------
# What a figure plots
# ---------------------------------------------------------------------------------------------


def plotted(fig: Figure) -> list[dict[str, Any]]:
    """Return what a figure says in numbers and words, panel by panel.

    Values are rounded to three significant digits. Each panel has ``title``, ``x`` and ``y`` (the
    labels of its axes), ``texts`` and ``series``; a series has a ``name``, a ``kind`` and its
    values.

    Examples
    --------
    >>> fig = bars(["cats", "dogs"], [1234, 5], "More cats than dogs", "animals")
    >>> plotted(fig)[0]["series"]
    [{'name': 'bars', 'kind': 'bars', 'x': [1230.0, 5.0], 'y': [0.0, 1.0]}]
    """
    whole = " ".join(fig.get_suptitle().split())
    panels = []
    for ax in fig.axes:
        panels.append(
            {
                "title": " ".join(filter(None, [whole, *ax.get_title(loc="left").split("\n")])),
                "x": ax.get_xlabel() or fig.get_supxlabel(),
                "y": ax.get_ylabel() or fig.get_supylabel(),
                "ticks": [t.get_text() for t in ax.get_yticklabels() if _is_word(t.get_text())],
                "texts": [text.get_text() for text in ax.texts],
                "series": list(_series(ax)),
            }
        )
    return panels


def _is_word(text: str) -> bool:
    """Tell the name of a row from a number on a scale."""
    return any(letter.isalpha() for letter in text)


def _series(ax: Axes) -> Iterator[dict[str, Any]]:
    """Yield what each drawn thing plots, in drawing order."""
    for container in ax.containers:
        boxes = [patch for patch in container if isinstance(patch, Rectangle)]
        if boxes:
            ends = [box.get_x() + box.get_width() for box in boxes]
            middles = [box.get_y() + box.get_height() / 2 for box in boxes]
            yield _points(str(container.get_label()), "bars", np.column_stack([ends, middles]))
    barred = {id(patch) for container in ax.containers for patch in container}
    for artist in ax.get_children():
        name = str(artist.get_label())
        if isinstance(artist, Line2D):
            yield _points(name, "line", artist.get_xydata())
        elif isinstance(artist, PathCollection):
            yield _points(name, "points", artist.get_offsets())
        elif isinstance(artist, PolyCollection):
            for path in artist.get_paths():
                yield _points(name, "band", path.vertices)
        elif isinstance(artist, LineCollection):
            for segment in artist.get_segments():
                yield _points(name, "line", segment)
        elif isinstance(artist, (AxesImage, QuadMesh)):
            grid: NDArray[Any] = np.atleast_2d(
                np.ma.filled(np.ma.asarray(artist.get_array()), np.nan)
            )
            yield {"name": name, "kind": "grid", "rows": [_short(row) for row in grid]}
        elif isinstance(artist, Rectangle) and artist is not ax.patch and id(artist) not in barred:
            corners = artist.get_bbox().get_points()
            yield _points(name, "span", corners)


def _points(name: str, kind: str, xy: ArrayLike) -> dict[str, Any]:
    """Describe a series by its name, its kind and its coordinates."""
    columns = np.asarray(xy, dtype=float)
    return {"name": name, "kind": kind, "x": _short(columns[:, 0]), "y": _short(columns[:, 1])}


def _short(values: ArrayLike) -> list[float | None]:
    """Round to three significant digits; what is not finite becomes null."""
    numbers = np.asarray(values, dtype=float).ravel().tolist()
    return [float(f"{v:.3g}") + 0.0 if np.isfinite(v) else None for v in numbers]


# ---------------------------------------------------------------------------------------------
# Showing figures
# ---------------------------------------------------------------------------------------------


def show(fig: Figure, *, alt: str) -> None:
    """Show a figure in a notebook, once, as an SVG with its description.

    Parameters
    ----------
    fig : Figure
        Made by this module, or by matplotlib.
    alt : str
        What the figure shows, for those who do not see it: the finding, not "a figure of".

    Raises
    ------
    ValueError
        If the description is missing, too short, or says that it is a figure; if a text is
        smaller than 9 points.

    Examples
    --------
    >>> fig = bars(["cats", "dogs"], [12, 5], "More cats than dogs", "animals")
    >>> show(fig, alt="There are twelve cats and five dogs.")
    """
    picture = svg(fig, alt=alt)
    if get_ipython() is not None:
        bundle = {"text/plain": alt, "image/svg+xml": picture}
        display(bundle, raw=True)  # type: ignore[no-untyped-call]


def svg(fig: Figure, *, alt: str) -> str:
    """Return a figure as SVG text, the same for the same figure in every process.

    Parameters
    ----------
    fig : Figure
        Made by this module, or by matplotlib.
    alt : str
        What the figure shows.

    Returns
    -------
    str
        Its root has a viewBox, the role of an image and ``alt`` as label; colours that a page may
        change are marked by the classes ``ground``, ``ink``, ``muted`` and ``faint`` with
        ``-fill`` or ``-stroke``; ``<metadata>`` holds ``plotted(fig)`` as JSON.
    """
    alt = " ".join(alt.split())
    _check_alt(alt)
    _check_texts(fig)
    with mpl.rc_context({**_STYLE, **_SVG}):
        buffer = io.BytesIO()
        fig.savefig(buffer, format="svg", metadata=_NO_METADATA, facecolor=GROUND)
    root = ET.fromstring(re.sub(rb"<!DOCTYPE.*?>", b"", buffer.getvalue(), flags=re.S))
    values = json.dumps(plotted(fig), ensure_ascii=False, separators=(",", ":"))
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        _restyle(element)
    _simplify(root)
    _rename_ids(root, hashlib.sha256((alt + values).encode()).hexdigest()[:8])
    _dress_root(root, alt, values)
    return ET.tostring(root, encoding="unicode") + "\n"


def _check_alt(alt: str) -> None:
    """Refuse a description that describes nothing."""
    if len(alt) < 20:
        raise ValueError(f"the description {alt!r} is too short: say what the figure shows")
    if re.match(r"(an?|the|this)?\s*(figure|plot|chart|graph|image|picture|diagram)\b", alt, re.I):
        raise ValueError(f"the description {alt[:40]!r}... says what it is: say what it shows")


def _check_texts(fig: Figure) -> None:
    """Refuse text too small to read on a phone."""
    for text in fig.findobj(mpl.text.Text):
        if (
            text.get_text().strip()
            and text.get_visible()
            and float(text.get_fontsize()) < SMALLEST_TEXT
        ):
            raise ValueError(
                f"{text.get_text()!r} has {float(text.get_fontsize()):g} points: use at least "
                f"{SMALLEST_TEXT:g}"
            )


_DROPPED: Final = {"stroke-linejoin": "round", "stroke-linecap": "butt", "stroke-opacity": "1"}


def _restyle(element: ET.Element) -> None:
    """Turn inline style into attributes, which a style sheet can override, and mark the roles."""
    style = element.attrib.pop("style", "")
    declarations = (part.split(":", 1) for part in style.split(";") if ":" in part)
    for name, value in ((name.strip(), value.strip()) for name, value in declarations):
        if name != "font-family" and _DROPPED.get(name) != value:
            element.set(name, _coarse(value) if name == "stroke-dasharray" else value)
    if element.tag == "text" and "fill" not in element.attrib:
        element.set("fill", INK)
    roles = []
    for part in ("fill", "stroke"):
        colour = element.get(part, "")
        if colour in _ROLES:
            element.set(part, INK if _ROLES[colour] == "ink" else colour)
            roles.append(f"{_ROLES[colour]}-{part}")
    if roles:
        element.set("class", " ".join(roles))
    for name in ("d", "x", "y", "transform", "width", "height"):
        if name in element.attrib:
            element.set(name, _coarse(element.attrib[name]))
    if re.match(r"rotate\(-?0 ", element.get("transform", "")):
        del element.attrib["transform"]
    element.text = (element.text or "").strip() or None
    element.tail = None


def _coarse(text: str) -> str:
    """Round the coordinates in an attribute to a hundredth of a point."""

    def number(match: re.Match[str]) -> str:
        return f"{round(float(match[0]), 2) + 0.0:.2f}".rstrip("0").rstrip(".")

    return re.sub(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", number, " ".join(text.split()))


_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_REFERRING: Final = ("href", "clip-path", "marker-start", "marker-mid", "marker-end")
MANY: Final = 50  # points from which a cloud is written as one path
_SHARED: Final = ("class", "fill", "fill-opacity", "stroke", "stroke-opacity", "stroke-width")


def _simplify(parent: ET.Element) -> None:
    """Move what all children of a group share to the group; drop empty groups."""
    for child in list(parent):
        _simplify(child)
        if child.tag in ("g", "defs") and len(child) == 0:
            parent.remove(child)
    children = list(parent)
    if parent.tag != "g" or len(children) < 2 or any(c.tag != "use" for c in children):
        return
    for name in _SHARED:
        values = {child.get(name) for child in children}
        if len(values) == 1 and None not in values and name not in parent.attrib:
            parent.set(name, values.pop() or "")
            for child in children:
                del child.attrib[name]
    if len(children) >= MANY:
        _condense(parent)


def _condense(group: ET.Element) -> None:
    """Turn a cloud of equal markers into one path that carries a marker at each of its points.

    The path itself is not drawn. A quarter of the size, and markers still add up where they
    overlap.
    """
    uses = list(group)
    if any(set(use.attrib) != {_HREF, "x", "y"} for use in uses):
        return
    if len({use.get(_HREF) for use in uses}) != 1:
        return
    shape = (uses[0].get(_HREF) or "").removeprefix("#")
    for use in uses:
        group.remove(use)
    marker = ET.SubElement(group, "marker", {"id": f"{shape}-marker", "overflow": "visible"})
    marker.set("markerUnits", "userSpaceOnUse")
    looks: dict[str, str] = {
        name: group.attrib.pop(name) for name in _SHARED if name in group.attrib
    }
    ET.SubElement(marker, "use", {_HREF: f"#{shape}", **looks})
    points = " ".join(f"{_tenth(use.get('x'))} {_tenth(use.get('y'))}" for use in uses)
    path = ET.SubElement(group, "path", {"d": f"M{points}", "fill": "none", "stroke": "none"})
    for place in ("marker-start", "marker-mid", "marker-end"):
        path.set(place, f"url(#{shape}-marker)")


def _tenth(coordinate: str | None) -> str:
    """Round a coordinate to a tenth of a point."""
    return f"{round(float(coordinate or 0), 1) + 0.0:g}"


def _rename_ids(root: ET.Element, prefix: str) -> None:
    """Keep only the ids that are referred to, numbered and unique to this figure."""
    links = re.compile(r"#([\w.-]+)")
    for element in root.iter():
        if _HREF in element.attrib:
            element.set("href", element.attrib.pop(_HREF))
    used: dict[str, str] = {}
    for element in root.iter():
        for name in _REFERRING:
            for old in links.findall(element.get(name, "")):
                used.setdefault(old, f"f{prefix}-{len(used)}")
    for element in root.iter():
        old = element.attrib.pop("id", None)
        if old in used:
            element.set("id", used[old])
        for name in _REFERRING:
            if name in element.attrib:
                element.set(name, links.sub(lambda m: "#" + used[m[1]], element.attrib[name]))


def _dress_root(root: ET.Element, alt: str, values: str) -> None:
    """Give the picture its size, its name and its data."""
    for defs in [d for d in root if d.tag == "defs" and any(c.tag == "style" for c in d)]:
        root.remove(defs)
    width, height = (float(n) for n in root.get("viewBox", "").split()[2:])
    pixels = 96 / 72
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        "class": "book-figure",
        "role": "img",
        "aria-label": alt,
        "viewBox": f"0 0 {width:g} {height:g}",
        "width": f"{width * pixels:.0f}",
        "height": f"{height * pixels:.0f}",
        "style": "max-width:100%;height:auto",
        "font-family": FONTS,
        "stroke-linejoin": "round",
    }
    title, metadata = ET.Element("title"), ET.Element("metadata")
    title.text, metadata.text = alt, values
    root[:0] = [title, metadata]
