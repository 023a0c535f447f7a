import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from lib.text import (
    EVERY_WORD,
    WORD,
    PowerLaw,
    UnknownWord,
    Vocabulary,
    edit_distance,
    edit_distances,
    heaps_fit,
    nearest_spellings,
    ngrams,
    power_law_fit,
    rank_frequency,
    tokenize,
    type_growth,
    word_finder,
    zipf_fit,
)

short_words = st.text("abcé", max_size=6)
corpora = st.lists(st.lists(st.sampled_from("abcdef"), max_size=8), max_size=5)


# tokenize


@given(st.text())
def test_a_word_is_what_scikit_learn_takes_for_one(text):
    assert tokenize(text) == CountVectorizer().build_analyzer()(text)


def test_words_of_one_letter_are_dropped_unless_asked_for():
    assert tokenize("I saw a B-52.") == ["saw", "52"]
    assert tokenize("I saw a B-52.", pattern=EVERY_WORD) == ["i", "saw", "a", "b", "52"]
    assert (WORD, EVERY_WORD) == (r"\w{2,}", r"\w+")


def test_case_is_kept_when_asked():
    assert tokenize("The THE", lowercase=False) == ["The", "THE"]
    assert tokenize("The THE") == ["the", "the"]


def test_letters_beyond_ascii_are_letters():
    assert tokenize("Café Ünder ひらがな") == ["café", "ünder", "ひらがな"]


def test_the_group_of_a_pattern_is_the_word():
    assert tokenize("#cats and #dogs", pattern=r"#(\w+)") == ["cats", "dogs"]
    assert tokenize("Cats", pattern=re.compile(r"[A-Z]\w"), lowercase=False) == ["Ca"]


def test_two_groups_are_refused_because_only_one_can_be_the_word():
    with pytest.raises(ValueError, match=r"2 groups.*write \(\?:"):
        word_finder(r"(\w)(\w)")


# n-grams


def test_ngrams_of_three_words_by_hand():
    words = ["the", "cat", "sat"]
    assert ngrams(words, 1) == [("the",), ("cat",), ("sat",)]
    assert ngrams(words, 2) == [("the", "cat"), ("cat", "sat")]
    assert ngrams(words, 3) == [("the", "cat", "sat")]
    assert ngrams(words, 4) == []
    assert ngrams("abc", 2) == [("a", "b"), ("b", "c")]


def test_an_ngram_of_nothing_is_refused():
    with pytest.raises(ValueError, match="n = 0"):
        ngrams(["a"], 0)


@given(st.lists(st.integers()), st.integers(1, 5))
def test_each_ngram_starts_one_later(items, n):
    runs = ngrams(items, n)
    assert len(runs) == max(0, len(items) - n + 1)
    assert all(list(run) == items[i : i + n] for i, run in enumerate(runs))


# Vocabulary


def test_the_most_frequent_word_has_number_0_and_ties_follow_the_alphabet():
    vocabulary = Vocabulary.from_documents([["b", "c", "a"], ["c", "b", "c"]])
    assert vocabulary.words == ("c", "b", "a")
    assert Vocabulary.from_documents([["z", "y", "x"]]).words == ("x", "y", "z")
    assert vocabulary.index == {"c": 0, "b": 1, "a": 2}


def test_rare_words_are_left_out_and_the_size_is_bounded():
    documents = [["c", "c", "c", "b", "b", "a"]]
    assert Vocabulary.from_documents(documents, min_count=2).words == ("c", "b")
    assert Vocabulary.from_documents(documents, min_count=3).words == ("c",)
    assert Vocabulary.from_documents(documents, max_size=1).words == ("c",)
    assert Vocabulary.from_documents(documents, max_size=9).words == ("c", "b", "a")


def test_a_vocabulary_is_a_collection_of_words():
    vocabulary = Vocabulary(["the", "cat"])
    assert len(vocabulary) == 2
    assert "cat" in vocabulary
    assert "dog" not in vocabulary
    assert list(vocabulary) == ["the", "cat"]


@given(st.lists(st.sampled_from(["the", "cat", "sat"])))
def test_decoding_undoes_encoding(tokens):
    vocabulary = Vocabulary(["cat", "sat", "the"])
    ids = vocabulary.encode(tokens)
    assert ids.dtype == np.int64
    assert ids.shape == (len(tokens),)
    assert vocabulary.decode(ids) == tokens


def test_an_unknown_word_names_the_vocabulary_and_the_nearest_spellings():
    vocabulary = Vocabulary(["the", "government", "cat"], name="toy")
    with pytest.raises(KeyError) as caught:
        vocabulary.encode(["the", "goverment"])
    assert isinstance(caught.value, UnknownWord)
    assert str(caught.value) == (
        "'goverment' is not in the vocabulary of toy (3 words); nearest spellings: government"
    )


def test_an_unknown_word_without_a_name_or_a_neighbour_still_makes_a_sentence():
    assert str(UnknownWord("xyzzy", ["cat"])) == "'xyzzy' is not in the vocabulary (1 words)"
    assert str(UnknownWord("ox", ["cat"] * 1000, hint="see chapter 8")) == (
        "'ox' is not in the vocabulary (1,000 words); see chapter 8"
    )


def test_unknown_words_can_be_skipped():
    ids = Vocabulary(["the", "cat"]).encode(["the", "dog", "cat"], skip_unknown=True)
    assert ids.tolist() == [0, 1]


@pytest.mark.parametrize("number", [-1, 2])
def test_an_id_that_is_no_word_is_refused(number):
    with pytest.raises(IndexError, match=f"id {number} is no word: ids here run from 0 to 1"):
        Vocabulary(["the", "cat"]).decode([0, number])


def test_a_word_can_have_only_one_number():
    with pytest.raises(ValueError, match="'cat' stands twice"):
        Vocabulary(["the", "cat", "cat"])


# edit distance


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("", "", 0),
        ("cat", "cat", 0),
        ("cat", "", 3),
        ("", "cat", 3),
        ("cat", "cart", 1),
        ("cart", "cat", 1),
        ("cat", "cut", 1),
        ("ab", "ba", 2),
        ("kitten", "sitting", 3),
        ("sunday", "saturday", 3),
        ("intention", "execution", 5),
    ],
)
def test_edit_distances_by_hand(a, b, distance):
    assert edit_distance(a, b) == distance
    assert edit_distances(a, [b]).tolist() == [distance]


def plain_distance(a, b):
    """The recursive definition."""
    if not a or not b:
        return len(a) + len(b)
    if a[0] == b[0]:
        return plain_distance(a[1:], b[1:])
    tails = plain_distance(a[1:], b), plain_distance(a, b[1:]), plain_distance(a[1:], b[1:])
    return 1 + min(tails)


@given(short_words, st.lists(short_words, max_size=5))
def test_the_table_the_batch_and_the_definition_agree(word, others):
    distances = [plain_distance(word, other) for other in others]
    assert [edit_distance(word, other) for other in others] == distances
    assert edit_distances(word, others).tolist() == distances


def test_the_nearest_spelling_comes_first_and_ties_keep_the_order_of_the_words():
    words = ["cart", "dog", "cat", "bat", "carts"]
    assert nearest_spellings("cat", words) == ["cat", "cart", "bat"]
    assert nearest_spellings("cat", words, limit=5) == ["cat", "cart", "bat", "carts"]
    assert nearest_spellings("cat", words, max_distance=0) == ["cat"]
    assert nearest_spellings("cat", words, limit=5, max_distance=1) == ["cat", "cart", "bat"]
    assert nearest_spellings("cat", ["abcdef", "c"]) == ["c"]
    assert nearest_spellings("cat", []) == []


@given(short_words, st.lists(short_words, max_size=6), st.integers(0, 4))
def test_nothing_near_is_missed(word, words, reach):
    near = [other for other in words if plain_distance(word, other) <= reach]
    near.sort(key=lambda other: plain_distance(word, other))
    assert nearest_spellings(word, words, limit=9, max_distance=reach) == near
    assert nearest_spellings(word, words, limit=2, max_distance=reach) == near[:2]


# Zipf and Heaps


def test_words_are_ranked_by_count_then_alphabet():
    words, counts = rank_frequency([["b", "a", "c"], [], ["c", "c"]])
    assert words == ["c", "a", "b"]
    assert counts.tolist() == [3, 1, 1]
    assert counts.dtype == np.int64
    assert rank_frequency([])[0] == []


@given(corpora)
def test_ranking_loses_no_token(documents):
    words, counts = rank_frequency(documents)
    tokens = [token for document in documents for token in document]
    assert dict(zip(words, counts, strict=True)) == {w: tokens.count(w) for w in set(tokens)}
    assert np.all(np.diff(counts) <= 0)


@pytest.mark.parametrize("function", [rank_frequency, type_growth, Vocabulary.from_documents])
def test_a_text_that_was_not_cut_is_refused(function):
    with pytest.raises(TypeError, match="tokenize it first"):
        function(["the cat"])


def test_types_grow_by_one_with_each_new_word():
    tokens, types = type_growth([["a", "b", "a"], ["c", "a"]], points=50)
    assert tokens.tolist() == [1, 2, 3, 4, 5]
    assert types.tolist() == [1, 2, 2, 3, 3]
    assert tokens.dtype == types.dtype == np.int64


def test_growth_is_looked_at_on_a_logarithmic_scale_from_the_first_to_the_last_token():
    tokens, types = type_growth([[str(i) for i in range(1000)]], points=4)
    assert tokens.tolist() == types.tolist() == [1, 10, 100, 1000]
    assert len(type_growth([[str(i) for i in range(100_000)]])[0]) == 47  # of 50, less the doubles


def test_the_growth_of_nothing_is_refused():
    with pytest.raises(ValueError, match="no token"):
        type_growth([[], []])


def test_a_power_law_is_evaluated_by_its_formula():
    np.testing.assert_allclose(PowerLaw(2.0, 3.0)([1, 2, 10]), [2, 16, 2000])


@given(st.floats(0.1, 100), st.floats(-2, 2))
def test_a_perfect_power_law_is_found_again(coefficient, exponent):
    x = np.array([1.0, 3.0, 10.0, 50.0])
    fit = power_law_fit(x, coefficient * x**exponent)
    assert fit.coefficient == pytest.approx(coefficient, rel=1e-9)
    assert fit.exponent == pytest.approx(exponent, abs=1e-9)


def test_noisy_points_get_the_least_squares_line_in_logarithms():
    x, y = np.array([1, 2, 5, 9, 20]), np.array([3, 3, 8, 7, 30])
    slope, intercept = np.polyfit(np.log(x), np.log(y), 1)
    fit = power_law_fit(x, y)
    assert fit.exponent == pytest.approx(slope, rel=1e-12)
    assert fit.coefficient == pytest.approx(np.exp(intercept), rel=1e-12)


@pytest.mark.parametrize(("x", "y"), [([1, 2], [0, 1]), ([1, 1], [1, 2]), ([3], [1]), ([], [])])
def test_points_without_a_line_in_logarithms_are_refused(x, y):
    with pytest.raises(ValueError, match="positive numbers and at least two different x"):
        power_law_fit(x, y)


def test_heaps_law_is_fitted_to_types_over_tokens():
    fit = heaps_fit([100, 10_000], [30, 300])
    assert fit.exponent == pytest.approx(0.5)
    assert fit.coefficient == pytest.approx(3.0)


def test_zipfs_law_is_fitted_to_counts_over_ranks_from_1():
    counts = 1000 / np.arange(1, 21) ** 1.5
    fit = zipf_fit(counts)
    assert fit.exponent == pytest.approx(-1.5)
    assert fit.coefficient == pytest.approx(1000)


def test_only_the_chosen_ranks_are_fitted_and_both_ends_belong_to_them():
    counts = 1000 / np.arange(1, 21)
    counts[[0, 12]] = 1e6, 1e-6  # ranks 1 and 13 lie off the line
    assert zipf_fit(counts, ranks=(2, 12)).exponent == pytest.approx(-1)
    assert zipf_fit(counts, ranks=(1, 12)).exponent < -1.1
    assert zipf_fit(counts, ranks=(2, 13)).exponent < -1.1


@pytest.mark.parametrize("ranks", [(0, 2), (1, 10), (3, 2)])
def test_ranks_that_do_not_exist_are_refused(ranks):
    with pytest.raises(ValueError, match="ranks run from 1 to 3"):
        zipf_fit([9, 5, 1], ranks=ranks)


def test_a_power_law_through_what_is_no_list_of_points_is_refused():
    with pytest.raises(ValueError, match="as many x as y"):
        power_law_fit([1, 2, 3], [1, 2])
    with pytest.raises(ValueError, match="positive numbers"):
        power_law_fit([1, 2], [1, np.nan])
