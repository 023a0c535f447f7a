"""The pair judge: our sentences are of their kinds, agreements are statistics done properly."""

import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "_ext"))

import book_live  # noqa: E402

from lib import live, live_pairs  # noqa: E402
from lib.data import OWN, SentencePairs, card, load  # noqa: E402
from lib.data import fetch as fetch_data  # noqa: E402
from lib.data import verify as verify_data  # noqa: E402
from lib.encoders import OneHotDocument  # noqa: E402
from lib.evaluate import paired_difference, spearman  # noqa: E402
from lib.plot import METHODS  # noqa: E402
from lib.text import tokenize  # noqa: E402

# ------------------------------------------------------------------------------ our own sentences


@pytest.fixture(scope="module")
def sentences():
    return load("sentence-pairs")


def content(text, small):
    return {word for word in tokenize(text) if word not in small}


SMALL = set(tokenize("the of to in on at for and it was that is its by he him she we will"))


def test_twelve_pairs_cover_what_they_were_chosen_for(sentences):
    kinds = sentences.kinds
    assert len(sentences.pairs) == 12
    assert {kind: kinds.count(kind) for kind in kinds} == {
        "paraphrase": 2, "two senses": 2, "same topic": 2, "roles swapped": 1,
        "function words": 1, "negation": 1, "unrelated": 1, "misspelt": 1, "near-identical": 1,
    }  # fmt: skip
    assert set(kinds) == set(live_pairs.KINDS)
    lengths = [len(tokenize(text)) for pair in sentences.pairs for text in pair]
    assert (min(lengths), max(lengths)) == (7, 13)  # as the card says


def test_each_pair_is_of_its_kind(sentences):
    for kind, (first, second) in zip(sentences.kinds, sentences.pairs, strict=True):
        a, b = tokenize(first), tokenize(second)
        shared = content(first, SMALL) & content(second, SMALL)
        if kind in ("paraphrase", "function words", "unrelated"):
            assert not shared, (kind, shared)
        if kind == "unrelated":
            assert not set(a) & set(b)
        if kind == "function words":
            assert len(set(a) & set(b)) >= 5
        if kind == "roles swapped":
            assert sorted(a) == sorted(b) and a != b
        if kind == "negation":
            assert [w for w in b if w != "not"] == a and "not" in b
        if kind == "two senses":
            assert len(shared) == 1
        if kind == "near-identical":
            assert set(a) < set(b)


def test_our_own_sets_need_no_fetching():
    assert "sentence-pairs" in OWN
    assert verify_data(["sentence-pairs"]) == {}
    fetch_data(["sentence-pairs"], progress=False)
    assert card("sentence-pairs").startswith("# sentence-pairs: twelve pairs")
    assert "game with an interval, and not a benchmark" in card("sentence-pairs").replace("\n", " ")


# ------------------------------------------------------------------------------ lib.live_pairs

RAMP = {
    "up": [0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
    "down": [0.6, 0.5, 0.4, 0.3, 0.2, 0.1],
    "flat": [0.2] * 6,
    "mixed": [0.1, 0.3, 0.2, 0.4, 0.6, 0.5],
}


def test_cosines_are_those_of_each_pair_alone():
    seen = OneHotDocument().fit(["a cat sat", "a dog ran"])
    pairs = [("cat sat", "cat ran"), ("dog", "dog"), ("zebra", "cat"), ("cat", "dog")]
    assert live_pairs.pair_cosines(seen, pairs) == pytest.approx([0.5, 1, 0, 0])


def test_below_three_ratings_there_is_no_order_to_compare():
    assert live_pairs.agreements([1, 2, None, None, None, None], RAMP) == []
    assert len(live_pairs.agreements([1, 2, 3, None, None, None], RAMP)) == 4


def test_equal_ratings_are_no_order():
    assert live_pairs.agreements([5] * 6, RAMP) == []
    assert live_pairs.agreements([0, 0, 0, 0, 0, 1], RAMP) != []


def test_methods_come_best_first_and_undefined_ones_last():
    found = live_pairs.agreements([0, 2, 3, 5, 7, 9], RAMP)
    assert [a.method for a in found] == ["up", "mixed", "down", "flat"]
    assert [a.rho for a in found[:3]] == pytest.approx([1, stats.spearmanr(
        RAMP["up"], RAMP["mixed"])[0], -1])  # fmt: skip
    assert found[-1] == live_pairs.Agreement("flat", None)


def test_a_zero_is_a_rating_and_none_is_not():
    found = live_pairs.agreements([0, None, 5, 9, None, None], {"m": [0.1, 0.9, 0.2, 0.3, 0, 0]})
    assert found[0].rho == pytest.approx(1)


def test_no_interval_where_leaving_one_out_changes_nothing():
    best = live_pairs.agreements([0, 2, 3, 5, 7, 9], RAMP)[0]
    assert (best.method, best.low, best.high) == ("up", None, None)


def test_no_interval_below_six_pairs():
    mixed = live_pairs.agreements([0, 2, 3, 5, 7, None], {"mixed": RAMP["mixed"]})[0]
    assert mixed.rho is not None and mixed.low is None
    mixed = live_pairs.agreements([0, 2, 3, 5, 7, 9], {"mixed": RAMP["mixed"]})[0]
    assert mixed.low is not None and mixed.high == 1.0


def test_an_interval_is_the_textbook_jackknife_cut_to_the_scale():
    mine, theirs = [1, 9, 3, 4, 7, 5, 8, 2], [0.3, 0.7, 0.1, 0.6, 0.8, 0.2, 0.9, 0.5]
    rho = stats.spearmanr(mine, theirs)[0]
    left = np.array(
        [stats.spearmanr(np.delete(mine, i), np.delete(theirs, i))[0] for i in range(8)]
    )
    half = stats.t.ppf(0.975, 7) * np.sqrt(7 / 8 * np.sum((left - left.mean()) ** 2))
    (found,) = live_pairs.agreements(mine, {"m": theirs})
    assert found.rho == pytest.approx(rho)
    assert found.low == pytest.approx(max(-1, rho - half))
    assert found.high == pytest.approx(min(1, rho + half))


def test_against_the_order_an_interval_lies_below_zero_and_is_cut_there():
    mine, theirs = [1, 2, 3, 4, 5, 6, 7, 8], [0.2, 0.1, 0.3, 0.4, 0.6, 0.5, 0.7, 0.9]
    (along,) = live_pairs.agreements(mine, {"m": theirs})
    (against,) = live_pairs.agreements(mine, {"m": [-c for c in theirs]})
    assert 0 < along.low < along.rho < along.high == 1
    assert against.low == -1
    assert against.high == pytest.approx(-along.low) and against.high < 0


def test_no_interval_where_a_method_has_no_order_without_one_pair():
    (found,) = live_pairs.agreements([1, 2, 3, 4, 5, 6], {"m": [0.1, 0.1, 0.1, 0.1, 0.1, 0.9]})
    assert found.rho is not None and found.low is None


def test_two_methods_are_told_apart_only_at_the_level_of_ten_looks():
    rng = np.random.default_rng(0)
    verdicts = set()
    for _ in range(60):
        mine = [int(r) for r in rng.integers(0, 11, 12)]
        near = [r + rng.normal(0, 1.5) for r in mine]
        far = [float(x) for x in rng.normal(size=12)]
        found = live_pairs.agreements(mine, {"near": near, "far": far})
        first, second = (a.method for a in found)
        data = {"near": near, "far": far}
        gap = paired_difference(
            spearman, (mine, data[first]), (mine, data[second]), unit="pairs", level=0.995
        )
        assert found[0].apart is None
        assert found[1].apart is (gap.low > 0)
        verdicts.add(found[1].apart)
    assert verdicts == {True, False}
    assert live_pairs.LOOKS == 10 and abs(live_pairs.STRICT - 0.995) < 1e-12


def test_methods_with_the_same_order_tie_and_keep_their_place():
    cosines = {"b": [0.1, 0.2, 0.3, 0.2, 0.5, 0.6], "a": [0.2, 0.4, 0.6, 0.4, 1.0, 1.2]}
    found = live_pairs.agreements([1, 2, 9, 4, 5, 6], cosines)
    assert [a.method for a in found] == ["b", "a"]
    assert found[0].rho == found[1].rho
    assert found[1].apart is None  # leaving a pair out changes nothing about no difference


def test_the_figure_names_what_the_background_lacks():
    two = SentencePairs(
        "two", ["negation", "unrelated"], [("Cat saw dog.", "cat Saw cow"), ("we", "we we all")]
    )
    figure = live_pairs.pair_judge(
        two, {"tfidf": [0.12345678, 1], "minilm": [0, -0.5]}, ["cat dog we"]
    )
    data = figure.payload()["data"]
    assert [pair["unseen"] for pair in data["pairs"]] == [["saw", "cow"], ["all"]]
    assert [pair["cosines"] for pair in data["pairs"]] == [[0.1235, 0], [1.0, -0.5]]
    assert data["pairs"][0]["kind"] == "One small word turns it round"
    assert figure.summary.startswith("Rate two pairs of sentences from 0")
    with pytest.raises(ValueError, match="tfidf: 1 cosines for 2 pairs"):
        live_pairs.pair_judge(two, {"tfidf": [1.0]}, [])


def test_the_figure_tabulates_students_quantiles_as_textbooks_print_them():
    kinds, pairs = ["unrelated"] * 7, [("a cat", f"dog {i}") for i in range(7)]
    figure = live_pairs.pair_judge(SentencePairs("seven", kinds, pairs), {"tfidf": [0.5] * 7}, [])
    quantiles = figure.payload()["data"]["quantiles"]
    # 5 and 6 degrees of freedom, two-sided: 95 % and 99.5 %
    assert list(quantiles) == ["6", "7"]
    assert quantiles["6"] == pytest.approx([2.571, 4.773], abs=5e-4)
    assert quantiles["7"] == pytest.approx([2.447, 4.317], abs=5e-4)


# ---------------------------------------------------------------------------- what chapter 1 stores


@pytest.fixture(scope="module")
def judge():
    return book_live.payloads(ROOT)["pair-judge"]


def test_the_chapter_stores_twelve_pairs_by_five_methods(judge, sentences):
    data = judge["data"]
    assert [m["name"] for m in data["methods"]] == list(live_pairs.METHODS_JUDGED)
    assert [(p["first"], p["second"]) for p in data["pairs"]] == sentences.pairs
    assert {len(p["cosines"]) for p in data["pairs"]} == {5}
    assert all(-1 <= c <= 1 for p in data["pairs"] for c in p["cosines"])
    assert len(live.compact(data).encode()) < 10_000
    assert len(judge["table"]["rows"]) == 12
    assert judge["table"]["rows"][0][3:] == data["pairs"][0]["cosines"]


def test_methods_look_as_in_every_other_figure(judge):
    for look in [*judge["data"]["methods"], judge["data"]["human"]]:
        style = METHODS[look["name"]]
        assert (look["label"], look["colour"], look["marker"]) == (
            style.label, style.colour, style.marker,
        )  # fmt: skip


def test_quantiles_are_students_from_six_pairs_to_twelve(judge):
    quantiles = judge["data"]["quantiles"]
    assert sorted(map(int, quantiles)) == list(range(6, 13))
    for n, (plain, strict) in quantiles.items():
        assert plain == pytest.approx(stats.t.ppf(0.975, int(n) - 1), abs=1e-5)
        assert strict == pytest.approx(stats.t.ppf(0.9975, int(n) - 1), abs=1e-5)


def test_word_bags_cannot_see_who_bought_whom(judge):
    swapped = next(p for p in judge["data"]["pairs"] if "roles swapped" in p["kind"])
    assert swapped["cosines"][:4] == pytest.approx([1, 1, 1, 1])
    assert swapped["cosines"][4] < 1


def test_with_twelve_pairs_the_interval_keeps_nearly_what_it_promises():
    rng = np.random.default_rng(12)
    truth, kept, readers = 0.483, 0, 300  # Spearman's correlation behind 0.5, ratings rounded
    for _ in range(readers):
        z, noise = rng.normal(size=(2, 12))
        ratings = np.clip(np.round(5 + 3 * z), 0, 10).astype(int).tolist()
        (found,) = live_pairs.agreements(
            ratings, {"minilm": (0.5 * z + 0.75**0.5 * noise).tolist()}
        )
        assert found.low is not None and found.high is not None
        kept += found.low <= truth <= found.high
    assert 0.87 < kept / readers < 0.97, "the module says 93 in 100, not quite 95"
