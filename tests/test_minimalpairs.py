"""What lib.minimalpairs promises: its sentences, and measures that a bag of words cannot win."""

import csv
import doctest
import hashlib
import io
import re
from collections import Counter

import numpy as np
import pytest

from lib import minimalpairs
from lib._fetch import DATA
from lib.minimalpairs import (
    COLUMNS,
    KINDS,
    OTHER,
    SAME,
    as_csv,
    by_frame,
    cosines,
    fooled,
    items,
    pair_features,
    preferred,
    shuffle_words,
    swap_neighbours,
)


def words(text):
    return re.findall(r"[a-z]+", text.lower())


def bag(texts):
    known = sorted({word for text in texts for word in words(text)})
    return np.array([[words(text).count(word) for word in known] for text in texts], dtype=float)


# The sentences --------------------------------------------------------------------------------


def test_there_are_32_frames_of_each_kind_in_two_forms():
    for kind in KINDS:
        made = items(kind)
        assert len(made) == 64
        assert set(Counter(item.frame for item in made).values()) == {2}
        assert {item.kind for item in made} == {kind}
    assert items() == items("roles") + items("negation")
    with pytest.raises(ValueError, match="no kind 'tense'; there are roles, negation"):
        items("tense")


def test_the_sentences_are_those_that_were_read():
    text = as_csv(items())
    assert hashlib.sha256(text.encode()).hexdigest() == (
        "ce048505f06bf993af7028df32075266144ac917a928a977454db4d58dcb2564"
    )
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["harmless"] for row in rows] == [item.harmless for item in items()]
    assert [row["harmless_too"] for row in rows] == [item.harmless_too for item in items()]
    assert "\r" not in text
    assert (DATA / "own" / "edits.csv").read_text("utf-8") == text


def test_two_items_in_full():
    bite, back = items("roles")[:2]
    assert [getattr(back, column) for column in COLUMNS] == [
        "Yesterday the man bit the dog.",
        "Yesterday the dog bit the man.",
        "Yesterday the dog was bitten by the man.",
        "Yesterday the man was bitten by the dog.",
        "Yesterday the man nipped the dog.",
        "The man bit the dog yesterday.",
        "The man yesterday bit the dog.",
        "Yesterday the insurer bit the bank.",
    ]
    assert (bite.form, back.form, bite.frame) == ("ab", "ba", "bit")
    plan, failed = items("negation")[:2]
    assert [getattr(failed, column) for column in COLUMNS] == [
        "On Monday the board approved the plan.",
        "On Monday the board failed to approve the plan.",
        "On Monday the plan was approved by the board.",
        "On Monday the plan was not approved by the board.",
        "On Monday the board accepted the plan.",
        "On Monday the board managed to approve the plan.",
        "On Monday the board proceeded to approve the plan.",
        "On Monday the board approved the thief.",
    ]
    assert (plan.form, plan.changed) == (
        "did not",
        "On Monday the board did not approve the plan.",
    )
    assert plan.harmless == "On Monday the board did indeed approve the plan."
    assert plan.harmless_too == "On Monday the board did also approve the plan."


def test_days_and_months_keep_their_capitals_at_the_end():
    middle = {item.harmless_too.split()[2] for item in items("roles")}
    assert {"on", "in", "last", "this", "at", "yesterday"} == middle
    late = {item.harmless.split()[-2] + " " + item.harmless.split()[-1] for item in items("roles")}
    assert {"on Monday.", "in June.", "last week.", "this morning.", "at dawn."} <= late
    assert not any(end.split()[0][0].isupper() for end in late)


def test_swapped_roles_keep_every_word():
    for item in items("roles"):
        assert sorted(words(item.changed)) == sorted(words(item.sentence))
        assert sorted(words(item.harmless)) == sorted(words(item.sentence))
        assert sorted(words(item.harmless_too)) == sorted(words(item.sentence))
        assert sorted(words(item.kept)) == sorted(words(item.kept_as_changed))
        assert len({item.sentence, item.changed, item.harmless, item.harmless_too}) == 4


def test_the_two_forms_of_swapped_roles_mirror_each_other():
    made = items("roles")
    for one, other in zip(made[::2], made[1::2], strict=True):
        assert one.changed == other.sentence
        assert one.kept_as_changed == other.kept


def test_a_negation_and_its_harmless_twins_differ_in_one_word():
    for item in items("negation"):
        a = words(item.changed)
        assert set(a) & {"not", "failed"}
        for twin in (item.harmless, item.harmless_too):
            b = words(twin)
            assert sum(x != y for x, y in zip(a, b, strict=True)) == 1
            assert not set(b) & {"not", "failed", "never"}


def test_random_edits_change_the_topic():
    for item in items():
        differ = sum(a != b for a, b in zip(words(item.sentence), words(item.random), strict=True))
        assert differ == (2 if item.kind == "roles" else 1)


def test_all_sentences_are_plain_ones():
    for item in items():
        for column in COLUMNS:
            assert re.fullmatch(r"[A-Z][A-Za-z ]+\.", getattr(item, column))


def test_what_says_the_same_and_what_does_not_are_all_the_columns():
    assert sorted((*SAME, *OTHER, "sentence", "random")) == sorted(COLUMNS)


# Measures -------------------------------------------------------------------------------------


def test_each_text_is_encoded_once():
    seen = []

    def encode(texts):
        seen.extend(texts)
        return bag(texts)

    cosines(encode, items())
    assert len(seen) == len(set(seen))


def test_cosines_are_those_of_each_sentence_with_its_edits():
    made = items()[60:70]
    found = cosines(bag, made)
    assert set(found) == set(COLUMNS[1:])
    for i, item in enumerate(made):
        for column in COLUMNS[1:]:
            a, b = bag([item.sentence, getattr(item, column)])
            expected = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
            assert found[column][i] == pytest.approx(expected)


def test_a_bag_of_words_cannot_tell_the_fair_pairs_apart():
    roles, negation = items("roles"), items("negation")
    found = cosines(bag, roles)
    assert fooled(found, roles, "changed", "harmless").tolist() == [0.5] * 32
    assert fooled(found, roles, "changed", "harmless_too").tolist() == [0.5] * 32
    assert fooled(found, roles, "kept_as_changed", "kept").tolist() == [0.5] * 32
    assert fooled(found, roles).tolist() == [1.0] * 32  # every word is kept
    found = cosines(bag, negation)
    assert fooled(found, negation, "changed", "harmless").tolist() == [0.5] * 32
    assert fooled(found, negation, "changed", "harmless_too").tolist() == [0.5] * 32


def test_one_who_understands_is_never_fooled():
    made = items()
    says = {}
    for i, item in enumerate(made):
        for column in ("sentence", *SAME):
            says.setdefault(getattr(item, column), set()).add(i)

    def encode(texts):
        X = np.zeros((len(texts), len(made)))
        for row, text in zip(X, texts, strict=True):
            row[list(says.get(text, {0}))] = 1
        return X

    roles = items("roles")
    assert fooled(cosines(encode, roles), roles).max() == 0


def test_ties_count_one_half_and_rounding_is_a_tie():
    assert preferred([0.5, 0.5, 0.5], [0.5 + 9e-6, 0.5 + 2e-5, 0.5 - 2e-5]).tolist() == [
        0.5,
        0.0,
        1.0,
    ]


def test_frames_are_the_units():
    made = items("roles")[:4] + items("negation")[:2]
    assert by_frame([1, 0, 0, 0, 1, 1], made).tolist() == [0.5, 0, 1]
    with pytest.raises(ValueError, match=r"values of shape \(2,\) for 6 items"):
        by_frame([1, 0], made)


def test_only_what_differs_in_meaning_can_fool():
    found = dict.fromkeys(COLUMNS[1:], np.zeros(64))
    for wrong, right in (("synonym", "kept"), ("changed", "random"), ("random", "kept")):
        with pytest.raises(ValueError, match="must be one of"):
            fooled(found, items("roles"), wrong, right)


# Order in real text -----------------------------------------------------------------------------


def test_a_swap_exchanges_two_neighbours_inside():
    text = list("abcdef")
    places = set()
    for seed in range(60):
        out = swap_neighbours(text, np.random.default_rng(seed))
        differ = [k for k in range(6) if out[k] != text[k]]
        assert len(differ) == 2 and differ[1] == differ[0] + 1
        assert sorted(out) == text
        places.add(differ[0])
    assert places == {1, 2, 3}
    assert text == list("abcdef")


def test_equal_neighbours_are_not_swapped():
    for seed in range(20):
        assert swap_neighbours(list("abbcd"), np.random.default_rng(seed)) == [*"abcbd"]
    with pytest.raises(ValueError, match="no two neighbours inside 'a b b b' differ"):
        swap_neighbours(["a", "b", "b", "b"], np.random.default_rng(0))


def test_shuffling_keeps_the_words_and_both_ends():
    text = [str(k) for k in range(12)]
    out = shuffle_words(text, np.random.default_rng(0))
    assert sorted(out) == sorted(text) and out != text
    assert (out[0], out[-1]) == ("0", "11")
    assert shuffle_words(["a"], np.random.default_rng(0)) == ["a"]


def test_what_a_probe_reads_of_a_pair_has_no_direction():
    rng = np.random.default_rng(0)
    U, V = rng.normal(size=(2, 3, 4))
    np.testing.assert_array_equal(pair_features(U, V), pair_features(V, U))
    assert pair_features([[1.0, -2.0]], [[3.0, 2.0]]).tolist() == [[2, 4, 3, -4]]


def test_the_examples_in_the_documentation():
    assert doctest.testmod(minimalpairs).failed == 0
