"""What must be true of the lying map: its pictures, what is counted on them, its script."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.stats
from livescripts import asking
from sklearn.decomposition import PCA as ReferencePca
from sklearn.manifold import trustworthiness

from lib.live import LIMIT, LiveFigure, compact
from lib.live_projection import (
    GRID,
    NEAREST,
    PERPLEXITIES,
    SEEDS,
    TOPICS,
    Layout,
    chosen_words,
    distance_correlation,
    kept,
    layouts,
    lying_map,
    map_neighbours,
    nearest_topics,
    on_grid,
    pca_places,
    true_neighbours,
)
from lib.vectors import Vectors

script = asking("lying-map.js")


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    """Made-up vectors: each topic has a direction, each word its own noise."""
    rng = np.random.default_rng(8)
    words, topic = [w for t in TOPICS.values() for w in t.split()], np.repeat(np.arange(10), 20)
    return Vectors(words, rng.normal(0, 1, (10, 30))[topic] + rng.normal(0, 1, (200, 30)), "toy")


@pytest.fixture(scope="module")
def W(vectors: Vectors) -> np.ndarray:
    return np.asarray(vectors.W, dtype=np.float64)


@pytest.fixture(scope="module")
def drawn(W: np.ndarray) -> list[Layout]:
    return layouts(W)


@pytest.fixture(scope="module")
def figure(vectors: Vectors, drawn: list[Layout]) -> LiveFigure:
    return lying_map(vectors, drawn)


# What is counted ----------------------------------------------------------------------------------


def test_true_neighbours_are_those_that_vectors_find(vectors: Vectors, W: np.ndarray) -> None:
    found = true_neighbours(W)
    for word in ("apple", "dog", "sky"):
        expected = [other for other, _ in vectors.similar(word, NEAREST)]
        assert [vectors.words[i] for i in found[vectors.index[word]]] == expected


def test_the_length_of_a_vector_makes_no_neighbour() -> None:
    W = np.array([[1, 0], [100, 20], [0.5, 0.4], [0, 1]])
    assert true_neighbours(W, 2).tolist() == [[1, 2], [0, 2], [1, 0], [2, 1]]


def test_kept_neighbours_by_hand() -> None:
    places = np.array([[0, 0], [10, 0], [11, 0], [500, 500]])
    neighbours = np.array([[1, 3], [2, 0], [0, 3], [2, 1]])
    assert map_neighbours(places, 2).tolist() == [[1, 2], [2, 0], [1, 0], [2, 1]]
    assert kept(places, neighbours).tolist() == [0.5, 1.0, 0.5, 1.0]


def test_places_far_apart_do_not_overflow() -> None:
    places = np.array([[0, 0], [GRID, GRID], [GRID, 0], [0, 1]], dtype=np.int64)
    # the third is as far from the first as from the second: the earlier word is taken
    assert map_neighbours(places, 1).ravel().tolist() == [3, 2, 0, 0]


def test_a_map_that_is_the_space_keeps_everything_and_a_shuffled_one_what_chance_keeps() -> None:
    rng = np.random.default_rng(0)
    angles = rng.uniform(0, np.pi, 300)
    W = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    places = on_grid(np.stack([angles, np.zeros(300)], axis=1))
    neighbours = true_neighbours(W)
    assert kept(places, neighbours).mean() > 0.95
    assert distance_correlation(places, W) > 0.999
    mixed = places[rng.permutation(300)]
    assert kept(mixed, neighbours).mean() == pytest.approx(10 / 299, abs=0.015)
    assert abs(distance_correlation(mixed, W)) < 0.1


def test_distances_correlate_as_scipy_says(W: np.ndarray, drawn: list[Layout]) -> None:
    U = W / np.linalg.norm(W, axis=1, keepdims=True)
    true = scipy.spatial.distance.pdist(U)
    flat = scipy.spatial.distance.pdist(drawn[3].places)
    expected = scipy.stats.spearmanr(flat, true).statistic
    assert distance_correlation(drawn[3].places, W) == pytest.approx(expected, abs=1e-5)


def test_the_nearest_topic_is_the_one_with_the_nearest_centre() -> None:
    topic = np.array([0, 0, 1, 1, 2, 2])
    points = np.array([[0, 0], [0, 8], [9, 3], [9, 5], [0, 14], [4, 14]])  # (0 4), (9 4), (2 14)
    assert nearest_topics(points, topic).tolist() == [1, 0, 0]
    assert nearest_topics(points + 1000, topic).tolist() == [1, 0, 0]


# The pictures -------------------------------------------------------------------------------------


def test_pca_is_that_of_sklearn_up_to_signs(W: np.ndarray) -> None:
    U = W / np.linalg.norm(W, axis=1, keepdims=True)
    reference = ReferencePca(2, svd_solver="full").fit_transform(U)
    found = pca_places(W)
    for axis in (0, 1):
        assert abs(np.corrcoef(found[:, axis], reference[:, axis])[0, 1]) == pytest.approx(1)
        assert found[np.argmax(np.abs(found[:, axis])), axis] > 0
    assert np.ptp(found, axis=0) == pytest.approx(np.ptp(reference, axis=0), abs=1e-5)


def test_a_picture_fills_its_square_and_keeps_its_shape() -> None:
    points = np.array([[-3.0, 1.0], [1.0, 1.5], [5.0, 3.0]])
    found = on_grid(points)
    assert (found[:, 0].min(), found[:, 0].max()) == (0, GRID)
    assert found[:, 1].min() + found[:, 1].max() in (GRID, GRID - 1, GRID + 1)
    assert np.ptp(found[:, 1]) / np.ptp(found[:, 0]) == pytest.approx(2 / 8, abs=0.002)


def test_there_is_a_picture_for_every_perplexity_and_start(drawn: list[Layout]) -> None:
    assert (drawn[0].method, drawn[0].perplexity) == ("PCA", 0)
    found = {(one.perplexity, one.start) for one in drawn[1:]}
    starts = ("PCA", *map(str, SEEDS))
    assert found == {(perplexity, start) for perplexity in PERPLEXITIES for start in starts}
    assert len(drawn) == 1 + len(PERPLEXITIES) * len(starts)
    assert all((one.places >= 0).all() and (one.places <= GRID).all() for one in drawn)


def test_pictures_are_the_same_each_time_even_if_the_last_bits_differ(
    W: np.ndarray, drawn: list[Layout]
) -> None:
    shaken = W * (1 + 1e-14 * np.random.default_rng(2).standard_normal(W.shape))
    for one, other in zip(drawn, layouts(shaken), strict=True):
        assert np.array_equal(one.places, other.places), one.perplexity


def test_starts_and_perplexities_make_different_pictures(drawn: list[Layout]) -> None:
    assert len({one.places.tobytes() for one in drawn}) == len(drawn)


def test_t_sne_keeps_neighbours_and_pca_fewer(W: np.ndarray, drawn: list[Layout]) -> None:
    neighbours = true_neighbours(W)
    shares = [kept(one.places, neighbours).mean() for one in drawn]
    assert min(shares[1:]) > shares[0] > NEAREST / 199
    U = W / np.linalg.norm(W, axis=1, keepdims=True)
    trusted = [trustworthiness(U, one.places, n_neighbors=10) for one in (drawn[0], drawn[5])]
    assert trusted[1] > trusted[0]


# The figure ---------------------------------------------------------------------------------------


def test_there_are_twenty_different_words_of_each_topic() -> None:
    lists = [words.split() for words in TOPICS.values()]
    assert [len(words) for words in lists] == [20] * 10
    assert len({word for words in lists for word in words}) == 200


def test_words_without_a_vector_are_left_out_and_too_few_are_refused(vectors: Vectors) -> None:
    some = Vectors(vectors.words[5:], vectors.W[5:], "some")
    words, topic = chosen_words(some)
    assert words == list(vectors.words[5:])
    assert len(words) == len(topic) == 195 and np.bincount(topic).tolist() == [15] + [20] * 9
    with pytest.raises(ValueError, match="few has vectors for 60 of the words, of 3 of 10 topics"):
        chosen_words(Vectors(vectors.words[:60], vectors.W[:60], "few"))
    with pytest.raises(ValueError, match="of 9 of 10 topics"):
        chosen_words(Vectors(vectors.words[20:], vectors.W[20:], "none of a topic"))


def test_the_figure_holds_the_pictures_and_its_table_what_they_keep(
    figure: LiveFigure, drawn: list[Layout], W: np.ndarray
) -> None:
    payload = figure.payload()
    data = payload["data"]
    assert payload["name"] == "lying-map" and data["dimensions"] == 30
    assert len(compact(data).encode()) < LIMIT / 2
    neighbours, topic = true_neighbours(W), np.repeat(np.arange(10), 20)
    assert data["neighbours"] == neighbours.tolist() and data["topic"] == topic.tolist()
    near = nearest_topics(W / np.linalg.norm(W, axis=1, keepdims=True), topic)
    assert data["nearTopics"] == near.tolist()
    assert [row[0] for row in payload["table"]["rows"][:3]] == [
        "PCA", "t-SNE, perplexity 5, start from PCA", "t-SNE, perplexity 5, random start 1",
    ]  # fmt: skip
    for layout, listed, row in zip(drawn, data["layouts"], payload["table"]["rows"], strict=True):
        assert listed["places"] == layout.places.ravel().tolist()
        assert row[1] == pytest.approx(kept(layout.places, neighbours).mean(), abs=1e-4)
        assert row[2] == listed["rho"]
        assert row[3] == (nearest_topics(layout.places, topic) == near).sum()


# The script ---------------------------------------------------------------------------------------


def test_the_script_counts_what_lib_counts(
    figure: LiveFigure, drawn: list[Layout], W: np.ndarray
) -> None:
    body = """return input.layouts.map((one) => {
      const places = pure.pairs(one.places);
      const near = places.map((_, i) => pure.byDistance(places, i).slice(0, 10));
      return [pure.kept(places, input.neighbours), near, pure.nearestTopics(places, input.topic)];
    });"""
    found = script(body, **figure.payload()["data"])
    neighbours, topic = true_neighbours(W), np.repeat(np.arange(10), 20)
    for layout, (shares, near, topics) in zip(drawn, found, strict=True):
        assert shares == kept(layout.places, neighbours).tolist()
        assert near == map_neighbours(layout.places).tolist()
        assert topics == nearest_topics(layout.places, topic).tolist()


def test_words_on_one_spot_stand_in_their_order_in_both_languages() -> None:
    places = [[5, 5], [5, 5], [0, 0], [5, 5], [10, 10]]
    body = "return input.places.map((_, i) => pure.byDistance(input.places, i));"
    assert script(body, places=places) == map_neighbours(np.array(places), 4).tolist()


def test_the_right_answer_is_the_nearest_of_four() -> None:
    body = "return input.shares.map((share) => pure.ANSWERS[pure.rightAnswer(share)]);"
    assert script(body, shares=[0.05, 0.37, 0.48, 0.69, 0.74, 0.81, 1.0]) == [
        0.3, 0.3, 0.5, 0.7, 0.7, 0.9, 0.9,
    ]  # fmt: skip


def test_the_state_of_the_map_survives_the_address_and_finds_its_picture(
    figure: LiveFigure,
) -> None:
    data: Any = figure.payload()["data"]
    states = [
        {"guess": g, "method": m, "perplexity": p, "start": s, "word": w}
        for g in ("", "0", "3", "skip") for m in ("t-SNE", "PCA") for p in PERPLEXITIES
        for s in ("PCA", "0", "2") for w in ("apple", "sky")
    ]  # fmt: skip
    body = """return input.states.map((one) => {
      const layout = pure.layoutOf(input.data, one);
      return [pure.read(pure.write(one), input.data), layout.method, layout.perplexity,
        layout.start]; });"""
    for state, (back, method, perplexity, start) in zip(
        states, script(body, states=states, data=data), strict=True
    ):
        assert back == state
        wanted = (state["perplexity"], state["start"]) if method == "t-SNE" else (0, "PCA")
        assert (method, perplexity, start) == (state["method"], *wanted)


@pytest.mark.parametrize("text", ["", "9.UMAP.7.9.zebra", "x", "....", "0x.PCA2.030.-1"])
def test_an_address_that_makes_no_sense_gives_the_beginning(text: str, figure: LiveFigure) -> None:
    state = script(
        "return pure.read(input.text, input.data);", text=text, data=figure.payload()["data"]
    )
    assert state == {
        "guess": "", "method": "t-SNE", "perplexity": 30, "start": "0", "word": "apple",
    }  # fmt: skip
