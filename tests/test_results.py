"""Numbers are computed, printed, read back and judged in one way only."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, stats

from lib import results
from lib.evaluate import Estimate, Pairs, bootstrap, jackknife
from lib.results import (
    Claim,
    ClaimError,
    ConditionError,
    Result,
    VerdictError,
    check_verdict,
    cite_label,
    condition_keys,
    decimals,
    evaluate_condition,
    fill,
    format_estimate,
    format_line,
    format_number,
    leaderboard,
    load_claims,
    parse_line,
    payload,
    record,
    session,
    trial,
    verdict,
)

ROOT = Path(__file__).resolve().parent.parent
VOTES = [1, 0, 1, 1, 0, 1, 1, 1, 0, 1, 1, 1]


@pytest.fixture(autouse=True)
def _empty_session():
    results.forget()
    yield
    results.forget()


@pytest.fixture
def shown(monkeypatch):
    """What would be displayed in a notebook, one bundle an output."""
    bundles = []

    class Shell:
        execution_count = 7

    monkeypatch.setattr(results, "get_ipython", Shell)
    monkeypatch.setattr(results, "display", lambda b, raw: bundles.append((b, raw)))
    return bundles


def estimate(value, low, high, *, n=50, level=0.95, method="bootstrap"):
    return Estimate(value, low, high, level, n, "documents", method)


def result(key, value, low=None, high=None, *, digits=2, percent=False, kind="bootstrap", n=50):
    low, high = (value if x is None else x for x in (low, high))
    return Result(
        value, low, high, 0.95, n, "documents", "exact" if kind == "exact" else "bootstrap",
        key=key, kind=kind, digits=digits, percent=percent,
    )  # fmt: skip


# ------------------------------------------------------------------------------------ record


def test_a_number_is_the_statistic_of_its_data_with_the_bootstrap_interval_of_the_key():
    data = np.random.default_rng(5).normal(size=12)
    r = record("noise", np.mean, data, unit="draws", digits=9)
    rng = np.random.default_rng(zlib.crc32(b"noise"))
    e = bootstrap(np.mean, data, rng=rng, n_resamples=2000, unit="draws", level=0.95)
    assert (r.value, r.low, r.high) == pytest.approx((e.value, e.low, e.high), abs=1e-11)
    assert (r.n, r.unit, r.level, r.kind) == (12, "draws", 0.95, "bootstrap")
    assert r.method == e.method


def test_the_same_key_and_data_give_the_same_interval_and_another_key_another():
    a = record("first-key", np.mean, VOTES, unit="votes", digits=6)
    assert a == record("first-key", np.mean, VOTES, unit="votes", digits=6)
    data = np.random.default_rng(0).normal(size=40)
    b = record("one", np.mean, data, unit="votes", digits=6)
    c = record("two", np.mean, data, unit="votes", digits=6)
    assert b.value == c.value and (b.low, b.high) != (c.low, c.high)


def test_a_passed_generator_and_number_of_resamples_are_used():
    data = np.arange(20.0)
    r = record("k", np.mean, data, unit="x", digits=6, rng=np.random.default_rng(3), n_resamples=50)
    e = bootstrap(np.mean, data, rng=np.random.default_rng(3), n_resamples=50, unit="x")
    assert (r.low, r.high) == pytest.approx((e.low, e.high), abs=1e-8)


def test_two_paired_lists_are_resampled_together():
    x = np.arange(30.0)
    r = record("paired", lambda a, b: float(np.mean(a - b)), x, x - 1, unit="pairs")
    assert (r.value, r.low, r.high) == (1.0, 1.0, 1.0)


def test_jackknife_records_equal_lib_evaluate():
    r = record("votes", np.mean, VOTES, unit="votes", kind="jackknife", digits=9)
    e = jackknife(np.mean, VOTES, unit="votes")
    assert (r.value, r.low, r.high) == pytest.approx((e.value, e.low, e.high), abs=1e-11)
    assert r.kind == "jackknife"


def test_over_seeds_the_interval_is_students_t_of_the_runs():
    scores = [0.50, 0.53, 0.49, 0.56]
    r = record("runs", float, scores, unit="seeds", kind="seeds", digits=9)
    low, high = stats.ttest_1samp(scores, 0).confidence_interval(0.95)
    assert (r.value, r.low, r.high) == pytest.approx((np.mean(scores), low, high), abs=1e-10)
    assert (r.n, r.method) == (4, "Student's t over runs")


def test_over_seeds_the_statistic_sees_one_run_at_a_time():
    r = record("runs", lambda a, b: a * b, [1, 2, 3], [4, 5, 6], unit="seeds", kind="seeds")
    assert r.value == pytest.approx((4 + 10 + 18) / 3, abs=0.1)


def test_an_exact_number_has_no_interval_and_says_so():
    r = record("words", len, ["a"] * 24583, unit="words", kind="exact")
    assert str(r) == "words = 24,583 (exact)"
    assert (r.value, r.low, r.high, r.level, r.n) == (24583, 24583, 24583, 1.0, 24583)


def test_documents_not_pairs_are_the_units_of_a_similarity_matrix():
    M = np.random.default_rng(1).random((6, 6))
    pairs = Pairs(M + M.T)
    assert record("mean-similarity", np.mean, pairs, unit="documents").n == 6
    exact = record("pairs", len, pairs, unit="documents", kind="exact")
    assert (exact.value, exact.n) == (15, 6)


def test_a_sparse_matrix_has_as_many_units_as_rows():
    X = sparse.csr_array(np.eye(3, 5))
    assert record("rows", lambda X: X.sum(), X, unit="documents", kind="exact").n == 3


def test_values_are_kept_with_two_digits_more_than_printed():
    r = record("third", lambda x: 1 / 3, [1, 2], unit="x", kind="exact", digits=2)
    assert r.value == 0.3333
    p = record("third", lambda x: 1 / 3, [1, 2], unit="x", kind="exact", digits=1, percent=True)
    assert (p.value, str(p)) == (0.33333, "third = 33.3 % (exact)")


def test_the_session_remembers_the_latest_record_of_each_key_and_lends_a_copy():
    record("a", len, [1], unit="x", kind="exact")
    record("b", len, [1], unit="x", kind="exact")
    latest = record("a", len, [1, 2], unit="x", kind="exact")
    assert session() == {"a": latest, "b": session()["b"]}
    session().clear()
    assert set(session()) == {"a", "b"}


def test_recording_shows_one_output_with_the_line_and_the_numbers(shown):
    r = record("votes", np.mean, VOTES, unit="votes")
    [(bundle, raw)] = shown
    assert raw
    assert set(bundle) == {"text/plain", "application/vnd.embeddings-tested.result+json"}
    assert bundle["text/plain"] == format_line(r) == str(r)
    stored = json.loads(json.dumps(bundle["application/vnd.embeddings-tested.result+json"]))
    assert stored == {
        "key": "votes", "value": r.value, "low": r.low, "high": r.high, "level": 0.95, "n": 12,
        "unit": "votes", "method": "percentile bootstrap", "kind": "bootstrap",
        "digits": r.digits, "percent": False,
    }  # fmt: skip
    assert payload(replace(r, percent=True))["percent"] is True


def test_a_result_at_the_end_of_its_own_cell_is_not_shown_twice(shown):
    r = record("votes", np.mean, VOTES, unit="votes")
    r._ipython_display_()
    assert len(shown) == 1 and r.cell == 7
    replace(r, cell=6)._ipython_display_()
    parse_line("a = 1 (exact)")._ipython_display_()
    assert [b["text/plain"] for b, _ in shown[1:]] == [str(r), "a = 1 (exact)"]
    assert set(shown[1][0]) == {"text/plain"}


def test_in_a_real_shell_a_cell_shows_each_number_once():
    script = """
import json
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
shell = InteractiveShell.instance()
found = []
for cell in (
    "from lib.results import record, trial",
    "r = record('a', len, [1, 2], unit='x', kind='exact')\\nr",
    "r",
    "trial(5)",
):
    with capture_output() as out:
        assert shell.run_cell(cell, store_history=True).success
    found.append([sorted(o.data) for o in out.outputs] or out.stdout)
print(json.dumps(found))
"""
    run = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, encoding="utf-8", check=True
    )
    line = "application/vnd.embeddings-tested.result+json"
    assert json.loads(run.stdout.splitlines()[-1]) == [
        "",
        [[line, "text/plain"]],
        [["text/plain"]],
        [["text/markdown", "text/plain"]],
    ]


@pytest.mark.parametrize("bare", [0.97, 97, np.float64(0.97), np.array([0.9]), "0.97", None])
def test_a_bare_number_is_refused(bare):
    with pytest.raises(TypeError, match=r"record\('r8'\).*bare value.*np\.mean"):
        record("r8", bare, VOTES, unit="votes")


@pytest.mark.parametrize("datum", [0.97, 5, np.float64(3), np.array(3.0), "a text", b"x", None])
def test_data_without_a_length_are_refused(datum):
    with pytest.raises(TypeError, match="has no length"):
        record("r8", lambda x: 0.97, datum, unit="votes")


def test_a_number_from_no_data_is_refused():
    with pytest.raises(TypeError, match="no data"):
        record("r8", lambda: 0.97, unit="votes")


def test_an_interval_needs_two_units_and_a_count_one():
    with pytest.raises(ValueError, match="1 unit"):
        record("k", np.mean, [1.0], unit="x")
    with pytest.raises(ValueError, match="1 unit"):
        record("k", float, [1.0], unit="x", kind="seeds")
    with pytest.raises(ValueError, match="0 unit"):
        record("k", len, [], unit="x", kind="exact")
    assert record("k", np.mean, [1.0, 2.0], unit="x").n == 2
    assert record("k", len, [1.0], unit="x", kind="exact").n == 1


def test_lists_of_different_lengths_are_refused_unless_exact():
    with pytest.raises(ValueError, match=r"different lengths: \[2, 3\]"):
        record("k", lambda a, b: 0.0, [1, 2], [1, 2, 3], unit="x")
    r = record("k", lambda a, b: len(b) - len(a), [1, 2], [1, 2, 3], unit="x", kind="exact")
    assert (r.value, r.n) == (1, 2)


@pytest.mark.parametrize("key", ["", "R8", "r8_tfidf", "r8--tfidf", "-r8", "r8-", "2024", "a b", 5])
def test_a_malformed_key_is_refused(key):
    with pytest.raises(ValueError, match="is no result key"):
        record(key, np.mean, VOTES, unit="votes")


@pytest.mark.parametrize("key", ["r8", "20ng-tfidf", "lee50-minilm-minus-tfidf", "a"])
def test_words_and_digits_joined_by_hyphens_are_a_key(key):
    assert record(key, np.mean, VOTES, unit="votes").key == key


def test_an_unknown_kind_and_absurd_digits_are_refused():
    with pytest.raises(ValueError, match="'guess' is not one of bootstrap, jackknife"):
        record("k", np.mean, VOTES, unit="votes", kind="guess")
    for digits in (-1, 10):
        with pytest.raises(ValueError, match="between 0 and 9"):
            record("k", np.mean, VOTES, unit="votes", digits=digits)
    assert record("k", np.mean, VOTES, unit="votes", digits=0).digits == 0


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_what_is_not_finite_is_no_number(value):
    with pytest.raises(ValueError, match=r"record\('k'\): the value"):
        record("k", lambda x: value, [1], unit="x", kind="exact")
    assert session() == {}


# ---------------------------------------------------------------------------- printing, reading


@pytest.mark.parametrize(
    ("value", "low", "high", "expected"),
    [
        (0.28, 0.11, 0.44, "0.28 [0.11, 0.44]"),
        (0.9698, 0.9622, 0.9772, "0.970 [0.962, 0.977]"),
        (0.5, 0.1, 0.9, "0.50 [0.10, 0.90]"),  # standard error 0.204: two digits
        (0.5, -0.3, 1.3, "0.5 [-0.3, 1.3]"),  # 0.408: one
        (12.3, 2.3, 22.3, "12 [2, 22]"),
        (24583.4, 23000.0, 26000.0, "24,583 [23,000, 26,000]"),
        (0.0, -0.002, 0.002, "0.0000 [-0.0020, 0.0020]"),
        (-0.0001, -0.8, 0.8, "0.0 [-0.8, 0.8]"),
        (1.0, 1.0, 1.0, "1.00 [1.00, 1.00]"),
    ],
)
def test_a_number_has_the_digits_that_its_interval_supports(value, low, high, expected):
    assert format_estimate(estimate(value, low, high)) == expected


def test_a_percentage_loses_two_decimals():
    assert format_estimate(estimate(0.9698, 0.9622, 0.9772), percent=True) == "97.0 % [96.2, 97.7]"
    assert format_estimate(estimate(1.0, 1.0, 1.0), percent=True) == "100.0 % [100.0, 100.0]"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (0.0354, 3), (0.0356, 2), (0.0100, 3), (0.0949, 2), (0.0951, 2), (0.0999, 2),
        (0.949, 1), (0.951, 1), (0.354, 2), (3.54, 1), (3.56, 0), (9.4, 0), (9.6, 0), (40.0, 0),
        (1e-9, 6),
    ],
)  # fmt: skip
def test_the_standard_error_earns_one_or_two_digits(error, expected):
    half = error * stats.norm.ppf(0.975)
    assert decimals(estimate(0.0, -half, half)) == expected
    wider = error * stats.norm.ppf(0.995)
    assert decimals(estimate(0.0, -wider, wider, level=0.99)) == expected


def test_exact_values_are_whole_or_have_three_decimals():
    def exact(value, percent=False):
        return decimals(estimate(value, value, value, method="exact"), percent=percent)

    assert [exact(3.0), exact(1 / 3), exact(0.25, True), exact(1 / 3, True)] == [0, 3, 0, 1]
    assert exact(0.29, True) == 0  # 0.29 * 100 is not 29 in floating point


def test_numbers_have_thousands_separators_and_no_negative_zero():
    assert format_number(1234567.891, 2) == "1,234,567.89"
    assert format_number(-0.004, 2) == "0.00"
    assert format_number(-1234.5, 1) == "-1,234.5"
    assert format_number(0.1234, 1, percent=True) == "12.3 %"


def test_a_recorded_result_keeps_its_own_digits_and_percent():
    r = result("k", 0.5, 0.4, 0.6, digits=3, percent=True)
    assert format_estimate(r) == "50.000 % [40.000, 60.000]"
    assert format_estimate(r, digits=0) == "50 % [40, 60]"


def test_the_printed_line_is_read_back():
    r = parse_line("  r8-tfidf = 97.0 % [96.2, 97.7] (n = 2,189 documents)\n")
    assert (r.key, r.value, r.low, r.high, r.n) == ("r8-tfidf", 0.97, 0.962, 0.977, 2189)
    assert (r.unit, r.percent, r.digits, r.kind, r.level) == (
        "documents",
        True,
        1,
        "bootstrap",
        0.95,
    )
    r = parse_line("a-b = -1,024 (exact)")
    assert (r.value, r.low, r.high, r.kind, r.digits, r.percent) == (-1024,) * 3 + (
        "exact",
        0,
        False,
    )
    assert (r.level, r.n, r.unit, r.method) == (1.0, 0, "", "exact")
    assert parse_line("k = 0.28 [-0.11, 0.44] (n = 50 word pairs)").unit == "word pairs"


keys = st.from_regex(r"[a-z][a-z0-9]{0,5}(-[a-z0-9]{1,5}){0,2}", fullmatch=True)


@given(
    key=keys,
    ends=st.tuples(*[st.floats(-1e6, 1e6)] * 3).map(sorted),
    n=st.integers(2, 10**6),
    digits=st.integers(0, 6),
    percent=st.booleans(),
    exact=st.booleans(),
)
def test_what_is_printed_is_read_back_to_the_printed_digits(key, ends, n, digits, percent, exact):
    low, value, high = [round(x, digits + 2 * percent) for x in ends]
    kind = "exact" if exact else "bootstrap"
    made = result(key, value, *((value, value) if exact else (low, high)), digits=digits,
                  percent=percent, kind=kind, n=n)  # fmt: skip
    back = parse_line(format_line(made))
    assert format_line(back) == format_line(made)
    assert (back.value, back.low, back.high) == pytest.approx((made.value, made.low, made.high))
    assert (back.key, back.digits, back.percent, back.kind) == (key, digits, percent, kind)


@pytest.mark.parametrize(
    "text",
    [
        "k = 0.28", "k = 0.28 [0.11, 0.44]", "k = 0.28 [0.11] (n = 5 x)", "K = 1 (exact)",
        "k = 1 (exact", "k=1 (exact)", "k = 1234 (exact)", "k = 1 (exact)\nl = 2 (exact)",
        "k = 0.2 [0.1, 0.3] (n = 50)", "", "= 1 (exact)", "k = .5 (exact)", "12 = 1 (exact)",
    ],
)  # fmt: skip
def test_another_line_is_no_result(text):
    with pytest.raises(ValueError, match="is not the line of a result"):
        parse_line(text)


# ---------------------------------------------------------------------------------- conditions

FOUND = {
    "a-b": result("a-b", 0.5, 0.4, 0.7),
    "c": result("c", 0.2, -0.1, 0.3),
    "20ng-x": result("20ng-x", 4.0, 3.0, 5.0),
}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("a-b > 0.49", True), ("a-b.value > 0.5", False), ("a-b >= 0.5", True),
        ("a-b.low > 0.39", True), ("a-b.low > 0.4", False), ("a-b.high < 0.71", True),
        ("a-b.high < 0.7", False), ("a-b.high <= .7", True), ("a-b == 0.5", True),
        ("a-b != 0.5", False), ("c.low < 0", True), ("a-b - c > 0.29", True),
        ("a-b - c > 0.31", False), ("a-b + c < 0.71", True), ("a-b + c > 0.69", True),
        ("a-b * 20ng-x == 2", True), ("20ng-x / a-b == 8", True), ("a-b.low > c.high", True),
        ("abs(c.low) < 0.11", True), ("abs(c.low) > 0.09", True), ("abs(c - a-b) < 0.31", True),
        ("-c < 0", True), ("+c > 0", True), ("0 < c < 1", True), ("0 < c.low < 1", False),
        ("c < a-b < 20ng-x", True), ("c > 0 and a-b > 1", False), ("c > 0 or a-b > 1", True),
        ("c < 0 or a-b > 1", False), ("c > 0 and a-b > 0", True), ("not c > 1", True),
        ("not (c > 0 or a-b > 1)", False), ("c < 0 and c > 9 or a-b > 0", True),
        ("(a-b - c) * 10 > 2.9", True), ("a-b - (c - c) > 0.4", True), ("1 - 2 - 3 < -3", True),
        ("c > -1e-3", True), ("20ng-x.low == 3 and 2e1 == 20", True), ("  c>0  ", True),
    ],
)  # fmt: skip
def test_conditions_mean_what_they_say(expression, expected):
    assert evaluate_condition(expression, FOUND) is expected


def test_the_keys_of_a_condition_are_found():
    assert condition_keys("a-b.low - c > 0 and not abs(20ng-x) < 3") == {"a-b", "c", "20ng-x"}
    assert condition_keys("1 < 2") == set()
    assert condition_keys("1 / (c - a-b) > 0") == {"c", "a-b"}
    with pytest.raises(ConditionError, match="not a comparison"):
        condition_keys("c")


def test_an_unknown_key_is_named_with_those_that_are_known():
    with pytest.raises(ConditionError, match=r"'a-c'.*not recorded \(recorded: 20ng-x, a-b, c;"):
        evaluate_condition("a-c > 0", FOUND)
    with pytest.raises(ConditionError, match="recorded: none"):
        evaluate_condition("a > 0", {})
    with pytest.raises(ConditionError, match="a minus needs a space"):
        evaluate_condition("c-c > 0", FOUND)


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("c", "not a comparison"), ("c + 1", "not a comparison"), ("1", "not a comparison"),
        ("c.mean > 0", "use .value, .low or .high"), ("c >", "no expression"),
        ("", "no expression"),
        ("c ** 2 > 0", "no expression|only keys"), ("c // 2 > 0", "no expression|only keys"),
        ("abs() > 0", "takes one"), ("abs(c, c) > 0", "cannot read|takes one"),
        ("__import__('os') > 0", "cannot read"), ("c > 'x'", "cannot read"),
        ("c > A", "cannot read"),
        ("c is 1", "is.*not recorded|no expression"), ("c % 2 > 0", "cannot read"),
        ("(c > 0) > 0", "only keys"), ("(c > 0) + 1 > 0", "only keys"),
        ("not c", "not a comparison"),
        ("c > 0 and c", "not a comparison"), ("c / (c - c) > 0", "divides by zero"),
        ("c.low.high > 0", "cannot read"), ("c > 0 if c else c", "."),
        ("(c)(c) > 0", "only keys"), ("abs > 0", "only keys"),
    ],
)  # fmt: skip
def test_what_is_no_condition_is_refused(expression, message):
    with pytest.raises(ConditionError, match=message):
        evaluate_condition(expression, FOUND)


# ------------------------------------------------------------------------------------- claims

DECIDED = Claim(
    number=5, statement="Ten thousand\n zeros.", owner=2, later=(), evidence=("proof", "run"),
    verdict="wrong", because="There are {zeros} of them, at least {share.low}.",
    results=("zeros", "share"), cites=("SparckJones1972", "Levy2015"),
    stands_while="zeros < 10000", flips_if="{zeros} <were> another number.",
)  # fmt: skip
RECORDS = {
    "zeros": result("zeros", 9999.0, kind="exact", digits=0),
    "share": result("share", 0.97, 0.962, 0.977, percent=True, digits=1),
}


def write(path, *entries):
    path.write_text(yaml.safe_dump(list(entries)), encoding="utf-8")
    return path


def entry(**changes):
    values = {name: getattr(DECIDED, name) for name in Claim.__dataclass_fields__} | changes
    return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}


def test_all_42_statements_are_there_once_with_an_owner_and_no_verdict_out_of_thin_air():
    claims = load_claims()
    assert list(claims) == list(range(1, 43))
    assert {c.owner for c in claims.values()} <= set(range(1, 17))
    for claim in claims.values():
        assert claim.statement.endswith(".") and claim.flips_if
        assert (claim.verdict is None) <= (claim.because is None and claim.results == ())


def test_each_statement_is_owned_as_planned():
    plan = {
        1: [1, 4, 42], 2: [5, 6, 7], 3: [8, 9, 10, 11, 12], 4: [13], 5: [14, 15, 18, 20],
        6: [17, 21, 37], 7: [16], 8: [19], 9: [2], 10: [22, 23, 24, 25, 26], 12: [3, 27],
        13: [39], 14: [33], 15: [28, 29, 30, 31, 34, 35, 36, 38, 41], 16: [32, 40],
    }  # fmt: skip
    found = {}
    for claim in load_claims().values():
        found.setdefault(claim.owner, []).append(claim.number)
    assert found == plan


def test_every_source_of_a_statement_is_in_the_bibliography():
    from pybtex.database import parse_file

    known = set(parse_file(str(ROOT / "references.bib"), encoding="utf-8").entries)
    cited = {key for claim in load_claims().values() for key in claim.cites}
    assert cited and cited <= known
    for key in known:
        assert cite_label(key)[-5:].strip("abc ").isdigit()


def test_every_work_has_what_its_kind_needs():
    from pybtex.database import parse_file

    place = {
        "article": "journal", "inproceedings": "booktitle", "book": "publisher",
        "phdthesis": "school", "misc": "howpublished", "incollection": "booktitle",
    }  # fmt: skip
    for key, work in parse_file(str(ROOT / "references.bib"), encoding="utf-8").entries.items():
        assert work.persons["author"], key
        assert {"title", "year", place[work.type]} <= set(work.fields), key
        assert work.fields["year"] in key
        first = "".join(work.persons["author"][0].last_names)
        assert first.startswith("{\\") or key[:2] == first.strip("{}")[:2], key


def test_the_statements_lie_beside_the_package():
    assert results.claims_path() == ROOT / "data" / "claims.yml"


def test_a_missing_file_says_how_to_install(tmp_path):
    with pytest.raises(ClaimError, match=r"claims\.yml is missing.*--editable"):
        load_claims(tmp_path / "claims.yml")


def test_a_well_formed_file_is_read(tmp_path):
    assert load_claims(write(tmp_path / "c.yml", entry())) == {5: DECIDED}


def test_a_file_that_is_no_list_or_names_a_number_twice_is_refused(tmp_path):
    (tmp_path / "c.yml").write_text("number: 5\n", encoding="utf-8")
    with pytest.raises(ClaimError, match="must be a list"):
        load_claims(tmp_path / "c.yml")
    with pytest.raises(ClaimError, match="statement 5 stands twice"):
        load_claims(write(tmp_path / "c.yml", entry(), entry()))
    with pytest.raises(ClaimError, match="statement \\?: missing"):
        load_claims(write(tmp_path / "c.yml", "x"))


UNDECIDED = {
    "verdict": None, "because": None, "results": [], "stands_while": None, "flips_if": "Odd.",
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"extra": 1}, "statement 5: missing \\[\\], unknown \\['extra'\\]"),
        ({"number": 0}, "no positive integer"),
        ({"number": "5"}, "no positive integer"),
        ({"statement": " "}, "statement is empty"),
        ({"later": None}, "later must be a list"),
        ({"evidence": "run"}, "evidence must be a list"),
        ({"owner": 18}, "chapter 18 is not between 0 and 17"),
        ({"owner": -1}, "chapter -1"),
        ({"later": [18]}, "chapter 18"),
        ({"later": [2]}, "must come after the owner, 2"),
        ({"later": [1]}, "must come after"),
        ({"evidence": ["hearsay"]}, "'hearsay' is not one of"),
        ({"results": ["Zeros", "zeros"]}, "'Zeros' is no result key"),
        ({"evidence": ["published"], "cites": []}, "needs its source"),
        ({"evidence": ["run", "published"], "cites": []}, "needs its source"),
        ({"stands_while": "ones > 0"}, "speaks of \\['ones'\\]"),
        ({"stands_while": "zeros"}, "not a comparison"),
        ({"stands_while": "zeros >"}, "no expression"),
        ({"verdict": "right"}, "'right' is not one of holds"),
        ({"because": None}, "needs because"),
        ({"flips_if": ""}, "needs flips_if"),
        ({"because": "It is {ones}."}, "because speaks of \\['ones'\\]"),
        ({"flips_if": "It is {ones.low}."}, "flips_if speaks of \\['ones'\\]"),
        ({"because": "It is 97.0 %."}, "'97.0' is typed"),
        ({"because": "It is 97 %."}, "'97 %' is typed"),
        ({"flips_if": "Above 5%."}, "'5%' is typed"),
        ({"verdict": "untestable"}, "untestable statement has no stands_while"),
        ({"evidence": []}, "needs evidence"),
        ({"stands_while": None}, "needs results and stands_while"),
        ({"stands_while": None, "evidence": ["proof"]}, "needs results and stands_while"),
    ],
)
def test_a_malformed_statement_is_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        load_claims(write(tmp_path / "c.yml", entry(**changes)))


@pytest.mark.parametrize(
    "changes",
    [
        UNDECIDED,
        UNDECIDED | {"evidence": [], "flips_if": None},
        {"verdict": "untestable", "evidence": [], "stands_while": None},
        {"evidence": ["history"], "stands_while": None},
        {"evidence": ["published", "dictionary"], "stands_while": None},
        {"owner": 0, "later": [1, 17]},
    ],
)
def test_an_undecided_or_unmeasured_statement_needs_less(tmp_path, changes):
    assert load_claims(write(tmp_path / "c.yml", entry(**changes)))[5].number == 5


# ----------------------------------------------------------------------------- trial and verdict


def test_a_trial_shows_the_statements_and_what_decides(shown):
    trial(5, 6)
    [(bundle, raw)] = shown
    assert raw and set(bundle) == {"text/plain", "text/markdown"}
    statements = load_claims()
    for number in (5, 6):
        assert (
            f"Statement {number}, on trial: {statements[number].statement}" in bundle["text/plain"]
        )
        assert f'id="statement-{number}"' in bundle["text/markdown"]
        assert f"\n> {statements[number].statement}\n" in bundle["text/markdown"]
    assert "What decides: a proof." in bundle["text/markdown"]


def test_a_trial_of_no_or_an_unknown_statement_is_refused():
    with pytest.raises(ValueError, match="name at least one"):
        trial()
    with pytest.raises(ClaimError, match="there is no statement 43: they run 1 to 42"):
        trial(43)


def test_several_kinds_of_evidence_are_joined_as_in_a_sentence():
    kinds = ("proof", "run", "history")
    text = results.trial_markdown(replace(DECIDED, evidence=kinds))
    assert "a proof, our own run, at this scale and the dates of publication." in text
    text = results.trial_markdown(replace(DECIDED, evidence=()))
    assert "whether it can be tested at all." in text


def test_a_verdict_shows_everything_a_doubter_needs(shown):
    results._session.update(RECORDS)
    verdict(5, claims={5: DECIDED})
    [(bundle, _)] = shown
    assert bundle["text/plain"] == (
        "Verdict on statement 5: wrong\n"
        "  The statement: Ten thousand zeros.\n"
        "  Why: There are 9,999 of them, at least 96.2 %.\n"
        "  Decided by: a proof and our own run, at this scale\n"
        "  Number: zeros = 9,999 (exact)\n"
        "  Number: share = 97.0 % [96.2, 97.7] (n = 50 documents)\n"
        "  Sources: Sparck Jones 1972; Levy 2015\n"
        "  What would flip it: 9,999 <were> another number."
    )
    marked = bundle["text/markdown"]
    assert marked.startswith(
        '<div class="admonition verdict verdict-wrong" id="verdict-5" role="group" '
        'aria-label="Verdict on statement 5: wrong">\n<p class="admonition-title">'
        "<strong>Verdict on statement 5: wrong</strong></p>\n\n- **The statement:** Ten thousand"
    )
    assert "\n- **Number:** share = 97.0 % [96.2, 97.7] (n = 50 documents)\n" in marked
    assert marked.endswith("- **What would flip it:** 9,999 <were> another number.\n\n</div>")


def test_each_verdict_has_its_words(shown):
    results._session.update(RECORDS)
    for word, text in results.VERDICTS.items():
        claim = replace(DECIDED, verdict=word, stands_while=None, cites=())
        verdict(5, claims={5: claim})
        assert shown[-1][0]["text/plain"].startswith(f"Verdict on statement 5: {text}\n")
        assert "Sources" not in shown[-1][0]["text/plain"]


def test_two_verdicts_are_one_output_and_one_failure_shows_none(shown):
    results._session.update(RECORDS)
    other = replace(DECIDED, number=6)
    verdict(5, 6, claims={5: DECIDED, 6: other})
    assert len(shown) == 1 and shown[0][0]["text/markdown"].count("<div") == 2
    with pytest.raises(VerdictError):
        verdict(5, 6, claims={5: DECIDED, 6: replace(other, verdict=None)})
    assert len(shown) == 1


def test_a_verdict_that_is_not_reached_is_not_shown():
    with pytest.raises(VerdictError, match="statement 5 has no verdict yet"):
        verdict(5, claims={5: replace(DECIDED, verdict=None)})


def test_a_verdict_needs_its_results_in_this_session():
    with pytest.raises(VerdictError, match="rests on zeros, not recorded"):
        check_verdict(DECIDED, {"share": RECORDS["share"]})
    with pytest.raises(VerdictError, match="rests on share, zeros, not recorded"):
        verdict(5, claims={5: DECIDED})


def test_a_verdict_falls_when_the_numbers_turn():
    check_verdict(DECIDED, RECORDS)
    turned = RECORDS | {"zeros": result("zeros", 10000.0, kind="exact", digits=0)}
    with pytest.raises(
        VerdictError, match=r"\(wrong\) stands only while zeros < 10000.*10,000 \(ex"
    ):
        check_verdict(DECIDED, turned)
    check_verdict(replace(DECIDED, stands_while=None), turned)


def test_numbers_in_a_reason_come_from_the_records():
    text = "{zeros}, {share}, {share.low} to {share.high}; {share.value} {other words} {Share}"
    assert fill(text, RECORDS) == ("9,999, 97.0 %, 96.2 % to 97.7 %; 97.0 % {other words} {Share}")
    with pytest.raises(KeyError):
        fill("{ones}", RECORDS)


def test_no_undecided_statement_of_the_book_can_be_shown_as_decided():
    claims = load_claims()
    for number in [number for number, claim in claims.items() if claim.verdict is None]:
        with pytest.raises(VerdictError, match=f"statement {number} has no verdict"):
            verdict(number, claims=claims)


def test_boxes_survive_their_markup():
    text = results.verdict_markdown(replace(DECIDED, cites=()), RECORDS)
    assert text.count("<div") == text.count("</div>") == 1
    assert "\n\n- **" in text and not any(line.startswith("    ") for line in text.splitlines())


# ---------------------------------------------------------------------------------- leaderboard


def test_a_leaderboard_is_sorted_from_the_top_and_warns_of_ties(shown):
    results._session.update(
        {
            "lee50-tfidf": result("lee50-tfidf", 0.28, 0.11, 0.44),
            "lee50-minilm": result("lee50-minilm", 0.51, 0.35, 0.63, n=1500),
            "lee50-words": result("lee50-words", 0.4, kind="exact", digits=1),
            "lee500-other": result("lee500-other", 0.9, 0.8, 0.95),
        }
    )
    leaderboard("lee50", "Agreement <with> people", labels={"minilm": "MiniLM & co"})
    bundle = shown[0][0]
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/plain"].splitlines() == [
        "Agreement <with> people",
        "Method       Value [95 % interval]  Sample",
        "MiniLM & co  0.51 [0.35, 0.63]      n = 1,500 documents",
        "words        0.4                    exact",
        "tfidf        0.28 [0.11, 0.44]      n = 50 documents",
        results._TIES,
    ]
    page = bundle["text/html"]
    assert "<caption>Agreement &lt;with&gt; people</caption>" in page
    assert '<th scope="row">MiniLM &amp; co</th><td>0.51 [0.35, 0.63]</td>' in page
    assert page.count('scope="col"') == 3 and page.count('scope="row"') == 3


def test_a_leaderboard_of_named_keys_keeps_their_names(shown):
    results._session.update(RECORDS)
    leaderboard(["share", "zeros"], "Two", labels={"zeros": "Zeros"})
    lines = shown[0][0]["text/plain"].splitlines()
    assert [line.split()[0] for line in lines[2:4]] == ["Zeros", "share"]


def test_a_leaderboard_without_rows_or_with_too_many_is_refused():
    results._session.update({f"k-{i}": result(f"k-{i}", i / 20) for i in range(16)})
    with pytest.raises(ValueError, match="no result lee50 is recorded"):
        leaderboard("lee50", "Nothing")
    with pytest.raises(ValueError, match="no result a, b is recorded"):
        leaderboard(["a", "k-1", "b"], "Nothing")
    with pytest.raises(ValueError, match="16 rows are too many"):
        leaderboard("k", "Too much")
    leaderboard([f"k-{i}" for i in range(15)], "Enough")


def test_bibliography_keys_are_spelled_out():
    assert cite_label("SparckJones1972") == "Sparck Jones 1972"
    assert cite_label("McCann2017") == "McCann 2017"
    assert cite_label("Mikolov2013b") == "Mikolov 2013b"
