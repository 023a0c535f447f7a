"""What must be true of the figure of one update: its toy, its measures, its script."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from livescripts import asking

from lib.live import LIMIT, LiveFigure, compact
from lib.live_update import (
    MOST,
    NEGATIVES,
    PAIRS,
    RATE,
    RATES,
    TOPICS,
    UPDATES,
    WORDS,
    measures,
    one_update,
    toy,
    trained,
)
from lib.word2vec import loss, noise_distribution, sigmoid, update

script = asking("one-update.js")


@pytest.fixture(scope="module")
def figure() -> LiveFigure:
    return one_update()


@pytest.fixture(scope="module")
def data(figure: LiveFigure) -> Any:
    return figure.payload()["data"]


# The toy ------------------------------------------------------------------------------------------


def test_words_meet_those_of_their_topic_and_the_and_nobody_else() -> None:
    meets = {(WORDS[a], WORDS[b]) for a, b in PAIRS}
    assert len(meets) == len(PAIRS) == 24
    assert ("river", "water") in meets and ("water", "river") in meets
    assert all((word, "the") in meets and ("the", word) in meets for word in WORDS[:-1])
    assert not any((a, b) in meets for a in TOPICS[0] for b in TOPICS[1])
    assert not any((word, word) in meets for word in WORDS)


def test_every_pair_comes_once_before_any_comes_again() -> None:
    pairs = [tuple(row[:2]) for row in toy().draws]
    assert len(pairs) == UPDATES == 25 * len(PAIRS)
    for start in range(0, UPDATES, len(PAIRS)):
        assert sorted(pairs[start : start + len(PAIRS)]) == sorted(PAIRS)
    assert pairs[:24] != pairs[24:48]


def test_the_true_context_is_never_drawn_and_the_others_by_their_noise() -> None:
    draws = toy().draws
    assert not (draws[:, 2:] == draws[:, 1:2]).any()
    given = draws[draws[:, 1] == 6][:, 2:].ravel()  # where "the" is true, the other six are equal
    shares = np.bincount(given, minlength=7) / len(given)
    assert shares[:6] == pytest.approx(np.full(6, 1 / 6), abs=0.06)
    given = draws[draws[:, 1] == 0][:, 2:].ravel()
    the = noise_distribution([0, 3, 3, 3, 3, 3, 6])[6]
    assert np.mean(given == 6) == pytest.approx(the, abs=0.06)


def test_the_toy_is_the_same_each_time_and_survives_the_rounding_of_the_page(data: Any) -> None:
    first = toy()
    toy.cache_clear()
    again = toy()
    assert np.array_equal(first.draws, again.draws) and np.array_equal(first.W, again.W)
    assert data["W"] == again.W.tolist() and data["C"] == again.C.tolist()
    assert np.abs(again.W).max() <= 0.5 and len(np.unique(again.W)) > 10


def test_an_example_has_its_true_context_first_and_so_many_negatives() -> None:
    draws = toy().draws
    for negatives in range(MOST + 1):
        example = toy().example(3, negatives)
        assert example.inputs.tolist() == [draws[3, 0]]
        assert example.outputs.tolist() == draws[3, 1 : 2 + negatives].tolist()
        assert example.labels.tolist() == [1] + [0] * negatives


def test_training_takes_one_update_after_the_other() -> None:
    W, C = toy().W.copy(), toy().C.copy()
    for step in range(3):
        update(W, C, toy().example(step, 2), 0.5)
    found = trained(2, 0.5, 3)
    assert np.array_equal(found[0], W) and np.array_equal(found[1], C)
    assert not np.array_equal(trained(2, 0.5, 0)[0], W)
    assert np.array_equal(trained(2, 0.5, 0)[0], toy().W), "the start is not trained in place"


# The measures -------------------------------------------------------------------------------------


def test_measures_by_hand() -> None:
    W = np.array([[2, 0], [1, 0], [1, 0], [0, 1], [0, 3], [0, 1], [1, 1]], dtype=float)
    C = np.zeros((7, 2))
    C[6] = [np.log(3), 0]
    m = measures(W, C)
    assert (m.same, m.across) == (pytest.approx(1), pytest.approx(0))
    assert m.cosine == pytest.approx((6 + 6 * 2**-0.5) / 21)
    assert m.length == pytest.approx((2 + 1 + 1 + 1 + 3 + 1 + 2**0.5) / 7)
    # all outputs are zero but "the": river gives it 9/10, stream and water 3/4, the others 1/2
    assert m.seen == pytest.approx((0.9 + 2 * 0.75 + 21 * 0.5) / 24)
    assert m.unseen == pytest.approx(0.5)


def test_without_negatives_all_words_point_in_one_direction_and_every_pair_is_likely() -> None:
    m = measures(*trained(0, RATE, UPDATES))
    assert m.cosine > 0.9 and m.across > 0.9
    assert m.seen > 0.98 and m.unseen > 0.95
    assert measures(*trained(0, RATE, 0)).cosine < 0.1
    assert m.length > 2 * measures(*trained(0, RATE, 0)).length


def test_a_rate_of_one_which_is_not_offered_makes_the_vectors_explode() -> None:
    assert max(RATES) < 1
    assert measures(*trained(5, 1.0, UPDATES)).length > 1e6
    assert all(measures(*trained(5, rate, UPDATES)).length < 5 for rate in RATES)


@pytest.mark.parametrize("negatives", range(1, MOST + 1))
def test_with_negatives_the_topics_part(negatives: int) -> None:
    m = measures(*trained(negatives, RATE, UPDATES))
    assert m.same > 0.9 and m.across < 0
    assert m.seen > 3 * m.unseen


def test_the_table_says_what_becomes_of_the_vectors(figure: LiveFigure) -> None:
    assert [row[0] for row in figure.table.rows] == list(range(MOST + 1))
    m = measures(*trained(3, RATE, UPDATES))
    assert figure.table.rows[3][1:] == (m.cosine, m.same, m.across, m.seen, m.unseen, m.length)
    assert f"{UPDATES} updates at rate {RATE}" in figure.table.header[0]


def test_the_figure_is_small_and_called_one_update(figure: LiveFigure, data: Any) -> None:
    assert figure.name == "one-update"
    assert len(compact(data).encode()) < LIMIT / 8
    assert data["negatives"] == NEGATIVES and RATE in data["rates"] == list(RATES)


# The script ---------------------------------------------------------------------------------------

ONE = """
  const given = pure.example(input.data, input.step, input.negatives);
  const now = {W: input.W, C: input.C};
  const next = pure.update(now, given, input.rate);
  return [next.W, next.C, pure.judge(now, given), pure.measures(input.data, now), now];"""


@pytest.mark.parametrize("negatives", range(MOST + 1))
def test_an_update_of_the_script_is_that_of_lib(data: Any, negatives: int) -> None:
    rng = np.random.default_rng(negatives)
    for step in (0, 1, 2, 17, 599):
        W, C = rng.normal(0, 2, (2, 7, 2))
        given = {"data": data, "W": W.tolist(), "C": C.tolist(), "step": step}
        found = script(ONE, **given, negatives=negatives, rate=0.7)
        example = toy().example(step, negatives)
        dots = C[example.outputs] @ W[example.inputs[0]]
        expected = loss(W[example.inputs], C[example.outputs], example.labels)
        m = measures(W, C)
        update(W, C, example, 0.7)
        assert np.abs(found[0] - W).max() < 1e-12 and np.abs(found[1] - C).max() < 1e-12
        judged = found[2]
        assert [one["x"] for one in judged] == pytest.approx(dots.tolist(), abs=1e-12)
        assert [one["p"] for one in judged] == pytest.approx(sigmoid(dots).tolist(), abs=1e-12)
        errors = sigmoid(dots) - example.labels
        assert [one["error"] for one in judged] == pytest.approx(errors.tolist(), abs=1e-12)
        assert sum(one["loss"] for one in judged) == pytest.approx(expected, abs=1e-12)
        assert found[3] == pytest.approx(vars(m), abs=1e-12)
        assert found[4] == {"W": given["W"], "C": given["C"]}, "the old vectors stay as they were"


def test_a_word_that_is_drawn_twice_is_pushed_twice(data: Any) -> None:
    twice = next(i for i, row in enumerate(toy().draws) if len(set(row[2:].tolist())) < MOST)
    W, C = toy().W.copy(), toy().C.copy()
    found = script(ONE, data=data, W=W.tolist(), C=C.tolist(), step=twice, negatives=5, rate=1)
    update(W, C, toy().example(twice, 5), 1)
    assert np.abs(found[1] - C).max() < 1e-12


@pytest.mark.parametrize("negatives", range(MOST + 1))
def test_each_of_the_600_updates_is_that_of_lib(data: Any, negatives: int) -> None:
    start = toy()
    W, C = start.W.copy(), start.C.copy()
    before, after = [], []
    for step in range(UPDATES):
        before.append((W.tolist(), C.tolist()))
        update(W, C, start.example(step, negatives), 0.5)
        after.append((W.tolist(), C.tolist()))
    body = """return input.before.map(([W, C], step) => {
      const next = pure.update({W, C}, pure.example(input.data, step, input.negatives), 0.5);
      return [next.W, next.C]; });"""
    found = script(body, data=data, before=before, negatives=negatives)
    assert np.abs(np.array(found) - np.array(after)).max() < 1e-12


@pytest.mark.parametrize("rate", RATES)
def test_the_whole_way_of_the_script_is_that_of_lib(data: Any, rate: float) -> None:
    body = """return [0, 1, 2, 3, 4, 5].map((k) => {
      const states = pure.path(input.data, k, input.rate);
      return [states.length, states[300], states[600]]; });"""
    for negatives, (states, middle, end) in enumerate(script(body, data=data, rate=rate)):
        assert states == UPDATES + 1
        for updates, found in ((300, middle), (600, end)):
            W, C = trained(negatives, rate, updates)
            assert np.abs(found["W"] - W).max() < 1e-12 and np.abs(found["C"] - C).max() < 1e-12


def test_sigmoid_and_surprise_do_not_overflow() -> None:
    body = "return input.x.map((x) => [pure.sigmoid(x), pure.surprise(x)]);"
    x = [-1000.0, -30.0, -1.0, 0.0, 0.5, 30.0, 1000.0]
    found = script(body, x=x)
    assert [p for p, _ in found] == pytest.approx(sigmoid(x).tolist(), rel=1e-14)
    assert [s for _, s in found] == pytest.approx(np.logaddexp(0, -np.array(x)).tolist(), rel=1e-14)


def test_the_state_of_the_update_survives_the_address(data: Any) -> None:
    states = [
        {"guess": guess, "negatives": k, "rate": rate, "step": step}
        for guess in ("0", "1", "2", "skip") for k in (0, 5) for rate in RATES
        for step in (0, 7, 600)
    ]  # fmt: skip
    body = "return input.states.map((one) => pure.read(pure.write(one), input.data));"
    assert script(body, states=states, data=data) == states


@pytest.mark.parametrize("text", ["", "3.9.17.601", "x.-1.0.-5", "....", ".2.25.300", "7.7"])
def test_an_address_that_makes_no_sense_gives_the_beginning(text: str, data: Any) -> None:
    state = script("return pure.read(input.text, input.data);", text=text, data=data)
    assert state == {"guess": "", "negatives": 2, "rate": 0.25, "step": 0}
