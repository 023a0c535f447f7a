"""Probes of layers: who has met what, what is chosen by lot, and what a probe can then say."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix

from lib import layerprobe
from lib.corpus import Corpus, load_corpus
from lib.elmo import ScalarMix
from lib.evaluate import probe
from lib.layerprobe import (
    LABELS,
    PENALTIES,
    AmbiguousWord,
    ambiguous_words,
    bag,
    balanced,
    check_places,
    control_labels,
    cross_predict,
    deal_documents,
    deal_words,
    gap,
    learn_mix,
    mixed,
    most_frequent,
    occurrences,
    passage,
    pooled,
    share,
)

LONG = Corpus.from_documents([[f"w{i:02d}" for i in range(60)], ["x", "y"]])


def seeded(seed=0):
    return np.random.default_rng(seed)


# What is asked --------------------------------------------------------------------------------


def test_a_passage_is_sixteen_words_the_word_and_fifteen_words():
    ids, place = passage(LONG, 0, 30)
    assert LONG.vocabulary.decode(ids) == [f"w{i}" for i in range(14, 46)]
    assert len(ids) == 32 and place == 16


def test_a_passage_ends_with_its_document():
    for place, length in ((0, 16), (59, 17), (20, 32)):
        ids, here = passage(LONG, 0, place)
        assert len(ids) == length
        assert LONG.vocabulary.words[ids[here]] == f"w{place:02d}"
    ids, here = passage(LONG, 1, 1)
    assert (LONG.vocabulary.decode(ids), here) == (["x", "y"], 1)


@pytest.mark.parametrize("place", [-1, 2])
def test_no_passage_is_cut_around_a_place_that_is_not_there(place):
    with pytest.raises(IndexError, match="document 1 has no place"):
        passage(LONG, 1, place)


def test_each_document_gives_one_place_of_a_word_and_any_can_be_drawn():
    corpus = Corpus.from_documents([["a", "b", "a"], ["b"], ["a"]])
    drawn = [occurrences(corpus, [0, 1, 2], "a", seeded(seed)) for seed in range(20)]
    assert {tuple(one) for one in drawn} == {(0, 2)}
    assert {one[0] for one in drawn} == {0, 2} and {one[2] for one in drawn} == {0}


def test_only_the_documents_asked_for_give_places():
    corpus = Corpus.from_documents([["a"], ["a"], ["a"]])
    assert occurrences(corpus, [2], "a", seeded()) == {2: 0}


def test_places_are_passed_over_whose_passage_holds_a_barred_word():
    far = ["x"] * 16
    corpus = Corpus.from_documents([["a", *far, "b"], ["a", *far[:14], "a"], ["b", "a", "c"]])
    # In the first b is out of reach of a; in the second each a is in reach of the other.
    assert occurrences(corpus, [0, 1, 2], "a", seeded(), without=["a", "b"]) == {0: 0}
    assert occurrences(corpus, [0, 1, 2], "a", seeded(), without=["b"]).keys() == {0, 1}


@given(st.sets(st.integers(0, 30), min_size=1), st.sets(st.integers(0, 30), min_size=1))
def test_both_words_get_as_many_documents_of_their_own_as_the_rarer_has(first, second):
    one, other = balanced(first, second, seeded())
    assert len(one) == len(other) == min(len(first), len(second))
    assert set(one.tolist()) <= first and set(other.tolist()) <= second
    assert len(set(one.tolist())) == len(one) and len(set(other.tolist())) == len(other)


def test_which_documents_are_chosen_is_by_lot():
    chosen = {tuple(balanced(range(9), [0, 1], seeded(seed))[0]) for seed in range(30)}
    assert len(chosen) > 10


@given(st.integers(1, 12), st.integers(0, 50))
def test_half_of_the_words_get_each_label_and_each_keeps_its_own(types, seed):
    words = [f"w{i}" for i in range(types)] * 2
    labels = control_labels(words, seeded(seed))
    assert labels[:types].tolist() == labels[types:].tolist()
    assert abs(2 * int(labels[:types].sum()) - types) <= 1


def test_control_labels_are_drawn_anew_with_every_seed():
    words = [f"w{i}" for i in range(10)]
    assert len({tuple(control_labels(words, seeded(seed))) for seed in range(20)}) > 15


# Who has met what -----------------------------------------------------------------------------


@given(st.lists(st.integers(0, 8), min_size=9, max_size=40), st.integers(0, 20))
def test_no_probe_has_met_the_documents_that_it_judges(documents, seed):
    documents = np.append(documents, [100, 101, 102])
    splits = deal_documents(documents, 3, seeded(seed))
    for learn, judge in splits:
        assert not set(documents[learn]) & set(documents[judge])
        assert len(learn) + len(judge) == len(documents)
    judged = np.concatenate([judge for _, judge in splits])
    assert sorted(judged.tolist()) == list(range(len(documents)))


def test_parts_hold_as_many_documents_up_to_one():
    sizes = [len(judge) for _, judge in deal_documents(np.arange(20), 3, seeded())]
    assert sorted(sizes) == [6, 7, 7]


@given(st.integers(0, 30))
def test_no_probe_has_met_the_words_nor_the_documents_that_it_judges(seed):
    generator = seeded(seed)
    words = [f"w{i}" for i in generator.integers(0, 6, 40)] + [f"w{i}" for i in range(6)]
    documents = generator.integers(0, 15, len(words))
    splits = deal_words(words, documents, 3, generator)
    for learn, judge in splits:
        assert not {words[i] for i in learn} & {words[i] for i in judge}
        assert not set(documents[learn]) & set(documents[judge])
        left = set(range(len(words))) - set(learn) - set(judge)
        judged = {words[i] for i in judge}
        assert all(
            documents[i] in documents[judge] and words[i] not in judged for i in left
        )  # nothing is left out without need
    assert sorted(np.concatenate([judge for _, judge in splits]).tolist()) == list(range(46))


@pytest.mark.parametrize("parts", [1, 3])
def test_parts_need_documents(parts):
    with pytest.raises(ValueError, match="of 2: take 2 to 2"):
        deal_documents([1, 1, 2], parts, seeded())


# Reading --------------------------------------------------------------------------------------


def noisy(n=90, d=6, seed=1, strength=1.5):
    generator = seeded(seed)
    y = generator.integers(0, 2, n)
    X = generator.normal(size=(n, d))
    X[:, 0] += strength * (2 * y - 1)
    return X, y, np.arange(n) // 2


def test_the_reading_is_that_of_a_probe_with_the_chosen_penalty():
    X, y, documents = noisy()
    splits = deal_documents(documents, 3, seeded())
    read = cross_predict(X, y, documents, splits, seeded(1))
    assert len(read.C) == 3 and set(read.C) <= set(PENALTIES[False])
    for (learn, judge), C in zip(splits, read.C, strict=True):
        expected = probe(X[learn], y[learn], Cs=(C,)).predict(X[judge])
        assert read.predicted[judge].tolist() == expected.tolist()
    assert np.mean(read.predicted == y) > 0.85


def test_the_penalty_with_most_hits_among_documents_learnt_from_is_chosen():
    X, y, documents = noisy(strength=0.4, d=30)
    learn, judge = np.arange(60), np.arange(60, 90)
    read = cross_predict(X, y, documents, [(learn, judge), (judge, learn)], seeded(5))
    inner = deal_documents(documents[learn], 3, seeded(5))
    hits = {
        C: sum(int(np.sum(probe(X[a], y[a], Cs=(C,)).predict(X[b]) == y[b])) for a, b in inner)
        for C in PENALTIES[False]
    }
    assert len(set(hits.values())) > 1
    assert hits[read.C[0]] >= max(hits.values()) - 1  # a warm start may move one case


def test_what_is_judged_does_not_change_how_it_is_judged():
    X, y, documents = noisy()
    splits = deal_documents(documents, 3, seeded())
    judge = splits[0][1]
    before = cross_predict(X, y, documents, splits, seeded(1))
    turned = y.copy()
    turned[judge] = 1 - turned[judge]
    after = cross_predict(X, turned, documents, splits[:1] + splits[1:], seeded(1))
    assert before.C[0] == after.C[0]
    assert before.predicted[judge].tolist() == after.predicted[judge].tolist()


def test_labels_by_lot_cannot_be_read_off_other_documents():
    generator = seeded(3)
    X, y = generator.normal(size=(300, 20)), generator.integers(0, 2, 300)
    documents = np.arange(300)
    found = cross_predict(X, y, documents, deal_documents(documents, 3, generator), generator)
    assert 0.4 < np.mean(found.predicted == y) < 0.6


def test_every_item_has_a_probe_of_its_own():
    X, y, documents = noisy(n=120, strength=3)
    items = np.arange(120) % 2
    turned = np.where(items == 1, 1 - y, y)  # the second item means the opposite
    splits = deal_documents(documents, 3, seeded())
    with_items = cross_predict(X, turned, documents, splits, seeded(), items=items)
    without = cross_predict(X, turned, documents, splits, seeded())
    assert np.mean(with_items.predicted == turned) > 0.9
    assert np.mean(without.predicted == turned) < 0.7


def test_a_list_has_a_matrix_for_each_part():
    X, y, documents = noisy(strength=3)
    splits = deal_documents(documents, 3, seeded())
    lost = [X, np.zeros_like(X) + seeded().normal(size=X.shape), X]
    read = cross_predict(lost, y, documents, splits, seeded())
    right = [np.mean(read.predicted[judge] == y[judge]) for _, judge in splits]
    assert right[0] > 0.9 and right[2] > 0.9 and right[1] < 0.75


def test_sparse_and_dense_features_have_grids_of_as_many_values():
    assert len(PENALTIES[True]) == len(PENALTIES[False])
    X, y, documents = noisy(strength=3)
    splits = deal_documents(documents, 3, seeded())
    read = cross_predict(csr_matrix(X > 0, dtype=float), y, documents, splits, seeded())
    assert set(read.C) <= set(PENALTIES[True])
    assert np.mean(read.predicted == y) > 0.8


def test_edges_are_the_share_of_parts_that_chose_the_first_or_the_last():
    X, y, documents = noisy(strength=3)
    splits = deal_documents(documents, 3, seeded())
    read = cross_predict(X, y, documents, splits, seeded())
    ends = {PENALTIES[False][0], PENALTIES[False][-1]}
    assert read.edges == np.mean([C in ends for C in read.C])


def test_splits_that_leave_something_out_are_refused():
    X, y, documents = noisy()
    with pytest.raises(ValueError, match="judged by no part"):
        cross_predict(X, y, documents, deal_documents(documents, 3, seeded())[:2], seeded())


def test_the_most_frequent_label_is_that_of_the_word_elsewhere():
    words = ["run"] * 4 + ["call"] * 3
    y = [1, 1, 1, 0, 0, 0, 1]
    leave_one_out = [(np.delete(np.arange(7), i), np.array([i])) for i in range(7)]
    assert most_frequent(words, y, leave_one_out).tolist() == [1, 1, 1, 1, 1, 1, 0]
    # Of "call" without its first: one 0, one 1, a tie; all others: 1 1 1 0 0 1, mostly 1.


def test_a_word_that_was_not_met_gets_the_label_of_most():
    splits = [(np.array([0, 1, 2]), np.array([3])), (np.array([3]), np.array([0, 1, 2]))]
    assert most_frequent(["a", "a", "b", "c"], [1, 1, 0, 0], splits).tolist() == [0, 0, 0, 1]


def test_a_bag_does_not_know_the_order():
    one = bag([[3, 4, 4], [4, 3, 4], [3]])
    assert one.toarray().tolist() == [[1, 2], [1, 2], [1, 0]]


def test_a_bag_leaves_out_what_one_text_alone_has():
    assert bag([[1, 2], [2, 3, 3]]).toarray().tolist() == [[1], [1]]


# Mixing layers --------------------------------------------------------------------------------


def test_the_layer_that_knows_gets_the_largest_share():
    generator = seeded(2)
    y = generator.integers(0, 2, 150)
    layers = generator.normal(size=(3, 150, 5))
    layers[2, :, 1] += 4 * y
    shares = learn_mix(layers, y, generator)
    assert shares.argmax() == 2 and shares[2] > 0.6
    assert shares.sum() == pytest.approx(1)


def test_one_mix_serves_items_that_mean_opposite_things():
    generator = seeded(2)
    y, items = generator.integers(0, 2, 200), np.arange(200) % 2
    layers = generator.normal(size=(2, 200, 5))
    layers[1, :, 1] += 6 * np.where(items == 1, y, 1 - y)
    assert learn_mix(layers, y, generator, items=items)[1] > 0.8
    assert learn_mix(layers, y, generator, items=items)[1] > learn_mix(layers, y, generator)[1]


def test_without_steps_all_layers_have_the_same_share():
    layers = seeded().normal(size=(4, 10, 3))
    shares = learn_mix(layers, [0, 1] * 5, seeded(), steps=0)
    assert shares.tolist() == [0.25] * 4


def test_the_mix_is_that_of_elmo():
    layers = seeded().normal(2, 3, size=(3, 7, 5)).astype(np.float32)
    mix = ScalarMix(3, normalise=True)
    with torch.no_grad():
        mix.weights.copy_(torch.tensor([0.5, -1.0, 2.0]))
        expected = mix(torch.from_numpy(layers)).numpy()
    np.testing.assert_allclose(mixed(layers, mix.shares().detach().numpy()), expected, atol=1e-5)


# How sure we are ------------------------------------------------------------------------------


def test_hits_are_averaged_over_seeds_and_shared_out_over_documents():
    hits = pooled([{"hits": [2, 0]}, {"hits": [1, 1]}, {"hits": [0, 2]}])
    assert hits.tolist() == [1, 1]
    assert share(hits, [2, 3]) == pytest.approx(0.4)
    assert gap([2, 2], hits, [2, 3]) == pytest.approx(0.4)


def test_a_reader_that_the_task_lacks_is_noticed():
    with pytest.raises(ValueError, match="no rows"):
        pooled([])


# Words judged by hand -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def words():
    return ambiguous_words()


def test_every_word_stands_where_its_line_says(words):
    corpus = load_corpus()
    check_places(corpus, words)
    for one in words:
        assert corpus.vocabulary.words[corpus.document(one.document)[one.place]] == one.word


def test_the_words_are_those_that_the_card_says(words):
    assert len(words) == 396 == len({(one.document, one.place) for one in words})
    by_type = {one.word: [w for w in words if w.word == one.word] for one in words}
    assert len(by_type) == 22
    for some in by_type.values():
        assert len(some) == 18 == len({one.document for one in some})
        assert {one.agreed for one in some} >= {"noun", "verb"}
    assert sum(one.agreed is not None for one in words) == 382
    assert sum(one.first != one.second for one in words) == 3
    card = (layerprobe.DATA / "own" / "ambiguous-words.md").read_text(encoding="utf-8")
    assert "382 of 396" in card and "differ in three places" in card
    assert all(f"*{label}*" in card for label in LABELS)


@pytest.mark.parametrize(
    ("first", "second", "agreed"),
    [("noun", "noun", "noun"), ("verb", "verb", "verb"), ("noun", "verb", None),
     ("other", "other", None), ("adjective", "adjective", None)],
)  # fmt: skip
def test_a_label_counts_if_both_say_noun_or_both_say_verb(first, second, agreed):
    assert AmbiguousWord("run", 0, 0, "run", first, second).agreed == agreed


def test_a_corpus_that_has_changed_is_noticed():
    corpus = Corpus.from_documents([["they", "run", "home"]])
    check_places(corpus, [AmbiguousWord("run", 0, 1, "they run home", "verb", "verb")])
    for document, check in ((0, "they run away"), (1, "they run home")):
        with pytest.raises(ValueError, match="the corpus has changed"):
            check_places(corpus, [AmbiguousWord("run", document, 1, check, "verb", "verb")])


def test_a_label_that_does_not_exist_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(layerprobe, "DATA", tmp_path)
    (tmp_path / "own").mkdir()
    file = tmp_path / "own" / "ambiguous-words.csv"
    file.write_text("word,document,place,check,first,second\nrun,0,1,a,verb,verbal\n", "utf-8")
    with pytest.raises(ValueError, match="the label 'verbal'"):
        ambiguous_words()
