"""Every exercise and question of every chapter keeps the promises of the book."""

import ast
import hashlib
import importlib
import inspect
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import exercises
from lib import exercise as engine
from lib.exercise import Exercise, Question

FOLDER = Path(exercises.__file__).parent
NAMES = sorted(path.stem for path in FOLDER.glob("ch*.py"))
MODULES = [importlib.import_module(f"exercises.{name}") for name in NAMES]
EXERCISES = [
    item
    for module in MODULES
    for item in vars(module).values()
    if inspect.isclass(item) and issubclass(item, Exercise) and item.__module__ == module.__name__
]
QUESTIONS = [
    (f"{module.__name__}.{name}", item)
    for module in MODULES
    for name, item in vars(module).items()
    if isinstance(item, Question)
]
MISTAKES = [(exercise, known) for exercise in EXERCISES for known in exercise.misconceptions]

every_exercise = pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.__qualname__)
every_question = pytest.mark.parametrize(
    "question", [q for _, q in QUESTIONS], ids=[name for name, _ in QUESTIONS]
)
every_mistake = pytest.mark.parametrize(
    ("exercise", "known"), MISTAKES, ids=[f"{e.__name__}: {m.title}" for e, m in MISTAKES]
)


def test_there_are_exercises_and_questions_for_every_module():
    assert NAMES
    for module in MODULES:
        here = [item for item in EXERCISES if item.__module__ == module.__name__]
        asked = [name for name, _ in QUESTIONS if name.startswith(f"{module.__name__}.")]
        assert 3 <= len(here) <= 5, f"{module.__name__} has {len(here)} exercises, not 3 to 5"
        assert len(asked) >= 3, f"{module.__name__} has {len(asked)} questions, fewer than 3"


@every_exercise
def test_the_solution_passes(exercise):
    report = exercise.report(exercise.solution)
    assert report.state == "passed", report.text
    assert "changes its input" not in report.text
    assert "\n" not in report.text


@every_exercise
def test_there_are_at_least_three_mistakes_and_one_to_three_hints(exercise):
    assert len(exercise.misconceptions) >= 3
    assert len({m.title for m in exercise.misconceptions}) == len(exercise.misconceptions)
    assert len({m.hint for m in exercise.misconceptions}) == len(exercise.misconceptions)
    assert 1 <= len(exercise.hints) <= 3


@every_mistake
def test_a_mistake_fails_and_triggers_exactly_its_own_hint(exercise, known):
    report = exercise.report(known.function)
    assert report.state == "failed"
    assert report.misconception == known.title
    text = " ".join(report.text.split())
    hints = [m.hint for m in exercise.misconceptions if " ".join(m.hint.split()) in text]
    assert hints == [known.hint]


@every_exercise
def test_mistakes_are_pairwise_distinguishable(exercise):
    cases = exercise.cases().values()
    done = [[engine._call(m.function, args) for args in cases] for m in exercise.misconceptions]
    for (i, one), (j, other) in itertools.combinations(enumerate(done), 2):
        titles = exercise.misconceptions[i].title, exercise.misconceptions[j].title
        assert exercise._unlike(one, other), f"{exercise.__name__}: {titles} do the same"


@every_exercise
def test_an_answer_that_fits_one_case_only_fails(exercise):
    assert len(exercise.cases()) >= 3, "the shown case and at least two others"
    for outcome in exercise._expected():
        report = exercise.report(lambda *args, value=outcome.value: value)
        assert report.state == "failed", f"{exercise.__name__}: a constant passes"


@every_exercise
def test_the_stub_runs_and_is_not_attempted_yet(exercise, capsys):
    exec(compile(exercise.stub(), "<stub>", "exec"), {"np": np, "__name__": "notebook"})
    out = capsys.readouterr().out
    assert out.startswith(f"{exercise.__name__}: not attempted yet.")
    assert "Traceback" not in out


@every_exercise
def test_every_line_of_the_stub_stands_in_the_solution(exercise):
    head, function, tail = exercise.stub().split("\n\n\n")
    solution = exercise.solution_text().splitlines()
    holes = [line for line in function.splitlines() if re.fullmatch(r"\s*(\w+ = )?\.\.\.", line)]
    kept = [line for line in function.splitlines() if line not in holes]
    assert holes, "nothing is left to write"
    remaining = iter(solution)
    for line in kept:
        assert line in remaining, f"{line!r} is not in the solution, or not in this order"
    assert head == f"from {exercise.__module__} import {exercise.__name__}"
    assert tail == f"{exercise.__name__}.check({exercise.function_name()})"


@every_exercise
def test_the_shown_solution_passes_when_pasted_into_the_cell(exercise, capsys):
    head, _, tail = exercise.stub().split("\n\n\n")
    cell = "\n\n\n".join([head, exercise.solution_text(), tail])
    exec(compile(cell, "<cell>", "exec"), dict(vars(sys.modules[exercise.__module__])))
    assert capsys.readouterr().out.startswith(f"{exercise.__name__}: passed")


@every_exercise
def test_the_lines_of_a_cell_fit_the_page(exercise):
    assert max(map(len, exercise.stub().splitlines())) <= 100
    assert max(map(len, exercise.solution_text().splitlines())) <= 100


@every_exercise
def test_a_name_of_a_library_in_the_stub_is_one_that_notebooks_import(exercise):
    code = exercise.solution.__code__
    modules = {n for n in code.co_names if inspect.ismodule(exercise.solution.__globals__.get(n))}
    assert modules <= {"np", "sparse", "torch"}, f"say in the stub where {modules} come from"


@every_question
def test_a_question_has_one_right_option_and_an_answer_to_each(question):
    assert len(question.options) >= 3
    assert sum(option.right for option in question.options) == 1
    answers = [option.answer for option in question.options]
    assert len(set(answers)) == len(answers)
    assert all(len(answer.split()) >= 5 for answer in answers), "an answer explains"


@every_question
def test_a_question_reveals_nothing_before_it_is_opened(question):
    folded = re.sub(r"</summary>.*?</details>", "</summary></details>", question.html(), flags=re.S)
    assert "Right." not in folded
    assert "Not so." not in folded
    assert "<script" not in question.html()
    assert " open" not in re.sub(r">[^<]*<", "><", question.html())
    before, after = question.text().split("The answers:")
    assert "Right." not in before
    assert after.count("Right.") == 1


def test_the_right_option_is_not_always_in_the_same_place():
    for module in MODULES:
        places = [
            [option.right for option in question.options].index(True)
            for name, question in QUESTIONS
            if name.startswith(f"{module.__name__}.")
        ]
        assert len(set(places)) > 1, f"{module.__name__}: the right option is always {places[0]}"


def digest():
    """One hash over everything that exercises and questions ever print."""
    texts = [q.html() + q.text() for _, q in QUESTIONS]
    for exercise in EXERCISES:
        texts += [exercise.stub(), exercise.solution_text(), exercise.report(...).text]
        attempts = [exercise.solution, *(m.function for m in exercise.misconceptions)]
        texts += [exercise.report(attempt, hint).text for attempt in attempts for hint in (0, 1)]
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def test_nothing_is_random():
    code = "import test_exercises; print(test_exercises.digest())"
    printed = set()
    for seed in ("1", "2"):
        settings = os.environ | {"PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", code],
            env=settings,
            cwd=Path(__file__).parent,
            capture_output=True,
            text=True,
            check=True,
        )
        printed.add(run.stdout.strip())
    assert printed == {digest()}
    assert not re.search(r"0x[0-9a-f]{6}", "".join(q.html() for _, q in QUESTIONS))


@pytest.mark.parametrize("name", NAMES)
def test_random_numbers_come_from_a_seeded_generator(name):
    tree = ast.parse((FOLDER / f"{name}.py").read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called.endswith("default_rng"):
                assert node.args, f"{name}.py, line {node.lineno}: default_rng() needs a seed"
            else:
                assert "random." not in called, f"{name}.py, line {node.lineno}: pass a Generator"
