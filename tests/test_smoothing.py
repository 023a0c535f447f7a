"""N-gram models: against counts by hand, and against the equations written out word by word."""

import doctest
import math

import numpy as np
import pytest

from lib import smoothing
from lib.corpus import Corpus
from lib.smoothing import (
    FALLBACK,
    NgramCounts,
    add_k,
    estimate_discounts,
    find_discounts,
    fit_weights,
    interpolate,
    kneser_ney,
    older_words,
)
from lib.text import Vocabulary

MARK = None


def rng(seed=0):
    return np.random.default_rng(seed)


def corpus(*documents):
    return Corpus.from_documents([document.split() for document in documents])


def some_text(documents=60, words=7, seed=0):
    """Random text in which some runs come back often and others never."""
    generator = rng(seed)
    p = 1 / np.arange(1, words + 1)
    letters = [chr(ord("a") + i) for i in range(words)]
    lengths = generator.integers(1, 9, documents)
    ids = generator.choice(words, size=lengths.sum(), p=p / p.sum())
    for i in np.flatnonzero(generator.random(len(ids)) < 0.6)[1:]:
        ids[i] = (2 * ids[i - 1] + 1) % words  # so that the word before tells something
    return Corpus(Vocabulary(letters, "toy"), ids, np.append(0, np.cumsum(lengths)))


def same_words(text, *documents):
    parts = [text.vocabulary.encode(document.split()) for document in documents]
    starts = np.append(0, np.cumsum([len(part) for part in parts]))
    return Corpus(text.vocabulary, np.concatenate(parts), starts)


# The equations, written out ------------------------------------------------------------------


class Equations:
    """Chen & Goodman 1999, transcribed: dictionaries, sums over all words, and recursion."""

    def __init__(self, text, order):
        self.V, self.order = len(text.vocabulary), order
        self.c = {}
        for document in text.documents():
            marked = [MARK] * (order - 1) + [int(w) for w in document]
            for end in range(order, len(marked) + 1):
                for k in range(order):
                    run = tuple(marked[end - 1 - k : end])
                    self.c[run] = self.c.get(run, 0) + 1

    def continuation(self, run):
        """N1+(. run), or for the longest runs how often they came."""
        if len(run) == self.order:
            return self.c.get(run, 0)
        return sum((before, *run) in self.c for before in [MARK, *range(self.V)])

    def after(self, context, count):
        """Return the counts of all words after a context."""
        return [count((*context, w)) for w in range(self.V)]

    def raw(self, run):
        return self.c.get(run, 0)

    def n(self, length, r):
        """Return how many runs of a length have the modified count r."""
        runs = [run for run in self.c if len(run) == length]
        return sum(self.continuation(run) == r for run in runs)

    def D(self, length, c, modified):
        n = [0] + [self.n(length, r) for r in (1, 2, 3, 4)]
        Y = n[1] / (n[1] + 2 * n[2])
        if c == 0:
            return 0
        if not modified:
            return Y
        if c == 1:
            return 1 - 2 * Y * n[2] / n[1]
        if c == 2:
            return 2 - 3 * Y * n[3] / n[2]
        return 3 - 4 * Y * n[4] / n[3]

    def kneser_ney(self, word, context, modified, given=None):
        shorter = self.kneser_ney(word, context[1:], modified, given) if context else 1 / self.V
        counts = self.after(context, self.continuation)
        if not sum(counts):
            return shorter
        length = len(context) + 1

        def D(c):
            if given is not None:
                return 0 if c == 0 else given[min(c, len(given)) - 1]
            return self.D(length, c, modified)

        gamma = sum(D(c) for c in counts) / sum(counts)
        return max(counts[word] - D(counts[word]), 0) / sum(counts) + gamma * shorter

    def interpolated(self, word, context, weights):
        shorter = self.interpolated(word, context[1:], weights) if context else 1 / self.V
        counts = self.after(context, self.raw)
        if not sum(counts):
            return shorter
        weight = weights[len(context)]
        return weight * counts[word] / sum(counts) + (1 - weight) * shorter

    def add_k(self, word, context, k):
        counts = self.after(context, self.raw)
        return (counts[word] + k) / (sum(counts) + k * self.V)


def contexts_of(text, order):
    """Every token with its full context."""
    for document in text.documents():
        marked = [MARK] * (order - 1) + [int(w) for w in document]
        for place, word in enumerate(document):
            yield int(word), tuple(marked[place : place + order - 1])


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("modified", [True, False])
def test_kneser_ney_is_the_equations_written_out(order, modified):
    train, test = some_text(seed=1), some_text(documents=12, seed=2)
    given = [0.4, 0.7, 0.9] if modified else [0.6]
    model = kneser_ney(NgramCounts(train, order), modified=modified, discounts=given)
    equations = Equations(train, order)
    expected = [
        math.log(equations.kneser_ney(word, context, modified, given))
        for word, context in contexts_of(test, order)
    ]
    np.testing.assert_allclose(model.log_probabilities(test), expected, rtol=1e-12)


@pytest.mark.parametrize("modified", [True, False])
def test_estimated_discounts_are_the_equations_written_out(modified):
    train, test = some_text(documents=400, words=30, seed=3), some_text(12, 30, seed=4)
    model = kneser_ney(NgramCounts(train, 2), modified=modified)
    equations = Equations(train, 2)
    equations.D = _discounts_by_length(equations, modified)
    estimated = find_discounts(NgramCounts(train, 2), modified=modified)
    assert estimated[0].tolist() == list(FALLBACK[: len(estimated[0])])  # no rare words
    expected = [
        math.log(equations.kneser_ney(word, context, modified))
        for word, context in contexts_of(test, 2)
    ]
    np.testing.assert_allclose(model.log_probabilities(test), expected, rtol=1e-10)


def _discounts_by_length(equations, modified):
    """Look each discount up once: counting them again for each word takes long."""
    last_resort = FALLBACK if modified else FALLBACK[:1] * 3
    found = {(1, c): last_resort[c - 1] for c in (1, 2, 3)}
    found |= {(2, c): Equations.D(equations, 2, c, modified) for c in (1, 2, 3)}
    return lambda length, c, modified: 0 if c == 0 else found[length, min(c, 3)]


def test_frequent_words_alone_get_the_discounts_of_last_resort():
    counts = NgramCounts(corpus("a b a b a a b b a"), 2)
    assert [D.tolist() for D in find_discounts(counts)] == [[0.5, 1.0, 1.5]] * 2
    assert [D.tolist() for D in find_discounts(counts, modified=False)] == [[0.5]] * 2


@pytest.mark.parametrize("order", [1, 2, 3])
def test_interpolation_is_the_equation_written_out(order):
    train, test = some_text(seed=5), some_text(documents=12, seed=6)
    weights = [0.7, 0.5, 0.3][:order]
    model = interpolate(NgramCounts(train, order), weights)
    equations = Equations(train, order)
    expected = [
        math.log(equations.interpolated(word, context, weights))
        for word, context in contexts_of(test, order)
    ]
    np.testing.assert_allclose(model.log_probabilities(test), expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3])
def test_adding_k_is_the_equation_written_out(order):
    train, test = some_text(seed=7), some_text(documents=12, seed=8)
    model = add_k(NgramCounts(train, order), 0.3)
    equations = Equations(train, order)
    expected = [
        math.log(equations.add_k(word, context, 0.3)) for word, context in contexts_of(test, order)
    ]
    np.testing.assert_allclose(model.log_probabilities(test), expected, rtol=1e-12)


# By hand ---------------------------------------------------------------------------------------

TEXT = ("san francisco", "san francisco", "san francisco", "a dog", "the dog", "my dog")


def test_kneser_ney_knows_that_francisco_stands_after_san_alone():
    # Words after how many others: francisco 1, dog 3, san 1, a 1, the 1, my 1 (the mark): sum 8.
    text = corpus(*TEXT)
    model = kneser_ney(NgramCounts(text, 2), modified=False, discounts=[0.5])
    p = dict(
        zip(text.vocabulary.words, np.exp(model.next(text.vocabulary.encode(["my"]))), strict=True)
    )
    below = 6 * 0.5 / 8 / 6  # six words, each gives 0.5 of 8 away, and gets a sixth of all
    assert p["francisco"] == pytest.approx(0.5 * (0.5 / 8 + below))
    assert p["dog"] == pytest.approx(0.5 + 0.5 * (2.5 / 8 + below))
    counted = add_k(NgramCounts(text, 1), 0)
    shares = dict(zip(text.vocabulary.words, np.exp(counted.next([])), strict=True))
    assert shares["francisco"] == pytest.approx(3 / 12) == pytest.approx(shares["dog"])


def test_modified_kneser_ney_by_hand():
    # After "a": b three times, c twice, d once. D = .5, 1.1, 1.6 off 1, 2, 3; of 6 that is 3.2.
    text = corpus("a b", "a b", "a b", "a c", "a c", "a d")
    model = kneser_ney(NgramCounts(text, 2), discounts=[0.5, 1.1, 1.6])
    a, b, c, d = text.vocabulary.encode(["a", "b", "c", "d"])
    # All four stand after one word or mark only: (1 - .5) / 4 each, and 2 / 4 of a fourth below.
    below = 0.5 / 4 + 0.5 / 4
    p = np.exp(model.next([a]))
    assert p[[b, c, d, a]] == pytest.approx(
        [1.4 / 6 + 3.2 / 6 * below, 0.9 / 6 + 3.2 / 6 * below, 0.5 / 6 + 3.2 / 6 * below,
         3.2 / 6 * below]
    )  # fmt: skip


def test_discounts_by_hand():
    counts = np.repeat([1, 2, 3, 4, 9], [40, 20, 12, 8, 5])
    assert estimate_discounts(counts, modified=False) == pytest.approx([0.5])  # 40 / (40 + 40)
    expected = [1 - 2 * 0.5 * 20 / 40, 2 - 3 * 0.5 * 12 / 20, 3 - 4 * 0.5 * 8 / 12]
    assert estimate_discounts(counts) == pytest.approx(expected)


def test_shares_by_hand():
    model = add_k(NgramCounts(corpus("a b a b", "a c"), 2), 0)
    p = np.exp(model.next([0]))  # after "a": b, b, c
    assert p == pytest.approx([0, 2 / 3, 1 / 3])


def test_counts_are_told_by_their_words():
    counts = NgramCounts(corpus("a b a b", "a c"), 3)
    assert counts.table(["a"]) == {"b": 2, "c": 1}
    assert counts.table([None, None]) == {"a": 2}
    assert counts.table(["b", "a"]) == {"b": 1}
    assert counts.table(["c"]) == counts.table(["no", "such"]) == {}
    assert counts.table(["a", "b", "a"]) == {}  # longer than what was counted


# What must hold for all of them ------------------------------------------------------------------

MODELS = {
    "add-k": lambda counts: add_k(counts, 0.1),
    "interpolated": lambda counts: interpolate(counts, [0.6] * counts.order),
    "Kneser-Ney": lambda counts: kneser_ney(counts, modified=False, discounts=[0.7]),
    "modified Kneser-Ney": lambda counts: kneser_ney(counts, discounts=[0.5, 0.9, 1.2]),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("order", [1, 2, 4])
def test_probabilities_sum_to_one_after_any_context(name, order):
    model = MODELS[name](NgramCounts(some_text(seed=9), order))
    assert model.name.startswith(name.split("-")[0])
    for context in ([], [0], [0, 1, 2, 0], [6, 6, 6, 6, 6], [5, 0, 6]):
        p = np.exp(model.next(context))
        assert p.sum() == pytest.approx(1) and (p > 0).all()


@pytest.mark.parametrize("name", MODELS)
def test_the_next_word_is_as_likely_as_in_a_text(name):
    text = some_text(seed=10)
    model = MODELS[name](NgramCounts(text, 3))
    logs = model.log_probabilities(text)
    for d in range(5):
        document = text.document(d).tolist()
        for place, word in enumerate(document):
            expected = logs[text.starts[d] + place]
            assert model.next(document[:place])[word] == pytest.approx(expected)


@pytest.mark.parametrize("name", MODELS)
def test_no_context_reaches_over_the_beginning_of_a_document(name):
    text = some_text(seed=11)
    model = MODELS[name](NgramCounts(text, 3))
    together = model.log_probabilities(same_words(text, "a b c", "b c a"))
    alone = model.log_probabilities(same_words(text, "b c a"))
    np.testing.assert_array_equal(together[3:], alone)


def test_a_word_never_seen_is_possible_after_smoothing_alone():
    text = Corpus(corpus("a b c").vocabulary, [0, 1, 0], [0, 3])
    assert np.isneginf(add_k(NgramCounts(text, 2), 0).next([0])[2])
    smoothed = kneser_ney(NgramCounts(text, 2), modified=False, discounts=[0.5])
    assert np.isfinite(smoothed.next([0])[2])


def test_older_words_are_marks_before_the_beginning():
    text = corpus("a b c", "b a")
    one, two = older_words(text, 2)
    assert one.tolist() == [3, 0, 1, 3, 1] and two.tolist() == [3, 3, 0, 3, 3]


# The weights of the mixture ----------------------------------------------------------------------


def layered_text(seed, tokens):
    """Text in which the last word, and the last two, each tell something of the next."""
    generator, words = rng(seed), 6
    ids = [0, 1]
    for kind in generator.choice(3, size=tokens - 2, p=[0.4, 0.3, 0.3]):
        ids.append(
            (
                int(generator.integers(words)),
                (ids[-1] + 1) % words,
                (ids[-1] * ids[-2] + 2) % words,
            )[kind]
        )
    return Corpus(Vocabulary(list("abcdef"), "toy"), ids, np.arange(0, tokens + 1, 10))


def log_likelihood(counts, weights, text):
    return interpolate(counts, weights).log_probabilities(text).sum()


def test_fitted_weights_are_the_best_ones():
    train, development = layered_text(12, 150), layered_text(13, 2000)
    counts = NgramCounts(train, 3)
    weights = fit_weights(counts, development, iterations=2000)
    assert all(0.05 < weight < 0.95 for weight in weights[1:]), weights
    best = log_likelihood(counts, weights, development)
    for k in range(3):
        for change in (-0.01, 0.01):
            moved = [*weights]
            moved[k] = min(max(moved[k] + change, 0), 1)
            assert log_likelihood(counts, moved, development) <= best + 1e-4


def test_every_step_of_the_fit_makes_the_text_more_likely():
    train, development = layered_text(14, 800), layered_text(15, 800)
    counts = NgramCounts(train, 3)
    found = [
        log_likelihood(counts, fit_weights(counts, development, iterations=n), development)
        for n in range(6)
    ]
    assert all(np.diff(found) > 0)


def test_the_training_text_itself_wants_the_longest_contexts_alone():
    text = some_text(seed=16)
    assert fit_weights(NgramCounts(text, 2), text, iterations=3000)[1] > 0.95


def test_weights_are_not_fitted_to_nothing():
    counts = NgramCounts(corpus("a b"), 2)
    with pytest.raises(ValueError, match="without words"):
        fit_weights(counts, Corpus(counts.vocabulary, [], [0]))


def test_a_length_that_explains_nothing_gets_no_weight():
    # "b b" never came: the word before explains no token, and all must come from below.
    counts = NgramCounts(corpus("a b a"), 2)
    weights = fit_weights(counts, Corpus(counts.vocabulary, [1, 1, 1], [0, 3]))
    assert weights[1] == 0


def test_a_word_with_no_number_is_refused():
    model = add_k(NgramCounts(corpus("a b a"), 2))
    for word in (-1, 2):
        with pytest.raises(ValueError, match="numbers 0 to 1"):
            model.next([word])


# What is refused ------------------------------------------------------------------------------


def test_settings_that_cannot_be_are_refused():
    counts = NgramCounts(corpus("a b a"), 2)
    with pytest.raises(ValueError, match="order 0"):
        NgramCounts(corpus("a"), 0)
    with pytest.raises(ValueError, match="k = -1"):
        add_k(counts, -1)
    with pytest.raises(ValueError, match="2 weights from 0 to 1"):
        interpolate(counts, [0.5])
    with pytest.raises(ValueError, match="2 weights from 0 to 1"):
        interpolate(counts, [0.5, 1.5])
    with pytest.raises(ValueError, match="three discounts"):
        kneser_ney(counts, discounts=[0.5])
    with pytest.raises(ValueError, match="one is needed"):
        kneser_ney(counts, modified=False, discounts=[0.5, 0.5])
    with pytest.raises(ValueError, match="between 0 and the count"):
        kneser_ney(counts, modified=False, discounts=[1.5])
    with pytest.raises(ValueError, match="from so little text"):
        estimate_discounts(counts.counts[0])


def test_a_text_of_other_words_is_refused():
    counts = NgramCounts(corpus("a b a"), 2)
    for use in (add_k(counts).log_probabilities, lambda text: fit_weights(counts, text)):
        with pytest.raises(ValueError, match="must be the same"):
            use(corpus("a c a"))


def test_the_examples_in_the_docstrings_are_true():
    failed, tried = doctest.testmod(smoothing)
    assert (failed, tried > 0) == (0, True)
