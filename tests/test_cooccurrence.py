import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.sparse import csr_matrix, random_array
from sklearn.metrics import mutual_info_score

from lib.cooccurrence import (
    count_contexts,
    count_contexts_plainly,
    pmi,
    ppmi,
    truncated_svd,
    window_weights,
)
from lib.corpus import Corpus

documents = st.lists(
    st.lists(st.sampled_from("abcdefghij"), max_size=15), min_size=1, max_size=6
).filter(lambda texts: any(texts))
tables = arrays(np.int64, (4, 5), elements=st.integers(0, 9)).filter(lambda X: X.any())


def counted(texts, **settings):
    return count_contexts(Corpus.from_documents(texts), **settings)


def table(texts, **settings):
    """Counts by the pair of words."""
    corpus = Corpus.from_documents(texts)
    X = count_contexts(corpus, **settings).tocoo()
    words = corpus.vocabulary.words
    pairs = zip(X.row, X.col, X.data, strict=True)
    return {words[i] + words[j]: round(float(x), 9) for i, j, x in pairs}


# Windows


def test_a_plain_window_weighs_all_distances_alike():
    assert window_weights(3).tolist() == [1, 1, 1]


def test_a_distant_word_weighs_one_over_its_distance():
    assert window_weights(3, "distance").tolist() == [1, 1 / 2, 1 / 3]


def test_dynamic_weights_are_how_often_a_drawn_window_reaches_so_far():
    window = 5
    reached = [sum(width >= d for width in range(1, window + 1)) / window for d in range(1, 6)]
    assert window_weights(window, "dynamic").tolist() == reached == [1, 0.8, 0.6, 0.4, 0.2]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"window": 0}, "window = 0"),
        ({"weighting": "flat"}, "flat"),
        ({"side": "top"}, "top"),
    ],
)
def test_a_setting_that_does_not_exist_is_named(settings, message):
    with pytest.raises(ValueError, match=message):
        counted([["a", "b"]], **settings)


# Counts


def test_a_pair_is_counted_once_in_each_direction():
    assert table([["x", "y", "z"]], window=1) == {"xy": 1, "yx": 1, "yz": 1, "zy": 1}


def test_left_is_before_and_right_is_after():
    text = [["x", "y", "z"]]
    assert table(text, window=2, side="right") == {"xy": 1, "yz": 1, "xz": 1}
    assert table(text, window=2, side="left") == {"yx": 1, "zy": 1, "zx": 1}


def test_a_word_next_to_itself_is_its_own_context_twice():
    assert table([["x", "x"]], window=1) == {"xx": 2}
    assert table([["x", "x"]], window=1, side="right") == {"xx": 1}


def test_distances_weigh_as_told():
    text = [["x", "y", "z", "u"]]
    near = {"xy": 1, "yz": 1, "zu": 1}
    assert table(text, window=3, weighting="distance", side="right") == {
        **near,
        "xz": 0.5,
        "yu": 0.5,
        "xu": round(1 / 3, 9),
    }
    assert table(text, window=2, weighting="dynamic", side="right") == {
        **near,
        "xz": 0.5,
        "yu": 0.5,
    }
    assert table(text, window=2, side="right") == {**near, "xz": 1, "yu": 1}


def test_windows_end_with_the_document():
    assert table([["x"], ["y", "z"], ["u"]], window=5, side="right") == {"yz": 1}


def test_the_default_is_a_plain_window_of_five_words_on_both_sides():
    texts = [list("abcdefgh")]
    corpus = Corpus.from_documents(texts)
    X = count_contexts(corpus)
    assert X.sum() == 2 * (7 + 6 + 5 + 4 + 3)
    assert (X != X.T).nnz == 0
    plainly = count_contexts_plainly([corpus.ids], 8)
    assert (X.toarray() == plainly).all()


@given(
    documents,
    st.integers(1, 7),
    st.sampled_from(["plain", "distance", "dynamic"]),
    st.sampled_from(["both", "left", "right"]),
)
def test_the_compiled_count_is_the_plain_one(texts, window, weighting, side):
    corpus = Corpus.from_documents(texts)
    settings = {"window": window, "weighting": weighting, "side": side}
    X = count_contexts(corpus, **settings)
    plain = count_contexts_plainly(list(corpus.documents()), len(corpus.vocabulary), **settings)
    assert X.shape == plain.shape and X.dtype == np.float64
    assert X.has_canonical_format and (X.data > 0).all()
    np.testing.assert_allclose(X.toarray(), plain, rtol=1e-12)


def test_the_plain_count_is_a_sum_over_pairs_of_places():
    document = [0, 1, 2, 0, 1, 1, 3]
    expected = np.zeros((4, 4))
    for i, j in itertools.permutations(range(len(document)), 2):
        if abs(i - j) <= 3:
            expected[document[i], document[j]] += 1 / abs(i - j)
    X = count_contexts_plainly([document], 4, window=3, weighting="distance")
    np.testing.assert_allclose(X, expected)


@given(documents, st.integers(1, 4))
def test_both_sides_are_left_and_right_together(texts, window):
    left, right, both = (counted(texts, window=window, side=s) for s in ("left", "right", "both"))
    assert (left != right.T).nnz == 0 and (both != left + right).nnz == 0


def test_dynamic_counts_are_the_mean_over_drawn_windows():
    rng = np.random.default_rng(0)
    texts = [list(rng.choice(list("abcd"), 30)) for _ in range(3)]
    mean = sum(counted(texts, window=width).toarray() for width in range(1, 5)) / 4
    np.testing.assert_allclose(counted(texts, window=4, weighting="dynamic").toarray(), mean)


def test_many_words_in_one_window_need_more_room_than_there_are_tokens():
    words = [str(i) for i in range(60)]
    X = counted([words], window=59)
    assert X.nnz == 60 * 59 and (X.data == 1).all()


def test_a_corpus_of_empty_documents_has_no_contexts():
    assert counted([["a", "b"]], window=3).nnz == 2
    corpus = Corpus.from_documents([["a", "b"]])
    empty = Corpus(corpus.vocabulary, corpus.ids[:0], np.array([0, 0, 0]))
    assert count_contexts(empty).shape == (2, 2) and count_contexts(empty).nnz == 0


# Association


def test_pmi_by_hand():
    # P(0, 0) = 3/8, P(0) = P(c 0) = 1/2: log(3/8 / (1/4))
    X = pmi(csr_matrix([[3, 1], [1, 3]])).toarray()
    np.testing.assert_allclose(X, np.log([[1.5, 0.5], [0.5, 1.5]]))


def test_smoothing_by_hand():
    # contexts 16 and 1 smooth with a = 3/4 to 8 and 1, that is to 8/9 and 1/9
    X = pmi(csr_matrix([[16, 0], [0, 1]]), smoothing=0.75).toarray()
    np.testing.assert_allclose(np.diag(X), np.log([1 / (8 / 9), 1 / (1 / 9)]))
    P = ppmi(csr_matrix([[16, 0], [0, 1]])).toarray()
    np.testing.assert_allclose(np.diag(P), np.log([9 / 8, 9]), rtol=1e-6)


def test_smoothing_lowers_the_pmi_of_rare_contexts():
    X = csr_matrix([[100, 1], [100, 1], [1, 0]])
    plain, smoothed = pmi(X).toarray(), pmi(X, smoothing=0.75).toarray()
    assert smoothed[0, 1] < plain[0, 1] and smoothed[0, 0] > plain[0, 0]


@given(tables)
def test_mean_pmi_is_mutual_information(X):
    joint = X / X.sum()
    found = (joint * pmi(csr_matrix(X)).toarray()).sum()
    assert found == pytest.approx(mutual_info_score(None, None, contingency=X), abs=1e-12)


@given(tables, st.floats(0.3, 20), st.floats(0.1, 1.5))
def test_ppmi_is_the_dense_formula(X, shift, smoothing):
    joint = X / X.sum()
    contexts = X.sum(axis=0).astype(float) ** smoothing * (X.sum(axis=0) > 0)
    chance = np.outer(joint.sum(axis=1), contexts / contexts.sum())
    with np.errstate(divide="ignore", invalid="ignore"):
        values = np.log(joint / chance) - np.log(shift)
    expected = np.where(X > 0, np.maximum(values, 0), 0)
    found = ppmi(csr_matrix(X), shift=shift, smoothing=smoothing)
    assert found.dtype == np.float32 and (found.data > 0).all()
    np.testing.assert_allclose(found.toarray(), expected, rtol=1e-5, atol=1e-6)


def test_a_shift_takes_its_logarithm_away_and_leaves_what_is_positive():
    X = csr_matrix([[3, 1], [1, 3]])
    P = ppmi(X, shift=1.2, smoothing=1).toarray()
    np.testing.assert_allclose(P, [[np.log(1.5 / 1.2), 0], [0, np.log(1.5 / 1.2)]], rtol=1e-6)
    assert ppmi(X, shift=1.5001, smoothing=1).nnz == 0
    assert ppmi(X, smoothing=1).nnz == 2  # by default nothing is taken away


def test_pmi_stores_seen_pairs_only_and_also_its_zeros():
    X = pmi(csr_matrix([[1, 1, 0], [1, 1, 0]]))
    assert X.nnz == 4 and abs(X.data).max() < 1e-12
    stored_zero = csr_matrix(([2.0, 0.0], ([0, 1], [0, 1])), shape=(2, 2))
    assert pmi(stored_zero).nnz == 1


def test_pmi_adds_up_what_is_stored_twice_and_leaves_the_counts_alone():
    twice = csr_matrix((np.array([1.0, 2.0, 3.0]), np.array([0, 0, 1]), np.array([0, 2, 3])))
    before = twice.data.copy()
    np.testing.assert_allclose(
        pmi(twice).toarray(), pmi(csr_matrix([[3.0, 0.0], [0.0, 3.0]])).toarray()
    )
    assert (twice.data == before).all()


@pytest.mark.parametrize("bad", [[[0, 0]], [[1, -1]], [[1, np.nan]], [[1, np.inf]]])
def test_counts_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match="counts"):
        ppmi(csr_matrix(bad))


@pytest.mark.parametrize("shift", [0, -1])
def test_a_shift_needs_a_logarithm(shift):
    with pytest.raises(ValueError, match="shift"):
        ppmi(csr_matrix([[1]]), shift=shift)


# Short vectors


@pytest.mark.parametrize("d", [1, 3, 30])
def test_the_svd_is_numpy_s(d):
    M = random_array((50, 30), density=0.3, rng=np.random.default_rng(1), format="csr")
    U, s, Vt = truncated_svd(csr_matrix(M), d, rng=np.random.default_rng(0))
    expected = np.linalg.svd(M.toarray())
    assert U.shape == (50, d) and s.shape == (d,) and Vt.shape == (d, 30)
    assert U.dtype == s.dtype == Vt.dtype == np.float32
    np.testing.assert_allclose(s, expected.S[:d], rtol=1e-5)
    best = (expected.U[:, :d] * expected.S[:d]) @ expected.Vh[:d]
    np.testing.assert_allclose((U * s) @ Vt, best, atol=1e-5)
    np.testing.assert_allclose(U.T @ U, np.eye(d), atol=1e-5)
    assert (U[np.argmax(np.abs(U), axis=0), np.arange(d)] > 0).all()


def test_the_svd_does_not_depend_on_where_it_starts():
    M = csr_matrix(random_array((40, 60), density=0.2, rng=np.random.default_rng(2)))
    one, two = (truncated_svd(M, 4, rng=np.random.default_rng(seed)) for seed in (0, 1))
    np.testing.assert_allclose(one.U, two.U, atol=1e-4)
    again = truncated_svd(M, 4, rng=np.random.default_rng(0))
    assert (one.U == again.U).all() and (one.Vt == again.Vt).all()


def test_the_exponent_weighs_the_columns():
    M = csr_matrix(np.diag([16.0, 4.0, 1.0]))
    svd = truncated_svd(M, 2, rng=np.random.default_rng(0))
    for exponent, expected in [(0, [1, 1]), (0.5, [4, 2]), (1, [16, 4])]:
        np.testing.assert_allclose(np.diag(svd.vectors(exponent)), expected, rtol=1e-5)
    assert (svd.vectors() == svd.vectors(0.5)).all()


def test_whole_vectors_keep_the_inner_products_of_the_rows():
    M = csr_matrix(random_array((8, 12), density=0.5, rng=np.random.default_rng(3)))
    X = truncated_svd(M, 8, rng=np.random.default_rng(0)).vectors(1)
    np.testing.assert_allclose(X @ X.T, (M @ M.T).toarray(), atol=1e-5)


@pytest.mark.parametrize("d", [0, 4])
def test_a_matrix_has_only_so_many_singular_values(d):
    with pytest.raises(ValueError, match=f"d = {d}"):
        truncated_svd(csr_matrix(np.ones((3, 5))), d, rng=np.random.default_rng(0))
