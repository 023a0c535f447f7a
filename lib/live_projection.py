"""The live figure *lying map* of chapter 7: what a picture in two dimensions keeps of neighbours.

Two hundred words of ten topics are drawn by PCA and by t-SNE, with several perplexities and from
several starts. The reader picks a word; its ten nearest neighbours in the full space light up, near
and far, and the page counts how many of them are also the nearest in the picture.

Of a map three things are measured: the share of true neighbours it keeps, the rank correlation of
all its distances with the true ones, and for how many topics the nearest other topic is the true
one. ``webassets/live/lying-map.js`` measures the first and the third in the reader's browser; what
is here is the reference that it is tested against, and the maker of its data.

Papers: van der Maaten & Hinton 2008 (t-SNE), Wattenberg, Viégas & Johnson 2016 (how to misread it),
Kobak & Linderman 2021 (the start decides what is global in the picture).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from lib.evaluate import spearman
from lib.live import LiveFigure, Table
from lib.vectors import Vectors

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

TOPICS: Final[Mapping[str, str]] = {
    "animals": "dog cat horse cow sheep wolf bear lion tiger elephant rabbit pig bird eagle duck "
    "fish shark snake monkey goat",
    "food": "bread butter cheese milk meat beef chicken rice wheat corn potato apple orange sugar "
    "salt soup cake coffee tea wine",
    "countries": "france germany italy spain england ireland poland russia china japan india "
    "canada mexico brazil egypt turkey iran israel greece sweden",
    "cities": "london paris berlin rome madrid moscow beijing tokyo delhi chicago boston seattle "
    "dallas toronto sydney vienna athens dublin cairo houston",
    "family": "mother father brother sister son daughter uncle aunt cousin wife husband child "
    "parents baby grandmother grandfather nephew twins widow bride",
    "body": "head hand foot arm leg eye ear nose mouth tooth heart blood bone skin brain stomach "
    "knee shoulder neck finger",
    "sport": "football hockey baseball basketball tennis soccer golf team player coach goal score "
    "league season championship match stadium referee tournament victory",
    "money": "bank loan debt stock shares market price tax profit dollar investor currency trade "
    "income budget credit bond fund insurance interest",
    "computers": "computer software hardware disk memory keyboard screen mouse printer modem "
    "network server windows program file code graphics processor internet database",
    "land and weather": "rain snow wind storm cloud sun ice river lake sea mountain hill valley "
    "forest desert island beach coast field sky",
}
"""Frequent words; a few belong to two topics (*apple*, *orange*, *mouse*, *bond*), as words do."""

NEAREST: Final = 10
PERPLEXITIES: Final = (5, 15, 30, 50)
SEEDS: Final = (0, 1, 2)  # starts at random; besides, t-SNE starts from the picture of PCA
ITERATIONS: Final = 500
PCA: Final = "PCA"
GRID: Final = 999  # places are whole numbers from 0 to this, in both directions
FEWEST: Final = 100  # words, below which a map of ten topics is no map


@dataclass(frozen=True)
class Layout:
    """A picture: the place of every word.

    Attributes
    ----------
    method : str
        "PCA" or "t-SNE".
    perplexity : int
        0 for PCA.
    start : str
        "PCA", or the seed of a random start.
    places : (n, 2) array of int
        On a square grid from 0 to `GRID`; both directions have the same scale.
    """

    method: str
    perplexity: int
    start: str
    places: Ints


def true_neighbours(W: Floats, k: int = NEAREST) -> Ints:
    """Find the k nearest words of each word by the cosine, best first: (n, k).

    Examples
    --------
    >>> true_neighbours(np.array([[1, 0], [2, 0.1], [0, 1]]), 1).ravel().tolist()
    [1, 0, 1]
    """
    U = W / np.linalg.norm(W, axis=1, keepdims=True)
    cosines = (U @ U.T).round(9)
    np.fill_diagonal(cosines, -np.inf)
    nearest: Ints = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    return nearest


def map_neighbours(places: Ints, k: int = NEAREST) -> Ints:
    """Find the k nearest words of each word in a picture: (n, k); on a tie the earlier word.

    Examples
    --------
    >>> map_neighbours(np.array([[0, 0], [0, 3], [0, 4]]), 1).ravel().tolist()
    [1, 2, 1]
    """
    squares = ((places[:, None] - places[None]) ** 2).sum(axis=2)
    np.fill_diagonal(squares, np.iinfo(squares.dtype).max)
    nearest: Ints = np.argsort(squares, axis=1, kind="stable")[:, :k]
    return nearest


def kept(places: Ints, neighbours: Ints) -> Floats:
    """Count which share of a word's true neighbours are also its nearest in the picture: (n,).

    Examples
    --------
    >>> kept(np.array([[0, 0], [0, 3], [0, 4]]), np.array([[1], [0], [1]])).tolist()
    [1.0, 0.0, 1.0]
    """
    k = neighbours.shape[1]
    found = map_neighbours(places, k)
    return np.array([len(set(a) & set(b)) / k for a, b in zip(neighbours, found, strict=True)])


def nearest_topics(points: NDArray[Any], topic: Ints) -> Ints:
    """Find for each topic the other topic whose centre lies nearest: (topics,).

    Examples
    --------
    >>> nearest_topics(np.array([[0.0], [2.0], [9.0], [4.0]]), np.array([0, 0, 1, 2])).tolist()
    [2, 2, 0]
    """
    centres = np.array([points[topic == t].mean(axis=0) for t in range(topic.max() + 1)])
    squares = ((centres[:, None] - centres[None]) ** 2).sum(axis=2).round(9)
    np.fill_diagonal(squares, np.inf)
    nearest: Ints = np.argmin(squares, axis=1)
    return nearest


def distance_correlation(places: Ints, W: Floats) -> float:
    """Correlate the ranks of all distances in the picture with those in the full space.

    Examples
    --------
    >>> W = np.array([[1, 0], [1, 1], [0, 1]])
    >>> round(distance_correlation(np.array([[0, 0], [0, 2], [0, 5]]), W), 2)
    0.87
    """
    pairs = np.triu_indices(len(W), 1)
    flat = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=2))
    return spearman(flat[pairs], _distances(W)[pairs])


def _distances(W: Floats) -> Floats:
    """Distances of the vectors at length 1, rounded: the last bits differ between machines."""
    U = W / np.linalg.norm(W, axis=1, keepdims=True)
    D: Floats = np.sqrt(np.maximum(2 - 2 * (U @ U.T), 0)).round(6)
    np.fill_diagonal(D, 0)
    return D


def pca_places(W: Floats) -> Floats:
    """Project the vectors, at length 1, to their first two principal components: (n, 2).

    The sign of a component is free: here its entry of largest magnitude is positive.
    """
    U = W / np.linalg.norm(W, axis=1, keepdims=True)
    X, s, _ = np.linalg.svd(U - U.mean(axis=0), full_matrices=False)
    flat: Floats = X[:, :2] * s[:2]
    signs = np.sign(flat[np.argmax(np.abs(flat), axis=0), [0, 1]])
    return (flat * signs).round(6)


def on_grid(points: Floats) -> Ints:
    """Fit points into the square from 0 to `GRID`, centred, with one scale for both directions.

    Examples
    --------
    >>> on_grid(np.array([[0.0, 0.0], [2.0, 1.0]])).tolist()
    [[0, 250], [999, 749]]
    """
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    scale = GRID / np.ptp(points, axis=0).max()
    places: Ints = np.rint((points - middle) * scale + GRID / 2).astype(np.int64)
    return places


def layouts(W: Floats) -> list[Layout]:
    """Draw vectors (n, d) by PCA, and by t-SNE with every perplexity from every start.

    Everything that could differ between machines in its last bits is rounded on the way, and one
    thread does the work, so that the pictures are the same each time.
    """
    flat, D = pca_places(W), _distances(W)
    starts = {PCA: flat} | {
        str(seed): np.random.default_rng(seed).standard_normal(flat.shape) for seed in SEEDS
    }
    made = [Layout(PCA, 0, PCA, on_grid(flat))]
    with threadpool_limits(limits=1):
        for perplexity in PERPLEXITIES:
            for name, start in starts.items():
                small = (1e-4 * start / start[:, 0].std()).round(9)  # as sklearn scales its own
                tsne = TSNE(
                    perplexity=perplexity, init=small, metric="precomputed", random_state=0,
                    max_iter=ITERATIONS, n_jobs=1,
                )  # fmt: skip
                places = on_grid(np.asarray(tsne.fit_transform(D), dtype=np.float64))
                made.append(Layout("t-SNE", perplexity, name, places))
    return made


def chosen_words(vectors: Vectors, topics: Mapping[str, str] = TOPICS) -> tuple[list[str], Ints]:
    """List the words of the topics that have a vector, and the number of each word's topic.

    Raises
    ------
    ValueError
        If fewer than `FEWEST` have one, or none of a topic.
    """
    pairs = [
        (word, number)
        for number, words in enumerate(topics.values())
        for word in words.split()
        if word in vectors
    ]
    topic = np.array([number for _, number in pairs], dtype=np.int64)
    if len(pairs) < FEWEST or len(set(topic.tolist())) < len(topics):
        raise ValueError(
            f"{vectors.name} has vectors for {len(pairs)} of the words, of "
            f"{len(set(topic.tolist()))} of {len(topics)} topics; {FEWEST} of all topics are needed"
        )
    return [word for word, _ in pairs], topic


def lying_map(vectors: Vectors, drawn: Sequence[Layout] | None = None) -> LiveFigure:
    """Make the live figure *lying map*.

    Parameters
    ----------
    vectors : Vectors
        Any word vectors; of the words in `TOPICS` those that have one are drawn.
    drawn : sequence of Layout, optional
        What `layouts` made of the rows of `chosen_words`, if the chapter has it already.

    Returns
    -------
    LiveFigure
        Its table says what each picture keeps.

    Raises
    ------
    ValueError
        If too few of the words have a vector (see `chosen_words`).
    """
    words, topic = chosen_words(vectors)
    W = np.array([vectors[word] for word in words], dtype=np.float64)
    drawn = layouts(W) if drawn is None else drawn
    neighbours = true_neighbours(W)
    U = W / np.linalg.norm(W, axis=1, keepdims=True)
    near = nearest_topics(U, topic)
    rhos = [distance_correlation(layout.places, W) for layout in drawn]
    return LiveFigure(
        name="lying-map",
        title="The map and the neighbours",
        summary=f"{len(words)} words of ten topics on a map. Say how many true neighbours such a "
        "map keeps, then pick words, change the perplexity and the start, and count.",
        data={
            "vectors": vectors.name,
            "dimensions": W.shape[1],
            "words": words,
            "topics": list(TOPICS),
            "topic": topic,
            "neighbours": neighbours,
            "nearTopics": near,
            "layouts": [
                {
                    "method": layout.method,
                    "perplexity": layout.perplexity,
                    "start": layout.start,
                    "rho": rho,
                    "places": layout.places.ravel(),
                }
                for layout, rho in zip(drawn, rhos, strict=True)
            ],
        },
        table=_table(drawn, rhos, neighbours, topic, near),
    )


def _table(
    drawn: Sequence[Layout], rhos: Sequence[float], neighbours: Ints, topic: Ints, near: Ints
) -> Table:
    """Say what each picture keeps."""
    rows = []
    for layout, rho in zip(drawn, rhos, strict=True):
        right = int((nearest_topics(layout.places, topic) == near).sum())
        share = float(kept(layout.places, neighbours).mean())
        rows.append((_label(layout), share, rho, right))
    header = (
        "picture",
        f"share of the {NEAREST} true neighbours kept",
        "rank correlation of distances",
        f"topics, of {topic.max() + 1}, beside the right one",
    )
    return Table(header, rows)


def _label(layout: Layout) -> str:
    """Name a picture.

    Examples
    --------
    >>> _label(Layout("t-SNE", 5, "2", np.zeros((1, 2), dtype=int)))
    't-SNE, perplexity 5, random start 3'
    """
    if layout.method == PCA:
        return PCA
    start = "start from PCA" if layout.start == PCA else f"random start {int(layout.start) + 1}"
    return f"t-SNE, perplexity {layout.perplexity}, {start}"
