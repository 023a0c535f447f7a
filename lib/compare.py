"""Two values compared in words: what kind they are, where they differ first, how to show them.

The exercises use it to say what is wrong with a reader's result.

- The kind must agree: a list is not a tuple, and neither is an array, because the next line of
  code treats them differently (``2 * [1]`` repeats, ``2 * np.array([1])`` doubles). Sparse is
  not dense, a truth value is not a number, an array with one value is not a number.
- Within a kind, values count and storage does not: 2, 2.0 and ``np.float32(2)`` agree, and so
  do arrays of different numeric types, sparse matrices of different formats, and dictionaries
  in different orders (``Counter`` and ``defaultdict`` are dictionaries).
- Two whole numbers must be equal. Other numbers agree within a `Tolerance`. NaN agrees with NaN,
  an infinity with itself. Members of a set and keys of a dictionary must be equal exactly.
- Only plain data is compared: exact types first, then the numbers by NumPy. A subclass, or an
  object that says that it equals everything, never agrees with anything.
"""

from __future__ import annotations

import re
import sys
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

__all__ = ["EXACT", "Tolerance", "difference", "kind", "show"]


@dataclass(frozen=True)
class Tolerance:
    """Numbers agree when ``abs(got - expected) <= absolute + relative * abs(expected)``.

    Examples
    --------
    >>> print(Tolerance(relative=1e-6, absolute=1e-9))
    tolerance 1e-06 relative, 1e-09 absolute
    """

    relative: float = 1e-6
    absolute: float = 1e-9

    def __str__(self) -> str:
        return f"tolerance {self.relative:g} relative, {self.absolute:g} absolute"

    def unequal(self, got: np.ndarray, expected: np.ndarray) -> np.ndarray:
        """Mark the values that differ, in an array of truth values of the same shape."""
        if got.dtype.kind in "iubU" and expected.dtype.kind in "iubU":
            return np.asarray(got != expected)
        wide = np.complex128 if expected.dtype.kind == "c" else np.float64
        one, other = got.astype(wide), expected.astype(wide)
        close = np.isclose(one, other, rtol=self.relative, atol=self.absolute, equal_nan=True)
        return np.asarray(~close)


EXACT = Tolerance(0.0, 0.0)


def difference(got: object, expected: object, within: Tolerance = EXACT) -> str | None:
    """Describe the first difference between two values in words.

    Parameters
    ----------
    got, expected : object
        Numbers, truth values, texts, None, arrays, sparse matrices, tensors, and lists, tuples,
        sets and dictionaries of these. Anything else differs from everything.
    within : Tolerance
        How close two numbers must be, unless both are whole.

    Returns
    -------
    str or None
        None where the values agree. Never raises.

    Examples
    --------
    >>> difference([1, 2.5], [1, 2.0])
    'at [1]: 2.5 instead of 2 (tolerance 0 relative, 0 absolute)'
    >>> difference((1, 2), [1, 2])
    'yours is a tuple, expected a list: list(...) makes one'
    """
    try:
        return _compare(got, expected, within, "")
    except Exception as error:  # a broken sparse matrix, a number beyond all floats
        return f"yours can't be compared ({type(error).__name__})"


_NUMBERS: tuple[type, ...] = (int, float, *(np.dtype(c).type for c in "bhilqBHILQefdg"))
_KINDS: dict[type, str] = {
    type(None): "None",
    type(...): "...",
    list: "a list",
    tuple: "a tuple",
    np.ndarray: "an array",
    **dict.fromkeys((bool, np.bool_), "a truth value"),
    **dict.fromkeys((str, np.str_), "a text"),
    **dict.fromkeys(_NUMBERS, "a number"),
    **dict.fromkeys((dict, Counter, OrderedDict, defaultdict), "a dictionary"),
    **dict.fromkeys((set, frozenset), "a set"),
}
_FORMATS = ("csr", "csc", "coo", "bsr", "dia", "dok", "lil")
_SPARSE = [f"{name}_{end}" for name in _FORMATS for end in ("matrix", "array")]
_MAKERS = {"a list": "list", "a tuple": "tuple", "an array": "np.array", "a set": "set"}
_MAKERS |= {"a dictionary": "dict"}


def kind(value: object) -> str:
    """Say in words what a value is, by its exact type; never asks the value itself.

    Examples
    --------
    >>> kind([1]), kind(np.float32(1)), kind(range(3))
    ('a list', 'a number', 'a range object')
    """
    exact = type(value)
    if exact in _KINDS:
        return _KINDS[exact]
    sparse, torch = sys.modules.get("scipy.sparse"), sys.modules.get("torch")
    if sparse and any(exact is getattr(sparse, name, None) for name in _SPARSE):
        return "a sparse matrix"
    if torch and exact is getattr(torch, "Tensor", None):
        return "a tensor"
    return f"{'an' if exact.__name__[:1].lower() in 'aeiou' else 'a'} {exact.__name__} object"


def _compare(got: Any, expected: Any, within: Tolerance, at: str) -> str | None:  # noqa: ANN401
    """Compare two values of any kind; ``at`` says where in the result they stand."""
    theirs, place = kind(expected), _place(at)
    if kind(got) != theirs:
        return place + _wrong_kind(got, expected)
    match theirs:
        case "None" | "...":
            return None
        case "a truth value":
            return None if bool(got) == bool(expected) else f"{place}{got} instead of {expected}"
        case "a number":
            return _numbers(got, expected, within, place)
        case "a text":
            return _texts(str(got), str(expected), place)
        case "a list" | "a tuple":
            return _items(got, expected, within, at)
        case "a set":
            return _sets(set(got), set(expected), place)
        case "a dictionary":
            return _dictionaries(got, expected, within, at)
        case "an array":
            return _arrays(got, expected, within, at)
        case "a tensor":
            return _arrays(_from_tensor(got), _from_tensor(expected), within, at)
        case "a sparse matrix":
            return _sparse(got, expected, within, at)
    return f"{place}{theirs} can't be compared"


def _place(at: str) -> str:
    return f"at {at}: " if at else ""


def _wrong_kind(got: object, expected: object) -> str:
    """Say that two values are of different kinds, and how to mend it."""
    mine, theirs = kind(got), kind(expected)
    if mine == "an array":
        mine += f" of shape {cast('np.ndarray', got).shape}"
    maker = _MAKERS.get(theirs)
    advice = f": {maker}(...) makes one" if maker and got is not None else ""
    return f"yours is {mine}, expected {theirs}{advice}"


def _numbers(got: Any, expected: Any, within: Tolerance, place: str) -> str | None:  # noqa: ANN401
    whole = (int, np.integer)
    if isinstance(got, whole) and isinstance(expected, whole):  # any size: not by NumPy
        same = int(got) == int(expected)
    else:
        same = not within.unequal(np.array(float(got)), np.array(float(expected)))
    return None if same else f"{place}{_instead(got, expected)} ({within})"


def _instead(got: object, expected: object) -> str:
    """Show two values side by side, with more digits where few would look the same."""
    digits = 6 if show(got) != show(expected) else 15
    return f"{show(got, digits=digits)} instead of {show(expected, digits=digits)}"


def _texts(got: str, expected: str, place: str) -> str | None:
    if got == expected:
        return None
    pairs = enumerate(zip(got, expected, strict=False))
    i = next((i for i, (a, b) in pairs if a != b), min(len(got), len(expected)))
    if i == len(got):
        return f"{place}yours ends after {i} characters, {show(expected[i:])} should follow"
    if i == len(expected):
        return f"{place}yours should end after {i} characters, {show(got[i:])} follows"
    return f"{place}character {i} is {got[i]!r} instead of {expected[i]!r}"


def _items(got: list[Any], expected: list[Any], within: Tolerance, at: str) -> str | None:
    """Compare two lists or tuples: the length, and the first item that differs."""
    pairs = enumerate(zip(got, expected, strict=False))
    found = (_compare(one, other, within, f"{at}[{i}]") for i, (one, other) in pairs)
    words = next((item for item in found if item), None)
    if len(got) == len(expected):
        return words
    length = f"{_place(at)}yours has {len(got)} items, expected {len(expected)}"
    return f"{length}; {words}" if words else length


def _sets(got: set[object], expected: set[object], place: str) -> str | None:
    """Compare two sets; only numbers, texts and tuples of them have an equality to be trusted."""
    for member in got:
        for part in member if type(member) is tuple else (member,):
            if kind(part) not in ("None", "a truth value", "a number", "a text"):
                return f"{place}yours contains {kind(part)}, which can't be compared"
    missing, extra = sorted(map(show, expected - got)), sorted(map(show, got - expected))
    words = [f"lacks {missing[0]}"] if missing else []
    words += [f"has {extra[0]} too many"] if extra else []
    counts = f" ({len(missing)} missing, {len(extra)} too many)"
    return f"{place}yours {' and '.join(words)}{counts}" if words else None


def _dictionaries(
    got: dict[Any, Any], expected: dict[Any, Any], within: Tolerance, at: str
) -> str | None:
    keys = _sets(set(got), set(expected), f"{_place(at)}keys: ")
    found = (_compare(got[key], expected[key], within, f"{at}[{show(key)}]") for key in expected)
    return keys or next((item for item in found if item), None)


_HOLDS = {"b": "truth values", "U": "texts", "O": "objects", "c": "complex numbers"}
_HOLDS |= dict.fromkeys("iuf", "numbers")


def _arrays(got: np.ndarray, expected: np.ndarray, within: Tolerance, at: str) -> str | None:
    """Compare the shape, then what the arrays hold, then the values."""
    if got.shape != expected.shape:
        return _place(at) + _wrong_shape(got.shape, expected.shape)
    if expected.dtype.kind == got.dtype.kind == "O":
        return _items(got.ravel().tolist(), expected.ravel().tolist(), within, at)
    places = np.arange(got.size)
    return _values(got.ravel(), expected.ravel(), places, got.shape, within, at)


def _wrong_shape(got: tuple[int, ...], expected: tuple[int, ...]) -> str:
    swapped = len(got) > 1 and got[::-1] == expected
    return f"the shape is {got}, expected {expected}" + (": swap the axes?" if swapped else "")


def _values(
    got: np.ndarray,
    expected: np.ndarray,
    places: np.ndarray,
    shape: tuple[int, ...],
    within: Tolerance,
    at: str,
) -> str | None:
    """Compare flat values; ``places`` says where each stands in an array of that shape."""
    mine, theirs = (_HOLDS.get(x.dtype.kind, str(x.dtype)) for x in (got, expected))
    if mine != theirs:
        return f"{_place(at)}yours holds {mine} (dtype {got.dtype}), expected {theirs}"
    wrong = np.flatnonzero(within.unequal(got, expected))
    if not len(wrong):
        return None
    first = wrong[0]
    index = ", ".join(str(int(i)) for i in np.unravel_index(int(places[first]), shape))
    words = f"{_place(f'{at}[{index}]')}{_instead(got[first], expected[first])}"
    return f"{words}; {len(wrong)} of {len(got)} values differ ({within})"


def _sparse(got: object, expected: object, within: Tolerance, at: str) -> str | None:
    """Compare two sparse matrices at every place where either stores a value."""
    (shape, *one), (right, *other) = _entries(got), _entries(expected)
    if shape != right:
        return _place(at) + _wrong_shape(shape, right)
    places = np.union1d(one[0], other[0])
    full = []
    for keys, data in (one, other):
        full.append(np.zeros(len(places), dtype=data.dtype))
        full[-1][np.searchsorted(places, keys)] = data
    return _values(full[0], full[1], places, shape, within, at)


def _entries(matrix: Any) -> tuple[tuple[int, ...], np.ndarray, np.ndarray]:  # noqa: ANN401
    """Return the shape of a sparse matrix, the flat places of its entries, and their values."""
    entries = type(matrix).tocoo(matrix, copy=True)
    entries.sum_duplicates()
    places = np.ravel_multi_index(entries.coords, entries.shape)
    order = np.argsort(places)
    return entries.shape, places[order], entries.data[order]


def _from_tensor(tensor: Any) -> np.ndarray:  # noqa: ANN401
    """Turn a tensor into an array; half precisions, which NumPy may not know, are widened."""
    plain = tensor.detach().cpu()
    return np.asarray((plain.double() if plain.is_floating_point() else plain).numpy())


def show(value: object, *, digits: int = 6, limit: int = 240) -> str:
    """Write a value in one short line, the same on every machine (no addresses, no types).

    Parameters
    ----------
    value : object
        Anything; an object of an unknown type is only named.
    digits : int
        Significant digits of a number.
    limit : int
        The longest line, in characters.

    Examples
    --------
    >>> show({"a": np.array([[1, 0.25]])}), show(list(range(100)))
    ("{'a': [[1, 0.25]] (shape 1 × 2)}", '[0, 1, 2, 3, 4, 5, 6, 7, ... (100 items)]')
    """
    try:
        text = _written(value, digits, depth=3)
    except Exception:  # a broken sparse matrix
        text = kind(value)
    return text if len(text) <= limit else f"{text[: limit - 4]} ..."


def _written(value: Any, digits: int, depth: int) -> str:  # noqa: ANN401
    match kind(value):
        case "a number":
            whole = isinstance(value, int | np.integer)
            return str(int(value)) if whole else f"{float(value):.{digits}g}"
        case "a truth value":
            return str(bool(value))
        case "a text":
            return repr(str(value))
        case "a list":
            return f"[{_joined(value, digits, depth)}]"
        case "a tuple":
            return f"({_joined(value, digits, depth)}{',' if len(value) == 1 else ''})"
        case "a set":
            members = sorted(_written(member, digits, depth - 1) for member in value)
            return f"{{{_cut(members, len(members))}}}" if members else "set()"
        case "a dictionary":
            pairs = list(value.items())[:8] if depth else []
            parts = [
                f"{_written(k, digits, depth - 1)}: {_written(v, digits, depth - 1)}"
                for k, v in pairs
            ]
            return f"{{{_cut(parts, len(value))}}}"
        case "an array":
            return _written_array(value, digits, depth)
        case "a tensor":
            return f"tensor {_written_array(_from_tensor(value), digits, depth)}"
        case "a sparse matrix":
            return _written_sparse(value, digits)
        case other:
            return other


def _joined(items: Iterable[object], digits: int, depth: int) -> str:
    parts = list(items)
    shown = parts[:8] if depth else []
    return _cut([_written(item, digits, depth - 1) for item in shown], len(parts))


def _cut(parts: list[str], size: int) -> str:
    """Join at most eight parts and say how many there are in all."""
    more = [f"... ({size} items)"] if size > len(parts[:8]) else []
    return ", ".join([*parts[:8], *more])


def _written_array(array: np.ndarray, digits: int, depth: int) -> str:
    def one(item: object) -> str:
        return _written(item, digits, depth - 1)

    writers: Any = {"float_kind": one, "int_kind": one, "bool": one, "object": one}
    text = np.array2string(
        array, separator=", ", threshold=16, edgeitems=2, max_line_width=10**6, formatter=writers
    )
    text = re.sub(r"\s*\n\s*", " ", text)
    return text if array.ndim == 1 and array.size <= 16 else f"{text} ({_shape(array.shape)})"


def _written_sparse(matrix: object, digits: int) -> str:
    shape, places, values = _entries(matrix)
    parts = []
    for place, value in zip(places[:4], values[:4], strict=True):
        index = tuple(int(i) for i in np.unravel_index(int(place), shape))
        parts.append(f"{index}: {_written(value, digits, 0)}")
    parts += ["..."] if len(places) > 4 else []
    return f"sparse {{{', '.join(parts)}}} ({_shape(shape)}, {len(places)} stored)"


def _shape(shape: tuple[int, ...]) -> str:
    return f"shape {' × '.join(map(str, shape)) or '()'}"
