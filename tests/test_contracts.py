"""Every contract of the notebooks, shown once to catch a deliberate break, and kept by the book."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from toybook import (
    FIGURE,
    FIRST,
    JUDGED,
    SCORE,
    STUB,
    TRIAL,
    VERDICT,
    ToyBook,
    code,
    markdown,
    percentage,
    printed,
    recorded,
    shown,
    statement,
    svg,
    whole_book,
)

from tools import contracts, notebooks, numbers

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def book(tmp_path: Path) -> ToyBook:
    return whole_book(tmp_path / "a book")


def chapter(book: ToyBook) -> Path:
    return book.root / "chapters" / "01_toy.ipynb"


def change(place: int, **changes: object) -> Callable[[ToyBook], None]:
    return lambda book: book.edit(chapter(book), place, **changes)


def append(*cells: dict) -> Callable[[ToyBook], None]:
    def add(book: ToyBook) -> None:
        stored = notebooks.read(chapter(book))
        book.chapter("01_toy", *stored["cells"], *cells)
        book.remember()

    return add


def judged(**fields: object) -> Callable[[ToyBook], None]:
    return lambda book: book.claims(JUDGED | fields)


def without(book: ToyBook, place: int) -> None:
    stored = notebooks.read(chapter(book))
    stored["cells"].remove(notebooks.code_cells(stored)[place - 1])
    book.chapter("01_toy", *stored["cells"])


def swapped(book: ToyBook, one: int, other: int) -> None:
    stored = notebooks.read(chapter(book))
    cells = notebooks.code_cells(stored)
    order = [stored["cells"].index(cells[place - 1]) for place in (one, other)]
    a, b = (stored["cells"][i] for i in order)
    stored["cells"][order[0]], stored["cells"][order[1]] = b, a
    book.chapter("01_toy", *stored["cells"])


def tolerant(tolerance: object) -> Callable[[ToyBook], None]:
    return change(SCORE, metadata={"book": {"tolerance": tolerance}})


def picture(mime: str, value: str, **metadata: object) -> Callable[[ToyBook], None]:
    return append(code("draw()", shown(mime, value), **metadata))


GOOD_PNG = {"mystnb": {"image": {"alt": "Scores fall from left to right"}}}
ERROR = {"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": []}

BREAKS: list[tuple[Callable, str, Callable[[ToyBook], object], str]] = [
    (c, name, how, words)
    for c, breaks in {
        contracts.table_of_contents_whole: {
            "a chapter in the contents that is not there": (
                lambda b: b.toc("chapters/01_toy", "chapters/02_gone"),
                "_toc.yml: chapters/02_gone",
            ),
            "a notebook that the contents forget": (
                lambda b: b.chapter("05_lost", code("1")),
                "chapters/05_lost.ipynb: not in _toc.yml",
            ),
        },
        contracts.counts_in_order: {
            "a cell never executed": (change(SCORE, execution_count=None), "[3]: never executed"),
            "a cell run out of order": (change(SCORE, execution_count=7), "[3]: its count is 7"),
            "an empty cell": (append(code("  \n")), "[7]: the code cell is empty"),
            "an output of another run": (
                append(
                    code(
                        "1",
                        {
                            "output_type": "execute_result",
                            "execution_count": 99,
                            "metadata": {},
                            "data": {"text/plain": "1"},
                        },
                    )
                ),
                "[7]: its output has another count",
            ),
        },
        contracts.no_stored_error: {
            "a traceback": (append(code("no()", ERROR)), "[7]: stores the error ValueError"),
        },
        contracts.no_noise: {
            "stderr": (append(code("1", printed("careful\n", "stderr"))), "[7]: stores stderr"),
            "a warning": (
                append(code("1", printed("x.py:1: FutureWarning: old\n"))),
                "[7]: stores a warning",
            ),
            "a bar of tqdm": (
                append(code("1", printed("100%|\u2588\u2588\u2588| 9/9 [00:01<00:00, 8.1it/s]"))),
                "[7]: stores a progress bar",
            ),
            "a rewritten line": (append(code("1", printed("1 of 2\r2 of 2"))), "progress bar"),
            "a widget": (
                append(code("1", shown("application/vnd.jupyter.widget-view+json", {}))),
                "[7]: stores a progress bar",
            ),
        },
        contracts.no_exemption: {
            "a tag that skips": (change(SCORE, metadata={"tags": ["nbval-skip"]}), "[3]: carries"),
            "a tag that allows errors": (
                change(SCORE, metadata={"tags": ["raises-exception"]}),
                "[3]: carries",
            ),
            "a comment that ignores": (append(code("# NBVAL_IGNORE_OUTPUT\n1")), "[7]: carries"),
        },
        contracts.tolerances_narrow: {
            "wider than half the interval": (tolerant(0.17), "wider than half the interval"),
            "not positive": (tolerant(0), "not a positive number"),
            "not a number": (tolerant("wide"), "not a positive number"),
            "wider than half an interval in percent": (
                append(code("r()", percentage(), book={"tolerance": 0.8})),
                "(0.75)",
            ),
        },
        contracts.alt_texts: {
            "SVG without a label": (
                change(FIGURE, outputs=[shown("image/svg+xml", svg([1.0, 2.0], label=""))]),
                "[4]: an image has no alt text",
            ),
            "SVG named like a file": (
                change(FIGURE, outputs=[shown("image/svg+xml", svg([1.0, 2.0], "by-method.svg"))]),
                "[4]: an image has a file name",
            ),
            "SVG with a short title": (
                change(
                    FIGURE, outputs=[shown("image/svg+xml", svg([1.0, 2.0], "Scores", "x" * 30))]
                ),
                "alt text of 6 characters",
            ),
            "PNG without alt text": (picture("image/png", "AAAA"), "[7]: an image has no alt text"),
            "HTML image without alt text": (
                picture("text/html", '<p><img src="a.png"></p>'),
                "[7]: an image has no alt text",
            ),
            "inline SVG without title": (
                picture("text/html", '<svg aria-label="Scores fall from left to right"></svg>'),
                "[7]: an image has no alt text",
            ),
            "Markdown image with a short text": (
                append(markdown("![Scores](a.png)")),
                "6 characters",
            ),
            "a figure directive without alt": (
                append(markdown("```{figure} a.png\n:name: fig\nCaption\n```")),
                "Markdown cell 9: an image has no alt text",
            ),
        },
        contracts.budgets: {
            "a slow chapter": (
                lambda b: b.remember(seconds=120.1),
                "took 120.1 s, 120 are allowed",
            ),
            "a chapter that fills the memory": (
                lambda b: b.remember(peak_mib=2049),
                "took 2049 MiB, 2048 are allowed",
            ),
            "a heavy file": (
                append(code("1", printed("x" * 700_000))),
                "700 are allowed",
            ),
            "too long together": (
                lambda b: (
                    [b.chapter(f"{n:02d}_toy", code("1")) for n in range(2, 14)],
                    b.toc(*[f"chapters/{n:02d}_toy" for n in range(1, 14)]),
                    b.remember(seconds=100),
                ),
                "took 1300 s together, 1200 are allowed",
            ),
        },
        contracts.nothing_stale: {
            "a changed cell": (change(SCORE, source="record('toy-score')"), "01_toy.ipynb: stale"),
            "another requirement": (
                lambda b: b.write("requirements.txt", "numpy==2.1\n"),
                "01_toy.ipynb: stale",
            ),
            "a chapter never run": (lambda b: b.write("data/runs.json", "{}"), "stale"),
        },
        contracts.first_cells: {
            "another set-up cell": (change(FIRST, source="import lib"), "[1]: differs from"),
        },
        contracts.cells_fit_a_screen: {
            "too many lines": (append(code("\n".join(["x = 1"] * 41))), "[7]: 41 lines"),
            "too wide": (append(code("1\nx = '" + "a" * 75 + "'")), "[7]: line 2 has 81 columns"),
        },
        contracts.no_shortcut: {
            "the import path": (
                append(code("import sys\nsys.path.insert(0, '..')")),
                "uses sys.path",
            ),
            "hidden warnings": (
                append(code("import warnings\nwarnings.filterwarnings('ignore')")),
                "[7]: uses warnings.filterwarnings",
            ),
            "no Python": (append(code("def (")), "[7]: not Python"),
        },
        contracts.stubs_as_generated: {
            "a solved exercise": (
                change(STUB, source="def double(x):\n    return 2 * x"),
                "the unsolved cell of Double stands in it 0 times",
            ),
            "an exercise from nowhere": (
                append(code("Triple.check(triple)")),
                "Triple is no exercise",
            ),
        },
        contracts.statements_complete: {
            "a number missing": (
                lambda b: b.write(
                    "data/claims.yml", json.dumps([statement(n) for n in range(1, 42)])
                ),
                "statement 42 stands 0 times",
            ),
            "a number twice": (
                lambda b: b.write(
                    "data/claims.yml", json.dumps([statement(max(n, 1)) for n in range(43)])
                ),
                "statement 1 stands 2 times",
            ),
            "a number too many": (lambda b: b.claims(statement(43)), "no statement 43"),
            "no owner": (judged(owner=None), "statement 1"),
        },
        contracts.verdicts_borne_out: {
            "no verdict": (judged(verdict=None), "the verdict is None"),
            "an unknown verdict": (judged(verdict="perhaps"), "the verdict is 'perhaps'"),
            "no reason": (judged(because=""), "no because"),
            "nothing that flips it": (judged(flips_if=None), "no flips_if"),
            "a key nobody records": (
                judged(results=["toy-score", "toy-other"]),
                "records no toy-other",
            ),
            "a reason with a key nobody records": (
                judged(because="{toy-other.low}"),
                "records no toy-other",
            ),
            "a condition not met": (judged(stands_while="toy-score.low > 0.2"), "judge again"),
            "an unreadable condition": (judged(stands_while="toy-score.low"), "cannot be decided"),
            "new numbers": (
                change(SCORE, outputs=[recorded(low=-0.02)]),
                "stands only while toy-score.low > 0",
            ),
        },
        contracts.sources_exist: {
            "a verdict without its source": (judged(cites=["Nobody1999"]), "no 'Nobody1999'"),
            "prose without its source": (
                append(markdown("As {cite:p}`Toy2020,Nobody1999` say.")),
                "Markdown cell 9: references.bib has no 'Nobody1999'",
            ),
        },
        contracts.trials_and_verdicts: {
            "no opening": (lambda b: without(b, TRIAL), "opens without trial(1)"),
            "no close": (lambda b: without(b, VERDICT), "closes without verdict(1)"),
            "the verdict before the number": (
                lambda b: swapped(b, SCORE, VERDICT),
                "verdict comes before",
            ),
            "the trial after the number": (lambda b: swapped(b, SCORE, TRIAL), "trial comes after"),
            "a statement of another chapter": (append(code("verdict(2)")), "calls verdict(2), but"),
            "a verdict twice": (append(code("verdict(1)")), "calls verdict 2 times for 1"),
        },
        contracts.results_recorded_whole: {
            "a result without its unit": (
                append(
                    code(
                        "x",
                        shown(
                            notebooks.RESULT_MIME,
                            {"key": "a", "value": 1, "n": 2},
                            **{"text/plain": "a = 1 (exact)"},
                        ),
                    )
                ),
                "[7]: application/vnd.embeddings-tested.result+json lacks unit",
            ),
            "a line that says something else": (
                append(
                    code(
                        "x",
                        recorded("toy-more")
                        | {
                            "data": recorded("toy-more")["data"]
                            | {"text/plain": "toy-more = 0.29 [0.11, 0.44] (n = 50 documents)"}
                        },
                    )
                ),
                "does not say 0.2812",
            ),
        },
        numbers.check_tags: {
            "prose that drifted": (
                append(markdown("It scores 0.29<!--toy-score-->.")),
                "the prose says '0.29', but toy-score is '0.28'",
            ),
        },
        numbers.check_untagged: {
            "a number from nowhere": (append(markdown("It scores 0.28.")), "stands behind '0.28'"),
        },
    }.items()
    for name, (how, words) in breaks.items()
]


def test_the_toy_book_keeps_every_contract(book):
    assert contracts.check(book.root) == {}


@pytest.mark.parametrize(
    ("contract", "how", "words"),
    [pytest.param(c, how, words, id=f"{c.__name__}: {name}") for c, name, how, words in BREAKS],
)
def test_a_break_is_caught(book, contract, how, words):
    how(book)
    problems = contract(book.root)
    assert problems
    assert any(words in problem for problem in problems), problems
    assert all("\n" not in problem.strip() for problem in problems)


def test_every_contract_has_been_broken():
    assert {contract for contract, *_ in BREAKS} == set(contracts.CONTRACTS)


@pytest.mark.parametrize(
    "how",
    [
        pytest.param(tolerant(0.16), id="a tolerance below half the interval"),
        pytest.param(picture("image/png", "AAAA", **GOOD_PNG), id="a PNG with its alt text"),
        pytest.param(
            picture("text/html", '<svg aria-hidden="true"></svg>'), id="an ornament that is hidden"
        ),
        pytest.param(append(code("x = 1\n" * 60, tags=["remove-input"])), id="a long hidden cell"),
        pytest.param(append(code("x = 1\n" * 40)), id="a cell of forty lines"),
        pytest.param(append(code("x = '" + "a" * 74 + "'")), id="a line of eighty columns"),
        pytest.param(append(code("%time x = 1")), id="a magic command"),
        pytest.param(append(markdown("{cite:p}`see <Toy2020>` reports 0.5.")), id="a citation"),
        pytest.param(lambda b: b.remember(120.0, 2048), id="costs at the budget"),
    ],
)
def test_what_is_allowed_is_no_problem(book, how):
    book.remember()
    how(book)
    if contracts.nothing_stale(book.root):
        book.remember()
    assert contracts.check(book.root) == {}


def test_the_tolerance_of_a_percentage_is_in_percent(book):
    append(code("r()", percentage(), book={"tolerance": 0.7}))(book)
    assert contracts.tolerances_narrow(book.root) == []


def test_late_chapters_may_take_three_gibibytes():
    assert contracts.max_mebibytes(Path("chapters/09_x.ipynb")) == 2048
    assert contracts.max_mebibytes(Path("chapters/10_x.ipynb")) == 3072


def test_a_later_chapter_may_put_a_statement_on_trial_again(book):
    book.claims(JUDGED, statement(2, owner=0, later=[1]))
    append(code("verdict(2)"))(book)
    assert contracts.trials_and_verdicts(book.root) == []


def test_the_command_prints_each_problem_and_fails(book, capsys):
    assert contracts.main(root=book.root) == 0
    assert capsys.readouterr().out == "20 contracts kept, 0 broken\n"
    change(SCORE, execution_count=None)(book)
    assert contracts.main(root=book.root) == 1
    out = capsys.readouterr().out
    assert "counts in order: 1\n  chapters/01_toy.ipynb [3]: never executed" in out
    assert out.endswith("19 contracts kept, 1 broken\n")


@pytest.mark.parametrize("contract", contracts.CONTRACTS, ids=lambda c: c.__name__)
def test_the_book_itself_keeps(contract):
    problems = contract(ROOT)
    assert not problems, "\n".join(problems)


def test_a_damaged_file_is_named_without_a_traceback(book, capsys):
    path = book.root / "chapters" / "01_toy.ipynb"
    whole = path.read_text(encoding="utf-8")
    path.write_text("<<<<<<< HEAD\n" + whole, encoding="utf-8")
    assert contracts.main(root=book.root) == 1
    message = capsys.readouterr().out
    assert "chapters/01_toy.ipynb is not a valid notebook (line 1): a merge conflict?" in message
    assert numbers.main([], root=book.root) == 1
    assert "a merge conflict?" in capsys.readouterr().out
    path.write_text(whole, encoding="utf-8")
    claims = book.root / "data" / "claims.yml"
    claims.parent.mkdir(exist_ok=True)
    claims.write_text("- number: 1\n  verdict: [holds\n", encoding="utf-8")
    assert contracts.main(root=book.root) == 1
    assert "data/claims.yml is not valid YAML, line" in capsys.readouterr().out
