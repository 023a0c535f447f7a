"""N-gram language models: how likely a word is after the few words before it.

Counting runs of n words and dividing gives a probability of 0 to whatever was never seen, and many
of the three-word runs in a new text never were. All remedies have one form: part of the probability
of the words seen after a context is set aside, and spread as the model with a shorter context would
spread it,

    p(w | h) = alpha(h, w) + gamma(h) * p(w | h'),

where h' is the context h without its oldest word. The recursion ends below the empty context,
where all V words are equally likely. :func:`add_k`, :func:`interpolate` and :func:`kneser_ney`
differ in alpha and gamma alone; :class:`NgramModel` applies them.

Paper: Chen & Goodman 1999, who compare all of these and propose the modified Kneser-Ney.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lib.corpus import Corpus

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]


FALLBACK: Final = (0.5, 1.0, 1.5)
"""Discounts for counts of one, two, and three or more, where none can be estimated."""


class NgramCounts:
    """How often each word was seen after each context of up to n - 1 words.

    A document begins with as many marks as a context has words, so that every word has a full
    context; a mark is never predicted. No context reaches over the beginning of a document.

    Each context of k words has a number, and is found by two others: the number of the context
    without its oldest word, and that word. So the number of a context leads to all shorter ones.

    Parameters
    ----------
    text : lib.corpus.Corpus
        Documents over V words.
    order : int
        n: contexts have up to n - 1 words.

    Attributes
    ----------
    contexts : list of n arrays
        For k = 0 to n - 1 the contexts of k words, each ``shorter * (V + 1) + oldest``, sorted;
        the mark counts as word V.
    seen : list of n arrays
        For k = 0 to n - 1 the words seen after a context, each ``context * V + word``, sorted.
    counts : list of n arrays
        How often.

    Raises
    ------
    ValueError
        If the order is less than 1, or the text is empty.

    Examples
    --------
    >>> text = Corpus.from_documents([["a", "b", "a"], ["a", "b"]])
    >>> bigrams = NgramCounts(text, 2)
    >>> bigrams.table(["a"])  # after "a"
    {'b': 2}
    >>> bigrams.table([]), bigrams.table([None])  # anywhere; at the beginning of a document
    ({'a': 3, 'b': 2}, {'a': 2})
    """

    def __init__(self, text: Corpus, order: int) -> None:
        if order < 1 or not text.tokens:
            raise ValueError(f"order {order}, {text.tokens} tokens: both must be 1 or more")
        self.vocabulary, self.order = text.vocabulary, order
        self.V = len(text.vocabulary)
        self.contexts: list[Ints] = [np.zeros(1, np.int64)]
        self.seen: list[Ints] = []
        self.counts: list[Ints] = []
        older, node = older_words(text, order - 1), np.zeros(text.tokens, np.int64)
        for k in range(order):
            if k:
                keys, node = np.unique(node * (self.V + 1) + older[k - 1], return_inverse=True)
                self.contexts.append(keys)
            seen, counts = np.unique(node * self.V + text.ids, return_counts=True)
            self.seen.append(seen)
            self.counts.append(counts)

    def nodes(self, older: Sequence[Ints]) -> list[Ints]:
        """Find the numbers of contexts of k = 0 to n - 1 words, -1 for those never seen.

        Parameters
        ----------
        older : list of n - 1 arrays (m,)
            The last word of each of m contexts, the one before it, and so on; V for the mark.

        Returns
        -------
        list of n arrays (m,)
        """
        found = [np.zeros(len(older[0]) if len(older) else 1, np.int64)]
        for k, words in enumerate(older[: self.order - 1], start=1):
            shorter = found[-1]
            place = _find(self.contexts[k], shorter * (self.V + 1) + words)
            found.append(np.where(shorter >= 0, place, -1))
        return found

    def grams(self, k: int, nodes: Ints, words: NDArray[np.integer]) -> Ints:
        """Find where in `seen` a word after a context of k words stands, -1 for nowhere."""
        return np.where(nodes >= 0, _find(self.seen[k], nodes * self.V + words), -1)

    def continuations(self) -> list[Ints]:
        """Count for each run of words how many different words stood before it.

        The modified counts of Kneser & Ney 1995: for contexts h of k = 0 to n - 2 words N1+(. h w),
        how many different words (the mark is one) stood before "h w"; for n - 1 the plain counts.
        """
        counts = [np.empty(0, np.int64)] * self.order
        counts[-1] = self.counts[-1]
        for k in range(self.order - 1):
            node, word = np.divmod(self.seen[k + 1], self.V)
            shorter = self.contexts[k + 1][node] // (self.V + 1)
            place = _find(self.seen[k], shorter * self.V + word)
            counts[k] = np.bincount(place, minlength=len(self.seen[k]))
        return counts

    def table(self, context: Sequence[str | None]) -> dict[str, int]:
        """Return the words seen after a context, by falling count; None stands for the mark."""
        older = self.encode(context)
        if older is None or len(context) >= self.order:
            return {}
        k = len(context)
        node = self.nodes([np.array([word]) for word in older])[k][0]
        if node < 0:
            return {}
        begin, end = np.searchsorted(self.seen[k], [node * self.V, (node + 1) * self.V])
        words = self.vocabulary.decode(self.seen[k][begin:end] - node * self.V)
        pairs = zip(words, self.counts[k][begin:end].tolist(), strict=True)
        return dict(sorted(pairs, key=lambda pair: -pair[1]))

    def encode(self, context: Sequence[str | None]) -> list[int] | None:
        """Turn a context into word numbers, the last first; None if one is unknown."""
        words = [word for word in context if word is not None]
        if any(word not in self.vocabulary for word in words):
            return None
        number: dict[str | None, int] = dict(zip(words, self.vocabulary.encode(words), strict=True))
        return [int(number.get(word, self.V)) for word in reversed(context)]


def older_words(text: Corpus, reach: int) -> list[Ints]:
    """For every token the word 1, 2, ... `reach` places before it; V before the beginning.

    Examples
    --------
    >>> older_words(Corpus.from_documents([["a", "b", "a"]]), 2)
    [array([2, 0, 1]), array([2, 2, 0])]
    """
    ids, V = text.ids.astype(np.int64), len(text.vocabulary)
    lengths = np.diff(text.starts)
    place = np.arange(text.tokens) - np.repeat(text.starts[:-1], lengths)  # in its document
    return [np.where(place >= back, np.roll(ids, back), V) for back in range(1, reach + 1)]


def _find(keys: Ints, wanted: Ints) -> Ints:
    """Where in sorted keys each wanted one stands, -1 for those that are not there."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[place] == wanted, place, -1)


# From counts to probabilities -----------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class NgramModel:
    """Probabilities of the form ``alpha(h, w) + gamma(h) * p(w | h')``.

    A context that was never seen leaves all to the shorter one.

    Parameters
    ----------
    counts : NgramCounts
        Which words were seen after which contexts.
    alpha : list of n arrays
        For k = 0 to n - 1, one number for each entry of ``counts.seen[k]``.
    gamma : list of n arrays
        For k = 0 to n - 1, one number for each context of k words.
    name : str
        How it was smoothed.
    """

    counts: NgramCounts
    alpha: list[Floats]
    gamma: list[Floats]
    name: str

    def log_probabilities(self, text: Corpus) -> Floats:
        """Natural logarithm of the probability of every token, given those before it: (n,).

        Raises
        ------
        ValueError
            If the text has other words than the counts.
        """
        _same_words(self.counts, text)
        nodes = self.counts.nodes(older_words(text, self.counts.order - 1))
        p = np.full(text.tokens, 1 / self.counts.V)
        for k, node in enumerate(nodes):
            node = np.broadcast_to(node, len(p))
            gram = self.counts.grams(k, node, text.ids)
            seen = np.where(gram >= 0, self.alpha[k][gram], 0.0)
            p = np.where(node >= 0, seen + self.gamma[k][node] * p, p)
        with np.errstate(divide="ignore"):  # without smoothing there are zeros: minus infinity
            logs: Floats = np.log(p)
        return logs

    def next(self, context: Sequence[int]) -> Floats:
        """Natural logarithms of the probabilities of all words after a context: (V,).

        Parameters
        ----------
        context : sequence of int
            Words from the beginning of a document on; only the last n - 1 count.

        Raises
        ------
        ValueError
            If a number is no word's.
        """
        V, order = self.counts.V, self.counts.order
        if not all(0 <= word < V for word in context):
            raise ValueError(f"context {list(context)}: words have the numbers 0 to {V - 1}")
        marked = [V] * (order - 1) + list(context)
        nodes = self.counts.nodes([np.array([marked[-back]]) for back in range(1, order)])
        p = np.full(V, 1 / V)
        for k, (node,) in enumerate(nodes):
            if node < 0:
                break
            keys = self.counts.seen[k]
            begin, end = np.searchsorted(keys, [node * V, (node + 1) * V])
            p *= self.gamma[k][node]
            p[keys[begin:end] - node * V] += self.alpha[k][begin:end]
        with np.errstate(divide="ignore"):
            logs: Floats = np.log(p)
        return logs


def _same_words(counts: NgramCounts, text: Corpus) -> None:
    if text.vocabulary.words != counts.vocabulary.words:
        raise ValueError(
            f"the text has {len(text.vocabulary):,} words, the model {counts.V:,}, and they must "
            "be the same: take both from one corpus"
        )


def add_k(counts: NgramCounts, k: float = 1.0) -> NgramModel:
    """Pretend to have seen every word k times more after every context (Lidstone; 1: Laplace).

    ``p(w | h) = (c(h w) + k) / (c(h) + k V)`` (Chen & Goodman 1999, section 2.1). Only contexts of
    n - 1 words count. With k = 0 this is the share of what was seen, without any smoothing; after a
    context that was never seen, which has no shares, all words are equally likely.

    Raises
    ------
    ValueError
        If k is negative.

    Examples
    --------
    >>> text = Corpus.from_documents([["a", "b", "a"]])
    >>> np.exp(add_k(NgramCounts(text, 2)).log_probabilities(text)).round(3)
    array([0.667, 0.667, 0.667])
    """
    if not k >= 0:
        raise ValueError(f"k = {k}, but it cannot be negative")
    total = _by_context(counts, counts.counts)[-1] + k * counts.V
    last = counts.order - 1
    alpha = [np.zeros(len(seen)) for seen in counts.seen[:-1]]
    gamma = [np.ones(len(keys)) for keys in counts.contexts[:-1]]
    node = counts.seen[last] // counts.V
    alpha.append(counts.counts[last] / total[node])
    gamma.append(k * counts.V / total)
    return NgramModel(counts, alpha, gamma, f"add-{k:g}")


def interpolate(counts: NgramCounts, weights: Sequence[float]) -> NgramModel:
    """Mix the shares of what was seen after longer and shorter contexts (Jelinek & Mercer 1980).

    ``p(w | h) = weight * c(h w) / c(h) + (1 - weight) * p(w | h')``, with one weight for all
    contexts of a length (Chen & Goodman 1999, section 2.3, who let frequent contexts weigh more).

    Parameters
    ----------
    counts : NgramCounts
        Of the training text.
    weights : sequence of n floats
        For contexts of 0 to n - 1 words; see :func:`fit_weights`.

    Raises
    ------
    ValueError
        If there are not n weights, or one is not between 0 and 1.

    Examples
    --------
    >>> text = Corpus.from_documents([["a", "b", "a"]])
    >>> model = interpolate(NgramCounts(text, 1), [0.5])  # shares 2/3 and 1/3, mixed with 1/2
    >>> np.exp(model.next([])).round(3)
    array([0.583, 0.417])
    """
    if len(weights) != counts.order or not all(0 <= weight <= 1 for weight in weights):
        raise ValueError(f"{weights!r}: {counts.order} weights from 0 to 1 are needed")
    totals = _by_context(counts, counts.counts)
    alpha, gamma = [], []
    for k, weight in enumerate(weights):
        node = counts.seen[k] // counts.V
        alpha.append(weight * counts.counts[k] / totals[k][node])
        gamma.append(np.full(len(totals[k]), 1.0 - weight))
    return NgramModel(counts, alpha, gamma, "interpolated")


def fit_weights(counts: NgramCounts, development: Corpus, *, iterations: int = 50) -> list[float]:
    """Choose the weights of :func:`interpolate` that make another text most likely.

    By expectation maximisation (EM): each step asks how much of every token's probability came from
    each length of context; the average, over the tokens that got that far, is the new weight.
    The text must not be the one that was counted: there the longest contexts would always win.

    Parameters
    ----------
    counts : NgramCounts
        Of the training text.
    development : lib.corpus.Corpus
        Another text over the same words.
    iterations : int
        Each makes the text more likely, or leaves it as likely.

    Returns
    -------
    list of n floats

    Raises
    ------
    ValueError
        If the text has other words than the counts, or none at all.
    """
    _same_words(counts, development)
    if not development.tokens:
        raise ValueError("weights cannot be fitted to a text without words")
    totals = _by_context(counts, counts.counts)
    shares, known = [], []
    nodes = counts.nodes(older_words(development, counts.order - 1))
    for k, node in enumerate(nodes):
        node = np.broadcast_to(node, development.tokens)
        gram = counts.grams(k, node, development.ids)
        shares.append(np.where(gram >= 0, counts.counts[k][gram] / totals[k][node], 0.0))
        known.append(node >= 0)
    weights = np.full(counts.order, 0.5)
    for _ in range(iterations):
        weights = _step(weights, shares, known, 1 / counts.V)
    return [float(weight) for weight in weights]


def _step(
    weights: Floats, shares: list[Floats], known: list[NDArray[np.bool_]], below: float
) -> Floats:
    """One step of expectation and maximisation."""
    p = [np.full(len(shares[0]), below)]
    for weight, share, seen in zip(weights, shares, known, strict=True):
        p.append(np.where(seen, weight * share + (1 - weight) * p[-1], p[-1]))
    new, reached = weights.copy(), np.ones(len(shares[0]))  # how much has come down to here
    for k in reversed(range(len(weights))):
        stays = np.where(known[k], reached * weights[k] * shares[k] / p[k + 1], 0.0)
        came = float(reached[known[k]].sum())
        new[k] = stays.sum() / came if came > 0 else weights[k]
        reached = reached - stays
    return new


def kneser_ney(
    counts: NgramCounts, *, modified: bool = True, discounts: Sequence[float] | None = None
) -> NgramModel:
    """Take a little off every count, and ask shorter contexts how many neighbours a word has.

    *Francisco* is frequent, but stands after *San* alone: after any other word it should be
    unlikely. So the shorter contexts do not count how often a word was seen, but after how many
    different words (:meth:`NgramCounts.continuations`). With such counts c for all but the
    longest contexts,

        p(w | h) = max(0, c(h w) - D(c(h w))) / c(h) + gamma(h) * p(w | h'),

    where gamma(h) is what was taken off, divided by c(h). The modified form takes D_1, D_2 and
    D_3 off counts of one, of two, and of three or more; the plain one the same D off all.

    Parameters
    ----------
    counts : NgramCounts
        Of the training text.
    modified : bool
        Three discounts, or one.
    discounts : sequence of float, optional
        Three, or one; the same for all lengths of context. Left out, they are estimated for each
        length, see :func:`find_discounts`.

    Raises
    ------
    ValueError
        If a discount is negative or larger than what it is taken off.

    Notes
    -----
    Chen & Goodman 1999, sections 2.7 and 3, interpolated: the unigrams are discounted, too, and
    mixed with equally likely words. Kneser & Ney 1995 is the origin.

    Examples
    --------
    >>> text = Corpus.from_documents([["a", "b", "a"]])
    >>> model = kneser_ney(NgramCounts(text, 2), modified=False, discounts=[0.5])
    >>> np.exp(model.next([0])).round(4)  # after "a" only "b" was seen, once
    array([0.3333, 0.6667])
    """
    used = counts.continuations()
    totals = _by_context(counts, used)
    if discounts is None:
        found = find_discounts(counts, modified=modified)
    else:
        found = [np.array(discounts, np.float64)] * counts.order
    alpha, gamma = [], []
    for k, c in enumerate(used):
        D = _three(found[k], modified=modified)
        off = D[np.minimum(c, 3) - 1]
        node = counts.seen[k] // counts.V
        alpha.append((c - off) / totals[k][node])
        gamma.append(np.bincount(node, off, minlength=len(totals[k])) / totals[k])
    return NgramModel(counts, alpha, gamma, "modified Kneser-Ney" if modified else "Kneser-Ney")


def estimate_discounts(counts: Ints, *, modified: bool = True) -> Floats:
    """Estimate discounts from how many counts are 1, 2, 3 and 4.

    With n_r the number of counts that are r, and Y = n_1 / (n_1 + 2 n_2): Y for all, or, modified
    (Chen & Goodman 1999, section 3), ``D_r = r - (r + 1) Y n_(r+1) / n_r`` for r = 1, 2, 3.

    Parameters
    ----------
    counts : (m,) array
        Counts of different runs of words, 1 or more.
    modified : bool
        Three discounts, or one.

    Returns
    -------
    (3,) or (1,) array

    Raises
    ------
    ValueError
        If there are too few counts: an n_r is 0.

    Examples
    --------
    >>> estimate_discounts(np.repeat([1, 2, 3, 4], [40, 20, 12, 8])).round(3)  # Y = 1/2
    array([0.5  , 1.1  , 1.667])
    """
    n = np.bincount(np.minimum(counts, 5), minlength=6).astype(np.float64)
    if not n[1 : 4 if modified else 3].all():
        raise ValueError(
            "discounts cannot be estimated from so little text: some of the counts "
            f"1, 2, 3 never occur ({n[1:4].astype(int).tolist()}); give discounts"
        )
    Y = n[1] / (n[1] + 2 * n[2])
    if not modified:
        return np.array([Y])
    return np.array([r - (r + 1) * Y * n[r + 1] / n[r] for r in (1, 2, 3)])


def find_discounts(counts: NgramCounts, *, modified: bool = True) -> list[Floats]:
    """Estimate the discounts for each length of context, with :data:`FALLBACK` where that fails.

    It fails where a vocabulary has frequent words alone: none of them stands after one or two
    different words only, and nothing says what to take off such counts.

    Returns
    -------
    list of n arrays
        For contexts of k = 0 to n - 1 words three discounts, or one.
    """
    found = []
    for c in counts.continuations():
        try:
            D = estimate_discounts(c, modified=modified)
            _three(D, modified=modified)
        except ValueError:
            D = np.array(FALLBACK if modified else FALLBACK[:1])
        found.append(D)
    return found


def _three(discounts: Floats, *, modified: bool) -> Floats:
    """Return what to take off counts of one, two, and three or more; refuse what cannot be."""
    if len(discounts) != (3 if modified else 1):
        raise ValueError(f"{discounts}: {'three discounts are' if modified else 'one is'} needed")
    D = np.broadcast_to(discounts, 3)
    if not ((D >= 0) & (D <= [1, 2, 3])).all():
        raise ValueError(
            f"discounts {D.round(3).tolist()}: each must lie between 0 and the count that it is "
            "taken off"
        )
    return D


def _by_context(counts: NgramCounts, used: list[Ints]) -> list[Floats]:
    """Sum counts over the words seen after each context."""
    return [
        np.bincount(seen // counts.V, c, minlength=len(keys)).astype(np.float64)
        for keys, seen, c in zip(counts.contexts, counts.seen, used, strict=True)
    ]
