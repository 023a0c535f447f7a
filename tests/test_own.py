"""Our own small sets: the words judged by hand are those that were drawn, each with its kind."""

import numpy as np
import pytest

from lib.counts import BagOfWords
from lib.data import ONCE_KINDS, OWN, card, fetch, load, verify

_, read_once_only = OWN["once-only"]


def test_the_words_are_those_that_the_card_says_were_drawn():
    bag = BagOfWords()
    X = bag.fit_transform(dict.fromkeys(load("news").texts))
    words = np.array(bag.vocabulary_.words)
    once = np.flatnonzero(np.asarray(X.sum(axis=0)).ravel() == 1)
    assert (X.shape[0], len(once)) == (3781, 18723)
    drawn = np.random.default_rng(3).choice(once, 120, replace=False)
    assert load("once-only").texts == words[np.sort(drawn)].tolist()


def test_every_kind_is_used_and_every_word_has_one():
    sample = load("once-only")
    assert len(sample.texts) == len(sample.y) == len(set(sample.texts)) == 120
    assert sample.label_names == ONCE_KINDS and set(sample.y) == set(range(len(ONCE_KINDS)))
    assert sample.label_names[sample.y[sample.texts.index("andersson")]] == "name"


def test_every_word_keeps_the_kind_of_its_line():
    sample = read_once_only(b"word,kind\nant,word\nbob,name\ncat,error\n")
    assert sample.texts == ["ant", "bob", "cat"]
    assert [sample.label_names[y] for y in sample.y] == ["word", "name", "error"]


def test_a_kind_that_the_rule_does_not_know_is_refused():
    with pytest.raises(ValueError, match="the kind 'animal': take one of"):
        read_once_only(b"word,kind\ncat,animal\n")


def test_the_card_names_every_kind():
    assert all(f"*{kind}*:" in card("once-only") for kind in ONCE_KINDS)


def test_our_own_sets_need_no_fetching():
    assert set(OWN) == {"sentence-pairs", "once-only"}
    assert verify(OWN) == {}
    fetch(OWN, progress=False)
