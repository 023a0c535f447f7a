"""The live figure *bank* of chapter 10: one word in eight sentences, and what its vector knows.

Six words, two senses each, four sentences for each sense, written by us (``data/own/senses.md``). A
model turns a sentence into a vector a word, layer by layer; here are the vectors of the ambiguous
words, and three ways of asking whether sentences of one sense lie together:

- *apart*: the mean cosine of two sentences of one sense, less that of two of different senses;
- *hits*: for how many of the eight is the nearest of the other seven of the same sense. Three of
  seven are, so chance gives three sevenths; where several are equally near, the share of those
  that are right is counted. A vector that does not know its sentence has all seven equally near;
- *as far*: eight sentences can be split into halves in 35 ways. How many of these are as far apart
  as the true one? If the sense were nothing to the vectors, each rank would be equally likely.

Words, not sentences, are the units: eight sentences of one word are compared with each other. There
are six words, so every interval over them is wide, and a bootstrap of six units still too narrow;
`random_splits` tests all of them together.

Centring takes away the mean vector of all words of the sentences but the ambiguous ones: what a
layer gives to whatever stands there. The mean of a word's own eight occurrences would use that they
are balanced, which is part of the answer; the mean of the ambiguous words would hold each of them
to a sixth.

``webassets/live/bank.js`` counts in the reader's browser; it is tested against the functions here.

Papers: Ethayarajh 2019 (one word against random words, layer by layer, and why to centre).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lib._fetch import DATA
from lib.evaluate import cosine_matrix
from lib.live import LiveFigure, Table

if TYPE_CHECKING:
    from lib.elmo import BiLM
    from lib.encoders import MiniLM
    from lib.vectors import Vectors

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]
States: TypeAlias = NDArray[np.floating[Any]]

DIGITS: Final = 4  # decimals of a cosine, here and on the page, so that both see the same ties
SURE: Final = 1e-9  # differences below it are rounding
ANSWERS: Final = (3 / 7, 0.6, 0.77, 0.94)  # what the reader may guess; the first is chance


@dataclass(frozen=True)
class Occurrence:
    """An ambiguous word in a sentence, and the sense that it has there."""

    word: str
    sense: str
    sentence: str

    @property
    def tokens(self) -> list[str]:
        """The words of the sentence."""
        return self.sentence.split()

    @property
    def place(self) -> int:
        """Where the word stands in it, from 0."""
        return self.tokens.index(self.word)


def senses() -> list[Occurrence]:
    """Read the sentences: those of one word together, those of one sense together.

    Raises
    ------
    ValueError
        If a sentence does not hold its word exactly once.
    """
    text = (DATA / "own" / "senses.csv").read_text(encoding="utf-8")
    found = [Occurrence(**row) for row in csv.DictReader(text.splitlines())]
    for one in found:
        if (many := one.tokens.count(one.word)) != 1:
            raise ValueError(f"{one.sentence!r} holds {one.word!r} {many} times: once is needed")
    return found


# From models to vectors -----------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Model:
    """What a model says of the ambiguous words, layer by layer.

    Attributes
    ----------
    name, label : str
        For the address of the page, and for its reader.
    layers : tuple of L str
        What each layer is called.
    occurrences : tuple of n Occurrence
        What it was asked.
    targets : (L, n, d) array
        The vectors of the ambiguous words.
    background : (L, d) array
        The mean vector of all other words of the sentences.
    """

    name: str
    label: str
    layers: tuple[str, ...]
    occurrences: tuple[Occurrence, ...]
    targets: Floats
    background: Floats

    @cached_property
    def words(self) -> list[str]:
        """The ambiguous words, each once, in their order."""
        return list(dict.fromkeys(one.word for one in self.occurrences))


def make_model(
    name: str,
    label: str,
    layers: Sequence[str],
    states: Sequence[States],
    occurrences: Sequence[Occurrence],
) -> Model:
    """Keep the ambiguous words of whole sentences, and the mean of all others.

    Parameters
    ----------
    name, label, layers
        See `Model`.
    states : sequence of n arrays (L, T, d)
        A vector for each word of each sentence in each layer.
    occurrences : sequence of n Occurrence
        The sentences.

    Raises
    ------
    ValueError
        If a sentence has not a vector for each of its words in each layer.
    """
    targets, others = [], []
    for S, one in zip(states, occurrences, strict=True):
        if S.shape[:2] != (len(layers), len(one.tokens)):
            raise ValueError(
                f"{name}: {S.shape[0]} layers of {S.shape[1]} vectors for {one.sentence!r}, which "
                f"has {len(one.tokens)} words; {len(layers)} layers are named"
            )
        targets.append(S[:, one.place])
        others.append(np.delete(S, one.place, axis=1))
    background = np.concatenate(others, axis=1).mean(axis=1, dtype=np.float64)
    X = np.stack(targets, axis=1).astype(np.float64)
    return Model(name, label, tuple(layers), tuple(occurrences), X, background)


def elmo_model(bilm: BiLM, occurrences: Sequence[Occurrence] | None = None) -> Model:
    """Ask an ELMo: layer 0 is made of letters alone, each further one has read the sentence.

    Parameters
    ----------
    bilm : lib.elmo.BiLM
        A trained one.
    occurrences : sequence of Occurrence, optional
        By default those of `senses`.
    """
    asked = senses() if occurrences is None else list(occurrences)
    states = [one.of_words() for one in bilm.layers([one.tokens for one in asked])]
    layers = ["letters", *(f"layer {j}" for j in range(1, states[0].shape[0]))]
    return make_model("elmo", "our ELMo", layers, states, asked)


def minilm_model(encoder: MiniLM, occurrences: Sequence[Occurrence] | None = None) -> Model:
    """Ask MiniLM: layer 0 holds what a word piece is and where it stands, each further one more.

    A word that is cut into pieces gets their mean. Parameters as those of `elmo_model`. Of eight
    sentences of one word layer 0 tells nothing but the place, which differs within a sense as it
    does between senses; by design it may fall below chance.
    """
    asked = senses() if occurrences is None else list(occurrences)
    states = [_minilm_states(encoder, one.tokens) for one in asked]
    layers = [f"layer {j}" for j in range(states[0].shape[0])]
    return make_model("minilm", "MiniLM", layers, states, asked)


def _minilm_states(encoder: MiniLM, tokens: list[str]) -> States:
    """Return the hidden states of the words of one sentence: (L + 1, T, d)."""
    import torch

    pieces = encoder.tokenizer(tokens, is_split_into_words=True, return_tensors="pt")
    owners = np.array([-1 if w is None else w for w in pieces.word_ids(0)])
    with torch.inference_mode():
        hidden = encoder.model(**pieces, output_hidden_states=True).hidden_states
    H = torch.cat(hidden).numpy()  # (L + 1, pieces, d)
    return np.stack([H[:, owners == t].mean(axis=1) for t in range(len(tokens))], axis=1)


def static_model(vectors: Vectors, occurrences: Sequence[Occurrence] | None = None) -> Model:
    """Look words up in a table: the same vector in every sentence.

    Raises
    ------
    KeyError
        If a word of the sentences has no vector.
    """
    asked = senses() if occurrences is None else list(occurrences)
    states = [np.array([vectors[word] for word in one.tokens])[None] for one in asked]
    label = f"one vector a word ({vectors.name})"
    return make_model("static", label, ["table"], states, asked)


def bag_model(vectors: Vectors, occurrences: Sequence[Occurrence] | None = None) -> Model:
    """Average the table's vectors of all *other* words of the sentence: no order, no word itself.

    The baseline of whatever reads a sentence: it knows what the sentence is about. Raises KeyError
    as `static_model` does.
    """
    asked = senses() if occurrences is None else list(occurrences)
    states = []
    for one in asked:
        W = np.array([vectors[word] for word in one.tokens], dtype=np.float64)  # (T, d)
        states.append(((W.sum(axis=0) - W) / (len(W) - 1))[None])
    return make_model("bag", f"mean of the other words ({vectors.name})", ["mean"], states, asked)


def sense_vectors(model: Model, layer: int, centred: bool = False) -> Floats:
    """Return the vectors of the ambiguous words in one layer: (n, d).

    Parameters
    ----------
    model : Model
        From `elmo_model` or one of its like.
    layer : int
        Counts from 0; -1 is the last.
    centred : bool
        Take away the mean vector of all other words.
    """
    X: Floats = model.targets[layer]
    return X - model.background[layer] if centred else X


# What is measured -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Separation:
    """How far the two senses of a word are apart.

    Attributes
    ----------
    word : str
        The word.
    within, between : float
        Mean cosine of two sentences of one sense, and of two of different senses.
    hits : float
        Of how many sentences the nearest other one has the same sense.
    n : int
        How many sentences there are.
    as_far : int
        Of the ways to split them into halves, so many are as far apart or farther, the true one
        among them.
    """

    word: str
    within: float
    between: float
    hits: float
    n: int
    as_far: int

    @property
    def apart(self) -> float:
        """``within - between``."""
        return self.within - self.between

    @property
    def share(self) -> float:
        """Hits as a share of the sentences."""
        return self.hits / self.n


def cosines(model: Model, layer: int, word: str, centred: bool = False) -> Floats:
    """Return the cosines between the sentences of one word, to `DIGITS` decimals: (8, 8)."""
    own = [i for i, one in enumerate(model.occurrences) if one.word == word]
    M: Floats = cosine_matrix(sense_vectors(model, layer, centred)[own]).round(DIGITS) + 0.0
    return M


def labels_of(model: Model, word: str) -> Ints:
    """Say by a number which sense each sentence of a word has, the first sense 0: (8,).

    Raises
    ------
    ValueError
        If there are not two senses with equally many sentences, two or more.
    """
    listed = [one.sense for one in model.occurrences if one.word == word]
    names = list(dict.fromkeys(listed))
    labels = np.array([names.index(sense) for sense in listed], dtype=np.int64)
    sizes = np.bincount(labels).tolist()
    if len(sizes) != 2 or sizes[0] != sizes[1] or sizes[0] < 2:
        raise ValueError(f"{word!r} has {sizes} sentences by sense: two senses, equally many each")
    return labels


def within_between(M: Floats, labels: Ints) -> tuple[float, float]:
    """Average the cosines of pairs of one label, and those of pairs of two.

    Examples
    --------
    >>> M = np.array([[1, 0.9, 0.2], [0.9, 1, 0.4], [0.2, 0.4, 1]])
    >>> within_between(M, np.array([0, 0, 1]))
    (0.9, 0.3)
    """
    i, j = np.triu_indices(len(M), 1)
    same = labels[i] == labels[j]
    pairs = M[i, j]
    return round(float(pairs[same].mean()), 12), round(float(pairs[~same].mean()), 12)


def nearest(M: Floats) -> list[list[int]]:
    """Find the nearest other sentence of each; all of them, where several are equally near.

    Examples
    --------
    >>> nearest(np.array([[1, 0.5, 0.5], [0.5, 1, 0.7], [0.5, 0.7, 1]]))
    [[1, 2], [2], [1]]
    """
    others = M.copy()
    np.fill_diagonal(others, -np.inf)
    return [np.flatnonzero(row == row.max()).tolist() for row in others]


def hits(M: Floats, labels: Ints) -> float:
    """Count the sentences whose nearest other one has the same label; a tie counts in part.

    Examples
    --------
    >>> hits(np.array([[1, 0.5, 0.5], [0.5, 1, 0.7], [0.5, 0.7, 1]]), np.array([0, 0, 1]))
    0.5
    """
    return sum(
        float(np.mean(labels[near] == labels[i])) for i, near in enumerate(nearest(M))
    )  # fmt: skip


def halves(n: int) -> Iterator[Ints]:
    """Yield the ways to split n sentences into two halves, as labels; sentence 0 has label 0.

    Examples
    --------
    >>> [labels.tolist() for labels in halves(4)]
    [[0, 0, 1, 1], [0, 1, 0, 1], [0, 1, 1, 0]]
    """
    for rest in combinations(range(1, n), n // 2 - 1):
        labels = np.ones(n, dtype=np.int64)
        labels[[0, *rest]] = 0
        yield labels


def all_splits(M: Floats) -> Floats:
    """Say how far apart each split into halves is, in the order of `halves`: (35,) for eight."""
    pairs = (within_between(M, labels) for labels in halves(len(M)))
    return np.array([within - between for within, between in pairs])


def separation(M: Floats, labels: Ints, word: str = "") -> Separation:
    """Measure how far the senses of a word are apart, from the cosines of its sentences."""
    within, between = within_between(M, labels)
    as_far = int((all_splits(M) >= within - between - SURE).sum())
    return Separation(word, within, between, hits(M, labels), len(M), as_far)


def sense_separation(model: Model, layer: int, centred: bool = False) -> list[Separation]:
    """Measure every word in one layer of a model; parameters as those of `sense_vectors`."""
    return [
        separation(cosines(model, layer, word, centred), labels_of(model, word), word)
        for word in model.words
    ]


def random_splits(
    model: Model,
    layer: int,
    centred: bool = False,
    *,
    rng: np.random.Generator,
    draws: int = 9_999,
) -> float:
    """Test whether a layer knows the senses at all: the p-value of a permutation test.

    What is tested is the mean of *apart* over the words. In each draw every word's sentences are
    split into halves at random; the p-value is the share of draws that are as far apart as the true
    split, itself included.

    Parameters
    ----------
    model, layer, centred
        As for `sense_vectors`.
    rng : numpy.random.Generator
        Draws the splits.
    draws : int
        How many times.
    """
    true = sum(one.apart for one in sense_separation(model, layer, centred))
    tables = [all_splits(cosines(model, layer, word, centred)) for word in model.words]
    drawn = np.sum([rng.choice(table, draws) for table in tables], axis=0)
    return float((1 + (drawn >= true - SURE).sum()) / (draws + 1))


# The figure -----------------------------------------------------------------------------------


def bank(models: Sequence[Model]) -> LiveFigure:
    """Make the live figure *bank*.

    Parameters
    ----------
    models : sequence of Model
        Of the same sentences. The reader is first asked about the last layer of the first.

    Returns
    -------
    LiveFigure
        Its table has a row for each layer of each model.

    Raises
    ------
    ValueError
        If there is no model, if two share a name, or if they were asked different sentences.
    """
    names = [model.name for model in models]
    if not models or len(set(names)) < len(names):
        raise ValueError(f"the models are {names}: give one or more, each with its own name")
    if any(model.occurrences != models[0].occurrences for model in models):
        raise ValueError("the models were asked different sentences: ask all of them the same")
    return LiveFigure(
        name="bank",
        title="One word, eight sentences",
        summary=f"{_counted(models[0])}. Say how often the nearest sentence has the same sense, "
        "then choose the word, the layer, and whether the common direction is taken away.",
        data={
            "words": [_word(models[0], word) for word in models[0].words],
            "models": [_numbers(model) for model in models],
            "scale": 10**DIGITS,
            "answers": ANSWERS,
        },
        table=_table(models),
    )


def _counted(model: Model) -> str:
    """Say how many sentences and words there are."""
    each = len(model.occurrences) // len(model.words)
    return f"The same word in {each} sentences of two senses, for {len(model.words)} words"


def _word(model: Model, word: str) -> dict[str, Any]:
    """Describe a word: its senses, its sentences with their senses and the place of the word."""
    own = [one for one in model.occurrences if one.word == word]
    return {
        "word": word,
        "senses": list(dict.fromkeys(one.sense for one in own)),
        "labels": labels_of(model, word),
        "sentences": [one.sentence for one in own],
        "places": [one.place for one in own],
    }


def _numbers(model: Model) -> dict[str, Any]:
    """List the cosines as whole numbers: by layer, plain and centred, by word, above the diagonal.

    A row of the triangle after the other: 0-1, 0-2, ... 1-2, ...
    """
    return {
        "name": model.name,
        "label": model.label,
        "layers": list(model.layers),
        "cosines": [
            [
                [_triangle(cosines(model, layer, word, centred)) for word in model.words]
                for centred in (False, True)
            ]
            for layer in range(len(model.layers))
        ],
    }


def _triangle(M: Floats) -> list[int]:
    """Return what stands above the diagonal, as whole numbers."""
    whole = np.rint(M[np.triu_indices(len(M), 1)] * 10**DIGITS).astype(np.int64)
    return [int(number) for number in whole]


def _table(models: Sequence[Model]) -> Table:
    """Say for each layer of each model how the senses of each word are told apart."""
    words, n = models[0].words, len(models[0].occurrences)
    header = (
        "model and layer", *(f"{word}, hits of {n // len(words)}" for word in words),
        f"hits of {n}", "within less between", f"hits of {n}, centred",
        "within less between, centred",
    )  # fmt: skip
    rows = []
    for model in models:
        for layer, name in enumerate(model.layers):
            plain, centred = (sense_separation(model, layer, c) for c in (False, True))
            rows.append((
                f"{model.label}, {name}", *(_few(one.hits) for one in plain),
                *(part for found in (plain, centred) for part in _both(found)),
            ))  # fmt: skip
    return Table(header, rows)


def _both(found: Sequence[Separation]) -> tuple[float | int, float]:
    """Sum the hits, and average how far apart the senses are."""
    return _few(sum(one.hits for one in found)), float(np.mean([one.apart for one in found]))


def _few(number: float) -> float | int:
    """Write a count without decimals, unless a tie left a part.

    Examples
    --------
    >>> _few(6.0), _few(3.5)
    (6, 3.5)
    """
    nearly = round(number)
    return nearly if abs(number - nearly) < SURE else number
