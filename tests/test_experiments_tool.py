"""tools/experiments.py: rows that survive an interruption, results that are whole or as before."""

import doctest
import json
import subprocess
import sys
from pathlib import Path

import pytest
from toybook import ToyBook, code

import experiments as package
from experiments import sweep, word2vec_equivalence
from lib.experiment import stored
from tools import experiments, notebooks

ROOT = Path(__file__).resolve().parents[1]
TOY = '''"""Is the square of a number its double? Five numbers."""

from pathlib import Path

from experiments import sweep
from lib.near import f

RECIPE = {"power": 2, "third": 1 / 3}
SEEDS = range(1, 6)


def measure(x):
    if (Path(__file__).parent / "stop").exists() and x == 4:
        raise ERROR
    return {"square": f(x)}


def run(progress, done):
    yield from sweep([{"x": x, "method": "odd" if x % 2 else "even"} for x in SEEDS],
                     lambda x, method: measure(x), progress, done)
'''


@pytest.fixture
def book(tmp_path, monkeypatch) -> ToyBook:
    """A book with one experiment, which stops at its fourth row while there is a file ``stop``."""
    monkeypatch.delenv("BOOK_DATA_DIR", raising=False)
    toy = ToyBook(tmp_path / "a book")
    (toy.root / "experiments").mkdir()
    toy.write("lib/near.py", 'def f(x):\n    """Square."""\n    return x**2\n')
    toy.write("experiments/toy.py", TOY.replace("lib.near", "lib_near_of_the_toy"))
    near = type(sys)("lib_near_of_the_toy")
    near.f = lambda x: x**2
    monkeypatch.setitem(sys.modules, "lib_near_of_the_toy", near)
    return toy


def result(book: ToyBook, name: str = "toy"):
    return stored(name, folder=book.root / "data" / "results")


def squares(book: ToyBook) -> list[int]:
    return [row["square"] for row in result(book).rows]


def run(book: ToyBook, *arguments: str) -> int:
    return experiments.main(["run", *arguments], root=book.root)


def stop(book: ToyBook, error: str = "RuntimeError('no power')") -> None:
    path = book.root / "experiments" / "toy.py"
    path.write_text(path.read_text("utf-8").replace("ERROR", error), "utf-8")
    book.write("experiments/stop", "")


def go_on(book: ToyBook) -> None:
    (book.root / "experiments" / "stop").unlink()


def unfinished(book: ToyBook) -> Path:
    return book.root / "data" / "cache" / "experiments" / "toy.jsonl"


# ------------------------------------------------------------------ a run


def test_a_run_stores_rows_recipe_seeds_versions_and_cost(book, capsys):
    assert run(book, "toy") == 0
    found = result(book)
    assert squares(book) == [1, 4, 9, 16, 25]
    assert found.rows[1] == {"x": 2, "method": "even", "square": 4} | {
        "seconds": found.rows[1]["seconds"]
    }
    assert found.recipe == {"power": 2, "third": 0.333333}
    assert found.seeds == [1, 2, 3, 4, 5]
    assert {"python", "numpy", "numba", "gensim", "platform", "threads"} <= set(found.versions)
    assert found.seconds >= 0 and found.cpu_seconds >= 0
    assert len(found.date) == 10 and found.fingerprint and found.kept == []
    assert not unfinished(book).exists()
    out = capsys.readouterr().out
    assert "3/5 x 3, method odd" in out and "left)" in out


def test_the_file_has_a_line_a_row_and_its_keys_in_order(book):
    run(book)
    path = book.root / "data" / "results" / "toy.json"
    text = path.read_bytes().decode("utf-8")
    assert text.endswith("}\n") and "\r" not in text
    lines = text.splitlines()
    assert sum('"square"' in line for line in lines) == 5
    keys = [line.split('"')[1] for line in lines if line.startswith(' "')]
    assert keys == sorted(keys) and len(keys) == 10
    assert experiments.problems(book.root) == []


def test_what_is_fresh_is_not_run_again_unless_named(book, capsys):
    assert run(book) == 0
    before = result(book)
    assert run(book) == 0
    assert "nothing is stale" in capsys.readouterr().out
    assert run(book, "--all") == 0
    assert squares(book) == [row["square"] for row in before.rows]


@pytest.mark.parametrize(
    ("left", "words"),
    [
        ('"""Is', "no __doc__"),
        ("RECIPE", "no RECIPE"),
        ("SEEDS =", "no SEEDS"),
        ("def run", "no run(progress)"),
    ],
)
def test_an_experiment_without_its_parts_is_refused(book, capsys, left, words):
    path = book.root / "experiments" / "toy.py"
    other = {'"""Is': 'x = """Is', "RECIPE": "OTHER", "SEEDS =": "SEEDS = 3 #", "def run": "def no"}
    path.write_text(path.read_text("utf-8").replace(left, other[left]), "utf-8")
    assert run(book, "toy") == 2
    assert words in capsys.readouterr().err


def test_an_unknown_experiment_is_named(book, capsys):
    assert run(book, "word2vec") == 2
    assert "'word2vec'; there are: toy" in capsys.readouterr().err


def test_a_run_may_return_its_rows_at_once(book):
    book.write(
        "experiments/toy.py",
        '"""Q."""\nRECIPE, SEEDS = {}, []\ndef run(progress):\n    return [{"a": 1}, {"a": 2}]\n',
    )
    assert run(book, "toy") == 0
    assert [row["a"] for row in result(book).rows] == [1, 2]


# ------------------------------------------------------------------ an interrupted run


@pytest.mark.parametrize("error", ["RuntimeError('no power')", "KeyboardInterrupt"])
def test_an_interrupted_run_leaves_the_old_result_and_goes_on_where_it_stopped(book, capsys, error):
    assert run(book) == 0
    old = (book.root / "data" / "results" / "toy.json").read_bytes()
    stop(book, error)
    assert run(book, "toy") == (130 if error == "KeyboardInterrupt" else 1)
    assert (book.root / "data" / "results" / "toy.json").read_bytes() == old
    assert "finished rows are kept" in capsys.readouterr().out
    go_on(book)
    assert run(book, "toy") == 0
    out = capsys.readouterr().out
    assert "4/5" in out and "3/5" not in out
    assert squares(book) == [1, 4, 9, 16, 25]
    assert result(book).kept == []


def test_a_row_torn_by_a_crash_is_run_again_and_the_others_are_not_lost(book, capsys):
    stop(book)
    run(book)
    path = unfinished(book)
    path.write_text(path.read_text("utf-8")[:-30], "utf-8")  # the third line is torn
    go_on(book)
    assert run(book) == 0
    out = capsys.readouterr().out.split("FAILED")[1]
    assert "3/5" in out and "2/5" not in out
    assert squares(book) == [1, 4, 9, 16, 25]


def test_rows_after_a_torn_one_are_whole_lines(book):
    stop(book)
    run(book)
    path = unfinished(book)
    path.write_text(path.read_text("utf-8")[:-30], "utf-8")
    run(book)  # stops again at the fourth row
    lines = path.read_text("utf-8").splitlines()
    assert [json.loads(line)["row"]["x"] for line in lines if line.endswith("}")] == [1, 2, 3]


def test_rows_of_other_code_are_not_taken(book):
    stop(book)
    run(book)
    go_on(book)
    path = book.root / "experiments" / "toy.py"
    path.write_text(path.read_text("utf-8").replace("f(x)}", "-f(x)}"), "utf-8")
    assert run(book) == 0
    assert squares(book) == [-1, -4, -9, -16, -25]


def test_older_rows_can_be_kept_on_purpose_and_the_result_says_so(book):
    run(book)
    path = book.root / "experiments" / "toy.py"
    path.write_text(path.read_text("utf-8").replace("f(x)}", "-f(x)}"), "utf-8")
    assert run(book, "--keep", "method=even") == 0
    assert sorted(squares(book)) == [-25, -9, -1, 4, 16]
    assert result(book).kept == ["method=even"]
    assert experiments.state(book.root, "toy") == "fresh"


def test_rows_kept_from_an_interrupted_run_stay_kept_when_it_goes_on(book):
    stop(book)
    run(book)
    path = book.root / "experiments" / "toy.py"
    path.write_text(path.read_text("utf-8").replace("f(x)}", "-f(x)}"), "utf-8")
    assert run(book, "--keep", "method=even", "--keep", "x=3") == 1
    go_on(book)
    assert run(book) == 0
    assert sorted(squares(book)) == [-25, -16, -1, 4, 9]
    assert result(book).kept == ["method=even", "x=3"]


def test_rows_that_other_code_left_are_named_and_can_be_kept_all(book, capsys):
    stop(book)
    run(book)
    path = book.root / "experiments" / "toy.py"
    path.write_text(path.read_text("utf-8").replace("f(x)}", "-f(x)}"), "utf-8")
    (book.root / "experiments" / "stop").rename(book.root / "experiments" / "wait")
    capsys.readouterr()
    assert run(book, "--minutes", "0") == 1  # the first row is run again
    assert "3 finished rows are of other code and left out" in capsys.readouterr().out
    assert run(book, "--keep", "all") == 0
    assert sorted(squares(book)) == [-25, -16, -1, 4, 9]
    assert result(book).kept == ["all"]


def test_a_result_kept_whole_says_what_it_cost_when_and_on_what_it_ran(book, monkeypatch):
    run(book)
    old = {"seconds": 90.0, "cpu_seconds": 60.0, "date": "2020-02-29", "versions": {"numpy": "1"}}
    file = book.root / "data" / "results" / "toy.json"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | old), "utf-8")
    path = book.root / "experiments" / "toy.py"
    path.write_text(path.read_text("utf-8") + "x = 1\n", "utf-8")
    assert run(book, "--keep", "all") == 0
    kept = result(book)
    assert {name: getattr(kept, name) for name in old} == old
    path.write_text(path.read_text("utf-8") + "y = 1\n", "utf-8")
    assert run(book, "--keep", "method=even") == 0  # the other rows ran now
    assert result(book).date != "2020-02-29"
    assert result(book).versions != {"numpy": "1"}
    assert result(book).cpu_seconds >= 24  # two of five rows


def test_a_condition_that_no_row_meets_is_refused(book, capsys):
    run(book)
    path = book.root / "experiments" / "toy.py"
    path.write_text(path.read_text("utf-8") + "x = 1\n", "utf-8")
    assert run(book, "--keep", "method=lsa") == 2
    assert "no older row has method=lsa" in capsys.readouterr().err


def test_a_run_in_pieces_begins_no_row_when_its_time_is_over(book, capsys):
    for rows in range(1, 6):
        assert run(book, "--minutes", "0") == 1
        assert f"stopped after 0 minutes, {rows} rows kept" in capsys.readouterr().out
    assert run(book, "--minutes", "0") == 0
    assert squares(book) == [1, 4, 9, 16, 25]


def test_two_runs_of_one_experiment_do_not_mix(book, capsys):
    from filelock import FileLock

    unfinished(book).parent.mkdir(parents=True)
    with FileLock(unfinished(book).with_suffix(".lock")):
        assert run(book) == 2
    assert "is being run already" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("[]", "found no rows"),
        ("[{'a': float('nan')}]", "cannot be stored"),
        ("[{'a': 'x' * 1_000_001}]", "more than 1,000,000 bytes"),
    ],
)
def test_what_cannot_be_stored_leaves_the_old_result(book, capsys, rows, words):
    run(book)
    old = (book.root / "data" / "results" / "toy.json").read_bytes()
    toy = f'"""Q."""\nRECIPE, SEEDS = {{}}, []\ndef run(progress):\n    return {rows}\n'
    book.write("experiments/toy.py", toy)
    assert run(book) != 0
    said = capsys.readouterr()
    assert words in said.out + said.err
    assert (book.root / "data" / "results" / "toy.json").read_bytes() == old


# ------------------------------------------------------------------ fresh, stale, missing, broken


@pytest.fixture
def library(book: ToyBook) -> ToyBook:
    """The toy imports a module of lib, which loads data; it need not run here."""
    book.write("experiments/toy.py", TOY)
    book.write("lib/near.py", 'def f(x):\n    """Square."""\n    load("r8")\n    return x**2\n')
    book.write("data/members.json", json.dumps({"sets": {"r8": {"members": {"b": 1}}}}))
    content = {
        "name": "toy", "rows": [{"x": 1}], "recipe": {}, "seeds": [], "versions": {},
        "seconds": 9.0, "cpu_seconds": 9.0, "date": "2026-01-31", "kept": [],
        "fingerprint": experiments.fingerprint(book.root, "toy"),
    }  # fmt: skip
    (book.root / "data" / "results").mkdir()
    book.write("data/results/toy.json", experiments._as_text(content))
    return book


@pytest.mark.parametrize(
    ("name", "old", "new", "now"),
    [
        ("experiments/toy.py", '"power": 2', '"power": 3', "stale"),
        ("lib/near.py", "x**2", "x**3", "stale"),
        ("data/members.json", '"b": 1', '"b": 2', "stale"),
        ("experiments/toy.py", "Is the square", "Is a square", "fresh"),
        ("lib/near.py", "Square.", "The square.", "fresh"),
        ("lib/near.py", "return x**2", "return  x**2  # why", "fresh"),
        ("requirements.txt", "numpy==2.0", "numpy==2.1", "fresh"),
        ("data/results/toy.json", '"rows"', '"row"', "broken"),
    ],
)
def test_code_and_data_make_a_result_stale_and_words_do_not(library, capsys, name, old, new, now):
    assert experiments.states(library.root) == {"toy": "fresh"}
    text = (library.root / name).read_text("utf-8")
    assert old in text
    library.write(name, text.replace(old, new))
    assert experiments.states(library.root) == {"toy": now}
    assert experiments.main(["stale"], root=library.root) == 0, "a warning, no failure"
    warned = capsys.readouterr().out
    assert warned == "" if now == "fresh" else f"experiment toy is {now}" in warned
    assert experiments.main(["list"], root=library.root) == 0
    assert now in capsys.readouterr().out


def test_a_result_that_is_missing_is_named(library, capsys):
    (library.root / "data" / "results" / "toy.json").unlink()
    experiments.main(["stale"], root=library.root)
    assert "experiment toy is missing: python tools/book.py experiments toy" in (
        capsys.readouterr().out
    )


def test_problems_are_found(library):
    results = library.root / "data" / "results"
    assert experiments.problems(library.root) == []
    library.write("data/results/other.json", (results / "toy.json").read_text("utf-8"))
    assert experiments.problems(library.root) == ["data/results: other belongs to no experiment"]
    (results / "other.json").rename(results / "other.txt")
    assert experiments.problems(library.root) == ["data/results: other belongs to no experiment"]
    (results / "other.txt").unlink()
    library.write(
        "data/results/toy.json", (results / "toy.json").read_text("utf-8").replace("9.0", "9.00")
    )
    assert "was edited by hand" in experiments.problems(library.root)[0]
    (results / "toy.json").unlink()
    assert "no stored result" in experiments.problems(library.root)[0]
    library.write("experiments/Odd.py", "")
    assert "experiments/Odd.py has no good name" in experiments.problems(library.root)


# ------------------------------------------------------------------ chapters that read a result


def test_a_chapter_depends_on_the_results_that_it_reads_and_on_no_other(library):
    def mark(source: str) -> str:
        return notebooks.fingerprint(library.root, library.chapter("02_toy", code(source)))

    library.write("lib/reads.py", "def g():\n    return stored('toy')\n")
    sources = {
        "stored('toy')": True,
        "for n in ['toy']: stored(n)": True,
        "import lib.reads": True,
        "stored('other')": False,
        "'toy'": False,
    }
    before = {source: mark(source) for source in sources}
    text = (library.root / "data/results/toy.json").read_text("utf-8")
    library.write("data/results/toy.json", text.replace("9.0", "8.0"))
    assert {source: mark(source) != before[source] for source in sources} == sources
    (library.root / "data/results/toy.json").unlink()
    assert mark("stored('toy')") != before["stored('toy')"]


def test_a_chapter_that_runs_a_point_again_depends_on_the_experiment(library):
    path = library.chapter("02_toy", code("from experiments.toy import measure"))
    library.write("experiments/__init__.py", "")
    before = notebooks.fingerprint(library.root, path)
    library.write("experiments/toy.py", TOY.replace("x == 4", "x == 5"))
    changed = notebooks.fingerprint(library.root, path)
    assert changed != before
    library.write("lib/near.py", "def f(x):\n    return x**3\n")
    assert notebooks.fingerprint(library.root, path) != changed


# ------------------------------------------------------------------ the sweep


def test_a_sweep_measures_the_missing_points_in_order():
    said = []
    points = [{"x": x, "a": 1 / 3} for x in (3, 1, 2)]
    done = [{"x": 1, "a": 0.333333, "y": 0}, {"x": 2, "a": 0.3}]
    rows = list(sweep(points, lambda x, a: {"y": 2 * x}, said.append, done))
    assert [(row["x"], row["y"]) for row in rows] == [(3, 6), (2, 4)]
    assert all(row["seconds"] >= 0 for row in rows)
    assert said == ["1/3 x 3, a 0.333333", "3/3 x 2, a 0.333333"]


def test_the_time_left_is_that_of_the_rows_left(monkeypatch):
    clock = iter([0.0, 0.0, 60.0, 180.0, 200.0])
    monkeypatch.setattr(experiments.time, "perf_counter", lambda: next(clock))
    said = []
    progress = experiments.Reporter("toy", said.append)
    for text in ("3/6 a", "4/6 b", "5/6 c", "no number"):
        progress(text)
    assert said == [
        "toy  0:00  3/6 a",
        "toy  1:00  4/6 b  (about 3:00 left)",
        "toy  3:00  5/6 c  (about 3:00 left)",
        "toy  3:20  no number",
    ]


# ------------------------------------------------------------------ the book's own


def test_every_experiment_has_its_result_and_every_result_its_experiment():
    assert experiments.names(ROOT)
    assert experiments.problems(ROOT) == []


def test_the_command_line_lists_the_experiments_of_the_book():
    command = [sys.executable, "-m", "tools.experiments", "list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert [line.split()[0] for line in done.stdout.splitlines()] == experiments.names(ROOT)


@pytest.mark.parametrize("module", [package, word2vec_equivalence])
def test_the_examples_are_true(module):
    failed, tried = doctest.testmod(module)
    assert failed == 0 and tried > 0
