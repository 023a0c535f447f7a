"""The scripts of live figures compute what lib computes; run in Node, from playwright's package."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from playwright._impl._driver import compute_driver_executable

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "_ext"))

import book_live  # noqa: E402

from lib.evaluate import average_ranks, pearson, spearman  # noqa: E402
from lib.live import number_text  # noqa: E402
from lib.live_pairs import agreements, number_word  # noqa: E402

SCRIPTS = ROOT / "webassets" / "live"


def node(script, calls):
    """Call functions of a script in Node: ``[(name, arguments), ...]`` to the list of results."""
    program = (
        "const pure = require(process.argv[1]);"
        "const calls = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "const results = calls.map(([name, args]) => { const r = pure[name](...args);"
        "return r === undefined ? null : r; });"
        "process.stdout.write(JSON.stringify(results));"
    )
    run = subprocess.run(
        [compute_driver_executable()[0], "-e", program, str(SCRIPTS / script)],
        input=json.dumps(calls), capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.fixture(scope="module")
def data():
    return book_live.payloads(ROOT)["pair-judge"]["data"]


@pytest.fixture(scope="module")
def cosines(data):
    names = [method["name"] for method in data["methods"]]
    return {n: [pair["cosines"][i] for pair in data["pairs"]] for i, n in enumerate(names)}


def lists_with_ties(count=150):
    rng = np.random.default_rng(3)
    for _ in range(count):
        n = int(rng.integers(2, 13))
        yield (rng.integers(0, 6, n).tolist(), rng.integers(-3, 4, n).tolist())


def test_ranks_with_ties_are_those_of_lib():
    lists = [x for pair in lists_with_ties() for x in pair]
    for values, ranks in zip(lists, node("pair-judge.js", [
        ["averageRanks", [x]] for x in lists]), strict=True):  # fmt: skip
        assert ranks == average_ranks(values).tolist()


@pytest.mark.parametrize(("name", "reference"), [("pearson", pearson), ("spearman", spearman)])
def test_correlations_are_those_of_lib_and_null_where_lib_says_nan(name, reference):
    pairs = [*lists_with_ties(), ([5, 5, 5], [1, 2, 3]), ([1, 2, 3], [0, 0, 0])]
    found = node("pair-judge.js", [[name, [x, y]] for x, y in pairs])
    undefined = 0
    for (x, y), value in zip(pairs, found, strict=True):
        expected = reference(x, y)
        if np.isnan(expected):
            undefined += 1
            assert value is None
        else:
            assert value == pytest.approx(expected, abs=1e-12)
    assert 2 <= undefined < len(pairs) / 2


def many_readers(data, cosines):
    """Ratings of careful, careless, lazy, stubborn and half-finished readers."""
    rng = np.random.default_rng(7)
    n = len(data["pairs"])
    yield [5] * n
    yield [None] * n
    yield [0, 10, *[None] * (n - 2)]
    yield [min(i, 10) for i in range(n)]
    for name in cosines:
        yield [max(0, min(10, round(10 * c))) for c in cosines[name]]
        yield [int(10 * (rank - 1) / (n - 1)) for rank in average_ranks(cosines[name])]
        yield [10 - int(10 * (rank - 1) / (n - 1)) for rank in average_ranks(cosines[name])]
    for _ in range(90):
        kept = rng.random(n) < rng.choice([0.3, 0.6, 1.0])
        top = int(rng.choice([1, 3, 10]))
        yield [int(rng.integers(0, top + 1)) if k else None for k in kept]


def test_every_readers_agreement_is_the_same_in_both_languages(data, cosines):
    readers = list(many_readers(data, cosines))
    found = node("pair-judge.js", [["agreements", [ratings, data]] for ratings in readers])
    seen = {"empty": 0, "interval": 0}
    for ratings, theirs in zip(readers, found, strict=True):
        ours = agreements(ratings, cosines)
        assert [a["method"] for a in theirs] == [a.method for a in ours], ratings
        seen["empty"] += not ours
        for mine, other in zip(ours, theirs, strict=True):
            for key in ("rho", "low", "high"):
                expected = getattr(mine, key)
                if expected is None:
                    assert other[key] is None, (ratings, mine, other)
                else:
                    assert other[key] == pytest.approx(expected, abs=2e-5), (ratings, mine, other)
            assert other["apart"] is mine.apart, (ratings, mine, other)
            seen["interval"] += mine.low is not None
    assert all(seen.values()), f"the readers above must meet every case: {seen}"


def test_methods_are_told_apart_alike_in_both_languages():
    rng = np.random.default_rng(4)
    ratings = [0, 1, 2, 4, 5, 6, 8, 10]
    seen = set()
    for _ in range(30):
        columns = {
            "near": [r + float(rng.normal(0, 1)) for r in ratings],
            "far": [float(rng.normal(0, 3)) - r for r in ratings],
        }
        ((first, second),) = node("pair-judge.js", [["agreements", [ratings, toy(8, **columns)]]])
        ours = agreements(ratings, columns)
        assert [first["apart"], second["apart"]] == [a.apart for a in ours]
        seen.add(ours[1].apart)
    assert {True, False} <= seen


def test_a_method_without_an_order_is_treated_alike_in_both_languages():
    rng = np.random.default_rng(2)
    columns = {"a": [0.5] * 8, "b": [0.5] * 7 + [0.6], "c": [0.1, 0.2, 0.2, 0.2, 0.4, 0.4, 0, 0.9]}
    readers = [[int(r) for r in rng.integers(0, 3, 8)] for _ in range(40)]
    readers += [[*ratings[:3], *[None] * 5] for ratings in readers]
    found = node("pair-judge.js", [["agreements", [r, toy(8, **columns)]] for r in readers])
    for ratings, theirs in zip(readers, found, strict=True):
        ours = agreements(ratings, columns)
        assert [a["method"] for a in theirs] == [a.method for a in ours], ratings
        assert [a["rho"] is None for a in theirs] == [a.rho is None for a in ours]
        assert [a["low"] is None for a in theirs] == [a.low is None for a in ours]
        assert [a["apart"] for a in theirs] == [a.apart for a in ours]
        assert not ours or ours[-1].rho is None


def test_the_state_survives_the_address():
    rng = np.random.default_rng(1)
    readers = [[None if r > 10 else int(r) for r in rng.integers(0, 14, 12)] for _ in range(100)]
    texts = node("pair-judge.js", [["encode", [ratings]] for ratings in readers])
    assert node("pair-judge.js", [["decode", [text, 12]] for text in texts]) == readers
    assert all(set(text) <= set("0123456789a-") and len(text) <= 12 for text in texts)
    assert node("pair-judge.js", [["encode", [[None, 10, 0, None]]], ["encode", [[None] * 3]]]) == [
        "-a0", "",
    ]  # fmt: skip


GARBAGE = [
    "",
    "xyz",
    "5" * 400,
    "é5\U0001f600",
    "B-1",
    "<script>",
    "null",
    "10",
    " 7",
    "--------------",
]


def test_garbage_in_the_address_is_no_rating():
    found = node("pair-judge.js", [["decode", [text, 4]] for text in GARBAGE])
    assert found == [
        [None] * 4, [None] * 4, [5] * 4, [None, 5, None, None], [None, None, 1, None], [None] * 4,
        [None] * 4, [1, 0, None, None], [None, 7, None, None], [None] * 4,
    ]  # fmt: skip
    assert node("pair-judge.js", [["decode", [None, 2]], ["decode", [{}, 2]]]) == [[None] * 2] * 2


def test_the_next_pair_is_the_next_unrated_one_going_round():
    calls = [["nextUnrated", [[None, 1, None, 2], at]] for at in range(4)]
    assert node("pair-judge.js", [*calls, ["nextUnrated", [[1, 2], 0]]]) == [2, 2, 0, 0, None]


def conclusion(data, ratings):
    (words,) = node("pair-judge.js", [["conclude", [ratings, data]]])
    return words["verdict"], words["doubt"]


def test_plain_words_for_each_state_of_knowledge(data, cosines):
    none = [None] * 12
    assert conclusion(data, [5, *none[1:]])[0].startswith("Two more pairs, and you see which")
    assert conclusion(data, [5, 6, *none[2:]])[0].startswith("One more pair, and you see which")
    assert conclusion(data, [5] * 12) == (
        "You gave all twelve pairs the same rating.",
        "Without a difference there is no order, so no method can agree or disagree with you.",
    )
    verdict, doubt = conclusion(data, [8, 1, 3, *none[3:]])
    assert verdict.endswith("nearest to your order so far.")
    assert doubt == "Provisional: from six pairs on there is an interval."
    like_minilm = [max(0, round(10 * c)) for c in cosines["minilm"]]
    verdict, doubt = conclusion(data, like_minilm)
    assert verdict == "MiniLM comes nearest to your order."
    assert doubt.startswith("Twelve pairs ")
    against = [10 - max(0, round(10 * c)) for c in cosines["minilm"]]
    assert "No method puts the pairs in an order like yours." in conclusion(data, against)


def toy(n, **cosines):
    """Data of ``n`` pairs with made-up cosines."""
    columns = list(cosines.values())
    return {
        "pairs": [{"cosines": [c[i] for c in columns]} for i in range(n)],
        "methods": [{"name": name, "label": name.upper()} for name in cosines],
        "fewest": 3, "fewestForInterval": 6, "quantiles": {"8": [2.364624, 4.029337]}, "top": 10,
    }  # fmt: skip


def test_words_say_which_methods_are_told_apart_and_which_are_not():
    ratings = [0, 1, 2, 4, 5, 6, 8, 10]
    near, close = [0, 1, 3, 2, 4, 5, 6, 7], [1, 0, 2, 3, 5, 4, 6, 7]
    back = [8, 7, 6, 5, 4, 3, 1, 2]
    assert conclusion(toy(8, a=near, b=back), ratings) == (
        "A comes nearest to your order.", "Eight pairs are enough to tell it from all the others.",
    )  # fmt: skip
    verdict, doubt = conclusion(toy(8, a=near, b=back, c=close), ratings)
    assert verdict == "A comes nearest to your order."
    assert doubt == "Eight pairs tell it from B, but not from C."
    assert conclusion(toy(8, a=near, c=close), ratings)[1] == "Eight pairs cannot tell it from C."
    assert conclusion(toy(8, a=near, b=near), ratings) == (
        "A and B come nearest to your order.", "Eight pairs cannot tell the methods apart.",
    )  # fmt: skip
    flat = [1] * 8
    assert "all cosines are equal" in conclusion(toy(8, a=flat, b=flat), ratings)[0]


def test_an_order_that_has_nothing_to_do_with_the_readers_is_none_like_it():
    data = toy(8, a=[2, 5, 3, 1, 4, 0, 0, 0])  # the first five: products of ranks cancel
    ratings = [1, 2, 3, 4, 5, None, None, None]
    (found,) = node("pair-judge.js", [["agreements", [ratings, data]]])
    assert [entry["rho"] for entry in found] == [0]
    verdict, _ = conclusion(data, ratings)
    assert verdict == "No method puts the pairs in an order like yours."


def test_every_answer_is_spoken(data):
    pair = data["pairs"][6]
    program = (
        "const judge = require(process.argv[1]); const live = require(process.argv[2]);"
        "const [pair, data] = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "process.stdout.write(judge.answers(0, pair, data, live.format));"
    )
    run = subprocess.run(
        [compute_driver_executable()[0], "-e", program,
         str(SCRIPTS / "pair-judge.js"), str(SCRIPTS / "live.js")],
        input=json.dumps([pair, data]), capture_output=True, encoding="utf-8", check=True,
    )  # fmt: skip
    assert run.stdout == (
        "You 0 of 10; One-hot 0.00, Counts 0.00, TF-IDF 0.00, GloVe 0.74, MiniLM \u22120.10."
    )


def test_ratings_have_words_from_end_to_end():
    words = node("pair-judge.js", [["inWords", [r]] for r in range(11)])
    assert words[0] == "nothing to do with each other" and words[10] == "mean the same"
    assert len(set(words)) == 7 and words[5] == "rather similar"
    numbers = node("pair-judge.js", [["numberWord", [n]] for n in range(15)])
    assert numbers == [number_word(n) for n in range(15)]


def test_numbers_are_written_with_a_true_minus_and_never_a_minus_zero():
    found = node("live.js", [["format", [x]] for x in (0.276, -0.104, -0.004, 1, -1)])
    assert found == ["0.28", "\u22120.10", "0.00", "1.00", "\u22121.00"]
    assert node("live.js", [["format", [2.75, 1]], ["format", [-7, 0]]]) == ["2.8", "\u22127"]


def test_a_number_halfway_between_two_is_written_as_in_the_table_below():
    halfway = [k / 8 for k in range(-41, 42)]
    near = [0.065, 0.045, 1.005, 0.285, -0.135, 2.675]
    found = node("live.js", [["format", [x]] for x in halfway + near])
    assert found == [number_text(float(x)) for x in halfway + near]
    assert "0.12" in found and "0.38" in found


def test_whole_numbers_counts_lists_and_shares_are_written_as_in_prose():
    numbers = [0, 7, 999, 1000, 12345, 6882701]
    assert node("live.js", [["whole", [n]] for n in numbers]) == [f"{n:,}" for n in numbers]
    calls = [["plural", [n, "word", "words"]] for n in (0, 1, 2000)]
    assert node("live.js", calls) == ["0 words", "1 word", "2,000 words"]
    lists = [["listed", [x]] for x in ([], ["a"], ["a", "b"], ["a", "b", "c"])]
    assert node("live.js", lists) == ["", "a", "a and b", "a, b and c"]
    shares = [0, 0.005, 0.015, 0.314, 1]  # halves go to the even number, as in Python
    found = node("live.js", [["percent", [share]] for share in shares])
    assert found == [f"{100 * share:.0f} %" for share in shares] == [
        "0 %", "0 %", "2 %", "31 %", "100 %",
    ]  # fmt: skip


def test_a_slider_has_a_place_for_every_step_and_takes_the_nearest_for_what_lies_between():
    assert node("live.js", [["steps", [0, 1, 0.05]], ["steps", [0, 3, 0.1]]]) == [
        [i / 20 for i in range(21)], [round(i * 0.1, 1) for i in range(31)],
    ]  # fmt: skip
    values = [1, 2, 4, 8]
    asked = [1, 2, 3, 5, 6, 7, 99, -4]
    found = node("live.js", [["nearest", [values, value]] for value in asked])
    assert found == [0, 1, 1, 2, 2, 3, 3, 0]


def test_a_figure_changes_its_own_part_of_the_address_only():
    calls = [
        ["writeQuery", ["?highlight=tfidf", "pair-judge", "5-a"]],
        ["writeQuery", ["?pair-judge=5&b=2", "pair-judge", ""]],
        ["writeQuery", ["?pair-judge=5", "pair-judge", ""]],
        ["writeQuery", ["", "x", "a&b=c"]],
        ["readQuery", ["?x=a%26b%3Dc", "x"]],
        ["readQuery", ["?y=1", "x"]],
    ]
    assert node("live.js", calls) == [
        "?highlight=tfidf&pair-judge=5-a", "?b=2", "", "?x=a%26b%3Dc", "a&b=c", "",
    ]  # fmt: skip


# What live.js needs of a page, and no more: a figure, a body, a head, listeners.
PAGE = """
const heard = {}; const said = [];
const node = () => ({ setAttribute() {}, append() {}, remove() { this.removed = true; } });
const figure = {
  dataset: { live: "dice" }, classes: [], querySelector: () => null,
  insertBefore(stage) { this.stage = stage; },
};
figure.classList = { add: (name) => figure.classes.push(name) };
const box = { open: false };
global.window = { addEventListener: (name, f) => { heard[name] = f; } };
global.document = {
  readyState: "loading", body: node(), head: { append: (script) => { document.script = script; } },
  createElement: node, querySelector: () => null,
  querySelectorAll: (what) => (what.startsWith("figure") ? [figure] : [box].filter((b) => !b.open)),
  addEventListener: (name, f) => { heard[name] = f; },
};
console.error = (error) => said.push(error.message);
const source = require("fs").readFileSync(process.argv[1], "utf8");
new Function("module", "window", source)(undefined, window);
const live = window.EmbeddingsTested.live;
const tell = (value) => process.stdout.write(JSON.stringify(value));
"""


def on_a_page(program):
    """Run live.js as a page does, then a program that tells what it found."""
    run = subprocess.run(
        [compute_driver_executable()[0], "-e", PAGE + program, str(SCRIPTS / "live.js")],
        capture_output=True, encoding="utf-8", check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@pytest.mark.parametrize(
    ("arrived", "missing"),
    [
        ("live.register('dice', {mount() {}});", "dice.data.js"),
        ("live.data('dice', {});", "dice.js"),
    ],
)
def test_a_figure_of_which_a_file_does_not_arrive_keeps_its_table(arrived, missing):
    found = on_a_page(f"{arrived} heard.DOMContentLoaded(); tell([figure.classes, said, figure]);")
    assert found[0] == ["live-failed"], "else live.css hides the table for good"
    assert missing in found[1][0] and "mounted" not in found[2]["dataset"]


def test_a_figure_that_fails_while_it_is_drawn_keeps_its_table_too():
    found = on_a_page(
        "live.register('dice', {mount() { throw new Error('no'); }}); live.data('dice', {});"
        "heard.DOMContentLoaded(); tell([figure.classes, said, figure.stage.removed]);"
    )
    assert found == [["live-failed"], ["no"], True]


def test_the_numbers_are_unfolded_on_paper_and_folded_again_afterwards():
    found = on_a_page(
        "const seen = [box.open]; heard.beforeprint(); seen.push(box.open);"
        "heard.afterprint(); seen.push(box.open); tell(seen);"
    )
    assert found == [False, True, False]


def test_what_a_reader_unfolded_stays_unfolded_after_printing():
    found = on_a_page("box.open = true; heard.beforeprint(); heard.afterprint(); tell(box.open);")
    assert found is True


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ("live.large('dice', 6); script.onload();", 6),
        ("script.onload();", "dice.large.js holds no data"),
        ("script.onerror();", "dice.large.js could not be loaded"),
    ],
)
def test_large_data_arrive_or_the_reader_is_told(event, expected):
    found = on_a_page(
        "const asked = live.loadLarge('dice'); const { script } = document;"
        f"{event} asked.then(tell, (error) => tell(error.message));"
    )
    assert found == expected or (isinstance(found, str) and found.startswith(str(expected)))
