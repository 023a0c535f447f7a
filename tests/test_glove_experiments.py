"""The experiments of chapter 6: what they compute beside the library, on cases worked by hand."""

import numpy as np
import pytest

from experiments import glove_factorisation as factorisation
from experiments import glove_race as race
from lib.corpus import Corpus
from lib.word2vec import Settings


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def loss(z, met, drawn):
    """The part of one pair in the loss of skip-gram."""
    return -met * np.log(sigmoid(z)) - drawn * np.log(sigmoid(-z))


# What skip-gram should factorise -----------------------------------------------------------------


def test_the_loss_of_a_pair_is_lowest_at_its_optimum_and_curves_there_as_said():
    for met, drawn in ((2.0, 0.5), (3.0, 40.0), (7.0, 7.0)):
        z = float(factorisation.optimum(np.array(met), np.array(drawn)))
        below, here, above = (loss(z + step, met, drawn) for step in (-1e-3, 0, 1e-3))
        assert here < below and here < above
        bend = (above - 2 * here + below) / 1e-6
        assert bend == pytest.approx(factorisation.curvature(met, drawn), rel=1e-4)


def test_a_pair_that_never_met_has_no_optimum_and_no_weight():
    met, drawn = np.array([0.0]), np.array([4.0])
    assert factorisation.optimum(met, drawn) == -np.inf
    assert factorisation.curvature(met, drawn) == 0


def test_with_noise_like_the_columns_the_optimum_is_pmi_minus_log_k():
    met = np.array([[6.0, 2.0], [2.0, 1.0]])
    chance = met.sum(axis=1, keepdims=True) * met.sum(axis=0) / met.sum()
    found = factorisation.optimum(met, 5 * chance)
    assert found[0, 0] == pytest.approx(np.log(6 * 11 / (8 * 8)) - np.log(5))


def test_a_draw_that_hits_the_true_context_is_not_counted():
    met, noise = np.array([[6.0, 2.0], [2.0, 1.0]]), np.array([0.75, 0.25])
    # word 0 meets eight times and draws 16 contexts; those drawn for their own meeting are dropped
    assert factorisation.noise_counts(met, noise, 2).tolist() == [[3.0, 3.0], [1.5, 1.0]]


def test_nothing_thinned_leaves_the_counts_of_the_drawn_window():
    corpus = Corpus.from_documents([["a", "b", "c", "a"]])  # a, b, c
    s = Settings(window=2, sample=1)
    met = factorisation.effective_counts(corpus, s, 3, np.random.default_rng(0))
    # neighbours count 1, words two places apart one half: b and c have a on both sides
    assert met.tolist() == [[0.0, 1.5, 1.5], [1.5, 0.0, 1.0], [1.5, 1.0, 0.0]]


def test_r_squared_is_one_for_the_target_and_zero_for_its_weighted_mean():
    target, weights = np.array([1.0, 4.0, -np.inf]), np.array([3.0, 1.0, 0.0])
    assert factorisation.r_squared(target, target, weights) == 1
    mean = np.full(3, 7 / 4)
    assert factorisation.r_squared(mean, target, weights) == pytest.approx(0)
    # errors 1 and 0; the weighted variance is (3 * (3/4)**2 + (9/4)**2) / 4 = 27/16
    assert factorisation.r_squared(np.array([2.0, 4.0, 9.0]), target, weights) == pytest.approx(
        1 - (3 / 4) / (27 / 16)
    )


def test_the_direct_fit_finds_a_matrix_of_the_rank_asked_for_from_its_weighted_entries():
    rng = np.random.default_rng(0)
    target = rng.standard_normal((12, 2)) @ rng.standard_normal((2, 12))
    weights = rng.uniform(0.5, 2, (12, 12))
    target[3, 4], weights[3, 4] = -np.inf, 0  # an entry that nobody knows
    fit = factorisation.best_fit(target, weights, 2, rng, sweeps=60)
    assert np.linalg.matrix_rank(fit, tol=1e-8) == 2
    assert factorisation.r_squared(fit, target, weights) > 0.999


def test_more_sweeps_never_fit_worse():
    rng = np.random.default_rng(1)
    target, weights = rng.standard_normal((10, 10)), rng.uniform(0.1, 3, (10, 10))
    fits = [
        factorisation.r_squared(
            factorisation.best_fit(target, weights, 3, np.random.default_rng(2), n), target, weights
        )
        for n in (1, 3, 9)
    ]
    assert fits == sorted(fits)


# The race ----------------------------------------------------------------------------------------


def searched(method, window, value, **scores):
    """A row of the search: for each candidate development, test and all of both sets."""
    found = {
        name: {"wordsim": [dev, 0.9, 0.9], "simlex": [0.0, 0.9, 0.9]}
        for name, dev in scores.items()
    }
    row = {"kind": "search", "method": method, "window": window, "value": value, "seed": 0}
    return row | {"scores": found}


def test_the_winner_is_the_best_on_the_development_half_of_its_own_method():
    rows = [
        searched("glove", 5, 10, words=0.3, sum=0.5),
        searched("glove", 10, 10, words=0.6, sum=0.4),
        searched("sgns", 10, 10, words=0.8, sum=0.7),
    ]
    rows[0]["scores"]["sum"]["wordsim"][1:] = [0.99, 0.99]  # the test half does not count
    rows.append(rows[2] | {"kind": "final", "method": "glove"})  # nor do rows of another kind
    assert race.winner(rows, "glove") == {
        "method": "glove",
        "window": 10,
        "value": 10,
        "chosen": "words",
    }


def test_each_method_has_sixteen_candidates_and_seeds_of_its_own_in_the_final():
    points = race.search_points()
    for method in race.SECOND:
        trainings = [point for point in points if point["method"] == method]
        assert len(trainings) * 2 * len(race.TREATMENTS) == 16
    assert race.SEARCH_SEED not in race.SEEDS
    rows = [searched(point["method"], point["window"], point["value"], words=0.1)
            for point in points]  # fmt: skip
    finals = race.final_points(rows)
    assert {m: sum(point["method"] == m for point in finals) for m in race.SECOND} == {
        "ppmi": 1,
        "sgns": 5,
        "cbow": 5,
        "glove": 5,
    }


def test_the_cut_takes_out_the_mean_and_the_three_widest_directions():
    rng = np.random.default_rng(0)
    W = rng.standard_normal((200, 6)) * [9, 8, 7, 1, 1, 1] + 5
    rest = race.treat(W, "cut")
    assert np.allclose(rest.mean(axis=0), 0)
    assert np.linalg.matrix_rank(rest, tol=1e-8) == 3
    assert rest.std() < 1.2 < W.std()
    assert race.treat(W, "as it is") is W


def test_the_authors_steps_are_those_of_their_program(monkeypatch):
    """Its source squares the slope after multiplying it by the rate, and sums from 1."""
    corpus = Corpus.from_documents([["a", "b"] * 3])
    monkeypatch.setattr(race, "corpus", lambda: corpus)
    model = race.start_glove(1, **race.CHANGES["the authors' steps"])
    counts = race.count_contexts(corpus, window=10, weighting="distance").toarray()
    x, eta = counts[0, 1], 0.05
    w, c = model._P[0, 0].astype(float), model._P[1, 1].astype(float)
    squares = np.ones(len(w))
    theirs = []
    for _ in range(50):  # one pair again and again
        error = w[:-1] @ c[:-1] + w[-1] + c[-1] - np.log(x)
        slope = eta * min(1, (x / 10) ** 0.75) * error * np.append(c[:-1], 1)
        w = w - slope / np.sqrt(squares)
        squares += slope**2
        theirs.append(w.copy())
    ours, sums = model._P[0, 0].astype(float), model._P[0, 2].astype(float)
    for expected in theirs:
        error = ours[:-1] @ c[:-1] + ours[-1] + c[-1] - np.log(x)
        slope = min(1, (x / 10) ** 0.75) * error * np.append(c[:-1], 1)
        ours = ours - model.rate * slope / np.sqrt(sums)
        sums += slope**2
        assert np.allclose(ours, expected)


def test_only_one_thing_is_changed_at_a_time():
    assert race.CHANGES["as it is"] == {}
    others = [set(change) for name, change in race.CHANGES.items() if name != "as it is"]
    assert [len(change) for change in others].count(1) == len(others) - 1
    assert {"rate", "start"} in others  # the authors' steps: one rule, two numbers
