"""Chapters are run in a fresh kernel, stored the same each time, and stale when they should be."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from toybook import (
    JUDGED,
    TITLE,
    ToyBook,
    code,
    markdown,
    printed,
    recorded,
    shown,
    svg,
    whole_book,
)

from tools import check_notebooks, diff, notebooks
from tools.compare import figure, outputs_difference
from tools.contracts import TEMPLATE

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def book(tmp_path: Path) -> ToyBook:
    return whole_book(tmp_path / "a book")


@pytest.fixture
def toy(tmp_path: Path) -> ToyBook:
    return ToyBook(tmp_path / "a book")


# ------------------------------------------------------------------ which files


def test_chapters_and_pages_come_in_the_order_of_the_contents(toy):
    for name in ("00_primer", "01_first", "10_late"):
        toy.chapter(name, code("1"))
    for page in ("intro", "glossary"):
        toy.write(f"{page}.md", "# Page\n")
    toy.write(
        "_toc.yml",
        "format: jb-book\nroot: intro\nchapters:\n- file: chapters/00_primer\nparts:\n"
        "- caption: I\n  chapters:\n  - file: chapters/10_late\n"
        "    sections:\n    - file: chapters/01_first.ipynb\n  - file: glossary\n"
        "  - file: chapters/99_gone\n",
    )
    names = [chapter.stem for chapter in notebooks.chapters(toy.root)]
    assert sorted(names) == ["00_primer", "01_first", "10_late"]
    assert names.index("10_late") < names.index("01_first")
    assert [page.stem for page in notebooks.pages(toy.root)] == ["intro", "glossary"]
    assert notebooks.missing_files(toy.root) == ["chapters/99_gone"]


def test_without_contents_there_are_no_chapters(toy):
    assert notebooks.chapters(toy.root) == notebooks.pages(toy.root) == []


def test_a_chapter_is_called_by_its_number_or_the_beginning_of_its_name(toy):
    for name in ("01_first", "10_late"):
        toy.chapter(name, code("1"))
    toy.toc("chapters/01_first")

    def names(*given: str) -> list[str]:
        return [chapter.stem for chapter in notebooks.select(toy.root, given)]

    assert names("1") == names("01") == names("01_f") == ["01_first"]
    assert names("chapters/01_first.ipynb", "1") == ["01_first"]
    assert names("10") == ["10_late"]  # not in the contents yet, found all the same
    with pytest.raises(ValueError, match="no chapter is called '7'; there are: 01_first, 10_late"):
        names("7")
    assert notebooks.number_of(Path("chapters/07_x.ipynb")) == 7
    assert notebooks.number_of(Path("notes.ipynb")) == -1


# ------------------------------------------------------------------ fingerprints


def behind(book: ToyBook, source: str) -> str:
    path = book.chapter("02_toy", code(source))
    return notebooks.fingerprint(book.root, path)


MODULES = {
    "lib/deep.py": 'def f():\n    """Say one."""\n    return 1\n',
    "lib/near.py": "from .deep import f\n",
    "lib/other.py": "x = 1\n",
}


@pytest.fixture
def library(book: ToyBook) -> ToyBook:
    for name, text in MODULES.items():
        book.write(name, text)
    sets = {"lee50": {"members": {"a": {"sha256": "00"}}}, "r8": {"members": {"b": {}}}}
    book.write("data/members.json", json.dumps({"sources": {}, "sets": sets}))
    return book


@pytest.mark.parametrize(
    ("source", "name", "text"),
    [
        ("import lib.near", "lib/deep.py", "def f():\n    return 2\n"),
        ("from lib import near", "lib/deep.py", "def f():\n    return 2\n"),
        ("from lib.near import f", "lib/near.py", "from .deep import f\ng = f\n"),
        ("import lib", "lib/__init__.py", "x = 2\n"),
        ("from exercises.ch01 import Double", "exercises/ch01.py", "from lib.deep import f\n"),
        ("%time from lib.near import f", "lib/near.py", "f = 1\n"),
        ("load('lee50')", "data/members.json", '{"sets": {"lee50": {"members": {}}}}'),
        ("for n in ['lee50']: load(n)", "data/members.json", '{"sets": {}}'),
        ("1", "requirements.txt", "numpy==2.1\n"),
        ("trial(1)", "data/claims.yml", json.dumps([JUDGED | {"because": "New."}])),
    ],
)
def test_a_chapter_depends_on(library, source, name, text):
    before = behind(library, source)
    assert behind(library, source) == before
    library.write(name, text)
    assert behind(library, source) != before


@pytest.mark.parametrize(
    ("source", "name", "text"),
    [
        ("import lib.near", "lib/other.py", "x = 2\n"),
        ("import lib.near", "lib/deep.py", 'def f():\n    """Hm."""\n    # why\n    return  1\n'),
        ("import lib", "lib/__init__.py", '"""Toy."""\n\n__version__ = "0.1.1"\n'),
        ("load('lee50')", "data/members.json",
         '{"sets": {"lee50": {"members": {"a": {"sha256": "00"}}}, "r8": {}}}'),
        ("1", "requirements.txt", "# a remark\nnumpy==2.0  # why\n"),
        ("trial(2)", "data/claims.yml", json.dumps([JUDGED | {"number": 1}])),
    ],
)  # fmt: skip
def test_a_chapter_does_not_depend_on(library, source, name, text):
    if "claims" in name:
        library.write(name, json.dumps([JUDGED]))
    before = behind(library, source)
    library.write(name, text)
    assert behind(library, source) == before


def test_data_loaded_by_a_module_counts_for_the_chapter(library):
    library.write("lib/near.py", "def g():\n    return load('r8')\n")
    before = behind(library, "import lib.near")
    library.write("data/members.json", '{"sets": {"r8": {"members": {"b": {"size": 1}}}}}')
    assert behind(library, "import lib.near") != before


def test_docstrings_count_where_a_chapter_prints_source_code(library):
    show, solve = "print(inspect.getsource({}))", "from exercises.ch01 import Double\nDouble.{}()"
    sources = ["import lib.deep\n" + show.format(name) for name in ("f", "lib.deep", "g")]
    sources += [solve.format("show_solution"), solve.format("check")]
    before = [behind(library, source) for source in sources]
    library.write("lib/deep.py", 'def f():\n    """Other words."""\n    return 1\n')
    path = library.root / "exercises" / "ch01.py"
    path.write_text(path.read_text("utf-8") + "# a remark\n", "utf-8")
    changed = [behind(library, s) != old for s, old in zip(sources, before, strict=True)]
    assert changed == [True, True, False, True, False]


def test_prose_does_not_make_a_chapter_stale_and_code_does(book):
    chapter = book.root / "chapters" / "01_toy.ipynb"
    assert notebooks.stale(book.root) == []
    stored = notebooks.read(chapter)
    book.chapter("01_toy", *stored["cells"], markdown("More words."))
    assert notebooks.stale(book.root) == []
    book.chapter("01_toy", *stored["cells"], code("1"))
    assert notebooks.stale(book.root) == [chapter]


# ------------------------------------------------------------------ the stored form


def test_the_stored_form_keeps_content_and_drops_what_is_volatile(toy):
    path = toy.write(
        "chapters/01_x.ipynb",
        json.dumps(
            {
                "nbformat": 4, "nbformat_minor": 4,
                "metadata": {"language_info": {"version": "3.11.7"}, "widgets": {}},
                "cells": [
                    {"cell_type": "markdown", "metadata": {"collapsed": True},
                     "source": ["# é\n", "b"]},
                    {"cell_type": "code", "execution_count": 1, "source": "1\n2", "outputs": [],
                     "metadata": {"execution": {}, "tags": ["x"], "book": {"tolerance": 0.1}}},
                ],
            }
        ),
    )  # fmt: skip
    assert notebooks.write(notebooks.read(path), path)
    assert not notebooks.write(notebooks.read(path), path)
    text = path.read_bytes().decode("utf-8")
    assert text.endswith("}\n") and "\r" not in text and "é" in text
    assert text.splitlines()[1] == ' "cells": ['
    stored = json.loads(text)
    assert stored["nbformat_minor"] == 5
    assert stored["metadata"] == notebooks.KERNEL_METADATA
    first, second = stored["cells"]
    assert (first["id"], first["source"], first["metadata"]) == ("01_x-0", ["# é\n", "b"], {})
    assert second["metadata"] == {"book": {"tolerance": 0.1}, "tags": ["x"]}


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    assert notebooks.write_text(path, "one\n")
    assert not notebooks.write_text(path, "one\n")

    def fail(self: Path, target: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no space"):
        notebooks.write_text(path, "two\n")
    assert path.read_text("utf-8") == "one\n"
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]


# ------------------------------------------------------------------ running, for real

DRAW = """from IPython.display import display

def show(mime, value):
    display({mime: value}, raw=True)"""
RESULT = recorded()["data"][notebooks.RESULT_MIME]
CELLS = {
    "text": code("import os\nprint('the score is', 0.25)"),
    "near": code("print('near 0.50 of 1,000')", book={"tolerance": 0.011}),
    "far": code("print('far 0.50 of 1,000')", book={"tolerance": 0.011}),
    "words": code("print('words 0.50')", book={"tolerance": 0.011}),
    "duration": code("import time\nprint(time.perf_counter())", book={"duration": True}),
    "hidden": code("1 + 1;"),
    "drawing tools": code(DRAW),
    "plotted": code(f"show('image/svg+xml', {svg([0.5, 0.25])!r})"),
    "title": code(f"show('image/svg+xml', {svg([0.5, 0.25])!r})"),
    "result": code(f"show({notebooks.RESULT_MIME!r}, {RESULT!r})"),
    "cleared": code("print('cleared')"),
    "raises": code("print('raises')"),
    "skipped": code("print('skipped')"),
    "ignored": code("print('ignored')"),
    "warns": code("import warnings"),
    "fixed": code("print(os.environ['OMP_NUM_THREADS'], os.environ['PYTHONHASHSEED'], "
                  "os.environ['BOOK_OFFLINE'], os.environ['TOKENIZERS_PARALLELISM'])"),
    "count": code("print(In[-1][:5], len(In) - 1)"),
}  # fmt: skip
PLACE = {name: place for place, name in enumerate(CELLS, start=1)}


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> tuple[ToyBook, notebooks.Run]:
    """A chapter that was really run, with everything in it that the comparison has to judge."""
    toy = ToyBook(tmp_path_factory.mktemp("executed") / "a book")
    toy.toc("chapters/01_green")
    path = toy.chapter("01_green", markdown("# Green"), *CELLS.values(), executed=False)
    return toy, notebooks.run_one(toy.root, path)


def stored_outputs(toy: ToyBook, name: str, chapter: str = "01_green") -> list[dict]:
    path = toy.root / "chapters" / f"{chapter}.ipynb"
    return notebooks.code_cells(notebooks.read(path))[PLACE[name] - 1]["outputs"]


def test_a_run_stores_outputs_counts_and_costs(executed):
    toy, run = executed
    assert (run.error, run.changed, run.cells) == ("", True, len(CELLS))
    path = toy.root / "chapters" / "01_green.ipynb"
    stored = notebooks.code_cells(notebooks.read(path))
    assert [cell["execution_count"] for cell in stored] == list(range(1, len(CELLS) + 1))
    assert stored_outputs(toy, "text") == [printed("the score is 0.25\n")]
    assert stored_outputs(toy, "hidden") == []
    assert stored_outputs(toy, "fixed") == [printed("2 0 1 false\n")]
    assert stored_outputs(toy, "count") == [printed(f"print {len(CELLS)}\n")]
    entry = notebooks.runs(toy.root)["01_green"]
    assert entry["fingerprint"] == notebooks.fingerprint(toy.root, path)
    assert entry["cells"] == len(CELLS)
    assert 0 < entry["seconds"] < 300 and 20 < entry["peak_mib"] < 1000
    assert set(entry) == {
        "fingerprint", "seconds", "peak_mib", "cells", "date", "python", "platform"
    }  # fmt: skip
    assert notebooks.stale(toy.root) == []


def test_a_run_without_change_changes_no_byte_and_a_failed_one_nothing_at_all(tmp_path):
    toy = ToyBook(tmp_path / "a book")
    toy.toc("chapters/01_a")
    path = toy.chapter("01_a", code("print(sorted({'b', 'a'}))"), code("x = 1; x"), executed=False)
    assert notebooks.run(toy.root, [path])[0].changed
    before = path.read_bytes(), (toy.root / "data" / "runs.json").read_bytes()
    again = notebooks.run_one(toy.root, path)
    assert (again.error, again.changed) == ("", False)
    assert (path.read_bytes(), (toy.root / "data" / "runs.json").read_bytes()) == before

    toy.edit(path, 2, source="raise ValueError('the vocabulary is empty')")
    broken = path.read_bytes()
    failed = notebooks.run_one(toy.root, path)
    assert failed.error == "cell 2: ValueError: the vocabulary is empty"
    assert path.read_bytes() == broken
    refused = toy.root / "_build" / "failed" / path.name
    assert "the vocabulary is empty" in refused.read_text(encoding="utf-8")
    assert (toy.root / "data" / "runs.json").read_bytes() == before[1]
    assert [stale.stem for stale in notebooks.stale(toy.root)] == ["01_a"]


def test_a_dead_kernel_is_reported_with_its_cell(tmp_path, capsys):
    toy = ToyBook(tmp_path / "a book")
    toy.chapter("01_a", code("1"), code("import os; os._exit(1)"), code("2"), executed=False)
    assert notebooks.main(["run", "01"], root=toy.root) == 1
    out = capsys.readouterr().out
    assert "01_a: FAILED, stored notebook left as it was\n  cell 2: the kernel died" in out


def test_an_endless_cell_is_stopped_and_named(tmp_path):
    toy = ToyBook(tmp_path / "a book")
    endless = code("while True: pass")
    path = toy.chapter("01_a", code("1"), markdown("#"), endless, code("2"), executed=False)
    run = notebooks.run_one(toy.root, path, timeout=2)
    assert run.error == "cell 2: took longer than 2 seconds"


def test_code_that_changes_during_a_run_leaves_the_chapter_stale(toy, monkeypatch):
    toy.toc("chapters/01_a")
    path = toy.chapter("01_a", code("import lib"), executed=False)

    def execute(notebook: dict, folder: Path, timeout: int) -> tuple:
        toy.write("lib/__init__.py", "x = 1\n")
        return notebook, notebooks.Run(path, 1.0, 1, 1)

    monkeypatch.setattr(notebooks, "execute", execute)
    assert notebooks.run_one(toy.root, path).error == ""
    assert notebooks.stale(toy.root) == [path]


def test_a_notebook_edited_during_a_run_is_not_overwritten(toy, monkeypatch):
    path = toy.chapter("01_a", code("1"), executed=False)

    def execute(notebook: dict, folder: Path, timeout: int) -> tuple:
        toy.chapter("01_a", code("2"), executed=False)
        return notebook, notebooks.Run(path, 1.0, 1, 1)

    monkeypatch.setattr(notebooks, "execute", execute)
    assert "edited during the run" in notebooks.run_one(toy.root, path).error
    assert notebooks.code_cells(notebooks.read(path))[0]["source"] == "2"


def test_the_command_lists_chapters_and_results(book, capsys):
    assert notebooks.main(["list"], root=book.root) == 0
    assert "01_toy" in (out := capsys.readouterr().out) and "fresh" in out and "10.0 s" in out
    assert notebooks.main(["results", "1"], root=book.root) == 0
    line = "01_toy [3]  toy-score = 0.28 [0.11, 0.44] (n = 50 documents)\n"
    assert capsys.readouterr().out == line
    assert notebooks.main(["run"], root=book.root) == 0
    assert capsys.readouterr().out == "nothing is stale\n"
    assert notebooks.main(["run", "7"], root=book.root) == 2


# ------------------------------------------------------------------ strict nbval, for real


def break_everything(toy: ToyBook) -> Path:
    """Copy the green chapter and change what is stored, so that each kind of break is there."""
    green = notebooks.read(toy.root / "chapters" / "01_green.ipynb")
    red = toy.chapter("02_red", *green["cells"])
    result, wrong = RESULT | {"value": 0.2813}, TITLE.replace("half", "most")
    changes = {
        "text": {"outputs": [printed("the score is 0.26\n")]},
        "near": {"outputs": [printed("near 0.51 of 1,000\n")]},
        "far": {"outputs": [printed("far 0.52 of 1,000\n")]},
        "words": {"outputs": [printed("Words 0.50\n")]},
        "duration": {"outputs": [printed("12.5\n")]},
        "hidden": {"outputs": [{"output_type": "execute_result", "execution_count": 6,
                                "metadata": {}, "data": {"text/plain": "2"}}]},
        "plotted": {"outputs": [shown("image/svg+xml", svg([0.5, 0.26]))]},
        "title": {"outputs": [shown("image/svg+xml", svg([0.5, 0.25], wrong))]},
        "result": {"outputs": [shown(notebooks.RESULT_MIME, result)]},
        "cleared": {"outputs": [], "execution_count": None},
        "raises": {"source": "1 / 0"},
        "skipped": {"metadata": {"tags": ["nbval-skip"]}},
        "ignored": {"source": "# NBVAL_IGNORE_OUTPUT\nprint('ignored')"},
        "warns": {"source": "import warnings\nwarnings.warn('old')"},
    }  # fmt: skip
    for name, change in changes.items():
        toy.edit(red, PLACE[name], **change)
    return red


def test_nbval_passes_what_is_right_and_fails_each_break(executed):
    toy, _ = executed
    green = toy.root / "chapters" / "01_green.ipynb"
    cells = len(CELLS)
    empty = toy.chapter("03_empty", markdown("# No code"))
    right, wrong, nothing = check_notebooks.check(toy.root, [green, break_everything(toy), empty])

    assert right.problems == []
    assert (right.cells, right.executed, right.passed, right.failed) == (cells, cells, cells, 0)

    passing = {"near", "duration", "drawing tools", "fixed"}
    for name, place in PLACE.items():
        said = [problem for problem in wrong.problems if problem.startswith(f"[{place}] ")]
        if name == "count":  # prints the source and the number of cells, of which one was skipped
            continue
        assert (said == []) == (name in passing), (name, said)
    found = "\n".join(wrong.problems)
    for words in (
        "beyond the tolerance of 0.011: 0.52 became 0.50",
        "the figure's title",
        "plotted values: series[0].y[1]: 0.26 became 0.25",
        "value: 0.2813 became 0.2812",
        "ZeroDivisionError",
        "skipped or expected to fail",
        "counts this cell None",
        "nbval's own markers are not used",
        "UserWarning: old",
    ):
        assert words in found, words
    assert wrong.failed == cells - wrong.passed >= cells - len(passing) - 1

    assert (nothing.passed, nothing.failed) == (0, 1)
    assert nothing.problems == ["has no code cell: nothing was checked"]


def test_skips_and_expected_failures_are_no_passes():
    import xml.etree.ElementTree as ElementTree

    outcome = check_notebooks.Outcome(Path("a.ipynb"), cells=4)
    for inside in ('<skipped type="pytest.xfail" message="slow"/>', "<failure/>", "<error/>", ""):
        case = ElementTree.fromstring(f'<testcase name="Cell 2" time="0.5">{inside}</testcase>')
        check_notebooks._count(case, outcome)
    assert (outcome.executed, outcome.passed, outcome.failed, outcome.seconds) == (3, 1, 3, 2.0)
    assert outcome.problems[0] == "[3] skipped or expected to fail: slow"


def test_fewer_reported_cells_than_stored_ones_fail():
    outcome = check_notebooks.Outcome(Path("a.ipynb"), cells=3, executed=2, passed=2)
    check_notebooks._require_all(outcome, "")
    assert outcome.problems == ["3 code cells, 2 executed, 2 passed: these must agree"]
    assert outcome.failed == 1


def test_the_check_of_a_book_without_chapters_fails(toy, capsys):
    assert check_notebooks.main([], root=toy.root) == 1
    assert capsys.readouterr().out.endswith("0 passed, 0 failed\n")


# ------------------------------------------------------------------ comparing outputs


def text(value: str) -> list[dict]:
    return [printed(value)]


@pytest.mark.parametrize(
    ("old", "new", "tolerance", "equal"),
    [
        ("a 0.50", "a 0.50", 0, True),
        ("a 0.50", "a 0.51", 0, False),
        ("a 0.50", "a 0.51", 0.01, True),
        ("a 0.50", "a 0.52", 0.01, False),
        ("a 0.50", "b 0.50", 0.01, False),
        ("a -0.01", "a  0.00", 0.02, True),
        ("a 1,000", "a 1,001", 0.5, False),
        ("a 1,000", "a 1,001", 1, True),
        ("a 1e-05", "a 2e-05", 1e-4, True),
        ("a 1e-05", "a 2e-02", 1e-4, False),
        ("top5 0.5", "top6 0.5", 1, False),
        ("a 0.5\nb", "a 0.5 b", 1, False),
        ("nan 0.5", "0.5 0.5", 1, False),
    ],
)
def test_text_is_exact_but_for_numbers_within_the_tolerance(old, new, tolerance, equal):
    metadata = {"book": {"tolerance": tolerance}} if tolerance else {}
    assert (outputs_difference(text(old), text(new), metadata) == "") == equal
    assert (outputs_difference(text(new), text(old), metadata) == "") == equal


def test_results_are_compared_within_the_tolerance_of_the_printed_number():
    def result(value: float, percent: bool, **more: object) -> list[dict]:
        data = {"key": "a", "value": value, "low": 0.1, "high": 0.9, "n": 50, "digits": 2}
        return [shown(notebooks.RESULT_MIME, data | {"percent": percent} | more)]

    half = {"book": {"tolerance": 0.5}}
    assert outputs_difference(result(0.5, False), result(0.5001, False), {}) != ""
    assert outputs_difference(result(0.5, False), result(0.9, False), half) == ""
    assert outputs_difference(result(0.5, True), result(0.51, True), half) != ""
    assert outputs_difference(result(0.5, True), result(0.504, True), half) == ""
    assert outputs_difference(result(0.5, False), result(0.5, False, n=51), half) != ""
    assert outputs_difference(result(0.5, False), result(0.5, False, low=0.7), half) != ""


def drawn(*values: object, **more: object) -> list[dict]:
    return [shown("image/svg+xml", svg(*values, **more))]


def test_figures_are_compared_by_what_they_show():
    same = drawn([0.5, 0.25])
    recoloured = [shown("image/svg+xml", svg([0.5, 0.25]).replace("<text>", "<rect/><text>"))]
    assert outputs_difference(same, recoloured, {}) == ""
    assert outputs_difference(same, drawn([0.5, 0.251]), {}) != ""
    assert outputs_difference(same, drawn([0.5, 0.25, 0.1]), {}) != ""
    near = {"book": {"tolerance": 0.01}}
    assert outputs_difference(same, drawn([0.5, 0.26]), near) == ""
    assert outputs_difference(same, drawn([0.5, 0.28]), near) != ""
    assert outputs_difference(drawn([9990.0]), drawn([10000.0]), near) == ""  # a third digit
    assert outputs_difference(same, drawn([0.5, 0.25], label="Another label of it"), {}) != ""
    relabelled = [shown("image/svg+xml", svg([0.5, 0.25]).replace(">method<", ">model<"))]
    assert "words in the figure" in outputs_difference(same, relabelled, {})


def test_a_drawing_without_values_is_compared_as_text():
    plain = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M 0 0"/></svg>'
    old, new = ([shown("image/svg+xml", s)] for s in (plain, plain.replace("0 0", "0 1")))
    assert outputs_difference(old, old, {}) == ""
    assert outputs_difference(old, new, {"book": {"tolerance": 5}}) != ""


def test_more_or_fewer_outputs_are_a_difference():
    assert "not stored ['stderr']" in outputs_difference([], [printed("x", "stderr")], {})
    assert "missing ['stdout']" in outputs_difference(text("x"), [], {})
    one = shown("text/plain", "a")
    assert outputs_difference([one], [one, one], {}) == "text/plain: 1 outputs became 2"
    assert outputs_difference([printed("a"), printed("b")], [printed("ab")], {}) == ""


def test_durations_are_not_compared_but_a_warning_among_them_is():
    metadata = {"book": {"duration": True}}
    assert outputs_difference(text("0.1 s"), text("7.3 s"), metadata) == ""
    noisy = [*text("7.3 s"), printed("x", "stderr")]
    assert outputs_difference(text("0.1 s"), noisy, metadata) != ""


# ------------------------------------------------------------------ what lib stores


def test_results_of_lib_are_read_as_they_are_printed():
    from lib import results

    for line in (
        "a-score = -0.28 [-1,234.11, 0.44] (n = 50 documents)",
        "a-share = 97.0 % [96.2, 97.7] (n = 2,189 documents)",
        "a-count = 24,583 (exact)",
    ):
        made = results.parse_line(line)
        stored = [shown(notebooks.RESULT_MIME, results.payload(made), **{"text/plain": line})]
        (found,) = notebooks.results_of({"cells": [code("x", *stored)]}, "01_x")
        assert (found.key, found.text, found.percent) == (made.key, line, made.percent)
        for part in found.shown:
            right = results.format_number(getattr(made, part), made.digits, percent=made.percent)
            assert found.prose(part) == right
        assert set(found.shown) == ({"value"} if "exact" in line else {"value", "low", "high"})
    assert notebooks.RESULT_MIME == results.MIME


def test_figures_of_lib_are_compared_by_their_values():
    from lib import plot

    def draw(*heights: float) -> list[dict]:
        fig = plot.bars(["cats", "dogs"], heights, "More cats than dogs here", "animals")
        alt = f"There are {heights[0]:g} cats and five dogs in this house."
        return [shown("image/svg+xml", plot.svg(fig, alt=alt))]

    seen = figure(draw(12, 5)[0]["data"]["image/svg+xml"])
    assert seen.values and seen.title and seen.label and "More cats than dogs here" in seen.words
    assert outputs_difference(draw(12, 5), draw(12, 5)) == ""
    assert "plotted values" in outputs_difference(draw(12, 5), draw(12, 6))
    assert "the figure's title" in outputs_difference(draw(12, 5), draw(13, 5))


# ------------------------------------------------------------------ what moved


def git(root: Path, *arguments: str) -> None:
    names = ("-c", "user.name=Toy", "-c", "user.email=toy@example.org", "-c", "core.autocrlf=false")
    subprocess.run(["git", "-C", str(root), *names, *arguments], check=True, capture_output=True)


@pytest.fixture
def committed(book: ToyBook) -> ToyBook:
    git(book.root, "init", "--quiet")
    git(book.root, "add", ".")
    git(book.root, "commit", "--quiet", "--message", "toy")
    return book


def test_nothing_has_moved_in_a_fresh_commit(committed, capsys):
    assert diff.main([], root=committed.root) == 0
    assert capsys.readouterr().out == "No result and no verdict has moved.\n"


def test_what_moved_is_shown_by_key_with_flipped_verdicts_first(committed):
    chapter = committed.root / "chapters" / "01_toy.ipynb"
    committed.edit(chapter, 3, outputs=[recorded(value=0.31, low=-0.02)])
    found = diff.diff("HEAD", committed.root)
    assert found.flipped == []
    assert found.unsupported == ["   1  holds, while toy-score.low > 0"]
    old, new = "0.28 [0.11, 0.44]", "0.31 [-0.02, 0.44]"
    assert found.changed == [f"  toy-score  {old} (n = 50 documents) -> {new} (n = 50 documents)"]

    committed.claims(JUDGED | {"verdict": "wrong"}, JUDGED | {"number": 2, "stands_while": None})
    committed.edit(chapter, 3, outputs=[recorded("toy-new")])
    found = diff.diff("HEAD", committed.root)
    assert found.flipped == [
        "   1  holds -> wrong: Statement 1.",
        "   2  undecided -> holds: Statement 1.",
    ]
    assert found.added == ["  toy-new  0.28 [0.11, 0.44] (n = 50 documents)"]
    assert found.removed == ["  toy-score  0.28 [0.11, 0.44] (n = 50 documents)"]
    heads = [line for line in found.text().splitlines() if not line.startswith(" ") and line]
    assert heads == ["Flipped verdicts: 2", "New results: 1", "Results that are gone: 1"]


def test_a_refused_run_still_shows_which_numbers_moved(committed):
    chapter = committed.root / "chapters" / "01_toy.ipynb"
    stored = chapter.read_bytes()
    committed.edit(chapter, 3, outputs=[recorded(value=0.31, low=-0.02)])
    refused = committed.root / "_build" / "failed" / chapter.name
    refused.parent.mkdir(parents=True)
    refused.write_bytes(chapter.read_bytes())
    chapter.write_bytes(stored)
    found = diff.diff("HEAD", committed.root)
    assert found.unsupported == ["   1  holds, while toy-score.low > 0"]
    assert len(found.changed) == 1 and found.refused == ["  01_toy"]
    assert "Read from refused runs in _build/failed: 1" in found.text()


def test_without_a_commit_the_comparison_says_so(book, capsys):
    git(book.root, "init", "--quiet")
    assert diff.main([], root=book.root) == 2
    assert "Nothing to compare with: git ls-tree" in capsys.readouterr().err


# ------------------------------------------------------------------ the first cell

DRIVER = """
import os, site, sys
from pathlib import Path
import IPython

book, cell = Path(sys.argv[1]), sys.argv[2]
sys.meta_path[:] = [f for f in sys.meta_path if "editable" not in getattr(f, "__module__", "")]
sys.path[:] = [p for p in sys.path if not (Path(p or ".") / "lib/__init__.py").exists()]
sys.path.insert(0, os.getcwd())  # as a notebook's kernel has it
packages = Path(sys.argv[3])
packages.mkdir(exist_ok=True)
site.getsitepackages = lambda: [str(packages)]

class Shell:
    def run_line_magic(self, name, line):
        print("magic", name, line)
        (packages / "toy.pth").write_text(str(book))
    def system(self, line):
        print("system", line)

IPython.get_ipython = lambda: Shell()
exec(compile(Path(cell).read_text("utf-8"), cell, "exec"))
print("lib", lib.__version__)
"""


def first_cell(book: ToyBook, folder: Path, **environment: str) -> subprocess.CompletedProcess:
    import os

    driver = book.write("driver.py", DRIVER)
    folder.mkdir(parents=True, exist_ok=True)
    return subprocess.run(
        [sys.executable, "-P", str(driver), str(book.root), str(TEMPLATE), str(book.root / "pkg")],
        cwd=folder, env={**os.environ, **environment}, text=True, capture_output=True,
    )  # fmt: skip


@pytest.fixture
def clone(toy: ToyBook) -> ToyBook:
    toy.write("pyproject.toml", '[project]\nname = "embeddings-tested"\n')
    return toy


def test_the_first_cell_finds_lib_at_the_root_of_the_book(clone):
    done = first_cell(clone, clone.root)
    assert done.stdout == "lib 0.1.0\n", done.stderr


def test_the_first_cell_installs_the_book_that_lies_around_the_chapters(clone):
    done = first_cell(clone, clone.root / "chapters")
    assert done.stdout == f'magic pip install -q -e "{clone.root}"\nlib 0.1.0\n', done.stderr


def test_the_first_cell_says_what_to_do_where_there_is_no_book(clone, tmp_path):
    (tmp_path / "elsewhere" / "lib").mkdir(parents=True)  # a stray folder
    for folder in (tmp_path / "elsewhere", tmp_path / "nothing"):
        done = first_cell(clone, folder)
        assert done.returncode == 1 and done.stdout == ""
        assert "ImportError: The book's code is not installed here" in done.stderr
        assert "run `make book` in the book's folder" in done.stderr


def test_the_first_cell_clones_only_an_address_that_is_given(clone, tmp_path):
    done = first_cell(clone, tmp_path / "nothing", BOOK_REPOSITORY="https://example.org/book")
    address = '"https://example.org/book"'
    assert done.stdout == f"system git clone --quiet --depth 1 {address} book\n"


def test_the_first_cell_refuses_another_lib(clone):
    clone.write("lib/__init__.py", '__version__ = "2.0"\n')
    done = first_cell(clone, clone.root)
    assert "ImportError: This chapter needs lib 0.1" in done.stderr


def test_the_first_cell_is_made_for_the_lib_of_this_book():
    import lib

    assert f'"{".".join(lib.__version__.split(".")[:2])}."' in TEMPLATE.read_text("utf-8")
    assert "sys.path" not in TEMPLATE.read_text("utf-8")
