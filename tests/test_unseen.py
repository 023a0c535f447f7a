"""Unseen words: slips at the rate asked for, a corrector, words withheld, the company of words."""

import re
import string

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from lib import unseen
from lib.corpus import LETTERS, Corpus, load_corpus
from lib.data import load
from lib.unseen import (
    KINDS,
    Corrector,
    base_of,
    context_counts,
    mistype,
    mistype_text,
    neighbours,
    slips,
    unseen_words,
    withhold,
)
from lib.wordtests import disjoint_halves, rated_pairs

WORDS = st.text(string.ascii_lowercase, min_size=2, max_size=9)


@given(WORDS, st.integers(0, 99))
def test_a_slip_is_one_of_all_slips_and_never_the_word(word, seed):
    slip = mistype(word, np.random.default_rng(seed))
    assert slip in slips(word)
    assert slip != word


@given(WORDS)
def test_all_slips_of_a_word_are_one_edit_away(word):
    n = len(word)
    found = slips(word)
    assert {len(one) for one in found} <= {n - 1, n, n + 1}
    for one in found:
        if len(one) == n:
            differ = [i for i in range(n) if one[i] != word[i]]
            assert len(differ) == 1 or (
                len(differ) == 2
                and differ[1] == differ[0] + 1
                and one[differ[0]] == word[differ[1]]
                and one[differ[1]] == word[differ[0]]
            )
        else:
            short, long = sorted((one, word), key=len)
            assert short in {long[:i] + long[i + 1 :] for i in range(len(long))}


def test_all_slips_of_two_letters_by_count():
    # 2 drops, 1 swap, 2 * 25 replaced, 3 * 26 inserted of which 2 arise twice ("aab", "abb")
    assert len(slips("ab")) == 2 + 1 + 50 + 76


def test_the_four_kinds_of_slip_are_equally_frequent():
    rng, n = np.random.default_rng(0), 4000
    kinds = {"dropped": 0, "inserted": 0, "swapped": 0, "replaced": 0}
    for _ in range(n):
        slip = mistype("abcdefgh", rng)
        if len(slip) != 8:
            kinds["dropped" if len(slip) < 8 else "inserted"] += 1
        else:
            kinds["swapped" if sorted(slip) == list("abcdefgh") else "replaced"] += 1
    # A swap at the last place and a letter replaced by itself change nothing and are drawn again.
    weights = {"dropped": 1, "inserted": 1, "swapped": 7 / 8, "replaced": 25 / 26}
    total = sum(weights.values())
    for kind, weight in weights.items():
        assert kinds[kind] / n == pytest.approx(weight / total, abs=0.025)


def test_short_words_stay_and_long_ones_are_hit_at_the_rate():
    words = ["cat", "a"] * 500 + ["wheel"] * 4000
    half = mistype_text(words, 0.5, np.random.default_rng(0))
    assert half[:1000] == words[:1000]
    assert np.mean([w != "wheel" for w in half[1000:]]) == pytest.approx(0.5, abs=0.03)
    assert mistype_text(words, 0, np.random.default_rng(0)) == words
    assert "wheel" not in mistype_text(words, 1, np.random.default_rng(0))
    assert mistype_text(["four"], 1, np.random.default_rng(0)) != ["four"]
    assert unseen.SHORTEST == 4


def test_a_higher_rate_hits_the_same_words_and_more():
    words = ["wheel"] * 200
    few = mistype_text(words, 0.2, np.random.default_rng(5))
    many = mistype_text(words, 0.6, np.random.default_rng(5))
    assert all(b != "wheel" for a, b in zip(few, many, strict=True) if a != "wheel")


def test_too_short_for_a_slip():
    with pytest.raises(ValueError, match="'a' is too short"):
        mistype("a", np.random.default_rng(0))


def test_the_corrector_takes_the_most_frequent_word_one_slip_away():
    corrector = Corrector({"form": 0, "from": 1, "foam": 2})
    assert corrector.mend("from") == "from"
    assert corrector.mend("fom") == "form"
    assert corrector.mend("fro") == "from"
    assert corrector.mend("foxxm") is None
    assert corrector.mend("fom") == "form"  # remembered


# The sample ---------------------------------------------------------------------------------


def test_the_words_are_those_that_the_card_says_were_drawn():
    known = load_corpus().vocabulary
    cut = re.compile(LETTERS).findall
    types = {word for text in load("20newsgroups").test.texts for word in cut(text.lower())}
    lacking = sorted(word for word in types if word not in known)
    drawn = np.random.default_rng(8).choice(lacking, 200, replace=False)
    assert [one.word for one in unseen_words()] == sorted(drawn.tolist())


def test_forms_are_made_from_known_words_and_only_forms_and_typos_name_one():
    known = load_corpus().vocabulary
    found = unseen_words()
    assert {one.kind for one in found} == set(KINDS)
    for one in found:
        assert bool(one.meant) == (one.kind in ("typo", "form"))
        assert one.kind != "form" or one.meant in known
        assert one.word not in known


def test_a_kind_that_the_card_does_not_know_is_refused(monkeypatch, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "unseen-words.csv").write_text(
        "word,kind,meant\ncat,animal,\n", encoding="utf-8"
    )
    monkeypatch.setattr(unseen, "DATA", tmp_path)
    with pytest.raises(ValueError, match="'cat' is of the kind 'animal'"):
        unseen_words()


# Withheld on purpose ------------------------------------------------------------------------


CORPUS = load_corpus()
WORDS_OF = CORPUS.vocabulary.words
WITHHELD = withhold(CORPUS, np.random.default_rng(0))


def test_bases_by_hand():
    known = {"walk", "bake", "city", "run", "big", "kind", "dish"}
    forms = ["walks", "walked", "walking", "walker", "dishes", "baked", "baking", "baker", "cities",
             "kindest", "kindly", "kindness", "running", "bigs"]  # fmt: skip
    bases = ["walk", "walk", "walk", "walk", "dish", "bake", "bake", "bake", "city",
             "kind", "kind", "kind", None, "big"]  # fmt: skip
    assert [base_of(form, known) for form in forms] == bases
    assert base_of("as", {"a"}) is None
    assert base_of("walk", known) is None


def test_withheld_words_are_what_they_are_said_to_be():
    out, index = set(WITHHELD.all.tolist()), CORPUS.vocabulary.index
    assert len(WITHHELD.forms) == len(WITHHELD.bases) > 380
    assert len(WITHHELD.strangers) == 400
    for form, base in zip(WITHHELD.forms, WITHHELD.bases, strict=True):
        assert WORDS_OF[base] == base_of(WORDS_OF[form], index)
        assert base < 20_000
        assert base not in out
    for word in WITHHELD.strangers:
        assert sum(one.startswith(WORDS_OF[word][:4]) for one in WORDS_OF) == 1
    for word in [*WITHHELD.forms, *WITHHELD.strangers]:
        assert 20 <= CORPUS.counts[word] <= 2000
        assert len(WORDS_OF[word]) >= 5


def test_both_words_of_each_pair_are_withheld_and_of_the_other_half_none():
    for name, pairs in WITHHELD.pairs.items():
        assert len(pairs) > 150, name
        assert np.isin(pairs.first, WITHHELD.judged).all()
        assert np.isin(pairs.second, WITHHELD.judged).all()
    sets = {"a": rated_pairs("wordsim353", CORPUS.vocabulary),
            "b": rated_pairs("simlex999", CORPUS.vocabulary)}  # fmt: skip
    halves = disjoint_halves(sets, np.random.default_rng(0))
    for name, (development, _) in halves.items():
        pairs = sets[name].take(development)
        assert not np.isin(np.append(pairs.first, pairs.second), WITHHELD.all).any()


def test_candidates_are_the_frequent_words_that_stay():
    assert not np.isin(WITHHELD.candidates, WITHHELD.all).any()
    assert len(np.union1d(WITHHELD.candidates, WITHHELD.all[WITHHELD.all < 20_000])) == 20_000


def test_the_corpus_without_the_words_has_all_the_others_as_often():
    part = CORPUS.head(200_000)
    left = WITHHELD.without(part)
    expected = part.counts.copy()
    expected[WITHHELD.all] = 0
    assert (left.counts == expected).all()
    assert left.vocabulary is part.vocabulary


def test_neighbours_by_hand():
    W = np.array([[2.0, 0], [3, 3], [0, 9], [1, 0.1], [-1, 0], [0, 0]])
    everyone = np.arange(6)
    assert neighbours(W, np.array([0, 2]), everyone, 2).tolist() == [[3, 1], [1, 3]]
    assert neighbours(W, np.array([0]), np.array([0, 4, 5]), 2).tolist() == [[5, 4]]
    assert neighbours(W, np.array([0]), np.array([0, 4]), 1).tolist() == [[4]]
    assert neighbours(csr_matrix(W), np.array([0, 2]), everyone, 2).tolist() == [[3, 1], [1, 3]]


# The company of words -----------------------------------------------------------------------

TALK = Corpus.from_documents(
    [["a", "tiny", "cat", "sat", "a"], [], ["cat", "food"], ["dog"], ["the", "cat", "the", "cat"]]
)


def company(word, most, seed=0, window=5):
    row = np.array([TALK.vocabulary.index[word]])
    counts = context_counts(TALK, row, most, np.random.default_rng(seed), window=window)
    words = TALK.vocabulary.words
    return {words[i]: int(n) for i, n in zip(counts.indices, counts.data, strict=True)}


def test_company_ends_with_the_window_and_with_the_document():
    assert company("cat", 9, window=1) == {"tiny": 1, "sat": 1, "food": 1, "the": 3}
    assert company("cat", 9, window=2) == {
        "tiny": 1,
        "sat": 1,
        "food": 1,
        "the": 3,
        "a": 2,
        "cat": 2,
    }
    assert company("dog", 9) == {}


def test_company_comes_from_as_many_places_as_were_asked_for():
    found = [company("cat", 1, seed, window=1) for seed in range(40)]
    places = [{"tiny": 1, "sat": 1}, {"food": 1}, {"the": 2}, {"the": 1}]
    assert all(one in places for one in found)
    assert all(one in found for one in places)  # and every place is drawn some time
    for one in (company("cat", 2, seed, window=1) for seed in range(20)):
        assert one in [{**a, **b} for a in places[:2] for b in places] + [{"the": 3}]


def test_company_of_each_word_is_its_own():
    index, rng = TALK.vocabulary.index, np.random.default_rng(0)
    rows = np.array([index["food"], index["dog"], index["tiny"]])
    counts = context_counts(TALK, rows, 3, rng, window=1).toarray()
    assert counts[0].tolist() == [word == "cat" for word in TALK.vocabulary.words]
    assert counts[1].sum() == 0
    assert counts[2].tolist() == [word in ("a", "cat") for word in TALK.vocabulary.words]


@pytest.mark.parametrize("sizes", [{"most": 0}, {"most": 1, "window": 0}])
def test_company_of_nobody_is_refused(sizes):
    with pytest.raises(ValueError, match="must be 1 or more"):
        context_counts(TALK, np.array([0]), rng=np.random.default_rng(0), **sizes)
