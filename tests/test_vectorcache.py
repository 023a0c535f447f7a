"""What lib.vectorcache promises: the same bits again, and nothing but the batch at hand is lost."""

import doctest
import sqlite3
import subprocess
import sys

import numpy as np
import pytest

from lib import vectorcache as vectorcache_module
from lib.vectorcache import VectorCache, text_key

X = np.array([[1.5, -2.0], [np.pi, 1e-30], [0.1, 0.2]], dtype=np.float32)


@pytest.fixture
def cache(tmp_path):
    return VectorCache(tmp_path / "a folder", {"model": "toy", "layer": 3})


def test_vectors_come_back_to_the_bit(cache):
    cache.store(["a", "", "ü\n"], X)
    found = cache.get(["ü\n", "b", "a", "", "a"])
    assert sorted(found) == [0, 2, 3, 4]
    for i, row in ((0, 2), (2, 0), (3, 1), (4, 0)):
        np.testing.assert_array_equal(found[i], X[row])
        assert found[i].dtype == np.float32
    assert len(cache) == 3


def test_looking_makes_no_file(cache):
    assert cache.get(["a"]) == {}
    assert len(cache) == 0
    assert cache.settings() == {}
    assert not cache.path.parent.exists()


def test_every_setting_has_a_file_of_its_own(tmp_path):
    one = VectorCache(tmp_path, {"model": "toy", "layer": 3})
    other = VectorCache(tmp_path, {"model": "toy", "layer": 4})
    same = VectorCache(tmp_path, {"layer": 3, "model": "toy"})  # order is no setting
    one.store(["a"], X[:1])
    assert other.get(["a"]) == {}
    assert sorted(same.get(["a"])) == [0]
    assert one.settings() == {"model": "toy", "layer": 3}


def test_texts_are_told_apart_by_every_character():
    texts = ["a", "a ", "A", "", "\x00", "\ud800", "\ud801", "ä", "a\u0308"]
    assert len({text_key(text) for text in texts}) == len(texts)
    assert len(text_key("a")) == 32


def test_more_texts_than_one_question_can_hold(cache):
    texts = [str(i) for i in range(1_234)]
    rows = np.arange(2_468, dtype=np.float32).reshape(1_234, 2)
    cache.store(texts, rows)
    found = cache.get(texts[::-1])
    np.testing.assert_array_equal(np.stack([found[i] for i in range(1_234)]), rows[::-1])


def test_a_newer_vector_takes_the_place_of_the_old(cache):
    cache.store(["a"], X[:1])
    cache.store(["a"], X[1:2])
    np.testing.assert_array_equal(cache.get(["a"])[0], X[1])
    assert len(cache) == 1


def test_a_batch_is_written_whole_or_not_at_all(cache):
    cache.store(["a"], X[:1])
    with pytest.raises(ValueError, match="2 texts and 3 vectors"):
        cache.store(["b", "c"], X)
    with pytest.raises(ZeroDivisionError), cache._writing() as base:
        base.execute("INSERT INTO vectors VALUES (?, ?, ?)", (text_key("b"), 0, b""))
        raise ZeroDivisionError
    assert sorted(cache.get(["a", "b"])) == [0]
    assert len(cache) == 1


def test_a_damaged_vector_counts_as_missing(cache):
    cache.store(["a", "b"], X[:2])
    with sqlite3.connect(cache.path) as base:
        base.execute("UPDATE vectors SET vector = ? WHERE key = ?", (b"\0" * 8, text_key("a")))
    base.close()
    assert sorted(cache.get(["a", "b"])) == [1]


def test_a_damaged_file_is_named(cache):
    cache.store(["a"], X[:1])
    cache.path.write_bytes(b"no data base at all, but something else" * 100)
    for act in (lambda: cache.get(["a"]), lambda: cache.store(["a"], X[:1]), lambda: len(cache)):
        with pytest.raises(ValueError, match=r"sqlite is damaged .* delete it"):
            act()


def test_a_file_in_which_nothing_was_stored_yet_is_empty(cache):
    cache.path.parent.mkdir()
    cache.path.touch()
    assert (cache.get(["a"]), len(cache), cache.settings()) == ({}, 0, {})
    cache.store(["a"], X[:1])
    assert len(cache) == 1


def test_who_reads_changes_nothing(cache):
    cache.store(["a"], X[:1])
    before = cache.path.read_bytes()
    with cache._writing() as base:  # another process is about to write
        base.execute("INSERT INTO vectors VALUES (?, ?, ?)", (text_key("b"), 0, b""))
        other = VectorCache(cache.path.parent, {"model": "toy", "layer": 3})
        assert sorted(other.get(["a", "b"])) == [0]
        assert (len(other), other.settings()["layer"]) == (1, 3)
        assert cache.path.read_bytes() == before


def test_two_processes_that_store_lose_nothing(tmp_path):
    program = """
import sys
from pathlib import Path
import numpy as np
from lib.vectorcache import VectorCache
cache = VectorCache(Path(sys.argv[1]), {"model": "toy"})
for i in range(40):
    cache.store([f"{sys.argv[2]} {i}", "both"], np.full((2, 3), i, np.float32))
"""
    running = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), name]) for name in "ab"
    ]
    assert [process.wait(timeout=60) for process in running] == [0, 0]
    cache = VectorCache(tmp_path, {"model": "toy"})
    assert len(cache) == 81
    found = cache.get([f"{name} {i}" for name in "ab" for i in range(40)])
    assert [row[0] for row in found.values()] == [*range(40), *range(40)]


def test_what_a_killed_process_had_stored_is_there(tmp_path):
    program = """
import os, sys
from pathlib import Path
import numpy as np
from lib.vectorcache import VectorCache
cache = VectorCache(Path(sys.argv[1]), {"model": "toy"})
cache.store(["a"], np.ones((1, 2), np.float32))
with cache._writing() as base:
    base.execute("INSERT INTO vectors VALUES (x'00', 0, x'00')")
    os._exit(9)  # as if the plug were pulled
"""
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, timeout=60)
    assert done.returncode == 9
    cache = VectorCache(tmp_path, {"model": "toy"})
    assert len(cache) == 1
    assert cache.get(["a"])[0].tolist() == [1, 1]
    cache.store(["b"], X[:1])
    assert len(cache) == 2


def test_the_examples_are_true():
    failed, tried = doctest.testmod(vectorcache_module)
    assert tried
    assert not failed
