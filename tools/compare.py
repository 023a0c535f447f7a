"""When two runs of a cell count as equal: the book's comparison of outputs.

Text is compared exactly.  A cell whose metadata carries ``{"book": {"tolerance": 0.01}}`` may
differ in its numbers by that much, and in nothing else.  Figures are compared by what they show:
title, labels, and the plotted values that stand as JSON in ``<metadata>``.  A cell with
``{"book": {"duration": true}}`` prints durations: only the kinds of its outputs are compared.
"""

from __future__ import annotations

import difflib
import json
import re
import xml.etree.ElementTree as ElementTree
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tools.notebooks import RESULT_MIME, as_text

_NUMBER = re.compile(r"(?<![\w.])([-+\u2212]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?)")
_SPACES = re.compile(r"[ \t]+")
IGNORED_MIMES = ("application/vnd.jupyter.widget-view+json",)  # a random number, shown nowhere

Content = str | list[str] | dict[str, Any]  # what stands under a MIME type
Allowance = Callable[[float, float], float]


def _fixed(tolerance: float) -> Allowance:
    return lambda a, b: tolerance


def _plotted(tolerance: float) -> Allowance:
    """Allow, besides the tolerance, one unit in the third digit, to which figures round."""

    def allowed(a: float, b: float) -> float:
        largest = max(abs(a), abs(b))
        unit = 10 ** (len(str(int(largest))) - 3) if largest >= 1 else largest / 100
        return tolerance + (unit if tolerance else 0.0)

    return allowed


def _close(a: float, b: float, allowed: float) -> bool:
    return a == b or (a != a and b != b) or abs(a - b) <= allowed * (1 + 1e-9)


def _as_float(text: str) -> float:
    return float(text.replace(",", "").replace("\u2212", "-"))


def text_difference(old: str, new: str, tolerance: float = 0.0) -> str:
    """Return how two texts differ, in short; nothing if they are equal.

    With a tolerance the numbers may differ by it; the words between them must be the same, up to
    the number of spaces, which alignment changes.
    """
    if old == new:
        return ""
    if tolerance > 0:
        before, after = _NUMBER.split(old), _NUMBER.split(new)
        words = [[_SPACES.sub(" ", part) for part in parts[::2]] for parts in (before, after)]
        if words[0] == words[1]:
            far = [
                f"{a} became {b}"
                for a, b in zip(before[1::2], after[1::2], strict=True)
                if not _close(_as_float(a), _as_float(b), tolerance)
            ]
            return f"beyond the tolerance of {tolerance:g}: {'; '.join(far[:5])}" if far else ""
    lines = difflib.unified_diff(
        old.splitlines(), new.splitlines(), "stored", "new", lineterm="", n=1
    )
    return "\n".join(list(lines)[:30]) or f"{old[-80:]!r} became {new[-80:]!r}"


def json_difference(old: object, new: object, allowance: Allowance, at: str = "") -> str:
    """Return where two JSON values differ by more than is allowed; nothing if nowhere."""
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if old.keys() != new.keys():
            return f"{at or 'top'}: fields {sorted(old)} became {sorted(new)}"
        found = (json_difference(old[key], new[key], allowance, f"{at}.{key}") for key in old)
        return next(filter(None, found), "")
    if isinstance(old, list) and isinstance(new, list):
        if len(old) != len(new):
            return f"{at or 'top'}: {len(old)} values became {len(new)}"
        pairs = enumerate(zip(old, new, strict=True))
        found = (json_difference(a, b, allowance, f"{at}[{i}]") for i, (a, b) in pairs)
        return next(filter(None, found), "")
    numbers = [value for value in (old, new) if isinstance(value, int | float)]
    if len(numbers) == 2 and not any(isinstance(value, bool) for value in numbers):
        a, b = float(numbers[0]), float(numbers[1])
        return "" if _close(a, b, allowance(a, b)) else f"{at.lstrip('.')}: {old} became {new}"
    return "" if old == new else f"{at.lstrip('.')}: {old!r} became {new!r}"


def _result_difference(old: Content, new: Content, tolerance: float) -> str:
    """Compare two recorded results: the numbers within the tolerance, all else exactly."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return "" if old == new else f"{old!r} became {new!r}"
    first, second = dict(old), dict(new)
    scale = 100 if first.get("percent") else 1  # the tolerance is about the printed number
    for name in ("value", "low", "high"):
        a, b = first.pop(name, None), second.pop(name, None)
        found = json_difference(a, b, _fixed(tolerance / scale), name)
        if found:
            return found
    return json_difference(first, second, _fixed(0.0))


# ---------------------------------------------------------------- figures


@dataclass(frozen=True)
class Figure:
    """What an SVG shows: its title and label, its words in order, and the plotted values."""

    title: str
    label: str
    words: tuple[str, ...]
    values: Any  # None if the drawing carries none


def figure(svg: str) -> Figure | None:
    """Read an SVG; None if it is not XML."""
    try:
        top = ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        return None

    def named(name: str) -> list[ElementTree.Element]:
        return [element for element in top.iter() if str(element.tag).split("}")[-1] == name]

    def words(element: ElementTree.Element) -> str:
        return " ".join("".join(element.itertext()).split())

    values = None
    for element in named("metadata"):
        try:
            values = json.loads("".join(element.itertext()))
        except ValueError:
            continue
    return Figure(
        title=next((words(element) for element in named("title")), ""),
        label=str(top.get("aria-label", "")),
        words=tuple(words(element) for element in named("text")),
        values=values,
    )


def svg_difference(old: str, new: str, tolerance: float = 0.0) -> str:
    """Return how two figures differ in what they show; nothing if they do not.

    A drawing without plotted values, and one that cannot be read, is compared as text.
    """
    before, after = figure(old), figure(new)
    if before is None or after is None or before.values is None or after.values is None:
        return text_difference(old, new)
    for name in ("title", "label"):
        found = text_difference(getattr(before, name), getattr(after, name), tolerance)
        if found:
            return f"the figure's {name}: {found}"
    found = json_difference(before.values, after.values, _plotted(tolerance))
    if found:
        return f"plotted values: {found}"
    found = text_difference("\n".join(before.words), "\n".join(after.words), tolerance)
    return f"words in the figure: {found}" if found else ""


# ---------------------------------------------------------------- whole cells


def _by_kind(outputs: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Sort outputs by stream and MIME type: streams and displays may overtake each other."""
    kinds: dict[str, list[Any]] = defaultdict(list)
    for output in outputs:
        if output["output_type"] == "stream":
            name = str(output["name"])
            text = as_text(output["text"])
            kinds[name] = [kinds[name][0] + text] if kinds[name] else [text]
        elif output["output_type"] == "error":
            kinds["error"].append(f"{output['ename']}: {output['evalue']}")
        else:
            for mime, value in output.get("data", {}).items():
                if mime not in IGNORED_MIMES:
                    kinds[mime].append(value)
    return dict(kinds)


def outputs_difference(
    old: Iterable[Mapping[str, Any]],
    new: Iterable[Mapping[str, Any]],
    metadata: Mapping[str, Any] | None = None,
) -> str:
    """Return how the outputs of two runs of a cell differ; nothing if they count as equal.

    Parameters
    ----------
    old, new : outputs in the notebook format
        As stored, and as they came now.
    metadata : mapping, optional
        The cell's own: ``book.tolerance`` and ``book.duration`` are heeded.
    """
    book = (metadata or {}).get("book", {})
    tolerance = float(book.get("tolerance", 0.0))
    before, after = _by_kind(old), _by_kind(new)
    if before.keys() != after.keys():
        gone, come = sorted(before.keys() - after.keys()), sorted(after.keys() - before.keys())
        shown = "".join(f"\n{kind}: {as_text(after[kind][0])[:400]}" for kind in come)
        return f"kinds of output: missing {gone}, not stored {come}{shown}"
    if book.get("duration"):
        return ""
    for kind, stored in before.items():
        if len(stored) != len(after[kind]):
            return f"{kind}: {len(stored)} outputs became {len(after[kind])}"
        for a, b in zip(stored, after[kind], strict=True):
            found = _value_difference(kind, a, b, tolerance)
            if found:
                return f"{kind}: {found}"
    return ""


def _value_difference(kind: str, old: Content, new: Content, tolerance: float) -> str:
    if kind == RESULT_MIME:
        return _result_difference(old, new, tolerance)
    if kind == "image/svg+xml":
        return svg_difference(as_text(old), as_text(new), tolerance)
    if kind.endswith("json"):
        return json_difference(old, new, _fixed(tolerance))
    if kind.startswith("image/"):  # base64, wrapped or not
        same = as_text(old).replace("\n", "") == as_text(new).replace("\n", "")
        return "" if same else "the picture is another one"
    return text_difference(as_text(old), as_text(new), tolerance)
