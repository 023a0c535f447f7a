"""What lib.evaluate promises, by hand, against scipy and scikit-learn, and by simulation."""

import inspect
import itertools
import math
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import scipy.stats
import sklearn.metrics
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.linear_model import LogisticRegression
from sklearn.metrics.pairwise import cosine_similarity
from sklearn.preprocessing import StandardScaler

from lib import evaluate
from lib.evaluate import (
    GRID,
    Estimate,
    Pairs,
    Probe,
    accuracy,
    average_precision,
    average_ranks,
    bootstrap,
    cosine,
    cosine_matrix,
    jackknife,
    macro_f1,
    ndcg,
    paired_difference,
    pearson,
    precision_at_k,
    probe,
    recall_at_k,
    reciprocal_rank,
    spearman,
    upper_triangle,
)

any_float = st.floats(allow_nan=False, allow_infinity=False, width=64)
quick = settings(max_examples=60, deadline=None)


def seeded(seed=0):
    return np.random.default_rng(seed)


# Similarity -----------------------------------------------------------------------------------


def test_cosine_of_three_four_and_four_three_is_24_over_25():
    assert cosine([3, 4], [4, 3]) == pytest.approx(24 / 25, abs=1e-15)
    assert cosine([1, 2], [-2, -4]) == pytest.approx(-1, abs=1e-15)
    assert cosine([1, 0], [0, 5]) == 0


def test_a_zero_vector_has_cosine_zero_even_with_itself():
    assert cosine([0, 0], [0, 0]) == 0
    assert cosine_matrix(np.zeros((2, 3))).tolist() == [[0, 0], [0, 0]]
    assert cosine_matrix(sp.csr_matrix((2, 3))).tolist() == [[0, 0], [0, 0]]


def test_lengths_do_not_matter_however_extreme():
    for scale in (1e-300, 1e-160, 1e-12, 1.0, 1e200):
        assert cosine([scale, 0], [scale, scale]) == pytest.approx(math.sqrt(0.5), rel=1e-12)
        rows = sp.csr_matrix([[scale, 0], [scale, scale]])
        assert cosine_matrix(rows)[0, 1] == pytest.approx(math.sqrt(0.5), rel=1e-12)


@pytest.mark.parametrize("make", [np.asarray, sp.csr_matrix, sp.csc_matrix, sp.csr_array])
def test_cosine_matrix_agrees_with_scikit_learn_for_dense_and_sparse(make):
    A = seeded(1).normal(size=(7, 5)) * (seeded(2).random((7, 5)) < 0.5)
    B = seeded(3).normal(size=(4, 5))
    A[2] = 0
    np.testing.assert_allclose(cosine_matrix(make(A), B), cosine_similarity(A, B), atol=1e-12)
    np.testing.assert_allclose(cosine_matrix(make(A), make(B)), cosine_similarity(A, B), atol=1e-12)
    np.testing.assert_allclose(cosine_matrix(make(A)), cosine_similarity(A), atol=1e-12)
    assert cosine_matrix(make(A), make(B)).shape == (7, 4)
    assert type(cosine_matrix(make(A))) is np.ndarray


def test_cosine_matrix_leaves_its_arguments_as_they_are_and_answers_in_float64():
    A = np.array([[3.0, 4.0], [1.0, 0.0]])
    S = sp.csr_matrix(A)
    cosine_matrix(A)
    cosine_matrix(S)
    assert A.tolist() == S.toarray().tolist() == [[3, 4], [1, 0]]
    assert cosine_matrix(A.astype(np.float32)).dtype == np.float64
    assert cosine_matrix([[3, 4]], [[4, 3]]).tolist() == [[pytest.approx(0.96)]]


def test_repeated_and_explicit_zero_entries_of_a_sparse_row_count_as_their_sum():
    S = sp.csr_matrix((np.array([1.0, 2.0, 0.0]), ([0, 0, 1], [0, 0, 1])), shape=(2, 2))
    doubled = sp.coo_matrix((np.array([1.0, 2.0, 4.0]), ([0, 0, 0], [0, 0, 1])), shape=(1, 2))
    assert cosine_matrix(S).tolist() == [[1, 0], [0, 0]]
    assert cosine_matrix(doubled, [[1.0, 0.0]])[0, 0] == pytest.approx(0.6)
    unsummed = sp.csr_matrix((np.array([1.0, 2.0, 4.0]), [0, 0, 1], [0, 3]), shape=(1, 2))
    assert cosine_matrix(unsummed, [[1.0, 0.0]])[0, 0] == pytest.approx(0.6)


@quick
@given(arrays(np.float64, (4, 3), elements=any_float))
def test_every_cosine_is_a_number_between_minus_one_and_one(A):
    M = cosine_matrix(A)
    assert np.isfinite(M).all()
    assert np.abs(M).max() <= 1
    np.testing.assert_allclose(M, M.T, atol=1e-12)
    np.testing.assert_allclose(np.diag(M), np.abs(A).max(axis=1) > 0, atol=1e-12)
    np.testing.assert_allclose(cosine_matrix(sp.csr_matrix(A)), M, atol=1e-12)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: cosine([1, 2], [1, 2, 3]), r"shapes \(2,\) and \(3,\)"),
        (lambda: cosine([[1, 2]], [[1, 2]]), "cosine_matrix compares rows"),
        (lambda: cosine([1, np.nan], [1, 2]), "NaN or infinite"),
        (lambda: cosine_matrix(sp.csr_matrix([[np.inf]])), "NaN or infinite"),
        (lambda: cosine_matrix([[1, 2]], [[1, 2, 3]]), "2 columns and B has 3"),
        (lambda: cosine_matrix([1, 2]), r"matrices \(n, d\)"),
        (lambda: upper_triangle([[1, 2, 3]]), r"square matrix, got shape \(1, 3\)"),
        (lambda: upper_triangle([1, 2]), "square matrix"),
        (lambda: pearson([1, 2], [1, 2, 3]), "pearson needs two lists of one length"),
        (lambda: spearman([1], [1]), "spearman needs two lists of one length"),
        (lambda: spearman([[1, 2]], [[1, 2]]), "upper_triangle turns"),
        (lambda: spearman([1, np.nan], [1, 2]), "spearman: a value is NaN"),
        (lambda: pearson([1, 2], [1, np.inf]), "pearson: a value is NaN"),
        (lambda: average_ranks([1, np.nan]), "without NaN"),
        (lambda: average_ranks([[1, 2]]), "list of numbers"),
        (lambda: accuracy([1, 2], [1]), "accuracy needs one predicted label"),
        (lambda: accuracy([], []), "accuracy needs one"),
        (lambda: macro_f1([[1]], [[1]]), "macro_f1 needs one"),
        (lambda: macro_f1([1], [1], labels=[]), "labels is empty"),
        (lambda: precision_at_k([1, 0], [1, 2, 3], 1), "relevance has shape"),
        (lambda: precision_at_k([1, 0], [1, np.nan], 1), "scores: a value is NaN"),
        (lambda: precision_at_k([1, 0], [1, 2], 0), "k must be at least 1, got 0"),
        (lambda: recall_at_k([1, 0], [1, 2], 0), "k must be at least 1, got 0"),
        (lambda: reciprocal_rank([1, 0], [1, 2], 0), "k must be at least 1, got 0"),
        (lambda: ndcg([1, 0], [1, 2], 0), "k must be at least 1, got 0"),
        (lambda: precision_at_k([1, -1], [1, 2], 1), "negative or NaN"),
        (lambda: precision_at_k([1, np.nan], [1, 2], 1), "negative or NaN"),
        (lambda: precision_at_k([], [], 1), "a number for each document"),
        (lambda: precision_at_k([[1]], [[1]], 1), "a number for each document"),
        (lambda: recall_at_k([0, 0], [1, 2], 1), "recall_at_k: no document is relevant"),
        (lambda: reciprocal_rank([0, 0], [1, 2]), "reciprocal_rank: no document is relevant"),
        (lambda: average_precision([0, 0], [1, 2]), "average_precision: no document is relevant"),
        (lambda: ndcg([0, 0], [1, 2]), "ndcg: no document is relevant"),
        (lambda: ndcg([1, 0], [1, 2], gain="square"), "'linear' or 'exponential', got 'square'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_a_reason(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_the_upper_triangle_lists_each_pair_once_row_by_row():
    M = np.arange(16).reshape(4, 4)
    assert upper_triangle(M).tolist() == [1, 2, 3, 6, 7, 11]
    assert len(upper_triangle(np.ones((50, 50)))) == 1225


# Correlation ----------------------------------------------------------------------------------


def test_ranks_of_equal_values_are_the_mean_of_the_ranks_they_fill():
    assert average_ranks([30, 10, 20, 20]).tolist() == [4, 1, 2.5, 2.5]
    assert average_ranks([7, 7, 7]).tolist() == [2, 2, 2]
    assert average_ranks([0.5, -np.inf, 0.5, np.inf]).tolist() == [2.5, 1, 2.5, 4]
    assert average_ranks([]).tolist() == []


@quick
@given(st.lists(st.integers(-3, 3) | any_float, min_size=1, max_size=30))
def test_ranks_agree_with_scipy(x):
    np.testing.assert_array_equal(average_ranks(x), scipy.stats.rankdata(x))


def test_pearson_by_hand():
    # Deviations (-1, 0, 1) and (-4/3, -1/3, 5/3): 3 / sqrt(2 * 14/3).
    assert pearson([1, 2, 3], [1, 2, 4]) == pytest.approx(3 / math.sqrt(28 / 3), abs=1e-12)


def test_spearman_by_hand_with_ties():
    # Ranks (1, 2, 3, 4) and (1, 2.5, 2.5, 4): deviations give 4.5 / sqrt(5 * 4.5).
    assert spearman([1, 2, 3, 4], [1, 4, 4, 16]) == pytest.approx(4.5 / math.sqrt(22.5), abs=1e-12)
    # The shortcut without ties would give 1 - 6 * 0.5 / 60 = 0.95: not the same.
    assert spearman([1, 2, 3, 4], [1, 4, 4, 16]) != pytest.approx(0.95, abs=1e-4)


@quick
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(-9, 9)), min_size=3, max_size=25))
def test_correlations_agree_with_scipy_ties_and_all(pairs):
    x, y = map(list, zip(*pairs, strict=True))
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert math.isnan(pearson(x, y))
        assert math.isnan(spearman(x, y))
    else:
        assert pearson(x, y) == pytest.approx(scipy.stats.pearsonr(x, y)[0], abs=1e-12)
        assert spearman(x, y) == pytest.approx(scipy.stats.spearmanr(x, y)[0], abs=1e-12)


def test_spearman_sees_only_the_order_and_pearson_only_the_line():
    x, y = seeded(4).normal(size=40), seeded(5).normal(size=40)
    assert spearman(np.exp(x), y**3) == pytest.approx(spearman(x, y), abs=1e-12)
    assert spearman(-x, y) == pytest.approx(-spearman(x, y), abs=1e-12)
    assert pearson(5 + 3 * x, 1e200 * y) == pytest.approx(pearson(x, y), abs=1e-9)
    assert spearman(x, x) == pytest.approx(1, abs=1e-12)


# Classification -------------------------------------------------------------------------------


def test_macro_f1_by_hand():
    # a: 2 TP, 1 FN, 0 FP -> 4/5.  b: 1 TP, 0 FN, 1 FP -> 2/3.
    y, y_hat = ["a", "a", "a", "b"], ["a", "a", "b", "b"]
    assert macro_f1(y, y_hat) == pytest.approx((4 / 5 + 2 / 3) / 2, abs=1e-15)
    assert macro_f1(y, y_hat, labels=["a"]) == pytest.approx(4 / 5, abs=1e-15)
    assert macro_f1(y, y_hat, labels=["a", "b", "never"]) == pytest.approx((4 / 5 + 2 / 3) / 3)
    assert accuracy(y, y_hat) == 0.75


def test_a_class_that_is_only_predicted_counts_as_a_failure():
    assert macro_f1([0, 0], [0, 7]) == pytest.approx((2 / 3 + 0) / 2)


@quick
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=30))
def test_accuracy_and_macro_f1_agree_with_scikit_learn(pairs):
    y, y_hat = map(list, zip(*pairs, strict=True))
    assert accuracy(y, y_hat) == sklearn.metrics.accuracy_score(y, y_hat)
    assert macro_f1(y, y_hat) == pytest.approx(
        sklearn.metrics.f1_score(y, y_hat, average="macro", zero_division=0), abs=1e-12
    )
    assert macro_f1(y, y_hat, labels=[4, 1, 2, 9]) == pytest.approx(
        sklearn.metrics.f1_score(y, y_hat, labels=[1, 2, 4, 9], average="macro", zero_division=0),
        abs=1e-12,
    )


# Retrieval ------------------------------------------------------------------------------------


def test_retrieval_measures_of_one_ranking_by_hand():
    relevance, scores = [0, 1, 0, 1, 1], [5, 4, 3, 2, 1]
    assert precision_at_k(relevance, scores, 2) == 1 / 2
    assert precision_at_k(relevance, scores, 3) == pytest.approx(1 / 3)
    assert precision_at_k(relevance, scores, 10) == pytest.approx(3 / 10)
    assert recall_at_k(relevance, scores, 2) == pytest.approx(1 / 3)
    assert recall_at_k(relevance, scores, 5) == 1
    assert recall_at_k(relevance, scores, 50) == 1
    assert reciprocal_rank(relevance, scores) == 1 / 2
    assert reciprocal_rank(relevance, scores, k=2) == 1 / 2
    assert reciprocal_rank(relevance, scores, k=1) == 0
    assert average_precision(relevance, scores) == pytest.approx((1 / 2 + 2 / 4 + 3 / 5) / 3)
    dcg = 1 / math.log2(3) + 1 / math.log2(5) + 1 / math.log2(6)
    ideal = 1 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert ndcg(relevance, scores) == pytest.approx(dcg / ideal, abs=1e-15)
    assert ndcg(relevance, scores, 2) == pytest.approx((1 / math.log2(3)) / (1 + 1 / math.log2(3)))
    assert ndcg(relevance, scores, 50) == ndcg(relevance, scores)


def test_higher_scores_rank_earlier_wherever_they_stand():
    assert precision_at_k([1, 0, 0], [3, 2, 1], 1) == 1
    assert precision_at_k([1, 0, 0], [1, 2, 3], 1) == 0
    assert reciprocal_rank([1, 0, 0], [-3, -2, -1]) == pytest.approx(1 / 3)


def test_ndcg_gains_by_hand():
    grades, scores = [1, 3, 0], [3, 2, 1]
    linear = (1 + 3 / math.log2(3)) / (3 + 1 / math.log2(3))
    exponential = (1 + 7 / math.log2(3)) / (7 + 1 / math.log2(3))
    assert ndcg(grades, scores) == pytest.approx(linear, abs=1e-15)
    assert ndcg(grades, scores, gain="exponential") == pytest.approx(exponential, abs=1e-15)
    # At a cut the ideal is cut as well: best single document has 3, the system showed 1.
    assert ndcg(grades, scores, 1) == pytest.approx(1 / 3)


def test_grades_count_as_relevant_wherever_they_are_positive():
    assert precision_at_k([2, 0, 0.5], [3, 2, 1], 3) == pytest.approx(2 / 3)
    assert recall_at_k([2, 0, 0.5], [3, 2, 1], 1) == 1 / 2
    assert average_precision([2, 0, 0.5], [3, 2, 1]) == pytest.approx((1 + 2 / 3) / 2)
    assert reciprocal_rank([0, 0.5, 2], [3, 2, 1]) == 1 / 2


MEASURES = {
    "precision": lambda r, s: precision_at_k(r, s, 2),
    "recall": lambda r, s: recall_at_k(r, s, 3),
    "reciprocal rank": reciprocal_rank,
    "reciprocal rank at 2": lambda r, s: reciprocal_rank(r, s, 2),
    "average precision": average_precision,
    "ndcg": ndcg,
    "ndcg at 3": lambda r, s: ndcg(r, s, 3, gain="exponential"),
}


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
@settings(max_examples=25, deadline=None)
@given(
    relevance=st.lists(st.integers(0, 2), min_size=5, max_size=5).filter(any),
    scores=st.lists(st.integers(0, 2), min_size=5, max_size=5),
)
def test_with_ties_a_measure_is_its_mean_over_all_orders_of_the_tied(measure, relevance, scores):
    every_order = []
    for order in itertools.permutations(range(5)):
        ranked = [scores[i] for i in order]
        if ranked == sorted(ranked, reverse=True):
            every_order.append(measure([relevance[i] for i in order], [5, 4, 3, 2, 1]))
    assert measure(relevance, scores) == pytest.approx(np.mean(every_order), abs=1e-12)


@pytest.mark.parametrize("measure", MEASURES.values(), ids=MEASURES)
def test_a_system_that_ties_everything_gains_nothing_from_the_order_of_the_data(measure):
    first, last = [1, 1, 0, 0, 0, 0], [0, 0, 0, 0, 1, 1]
    assert measure(first, [0] * 6) == pytest.approx(measure(last, [0] * 6), abs=1e-12)
    assert measure(first, [0] * 6) < 1


@quick
@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5)), min_size=2, max_size=12),
    st.integers(1, 14),
)
def test_ndcg_agrees_with_scikit_learn_ties_and_all(pairs, k):
    relevance, scores = map(list, zip(*pairs, strict=True))
    if any(relevance):
        ours, theirs = ndcg(relevance, scores, k), sklearn.metrics.ndcg_score
        assert ours == pytest.approx(theirs([relevance], [scores], k=k), abs=1e-12)


@quick
@given(st.lists(st.booleans(), min_size=1, max_size=12).filter(any))
def test_average_precision_agrees_with_scikit_learn_without_ties(relevance):
    scores = -np.arange(len(relevance))
    assert average_precision(relevance, scores) == pytest.approx(
        sklearn.metrics.average_precision_score(relevance, scores), abs=1e-12
    )


# The probe ------------------------------------------------------------------------------------


def blobs(n=150, d=4, classes=3, seed=0, spread=1.5):
    rng = seeded(seed)
    y = rng.integers(0, classes, n)
    centres = rng.normal(size=(classes, d)) * spread
    return centres[y] + rng.normal(size=(n, d)), y


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("C", [0.05, 2.0])
def test_the_probe_on_dense_features_is_standardised_logistic_regression(classes, C):
    X, y = blobs(classes=classes)
    X = X * [1, 100, 0.01, 5] + [0, 50, -3, 1000]
    ours = probe(X, y, Cs=[C])
    scaler = StandardScaler().fit(X)
    theirs = LogisticRegression(C=C, tol=1e-9, max_iter=5000).fit(scaler.transform(X), y)
    new = X[::-1] * 1.1
    logits = ours.logits(new)
    ours_p = np.exp(logits - scipy.special.logsumexp(logits, axis=1, keepdims=True))
    np.testing.assert_allclose(ours_p, theirs.predict_proba(scaler.transform(new)), atol=2e-3)
    np.testing.assert_allclose(ours.mean, X.mean(0))
    np.testing.assert_allclose(ours.scale, X.std(0))
    assert ours.W.shape == (classes, 4)
    assert ours.validation == {}
    assert not ours.at_edge
    assert ours.converged


def test_the_probe_on_sparse_features_neither_centres_nor_scales():
    X, y = blobs()
    X = np.maximum(X, 0) * [1, 10, 0.1, 3]
    ours = probe(sp.csr_matrix(X), y, Cs=[1.0])
    theirs = LogisticRegression(C=1.0, tol=1e-9, max_iter=5000).fit(X, y)
    np.testing.assert_allclose(ours.W, theirs.coef_, atol=5e-3)
    np.testing.assert_allclose(ours.b, theirs.intercept_, atol=5e-3)
    assert ours.mean.tolist() == [0] * 4
    assert ours.scale.tolist() == [1] * 4
    assert ours.predict(sp.csr_matrix(X)).tolist() == theirs.predict(X).tolist()
    np.testing.assert_allclose(ours.logits(sp.csr_matrix(X)), ours.logits(X), atol=1e-12)


def test_units_of_dense_features_do_not_change_the_probe():
    X, y = blobs()
    metres, inches = probe(X, y), probe(X * [1, 1e6, 1e-6, 39.37] + [0, 1, 2, 3], y)
    assert metres.C == inches.C
    np.testing.assert_allclose(metres.W, inches.W, atol=1e-4)


def test_a_constant_feature_is_harmless():
    X, y = blobs()
    constant = np.column_stack([X, np.full(len(X), 0.1)])
    p = probe(constant, y, Cs=[1.0])
    assert p.scale[-1] == 1
    assert np.abs(p.W[:, -1]).max() < 1e-6
    moved = constant.copy()
    moved[:, -1] = 0.2
    assert p.predict(moved).tolist() == p.predict(constant).tolist()


def test_inner_cross_validation_by_the_book():
    """The same choice, written out: deal, standardise inside, pool the held-out guesses."""
    X, y = blobs(n=90, spread=0.6, seed=3)
    Cs, folds = [0.001, 0.1, 10.0], 4
    fold = np.empty(90, dtype=int)
    fold[np.argsort(y, kind="stable")] = np.arange(90) % folds
    expected = {}
    for C in Cs:
        held_out = np.empty_like(y)
        for k in range(folds):
            scaler = StandardScaler().fit(X[fold != k])
            model = LogisticRegression(C=C, tol=1e-8, max_iter=5000)
            model.fit(scaler.transform(X[fold != k]), y[fold != k])
            held_out[fold == k] = model.predict(scaler.transform(X[fold == k]))
        expected[C] = accuracy(y, held_out)
    p = probe(X, y, Cs=Cs, folds=folds)
    assert p.validation == pytest.approx(expected, abs=1 / 90 + 1e-9)
    assert max(Cs, key=lambda C: (p.validation[C], -C)) == p.C
    single = probe(X, y, Cs=[p.C])
    np.testing.assert_allclose(p.W, single.W, atol=2e-2)


def test_the_order_and_repetition_of_Cs_do_not_matter_and_ties_go_to_the_smallest():
    X, y = blobs(spread=30)
    assert probe(X, y, Cs=[10.0, 0.1, 1.0, 0.1]).C == 0.1
    assert set(probe(X, y, Cs=[10.0, 0.1, 1.0, 0.1]).validation.values()) == {1.0}


def test_the_score_decides():
    X, y = blobs(spread=0.5)
    assert probe(X, y, score=lambda y, y_hat: -accuracy(y, y_hat)).C != probe(X, y).C
    calls = []

    def count(y_true, y_hat):
        calls.append((y_true.tolist(), len(y_hat)))
        return 0.0

    probe(X, y, Cs=[0.1, 1.0], score=count)
    assert calls == [(y.tolist(), len(y))] * 2


def test_the_default_grid_spans_seven_decades_and_an_edge_is_reported():
    assert pytest.approx([1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000]) == GRID
    X, y = blobs(spread=30)
    assert list(probe(X, y).validation) == list(GRID)
    empty = {"classes": None, "W": None, "b": None, "mean": None, "scale": None}
    curve = {0.1: 0.5, 1.0: 0.9, 10.0: 0.6}
    assert Probe(**empty, C=0.1, validation=curve).at_edge
    assert Probe(**empty, C=10.0, validation=curve).at_edge
    assert not Probe(**empty, C=1.0, validation=curve).at_edge


def test_documents_are_dealt_class_by_class_like_cards():
    y = np.array(["b", "a", "b", "a", "b", "a", "b"])
    assert evaluate._deal(y, 3, None).tolist() == [0, 0, 1, 1, 2, 2, 0]
    labels = seeded(0).integers(0, 4, 103)
    for rng in (None, seeded(1)):
        fold = evaluate._deal(labels, 5, rng)
        for c in range(4):
            counts = np.bincount(fold[labels == c], minlength=5)
            assert counts.max() - counts.min() <= 1
    assert (evaluate._deal(labels, 5, seeded(1)) == evaluate._deal(labels, 5, seeded(1))).all()
    assert (evaluate._deal(labels, 5, seeded(1)) != evaluate._deal(labels, 5, None)).any()


def test_folds_steps_and_shuffling_are_handed_on():
    defaults = {k: p.default for k, p in inspect.signature(probe).parameters.items()}
    assert (defaults["folds"], defaults["max_iter"], defaults["score"]) == (5, 1000, accuracy)
    X, y = blobs(n=60, spread=0.3, seed=5)
    plain, shuffled = probe(X, y, Cs=[0.01, 1.0]), probe(X, y, Cs=[0.01, 1.0], rng=seeded(2))
    assert plain.validation == probe(X, y, Cs=[0.01, 1.0], folds=5).validation
    assert plain.validation != probe(X, y, Cs=[0.01, 1.0], folds=2).validation
    assert plain.validation != shuffled.validation


def test_the_optimiser_comes_close_to_the_optimum_even_with_little_penalty():
    X, y = blobs(spread=0.5)
    ours = probe(X, y, Cs=[100.0, 1000.0], folds=2)
    theirs = LogisticRegression(C=ours.C, tol=1e-10, max_iter=20_000)
    theirs.fit(StandardScaler().fit_transform(X), y)
    np.testing.assert_allclose(ours.W, theirs.coef_, atol=5e-3)


def test_the_probe_gives_the_same_answer_twice_and_takes_labels_of_any_kind():
    X, y = blobs()
    names = np.array(["earn", "acq", "crude"])[y]
    first, second = probe(X, names), probe(X, names.tolist())
    assert (first.W == second.W).all()
    assert first.classes.tolist() == ["acq", "crude", "earn"]
    assert set(first.predict(X[:20])) <= set(names)
    assert accuracy(names, first.predict(X)) > 0.7
    assert accuracy(y, probe(X.astype(np.float32), y).predict(X)) > 0.7


def test_a_step_limit_that_is_too_low_is_reported_not_warned_about():
    X, y = blobs(spread=0.5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not probe(X, y, Cs=[1000.0], max_iter=1).converged
        assert probe(X, y, Cs=[1.0]).converged


def test_shuffled_labels_bring_the_probe_down_to_chance():
    X, y = blobs(n=800, classes=4, seed=1, spread=2)
    shuffled = seeded(7).permutation(y)
    train, test = slice(0, 400), slice(400, None)
    real = accuracy(y[test], probe(X[train], y[train]).predict(X[test]))
    chance = accuracy(shuffled[test], probe(X[train], shuffled[train]).predict(X[test]))
    assert real > 0.8
    assert abs(chance - 0.25) < 0.07


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"X": np.ones((3, 2))}, r"X has shape \(3, 2\) but y has shape \(6,\)"),
        ({"X": np.ones(6)}, "X has shape"),
        ({"X": np.full((6, 2), np.nan)}, "probe: a value is NaN"),
        ({"X": sp.csr_matrix(np.full((6, 2), np.inf))}, "probe: a value is NaN"),
        ({"y": [1] * 6}, "all training labels are the same"),
        ({"Cs": []}, "Cs must be positive"),
        ({"Cs": [0.0, 1.0]}, "Cs must be positive"),
        ({"folds": 1}, "folds must lie between 2 and 6"),
        ({"folds": 7}, "folds must lie between 2 and 6"),
        ({"y": [0, 0, 0, 0, 0, 1]}, "only one class is left"),
    ],
)
def test_the_probe_refuses_what_it_cannot_learn_from(change, words):
    usual = {"X": np.arange(12.0).reshape(6, 2), "y": [0, 1, 0, 1, 0, 1], "folds": 3}
    with pytest.raises(ValueError, match=words):
        probe(**{**usual, **change})


def test_a_probe_refuses_features_of_another_encoder():
    p = probe(*blobs(), Cs=[1.0])
    with pytest.raises(ValueError, match="trained on 4 features and got 3"):
        p.predict(np.ones((2, 3)))


def test_with_a_single_C_two_documents_are_enough():
    p = probe(np.array([[0.0], [1.0]]), ["no", "yes"], Cs=[1.0])
    assert p.predict(np.array([[-1.0], [2.0]])).tolist() == ["no", "yes"]


# Pairs ----------------------------------------------------------------------------------------

TABLE = np.array([[9, 1, 2, 3], [1, 9, 4, 5], [2, 4, 9, 6], [3, 5, 6, 9]], dtype=float)


def test_pairs_take_rows_and_columns_together_and_drop_a_document_with_its_copy():
    pairs = Pairs(TABLE)
    assert len(pairs) == 4
    assert pairs.values().tolist() == pairs.take([0, 1, 2, 3]).tolist() == [1, 2, 3, 4, 5, 6]
    # Drawn 3, 1, 1, 0: pairs (3,1) (3,1) (3,0) (1,1 dropped) (1,0) (1,0).
    assert pairs.take([3, 1, 1, 0]).tolist() == [5, 5, 3, 1, 1]
    assert pairs.take([1, 3]).tolist() == [5]
    assert pairs.take([2, 2, 2, 2]).tolist() == []
    assert 9 not in pairs.take([0, 0, 1, 1])


def test_pairs_keep_their_own_copy_of_a_symmetric_table():
    M = TABLE.copy()
    pairs = Pairs(M)
    M[:] = 0
    assert pairs.values().tolist() == [1, 2, 3, 4, 5, 6]
    assert Pairs([[np.nan, 1], [1, np.nan]]).values().tolist() == [1]  # the diagonal is not used
    assert len(Pairs(np.array([[1, 0.5], [0.5 + 1e-8, 1]]))) == 2
    for bad, words in [
        ([[1, 2], [3, 1]], "not symmetric"),
        ([[1, 2], [2.0001, 1]], "not symmetric"),
        ([[1, np.nan], [np.nan, 1]], "NaN or infinite"),
        ([[1, 2, 3], [2, 1, 3]], "square"),
    ]:
        with pytest.raises(ValueError, match=words):
            Pairs(bad)


@quick
@given(st.lists(st.integers(0, 3), min_size=1, max_size=8))
def test_two_tables_stay_aligned_when_resampled_alike(index):
    first, second = Pairs(TABLE), Pairs(10 * TABLE)
    assert (10 * first.take(index) == second.take(index)).all()
    counts = np.bincount(index, minlength=4)
    expected = (len(index) ** 2 - (counts**2).sum()) // 2
    assert len(first.take(index)) == expected


# Intervals ------------------------------------------------------------------------------------


def test_the_bootstrap_is_the_percentile_bootstrap_of_scipy_draw_for_draw():
    x, y = seeded(1).normal(size=30), seeded(2).normal(size=30)
    ours = bootstrap(pearson, x, y, rng=seeded(5), n_resamples=300, unit="words", level=0.9)
    theirs = scipy.stats.bootstrap(
        (x, y),
        lambda a, b: scipy.stats.pearsonr(a, b)[0],
        paired=True,
        vectorized=False,
        n_resamples=300,
        confidence_level=0.9,
        method="percentile",
        rng=seeded(5),
    ).confidence_interval
    assert (ours.low, ours.high) == pytest.approx(tuple(theirs), abs=1e-12)
    assert ours == Estimate(
        pearson(x, y), ours.low, ours.high, 0.9, 30, "words", "percentile bootstrap"
    )


def test_bootstrap_defaults_are_2000_resamples_and_95_percent():
    x = seeded(1).normal(size=20)
    calls = []

    def mean(sample):
        calls.append(sample)
        return float(np.mean(sample))

    e = bootstrap(mean, x, rng=seeded(3), unit="queries")
    assert len(calls) == 2001
    index = seeded(3).integers(0, 20, size=(2000, 20))
    low, high = np.percentile(x[index].mean(axis=1), [2.5, 97.5])
    assert (e.low, e.high, e.level) == pytest.approx((low, high, 0.95), abs=1e-12)
    assert e.value == pytest.approx(x.mean())


def test_every_argument_is_resampled_alike_whatever_it_is_kept_in():
    numbers = np.arange(6.0)

    def same(as_list, as_array, as_sparse, as_pairs, as_rows):
        assert [int(text) for text in as_list] == as_array.tolist()
        assert as_sparse.toarray().ravel().tolist() == as_array.tolist()
        assert as_rows[:, 1].tolist() == (as_array + 1).tolist()
        first = [a for i, a in enumerate(as_array) for b in as_array[i + 1 :] if a != b]
        second = [b for i, a in enumerate(as_array) for b in as_array[i + 1 :] if a != b]
        assert as_pairs.tolist() == [x + y for x, y in zip(first, second, strict=True)]
        return 1.0

    data = (
        [str(int(x)) for x in numbers],
        numbers,
        sp.csr_matrix(numbers[:, None]),
        Pairs(numbers[:, None] + numbers),
        np.column_stack([numbers, numbers + 1]),
    )
    assert bootstrap(same, *data, rng=seeded(0), n_resamples=20, unit="documents").n == 6
    assert jackknife(same, *data, unit="documents").n == 6


def test_the_jackknife_of_a_mean_is_the_t_interval():
    x = seeded(8).normal(size=12)
    for level in (0.8, 0.95):
        e = jackknife(np.mean, x, unit="seeds", level=level)
        low, high = scipy.stats.t.interval(level, 11, x.mean(), scipy.stats.sem(x))
        assert (e.value, e.low, e.high) == pytest.approx((x.mean(), low, high), abs=1e-12)
        assert (e.level, e.n, e.unit, e.method) == (level, 12, "seeds", "jackknife")
    assert jackknife(np.mean, x, unit="seeds").level == 0.95


def test_the_jackknife_measures_the_spread_around_the_mean_of_what_it_left_out():
    # The square of the mean of 0, 2, 4 is 4. Without one: 9, 4, 1, whose mean is 14 / 3, not 4;
    # the squares of the distances from it add up to 294 / 9, times 2 / 3 that is (14 / 3) ** 2.
    e = jackknife(lambda x: np.mean(x) ** 2, [0.0, 2.0, 4.0], unit="seeds")
    half = scipy.stats.t.ppf(0.975, 2) * 14 / 3
    assert (e.value, e.low, e.high) == pytest.approx((4, 4 - half, 4 + half), abs=1e-12)


def test_the_jackknife_leaves_out_a_document_with_all_its_pairs():
    seen = []
    jackknife(lambda p: seen.append(p.tolist()) or 0.0, Pairs(TABLE), unit="documents")
    assert seen == [[1, 2, 3, 4, 5, 6], [4, 5, 6], [2, 3, 6], [1, 3, 5], [1, 2, 4]]


def test_a_paired_difference_is_made_on_common_resamples():
    rng = seeded(3)
    luck = rng.normal(size=40)
    a, b = luck + 0.2 + 0.05 * rng.normal(size=40), luck + 0.05 * rng.normal(size=40)
    boot = paired_difference(np.mean, (a,), (b,), rng=seeded(1), unit="queries")
    direct = bootstrap(np.mean, a - b, rng=seeded(1), unit="queries")
    assert (boot.value, boot.low, boot.high) == pytest.approx(
        (direct.value, direct.low, direct.high), abs=1e-12
    )
    assert 0.15 < boot.low < boot.high < 0.25
    jack = paired_difference(np.mean, (a,), (b,), unit="queries", level=0.9)
    direct = jackknife(np.mean, a - b, unit="queries", level=0.9)
    assert (jack.low, jack.high, jack.level) == pytest.approx((direct.low, direct.high, 0.9))
    assert boot.method == "paired percentile bootstrap"
    assert jack.method == "paired jackknife"
    assert (boot.n, boot.unit, boot.level) == (40, "queries", 0.95)
    # Apart, the two intervals overlap: the luck they share is counted twice.
    alone = [bootstrap(np.mean, x, rng=seeded(1), unit="queries") for x in (a, b)]
    assert alone[0].low < alone[1].high


def test_paired_differences_hand_on_their_settings_and_change_sign_with_the_order():
    y, good, bad = [0, 1] * 10, [0, 1] * 10, [0, 1] * 7 + [1, 0] * 3
    options = {"rng": seeded(2), "n_resamples": 50, "unit": "documents", "level": 0.5}
    there = paired_difference(accuracy, (y, good), (y, bad), **options)
    back = paired_difference(accuracy, (y, bad), (y, good), **{**options, "rng": seeded(2)})
    assert there.value == pytest.approx(0.3)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-12)
    wide = paired_difference(accuracy, (y, good), (y, bad), rng=seeded(2), unit="documents")
    assert wide.high - wide.low > there.high - there.low
    few = [accuracy(y, good) - accuracy(y, bad)]

    def counted(*data):
        few.append(0.0)
        return accuracy(*data)

    paired_difference(counted, (y, good), (y, bad), rng=seeded(0), n_resamples=7, unit="documents")
    assert len(few) == 1 + 2 * 8


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda r: bootstrap(np.mean, [1, 2], rng=r, unit="u", level=1.0), "between 0 and 1"),
        (lambda r: bootstrap(np.mean, [1, 2], rng=r, unit="u", level=0.0), "between 0 and 1"),
        (lambda r: bootstrap(pearson, [1, 2], [1, 2, 3], rng=r, unit="u"), r"got \[2, 3\]"),
        (lambda r: bootstrap(np.mean, rng=r, unit="u"), "same number of u"),
        (lambda r: bootstrap(np.mean, [1], rng=r, unit="words"), "at least 2 words, got 1"),
        (lambda r: bootstrap(np.mean, [1, 2], rng=r, unit="u", n_resamples=0), "at least 1, got 0"),
        (lambda r: bootstrap(pearson, [1, 2], [1, 2], rng=r, unit="u"), "undefined .NaN. on"),
        (lambda r: bootstrap(pearson, [1, 1, 1], [1, 2, 3], rng=r, unit="u"), "undefined .NaN."),
        (lambda r: jackknife(pearson, [1, 1, 1], [1, 2, 3], unit="u"), "undefined .NaN."),
        (lambda r: jackknife(pearson, [1, 1, 2], [1, 2, 3], unit="u"), "undefined .NaN."),
        (lambda r: jackknife(np.mean, [1], unit="u"), "at least 2 u"),
        (lambda r: jackknife(np.mean, [1, 2], unit="u", level=2), "between 0 and 1"),
    ],
)
def test_intervals_without_a_meaning_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call(seeded(0))


def test_the_smallest_legal_settings_work():
    e = bootstrap(np.mean, [1.0, 3.0], rng=seeded(0), n_resamples=1, unit="u", level=0.5)
    assert e.value == 2
    assert e.low == e.high
    assert jackknife(np.mean, [1.0, 3.0], unit="u").value == 2


# Do the intervals hold what they promise? -------------------------------------------------------


def two_tables(rng, n, rho, noise=0.5):
    """Human and model similarity of n documents that share document effects.

    Entry (i, j) is ``a_i + a_j`` in one table and ``b_i + b_j`` in the other, plus noise peculiar
    to the pair; a and b correlate by rho. The true correlation over pairs of new documents is
    ``2 rho / (2 + noise^2)``.
    """
    effects = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=n)
    tables = []
    for a in effects.T:
        e = np.triu(rng.normal(size=(n, n)) * noise, 1)
        tables.append(a[:, None] + a + e + e.T)
    return Pairs(tables[0]), Pairs(tables[1])


def coverage(rho, simulations, seed, n=30):
    rng = seeded(seed)
    truth = 2 * rho / (2 + 0.5**2)
    hits = {"documents": 0, "pairs": 0, "jackknife": 0}
    for _ in range(simulations):
        human, model = two_tables(rng, n, rho)
        flat = human.values(), model.values()
        found = {
            "documents": bootstrap(pearson, human, model, rng=rng, n_resamples=150, unit="d"),
            "pairs": bootstrap(pearson, *flat, rng=rng, n_resamples=150, unit="p"),
            "jackknife": jackknife(pearson, human, model, unit="d"),
        }
        for key, e in found.items():
            hits[key] += e.low <= truth <= e.high
    return {key: count / simulations for key, count in hits.items()}


def test_intervals_over_documents_cover_the_truth_and_intervals_over_pairs_do_not():
    share = coverage(rho=0.6, simulations=120, seed=11)
    assert 0.86 <= share["documents"] <= 0.99
    assert 0.88 <= share["jackknife"] <= 0.99
    assert share["pairs"] < 0.6


def test_without_any_relation_pairs_find_one_far_too_often_and_documents_seldom():
    share = coverage(rho=0.0, simulations=120, seed=12)
    assert 1 - share["documents"] < 0.14
    assert 1 - share["jackknife"] < 0.12
    assert 1 - share["pairs"] > 0.4


def test_noise_peculiar_to_pairs_counts_three_times_in_the_bootstrap_and_twice_in_the_jackknife():
    n = 40
    rng = seeded(21)
    widths = {"bootstrap": [], "jackknife": []}
    for _ in range(12):
        e = np.triu(rng.normal(size=(n, n)), 1)
        table = Pairs(e + e.T)
        boot = bootstrap(np.mean, table, rng=rng, n_resamples=300, unit="d", level=0.6827)
        jack = jackknife(np.mean, table, unit="d", level=0.6827)
        widths["bootstrap"].append(((boot.high - boot.low) / 2) ** 2)
        widths["jackknife"].append(((jack.high - jack.low) / 2) ** 2)
    true_variance = 1 / (n * (n - 1) / 2)
    assert np.mean(widths["bootstrap"]) / true_variance == pytest.approx(3, abs=0.45)
    assert np.mean(widths["jackknife"]) / true_variance == pytest.approx(2, abs=0.45)


def test_randomised_vectors_lose_all_correlation_with_the_human_table():
    rng = seeded(31)
    human = cosine_matrix(rng.normal(size=(50, 6)))
    found = [
        spearman(upper_triangle(human), upper_triangle(cosine_matrix(rng.normal(size=(50, 20)))))
        for _ in range(40)
    ]
    assert abs(np.mean(found)) < 0.02
    assert np.abs(found).max() < 0.15
    # So does a real encoder whose rows are dealt to other documents.
    vectors = rng.normal(size=(50, 6))
    real = cosine_matrix(vectors)
    near = cosine_matrix(vectors + 0.3 * rng.normal(size=(50, 6)))
    assert spearman(upper_triangle(real), upper_triangle(near)) > 0.85
    shuffled = rng.permutation(50)
    mixed = upper_triangle(near[np.ix_(shuffled, shuffled)])
    assert abs(spearman(upper_triangle(real), mixed)) < 0.15


def test_a_series_is_resampled_by_place_whatever_its_rows_are_called():
    y = np.array([0, 0, 1, 1, 1, 0])
    named = pd.Series(y, index=[5, 4, 3, 2, 1, 0])
    for interval in (
        lambda *data: bootstrap(accuracy, *data, rng=seeded(0), n_resamples=50, unit="documents"),
        lambda *data: jackknife(accuracy, *data, unit="documents"),
    ):
        e = interval(named, y)
        assert (e.value, e.low, e.high) == (1, 1, 1)


def test_ties_between_cosines_hang_neither_on_the_columns_nor_on_the_storage():
    rng = seeded(11)
    X = (rng.random((60, 400)) < 0.1).astype(float)
    columns = rng.permutation(400)
    human = rng.random(60 * 59 // 2)
    variants = [X, X[:, columns], sp.csr_matrix(X), sp.csr_matrix(X[:, columns])]
    scores = {spearman(human, upper_triangle(cosine_matrix(V))) for V in variants}
    assert len(scores) == 1
