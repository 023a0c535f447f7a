"""The test of equivalence, on differences made by hand; and how the two sides are trained."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from experiments import word2vec_equivalence as experiment
from experiments.word2vec_equivalence import MEASURES, equivalence, verdict
from lib.corpus import Corpus
from lib.experiment import stored

# ------------------------------------------------------------------ two one-sided tests


def test_the_interval_and_p_of_three_differences_worked_by_hand():
    found = equivalence([0.0, 0.01, 0.02], margin=0.02)
    assert found.mean == pytest.approx(0.01)
    reach = 2.919986 * 0.01 / np.sqrt(3)  # the 95 % point of Student's t with 2 degrees of freedom
    assert found.low == pytest.approx(0.01 - reach, abs=1e-8)
    assert found.high == pytest.approx(0.01 + reach, abs=1e-8)
    assert found.p == pytest.approx(0.5 - np.sqrt(3 / 5) / 2)  # its tail beyond the root of 3
    assert not found.equivalent
    assert equivalence([0.0, 0.01, 0.02], margin=0.03).equivalent


@pytest.mark.parametrize("seed", range(5))
def test_it_is_the_larger_p_of_two_t_tests(seed):
    x = np.random.default_rng(seed).normal(0.01 * (seed - 2), 0.01, 5)
    found = equivalence(x, margin=0.02)
    above = ttest_1samp(x, -0.02, alternative="greater").pvalue
    below = ttest_1samp(x, 0.02, alternative="less").pvalue
    assert found.p == pytest.approx(max(above, below))
    assert found.equivalent == (found.p < 0.05)
    assert found.equivalent == (found.low > -0.02 and found.high < 0.02)


def test_the_sign_of_a_difference_does_not_matter():
    x = np.array([0.004, 0.02, 0.011, 0.015])
    there, back = equivalence(x), equivalence(-x)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))
    assert there.p == pytest.approx(back.p) and there.equivalent == back.equivalent


def test_a_small_difference_that_is_significant_is_equivalent_all_the_same():
    found = equivalence([0.004, 0.005, 0.006, 0.005, 0.005])
    assert found.low > 0 and found.equivalent


def test_a_difference_that_is_not_significant_is_not_yet_equivalent():
    found = equivalence([-0.05, 0.05, 0.04, -0.04, 0.0])
    assert found.low < 0 < found.high and not found.equivalent


def test_a_difference_beyond_the_margin_is_not_equivalent_however_certain():
    found = equivalence([0.03, 0.0301, 0.0299])
    assert not found.equivalent and found.p > 0.5
    assert equivalence([0.03, 0.03]).p == 1 and equivalence([0.02, 0.02]).p == 1
    assert equivalence([0.01, 0.01]).p == 0 and equivalence([0.01, 0.01]).equivalent


@pytest.mark.parametrize(("x", "margin"), [([0.1], 0.02), ([], 0.02), ([0, 0], 0), ([0, 0], -1)])
def test_one_difference_or_no_margin_is_refused(x, margin):
    with pytest.raises(ValueError, match="two and above 0 are needed"):
        equivalence(x, margin)


# ------------------------------------------------------------------ the verdict over rows


def rows(**shifts: float) -> list[dict]:
    """Three seeds of two variants; `a` is above `b` by `shifts`, give or take."""
    wobble = (0.001, -0.001, 0.0)
    b = [{"variant": "b", "seed": s, **dict.fromkeys(MEASURES, 0.3 + s / 10)} for s in (1, 2, 3)]
    a = [
        {"variant": "a", "seed": row["seed"]}
        | {m: row[m] + shifts.get(m, 0.0) + wobble[row["seed"] - 1] for m in MEASURES}
        for row in b
    ]
    return a[::-1] + b  # in any order


def test_each_measure_gets_a_verdict_of_its_own():
    found = verdict(rows(simlex999=0.03), "a", "b")
    assert [found[m].equivalent for m in MEASURES] == [True, False, True]
    assert found["simlex999"].mean == pytest.approx(0.03)
    assert verdict(rows(simlex999=0.03), "b", "a")["simlex999"].mean == pytest.approx(-0.03)


def test_runs_are_paired_by_seed_so_that_what_seeds_share_cancels():
    found = verdict(rows(), "a", "b")["wordsim353"]  # each side spreads by 0.1, differences do not
    assert found.high - found.low < 0.01


def test_other_rows_do_not_matter():
    more = [{"variant": "c", "seed": 1, **dict.fromkeys(MEASURES, 9.0)}]
    assert verdict(rows() + more, "a", "b") == verdict(rows(), "a", "b")


@pytest.mark.parametrize("change", [lambda r: r[1:], lambda r: r + r[:1] + r[-1:], lambda r: []])
def test_sides_with_other_seeds_are_refused(change):
    changed = change(rows())
    if changed:
        with pytest.raises(ValueError, match="need the same seeds, each once"):
            verdict(changed, "a", "b")
    else:
        with pytest.raises(ValueError, match="0 differences"):
            verdict(changed, "a", "b")


# ------------------------------------------------------------------ the two sides

PART = Corpus.from_documents(
    [["king", "queen", "man", "woman", "boy", "girl", "old", "new", "tiger", "cat"]] * 40
)


@pytest.fixture(scope="module")
def quick():
    """Few dimensions and passes."""
    with pytest.MonkeyPatch.context() as patch:
        small = experiment.replace(experiment.SETTINGS, dimensions=16, epochs=2, sample=0.0)
        patch.setattr(experiment, "SETTINGS", small)
        yield


def test_both_sides_give_one_vector_for_each_word_in_the_same_order(quick):
    mine, _ = experiment.ours(PART, "window", 1)
    peer, _ = experiment.theirs(PART, 1)
    assert list(mine.words) == list(peer.words) == list(PART.vocabulary.words)
    assert mine.W.shape == peer.W.shape == (10, 16)
    assert not np.allclose(mine.W, peer.W)


def test_one_seed_gives_the_same_scores_again_and_another_seed_others(quick):
    first, again, other = (experiment.theirs(PART, seed)[0].W for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()
    first, again, other = (experiment.ours(PART, "pair", seed)[0].W for seed in (1, 1, 2))
    assert (first == again).all() and (first != other).any()


def test_a_row_has_the_three_measures(quick, monkeypatch):
    monkeypatch.setattr(experiment, "ours", lambda corpus, step, seed: (VECTORS, 1.5))
    found = experiment.measure("pair", 1, PART)
    assert set(found) == {*MEASURES, "train_cpu_seconds"} and found["train_cpu_seconds"] == 1.5
    assert found["analogies"] == 1.0  # these vectors know: man is to woman as king is to queen
    assert found["simlex999"] == pytest.approx(1.0)  # two pairs, in the order of their ratings


VECTORS = experiment.Vectors(
    ["king", "queen", "man", "woman", "old", "new", "smart", "intelligent"],
    [[4, 0.1, 0, 0], [3, 2, 0, 0], [1, 0, 0, 0], [1, 1, 0, 0],
     [0, 0, 9, 1], [0, 0, -9, 1], [0, 0, 0, 9], [0, 0, 0, 8]],
)  # fmt: skip


def test_the_stored_rows_are_those_of_the_design():
    found = stored("word2vec_equivalence")
    points = {(variant, seed) for variant in experiment.VARIANTS for seed in experiment.SEEDS}
    assert {(row["variant"], row["seed"]) for row in found.rows} == points
    assert len(found.rows) == len(points) and found.recipe["margin"] == experiment.MARGIN
    for variant in ("pair", "window"):
        assert set(verdict(found.rows, variant)) == set(MEASURES)
