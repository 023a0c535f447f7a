"""Neural language models: shapes, equations, what they may see, and what they can learn."""

import doctest

import numpy as np
import pytest
import torch
from torch import nn

from lib import neurallm
from lib.corpus import Corpus
from lib.neurallm import (
    LSTM,
    Bengio,
    ProjectedLSTM,
    Softmax,
    groups,
    places_of,
    seeded,
    side_by_side,
)
from lib.text import Vocabulary
from lib.trainer import Trainer, Training

V = 12


def rng(seed=0):
    return np.random.default_rng(seed)


def some_text(passages=10, words=V, seed=0, longest=9):
    generator = rng(seed)
    lengths = generator.integers(1, longest + 1, passages)
    vocabulary = Vocabulary([f"w{i}" for i in range(words)], "toy")
    ids = generator.integers(0, words, lengths.sum())
    return Corpus(vocabulary, ids, np.append(0, np.cumsum(lengths)))


MODELS = {
    "bengio": lambda seed=0, **more: Bengio(
        V, rng(seed), context=3, dimensions=6, hidden=8, **more
    ),
    "direct": lambda seed=0: Bengio(V, rng(seed), context=2, dimensions=6, hidden=8, direct=True),
    "lstm": lambda seed=0, **more: LSTM(V, rng(seed), dimensions=6, hidden=8, **more),
    "deep": lambda seed=0: LSTM(V, rng(seed), dimensions=6, hidden=16, layers=2, cutoffs=(5,)),
}
every_model = pytest.mark.parametrize("name", MODELS)


# The softmax


@pytest.mark.parametrize("cutoffs", [(), (4,), (3, 7)])
def test_all_probabilities_sum_to_one_and_hold_each_single_one(cutoffs):
    with seeded(rng()):
        output = Softmax(6, V, cutoffs, shrink=2)
        states = torch.randn(5, 6)
    p = output.all(states).exp()
    assert p.shape == (5, V) and torch.allclose(p.sum(1), torch.ones(5))
    words = torch.tensor([0, 3, 7, 11, 5])
    assert torch.allclose(output(states, words).exp(), p[range(5), words], atol=1e-6)


@pytest.mark.parametrize("cutoffs", [(), (20,), (10, 40)])
def test_before_training_all_words_are_about_equally_likely(cutoffs):
    with seeded(rng()):
        output = Softmax(6, 100, cutoffs, shrink=2)
    p = output.all(torch.zeros(1, 6))[0]
    assert p.detach().numpy() == pytest.approx(-np.log(100), abs=0.8)
    states = 0.01 * torch.ones(100, 6)
    assert -output(states, torch.arange(100)).mean().item() == pytest.approx(np.log(100), abs=0.1)


def test_vectors_cannot_shrink_to_nothing():
    with pytest.raises(ValueError, match="8 / 4 \\*\\* 2"):
        Softmax(8, 100, (10, 40), shrink=4)


def test_rarer_clusters_have_shorter_vectors():
    output = Softmax(64, 1000, (100, 400), shrink=4)
    tails = [[layer.weight.shape for layer in tail] for tail in output.steps.tail]
    assert tails == [[(16, 64), (300, 16)], [(4, 64), (600, 4)]]
    assert output.steps.head.weight.shape == (102, 64)


# The LSTM written out


def test_the_lstm_written_out_is_the_one_of_pytorch():
    ours, theirs = ProjectedLSTM(5, 7, 3), nn.LSTM(5, 7, batch_first=True, proj_size=3)
    gates = torch.arange(28).reshape(4, 7)  # ours: i, f, o, n; theirs: i, f, n, o
    order = torch.cat([gates[0], gates[1], gates[3], gates[2]])
    with torch.no_grad():
        theirs.weight_ih_l0.copy_(ours.inner.weight[order])
        theirs.bias_ih_l0.copy_(ours.inner.bias[order])
        theirs.bias_hh_l0.zero_()
        theirs.weight_hh_l0.copy_(ours.recurrent.weight[order])
        theirs.weight_hr_l0.copy_(ours.projection.weight)
    x = torch.randn(4, 6, 5)
    r, c = ours(x)
    expected, (_, last) = theirs(x)
    assert r.shape == (4, 6, 3) and torch.allclose(r, expected, atol=1e-6)
    assert c.shape == (4, 7) and torch.allclose(c, last[0], atol=1e-6)


def test_an_lstm_begins_by_keeping_its_memory():
    bias = ProjectedLSTM(5, 7, 3).inner.bias.reshape(4, 7)  # i, f, o, n
    assert bias.sum(dim=1).tolist() == [0, 7, 0, 0]


def test_one_step_of_an_lstm_by_hand():
    lstm = ProjectedLSTM(1, 1, 1)
    with torch.no_grad():
        lstm.inner.weight.copy_(torch.tensor([[1.0], [0.0], [0.0], [2.0]]))
        lstm.inner.bias.copy_(torch.tensor([0.0, 0.0, 1.0, 0.0]))
        lstm.recurrent.weight.zero_()
        lstm.projection.weight.fill_(3.0)
    r, c = lstm(torch.tensor([[[0.5]]]))

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    memory = sigmoid(0.5) * np.tanh(1.0)  # nothing was there to be kept
    assert c.item() == pytest.approx(memory)
    assert r.item() == pytest.approx(3 * sigmoid(1.0) * np.tanh(memory))


# Batches


def test_passages_stand_side_by_side_and_filling_is_marked():
    text = Corpus(Vocabulary(["a", "b", "c"], "toy"), [1, 2, 2, 1], [0, 3, 4])
    words, real = side_by_side(text, [1, 0])
    assert words.tolist() == [[1, 0, 0], [1, 2, 2]]
    assert real.tolist() == [[True, False, False], [True, True, True]]
    assert places_of(text, [1, 0]).tolist() == [3, 0, 1, 2]


def test_every_passage_is_measured_once():
    text = some_text(11)
    found = np.concatenate(groups(text, 4))
    assert sorted(found.tolist()) == list(range(11))
    assert (np.diff(np.diff(text.starts)[found]) >= 0).all()


# The models


@every_model
def test_probabilities_after_any_context_sum_to_one(name):
    model = MODELS[name]()
    for context in ([], [3], [1, 2, 3, 4, 5]):
        logs = model.next(context)
        assert logs.shape == (V,) and np.exp(logs).sum() == pytest.approx(1, abs=1e-5)


@every_model
def test_the_next_word_is_as_likely_as_in_a_text(name):
    model, text = MODELS[name](), some_text()
    logs = model.log_probabilities(text)
    for d in range(4):
        document = text.document(d).tolist()
        for place, word in enumerate(document):
            expected = logs[text.starts[d] + place]
            assert model.next(document[:place])[word] == pytest.approx(expected, abs=1e-5)


@every_model
def test_a_later_word_changes_nothing_before_it(name):
    model, text = MODELS[name](), Corpus(some_text().vocabulary, [1, 2, 3, 4, 5, 6], [0, 6])
    other = Corpus(text.vocabulary, [1, 2, 3, 9, 5, 6], [0, 6])
    a, b = model.log_probabilities(text), model.log_probabilities(other)
    np.testing.assert_allclose(a[:3], b[:3], atol=1e-6)
    assert (np.abs(a[3:] - b[3:])[:3] > 1e-6).all()


def test_bengio_sees_so_many_words_and_no_more():
    model = MODELS["bengio"]()  # three
    near, far = model.next([1, 2, 3, 4]), model.next([9, 2, 3, 4])
    np.testing.assert_array_equal(near, far)
    assert not np.allclose(near, model.next([1, 9, 3, 4]), atol=1e-6)


def test_bengio_must_see_a_word():
    with pytest.raises(ValueError, match="at least one word"):
        Bengio(5, rng(), context=0)


def test_bengio_is_its_equation():
    model = Bengio(5, rng(), context=2, dimensions=3, hidden=4, direct=True)
    C = model.vectors.weight.detach().numpy()
    H, d = (part.detach().numpy() for part in (model.hidden.weight, model.hidden.bias))
    output = model.output.plain
    WU, b = output.weight.detach().numpy(), output.bias.detach().numpy()
    W, U = WU[:, :6], WU[:, 6:]
    x = np.concatenate([C[5], C[3]])  # the mark, then word 3
    y = b + W @ x + U @ np.tanh(d + H @ x)
    assert model.next([3]) == pytest.approx(y - np.log(np.exp(y).sum()), abs=1e-5)


def test_the_memory_of_an_lstm_reaches_to_the_beginning():
    model = MODELS["lstm"]()
    assert not np.allclose(model.next([1, *[2] * 5]), model.next([9, *[2] * 5]), atol=1e-6)


@every_model
def test_neither_batch_nor_filling_changes_a_probability(name):
    model, text = MODELS[name](), some_text(9)
    together, alone = (model.log_probabilities(text, size=size) for size in (9, 1))
    np.testing.assert_allclose(together, alone, atol=1e-5)


@every_model
def test_the_loss_is_minus_the_mean_log_probability(name):
    model, text = MODELS[name](), some_text(6)
    loss = model.loss(model.batch(text, range(6)))
    assert loss.item() == pytest.approx(-model.log_probabilities(text).mean(), abs=1e-5)


@every_model
def test_an_untrained_model_is_about_as_good_as_guessing(name):
    logs = MODELS[name]().log_probabilities(some_text(60))
    assert -logs.mean() == pytest.approx(np.log(V), abs=0.35)


@every_model
def test_first_weights_come_from_the_generator_alone(name):
    torch.manual_seed(1)
    state = torch.random.get_rng_state()
    first = MODELS[name](3).next([1])
    assert torch.equal(torch.random.get_rng_state(), state)
    torch.manual_seed(2)
    np.testing.assert_array_equal(first, MODELS[name](3).next([1]))
    assert not np.array_equal(first, MODELS[name](4).next([1]))


def test_a_text_of_another_size_is_refused():
    with pytest.raises(ValueError, match="limit_vocabulary"):
        MODELS["lstm"]().log_probabilities(some_text(words=5))


@every_model
def test_a_model_learns_what_always_follows(name):
    chain = Corpus(some_text().vocabulary, list(range(V)) * 6, [0, *range(V, 6 * V + 1, V)])
    model = MODELS[name]()
    Trainer(model, chain, Training(epochs=150, batch=6, rate=0.03, warmup=10)).train()
    assert np.exp(model.log_probabilities(chain)).min() > 0.9


def test_the_examples_in_the_docstrings_are_true():
    failed, tried = doctest.testmod(neurallm)
    assert (failed, tried > 0) == (0, True)
