"""Numbers in prose: tagged ones equal the record, untagged ones have no place."""

from pathlib import Path

import pytest
from toybook import (
    FIGURE,
    JUDGED,
    ToyBook,
    code,
    markdown,
    percentage,
    recorded,
    statement,
    whole_book,
)

from tools import notebooks, numbers
from tools.notebooks import Result

SHARE = Result(
    key="r8",
    chapter="03_x",
    cell=4,
    text="r8 = 97.0 % [96.2, 97.7] (n = 2,189 documents)",
    shown={"value": "97.0", "low": "96.2", "high": "97.7"},
    percent=True,
)
SCORE = Result("score", "01_x", 2, "", shown={"value": "0.28", "low": "-0.11", "high": "0.44"})
COUNT = Result("words", "01_x", 3, "words = 24,583 (exact)", shown={"value": "24,583"})
KNOWN = {result.key: result for result in (SHARE, SCORE, COUNT)}


@pytest.fixture
def book(tmp_path: Path) -> ToyBook:
    return whole_book(tmp_path / "a book")


# ------------------------------------------------------------------ tagged


@pytest.mark.parametrize(
    "text",
    [
        "It scores 0.28<!--score-->.",
        "It scores **0.28**<!--score-->, from -0.11<!--score.low--> to 0.44<!--score.high-->.",
        "A typeset minus: \u22120.11<!--score.low-->",
        "An explicit plus: +0.28<!-- score -->",
        "Right in 97.0 %<!--r8-->, between 96.2<!--r8.low--> and 97.7 %<!--r8.high-->.",
        "Without a space, 97.0%<!--r8-->; with a narrow one, 97.0\u202f%<!--r8-->;"
        " as HTML, 97.0&nbsp;%<!--r8-->",
        "All 24,583<!--words--> words.",
        "A remark <!-- think about this --> is no tag, nor is a lone <!--todo--> word.",
    ],
)
def test_a_number_that_is_the_recorded_one_passes(text):
    assert numbers.compare_text(text, KNOWN, "here") == (text, [])
    assert numbers.untagged(text) == []


@pytest.mark.parametrize(
    ("text", "words", "fixed"),
    [
        ("0.29<!--score-->", "the prose says '0.29', but score is '0.28'", "0.28<!--score-->"),
        ("0.280<!--score-->", "score is '0.28'", "0.28<!--score-->"),
        ("28<!--score-->", "score is '0.28'", "0.28<!--score-->"),
        ("0.11<!--score.low-->", "score.low is '-0.11'", "-0.11<!--score.low-->"),
        ("\u22120.12<!--score.low-->", "score.low", "\u22120.11<!--score.low-->"),
        ("+0.30<!--score-->", "'+0.30'", "+0.28<!--score-->"),
        ("**0.3**<!--score-->", "score is", "**0.28**<!--score-->"),
        ("97.1 %<!--r8-->", "r8 is '97.0 %'", "97.0 %<!--r8-->"),
        ("97.1%<!--r8-->", "r8 is '97.0%'", "97.0%<!--r8-->"),
        ("97.0<!--r8-->", "r8 is '97.0 %'", "97.0 %<!--r8-->"),
        ("0.28 %<!--score-->", "score is '0.28'", "0.28<!--score-->"),
        ("24583<!--words-->", "words is '24,583'", "24,583<!--words-->"),
        ("a 0.2<!--score--> b 0.3<!--score.high--> c", "score.high is '0.44'",
         "a 0.28<!--score--> b 0.44<!--score.high--> c"),
    ],
)  # fmt: skip
def test_a_number_that_drifted_is_named_and_mended(text, words, fixed):
    same, problems = numbers.compare_text(text, KNOWN, "here")
    assert same == text
    assert any(words in problem and problem.startswith("here: ") for problem in problems)
    assert numbers.compare_text(text, KNOWN, "here", fix=True) == (fixed, [])
    assert numbers.compare_text(fixed, KNOWN, "here")[1] == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("0.28<!--scores-->", "no cell records the key 'scores' (near it: score)"),
        ("0.28<!--quite-another-->", "no cell records the key 'quite-another'"),
        ("0.28<!--score.width-->", "has no part 'width', it has: value, low, high"),
        ("24,583<!--words.low-->", "has no part 'low', it has: value"),
        ("good<!--score-->", "no number stands before <!--score-->"),
    ],
)
def test_a_tag_that_is_wrong_is_named_and_left_alone(text, words):
    same, problems = numbers.compare_text(text, KNOWN, "here", fix=True)
    assert same == text
    assert len(problems) == 1 and words in problems[0]


# ------------------------------------------------------------------ untagged


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It scores 0.28.", ["0.28"]),
        ("It scores .28 and -0.5.", [".28", "-0.5"]),
        ("There are 24,583 words and 1,234,567 tokens.", ["24,583", "1,234,567"]),
        ("It is right in 97 % and 5% of cases.", ["97 %", "5%"]),
        ("It is right in 97&nbsp;% of cases.", ["97&nbsp;%"]),
        ("# Why 0.28 is a lot", ["0.28"]),
        ("| method | score |\n|-|-|\n| counts | 0.28 |", ["0.28"]),
        ("![The bar of 0.28 is the tallest](a.png)", ["0.28"]),
        ('<img src="v1.5.png" width="0.5" alt="The bar of 0.28 is the tallest">', ["0.28"]),
        ("[a link with 0.28](https://example.org/0.31)", ["0.28"]),
        ("```{note}\n:class: tip-1.5\nIt scores 0.28.\n```", ["0.28"]),
        ("```{figure} a-1.5.png\n:alt: A bar of 0.28\n:width: 0.5\n```", ["0.28"]),
        (":::{admonition} Of 0.28\nText\n:::", ["0.28"]),
        ("````{note}\n```python\nx = 1.5\n```\nIt scores 0.28.\n````", ["0.28"]),
        ("A score of 0.28<!--score--> and 0.31.", ["0.31"]),
        ("One paragraph with {cite:p}`Toy2020`.\n\nAnother with 0.28.", ["0.28"]),
        ("It costs \\$5 and 0.28 more, \\$6 in all.", ["0.28"]),
        ("The 3.5 sections", ["3.5"]),
        ("Section 2.1 has 0.28.", ["0.28"]),
        ("Python 3.11 is 1.2 times faster", ["1.2"]),
        ("section 12 %", ["12 %"]),
        ("Right in 95 % of cases, with a 90 % interval.", ["95 %", "90 %"]),
    ],
)
def test_a_number_without_a_tag_is_found(text, found):
    assert numbers.untagged(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "Fifty documents, 50 ratings, 1990, 24583 words, item 3, 2026-11-23, 12:30.",
        "The cosine is $0.5$, and $$x = 0.25$$ and $95\\,\\%$ and $10{,}000$.",
        "$$\n0.25 + 0.5\n$$",
        "\\begin{align}\n0.25 &= x\n\\end{align}",
        "Call `f(0.5)` or ``g(`0.5`)``.",
        "```python\nx = 0.5\n```",
        "```\nx = 0.5\n```\n\n~~~\n0.5\n~~~",
        "```{code-block} python\nx = 0.5\n```",
        "```{math}\n0.5\n```",
        "Published: 0.66 {cite:p}`Toy2020`, on 1,225 pairs.",
        "See section 3.2, sections 3.2 and 3.4, § 2.1, table 1.2, equation 4.1, chapter 7.2.",
        "Python 3.11 to 3.13, numpy 2.4, version 1.0, CC BY 4.0, GPT-3.5, release 1.0.4.",
        "[text](https://example.org/0.31 \"title\") and https://example.org/v1.5",
        "[label]: https://example.org/0.31",
        "<code>0.5</code> and <span style=\"opacity: 0.5\">words</span>",
        "<!-- 0.5 is a remark -->",
        "The 95 % interval, a 95 % bootstrap interval, 95 % intervals.",
        "Attribution 4.0, Apache License 2.0, CC BY-SA 4.0",
        "(section-1.5)=\n# Title",
        "1. first\n2. second",
    ],
)  # fmt: skip
def test_what_nobody_measured_needs_no_tag(text):
    assert numbers.untagged(text) == []


@pytest.mark.parametrize(
    "source",
    [
        "show(fig, alt='The bar of 0.28 is the tallest')",
        "show(fig, alt=f'The bar of 0.28 beats {other:.2f}')",
        "show(fig, alt='The bar ' + 'of 97 %')",
        "ax.set_title('Counts score 0.28')",
        "fig.suptitle('Counts score 0.28')",
        "fig, ax = figure(title='Counts score 0.28')",
        "fig, ax = figure('Counts score 0.28', 'method')",
        "fig = plot.bars(names, heights, 'Counts score 0.28', 'method')",
    ],
)
def test_a_number_typed_into_a_title_or_an_alt_text_is_found(book, source):
    book.edit(book.root / "chapters" / "01_toy.ipynb", FIGURE, source=source)
    (problem,) = numbers.check_untagged(book.root)
    assert problem.startswith("chapters/01_toy.ipynb [4]: ") and "format it from" in problem


@pytest.mark.parametrize(
    "source",
    [
        "show(fig, alt=f'The bar of {score:.2f} is the tallest')",
        "ax.set_title(f'Counts score {score.value:0.2f}')",
        "bar(width=0.28, label='x')",
        "words = '0.28'",
    ],
)
def test_a_computed_number_in_a_title_passes(book, source):
    book.edit(book.root / "chapters" / "01_toy.ipynb", FIGURE, source=source)
    assert numbers.check_untagged(book.root) == []


def test_a_number_typed_into_a_verdict_is_found(book):
    book.claims(JUDGED | {"because": "It scores 0.28 by itself.", "cites": []})
    (problem,) = numbers.check_untagged(book.root)
    assert problem.startswith("data/claims.yml, statement 1: '0.28'")
    book.claims(JUDGED | {"because": "It scores {toy-score.low}.", "cites": []})
    assert numbers.check_untagged(book.root) == []
    book.claims(statement(2, because="A draft of 0.28 without a verdict."))
    assert numbers.check_untagged(book.root) == []


# ------------------------------------------------------------------ the book


def test_pages_are_read_as_chapters_are(book):
    book.write("intro.md", "# A toy\n\nIt scores 0.3<!--toy-score-->, or 0.31.\n")
    (wrong,) = numbers.check_tags(book.root)
    (bare,) = numbers.check_untagged(book.root)
    assert wrong.startswith("intro.md: the prose says '0.3'")
    assert bare.startswith("intro.md: no cell stands behind '0.31'")


def test_a_key_may_come_from_another_chapter(book):
    book.chapter("02_toy", markdown("There it was 0.28<!--toy-score-->."), code("1"))
    book.toc("chapters/01_toy", "chapters/02_toy")
    assert numbers.check(book.root) == []


def test_a_key_recorded_in_two_chapters_is_an_error(book):
    book.chapter("02_toy", code("r()", recorded()))
    book.toc("chapters/01_toy", "chapters/02_toy")
    (problem,) = numbers.check_tags(book.root)
    assert "chapters/01_toy.ipynb [3], chapters/02_toy.ipynb [1]" in problem
    assert "'toy-score' is recorded 2 times" in problem


def test_a_line_that_cannot_be_read_is_an_error(book):
    output = recorded("toy-more")
    output["data"]["text/plain"] = "about a third"
    book.chapter("02_toy", code("r()", output))
    book.toc("chapters/01_toy", "chapters/02_toy")
    (problem,) = numbers.check_tags(book.root)
    assert "the line of 'toy-more' cannot be read: 'about a third'" in problem


def test_percentages_are_read_from_the_stored_line(book):
    book.chapter(
        "02_toy",
        markdown("97.0 %<!--toy-share--> [96.2<!--toy-share.low-->, 97.7<!--toy-share.high-->]"),
        code("r()", percentage()),
    )
    book.toc("chapters/01_toy", "chapters/02_toy")
    assert numbers.check(book.root) == []
    result = notebooks.results(book.root)["toy-share"]
    assert (result.prose(), result.prose("low"), result.percent) == ("97.0 %", "96.2 %", True)


def test_fix_rewrites_prose_and_nothing_else(book):
    chapter = book.root / "chapters" / "01_toy.ipynb"
    stored, before = chapter.read_text("utf-8"), notebooks.fingerprint(book.root, chapter)
    drifted = stored.replace("0.28<!--toy-score-->", "0.55<!--toy-score-->")
    assert drifted != stored
    chapter.write_text(drifted, "utf-8")
    book.write("intro.md", "It scores 0.3<!--toy-score-->.\n")
    assert numbers.fix(book.root) == ["intro.md", "chapters/01_toy.ipynb"]
    assert chapter.read_text("utf-8") == stored
    assert (book.root / "intro.md").read_text("utf-8") == "It scores 0.28<!--toy-score-->.\n"
    assert notebooks.fingerprint(book.root, chapter) == before
    assert numbers.fix(book.root) == []


def test_the_command_lists_fixes_and_fails(book, capsys):
    assert numbers.main([], root=book.root) == 0
    assert "every number in prose is the recorded one" in capsys.readouterr().out
    book.write("intro.md", "It scores 0.3<!--toy-score-->.\n")
    assert numbers.main([], root=book.root) == 1
    assert "the prose says '0.3'" in capsys.readouterr().out
    assert numbers.main(["--fix"], root=book.root) == 0
    assert "rewritten: intro.md" in capsys.readouterr().out
