"""What can be read off a layer: probes, and what keeps them honest.

A probe is a simple classifier that reads one vector. If it tells a verb from a noun, then so much
is in the vector, in a form that is easy to use. Most ways to be misled come before the probe:

- it has met the same document, and knows its topic: deal out whole documents,
  :func:`deal_documents`;
- it has met the same words, and learnt them by heart: give each word a label by lot, and see how
  well that is learnt (the control task of Hewitt & Liang 2019, :func:`control_labels`), or ask for
  words that it has not met, :func:`deal_words`;
- the vector was made from the word that is to be guessed: take two words for one, a *pseudoword*
  (Schütze 1992, 1998), and ask which of the two stood there of a vector that has not seen it
  (`lib.elmo.Layers.around`), as often the one as the other, :func:`balanced`;
- any list of the words around would do as well: :func:`bag` is that list.

:func:`cross_predict` then judges every occurrence by a probe that has not met its document. Which
mix of layers serves a task best is learnt with it, :func:`learn_mix`.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix
from torch import nn

from lib._fetch import DATA
from lib.corpus import Corpus
from lib.elmo import ScalarMix
from lib.evaluate import _fit_path, probe

Floats: TypeAlias = NDArray[np.floating[Any]]
Ints: TypeAlias = NDArray[np.int64]
Splits: TypeAlias = list[tuple[Ints, Ints]]
"""Which occurrences a probe learns from, and which it is judged by; once for each part."""

BEFORE, AFTER = 16, 15
"""A passage reaches so many words to either side of its place: 32 in all, as in training."""

PENALTIES = {False: (1e-4, 1e-3, 1e-2, 1e-1, 1.0), True: (1e-3, 1e-2, 1e-1, 1.0, 1e1)}
"""What C is chosen from, for dense features, which are standardised, and for sparse ones."""

STEPS = 1000
"""Of the optimiser, at most."""


# What is asked --------------------------------------------------------------------------------


def passage(corpus: Corpus, document: int, place: int) -> tuple[Ints, int]:
    """Cut out the words around a place, within its document.

    Returns
    -------
    (t,) array and int
        The words' numbers, and where the place is among them.

    Raises
    ------
    IndexError
        If the document has no such place.

    Examples
    --------
    >>> corpus = Corpus.from_documents([["a"] * 20 + ["b"], ["c", "d"]])
    >>> ids, place = passage(corpus, 0, 20)
    >>> len(ids), place, corpus.vocabulary.words[ids[place]]
    (17, 16, 'b')
    """
    ids = corpus.document(document)
    if not 0 <= place < len(ids):
        raise IndexError(f"document {document} has no place {place}: it has {len(ids):,} words")
    first = max(0, place - BEFORE)
    return ids[first : place + AFTER + 1].astype(np.int64), place - first


def occurrences(
    corpus: Corpus,
    documents: ArrayLike,
    word: str,
    rng: np.random.Generator,
    *,
    without: Sequence[str] = (),
) -> dict[int, int]:
    """Draw one place of a word from each document that has it.

    Parameters
    ----------
    corpus : lib.corpus.Corpus
        The text.
    documents : (D,) array
        Which documents to look at.
    word : str
        Which word.
    rng : numpy.random.Generator
        Draws.
    without : sequence of str
        Words that may not stand elsewhere in the :func:`passage`. Both words of a pseudoword
        belong here: a text repeats itself, so a word stands likely where it stood before.

    Examples
    --------
    >>> corpus = Corpus.from_documents([["a", "b"], ["c"], ["b", "c", "a"], ["a", "a"]])
    >>> occurrences(corpus, [0, 1, 2], "a", np.random.default_rng(0))
    {0: 0, 2: 2}
    >>> occurrences(corpus, [0, 1, 2, 3], "a", np.random.default_rng(0), without=["a", "c"])
    {0: 0}
    """
    number = corpus.vocabulary.index[word]
    barred = [corpus.vocabulary.index[one] for one in without]
    found = {}
    for d in np.asarray(documents).tolist():
        places = np.flatnonzero(corpus.document(d) == number)
        if barred:
            around = [np.delete(*passage(corpus, d, int(place))) for place in places]
            places = places[[not np.isin(ids, barred).any() for ids in around]]
        if len(places):
            found[d] = int(rng.choice(places))
    return found


def balanced(
    first: Iterable[int], second: Iterable[int], rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Choose by lot as many documents for the one word as for the other.

    So whoever guesses, or always says the more frequent word, is right half the time.

    Parameters
    ----------
    first, second : iterables of int
        Documents that have the one word, and the other; some may have both.
    rng : numpy.random.Generator
        Draws.

    Examples
    --------
    >>> one, other = balanced([1, 2, 3, 4], [4, 5], np.random.default_rng(0))
    >>> len(one), other
    (2, array([4, 5]))
    """
    both = [sorted(set(some)) for some in (first, second)]
    size = min(map(len, both))
    one, other = (np.sort(rng.permutation(some)[:size]).astype(np.int64) for some in both)
    return one, other


def control_labels(words: Sequence[str], rng: np.random.Generator) -> Ints:
    """Give each word one of two labels by lot, the same wherever it stands: (n,) of 0 and 1.

    There is nothing to understand: whoever gets these right has learnt words by heart. How much
    better a probe does on the true labels is its *selectivity* (Hewitt & Liang 2019). As many
    words have the one label as the other, or one word less.

    Examples
    --------
    >>> labels = control_labels(["run", "call", "run"], np.random.default_rng(0))
    >>> bool(labels[0] == labels[2]), bool(labels[0] == labels[1])
    (True, False)
    """
    types = sorted(set(words))
    lots = rng.permutation(len(types)) % 2
    label = dict(zip(types, lots.tolist(), strict=True))
    return np.array([label[word] for word in words], dtype=np.int64)


# Who has met what -----------------------------------------------------------------------------


def deal_documents(documents: ArrayLike, parts: int, rng: np.random.Generator) -> Splits:
    """Deal whole documents into parts; each part is judged by what the others teach.

    Parameters
    ----------
    documents : (n,) array
        Where each occurrence stands.
    parts : int
        Into how many.
    rng : numpy.random.Generator
        Deals.

    Raises
    ------
    ValueError
        If there are fewer documents than parts, or fewer than two parts.

    Examples
    --------
    >>> for learn, judge in deal_documents([7, 7, 8], 2, np.random.default_rng(0)):
    ...     print(learn, judge)
    [2] [0 1]
    [0 1] [2]
    """
    part = _deal(np.asarray(documents), parts, rng)
    return [(np.flatnonzero(part != p), np.flatnonzero(part == p)) for p in range(parts)]


def deal_words(
    words: Sequence[str], documents: ArrayLike, parts: int, rng: np.random.Generator
) -> Splits:
    """Deal whole words into parts; a probe meets neither the words nor the documents it judges.

    So occurrences of other words are left out where they stand in a document that is judged.

    Examples
    --------
    >>> words, documents = ["run", "run", "call", "call"], [1, 2, 2, 3]
    >>> splits = deal_words(words, documents, 2, np.random.default_rng(1))
    >>> for learn, judge in splits:
    ...     print(learn, judge)
    [0] [2 3]
    [3] [0 1]
    """
    part, where = _deal(np.asarray(words), parts, rng), np.asarray(documents)
    splits = []
    for p in range(parts):
        judge = np.flatnonzero(part == p)
        learn = np.flatnonzero((part != p) & ~np.isin(where, where[judge]))
        splits.append((learn, judge))
    return splits


def _deal(owners: NDArray[Any], parts: int, rng: np.random.Generator) -> Ints:
    """Part of each occurrence, the same for all of one owner."""
    distinct, owner = np.unique(owners, return_inverse=True)
    if not 2 <= parts <= len(distinct):
        raise ValueError(f"{parts} parts of {len(distinct)}: take 2 to {len(distinct)}")
    part: Ints = (rng.permutation(len(distinct)) % parts)[owner]
    return part


# Reading --------------------------------------------------------------------------------------


class Reading(NamedTuple):
    """What probes say.

    Attributes
    ----------
    predicted : (n,) array
        The label of every occurrence, by a probe that has not met its document.
    C : list of float
        What was chosen for each part.
    edges : float
        The share of these that were the smallest or the largest to choose from.
    """

    predicted: Ints
    C: list[float]
    edges: float


def cross_predict(
    X: Any,  # noqa: ANN401, an array, a sparse matrix, or a list of them
    y: ArrayLike,
    documents: ArrayLike,
    splits: Splits,
    rng: np.random.Generator,
    *,
    items: ArrayLike | None = None,
) -> Reading:
    """Label each occurrence by a probe that learnt from other documents.

    The probes are those of :func:`lib.evaluate.probe`. C, the inverse strength of the penalty, is
    chosen for each part among the documents that are learnt from: these are dealt into three, and
    each third judges the C of the two others.

    Parameters
    ----------
    X : (n, d) array or sparse matrix, or a list of them
        A vector an occurrence; a list has one matrix a part, where vectors depend on what was
        learnt.
    y : (n,) array
        The labels.
    documents : (n,) array
        Where each occurrence stands.
    splits : list of pairs of arrays
        From :func:`deal_documents` or :func:`deal_words`; all together they judge everything once.
    rng : numpy.random.Generator
        Deals for the choice of C.
    items : (n,) array, optional
        Questions of their own, such as pairs of words: each gets its own probe. All share one C,
        since a hundred occurrences are too few to choose it by, and there are so many that one
        third judges it well enough.

    Raises
    ------
    ValueError
        If the splits do not judge everything.

    Examples
    --------
    >>> X, y = np.tile([[0.0], [1.0]], (12, 1)), np.tile([0, 1], 12)
    >>> rng, d = np.random.default_rng(0), np.arange(24)
    >>> bool((cross_predict(X, y, d, deal_documents(d, 3, rng), rng).predicted == y).all())
    True
    """
    labels, where = np.asarray(y), np.asarray(documents)
    item = np.zeros(len(labels), dtype=np.int64) if items is None else np.asarray(items)
    predicted, chosen = np.full(len(labels), -1), []
    for p, (learn, judge) in enumerate(splits):
        Z = X[p] if isinstance(X, list) else X
        Z = Z.astype(np.float64)  # of float32 the standard deviation of a near constant may be 0
        inner = deal_documents(where[learn], 3, rng)[: 3 if items is None else 1]
        hits = np.sum([_hits(Z, labels, item, learn[a], learn[b]) for a, b in inner], axis=0)
        chosen.append(_grid(Z)[int(hits.argmax())])  # on a tie the smallest
        for mine, asked in _by_item(item, learn, judge):
            fitted = probe(Z[mine], labels[mine], Cs=(chosen[-1],), max_iter=STEPS)
            predicted[asked] = fitted.predict(Z[asked])
    if (predicted < 0).any():
        raise ValueError("some occurrences are judged by no part: the splits must hold all of them")
    grid = _grid(X[0] if isinstance(X, list) else X)
    return Reading(predicted, chosen, float(np.mean([C in (grid[0], grid[-1]) for C in chosen])))


def _grid(X: Any) -> tuple[float, ...]:  # noqa: ANN401
    return PENALTIES[isinstance(X, csr_matrix)]


def _hits(X: Any, y: Ints, item: Ints, learn: Ints, judge: Ints) -> Ints:  # noqa: ANN401
    """Count what is right with each C."""
    hits = np.zeros(len(_grid(X)), dtype=np.int64)
    for mine, asked in _by_item(item, learn, judge):
        path = _fit_path(X[mine], y[mine], list(_grid(X)), STEPS)
        hits += [int(np.sum(one.predict(X[asked]) == y[asked])) for one in path]
    return hits


def _by_item(item: Ints, learn: Ints, judge: Ints) -> Splits:
    """Split both parts by item."""
    return [(learn[item[learn] == i], judge[item[judge] == i]) for i in np.unique(item[judge])]


def most_frequent(words: Sequence[str], y: ArrayLike, splits: Splits) -> Ints:
    """Label each occurrence as its word is mostly labelled elsewhere: (n,), no vector needed.

    A word that was not met gets the label that is most frequent of all; so does a tie.

    Examples
    --------
    >>> words, y = ["run", "run", "run", "call"], [1, 1, 0, 0]
    >>> most_frequent(words, y, [(np.array([0, 1, 3]), np.array([2])),
    ...                          (np.array([2]), np.array([0, 1, 3]))])
    array([0, 0, 1, 0])
    """
    labels, word = np.asarray(y), np.asarray(words)
    predicted = np.full(len(labels), -1)
    for learn, judge in splits:
        overall = np.bincount(labels[learn])
        for one in np.unique(word[judge]):
            mine = np.bincount(labels[learn[word[learn] == one]], minlength=len(overall))
            ties = mine == mine.max()
            predicted[judge[word[judge] == one]] = np.where(ties, overall, -1).argmax()
    return predicted


def bag(texts: Sequence[ArrayLike]) -> csr_matrix:
    """Count the words of each text, order lost: (n, V), a column for each word of several texts.

    A word that one text alone has says nothing about the others.

    Examples
    --------
    >>> bag([[5, 9, 5], [9], [5, 7]]).toarray()  # 5 and 9
    array([[2., 1.],
           [0., 1.],
           [1., 0.]])
    """
    parts = [np.asarray(text, dtype=np.int64) for text in texts]
    rows = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    words, columns = np.unique(np.concatenate(parts), return_inverse=True)
    counted = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(parts), len(words)))
    counted.sum_duplicates()
    return counted[:, np.flatnonzero(counted.getnnz(axis=0) > 1)]


# Mixing layers --------------------------------------------------------------------------------


def learn_mix(
    layers: ArrayLike,
    y: ArrayLike,
    rng: np.random.Generator,
    *,
    items: ArrayLike | None = None,
    steps: int = 150,
    rate: float = 0.02,
    penalty: float = 0.5,
) -> Floats:
    """Learn how much of each layer a task takes: the shares of a `lib.elmo.ScalarMix`, (L,).

    The mix is normalised, goes through a linear layer, and both learn together (Adam, all
    occurrences at each step). The loss is the mean of ``-log p`` and `penalty` times d times the
    mean squared weight of the linear layer, which includes the mix's own factor gamma: otherwise a
    large gamma would make up for small weights. Learnt so, one layer may take nearly everything
    even where another does as well: read which layer wins, and not by how much.

    Parameters
    ----------
    layers : (L, n, d) array
        Vectors of each occurrence.
    y : (n,) array
        Labels from 0 on.
    rng : numpy.random.Generator
        Draws the first weights of the linear layer.
    items : (n,) array, optional
        Questions of their own, from 0 on, each with its own linear layer; the mix is the same.
    steps, rate, penalty
        Of the learning.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 100)
    >>> noise, says = rng.normal(size=(2, 100, 4))
    >>> says[:, 0] += 9 * y - 4.5
    >>> shares = learn_mix([noise, says], y, rng)
    >>> bool(shares[1] > 0.8), round(float(shares.sum()), 6)
    (True, 1.0)
    """
    H = torch.as_tensor(np.asarray(layers), dtype=torch.float32)
    H = nn.functional.layer_norm(H, H.shape[2:])  # once, and not at every step
    labels = torch.as_tensor(np.asarray(y), dtype=torch.long)
    item = torch.zeros_like(labels) if items is None else torch.as_tensor(np.asarray(items))
    shape = (int(item.max()) + 1, int(labels.max()) + 1, H.shape[2])
    W = nn.Parameter(torch.as_tensor(rng.normal(0, 0.01, shape), dtype=torch.float32))
    b = nn.Parameter(torch.zeros(shape[:2]))
    mix = ScalarMix(len(H))
    optimiser = torch.optim.Adam([*mix.parameters(), W, b], lr=rate)
    for _ in range(steps):
        optimiser.zero_grad()
        logits = (mix(H)[:, None] * W[item]).sum(dim=2) + b[item]  # (n, labels)
        loss = (
            nn.functional.cross_entropy(logits, labels)
            + penalty * shape[2] * (mix.gamma * W).square().mean()
        )
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return np.asarray(mix.shares().detach().numpy(), dtype=np.float64)


def mixed(layers: ArrayLike, shares: ArrayLike) -> Floats:
    """Mix layers in these shares, each vector first brought to mean 0 and variance 1: (n, d).

    Examples
    --------
    >>> mixed([[[0.0, 2.0]], [[4.0, 2.0]]], [0.75, 0.25]).round(3)
    array([[-0.5,  0.5]])
    """
    H = np.asarray(layers, dtype=np.float64)
    centred = H - H.mean(axis=2, keepdims=True)
    scaled = centred / np.sqrt(centred.var(axis=2, keepdims=True) + 1e-5)
    return np.asarray(np.tensordot(np.asarray(shares), scaled, axes=1))


# How sure we are ------------------------------------------------------------------------------


def pooled(rows: Sequence[Mapping[str, Any]]) -> Floats:
    """Hits by document, their mean over rows that differ in the seed: (D,).

    Raises
    ------
    ValueError
        If there is no row.

    Examples
    --------
    >>> pooled([{"hits": [1, 2]}, {"hits": [0, 2]}])
    array([0.5, 2. ])
    """
    if not rows:
        raise ValueError("no rows: has the task such a reader?")
    return np.asarray(np.mean([row["hits"] for row in rows], axis=0))


def share(hits: ArrayLike, n: ArrayLike) -> float:
    """Return how many were right of those asked; with documents as units, for ``record``.

    Examples
    --------
    >>> share([1, 2], [2, 2])
    0.75
    """
    return float(np.sum(hits) / np.sum(n))


def gap(hits: ArrayLike, others: ArrayLike, n: ArrayLike) -> float:
    """Return by how much one reader is right more often than another on the same documents.

    Examples
    --------
    >>> gap([1, 2], [1, 0], [2, 2])
    0.5
    """
    return share(hits, n) - share(others, n)


# Words judged by hand -------------------------------------------------------------------------

TAGS = ("noun", "verb")
"""What is asked; see ``data/own/ambiguous-words.md``."""

LABELS = (*TAGS, "adjective", "other", "unclear")
"""What can be said of a word."""


@dataclass(frozen=True)
class AmbiguousWord:
    """A word that can be a noun or a verb, at one place of the corpus, labelled twice.

    Parameters
    ----------
    word : str
        Which.
    document, place : int
        Where: the number of the document in `lib.corpus.load_corpus`, and of the word in it.
    check : str
        The words around, so that a corpus that has changed is noticed.
    first, second : str
        The two labels.
    """

    word: str
    document: int
    place: int
    check: str
    first: str
    second: str

    @property
    def agreed(self) -> str | None:
        """The label if both are noun, or both are verb; otherwise None."""
        return self.first if self.first == self.second and self.first in TAGS else None


def ambiguous_words() -> list[AmbiguousWord]:
    """Read the occurrences of ambiguous words that were labelled by hand.

    Raises
    ------
    ValueError
        If a label is not one of `LABELS`.
    """
    text = (DATA / "own" / "ambiguous-words.csv").read_text(encoding="utf-8")
    found = []
    for row in csv.DictReader(text.splitlines()):
        document, place, labels = (
            int(row["document"]),
            int(row["place"]),
            (row["first"], row["second"]),
        )
        found.append(AmbiguousWord(row["word"], document, place, row["check"], *labels))
        for label in labels:
            if label not in LABELS:
                raise ValueError(f"{row['word']!r} has the label {label!r}: take one of {LABELS}")
    return found


def check_places(corpus: Corpus, words: Iterable[AmbiguousWord]) -> None:
    """See that every word stands where its line says, among the words that stood around it.

    Raises
    ------
    ValueError
        If one does not: then the corpus is not the one that was labelled.
    """
    for one in words:
        ids = corpus.document(one.document) if one.document < len(corpus) else np.empty(0, int)
        around = ids[max(0, one.place - 3) : one.place + 4]
        if " ".join(corpus.vocabulary.decode(around)) != one.check:
            raise ValueError(
                f"{one.word!r} does not stand at place {one.place} of document {one.document} as "
                "when it was labelled: the corpus has changed"
            )
