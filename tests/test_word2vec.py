"""Word2Vec: the update is the gradient, the compiled trainer makes the same one, and it learns."""

import math
from collections import Counter
from dataclasses import replace
from itertools import islice, product

import numba
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib import _word2vec, word2vec
from lib.corpus import Corpus
from lib.word2vec import (
    Draws,
    Example,
    Settings,
    Word2Vec,
    alias_table,
    gradients,
    huffman_tree,
    keep_probability,
    loss,
    noise_distribution,
    sigmoid,
    update,
)

SMALL = Settings(dimensions=10, window=3, negative=4, sample=0.05, epochs=2, rate=0.2)
KINDS = [
    {"model": model, "output": output, "step": step}
    for model, output, step in product(
        ["skip-gram", "cbow"], ["negative", "hierarchical"], ["pair", "window"]
    )
] + [
    {"negative": 1},
    {"negative": 6, "step": "window", "window": 6},
    {"negative": 13, "dynamic": False},
    {"model": "cbow", "mean": "divided"},
]


def a_corpus(documents: int = 30, words: int = 60) -> Corpus:
    rng = np.random.default_rng(0)
    drawn = [np.minimum(rng.zipf(1.3, rng.integers(0, 40)), words) for _ in range(documents)]
    return Corpus.from_documents([[f"w{number}" for number in document] for document in drawn])


CORPUS = a_corpus()


def trained(settings: Settings, seed: int = 3, corpus: Corpus = CORPUS, **how: object) -> Word2Vec:
    model = Word2Vec(corpus, settings, np.random.default_rng(seed))
    model.train(**how)
    return model


def same(a: Word2Vec, b: Word2Vec) -> bool:
    return a.W.tobytes() == b.W.tobytes() and a.C.tobytes() == b.C.tobytes()


# The update ---------------------------------------------------------------------------------


def test_sigmoid_is_a_probability_everywhere():
    x = np.array([-1000, -2, 0, 2, 1000])
    assert sigmoid(x) == pytest.approx([0, 1 / (1 + math.e**2), 0.5, 1 / (1 + math.e**-2), 1])


def test_loss_by_hand():
    by_hand = -math.log(sigmoid(0.5)) - math.log(1 - sigmoid(-0.25))
    assert loss([[1, 2]], [[0.5, 0], [0.25, -0.25]], [1, 0]) == pytest.approx(by_hand)


@pytest.mark.parametrize("m", [1, 4])
def test_gradients_are_the_slopes_of_the_loss(m):
    rng = np.random.default_rng(0)
    X, Y, labels, h = rng.normal(size=(m, 3)), rng.normal(size=(5, 3)), [1, 0, 0, 1, 0], 1e-6
    for table, gradient in zip((X, Y), gradients(X, Y, labels), strict=True):
        for place in np.ndindex(table.shape):
            here = table[place]
            table[place] = here + h
            above = loss(X, Y, labels)
            table[place] = here - h
            below = loss(X, Y, labels)
            table[place] = here
            assert gradient[place] == pytest.approx((above - below) / (2 * h), abs=1e-8)


def test_the_update_by_hand():
    W, C = np.array([[1.0, 0.0]]), np.array([[0.0, 1.0], [0.0, 2.0]])
    update(W, C, Example(np.array([0]), np.array([0, 1]), np.array([1, 0])), 0.1)
    # All dots are 0, so all sigmoids are a half: the true output gains, the noise loses.
    assert pytest.approx(np.array([[1, 0.05 * 1 - 0.05 * 2]])) == W
    assert pytest.approx(np.array([[0.05, 1], [-0.05, 2]])) == C


def test_rows_that_stand_twice_get_both_steps():
    W, C = np.ones((1, 2)), np.ones((1, 2))
    update(W, C, Example(np.array([0, 0]), np.array([0, 0]), np.array([1, 0])), 1.0)
    step = 2 * (1 - sigmoid(2)) - 2 * sigmoid(2)
    assert pytest.approx(np.full((1, 2), 1 + step)) == W
    assert pytest.approx(W) == C


@pytest.mark.parametrize(("mean", "share"), [("copied", 1.0), ("divided", 0.5)])
def test_cbow_moves_each_word_by_the_error_of_the_mean(mean, share):
    W, C = np.array([[1.0, 0], [0, 1.0]]), np.array([[0.5, 0.5]])
    update(W, C, Example(np.array([0, 1]), np.array([0]), np.array([1])), 1.0, mean=mean)
    error = 1 - sigmoid(0.5)
    assert pytest.approx(np.array([[1, 0], [0, 1]]) + share * error * 0.5) == W
    assert pytest.approx(np.array([[0.5, 0.5]]) + error * 0.5) == C


def test_divided_cbow_is_the_gradient_and_copied_is_as_many_times_that_as_there_are_words():
    rng = np.random.default_rng(1)
    W, C, labels, h = rng.normal(size=(3, 2)), rng.normal(size=(2, 2)), np.array([1, 0]), 1e-6
    example = Example(np.arange(3), np.arange(2), labels)
    moved = {}
    for mean in ("copied", "divided"):
        V = W.copy()
        update(V, C.copy(), example, 1.0, mean=mean)
        moved[mean] = V - W
    above, below = W.copy(), W.copy()
    above[1, 0] += h
    below[1, 0] -= h
    slopes = [loss(V.mean(0, keepdims=True), C, labels) for V in (above, below)]
    assert moved["divided"][1, 0] == pytest.approx(-(slopes[0] - slopes[1]) / (2 * h), abs=1e-7)
    assert moved["copied"] == pytest.approx(3 * moved["divided"])


# Draws --------------------------------------------------------------------------------------


def test_subsampling_keeps_what_word2vec_keeps():
    share = 0.25
    by_hand = math.sqrt(0.01 / share) + 0.01 / share
    assert keep_probability([1, 3], 0.01).tolist() == pytest.approx(
        [by_hand, math.sqrt(0.01 / 0.75) + 0.01 / 0.75]
    )
    assert keep_probability([99_999, 1], 0.001)[1] == 1
    assert keep_probability([5, 0], 0).tolist() == [1, 1]


def test_noise_takes_counts_to_the_power():
    assert noise_distribution([16, 81]).tolist() == pytest.approx([8 / 35, 27 / 35])
    assert noise_distribution([3, 1], power=1).tolist() == [0.75, 0.25]
    assert noise_distribution([3, 0, 1], power=0).tolist() == [0.5, 0, 0.5]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=40).filter(any))
def test_an_alias_table_gives_back_the_distribution(counts):
    p = np.array(counts) / sum(counts)
    share, other = alias_table(p)
    back = share.copy()
    np.add.at(back, other, 1 - share)
    assert back / len(p) == pytest.approx(p, abs=1e-12)


def test_splitmix64_is_splitmix64():
    draws = Draws(1234567)
    published = [6457827717110365317, 3203168211198807973, 9817491932198370423]
    assert [draws.bits() for _ in published] == published


def test_draws_are_spread_as_asked():
    draws = Draws(5)
    reaches = Counter(draws.below(4) for _ in range(4000))
    assert set(reaches) == {0, 1, 2, 3}
    assert all(abs(n - 1000) < 150 for n in reaches.values())
    share, other = alias_table([0.7, 0.2, 0.1])
    whole = word2vec._out_of_2_32(share)
    drawn = Counter(draws.noise(whole, other) for _ in range(4000))
    assert [drawn[i] / 4000 for i in range(3)] == pytest.approx([0.7, 0.2, 0.1], abs=0.04)


def test_huffman_paths_are_prefix_free_and_as_short_as_can_be():
    counts = [45, 13, 12, 16, 9, 5]  # 224 bits in all, worked out by hand
    tree = huffman_tree(counts)
    lengths = np.diff(tree.starts)
    assert int(lengths @ counts) == 224
    codes = {
        "".join(map(str, tree.codes[a:b]))
        for a, b in zip(tree.starts[:-1], tree.starts[1:], strict=True)
    }
    assert len(codes) == 6
    assert sum(2.0 ** -len(code) for code in codes) == 1
    assert not any(a != b and b.startswith(a) for a in codes for b in codes)
    assert {tree.nodes[a] for a in tree.starts[:-1]} == {0}  # all begin at the root
    assert set(tree.nodes) == set(range(5))


def test_along_the_tree_the_probabilities_of_all_words_sum_to_one():
    tree = huffman_tree([5, 3, 2, 2, 1])
    rng = np.random.default_rng(0)
    x, C = rng.normal(size=4), rng.normal(size=(4, 4))
    total = 0.0
    for a, b in zip(tree.starts[:-1], tree.starts[1:], strict=True):
        total += math.exp(-loss([x], C[tree.nodes[a:b]], 1 - tree.codes[a:b]))
    assert total == pytest.approx(1)


# The trainer --------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_the_compiled_trainer_makes_the_plain_update(kind):
    settings = replace(SMALL, **kind)
    fast, plain = trained(settings), trained(settings, compiled=False)
    start = Word2Vec(CORPUS, settings, np.random.default_rng(3))
    assert np.abs(fast.W - start.W).max() > 0.2  # it went a long way, and
    assert pytest.approx(plain.W, abs=1e-4) == fast.W  # arrived at the same place
    assert pytest.approx(plain.C, abs=1e-4) == fast.C
    assert not fast._W[-1].any()  # the row that pads
    assert not fast._C[-1].any()
    assert not fast._W[:, 10:].any()  # and the columns


def test_one_update_is_equal_to_the_rounding_of_float32():
    corpus = Corpus.from_documents([["a", "b"], ["c", "d", "e"]])
    for step in ("pair", "window"):
        settings = replace(SMALL, sample=0, epochs=1, rate=0.025, step=step)
        fast = trained(settings, corpus=corpus)
        plain = trained(settings, corpus=corpus, compiled=False)
        assert pytest.approx(plain.W, abs=2e-8) == fast.W
        assert pytest.approx(plain.C, abs=2e-8) == fast.C


def test_the_compiled_sigmoid_is_the_sigmoid():
    x = np.linspace(-40, 40, 4001, dtype=np.float32)
    G = x.copy()
    _word2vec._step_sizes(G, len(G), np.float32(1))
    assert np.abs(-G - sigmoid(x.astype(np.float64))).max() < 2e-6
    assert (np.diff(-G) >= -1e-6).all()


@pytest.mark.parametrize("width", [16, 56])  # one block of vectors, and two of unequal size
def test_a_tile_of_dots_is_a_product_of_matrices(width):
    rng = np.random.default_rng(0)
    X, Y = (rng.normal(size=(n, width)).astype(np.float32) for n in (5, 8))
    inputs, outputs = np.array([9, 4, 1]), np.array([9, 7, 0, 3, 3, 2, 6])
    G = np.full(20, np.float32(7))
    dots = _word2vec._dots(width)

    @numba.njit
    def fill(X, inputs, Y, outputs, G):
        dots(X, inputs, 1, Y, outputs, 1, G, 2, 9)

    fill(X, inputs, Y, outputs, G)
    by_hand = np.full(20, 7.0)
    by_hand[[range(2, 8), range(11, 17)]] = X[[4, 1]].astype(float) @ Y[outputs[1:]].T
    assert pytest.approx(by_hand, abs=1e-5) == G


@pytest.mark.parametrize("width", [16, 56])
@pytest.mark.parametrize("targets", [[0, 2, 1], [0, 2, 2]], ids=["two rows", "one row twice"])
def test_a_tile_of_steps_adds_weighted_rows_to_each_target(width, targets):
    rng = np.random.default_rng(0)
    T, X = (rng.normal(size=(n, width)).astype(np.float32) for n in (3, 4))
    targets, sources = np.array(targets), np.array([3, 0, 3])
    G = rng.normal(size=(4, 3)).astype(np.float32)  # a row for each source, and one too many
    by_hand = T.astype(float)
    np.add.at(by_hand, targets[1:], G[:3, 1:].T.astype(float) @ X[sources])
    steps = _word2vec._steps(width, 2)

    @numba.njit
    def take(T, targets, X, sources, G):
        steps(T, targets, 1, X, sources, 3, G, 1, 3)

    take(T, targets, X, sources, G.ravel())
    assert pytest.approx(by_hand, abs=1e-5) == T


def test_the_same_seed_gives_what_it_always_gave():
    model = trained(SMALL)
    assert model.W[0, :3] == pytest.approx([-0.02686, -0.25597, -0.20308], abs=2e-5)
    assert np.abs(model.W).sum() == pytest.approx(126.1032, abs=1e-3)
    assert np.abs(model.C).sum() == pytest.approx(194.9233, abs=1e-3)


def test_the_same_seed_gives_the_same_bits_and_another_seed_does_not():
    assert same(trained(SMALL), trained(SMALL))
    assert not same(trained(SMALL), trained(SMALL, seed=4))


def test_threads_train_the_same_examples_with_much_the_same_result(monkeypatch):
    monkeypatch.setattr(word2vec, "CHUNK", 50)
    one, two = trained(SMALL), trained(SMALL, threads=2)
    assert two.words_done == one.words_done == 2 * len(CORPUS.ids)
    assert np.corrcoef(one.W.ravel(), two.W.ravel())[0, 1] > 0.9


@pytest.mark.parametrize("how", [{}, {"threads": 2}])
def test_an_interrupted_run_is_usable_and_goes_on_where_it_was(monkeypatch, how):
    monkeypatch.setattr(word2vec, "CHUNK", 50)
    monkeypatch.setattr(word2vec, "GROUP", 2)
    whole = trained(SMALL)
    model = Word2Vec(CORPUS, SMALL, np.random.default_rng(3))

    def stop(progress):
        if progress.words > progress.total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        model.train(stop, **how)
    assert len(CORPUS.ids) < model.words_done < 2 * len(CORPUS.ids)
    assert len(model.vectors.similar(CORPUS.vocabulary.words[0], 3)) == 3
    assert not same(whole, model)
    model.train(**how)
    assert model.words_done == 2 * len(CORPUS.ids)
    assert how or same(whole, model)


def test_progress_tells_words_speed_loss_and_a_falling_rate(monkeypatch):
    monkeypatch.setattr(word2vec, "CHUNK", 50)
    monkeypatch.setattr(word2vec, "GROUP", 1)
    seen = []
    model = trained(replace(SMALL, sample=0), progress=seen.append)
    assert [p.words for p in seen] == sorted(p.words for p in seen)
    assert seen[-1].words == seen[0].total == 2 * len(CORPUS.ids)
    assert all(p.words_per_second > 0 for p in seen)
    assert model.compile_seconds >= 0
    assert seen[0].rate == 0.2
    falls = -np.diff([p.rate for p in seen]) / np.diff([0, *(p.words for p in seen)])[:-1]
    assert falls == pytest.approx((0.2 - 0.0001) / (2 * len(CORPUS.ids)))


@pytest.mark.parametrize(
    ("kind", "answers"),
    [({}, 5), ({"step": "window"}, 5), ({"model": "cbow"}, 5), ({"output": "hierarchical"}, None)],
    ids=str,
)
def test_the_loss_begins_at_log_two_for_each_output(kind, answers):
    seen = []
    trained(replace(SMALL, rate=0, final_rate=0, **kind), progress=seen.append)
    if answers:
        assert math.log(2) * (answers - 1) < seen[0].loss <= math.log(2) * answers + 1e-6
    else:
        turns = np.diff(huffman_tree(CORPUS.counts).starts)
        assert math.log(2) * turns.min() <= seen[0].loss <= math.log(2) * turns.max()


@pytest.mark.parametrize(
    ("kind", "examples"),
    [({}, 3), ({"step": "window"}, 1), ({"model": "cbow"}, 1), ({"output": "hierarchical"}, 3)],
    ids=str,
)
def test_the_loss_told_is_that_of_the_first_position(kind, examples):
    rng = np.random.default_rng(0)
    words = [[f"w{i}" for i in rng.integers(9, size=64)]]  # the 65th would be measured again
    settings = replace(SMALL, sample=0, epochs=1, dynamic=False, rate=0, final_rate=0, **kind)
    model = Word2Vec(Corpus.from_documents(words), settings, rng)
    model.W[:], model.C[:] = rng.normal(size=model.W.shape), rng.normal(size=model.C.shape)
    by_hand = 0.0
    for example in islice(model.examples(0), examples):
        X = model.W[example.inputs].astype(np.float64)
        X = X.mean(0, keepdims=True) if settings.model == "cbow" else X
        by_hand += loss(X, model.C[example.outputs], example.labels)
    by_hand /= 1 if settings.model == "cbow" else 3  # windows or pairs
    seen = []
    model.train(seen.append)
    assert seen[-1].loss == pytest.approx(by_hand, rel=1e-5)


def test_windows_stay_in_their_document_and_negatives_are_not_the_centre():
    corpus = Corpus.from_documents([["a", "b"], ["c"], ["d", "e", "f"]])
    settings = Settings(sample=0, dynamic=False, window=1, negative=50)
    pairs = []
    for example in Word2Vec(corpus, settings, np.random.default_rng(0)).examples(0):
        (x,), (centre, *noise) = example.inputs, example.outputs
        pairs.append("".join(corpus.vocabulary.decode([x, centre])))
        assert centre not in noise
        assert len(noise) < 50
        assert example.labels.tolist() == [1] + [0] * len(noise)
    assert pairs == ["ba", "ab", "ed", "de", "fe", "ef"]


@pytest.mark.parametrize(("power", "share"), [(0, 1 / 2), (0.75, 27 / 35), (1, 81 / 97)])
def test_negatives_are_drawn_by_the_power_that_the_settings_say(power, share):
    corpus = Corpus.from_documents([["x"] * 100 + ["a"] * 81 + ["b"] * 16])
    settings = Settings(sample=0, dynamic=False, window=1, negative=50, power=power)
    drawn = Counter()
    for example in Word2Vec(corpus, settings, np.random.default_rng(0)).examples(0):
        centre, *noise = corpus.vocabulary.decode(example.outputs)
        if centre == "x":
            drawn.update(noise)
    assert drawn["a"] / drawn.total() == pytest.approx(share, abs=0.03)


def test_a_dynamic_window_takes_near_words_more_often():
    corpus = Corpus.from_documents([[f"{i:03}" for i in range(400)]])
    model = Word2Vec(corpus, Settings(sample=0, window=4), np.random.default_rng(0))
    distance = Counter(abs(int(e.inputs[0]) - int(e.outputs[0])) for e in model.examples(0))
    share = [distance[i] / distance[1] for i in (1, 2, 3, 4)]
    assert share == pytest.approx([1, 0.75, 0.5, 0.25], abs=0.08)
    assert set(distance) == {1, 2, 3, 4}


def test_a_window_shares_its_negatives_and_a_pair_has_its_own():
    corpus = Corpus.from_documents([[f"{i:02}" for i in range(50)]])
    for step, rows in (("pair", 1), ("window", 2)):
        settings = Settings(sample=0, window=1, step=step, negative=5)
        examples = list(Word2Vec(corpus, settings, np.random.default_rng(0)).examples(0))
        assert max(len(e.inputs) for e in examples) == rows
        centres = Counter(int(e.outputs[0]) for e in examples)
        assert centres[25] == 3 - rows


def test_subsampled_tokens_leave_the_window():
    corpus = Corpus.from_documents([["the", "cat"] * 500])
    settings = Settings(sample=0.02, window=1)
    examples = list(Word2Vec(corpus, settings, np.random.default_rng(0)).examples(0))
    kept = 1000 * (math.sqrt(0.04) + 0.04)
    assert len(examples) / 2 == pytest.approx(kept, rel=0.25)


@pytest.mark.parametrize(
    "kind",
    [{"step": "pair"}, {"step": "window"}, {"model": "cbow"}, {"output": "hierarchical"}],
    ids=str,
)
def test_words_in_the_same_contexts_become_neighbours(kind):
    rng = np.random.default_rng(0)
    groups = [[f"{g}{i}" for i in range(5)] for g in "abcd"]
    documents = [list(rng.choice(groups[rng.integers(4)], 8)) for _ in range(2000)]
    corpus = Corpus.from_documents(documents)
    settings = replace(SMALL, sample=0, epochs=4, rate=0.05, **kind)
    vectors = trained(settings, corpus=corpus).vectors
    for group in groups:
        near = {word for word, _ in vectors.similar(group[0], 4)}
        assert near == set(group[1:])


def test_words_of_the_vocabulary_that_never_occur_do_no_harm():
    part = CORPUS.head(100)
    assert (part.counts == 0).any()
    for output in ("negative", "hierarchical"):
        model = trained(replace(SMALL, output=output), corpus=part)
        assert np.isfinite(model.W).all()
        assert np.isfinite(model.C).all()


def test_first_vectors_are_small_and_contexts_zero():
    model = Word2Vec(CORPUS, Settings(dimensions=20), np.random.default_rng(0))
    assert np.abs(model.W).max() <= 0.5 / 20
    assert model.W.std() == pytest.approx(1 / 20 / math.sqrt(12), rel=0.1)
    assert not model.C.any()
    assert model.W.shape == model.C.shape == (len(CORPUS.vocabulary), 20)
    tree = Word2Vec(CORPUS, Settings(output="hierarchical"), np.random.default_rng(0))
    assert len(tree.C) == len(CORPUS.vocabulary) - 1


def test_vectors_do_not_change_with_further_training():
    model = Word2Vec(CORPUS, SMALL, np.random.default_rng(0))
    before = model.vectors
    first = before.W.copy()
    model.train()
    assert (first == before.W).all()
    assert (model.vectors.W == model.W).all()


def test_the_defaults_are_those_of_word2vec():
    s = Settings()
    assert (s.dimensions, s.window, s.negative, s.epochs) == (100, 5, 5, 5)
    assert (s.rate, s.final_rate, s.sample, s.power) == (0.025, 0.0001, 0.001, 0.75)
    assert (s.model, s.output, s.step, s.mean, s.dynamic) == (
        "skip-gram", "negative", "pair", "copied", True,
    )  # fmt: skip
    assert word2vec.CHUNK == 10_000
    assert _word2vec.LOSS_EVERY == 64


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dimensions": 0}, "dimensions must be 1 or more, not 0"),
        ({"negative": 0}, "negative must be 1 or more"),
        ({"window": 0}, "window must be 1 or more"),
        ({"epochs": 0}, "epochs must be 1 or more"),
        ({"model": "glove"}, "model must be one of"),
        ({"output": "softmax"}, "output must be one of"),
        ({"step": "block"}, "step must be one of"),
        ({"mean": "sum"}, "mean must be one of"),
        ({"rate": 0.1, "final_rate": 0.2}, "cannot fall from 0.1 to 0.2"),
        ({"sample": -1}, "sample is a share"),
    ],
)
def test_settings_refuse_what_makes_no_sense(wrong, message):
    with pytest.raises(ValueError, match=message):
        Settings(**wrong)


def test_an_empty_corpus_and_impossible_threads_are_refused():
    with pytest.raises(ValueError, match="no tokens"):
        Word2Vec(Corpus.from_documents([[]]), Settings(), np.random.default_rng(0))
    with pytest.raises(ValueError, match="two words or more"):
        huffman_tree([3])
    for how in ({"threads": 0}, {"threads": 2, "compiled": False}):
        with pytest.raises(ValueError, match="not possible here"):
            trained(SMALL, **how)
