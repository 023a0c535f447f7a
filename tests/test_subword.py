from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib.subword import END, BytePairEncoding

# The dictionary of Sennrich, Haddow & Birch 2016, listing 1
PAPER = {"low": 5, "lower": 2, "newest": 6, "widest": 3}

word_counts = st.dictionaries(st.text("abc", min_size=1, max_size=6), st.integers(1, 5), max_size=8)


def slow_merges(counts, merges, min_count=2, end=END):
    """Algorithm 1 as the paper has it: all pairs counted again after each merge."""
    words = {word: [*word, end] for word in counts}
    learned = []
    for _ in range(merges):
        tally = Counter()
        for word, pieces in words.items():
            for pair in pairwise(pieces):
                tally[pair] += counts[word]
        if not tally:
            break
        most = max(tally.values())
        if most < min_count:
            break
        best = min(pair for pair in tally if tally[pair] == most)
        learned.append(best)
        for pieces in words.values():
            i = 0
            while i < len(pieces) - 1:
                if (pieces[i], pieces[i + 1]) == best:
                    pieces[i : i + 2] = ["".join(best)]
                i += 1
    return tuple(learned), words


def test_the_first_merges_of_the_paper():
    bpe = BytePairEncoding.train(PAPER, merges=5)
    assert bpe.merges == (("e", "s"), ("es", "t"), ("est", END), ("l", "o"), ("lo", "w"))
    assert END == "</w>"


def test_a_word_is_cut_by_the_paper_s_merges():
    bpe = BytePairEncoding.train(PAPER, merges=5)
    assert bpe.encode("lowest") == ["low", "est</w>"]
    assert bpe.encode("low") == ["low", "</w>"]
    assert bpe.encode("west") == ["w", "est</w>"]
    assert bpe.encode("estate") == ["est", "a", "t", "e", "</w>"]


@given(word_counts, st.integers(0, 25), st.integers(1, 4))
def test_kept_counts_give_the_same_merges_as_counting_anew(counts, merges, min_count):
    bpe = BytePairEncoding.train(counts, merges, min_count=min_count)
    learned, words = slow_merges(counts, merges, min_count)
    assert bpe.merges == learned
    assert {word: bpe.encode(word) for word in counts} == words


@given(word_counts, st.integers(0, 15), st.text("abcdé -", max_size=8))
def test_every_word_comes_back(counts, merges, word):
    bpe = BytePairEncoding.train(counts, merges)
    pieces = bpe.encode(word)
    assert "".join(pieces) == word + END
    assert bpe.decode(pieces) == word


@given(word_counts, st.integers(0, 15), st.text("abc", max_size=8))
def test_known_letters_give_known_symbols_only(counts, merges, word):
    bpe = BytePairEncoding.train({"abc": 1, **counts}, merges)
    assert set(bpe.encode(word)) <= set(bpe.symbols)
    assert len(set(bpe.symbols)) == len(bpe.symbols)


def test_symbols_are_the_alphabet_the_end_and_the_merges_in_order():
    bpe = BytePairEncoding.train({"ba": 3}, merges=2)
    assert bpe.alphabet == ("a", "b")
    assert bpe.symbols == ("a", "b", END, "a</w>", "ba</w>")


def test_more_merges_never_make_a_word_longer():
    lengths = [
        len(BytePairEncoding.train(PAPER, merges).encode("newest")) for merges in range(0, 13)
    ]
    assert lengths[0] == 7
    assert lengths[-1] == 1
    assert lengths == sorted(lengths, reverse=True)


def test_ties_go_to_the_alphabet():
    assert BytePairEncoding.train({"dc": 2, "ab": 2}, 1, end="z").merges == (("a", "b"),)
    assert BytePairEncoding.train({"ca": 2, "ba": 2}, 1).merges == (("a", END),)
    assert BytePairEncoding.train({"xyb": 2, "xya": 2}, 2).merges == (("x", "y"), ("a", END))


def test_the_order_of_the_words_does_not_matter():
    backwards = dict(reversed(PAPER.items()))
    assert BytePairEncoding.train(backwards, 12) == BytePairEncoding.train(PAPER, 12)


def test_a_pair_seen_once_is_not_merged_unless_asked_for():
    assert BytePairEncoding.train({"ab": 1}, 5).merges == ()
    assert len(BytePairEncoding.train({"ab": 1}, 5, min_count=1).merges) == 2
    assert len(BytePairEncoding.train({"ab": 2}, 5).merges) == 2


def test_training_stops_when_nothing_is_left_to_merge():
    assert len(BytePairEncoding.train({"abc": 9}, 100).merges) == 3
    assert BytePairEncoding.train({}, 100).merges == ()


def test_merging_runs_from_left_to_right():
    bpe = BytePairEncoding.train({"aaa": 4}, 1)
    assert bpe.merges == (("a", "a"),)
    assert bpe.encode("aaa") == ["aa", "a", END]
    assert bpe.encode("aaaa") == ["aa", "aa", END]


def test_earlier_merges_are_replayed_first():
    bpe = BytePairEncoding(merges=(("b", "c"), ("a", "b")), alphabet=("a", "b", "c"))
    assert bpe.encode("abc") == ["a", "bc", END]
    assert bpe.encode("ab") == ["ab", END]


def test_texts_are_cut_into_lower_case_words_and_counted():
    texts = ["Low, low: a LOWER low", "low"]
    assert BytePairEncoding.train(texts, 9) == BytePairEncoding.train(
        {"low": 4, "a": 1, "lower": 1}, 9
    )
    assert BytePairEncoding.train(texts, 0).alphabet == tuple("aelorw")


def test_an_unknown_letter_stays_itself_or_becomes_the_unknown_symbol():
    bpe = BytePairEncoding.train(PAPER, merges=5)
    assert bpe.encode("löwest") == ["l", "ö", "w", "est</w>"]
    assert bpe.encode("löwest", unknown="<unk>") == ["l", "<unk>", "w", "est</w>"]
    assert bpe.encode("low", unknown="<unk>") == ["low", END]


def test_pieces_of_several_words_decode_to_words_with_spaces():
    bpe = BytePairEncoding.train(PAPER, merges=5)
    assert bpe.decode([*bpe.encode("lower"), *bpe.encode("newest")]) == "lower newest"
    assert bpe.decode(["lo", "w"]) == "low"
    assert bpe.decode([]) == ""


def test_another_end_symbol_can_be_chosen():
    bpe = BytePairEncoding.train({"est": 3}, 9, end="_")
    assert bpe.encode("est") == ["est_"]
    assert bpe.decode(["est_", "est_"]) == "est est"


def test_a_word_that_holds_the_end_symbol_is_refused():
    with pytest.raises(ValueError, match="holds the end symbol '</w>'"):
        BytePairEncoding.train({"a</w>b": 1}, 1)
    with pytest.raises(ValueError, match="holds the end symbol"):
        BytePairEncoding.train(PAPER, 1).encode("a</w>")
    with pytest.raises(ValueError, match="end is empty"):
        BytePairEncoding.train(PAPER, 1, end="")


def test_impossible_requests_are_refused():
    with pytest.raises(ValueError, match="merges = -1"):
        BytePairEncoding.train(PAPER, -1)
    with pytest.raises(TypeError, match="one single str"):
        BytePairEncoding.train("low lower", 1)
