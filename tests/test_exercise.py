"""An exercise judges, explains, and never falls over what a reader writes."""

import builtins
import functools
import linecache
import re
import textwrap

import numpy as np
import pytest
import scipy.sparse
from IPython.core.interactiveshell import InteractiveShell

from lib.compare import Tolerance
from lib.exercise import Exercise, Option, Question, misconception


class MaskedMean(Exercise):
    """Average the token vectors of each sentence, padding left out."""

    hints = ("Which tokens count?", "Divide by their number.", "mask.sum(1) is that.")

    def solution(hidden, mask):  # (n, t, d), (n, t) -> (n, d)
        return (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)

    @misconception("divides by the padded length")
    def _(hidden, mask):
        return (hidden * mask[..., None]).mean(1)

    hint = "Two sentences, one padded: what do you divide by?"

    @misconception("averages the padding too")
    def _(hidden, mask):
        return hidden.mean(1)

    hint = "Padding is no token."

    @misconception("divides by zero for an empty sentence")
    def _(hidden, mask):
        return (hidden * mask[..., None]).sum(1) / mask.sum()

    hint = "Each sentence has its own length."

    def cases():
        hidden = np.arange(12.0).reshape(2, 3, 2)
        return {
            "nothing padded": (hidden, np.ones((2, 3))),
            "the second one padded": (hidden, np.array([[1, 1, 1], [1, 1, 0]])),
        }


class RootOfSquares(Exercise):
    """The length of a vector.

    The root of the sum of the squares.
    """

    def solution(
        v,  # (d,)
        power=2,
    ):  # -> a number
        # your code
        squares = v**power
        squares = squares + 0
        unused = 1  # noqa: F841
        # end of your code
        total = sum(squares)
        for _ in range(1):
            # your code
            # the root
            root = total ** (1 / power)
            # end of your code
        return root

    def cases():
        return {"3, 4": (np.array([3, 4]),), "cubes": (np.array([1.0, 2.0]), 3)}


class Words(Exercise):
    """Count the words."""

    within = Tolerance(relative=0.5)

    def solution(words):
        return {word: words.count(word) for word in words}

    def cases():
        return {"two": (["a", "b", "a"],), "none": ([],)}


def right(hidden, mask):
    return (hidden * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)


def defined(source, name):
    """Define a function from text, its lines known to Python as those of a cell are."""
    file = f"<cell {name}>"
    linecache.cache[file] = (len(source), None, source.splitlines(True), file)
    namespace = {"np": np}
    exec(compile(source, file, "exec"), namespace)
    return namespace[name]


def test_functions_of_an_exercise_take_no_self():
    assert MaskedMean.solution(np.ones((1, 1, 1)), np.ones((1, 1))).shape == (1, 1)
    assert list(MaskedMean().cases()) == ["nothing padded", "the second one padded"]


def test_every_misconception_keeps_its_own_hint_in_order():
    assert [(m.title, m.hint) for m in MaskedMean.misconceptions] == [
        ("divides by the padded length", "Two sentences, one padded: what do you divide by?"),
        ("averages the padding too", "Padding is no token."),
        ("divides by zero for an empty sentence", "Each sentence has its own length."),
    ]
    assert not hasattr(MaskedMean, "hint")
    assert Words.misconceptions == ()


def test_the_stub_has_the_task_and_a_hole():
    assert MaskedMean.stub() == textwrap.dedent(
        f'''\
        from {__name__} import MaskedMean


        def masked_mean(hidden, mask):  # (n, t, d), (n, t) -> (n, d)
            """Average the token vectors of each sentence, padding left out."""
            ...


        MaskedMean.check(masked_mean)'''
    )


def test_markers_split_what_is_kept_from_what_is_to_be_written():
    assert RootOfSquares.stub().split("\n\n\n")[1] == textwrap.dedent(
        '''\
        def root_of_squares(
            v,  # (d,)
            power=2,
        ):  # -> a number
            """The length of a vector.

            The root of the sum of the squares.
            """
            squares = ...
            total = sum(squares)
            for _ in range(1):
                root = ...
            return root'''
    )


def test_the_solution_is_shown_under_the_readers_name_without_markers():
    text = RootOfSquares.solution_text()
    assert text.startswith(
        "def root_of_squares(\n    v,  # (d,)\n    power=2,\n):  # -> a number\n"
    )
    assert (
        "    squares = v**power\n    squares = squares + 0\n    unused = 1  # noqa: F841\n    total"
        in text
    )
    assert "your code" not in text
    assert defined(text, "root_of_squares")(np.array([3, 4])) == 5


@pytest.mark.parametrize(
    ("name", "snake"),
    [("Cosine", "cosine"), ("MaskedMean", "masked_mean"), ("TFIDFWeights", "tfidf_weights"),
     ("BM25Score", "bm25_score"), ("SvdOfX", "svd_of_x")],
)  # fmt: skip
def test_the_function_is_named_after_the_class(name, snake):
    made = make(name, {"__doc__": "x", "solution": len, "cases": dict})
    assert made.function_name() == snake


def make(name, parts):
    body = type(Exercise).__prepare__(name, (Exercise,))
    for key, value in parts.items():
        body[key] = value
    return type(Exercise)(name, (Exercise,), body)


class RunningSum(Exercise):
    """Add up."""

    def solution(v):
        total = 0
        for x in v:
            # your code
            total = total + x
            # end of your code
        return total

    def cases():
        return {"1, 2": ([1, 2],)}


def test_a_hole_that_changes_a_kept_name_is_left_open():
    assert RunningSum.stub().split("\n\n\n")[1].splitlines()[2:] == [
        "    total = 0",
        "    for x in v:",
        "        ...",
        "    return total",
    ]
    untouched = defined(RunningSum.stub(), "running_sum")
    assert untouched([1, 2]) == 0
    assert RunningSum.report(untouched).state == "not attempted"


@pytest.mark.parametrize("exercise_class", [MaskedMean, RootOfSquares, Words])
@pytest.mark.parametrize("hint", [0, 1])
def test_the_untouched_stub_is_not_attempted_yet(exercise_class, hint, capsys):
    exec(exercise_class.stub(), {"np": np})
    name, function = exercise_class.__name__, exercise_class.function_name()
    out = capsys.readouterr().out
    assert out.startswith(
        f"{name}: not attempted yet. Replace the ... in {function}, run the cell again.\n"
        if exercise_class.hints
        else f"{name}: not attempted yet. Replace the ... in {function}, run the cell again."
    )
    untouched = defined(exercise_class.stub(), function)
    capsys.readouterr()
    report = exercise_class.report(untouched, hint)
    assert report.state == "not attempted"
    assert ("Which tokens count?" in report.text) == bool(hint and exercise_class.hints)


def test_not_attempted_names_the_first_hint():
    assert MaskedMean.report(...).text.splitlines() == [
        "MaskedMean: not attempted yet. Replace the ... in masked_mean, run the cell again.",
        "  more      MaskedMean.check(masked_mean, hint=1) prints hint 1 of 3.",
    ]


@pytest.mark.parametrize(
    "body",
    [
        "pass",
        "...",
        '"""Only text."""',
        "return ...",
        "return None",
        "hidden = hidden\n  return ...",
    ],
)
def test_an_empty_attempt_is_not_attempted_yet(body):
    attempt = defined(f"def attempt(hidden, mask):\n  {body}\n", "attempt")
    assert MaskedMean.report(attempt).state == "not attempted"


def test_a_forgotten_return_is_a_failure_that_is_named():
    attempt = defined("def attempt(hidden, mask):\n  hidden.mean(1)\n", "attempt")
    report = MaskedMean.report(attempt)
    assert report.state == "failed"
    assert "you got   None" in report.text
    assert "yours is None, expected an array. Is a return missing?" in report.text


def test_a_stub_with_one_of_two_holes_filled_is_a_failure():
    source = RootOfSquares.stub().replace("squares = ...", "squares = v**power")
    attempt = defined(source, "root_of_squares")
    assert RootOfSquares.report(attempt).state == "not attempted", "it returns ..."
    source = RootOfSquares.stub().replace("root = ...", "root = total**0.5")
    report = RootOfSquares.report(defined(source, "root_of_squares"))
    assert report.state == "failed"
    assert "raised    TypeError: 'ellipsis' object is not iterable" in report.text
    assert "A ... of the unsolved cell still stands in your function." in report.text
    assert "where     line " in report.text
    assert "of root_of_squares: total = sum(squares)" in report.text


def test_success_is_one_line(capsys):
    for hint in (0, 2):
        MaskedMean.check(right, hint)
        assert capsys.readouterr().out == (
            "MaskedMean: passed, 2 of 2 cases agree with the solution "
            "(tolerance 1e-06 relative, 1e-09 absolute).\n"
        )
    assert MaskedMean.report(right).misconception is None
    assert MaskedMean.report(MaskedMean.solution).state == "passed"


def test_a_failure_shows_input_result_expectation_difference_hint_and_the_way_on():
    report = MaskedMean.report(MaskedMean.misconceptions[0].function, hint=2)
    assert report.text == textwrap.dedent(
        """\
        MaskedMean: not right yet, case 2 of 2 (the second one padded).
          input     hidden = [[[0, 1], [2, 3], [4, 5]], [[6, 7], [8, 9], [10, 11]]] (shape 2 × 3 ×
                    2)
                    mask = [[1, 1, 1], [1, 1, 0]] (shape 2 × 3)
          you got   [[2, 3], [4.66667, 5.33333]] (shape 2 × 2)
          expected  [[2, 3], [7, 8]] (shape 2 × 2)
          differs   at [1, 0]: 4.66667 instead of 7; 2 of 4 values differ (tolerance 1e-06 relative,
                    1e-09 absolute)
          hint      It looks as if your function divides by the padded length. Two sentences, one
                    padded: what do you divide by?
          hint 2    Divide by their number.
          more      MaskedMean.check(masked_mean, hint=3) prints hint 3 of 3."""
    )
    assert report.state == "failed"
    assert report.misconception == "divides by the padded length"


@pytest.mark.parametrize(
    ("hint", "last"),
    [
        (0, "  more      MaskedMean.check(masked_mean, hint=1) prints hint 1 of 3."),
        (1, "  more      MaskedMean.check(masked_mean, hint=2) prints hint 2 of 3."),
        (3, "  hint 3    mask.sum(1) is that."),
        (4, "  more      MaskedMean.check(masked_mean, hint=1) prints hint 1 of 3."),
    ],
)
def test_hints_lead_from_one_to_the_next(hint, last):
    report = MaskedMean.report(lambda hidden, mask: hidden, hint)
    assert report.text.splitlines()[-1] == last
    assert report.misconception is None
    assert "looks as if" not in report.text


@pytest.mark.parametrize("hint", [-1, 4, "two", True, 1.5, None, np.arange(3)])
def test_a_hint_that_does_not_exist_is_answered(hint):
    text = MaskedMean.report(lambda hidden, mask: hidden, hint).text
    assert "There is no hint" in text
    assert "this exercise has 3." in text


def test_an_exercise_without_hints_offers_none():
    assert "more" not in Words.report(lambda words: {}).text


def test_an_attempt_that_repeats_the_first_answer_fails():
    answer = right(*MaskedMean.cases()["nothing padded"])
    report = MaskedMean.report(lambda hidden, mask: answer)
    assert report.text.startswith("MaskedMean: not right yet, case 2 of 2")


def test_an_error_is_reported_with_the_line_that_raised_and_no_trace():
    source = "def attempt(hidden, mask):\n  total = hidden.sum(1)\n  return total / undefined\n"
    report = MaskedMean.report(defined(source, "attempt"))
    assert report.state == "failed"
    assert "  raised    NameError: name 'undefined' is not defined" in report.text
    assert "  where     line 3 of attempt: return total / undefined" in report.text
    assert "expected  [[2, 3], [8, 9]]" in report.text
    assert "you got" not in report.text
    assert "differs" not in report.text
    assert "Traceback" not in report.text
    assert "exercise.py" not in report.text


def test_an_error_in_a_helper_names_the_line_that_called_it():
    source = "def help(x):\n  return 1 / 0\ndef attempt(a, b):\n  return help(a)\n"
    report = MaskedMean.report(defined(source, "attempt"))
    assert "raised    ZeroDivisionError: division by zero" in report.text
    assert "where     line 2 of attempt: return help(a)" in report.text


def test_a_line_without_source_is_named_by_number():
    namespace = {}
    exec("def attempt(a, b):\n  return 1 / 0", namespace)
    assert MaskedMean.report(namespace["attempt"]).text.count("where     line 2 of attempt\n") == 1


def test_the_wrong_number_of_arguments_is_reported():
    report = MaskedMean.report(lambda hidden: hidden)
    assert "takes 1 positional argument but 2 were given" in report.text
    assert "where" not in report.text


class Rude(Exception):
    def __str__(self):
        raise RuntimeError


@pytest.mark.parametrize("error", [Rude, SystemExit, RecursionError, MemoryError, StopIteration])
def test_no_error_escapes(error):
    def attempt(hidden, mask):
        raise error

    assert f"raised    {error.__name__}\n" in MaskedMean.report(attempt).text


def test_the_stop_button_is_not_caught():
    def attempt(hidden, mask):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        MaskedMean.report(attempt)


@pytest.mark.parametrize("attempt", [3, None, "text", np.ones(2), [right]])
def test_something_that_is_no_function_is_named(attempt):
    report = MaskedMean.report(attempt)
    assert report.state == "failed"
    assert "check() needs your function, not " in report.text
    assert report.text.endswith("Write MaskedMean.check(masked_mean).")


def test_any_callable_may_be_checked():
    assert MaskedMean.report(functools.partial(right)).state == "passed"
    report = MaskedMean.report(builtins.len)
    assert report.state == "failed"
    assert "raised    TypeError" in report.text


def test_an_attempt_that_changes_its_inputs_spoils_nothing_and_is_told():
    def attempt(hidden, mask):
        result = right(hidden, mask)
        mask[:] = 7
        return result

    for _ in range(2):
        text = MaskedMean.report(attempt).text
        assert text.endswith("absolute). But your function changes its input mask.")
    assert MaskedMean.report(right).text.endswith("absolute).")


SHARED = np.array([3.0, 1.0, 2.0])


class Largest(Exercise):
    """The largest value, twice the same input."""

    def solution(v):
        return v.max()

    @misconception("sorts in place and takes the first")
    def _(v):
        v.sort()
        return v[0]

    hint = "Sorted upwards, the largest comes last."

    def cases():
        return {"once": (SHARED,), "again": (SHARED,)}


def test_cases_that_share_an_array_survive_a_solution_and_mistakes_that_change_it():
    report = Largest.report(Largest.misconceptions[0].function)
    assert report.misconception == "sorts in place and takes the first"
    assert "v = [3, 1, 2]" in report.text
    assert SHARED.tolist() == [3.0, 1.0, 2.0]


def test_an_attempt_that_returns_one_buffer_twice_is_judged_at_each_call():
    class Double(Exercise):
        """Twice the value."""

        def solution(v):
            return 2 * v

        def cases():
            return {"one": (np.array([1.0]),), "two": (np.array([2.0]),)}

    buffer = np.zeros(1)

    def attempt(v):
        buffer[:] = 2 * v
        return buffer

    assert Double.report(attempt).state == "passed"


class Liar:
    def __eq__(self, other):
        return True

    def __hash__(self):
        return 0

    def __array__(self, dtype=None, copy=None):
        return np.array([[2.0, 3.0], [8.0, 9.0]])

    def __deepcopy__(self, memo):
        raise RuntimeError

    def __repr__(self):
        raise RuntimeError


def test_an_object_that_equals_everything_does_not_pass():
    report = MaskedMean.report(lambda hidden, mask: Liar())
    assert report.state == "failed"
    assert "you got   a Liar object" in report.text
    assert "yours is a Liar object, expected an array" in report.text
    assert Words.report(lambda words: {Liar(): 1}).state == "failed"
    assert Words.report(lambda words: (x for x in words)).state == "failed"


def test_the_tolerance_is_that_of_the_exercise():
    off = lambda by: lambda hidden, mask: right(hidden, mask) * (1 + by)  # noqa: E731
    assert MaskedMean.report(off(9e-7)).state == "passed"
    assert MaskedMean.report(off(1.2e-6)).state == "failed"
    assert MaskedMean.report(off(-1.2e-6)).state == "failed"
    assert "tolerance 0.5 relative" in Words.report(Words.solution).text


def test_warnings_are_told_when_the_check_fails_and_kept_off_the_page(recwarn):
    def attempt(hidden, mask):
        np.array([1e-308]) * 1e-10
        np.log(np.zeros(1))
        np.log(np.zeros(1))
        np.zeros(1) / 0
        np.array([1e308]) * 10
        return hidden

    text = MaskedMean.report(attempt).text
    assert re.findall("  warning   (.*)", text) == [
        "RuntimeWarning: divide by zero encountered in log",
        "RuntimeWarning: invalid value encountered in divide",
    ]
    assert "warning" not in MaskedMean.report(right).text
    assert not recwarn.list


def test_the_check_leaves_numpy_as_it_was():
    before = np.geterr()
    MaskedMean.report(lambda hidden, mask: np.seterr(all="ignore"))
    assert np.geterr() == before


class Sums(Exercise):
    """Three mistakes that overlap, one of them an error."""

    def solution(v):
        return float(sum(v))

    @misconception("fails on an empty list")
    def _(v):
        return float(sum(v)) if v else 1 / 0

    hint = "Empty."

    @misconception("takes the first only")
    def _(v):
        return float(v[0]) if v else 1 / 0

    hint = "First."

    @misconception("returns 7 for two values")
    def _(v):
        return 7.0 if len(v) == 2 else float(sum(v))

    hint = "Seven."

    @misconception("returns the first of two values")
    def _(v):
        return float(v[0]) if len(v) == 2 else float(sum(v))

    hint = "First of two."

    def cases():
        return {"one": ([1],), "two": ([1, 2],), "empty": ([],)}


def test_of_several_mistakes_the_one_that_explains_most_is_named():
    named = [Sums.report(m.function).misconception for m in Sums.misconceptions]
    assert named == [m.title for m in Sums.misconceptions]


def test_of_mistakes_that_explain_as_much_the_first_one_written_is_named():
    class Twins(Exercise):
        """The sum; two mistakes that look the same on every case."""

        def solution(v):
            return sum(v)

        @misconception("returns the first")
        def _(v):
            return v[0]

        hint = "First."

        @misconception("returns the smallest")
        def _(v):
            return min(v)

        hint = "Smallest."

        def cases():
            return {"two": ([1, 2],)}

    assert Twins.report(min).misconception == "returns the first"


def test_a_mistake_that_does_not_explain_the_first_failure_is_not_named():
    def attempt(v):
        return 99.0 if len(v) == 2 else float(sum(v)) if v else 1 / 0

    report = Sums.report(attempt)
    assert "case 2 of 3" in report.text
    assert report.misconception is None


def test_a_mistake_is_recognised_beside_another_one():
    def attempt(v):
        return 7.0 if len(v) == 2 else float(sum(v)) if v else 3.0

    assert Sums.report(attempt).misconception == "returns 7 for two values"


def test_an_error_of_another_type_is_another_mistake():
    report = Sums.report(lambda v: float(sum(v)) if v else [][0])
    assert report.misconception is None
    assert "raised    IndexError" in report.text


def test_texts_dictionaries_and_sparse_matrices_can_be_results():
    report = Words.report(lambda words: {"a": 1, "b": 1})
    assert "words = ['a', 'b', 'a']" in report.text
    assert "expected  {'a': 2, 'b': 1}" in report.text
    assert Words.report(lambda words: {"a": 2}).state == "failed"

    class Sparse(Exercise):
        """Identity."""

        def solution(n):
            return scipy.sparse.eye_array(n).tocsr()

        def cases():
            return {"2": (2,)}

    assert Sparse.report(lambda n: scipy.sparse.coo_matrix(np.eye(n))).state == "passed"
    assert "yours is an array of shape (2, 2), expected a sparse" in Sparse.report(np.eye).text


def parts(**changes):
    found = {"__doc__": "x", "solution": lambda v: v, "cases": lambda: {"a": (1,)}} | changes
    return {key: value for key, value in found.items() if value is not None}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"__doc__": None}, "the exercise X has no __doc__"),
        ({"solution": None}, "the exercise X has no solution"),
        ({"cases": None}, "the exercise X has no cases"),
        ({"hint": "early"}, "hint = 'early' must follow the misconception"),
        ({"hints": ["a"]}, "hints must be a tuple of at most 3"),
        ({"hints": ("a",) * 4}, "hints must be a tuple of at most 3"),
        ({"_": misconception("errs")(len)}, '"errs" has no hint'),
    ],
)
def test_an_incomplete_exercise_is_refused(changes, words):
    with pytest.raises(TypeError, match=re.escape(words)):
        make("X", parts(**changes))


def test_a_second_hint_for_one_mistake_is_refused():
    body = type(Exercise).__prepare__("X", ())
    body["_"] = misconception("errs")(len)
    body["hint"] = "one"
    with pytest.raises(TypeError, match="must follow"):
        body["hint"] = "two"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"cases": lambda: {"a": 1}}, "X, case 'a': arguments must be a tuple"),
        ({"solution": lambda v: v / 0}, "X, case 'a': the solution fails: ZeroDivisionError"),
        ({"solution": lambda v: object()}, "the solution fails: an object object can't be comp"),
    ],
)
def test_a_fault_of_the_exercise_itself_is_raised(changes, words):
    made = make("X", parts(**changes))
    with pytest.raises(RuntimeError, match=re.escape(words)):
        made.report(len)


class OneLine(Exercise):
    """One line."""

    def solution(v): return v  # fmt: skip

    cases = dict


class Unpaired(Exercise):
    """Unpaired."""

    def solution(v):
        # your code
        return v

    cases = dict


class Reversed(Exercise):
    """Reversed."""

    def solution(v):
        # end of your code
        v = 1
        # your code
        return v

    cases = dict


class Hollow(Exercise):
    """Hollow."""

    def solution(v):
        # your code
        # end of your code
        return v

    cases = dict


class Documented(Exercise):
    """Documented."""

    def solution(v):
        """Twice."""
        return v

    cases = dict


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (OneLine, "OneLine: write the body of the solution on lines of its own"),
        (Unpaired, "Unpaired: '# your code' and '# end of your code' must come in pairs"),
        (Reversed, "Reversed: '# your code' and '# end of your code' must come in pairs"),
        (Hollow, "Hollow: nothing stands between '# your code' and '# end of your code'"),
        (Documented, "Documented: the solution needs no docstring"),
    ],
)
def test_a_source_that_cannot_be_split_is_refused(wrong, words):
    with pytest.raises(TypeError, match=re.escape(words)):
        wrong.stub()


def shown(call, monkeypatch):
    """What a notebook would store for a displayed object."""
    bundles = []
    monkeypatch.setattr("IPython.display.display", lambda item: bundles.append(item))
    call()
    (item,) = bundles
    shell = InteractiveShell.instance()
    try:
        return shell.display_formatter.format(item)[0]
    finally:
        InteractiveShell.clear_instance()


def test_the_solution_is_displayed_as_a_code_block_and_as_text(monkeypatch):
    bundle = shown(MaskedMean.show_solution, monkeypatch)
    text = MaskedMean.solution_text()
    assert bundle == {"text/plain": text, "text/markdown": f"```python\n{text}\n```"}


def test_outside_a_notebook_the_solution_and_the_question_are_printed(capsys):
    MaskedMean.show_solution()
    assert capsys.readouterr().out == MaskedMean.solution_text() + "\n"
    QUESTION.show()
    assert capsys.readouterr().out == QUESTION.text() + "\n"


QUESTION = Question(
    "Is `a < b` & more?",
    (
        Option("Yes", "It isn't."),
        Option("No", "It is `b < a`.", right=True),
        Option("Perhaps", "Say which."),
    ),
)


def test_a_question_is_displayed_as_folded_answers_and_as_text(monkeypatch):
    bundle = shown(QUESTION.show, monkeypatch)
    assert bundle == {"text/html": QUESTION.html(), "text/plain": QUESTION.text()}
    assert QUESTION.html() == textwrap.dedent(
        """\
        <div class="question" role="group" aria-label="Question with 3 options">
        <p><strong>Predict first.</strong> Is <code>a &lt; b</code> &amp; more?</p>
        <details><summary>A. Yes</summary>
        <p><strong>Not so.</strong> It isn't.</p></details>
        <details><summary>B. No</summary>
        <p><strong>Right.</strong> It is <code>b &lt; a</code>.</p></details>
        <details><summary>C. Perhaps</summary>
        <p><strong>Not so.</strong> Say which.</p></details>
        </div>"""
    )


def test_the_text_of_a_question_puts_all_options_before_any_answer():
    assert QUESTION.text() == textwrap.dedent(
        """\
        Predict first. Is `a < b` & more?
          A. Yes
          B. No
          C. Perhaps

        Decide before you read on. The answers:

          A. Not so. It isn't.
          B. Right. It is `b < a`.
          C. Not so. Say which."""
    )


GOOD = (Option("1", "a"), Option("2", "b", right=True), Option("3", "c"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (GOOD[:2], "has 2 options: write at least 3"),
        ((*GOOD, Option("1 ", "d")), "has an empty option or two alike"),
        ((*GOOD, Option(" ", "d")), "has an empty option or two alike"),
        ((*GOOD, Option("4", "d", right=True)), "has 2 right options: mark exactly one"),
        ((GOOD[0], GOOD[2], Option("4", "d")), "has 0 right options: mark exactly one"),
        ((*GOOD, Option("4", " ")), "the option '4' has no answer: write one"),
    ],
)
def test_a_question_with_a_flaw_is_refused(options, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        Question("q", options)
