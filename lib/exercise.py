"""Exercises that answer back: the solution is the source, and the known mistakes have hints.

An exercise is one class: the task (its docstring), the ``solution``, the ``cases`` it is tried
on, and the mistakes people make, each written as a wrong solution with its own hint. From that
the engine generates the unsolved cell (`Exercise.stub`), judges a reader's function
(`Exercise.check`) and shows the solution (`Exercise.show_solution`). `Question` is the other
half: predict, then reveal, with an answer to each option.

What agrees with what, and within which tolerance, is said in `lib.compare`: a list is not an
array, but 2 is 2.0, and an object that says that it equals everything never passes.

A function is called on copies, so one that changes its inputs harms no later case. An endless
loop is not caught: in a notebook, the stop button ends it.
"""

from __future__ import annotations

import ast
import copy
import dis
import html
import inspect
import linecache
import re
import textwrap
import types
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, cast

import numpy as np

from lib.compare import Tolerance, difference, kind, show

__all__ = ["Exercise", "Misconception", "Option", "Question", "Report", "misconception"]

BEGIN, END = "# your code", "# end of your code"
State = Literal["not attempted", "failed", "passed"]
Function = Callable[..., object]


@dataclass(frozen=True)
class Misconception:
    """A mistake people make: its name, a function that makes it, and the hint that helps."""

    title: str
    function: Function
    hint: str = ""


@dataclass(frozen=True)
class Report:
    """What a check found: the state, the text to print, the mistake if it is a known one."""

    state: State
    text: str
    misconception: str | None = None


def misconception(title: str) -> Callable[[Function], Misconception]:
    """Mark a function in the body of an exercise as a known wrong solution.

    Parameters
    ----------
    title : str
        What the function does wrong, as the end of "your function ...", for instance
        "divides by the padded length". The line ``hint = "..."`` has to follow the function.
    """
    return lambda function: Misconception(title, function)


class _Body(dict[str, object]):
    """The body of an exercise while Python reads it: every ``def _`` and ``hint`` is kept."""

    def __init__(self) -> None:
        super().__init__()
        self.misconceptions: list[Misconception] = []

    def __setitem__(self, name: str, value: object) -> None:
        if isinstance(value, Misconception):
            self.misconceptions.append(value)
        elif name == "hint":
            if not self.misconceptions or self.misconceptions[-1].hint:
                raise TypeError(f"hint = {value!r} must follow the misconception it belongs to")
            self.misconceptions[-1] = replace(self.misconceptions[-1], hint=str(value))
        else:
            super().__setitem__(name, value)


class _ExerciseType(type):
    """Makes the functions of an exercise static (they take no ``self``) and checks the parts."""

    @classmethod
    def __prepare__(  # type: ignore[override]
        metacls, name: str, bases: tuple[type, ...], /, **keywords: object
    ) -> _Body:
        return _Body()

    def __new__(metacls, name: str, bases: tuple[type, ...], body: _Body) -> _ExerciseType:
        parts: dict[str, object] = dict(body)
        if bases:
            for part in ("__doc__", "solution", "cases"):
                if part not in parts:
                    raise TypeError(f"the exercise {name} has no {part}: write one")
            for known in body.misconceptions:
                if not known.hint:
                    raise TypeError(f'{name}: "{known.title}" has no hint: write hint = "..."')
            hints = parts.get("hints", ())
            if not isinstance(hints, tuple) or len(hints) > 3:
                raise TypeError(f"{name}: hints must be a tuple of at most 3 texts, not {hints!r}")
            for key, value in parts.items():
                if isinstance(value, types.FunctionType):
                    parts[key] = staticmethod(value)
        parts["misconceptions"] = tuple(body.misconceptions)
        return super().__new__(metacls, name, bases, parts)


class Exercise(metaclass=_ExerciseType):
    """An exercise with its solution, its cases and the mistakes people make.

    Write a subclass. Its docstring is the task. ``solution`` and ``cases`` take no ``self``.
    ``cases`` returns a dictionary from the name of a case to the tuple of its arguments; the
    first may be the one the chapter shows, the others must catch a function that only works
    for that one. In ``solution``, the lines between ``# your code`` and ``# end of your code``
    are the ones to be written by the reader; without these comments the whole body is.

    Attributes
    ----------
    hints : tuple of str
        Up to three general hints, from a nudge to nearly the answer.
    within : Tolerance
        How close numbers must be: ``Tolerance(relative=1e-6, absolute=1e-9)`` unless set.
    misconceptions : tuple of Misconception
        Collected from the functions under ``@misconception``, in order.

    Examples
    --------
    >>> class Mean(Exercise):
    ...     '''The mean of each row.'''
    ...     hints = ("Which axis runs along a row?",)
    ...     def solution(X):  # (n, d) -> (n,)
    ...         return X.mean(axis=1)
    ...     @misconception("averages the columns")
    ...     def _(X):
    ...         return X.mean(axis=0)
    ...     hint = "You have one mean for each column. Which axis has to vanish?"
    ...     def cases():
    ...         return {"two rows": (np.array([[1.0, 3.0], [5.0, 9.0]]),)}
    >>> Mean.check(lambda X: X.mean(axis=1))
    Mean: passed, 1 of 1 cases agree with the solution (tolerance 1e-06 relative, 1e-09 absolute).
    >>> Mean.check(lambda X: X.mean(axis=0))
    Mean: not right yet, case 1 of 1 (two rows).
      input     X = [[1, 3], [5, 9]] (shape 2 × 2)
      you got   [3, 6]
      expected  [2, 7]
      differs   at [0]: 3 instead of 2; 2 of 2 values differ (tolerance 1e-06 relative, 1e-09
                absolute)
      hint      It looks as if your function averages the columns. You have one mean for each
                column. Which axis has to vanish?
      more      Mean.check(mean, hint=1) prints hint 1 of 1.
    """

    hints: ClassVar[tuple[str, ...]] = ()
    within: ClassVar[Tolerance] = Tolerance()
    misconceptions: ClassVar[tuple[Misconception, ...]]
    solution: ClassVar[Function]
    cases: ClassVar[Callable[[], Mapping[str, tuple[object, ...]]]]

    @classmethod
    def function_name(cls) -> str:
        """Name the reader's function: the name of the class in snake case."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", cls.__name__).lower()

    @classmethod
    def stub(cls) -> str:
        """Return the unsolved cell: import, function with ``...`` to fill in, and check."""
        name, function = cls.function_name(), _sources(cls)[0]
        return (
            f"from {cls.__module__} import {cls.__name__}\n\n\n{function}\n\n\n"
            f"{cls.__name__}.check({name})"
        )

    @classmethod
    def solution_text(cls) -> str:
        """Return the source of the solution under the reader's name, without the markers."""
        return _sources(cls)[1]

    @classmethod
    def show_solution(cls) -> None:
        """Display the source of the solution: a code block on the page, text elsewhere."""
        text = cls.solution_text()
        _display({"text/markdown": f"```python\n{text}\n```", "text/plain": text})

    @classmethod
    def check(cls, attempt: object, hint: int = 0) -> None:
        """Try a reader's function on every case and print what was found.

        Never raises, whatever the function does. An endless loop is not caught: in a notebook
        the stop button ends it.

        Parameters
        ----------
        attempt : function
            Takes what the solution takes.
        hint : int
            1, 2 or 3 prints that hint as well, if there are so many; 0 prints none.
        """
        print(cls.report(attempt, hint).text)

    @classmethod
    def report(cls, attempt: object, hint: int = 0) -> Report:
        """Judge a reader's function, as `check` does, and return the findings.

        Raises
        ------
        RuntimeError
            If the exercise itself is at fault: its solution fails on a case, or returns what
            cannot be compared.
        """
        if attempt is ... or _is_untouched(attempt, cls):
            return cls._not_attempted(hint)
        if not callable(attempt):
            text = f"{cls.__name__}: check() needs your function, not {kind(attempt)}."
            return Report("failed", f"{text} Write {cls.__name__}.check({cls.function_name()}).")
        cases = list(cls.cases().items())
        expected = cls._expected()
        outcomes = [_call(attempt, args) for _, args in cases]
        if any(outcome.value is ... for outcome in outcomes):
            return cls._not_attempted(hint)
        wrong = cls._unlike(outcomes, expected)
        if not wrong:
            return Report("passed", cls._praise(outcomes))
        i = wrong[0]
        known = cls._recognise(outcomes, expected, i)
        head = f"not right yet, case {i + 1} of {len(cases)} ({cases[i][0]})."
        rows = [*cls._evidence(cases[i][1], outcomes[i], expected[i].value)]
        if known:
            rows.append(("hint", f"It looks as if your function {known.title}. {known.hint}"))
        rows += cls._hint_rows(hint)
        return Report("failed", _layout(cls.__name__, head, rows), known.title if known else None)

    @classmethod
    def _expected(cls) -> list[_Outcome]:
        """Run the solution on every case; an error here is the author's, so it is raised."""
        outcomes = []
        for label, args in cls.cases().items():
            if type(args) is not tuple:
                raise RuntimeError(f"{cls.__name__}, case {label!r}: arguments must be a tuple")
            outcome = _call(cls.solution, args)
            words = outcome.words or difference(outcome.value, outcome.value)
            if words:
                raise RuntimeError(f"{cls.__name__}, case {label!r}: the solution fails: {words}")
            outcomes.append(outcome)
        return outcomes

    @classmethod
    def _unlike(cls, some: list[_Outcome], others: list[_Outcome]) -> list[int]:
        """Return the numbers of the cases in which two functions do not do the same."""
        pairs = enumerate(zip(some, others, strict=True))
        return [i for i, (one, other) in pairs if not one.agrees(other, cls.within)]

    @classmethod
    def _recognise(
        cls, outcomes: list[_Outcome], expected: list[_Outcome], first: int
    ) -> Misconception | None:
        """Find the known mistake that explains the first failure.

        A mistake is recognised when the attempt does what the mistaken function does, in every
        case in which that one is wrong. If several qualify, the one wrong in most cases.
        """
        best, most = None, 0
        arguments = cls.cases().values()
        for known in cls.misconceptions:
            theirs = [_call(known.function, args) for args in arguments]
            symptoms = cls._unlike(theirs, expected)
            alike = not set(symptoms) & set(cls._unlike(outcomes, theirs))
            if first in symptoms and alike and len(symptoms) > most:
                best, most = known, len(symptoms)
        return best

    @classmethod
    def _evidence(
        cls, args: tuple[object, ...], outcome: _Outcome, expected: object
    ) -> Iterator[tuple[str, str]]:
        """Yield the rows of a failed check: input, what came out, what should have."""
        names = list(inspect.signature(cls.solution).parameters)
        for i, (name, value) in enumerate(zip(names, args, strict=False)):
            yield "" if i else "input", f"{name} = {show(value)}"
        if outcome.error:
            yield "raised", outcome.words
            if outcome.line:
                yield "where", outcome.line
            if "ellipsis" in outcome.words:
                yield "", "A ... of the unsolved cell still stands in your function."
        else:
            yield "you got", show(outcome.value)
        yield "expected", show(expected)
        if not outcome.error:
            words = difference(outcome.value, expected, cls.within) or ""
            missing = outcome.value is None
            yield "differs", f"{words}. Is a return missing?" if missing else words
        for warning in outcome.warnings:
            yield "warning", warning

    @classmethod
    def _hint_rows(cls, hint: int) -> list[tuple[str, str]]:
        """Return the hint asked for, and how to ask for the next one."""
        total, call = len(cls.hints), f"{cls.__name__}.check({cls.function_name()}, hint="
        rows = []
        asked = hint if type(hint) is int else 0
        if 1 <= asked <= total:
            rows.append((f"hint {asked}", cls.hints[asked - 1]))
        elif type(hint) is not int or hint != 0:
            rows.append(("hint", f"There is no hint {show(hint)}; this exercise has {total}."))
            asked = 0
        if asked < total:
            rows.append(("more", f"{call}{asked + 1}) prints hint {asked + 1} of {total}."))
        return rows

    @classmethod
    def _not_attempted(cls, hint: int) -> Report:
        head = f"not attempted yet. Replace the ... in {cls.function_name()}, run the cell again."
        return Report("not attempted", _layout(cls.__name__, head, cls._hint_rows(hint)))

    @classmethod
    def _praise(cls, outcomes: list[_Outcome]) -> str:
        hit = {i for outcome in outcomes for i in outcome.changed}
        names = inspect.signature(cls.solution).parameters
        changed = [name for i, name in enumerate(names) if i in hit]
        remark = f" But your function changes its input {', '.join(changed)}." if changed else ""
        every = f"{len(outcomes)} of {len(outcomes)} cases agree with the solution"
        return f"{cls.__name__}: passed, {every} ({cls.within}).{remark}"


# The source: one text, split into what the reader sees and what the solution shows.


def _sources(exercise: type[Exercise]) -> tuple[str, str]:
    """Split the source of a solution into the reader's function and the solved one."""
    name = exercise.__name__
    lines = textwrap.dedent(inspect.getsource(exercise.solution)).rstrip().splitlines()
    head = next((k for k in range(1, len(lines)) if _is_header(lines[:k])), 0)
    if not head:
        raise TypeError(f"{name}: write the body of the solution on lines of its own")
    tree = cast("ast.FunctionDef", ast.parse("\n".join(lines)).body[0])
    if ast.get_docstring(tree):
        raise TypeError(f"{name}: the solution needs no docstring, that of the class is the task")
    holes = _holes(name, lines, head)
    hidden = {i for begin, end in holes for i in range(begin, end)}
    kept, solved = [], []
    for i in range(head, len(lines)):
        if lines[i].strip() in (BEGIN, END):
            continue
        solved.append(lines[i])
        if i not in hidden:
            kept.append(lines[i])
        elif any(i == begin for begin, _ in holes):
            indent = lines[i][: len(lines[i]) - len(lines[i].lstrip())]
            kept += [f"{indent}{target}..." for target in _targets(tree, hidden, i, holes)]
    task = inspect.cleandoc(exercise.__doc__ or "")
    close = "\n" if "\n" in task else ""
    text = textwrap.indent(f'"""{task}{close}"""', "    ")
    first = re.sub(r"\bsolution\b", exercise.function_name(), lines[0], count=1)
    start = [first, *lines[1:head], *text.splitlines()]
    return "\n".join(start + kept), "\n".join(start + solved)


def _is_header(lines: list[str]) -> bool:
    """Say whether these lines are a whole ``def`` line (which may be broken) and no more."""
    try:
        ast.parse("\n".join([*lines, "    pass"]))
    except SyntaxError:
        return False
    return True


def _holes(name: str, lines: list[str], head: int) -> list[tuple[int, int]]:
    """Return the ranges of lines to be written by the reader, ends excluded."""
    markers = [i for i, line in enumerate(lines) if line.strip() in (BEGIN, END)]
    begins, ends = markers[::2], markers[1::2]
    right = [BEGIN, END] * (len(markers) // 2)
    if [lines[i].strip() for i in markers] != right:
        raise TypeError(f"{name}: '{BEGIN}' and '{END}' must come in pairs")
    if not markers:
        return [(head, len(lines))]
    holes = [(begin + 1, end) for begin, end in zip(begins, ends, strict=True)]
    if any(begin == end for begin, end in holes):
        raise TypeError(f"{name}: nothing stands between '{BEGIN}' and '{END}'")
    return holes


def _targets(
    tree: ast.stmt, hidden: set[int], begin: int, holes: list[tuple[int, int]]
) -> list[str]:
    """Name what a hole must define for the kept lines after it: ``length = ``, or nothing."""
    end = dict(holes)[begin]
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    names.sort(key=lambda node: (node.lineno, node.col_offset))
    stored = [n for n in names if isinstance(n.ctx, ast.Store)]
    before = {n.id for n in stored if n.lineno - 1 < begin}
    loaded = [n for n in names if isinstance(n.ctx, ast.Load)]
    used = {n.id for n in loaded if n.lineno - 1 >= end and n.lineno - 1 not in hidden}
    here = dict.fromkeys(n.id for n in stored if begin <= n.lineno - 1 < end)
    return [f"{name} = " for name in here if name in used and name not in before] or [""]


def _is_untouched(attempt: object, exercise: type[Exercise]) -> bool:
    """Say whether a function is still the stub, or empty: compares instructions, not text."""
    if not isinstance(attempt, types.FunctionType):
        return False
    mine = _instructions(attempt.__code__)
    for source in (_sources(exercise)[0], "def empty():\n    pass"):
        module = compile(source, "<stub>", "exec", dont_inherit=True)
        if mine == _instructions(next(c for c in module.co_consts if inspect.iscode(c))):
            return True
    return False


def _instructions(code: types.CodeType) -> list[tuple[str, object]]:
    """List the instructions of a function, without line numbers and docstring."""
    steps: list[tuple[str, object]] = []
    for step in dis.get_instructions(code):
        value = _instructions(step.argval) if inspect.iscode(step.argval) else step.argval
        if step.opname not in ("NOP", "RESUME"):
            steps.append((step.opname, value))
    return steps


# Running: a function on a copy of its arguments.


@dataclass(frozen=True)
class _Outcome:
    """What a function did: its value, or the error with the line that raised it."""

    value: object = None
    error: type[BaseException] | None = None
    words: str = ""
    line: str = ""
    warnings: tuple[str, ...] = ()
    changed: tuple[int, ...] = ()

    def agrees(self, other: _Outcome, within: Tolerance) -> bool:
        """Say whether two outcomes agree: the same kind of error, or values that agree."""
        if self.error or other.error:
            return self.error is other.error
        return difference(self.value, other.value, within) is None


def _call(function: Function, args: tuple[object, ...]) -> _Outcome:
    """Call a function on copies and catch everything but the stop button."""
    inputs = copy.deepcopy(args)
    with warnings.catch_warnings(record=True) as caught, np.errstate(all="warn", under="ignore"):
        warnings.simplefilter("always")
        try:
            value = _copied(function(*inputs))
        except (Exception, SystemExit) as error:
            return _Outcome(error=type(error), words=_said(error), line=_where(error, function))
    changed = tuple(i for i, old in enumerate(args) if _is_changed(inputs[i], old))
    said = dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught)
    return _Outcome(value, warnings=tuple(said)[:2], changed=changed)


def _said(error: BaseException) -> str:
    """Write an error as Python does; its text may itself be broken."""
    try:
        return f"{type(error).__name__}: {error}".removesuffix(": ")
    except Exception:
        return type(error).__name__


def _copied(value: object) -> object:
    """Copy a result, so that a function that returns one buffer twice is judged fairly."""
    try:
        return copy.deepcopy(value)
    except Exception:
        return value


def _is_changed(now: object, before: object) -> bool:
    """Say whether an argument differs from what it was; what cannot be compared has not."""
    return not difference(before, before) and bool(difference(now, before))


def _where(error: BaseException, function: Function) -> str:
    """Name the line of the reader's function that raised, with its text."""
    if not isinstance(function, types.FunctionType):
        return ""
    code, number = function.__code__, None
    trace = error.__traceback__
    while trace:
        if trace.tb_frame.f_code is code:
            number = trace.tb_lineno
        trace = trace.tb_next
    if number is None:
        return ""
    text = linecache.getline(code.co_filename, number).strip()
    place = f"line {number - code.co_firstlineno + 1} of {code.co_name}"
    return f"{place}: {text}" if text else place


def _layout(name: str, head: str, rows: list[tuple[str, str]]) -> str:
    """Set a report: the head, then labelled rows, wrapped under their label."""
    lines = [f"{name}: {head}"]
    for label, text in rows:
        lines += textwrap.wrap(
            " ".join(text.splitlines()),
            width=92,
            initial_indent=f"  {label:<9} ",
            subsequent_indent=" " * 12,
            break_long_words=False,
            break_on_hyphens=False,
        )
    return "\n".join(lines)


# Questions.


@dataclass(frozen=True)
class Option:
    """One option of a question: its text, the answer to whoever chose it, right or not."""

    text: str
    answer: str
    right: bool = False


@dataclass(frozen=True)
class Question:
    """A question to predict first: each option opens to its own answer.

    Texts are plain, except that `code` between back-ticks is set as code.

    Parameters
    ----------
    prompt : str
        The question.
    options : tuple of Option
        At least three, in the order shown; exactly one is right.

    Raises
    ------
    ValueError
        If there are fewer than three options, two alike, one without an answer, or not
        exactly one that is right.

    Examples
    --------
    >>> question = Question("What is 2 + 2?", (
    ...     Option("4", "Two and two."), ))
    Traceback (most recent call last):
    ...
    ValueError: 'What is 2 + 2?' has 1 options: write at least 3
    """

    prompt: str
    options: tuple[Option, ...]

    def __post_init__(self) -> None:
        name, texts = repr(self.prompt), [option.text.strip() for option in self.options]
        rights = sum(option.right for option in self.options)
        if len(texts) < 3:
            raise ValueError(f"{name} has {len(texts)} options: write at least 3")
        if len(set(texts)) < len(texts) or "" in texts:
            raise ValueError(f"{name} has an empty option or two alike: give each its own text")
        if rights != 1:
            raise ValueError(f"{name} has {rights} right options: mark exactly one")
        for option in self.options:
            if not option.answer.strip():
                raise ValueError(f"{name}: the option {option.text!r} has no answer: write one")

    def html(self) -> str:
        """Return the question for a page: no script, every option a button of the browser."""
        label = f"Question with {len(self.options)} options"
        rows = [
            f'<div class="question" role="group" aria-label="{label}">',
            f"<p><strong>Predict first.</strong> {_inline(self.prompt)}</p>",
        ]
        for letter, option in self._lettered():
            rows += [
                f"<details><summary>{letter}. {_inline(option.text)}</summary>",
                f"<p><strong>{_verdict(option)}</strong> {_inline(option.answer)}</p></details>",
            ]
        return "\n".join([*rows, "</div>"])

    def text(self) -> str:
        """Return the question as plain text: all options first, the answers below them."""
        options = [f"  {letter}. {option.text}" for letter, option in self._lettered()]
        answers = [f"  {k}. {_verdict(option)} {option.answer}" for k, option in self._lettered()]
        wrapped = [
            textwrap.fill(row, 88, subsequent_indent=" " * 5, break_long_words=False)
            for row in [*options, "", "Decide before you read on. The answers:", "", *answers]
        ]
        head = textwrap.fill(f"Predict first. {self.prompt}", 88)
        return "\n".join([head, *wrapped])

    def show(self) -> None:
        """Display the question: `html` on a page or in a notebook, `text` elsewhere."""
        _display({"text/html": self.html(), "text/plain": self.text()})

    def _lettered(self) -> Iterator[tuple[str, Option]]:
        return ((chr(ord("A") + i), option) for i, option in enumerate(self.options))


def _verdict(option: Option) -> str:
    return "Right." if option.right else "Not so."


def _inline(text: str) -> str:
    """Escape a text for HTML and set what stands between back-ticks as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(text, quote=False))


class _Bundle:
    """Something to display in several formats; its plain text is its ``repr``."""

    def __init__(self, formats: dict[str, str]) -> None:
        self.formats = formats

    def __repr__(self) -> str:
        return self.formats["text/plain"]

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return self.formats


def _display(formats: dict[str, str]) -> None:
    """Hand the formats to the notebook; outside of one, the plain text is printed."""
    from IPython.display import display

    display(_Bundle(formats))  # type: ignore[no-untyped-call]
