"""The words judged by hand are the words that were drawn, and every kind is a known one."""

import numpy as np
import pytest

import lib.own
from lib.counts import BagOfWords
from lib.data import load
from lib.own import KINDS, once_only


def test_the_words_are_those_that_the_note_says_were_drawn():
    bag = BagOfWords()
    X = bag.fit_transform(dict.fromkeys(load("news").texts))
    words = np.array(bag.vocabulary_.words)
    once = np.flatnonzero(np.asarray(X.sum(axis=0)).ravel() == 1)
    assert (X.shape[0], len(once)) == (3781, 18723)
    drawn = np.random.default_rng(3).choice(once, 120, replace=False)
    assert once_only().words == tuple(words[np.sort(drawn)])


def test_every_kind_is_used_and_every_word_has_one():
    sample = once_only()
    assert len(sample.words) == len(sample.kinds) == len(set(sample.words)) == 120
    assert set(sample.kinds) == set(KINDS)


def test_a_kind_that_the_rule_does_not_know_is_refused(tmp_path, monkeypatch):
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "once-only.csv").write_text("word,kind\ncat,animal\n", encoding="utf-8")
    monkeypatch.setattr(lib.own, "DATA", tmp_path)
    with pytest.raises(ValueError, match="the kind 'animal'"):
        once_only()
