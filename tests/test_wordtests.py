"""Word benchmarks: the evidence is word pairs, and no word stands on two sides."""

from itertools import combinations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st

from lib import wordtests
from lib.data import load
from lib.evaluate import bootstrap, cosine, cosine_matrix, spearman
from lib.text import Vocabulary
from lib.vectors import Vectors
from lib.wordtests import (
    Answers,
    Questions,
    RatedPairs,
    analogy_questions,
    answer,
    association,
    disjoint_halves,
    gap,
    macro_average,
    macro_gap,
    nearest_rows,
    permutation_p,
    rated_pairs,
    shared,
    weat_effect,
)

RNG = np.random.default_rng(7)
NOISE = RNG.normal(size=(40, 6))
PAIRS = RatedPairs("toy", np.array([0, 1, 2]), np.array([3, 4, 5]), np.array([1.0, 2, 3]), 9)


# Rated pairs ----------------------------------------------------------------------------------


def test_pairs_are_compared_by_the_cosine_of_their_rows():
    expected = [cosine(NOISE[i], NOISE[i + 3]) for i in range(3)]
    assert PAIRS.cosines(NOISE).tolist() == pytest.approx(expected, abs=1e-12)


def test_sparse_dense_and_named_tables_give_the_same_cosines():
    W = np.where(NOISE > 0, NOISE, 0).astype(np.float32)
    W[4] = 0
    dense = PAIRS.cosines(W)
    assert dense[1] == 0
    for table in (sp.csr_matrix(W), sp.csc_matrix(W), Vectors([f"w{i}" for i in range(40)], W)):
        assert PAIRS.cosines(table).tolist() == pytest.approx(dense.tolist(), abs=1e-7)


def test_sparse_counts_of_any_size_stay_exact():
    W = sp.csr_matrix(np.array([[60_000, 0], [60_000, 60_000]], dtype=np.uint16))
    pair = RatedPairs("counts", np.array([0]), np.array([1]), np.ones(1), 1)
    assert pair.cosines(W)[0] == pytest.approx(np.sqrt(0.5), abs=1e-12)


def test_equal_cosines_tie_whatever_the_lengths():
    W = np.array([[0.1, 0.2, 0.3], [0.2, 0.3, 0.1], [0.7, 1.4, 2.1], [1.4, 2.1, 0.7]])
    pairs = RatedPairs("toy", np.array([0, 2]), np.array([1, 3]), np.ones(2), 2)
    first, second = pairs.cosines(W)
    assert first == second


def test_pairs_are_taken_by_mask_or_by_number():
    masked = PAIRS.take(np.array([True, False, True]))
    for part in (masked, PAIRS.take([0, 2])):
        assert (part.first.tolist(), part.second.tolist()) == ([0, 2], [3, 5])
        assert (len(part), part.ratings.tolist(), part.total, part.name) == (2, [1, 3], 9, "toy")


@pytest.mark.parametrize(("name", "total"), [("wordsim353", 353), ("simlex999", 999)])
def test_a_benchmark_keeps_the_pairs_whose_two_words_are_known(name, total):
    data = load(name)
    everything = sorted({word.lower() for pair in data.pairs for word in pair})
    whole = rated_pairs(name, everything)
    assert len(whole) == whole.total == total
    assert whole.ratings.tolist() == data.ratings.tolist()
    spelt = [(everything[a], everything[b]) for a, b in zip(whole.first, whole.second, strict=True)]
    assert spelt == [(a.lower(), b.lower()) for a, b in data.pairs]

    half = everything[::2]
    part = rated_pairs(name, half)
    assert part.total == total
    assert len(part) == sum(a in half and b in half for a, b in spelt) > 0


def test_capital_letters_of_a_benchmark_do_not_matter():
    assert ("Arafat", "Jackson") in load("wordsim353").pairs
    assert len(rated_pairs("wordsim353", ["arafat", "jackson"])) == 1


def test_words_may_come_in_four_forms():
    words = ["old", "new", "smart", "intelligent"]
    forms = (
        words,
        Vocabulary(words),
        Vectors(words, np.eye(4)),
        {word: i for i, word in enumerate(words)},
    )
    for form in forms:
        pairs = rated_pairs("simlex999", form)
        assert (pairs.first.tolist(), pairs.second.tolist()) == ([0, 2], [1, 3])
    moved = rated_pairs("simlex999", {"old": 7, "new": 5})
    assert (moved.first.tolist(), moved.second.tolist()) == ([7], [5])


def test_a_benchmark_without_a_known_word_is_empty():
    assert len(rated_pairs("simlex999", ["xyzzy"])) == 0


def test_no_word_stands_in_both_halves_of_any_benchmark():
    words = sorted(
        {w.lower() for n in ("wordsim353", "simlex999") for p in load(n).pairs for w in p}
    )
    sets = {name: rated_pairs(name, words) for name in ("wordsim353", "simlex999")}
    halves = disjoint_halves(sets, np.random.default_rng(0))
    sides = [
        {
            int(row)
            for name, pairs in sets.items()
            for row in (*pairs.take(halves[name][i]).first, *pairs.take(halves[name][i]).second)
        }
        for i in (0, 1)
    ]
    assert not sides[0] & sides[1]
    for name, pairs in sets.items():
        development, test = halves[name]
        assert 0.35 < development.mean() < 0.55 and 0.35 < test.mean() < 0.55
        assert (development | test).mean() > 0.75  # by chance one half of the pairs would straddle
        assert len(development) == len(test) == len(pairs)
    again = disjoint_halves(sets, np.random.default_rng(0))
    other = disjoint_halves(sets, np.random.default_rng(1))
    assert np.array_equal(again["simlex999"][0], halves["simlex999"][0])
    assert not np.array_equal(other["simlex999"][0], halves["simlex999"][0])


def test_a_gap_is_a_difference_of_two_correlations():
    ratings, first, second = RNG.normal(size=(3, 30))
    expected = spearman(ratings, first) - spearman(ratings, second)
    assert gap(ratings, first, second) == pytest.approx(expected)
    assert gap([1, 2, 3], [1, 2, 3], [3, 2, 1]) == 2


# Analogies ------------------------------------------------------------------------------------

FAMILY = ["king", "queen", "man", "woman", "boy", "girl"]


def all_words() -> list[str]:
    questions = load("analogies").categories.values()
    return sorted({word.lower() for part in questions for q in part for word in q})


def test_the_whole_set_is_made_of_a_few_hundred_word_pairs():
    words = all_words()
    questions = analogy_questions(words)
    assert len(questions) == questions.total == 19_544
    assert len(questions.category) == 573
    assert questions.categories == tuple(load("analogies").categories)
    spelt = [tuple(words[i] for i in row) for row in questions.rows[:3]]
    assert spelt[0] == ("athens", "greece", "baghdad", "iraq")


def test_both_pairs_of_a_question_are_named():
    words = all_words()
    questions = analogy_questions(words)
    members: dict[int, set[tuple[int, int]]] = {}
    for row, (first, second) in zip(questions.rows, questions.pairs, strict=True):
        members.setdefault(int(first), set()).add((row[0], row[1]))
        members.setdefault(int(second), set()).add((row[2], row[3]))
        assert questions.category[first] == questions.category[second]
    assert sorted(members) == list(range(len(questions.category)))
    assert all(len(spellings) == 1 for spellings in members.values())
    assert (np.diff(questions.category) >= 0).all()
    # Athens and Greece are a pair of two categories, and count as two.
    distinct = {(c, *pair) for p, (pair,) in members.items() for c in [questions.category[p]]}
    assert len(distinct) == len(questions.category)


def test_only_questions_of_frequent_words_are_asked():
    words = [*FAMILY, "euro", "japan"]
    assert len(analogy_questions(words)) == 6
    four = analogy_questions(words, limit=4)
    assert (len(four), four.rows.max(), four.limit) == (2, 3, 4)
    assert analogy_questions(words, limit=3).categories == ()
    assert (
        analogy_questions({word: i + 9 for i, word in enumerate(words)}, limit=13).rows.min() == 9
    )


def toy() -> tuple[Questions, np.ndarray]:
    """Random vectors for six words of questions and thirty others."""
    words = FAMILY + [f"x{i}" for i in range(30)]
    return analogy_questions(words), np.random.default_rng(5).normal(size=(36, 4))


def plainly(W, row, method, inputs_allowed):
    """Score every word by the formula, one after the other."""
    a, s, b = (W[i] / np.linalg.norm(W[i]) for i in row[:3])
    scores = []
    for i, x in enumerate(W):
        cos = [float(x @ y) / np.linalg.norm(x) for y in (a, s, b)]
        moved = [(1 + c) / 2 for c in cos]
        score = {
            "add": cos[2] - cos[0] + cos[1],
            "mul": moved[2] * moved[1] / (moved[0] + 0.001),
            "only-b": cos[2],
            "only-a*": cos[1],
            "ignore-a": cos[2] + cos[1],
            "opposite": cos[2] + cos[0] - cos[1],
        }[method]
        scores.append(-np.inf if i in row[:3] and not inputs_allowed else score)
    return np.array(scores)


@pytest.mark.parametrize("inputs_allowed", [False, True])
@pytest.mark.parametrize("method", ["add", "mul", "only-b", "only-a*", "ignore-a", "opposite"])
def test_answers_are_those_of_the_formula(method, inputs_allowed):
    questions, W = toy()
    found = answer(W, questions, method, inputs_allowed=inputs_allowed)
    for answered, row in zip(found.rows, questions.rows, strict=True):
        # Without a, the sums of b and of a* are the same two cosines: rounding says which is first.
        scores = plainly(W, row, method, inputs_allowed)
        assert scores[answered] >= scores.max() - 1e-12
    assert found.right.tolist() == [
        x == r[3] for x, r in zip(found.rows, questions.rows, strict=True)
    ]


def test_only_b_with_the_inputs_answers_b():
    questions, W = toy()
    assert answer(W, questions, "only-b", inputs_allowed=True).rows.tolist() == list(
        questions.rows[:, 2]
    )


def test_answers_agree_with_those_of_the_vectors():
    questions, W = toy()
    words = FAMILY + [f"x{i}" for i in range(30)]
    vectors = Vectors(words, W)
    asked = [[words[i] for i in row[:3]] for row in questions.rows]
    for method in ("add", "mul"):
        for allowed in (False, True):
            theirs = vectors.answers(asked, method=method, inputs=allowed)
            ours = answer(vectors, questions, method, inputs_allowed=allowed).rows
            assert [words[i] for i in ours] == theirs


def test_the_default_is_3cosadd_without_the_inputs():
    questions, W = toy()
    expected = answer(W, questions, "add", inputs_allowed=False).rows
    assert answer(W, questions).rows.tolist() == expected.tolist()
    assert not any(x in row[:3] for x, row in zip(expected, questions.rows, strict=True))


def test_answers_come_from_the_frequent_words_only():
    words = FAMILY + [f"x{i}" for i in range(30)]
    W = toy()[1]
    few = analogy_questions(words, limit=8)
    assert answer(W, few, "only-b").rows.max() < 8
    assert answer(W, toy()[0], "only-b").rows.max() >= 8


def test_batches_change_no_answer(monkeypatch):
    questions, W = toy()
    whole = answer(W, questions, "mul").rows
    monkeypatch.setattr(wordtests, "BATCH", 4)
    assert answer(W, questions, "mul").rows.tolist() == whole.tolist()


def test_an_empty_benchmark_and_an_unknown_method_are_told_apart():
    questions = analogy_questions(["king", "queen"])
    assert answer(np.eye(2), questions).rows.shape == (0,)
    with pytest.raises(ValueError, match="or mul, not 'b'"):
        answer(np.eye(2), questions, "b")


def graded() -> Answers:
    """Two categories: of 3 pairs (6 questions, the first two right), and of 2 (both right)."""
    pairs = [(i, j) for i in range(3) for j in range(3) if i != j] + [(3, 4), (4, 3)]
    rows = np.zeros((8, 4), dtype=np.int64)
    right = np.array([0, 0, 9, 9, 9, 9, 0, 0])
    questions = Questions(rows, np.array(pairs), np.array([0, 0, 0, 1, 1]), ("a", "b"), 10, 8)
    return Answers(questions, right, np.ones(5, dtype=np.int64))


def test_every_category_counts_the_same():
    answers = graded()
    assert answers.shares() == pytest.approx({"a": 1 / 3, "b": 1.0})
    assert macro_average(answers) == pytest.approx(2 / 3)
    assert np.mean(answers.right) == 0.5  # the mean over questions is another number


def test_a_question_counts_as_often_as_both_of_its_pairs():
    answers = graded()
    drawn = Answers(answers.questions, answers.rows, np.array([2, 1, 0, 1, 1]))
    # Left are (0, 1) and (1, 0), each counted 2 * 1 times; (0, 1) is right.
    assert drawn.shares() == pytest.approx({"a": 0.5, "b": 1.0})
    lopsided = Answers(answers.questions, answers.rows, np.array([1, 2, 0, 1, 1]))
    uneven = Answers(answers.questions, answers.rows, np.array([1, 2, 3, 1, 1]))
    assert lopsided.shares()["a"] == 0.5
    # Right are (0, 1) and (0, 2): 2 + 3 of 2 * (2 + 3 + 6).
    assert uneven.shares()["a"] == pytest.approx(5 / 22)


def test_pairs_are_drawn_within_their_category():
    answers, rng = graded(), np.random.default_rng(0)
    draws = np.array([answers[rng.integers(0, 5, 5)].drawn for _ in range(3000)])
    assert (draws[:, :3].sum(axis=1) == 3).all() and (draws[:, 3:].sum(axis=1) == 2).all()
    assert draws.mean(axis=0) == pytest.approx([1] * 5, abs=0.06)
    # A draw of n from n: variance 1 - 1 / n.
    assert draws.var(axis=0) == pytest.approx([2 / 3] * 3 + [1 / 2] * 2, abs=0.06)


def test_two_methods_get_the_same_draws():
    index = np.random.default_rng(1).integers(0, 5, 5)
    first, second = graded()[index], graded()[index]
    assert first.drawn.tolist() == second.drawn.tolist()
    assert first.drawn.tolist() != graded()[index[::-1]].drawn.tolist()


def test_a_category_that_lost_its_questions_leaves_the_average():
    answers = graded()
    gone = Answers(answers.questions, answers.rows, np.array([1, 1, 1, 2, 0]))
    assert np.isnan(gone.shares()["b"])
    assert macro_average(gone) == pytest.approx(1 / 3)
    assert np.isnan(macro_average(gone.only("b")))


def test_the_interval_has_word_pairs_for_units():
    pairs = np.array([(i, j) for i in range(12) for j in range(12) if i != j])
    right = np.where(pairs[:, 0] < 3, 0, 9)  # the first three pairs are good examples
    rows, category = np.zeros((132, 4), dtype=np.int64), np.zeros(12, dtype=np.int64)
    questions = Questions(rows, pairs, category, ("a",), 10, 132)
    answers = Answers(questions, right, np.ones(12, dtype=np.int64))
    estimate = bootstrap(
        macro_average, answers, rng=np.random.default_rng(0), n_resamples=200, unit="word pairs"
    )
    assert (estimate.n, estimate.value) == (12, pytest.approx(1 / 4))
    assert estimate.high - estimate.low > 0.3  # 132 independent questions would give 0.15
    assert estimate.low < estimate.value < estimate.high
    same = bootstrap(
        macro_gap, answers, answers, rng=np.random.default_rng(0), n_resamples=50, unit="word pairs"
    )
    assert (same.low, same.value, same.high) == (0, 0, 0)


def test_a_part_of_the_pairs_is_no_resample():
    with pytest.raises(ValueError, match="drawn all at once, 5 of them"):
        graded()[[0, 1]]


def test_one_category_is_an_exam_of_its_own():
    answers = graded()
    a, b = answers.only("a"), answers.only("b")
    assert (len(a), len(b)) == (3, 2)
    assert (a.shares(), b.shares()) == ({"a": pytest.approx(1 / 3)}, {"b": 1.0})
    assert b.questions.pairs.tolist() == [[0, 1], [1, 0]]
    assert b[np.array([0, 1])].drawn.sum() == 2
    with pytest.raises(KeyError, match="'c' is no category here: a, b"):
        answers.only("c")


def test_a_gap_of_answers_is_first_minus_second():
    questions = graded().questions
    best = Answers(questions, np.zeros(8, dtype=np.int64), np.ones(5, dtype=np.int64))
    assert macro_gap(best, graded()) == pytest.approx(1 / 3)


# Associations ---------------------------------------------------------------------------------


def test_an_association_is_a_difference_of_mean_cosines():
    words, A, B = [0, 1, 2], [3, 4], [5, 6, 7]
    cosines = cosine_matrix(NOISE)
    expected = cosines[np.ix_(words, A)].mean(axis=1) - cosines[np.ix_(words, B)].mean(axis=1)
    assert association(NOISE, words, A, B).tolist() == pytest.approx(expected.tolist(), abs=1e-6)
    assert association(NOISE, words, B, A).tolist() == pytest.approx((-expected).tolist(), abs=1e-6)


def test_the_effect_size_is_worked_by_hand():
    # Means 2 and -2; squares around the mean 0: 9 + 1 + 1 + 9 over 3.
    assert weat_effect([3, 1], [-1, -3]) == pytest.approx(4 / np.sqrt(20 / 3))
    assert weat_effect([-1, -3], [3, 1]) == pytest.approx(-4 / np.sqrt(20 / 3))
    assert weat_effect([30, 10], [-10, -30]) == pytest.approx(weat_effect([3, 1], [-1, -3]))


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=2, max_size=6), st.integers(0, 99))
def test_the_effect_size_cannot_pass_two(x, seed):
    y = np.random.default_rng(seed).normal(size=len(x))
    assert abs(weat_effect(x, y)) < 2


def test_the_permutation_test_goes_through_all_splits():
    x, y = [0.9, 0.2, 0.4], [0.1, 0.3]
    splits = list(combinations([*x, *y], 3))
    expected = np.mean([sum(split) >= sum(x) - 1e-12 for split in splits])
    assert permutation_p(x, y) == pytest.approx(expected)
    assert permutation_p([3, 1], [-1, -3]) == pytest.approx(1 / 6)
    assert permutation_p([-1, -3], [3, 1]) == 1


def test_splits_as_good_as_the_one_at_hand_count():
    assert permutation_p([1, 1], [1, 1]) == 1
    # The six sums: 0.1, 0.2, twice 0.3, 0.4, 0.5. 0.1 + 0.2 is not the float 0.3 + 0.0.
    assert permutation_p([0.1, 0.2], [0.3, 0.0]) == pytest.approx(4 / 6)
    assert permutation_p([0.3, 0.0], [0.1, 0.2]) == pytest.approx(4 / 6)


def test_drawn_splits_come_near_the_exact_answer():
    x, y = RNG.normal(0.4, 1, 6), RNG.normal(0, 1, 6)
    exact = permutation_p(x, y, limit=924)
    drawn = permutation_p(x, y, rng=np.random.default_rng(0), limit=900)
    assert 0.02 < exact < 0.98
    assert drawn == pytest.approx(exact, abs=0.05) and drawn != exact


def test_a_drawn_p_is_never_zero():
    p = permutation_p(np.ones(12), -np.ones(12), rng=np.random.default_rng(0), limit=99)
    assert p == pytest.approx(1 / 100)


def test_many_splits_need_a_generator():
    with pytest.raises(ValueError, match="more than 20,000 splits: pass rng"):
        permutation_p(np.arange(9), np.arange(9))
    assert 0 < permutation_p(np.arange(8), np.arange(8)) < 1  # 12,870 splits


# Neighbours -----------------------------------------------------------------------------------


def test_neighbours_are_those_of_the_vectors():
    vectors = Vectors([f"w{i}" for i in range(40)], NOISE)
    found = nearest_rows(vectors, [3, 9], 5)
    for query, rows in zip((3, 9), found, strict=True):
        expected = [word for word, _ in vectors.similar(f"w{query}", 5)]
        assert [f"w{i}" for i in rows] == expected


def test_neighbours_by_distance_are_those_of_a_ruler():
    far = NOISE[:, :2] + 1000
    distances = np.linalg.norm(NOISE[:, None, :2] - NOISE[None, :, :2], axis=2)
    expected = np.argsort(distances[[0, 7]], axis=1)[:, 1:6]
    assert nearest_rows(far, [0, 7], 5, by="distance").tolist() == expected.tolist()


def test_a_row_is_not_its_own_neighbour_but_its_twin_is():
    twins = np.vstack([NOISE[:3], NOISE[:1]])
    for by in ("cosine", "distance"):
        assert nearest_rows(twins, [0, 3], 1, by=by).tolist() == [[3], [0]]


def test_shared_counts_the_first_rows_own_entries():
    first, second = np.array([[1, 2, 3, 4]]), np.array([[4, 3]])
    assert shared(first, second).tolist() == [0.5]
    assert shared(second, first).tolist() == [1.0]
    assert shared(first, np.array([[2, 1, 4, 3]])).tolist() == [1.0]
