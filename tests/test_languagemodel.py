"""Texts for language models, perplexity by document, and drawing words."""

import doctest

import numpy as np
import pytest

from lib import languagemodel
from lib.corpus import Corpus, cut_chunks, shuffle_chunks
from lib.evaluate import bootstrap
from lib.languagemodel import (
    UNKNOWN,
    by_document,
    classes,
    limit_vocabulary,
    perplexity,
    reverse,
    reversed_places,
    sample,
    sharpen,
    split_documents,
    take_documents,
)
from lib.smoothing import NgramCounts, add_k, kneser_ney


def rng(seed=0):
    return np.random.default_rng(seed)


def corpus(*documents):
    return Corpus.from_documents([document.split() for document in documents])


def words(text):
    return [" ".join(text.vocabulary.decode(document)) for document in text.documents()]


# The text


def test_rare_words_become_one_and_keep_their_place():
    text = limit_vocabulary(corpus("a b a c", "d a b"), 3)
    assert text.vocabulary.words == (UNKNOWN, "a", "b")
    assert words(text) == [f"a b a {UNKNOWN}", f"{UNKNOWN} a b"]


def test_all_words_may_be_known():
    whole = corpus("a b a c")
    text = limit_vocabulary(whole, 4)
    assert words(text) == words(whole) and UNKNOWN in text.vocabulary


@pytest.mark.parametrize("size", [1, 5])
def test_a_vocabulary_too_small_or_too_large_is_refused(size):
    with pytest.raises(ValueError, match="2 to 4 words"):
        limit_vocabulary(corpus("a b c"), size)


def test_classes_are_the_numbers_of_the_limited_text():
    whole = corpus("a b a c", "d a b")
    assert classes(whole.ids, 3).tolist() == limit_vocabulary(whole, 3).ids.tolist()


def numbered(documents=40, length=12):
    """Documents without a word in common."""
    return Corpus.from_documents([[f"{d}x{i}" for i in range(length)] for d in range(documents)])


def test_documents_are_dealt_out_whole_and_once():
    whole = numbered()
    parts = split_documents(whole, 0.2, rng())
    assert [len(part) for part in parts] == [24, 8, 8]
    assert sorted(word for part in parts for word in words(part)) == sorted(words(whole))
    other = split_documents(whole, 0.2, rng(1))
    assert words(other.heldout) != words(parts.heldout)
    assert all(part.vocabulary is whole.vocabulary for part in parts)


def test_what_repeats_a_heldout_document_is_not_learnt_from():
    posts = [" ".join(f"{d}x{i}" for i in range(12)) for d in range(9)]
    answers = [f"{post} I agree" for post in posts]
    mentions = [f"{' '.join(post.split()[:8])} {' '.join(f'{d}y{i}' for i in range(30))}"
                for d, post in enumerate(posts)]  # fmt: skip
    whole = corpus(*posts, *answers, *mentions)
    train, development, heldout = split_documents(whole, 0.15, rng(3))
    hidden = set(words(development) + words(heldout))
    for post, answer, mention in zip(posts, answers, mentions, strict=True):
        if post in hidden or answer in hidden:
            assert post not in words(train) and answer not in words(train)
        assert mention in words(train) or mention in hidden
    assert hidden & {*posts, *answers}
    kept = split_documents(whole, 0.15, rng(3), overlap=2)
    assert len(kept.train) == len(whole) - 8 and len(train) < len(kept.train)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.6])
def test_no_part_of_a_split_is_empty(share):
    with pytest.raises(ValueError, match="leaves a part empty"):
        split_documents(numbered(10), share, rng())


def test_documents_are_taken_in_the_order_asked_for():
    whole = Corpus(
        corpus("a b c").vocabulary, [0, 1, 2, 2], [0, 1, 3, 4], source=np.array([5, 6, 7])
    )
    part = take_documents(whole, [2, 0])
    assert words(part) == ["c", "a"] and part.source.tolist() == [7, 5]
    assert take_documents(whole, []).tokens == 0


def test_turning_around_twice_changes_nothing():
    whole = corpus("a b c", "d", "a c")
    assert words(reverse(whole)) == ["c b a", "d", "c a"]
    assert words(reverse(reverse(whole))) == words(whole)
    places = reversed_places(whole)
    assert places[places].tolist() == list(range(6))


def test_a_backward_model_is_a_forward_model_of_the_reversed_text():
    text = corpus("a b", "a b", "c b")
    model = add_k(NgramCounts(reverse(text), 2), 0)
    before = np.exp(model.log_probabilities(reverse(text)))[reversed_places(text)]
    assert before == pytest.approx([2 / 3, 1, 2 / 3, 1, 1 / 3, 1])  # a, a, c before b


# The measure


def test_perplexity_by_hand():
    assert perplexity(np.log([1 / 4, 1 / 4 * 1 / 4]), [1, 2]) == pytest.approx(4)
    assert perplexity(np.log([1 / 2, 1 / 8]), [1, 1]) == pytest.approx(4)  # the geometric mean


def test_no_tokens_have_no_perplexity():
    with pytest.raises(ValueError, match="there are none"):
        perplexity([], [])


def test_long_documents_count_by_their_words():
    assert perplexity([-3 * np.log(2), -np.log(16)], [3, 1]) == pytest.approx(2 ** (7 / 4))


def test_guessing_at_random_has_the_perplexity_of_the_vocabulary():
    text = corpus("a b c d", "b c", "a")
    model = add_k(NgramCounts(text, 2), 1e12)  # all that was seen is nothing beside it
    sums = by_document(model.log_probabilities(text), text)
    assert perplexity(sums, np.diff(text.starts)) == pytest.approx(4)


def test_cutting_into_passages_leaves_each_token_with_its_document():
    text = corpus("a b c d e", "b", "c d a b")
    passages = cut_chunks(text, 2)
    assert passages.tokens == text.tokens and len(passages) == 6
    assert by_document(passages.ids, text).tolist() == [text.document(d).sum() for d in range(3)]


def test_a_document_without_words_has_the_sum_zero():
    text = Corpus(corpus("a").vocabulary, [0], [0, 0, 1])
    assert by_document([2.5], text).tolist() == [0, 2.5]
    with pytest.raises(ValueError, match="one each is needed"):
        by_document([1, 2], text)


def test_the_interval_resamples_documents_with_their_lengths():
    sums, tokens = np.log([0.5, 0.25, 0.125]) * [2, 1, 3], np.array([2, 1, 3])
    found = bootstrap(perplexity, sums, tokens, rng=rng(), unit="documents", n_resamples=5000)
    assert found.low == pytest.approx(2) and found.high == pytest.approx(8)
    assert found.n == 3 and found.value == pytest.approx(2 ** ((2 + 2 + 9) / 6))


def test_order_is_what_an_ngram_model_loses_when_words_are_shuffled():
    whole = Corpus.from_documents([["a", "b", "c", "d"] * 10 for _ in range(30)])
    shuffled = shuffle_chunks(whole, 1, rng(), within="document")
    found = {}
    for name, text in (("real", whole), ("shuffled", shuffled)):
        train, _, heldout = split_documents(text, 0.2, rng(), overlap=2)
        for order in (1, 2):
            model = kneser_ney(NgramCounts(train, order), modified=False, discounts=[0.5])
            sums = by_document(model.log_probabilities(heldout), heldout)
            found[name, order] = perplexity(sums, np.diff(heldout.starts))
    assert found["real", 1] == pytest.approx(found["shuffled", 1], rel=0.01)
    assert found["real", 2] < 1.2 and found["shuffled", 2] > 3.8


# The writer


def test_temperature_by_hand():
    p = np.log([0.5, 0.25, 0.25])
    assert sharpen(p, 1) == pytest.approx([0.5, 0.25, 0.25])
    assert sharpen(p, 0.5) == pytest.approx(np.array([4, 1, 1]) / 6)
    assert sharpen(p, 2) == pytest.approx(np.array([2**0.5, 1, 1]) / (2**0.5 + 2))
    assert sharpen(p, 0).tolist() == [1, 0, 0]
    assert sharpen(p, 1e9) == pytest.approx([1 / 3] * 3)


def test_temperature_leaves_the_impossible_impossible():
    assert sharpen([-np.inf, -1000.0], 0.3).tolist() == [0, 1]
    assert sharpen([-1e5, -1e5 - 1], 1).sum() == pytest.approx(1)


@pytest.mark.parametrize(("logs", "temperature"), [([0.0], -1), ([-np.inf], 1), ([0.0], np.nan)])
def test_nothing_can_be_drawn_from_nothing(logs, temperature):
    with pytest.raises(ValueError, match="cannot draw"):
        sharpen(logs, temperature)


class Chain:
    """After word w comes w + 1 with 3/4, or w; word 0 is likely and never wanted."""

    def next(self, context):
        p = np.full(10, 1e-300)
        here = context[-1] if len(context) else 1
        p[0], p[here], p[(here + 1) % 10] = 0.8, 0.05, 0.15
        return np.log(p / p.sum())


def test_words_are_drawn_as_often_as_they_are_likely():
    drawn = [sample(Chain(), 1, generator, context=[4])[0] for generator in [rng(1)] * 4000]
    assert set(drawn) == {4, 5}
    assert np.mean(np.array(drawn) == 5) == pytest.approx(0.75, abs=0.03)


def test_each_word_is_drawn_given_all_before_it():
    assert sample(Chain(), 5, rng(), context=[2], temperature=0) == [3, 4, 5, 6, 7]
    assert sample(Chain(), 3, rng(), temperature=0) == [2, 3, 4]
    assert sample(Chain(), 3, rng(), temperature=0, without=[]) == [0, 1, 0]
    assert len(sample(Chain(), 7, rng())) == 7


def test_a_sample_knows_all_that_came_before():
    class Counting:
        def next(self, context):
            return np.log(np.where(np.arange(9) == len(context), 1.0, 1e-300))

    assert sample(Counting(), 4, rng(), context=[7, 7, 7]) == [3, 4, 5, 6]


def test_a_sample_can_be_drawn_again():
    text = corpus("a b a c a b", "c b a")
    model = kneser_ney(NgramCounts(text, 2), modified=False, discounts=[0.5])
    first, again = (sample(model, 20, rng(5), without=()) for _ in range(2))
    assert first == again != sample(model, 20, rng(6), without=())


def test_the_examples_in_the_docstrings_are_true():
    failed, tried = doctest.testmod(languagemodel)
    assert (failed, tried > 0) == (0, True)
