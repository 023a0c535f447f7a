"""How a number of this book is made, printed, read back and judged.

A headline number is never typed. ``record`` computes it from data, with its interval, prints it
once under a key, and keeps it for this session; the prose then repeats it with the key in a
comment (``0.28<!--lee50-tfidf-->``), so that a test can compare the two. ``trial`` and ``verdict``
show the statements of ``data/claims.yml`` that a chapter opens and closes with; a verdict is shown
only while the numbers recorded above it bear it out.

>>> from lib.results import format_estimate, parse_line
>>> r = parse_line("r8-tfidf = 97.0 % [96.2, 97.7] (n = 2,189 documents)")
>>> r.value, r.n, format_estimate(r)
(0.97, 2189, '97.0 % [96.2, 97.7]')
"""

from __future__ import annotations

import ast
import contextlib
import html
import math
import re
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal, Protocol, get_args

import numpy as np
import yaml
from IPython.core.getipython import get_ipython
from IPython.display import display
from scipy.stats import norm

from lib.evaluate import Data, Estimate, Pairs, bootstrap, jackknife

Kind = Literal["bootstrap", "jackknife", "seeds", "exact"]
KINDS: Final = get_args(Kind)
LEVEL: Final = 0.95  # every interval of the book, so that the printed line need not say it
MIME: Final = "application/vnd.embeddings-tested.result+json"
MAX_ROWS: Final = 15
KEY: Final = re.compile(r"(?=[a-z0-9-]*[a-z])[a-z0-9]+(?:-[a-z0-9]+)*")

# ---------------------------------------------------------------------------------------------
# Records
# ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Result(Estimate):
    """An estimate under a key: what ``record`` returns and ``parse_line`` reads.

    ``value``, ``low`` and ``high`` are rounded to two digits more than are printed. A percentage
    is kept as a fraction: ``97.0 %`` has the value 0.97.

    Parameters
    ----------
    key : str
        Lower-case words and digits joined by hyphens: ``lee50-tfidf``.
    kind : str
        Where the interval comes from: ``bootstrap``, ``jackknife``, ``seeds`` or ``exact``.
    digits : int
        Decimals as printed; of the percentage, if ``percent``.
    percent : bool
        Print as a percentage.
    cell : int or None
        The execution count of the cell that recorded it.
    """

    key: str = field(kw_only=True)
    kind: Kind = field(kw_only=True)
    digits: int = field(kw_only=True)
    percent: bool = field(kw_only=True, default=False)
    cell: int | None = field(kw_only=True, default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return format_line(self)

    def _ipython_display_(self) -> None:
        """Stay silent at the end of the cell that recorded it: the line is there already."""
        if self.cell is None or self.cell != _cell():
            _display({"text/plain": format_line(self)})


_session: dict[str, Result] = {}


def session() -> dict[str, Result]:
    """Return a copy of what this session has recorded, by key, in order."""
    return dict(_session)


def forget() -> None:
    """Drop everything recorded in this session (for tests)."""
    _session.clear()


def record(
    key: str,
    statistic: Callable[..., float],
    *data: Data,
    unit: str,
    kind: Kind = "bootstrap",
    digits: int | None = None,
    percent: bool = False,
    rng: np.random.Generator | None = None,
    n_resamples: int = 2000,
) -> Result:
    """Compute a number with its 95 % interval, print it once, and keep it for the verdict.

    Parameters
    ----------
    key : str
        The name of the number: lower-case words and digits joined by hyphens.
    statistic : callable
        Turns the data into one number. With ``kind="seeds"`` it is called for each run apart
        and the result is the mean over runs.
    *data : sized, all of the same length
        What the number is computed from, one entry per unit (documents, questions, runs). A
        ``Pairs`` counts as many units as its matrix has rows.
    unit : str
        What one entry is, in the plural: ``"documents"``.
    kind : {"bootstrap", "jackknife", "seeds", "exact"}
        ``bootstrap`` resamples units (percentile interval), ``jackknife`` leaves one out,
        ``seeds`` is the mean over runs with Student's t, ``mean ± t · s / √n``, and ``exact``
        has no interval: a count or an identity.
    digits : int, optional
        Decimals to print. Left out, it follows the width of the interval, see ``decimals``.
    percent : bool
        Print ``97.0 %`` for 0.97.
    rng : numpy.random.Generator, optional
        For the bootstrap. Left out, it is seeded by the key, so that the same key and data give
        the same interval in every session.
    n_resamples : int
        Bootstrap resamples.

    Returns
    -------
    Result
        The estimate, rounded to two digits more than printed.

    Raises
    ------
    TypeError
        If ``statistic`` is a bare number, or the data are missing or have no length.
    ValueError
        If the key or kind is malformed, there are fewer than two units (one, if exact), lengths
        differ, or the statistic is not finite.

    References
    ----------
    Efron 1979, "Bootstrap methods: another look at the jackknife".

    Examples
    --------
    >>> r = record("words", len, ["a", "rose", "is", "a", "rose"], unit="words", kind="exact")
    >>> print(r)
    words = 5 (exact)
    >>> print(record("runs", float, [0.5, 0.6, 0.7], unit="seeds", kind="seeds"))
    runs = 0.60 [0.35, 0.85] (n = 3 seeds)
    """
    _check_request(key, statistic, kind, digits)
    n = _count_units(key, data, kind)
    if kind == "exact":
        value = float(statistic(*(d.values() if isinstance(d, Pairs) else d for d in data)))
        estimate = Estimate(value, value, value, level=1.0, n=n, unit=unit, method="exact")
    elif kind == "seeds":
        runs = [float(statistic(*run)) for run in zip(*data, strict=True)]
        estimate = replace(
            jackknife(np.mean, runs, unit=unit, level=LEVEL), method="Student's t over runs"
        )
    elif kind == "jackknife":
        estimate = jackknife(statistic, *data, unit=unit, level=LEVEL)
    else:
        rng = np.random.default_rng(zlib.crc32(key.encode())) if rng is None else rng
        estimate = bootstrap(
            statistic, *data, rng=rng, n_resamples=n_resamples, unit=unit, level=LEVEL
        )
    for name in ("value", "low", "high"):
        if not math.isfinite(getattr(estimate, name)):
            raise ValueError(f"record({key!r}): the {name} is {getattr(estimate, name)}, no number")
    if digits is None:
        digits = decimals(estimate, percent=percent)
    result = _rounded(key, estimate, kind, digits, percent)
    _session[key] = result
    _display({"text/plain": format_line(result), MIME: payload(result)})
    return result


def _check_request(key: str, statistic: object, kind: str, digits: int | None) -> None:
    """Refuse what is no key, no function, no kind or no number of decimals."""
    if not isinstance(key, str) or not KEY.fullmatch(key):
        raise ValueError(
            f"{key!r} is no result key: join lower-case words and digits by hyphens, "
            "as in 'lee50-tfidf'"
        )
    if not callable(statistic):
        raise TypeError(
            f"record({key!r}): {statistic!r} is a bare value. Pass the function that computes it "
            f"and the data behind it, as in record({key!r}, np.mean, correct, unit='documents')"
        )
    if kind not in KINDS:
        raise ValueError(f"record({key!r}): kind {kind!r} is not one of {', '.join(KINDS)}")
    if digits is not None and not 0 <= digits <= 9:
        raise ValueError(f"record({key!r}): digits = {digits} is not between 0 and 9")


def _count_units(key: str, data: Sequence[Data], kind: str) -> int:
    """Count the units behind a number, and refuse data that have none."""
    if not data:
        raise TypeError(f"record({key!r}): no data. Pass what the statistic is computed from")
    lengths = [_length(datum) for datum in data]
    for datum, length in zip(data, lengths, strict=True):
        if length is None:
            raise TypeError(
                f"record({key!r}): {datum!r} has no length. Pass the units themselves "
                "(documents, questions, runs), not a summary of them"
            )
    n = lengths[0]
    assert n is not None
    if kind != "exact" and len(set(lengths)) > 1:
        raise ValueError(f"record({key!r}): the data have different lengths: {lengths}")
    if n < (1 if kind == "exact" else 2):
        raise ValueError(
            f"record({key!r}): {n} unit(s). An interval needs at least two, an exact count one"
        )
    return n


def _length(datum: Data) -> int | None:
    """Return the number of units of an array, sparse matrix or sequence; None if it has none."""
    if isinstance(datum, (str, bytes)):
        return None
    shape = getattr(datum, "shape", None)
    if isinstance(shape, tuple):
        return int(shape[0]) if shape else None
    try:
        return len(datum)
    except TypeError:
        return None


def _rounded(key: str, estimate: Estimate, kind: Kind, digits: int, percent: bool) -> Result:
    """Put an estimate under its key, with two digits more than will be printed."""
    places = digits + (4 if percent else 2)
    value, low, high = (
        round(float(x), places) + 0.0 for x in (estimate.value, estimate.low, estimate.high)
    )
    return Result(
        value=value,
        low=low,
        high=high,
        level=estimate.level,
        n=estimate.n,
        unit=estimate.unit,
        method=estimate.method,
        key=key,
        kind=kind,
        digits=digits,
        percent=percent,
        cell=_cell(),
    )


def payload(result: Result) -> dict[str, Any]:
    """Return what is stored beside the printed line, ready for JSON."""
    names = ("key", "value", "low", "high", "level", "n", "unit", "method", "kind", "digits")
    return {name: getattr(result, name) for name in names} | {"percent": result.percent}


def _cell() -> int | None:
    """Return the execution count of the running cell; None outside IPython."""
    shell = get_ipython()
    count: int | None = getattr(shell, "execution_count", None)
    return count


def _display(bundle: Mapping[str, Any]) -> None:
    """Show one output in a notebook; outside of one, nothing."""
    if get_ipython() is not None:
        display(dict(bundle), raw=True)  # type: ignore[no-untyped-call]


# ---------------------------------------------------------------------------------------------
# Printing and reading back
# ---------------------------------------------------------------------------------------------


def decimals(estimate: Estimate, *, percent: bool = False) -> int:
    """Say how many decimals an estimate's uncertainty supports.

    The standard error (the interval's half-width over its normal quantile) is written with three
    digits. From 100 to 354 it earns two of them, from 355 to 949 one, and above that it counts as
    1000, with two: the rule by which particle physicists print theirs. The value gets as many
    decimals as its standard error, at most 6 and at least 0.

    Parameters
    ----------
    estimate : Estimate
        The number with its interval.
    percent : bool
        Count the decimals of the percentage.

    Returns
    -------
    int
        Of an exact value, 0 if it is whole, else 3 (1 of a percentage). Of an interval without
        width, 2 (1 of a percentage).

    Examples
    --------
    >>> decimals(Estimate(0.28, 0.11, 0.44, level=0.95, n=50, unit="documents", method=""))
    2
    >>> decimals(Estimate(0.97, 0.962, 0.977, level=0.95, n=2189, unit="documents", method=""))
    3
    >>> decimals(Estimate(0.97, 0.962, 0.977, level=0.95, n=2189, unit="documents", method=""),
    ...          percent=True)
    1
    """
    scale = 100 if percent else 1
    width = (estimate.high - estimate.low) * scale
    if width <= 0:
        if estimate.method == "exact":
            whole = math.isclose(estimate.value * scale, round(estimate.value * scale))
            return 0 if whole else 3 - 2 * percent
        return 2 - percent
    error = width / (2 * float(norm.ppf((1 + estimate.level) / 2)))
    exponent = math.floor(math.log10(error))
    leading = error * 10.0**-exponent  # 1 <= leading < 10
    significant = 2 if leading < 3.55 or leading >= 9.5 else 1
    exponent += leading >= 9.5
    return min(6, max(0, significant - 1 - exponent))


def format_number(value: float, digits: int, *, percent: bool = False) -> str:
    """Write a number with its decimals and thousands separators.

    Examples
    --------
    >>> format_number(24583, 0), format_number(0.9698, 1, percent=True), format_number(-0.001, 2)
    ('24,583', '97.0 %', '0.00')
    """
    scaled = round(value * 100 if percent else value, digits) + 0.0
    return f"{scaled:,.{digits}f}" + (" %" if percent else "")


def format_estimate(estimate: Estimate, digits: int | None = None, percent: bool = False) -> str:
    """Write ``0.28 [0.11, 0.44]``; of a ``Result``, as it was recorded.

    Examples
    --------
    >>> e = Estimate(0.97, 0.962, 0.977, level=0.95, n=2189, unit="documents", method="")
    >>> format_estimate(e, percent=True)
    '97.0 % [96.2, 97.7]'
    """
    if isinstance(estimate, Result):
        digits = estimate.digits if digits is None else digits
        percent = estimate.percent
    if digits is None:
        digits = decimals(estimate, percent=percent)
    scale = 100 if percent else 1
    text = format_number(estimate.value, digits, percent=percent)
    if estimate.method == "exact":
        return text
    low, high = (format_number(x * scale, digits) for x in (estimate.low, estimate.high))
    return f"{text} [{low}, {high}]"


def format_line(result: Result) -> str:
    """Write the line that a notebook shows: ``key = 0.28 [0.11, 0.44] (n = 50 documents)``."""
    if result.kind == "exact":
        return f"{result.key} = {format_estimate(result)} (exact)"
    return f"{result.key} = {format_estimate(result)} (n = {result.n:,} {result.unit})"


_NUMBER = r"-?\d{1,3}(?:,\d{3})*(?:\.\d+)?"
_LINE = re.compile(
    rf"(?P<key>{KEY.pattern}) = (?P<value>{_NUMBER})(?P<percent> %)? "
    rf"(?:\[(?P<low>{_NUMBER}), (?P<high>{_NUMBER})\] \(n = (?P<n>\d[\d,]*) (?P<unit>[^()\n]+)\)"
    r"|\(exact\))"
)


def parse_line(text: str) -> Result:
    """Read back the line that ``record`` prints.

    Parameters
    ----------
    text : str
        One printed line; white space around it is ignored.

    Returns
    -------
    Result
        To the printed digits. The kind is ``exact`` or ``bootstrap``: the line tells no more.

    Raises
    ------
    ValueError
        If the line has another form.

    Examples
    --------
    >>> parse_line("newsgroups-words = 24,583 (exact)").value
    24583.0
    >>> parse_line("lee50-tfidf = 0.28 [0.11, 0.44] (n = 50 documents)").high
    0.44
    """
    match = _LINE.fullmatch(text.strip())
    if match is None:
        raise ValueError(
            f"{text.strip()!r} is not the line of a result, "
            "such as 'lee50-tfidf = 0.28 [0.11, 0.44] (n = 50 documents)'"
        )
    percent = match["percent"] is not None
    digits = len(match["value"].partition(".")[2])

    def number(name: str) -> float:
        plain = float(match[name].replace(",", ""))
        return round(plain / 100, digits + 2) if percent else plain

    if match["n"] is None:
        value, exact = number("value"), 1.0
        return Result(value, value, value, level=exact, n=0, unit="", method="exact",
                      key=match["key"], kind="exact", digits=digits, percent=percent)  # fmt: skip
    n = int(match["n"].replace(",", ""))
    return Result(number("value"), number("low"), number("high"), level=LEVEL, n=n,
                  unit=match["unit"], method="as printed", key=match["key"], kind="bootstrap",
                  digits=digits, percent=percent)  # fmt: skip


# ---------------------------------------------------------------------------------------------
# Conditions over results
# ---------------------------------------------------------------------------------------------


class Bounds(Protocol):
    """Anything with a value and an interval."""

    @property
    def value(self) -> float:
        """The estimate."""

    @property
    def low(self) -> float:
        """The lower end of the interval."""

    @property
    def high(self) -> float:
        """The upper end of the interval."""


class ConditionError(ValueError):
    """A condition that cannot be read, or asks for a result that is not there."""


_TOKEN = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?(?![\w.-]))"
    rf"|(?P<key>{KEY.pattern})(?![\w-])(?:\.(?P<part>\w+))?"
    r"|(?P<rest>\s+|[<>=!]=|[-+*/()<>])"
)
_WORDS = frozenset({"and", "or", "not", "abs"})
_PARTS = ("value", "low", "high")


def _parse_condition(expression: str) -> tuple[ast.expr, dict[str, tuple[str, str]]]:
    """Turn a condition into a syntax tree in which each ``key.part`` has a stand-in name."""
    names: dict[str, tuple[str, str]] = {}
    code, position = "", 0
    while position < len(expression):
        token = _TOKEN.match(expression, position)
        if token is None:
            raise ConditionError(
                f"cannot read {expression[position:]!r} in the condition {expression!r}: write "
                "keys in lower case with hyphens, and spaces around a minus"
            )
        key, part = token["key"], token["part"]
        if key is None or key in _WORDS:
            code += token[0]
        elif part is not None and part not in _PARTS:
            raise ConditionError(f"{key}.{part} in {expression!r}: use .value, .low or .high")
        else:
            code += f"_{len(names)}"
            names[f"_{len(names)}"] = (key, part or "value")
        position = token.end()
    try:
        return ast.parse(code.strip(), mode="eval").body, names
    except SyntaxError as error:
        raise ConditionError(f"the condition {expression!r} is no expression") from error


def condition_keys(expression: str) -> set[str]:
    """Return the result keys that a condition speaks of, or raise what is wrong with it.

    Examples
    --------
    >>> sorted(condition_keys("lee50-minilm.low - lee50-tfidf.value > 0"))
    ['lee50-minilm', 'lee50-tfidf']
    """
    tree, names = _parse_condition(expression)
    with contextlib.suppress(ZeroDivisionError):  # these numbers are made up
        _truth(tree, dict.fromkeys(names, 1.0), expression)
    return {key for key, _ in names.values()}


def evaluate_condition(expression: str, records: Mapping[str, Bounds]) -> bool:
    """Decide a comparison over results, such as ``lee50-minilm.low > lee50-tfidf.high``.

    The language is small: result keys, plain (their value) or with ``.value``, ``.low``,
    ``.high``; numbers; ``+ - * /``, ``abs(...)``, brackets; comparisons, which may be chained
    (``0 < a.low < 1``); ``and``, ``or``, ``not``. Keys contain hyphens, so a minus needs a space
    on each side: ``a-b`` is one key, ``a - b`` a difference.

    Parameters
    ----------
    expression : str
        The condition.
    records : mapping from key to an object with value, low and high
        The results that it may speak of.

    Returns
    -------
    bool
        Whether the condition is met.

    Raises
    ------
    ConditionError
        If the condition cannot be read, is no comparison, divides by zero, or names a key that
        is not in ``records``.

    Examples
    --------
    >>> found = {"lee50-tfidf": parse_line("lee50-tfidf = 0.28 [0.11, 0.44] (n = 50 documents)")}
    >>> evaluate_condition("lee50-tfidf.low > 0 and not lee50-tfidf > 0.5", found)
    True
    """
    tree, names = _parse_condition(expression)
    numbers: dict[str, float] = {}
    for name, (key, part) in names.items():
        if key not in records:
            known = ", ".join(sorted(records)) or "none"
            raise ConditionError(
                f"the condition {expression!r} asks for {key!r}, which is not recorded "
                f"(recorded: {known}; a minus needs a space on each side)"
            )
        numbers[name] = float(getattr(records[key], part))
    try:
        return _truth(tree, numbers, expression)
    except ZeroDivisionError:
        raise ConditionError(f"the condition {expression!r} divides by zero") from None


_COMPARE: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
    ast.Eq: lambda a, b: a == b,
    ast.NotEq: lambda a, b: a != b,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
}


def _truth(node: ast.expr, numbers: Mapping[str, float], expression: str) -> bool:
    """Evaluate the logical part of a condition."""
    if isinstance(node, ast.BoolOp):
        parts = [_truth(part, numbers, expression) for part in node.values]
        return all(parts) if isinstance(node.op, ast.And) else any(parts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return not _truth(node.operand, numbers, expression)
    if isinstance(node, ast.Compare):
        terms = [_value(term, numbers, expression) for term in (node.left, *node.comparators)]
        pairs = zip(node.ops, terms, terms[1:], strict=False)
        return all(_COMPARE[type(op)](a, b) for op, a, b in pairs)
    raise ConditionError(f"{expression!r} is not a comparison: compare two numbers with < or >")


def _value(node: ast.expr, numbers: Mapping[str, float], expression: str) -> float:
    """Evaluate the arithmetic part of a condition."""
    if isinstance(node, ast.Constant):
        return float(node.value)  # type: ignore[arg-type]
    if isinstance(node, ast.Name) and node.id in numbers:
        return numbers[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        inner = _value(node.operand, numbers, expression)
        return -inner if isinstance(node.op, ast.USub) else inner
    if isinstance(node, ast.BinOp) and type(node.op) in _ARITHMETIC:
        left = _value(node.left, numbers, expression)
        return _ARITHMETIC[type(node.op)](left, _value(node.right, numbers, expression))
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "abs":
        if len(node.args) == 1:
            return abs(_value(node.args[0], numbers, expression))
        raise ConditionError(f"abs() in {expression!r} takes one number")
    raise ConditionError(
        f"{expression!r}: only keys, numbers, + - * /, abs(), comparisons, and, or, not"
    )


# ---------------------------------------------------------------------------------------------
# The statements on trial
# ---------------------------------------------------------------------------------------------

VERDICTS: Final = {
    "holds": "holds",
    "qualified": "holds, with a qualification",
    "wrong": "wrong",
    "untestable": "untestable as stated",
}
EVIDENCE: Final = {
    "proof": "a proof",
    "run": "our own run, at this scale",
    "published": "published results, not measured here",
    "dictionary": "the dictionary",
    "history": "the dates of publication",
}
LAST_CHAPTER: Final = 17


@dataclass(frozen=True)
class Claim:
    """One statement of ``data/claims.yml``; its fields are explained at the head of that file."""

    number: int
    statement: str
    owner: int
    later: tuple[int, ...]
    evidence: tuple[str, ...]
    verdict: str | None
    because: str | None
    results: tuple[str, ...]
    cites: tuple[str, ...]
    stands_while: str | None
    flips_if: str | None


class ClaimError(ValueError):
    """``data/claims.yml`` is missing or malformed."""


class VerdictError(RuntimeError):
    """A verdict that this session's numbers do not bear out, or that is not reached yet."""


def claims_path() -> Path:
    """Return where the statements lie: ``data/claims.yml`` beside the folder of this package."""
    return Path(__file__).resolve().parent.parent / "data" / "claims.yml"


def load_claims(path: Path | None = None) -> dict[int, Claim]:
    """Read and check the statements on trial.

    Parameters
    ----------
    path : Path, optional
        Another file than the book's own.

    Returns
    -------
    dict from int to Claim
        By number.

    Raises
    ------
    ClaimError
        If the file is missing, or an entry is: a field too many or too few, an unknown kind of
        evidence or verdict, a condition over keys that are not among its results, a verdict
        without its reason.
    """
    path = claims_path() if path is None else path
    if not path.is_file():
        raise ClaimError(
            f"{path} is missing. The statements come with the book's own folder: install it in "
            "place with 'python -m pip install --editable .' from a clone"
        )
    entries = yaml.safe_load(path.read_text(encoding="utf-8"))
    if not isinstance(entries, list):
        raise ClaimError(f"{path.name} must be a list of statements")
    claims: dict[int, Claim] = {}
    for entry in entries:
        claim = _read_claim(entry)
        if claim.number in claims:
            raise ClaimError(f"statement {claim.number} stands twice in {path.name}")
        claims[claim.number] = claim
    return claims


def _read_claim(entry: object) -> Claim:
    """Check one entry and turn its lists into tuples."""
    given = dict(entry) if isinstance(entry, dict) else {}
    fields = set(Claim.__dataclass_fields__)
    if set(given) != fields:
        missing, unknown = sorted(fields - set(given)), sorted(set(given) - fields)
        number = given.get("number", "?")
        raise ClaimError(f"statement {number}: missing {missing}, unknown {unknown}")
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items()}
    claim = Claim(**values)
    for complaint in _complaints(claim):
        raise ClaimError(f"statement {claim.number}: {complaint}")
    return claim


def _complaints(claim: Claim) -> Iterable[str]:
    """Yield what is wrong with a claim."""
    if not isinstance(claim.number, int) or claim.number < 1:
        yield f"number {claim.number!r} is no positive integer"
    if not isinstance(claim.statement, str) or not claim.statement.strip():
        yield "statement is empty"
    for name in ("later", "evidence", "results", "cites"):
        if not isinstance(getattr(claim, name), tuple):
            yield f"{name} must be a list, if need be an empty one: []"
    for chapter in (claim.owner, *claim.later):
        if not isinstance(chapter, int) or not 0 <= chapter <= LAST_CHAPTER:
            yield f"chapter {chapter!r} is not between 0 and {LAST_CHAPTER}"
    if any(chapter <= claim.owner for chapter in claim.later):
        yield f"later evidence {list(claim.later)} must come after the owner, {claim.owner}"
    for kind in claim.evidence:
        if kind not in EVIDENCE:
            yield f"evidence {kind!r} is not one of {', '.join(EVIDENCE)}"
    for key in claim.results:
        if not isinstance(key, str) or not KEY.fullmatch(key):
            yield f"{key!r} is no result key"
    if "published" in claim.evidence and not claim.cites:
        yield "published evidence needs its source: fill in cites"
    if claim.stands_while is not None:
        strangers = condition_keys(claim.stands_while) - set(claim.results)
        if strangers:
            yield f"stands_while speaks of {sorted(strangers)}, which are not among results"
    for name in ("because", "flips_if"):
        text = getattr(claim, name) or ""
        strangers = _mentioned(text) - set(claim.results)
        if strangers:
            yield f"{name} speaks of {sorted(strangers)}, which are not among results"
        typed = _TYPED.search(text)
        if typed:
            yield f"{typed[0]!r} is typed into {name}: record it and name its key in braces"
    if claim.verdict is not None:
        yield from _complaints_of_verdict(claim)


def _complaints_of_verdict(claim: Claim) -> Iterable[str]:
    """Yield what a verdict lacks."""
    if claim.verdict not in VERDICTS:
        yield f"verdict {claim.verdict!r} is not one of {', '.join(VERDICTS)}"
    for name in ("because", "flips_if"):
        if not getattr(claim, name):
            yield f"a verdict needs {name}"
    if claim.verdict == "untestable":
        if claim.stands_while is not None:
            yield "an untestable statement has no stands_while"
    elif not claim.evidence:
        yield "a verdict needs evidence"
    elif {"proof", "run"} & set(claim.evidence) and claim.stands_while is None:
        yield "a proof or a run needs results and stands_while"


def _chosen(numbers: Sequence[int], claims: Mapping[int, Claim] | None) -> list[Claim]:
    """Look the numbers up."""
    claims = load_claims() if claims is None else claims
    if not numbers:
        raise ValueError("name at least one statement, as in trial(5, 6)")
    for number in numbers:
        if number not in claims:
            raise ClaimError(f"there is no statement {number}: they run 1 to {max(claims)}")
    return [claims[number] for number in numbers]


def trial(*numbers: int, claims: Mapping[int, Claim] | None = None) -> None:
    """Show the statements that a chapter puts on trial.

    Parameters
    ----------
    *numbers : int
        Their numbers in ``data/claims.yml``.
    claims : mapping, optional
        Other statements than the book's own.

    Raises
    ------
    ClaimError
        If there is no such statement.
    """
    chosen = _chosen(numbers, claims)
    plain = "\n\n".join(f"Statement {c.number}, on trial: {c.statement}" for c in chosen)
    marked = "\n\n".join(trial_markdown(claim) for claim in chosen)
    _display({"text/plain": plain, "text/markdown": marked})


def trial_markdown(claim: Claim) -> str:
    """Write the box that opens a chapter, in Markdown that any notebook viewer renders."""
    kinds = _join([EVIDENCE[kind] for kind in claim.evidence]) or "whether it can be tested at all"
    title = f"Statement {claim.number}, on trial"
    body = f"> {_flat(claim.statement)}\n\nWhat decides: {kinds}."
    return _box("trial", f"statement-{claim.number}", title, body)


def verdict(*numbers: int, claims: Mapping[int, Claim] | None = None) -> None:
    """Show the verdicts that this session's numbers bear out.

    Parameters
    ----------
    *numbers : int
        Their numbers in ``data/claims.yml``.
    claims : mapping, optional
        Other statements than the book's own.

    Raises
    ------
    ClaimError
        If there is no such statement.
    VerdictError
        If a verdict is not reached yet, one of its results has not been recorded in this
        session, or its ``stands_while`` is not met.
    """
    chosen = _chosen(numbers, claims)
    for claim in chosen:
        check_verdict(claim, _session)
    plain = "\n\n".join(verdict_text(claim, _session) for claim in chosen)
    marked = "\n\n".join(verdict_markdown(claim, _session) for claim in chosen)
    _display({"text/plain": plain, "text/markdown": marked})


def check_verdict(claim: Claim, records: Mapping[str, Result]) -> None:
    """Raise ``VerdictError`` unless the records bear the verdict out."""
    if claim.verdict is None:
        raise VerdictError(
            f"statement {claim.number} has no verdict yet: fill it in in data/claims.yml"
        )
    missing = sorted(set(claim.results) - set(records))
    if missing:
        raise VerdictError(
            f"the verdict on statement {claim.number} rests on {', '.join(missing)}, not recorded "
            "in this session: run the cells above, or mend its results in data/claims.yml"
        )
    if claim.stands_while is not None and not evaluate_condition(claim.stands_while, records):
        found = "; ".join(
            format_line(records[k]) for k in sorted(condition_keys(claim.stands_while))
        )
        raise VerdictError(
            f"the verdict on statement {claim.number} ({claim.verdict}) stands only while "
            f"{claim.stands_while}, and this session found {found}: rewrite it in data/claims.yml"
        )


_TYPED = re.compile(r"\d+[.,]\d+|\d+ ?%")
_MENTION = re.compile(rf"\{{(?P<key>{KEY.pattern})(?:\.(?P<part>value|low|high))?\}}")


def _mentioned(text: str) -> set[str]:
    """Return the keys that a reason names as ``{key}`` or ``{key.low}``."""
    return {match["key"] for match in _MENTION.finditer(text)}


def fill(text: str, records: Mapping[str, Result]) -> str:
    """Put recorded numbers into a reason: ``{key}``, ``{key.low}`` and ``{key.high}``.

    Examples
    --------
    >>> found = {"r8": parse_line("r8 = 97.0 % [96.2, 97.7] (n = 2,189 documents)")}
    >>> fill("It gets {r8} right, at least {r8.low}.", found)
    'It gets 97.0 % right, at least 96.2 %.'
    """

    def number(match: re.Match[str]) -> str:
        found = records[match["key"]]
        value = getattr(found, match["part"] or "value")
        return format_number(value, found.digits, percent=found.percent)

    return _MENTION.sub(number, text)


def verdict_parts(claim: Claim, records: Mapping[str, Result]) -> list[tuple[str, str]]:
    """Return what a verdict box says, as pairs of a heading and a text."""
    parts = [
        ("The statement", _flat(claim.statement)),
        ("Why", fill(_flat(claim.because or ""), records)),
        ("Decided by", _join([EVIDENCE[kind] for kind in claim.evidence]) or "no test is possible"),
    ]
    parts += [("Number", format_line(records[key])) for key in claim.results]
    if claim.cites:
        parts.append(("Sources", "; ".join(cite_label(key) for key in claim.cites)))
    parts.append(("What would flip it", fill(_flat(claim.flips_if or ""), records)))
    return parts


def verdict_text(claim: Claim, records: Mapping[str, Result]) -> str:
    """Write a verdict as plain text."""
    head = f"Verdict on statement {claim.number}: {VERDICTS[claim.verdict or '']}"
    return "\n".join([head, *(f"  {name}: {text}" for name, text in verdict_parts(claim, records))])


def verdict_markdown(claim: Claim, records: Mapping[str, Result]) -> str:
    """Write the box that closes a chapter, in Markdown that any notebook viewer renders."""
    title = f"Verdict on statement {claim.number}: {VERDICTS[claim.verdict or '']}"
    body = "\n".join(f"- **{name}:** {text}" for name, text in verdict_parts(claim, records))
    return _box(f"verdict verdict-{claim.verdict}", f"verdict-{claim.number}", title, body)


def _box(css: str, anchor: str, title: str, body: str) -> str:
    """Wrap Markdown in a titled box; where HTML is dropped, the words remain in order."""
    title = html.escape(title)
    return (
        f'<div class="admonition {css}" id="{anchor}" role="group" aria-label="{title}">\n'
        f'<p class="admonition-title"><strong>{title}</strong></p>\n\n{body}\n\n</div>'
    )


def _flat(text: str) -> str:
    """Put a text on one line."""
    return " ".join(text.split())


def _join(words: Sequence[str]) -> str:
    """Join words as in a sentence: ``a, b and c``."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def cite_label(key: str) -> str:
    """Spell out a bibliography key.

    Examples
    --------
    >>> cite_label("SparckJones1972"), cite_label("Mikolov2013a"), cite_label("McCann2017")
    ('Sparck Jones 1972', 'Mikolov 2013a', 'McCann 2017')
    """
    return re.sub(r"(?<=[a-z])(?<!Mc)(?=[A-Z0-9])", " ", key)


# ---------------------------------------------------------------------------------------------
# Leaderboards
# ---------------------------------------------------------------------------------------------


def leaderboard(
    keys: str | Sequence[str], title: str, *, labels: Mapping[str, str] | None = None
) -> None:
    """Show recorded results side by side, the highest first.

    Parameters
    ----------
    keys : str or sequence of str
        Result keys, or what they all begin with: ``"lee50"`` takes each ``lee50-...``.
    title : str
        The caption: what is measured.
    labels : mapping, optional
        What to call a key, or the rest of a key after the prefix. Left out, the key itself.

    Raises
    ------
    ValueError
        If nothing fits, or more than 15 rows do.
    """
    rows = leaderboard_rows(keys, _session, labels or {})
    _display({"text/plain": _plain_table(title, rows), "text/html": _html_table(title, rows)})


def leaderboard_rows(
    keys: str | Sequence[str], records: Mapping[str, Result], labels: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """Return name, number with interval, and sample of each row, the highest value first."""
    if isinstance(keys, str):
        prefix = keys.rstrip("-") + "-"
        chosen = [key for key in records if key.startswith(prefix)]
    else:
        prefix, chosen = "", list(keys)
    missing = [key for key in chosen if key not in records]
    if missing or not chosen:
        known = ", ".join(records) or "none"
        wanted = ", ".join(missing) or keys
        raise ValueError(f"no result {wanted} is recorded in this session (recorded: {known})")
    if len(chosen) > MAX_ROWS:
        raise ValueError(f"{len(chosen)} rows are too many to read: name at most {MAX_ROWS} keys")
    rows = []
    for key in sorted(chosen, key=lambda key: -records[key].value):
        found, rest = records[key], key.removeprefix(prefix)
        sample = "exact" if found.kind == "exact" else f"n = {found.n:,} {found.unit}"
        name = labels.get(key, labels.get(rest, rest))
        rows.append((name, format_estimate(found), sample))
    return rows


_TIES = "Overlapping intervals decide nothing: two rows are told apart by their paired difference."
_HEADINGS = ("Method", "Value [95 % interval]", "Sample")


def _plain_table(title: str, rows: Sequence[tuple[str, str, str]]) -> str:
    """Write a table as aligned text."""
    widths = [max(len(row[i]) for row in (_HEADINGS, *rows)) for i in range(3)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (_HEADINGS, *rows)
    ]
    return "\n".join([title, *lines, _TIES])


def _html_table(title: str, rows: Sequence[tuple[str, str, str]]) -> str:
    """Write a table with a caption and headings for both directions."""
    head = "".join(f'<th scope="col">{html.escape(cell)}</th>' for cell in _HEADINGS)
    lines = [
        f'<tr><th scope="row">{html.escape(name)}</th>'
        f"<td>{value}</td><td>{html.escape(sample)}</td></tr>"
        for name, value, sample in rows
    ]
    body = "\n".join(lines)
    return (
        f'<table class="leaderboard">\n<caption>{html.escape(title)}</caption>\n'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>\n<p>{_TIES}</p>"
    )
