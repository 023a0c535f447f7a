"""What a language model is: a probability for every next word, and so a measure and a writer.

A language model tells how likely each word is after the words before it. That gives two things.
It can be measured: how unlikely it finds a new text, word by word, is its *perplexity*, the number
of equally likely words among which it might as well have guessed. And it can write: draw a word,
then the next one given that, and so on (:func:`sample`).

Models are compared on the same words of the same text. The corpus of the book has no sentences
(half of its sources came without punctuation), so text is cut into *passages* of at most so many
words by `lib.corpus.cut_chunks`; a model sees nothing before the beginning of a passage, and is
not asked where it ends. Rare words count as one word, :data:`UNKNOWN`. Text whose words are
shuffled within documents (`lib.corpus.shuffle_chunks` with chunks of one word) is the control: it
has the same words and topics, and no order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.corpus import OVERLAP, Corpus, _runs, _shares
from lib.text import Vocabulary

Floats: TypeAlias = NDArray[np.float64]
Ints: TypeAlias = NDArray[np.int64]

UNKNOWN: Final = "<unknown>"
"""The word that stands for all rare ones: word 0 of a text for language models."""


class LanguageModel(Protocol):
    """Anything that gives probabilities: `lib.smoothing.NgramModel`, `lib.neurallm.NeuralModel`."""

    def log_probabilities(self, text: Corpus) -> Floats:
        """Natural logarithm of the probability of every token, given those before it: (n,)."""

    def next(self, context: Sequence[int]) -> Floats:
        """Natural logarithms of the probabilities of all words after a context: (V,)."""


# The text -------------------------------------------------------------------------------------


def limit_vocabulary(corpus: Corpus, size: int) -> Corpus:
    """Keep the most frequent words, and put :data:`UNKNOWN` in the place of all others.

    Unlike in `lib.corpus`, where rare words are left out, every token keeps its place.

    Parameters
    ----------
    corpus : lib.corpus.Corpus
        Its vocabulary goes from frequent to rare.
    size : int
        V, the unknown word included: the V - 1 most frequent words become 1 to V - 1.

    Raises
    ------
    ValueError
        If fewer than two words are asked for, or more than there are.

    Examples
    --------
    >>> corpus = Corpus.from_documents([["the", "cat", "the"], ["the", "dog"]])
    >>> text = limit_vocabulary(corpus, 2)
    >>> text.vocabulary.decode(text.ids)
    ['the', '<unknown>', 'the', 'the', '<unknown>']
    """
    if not 2 <= size <= len(corpus.vocabulary) + 1:
        raise ValueError(f"size = {size}: take 2 to {len(corpus.vocabulary) + 1:,} words")
    words = [UNKNOWN, *corpus.vocabulary.words[: size - 1]]
    vocabulary = Vocabulary(words, corpus.vocabulary.name)
    return replace(corpus, vocabulary=vocabulary, ids=classes(corpus.ids, size))


def classes(ids: NDArray[np.integer], size: int) -> NDArray[np.int32]:
    """Map word numbers of a corpus to those of :func:`limit_vocabulary`.

    Examples
    --------
    >>> classes(np.array([0, 1, 2, 3]), 3)  # two words are known: they become 1 and 2
    array([1, 2, 0, 0], dtype=int32)
    """
    return np.where(ids < size - 1, ids + 1, 0).astype(np.int32)


class Split(NamedTuple):
    """Documents to learn from, to choose settings by, and to judge by in the end."""

    train: Corpus
    development: Corpus
    heldout: Corpus


def split_documents(
    corpus: Corpus, share: float, rng: np.random.Generator, *, overlap: float = OVERLAP
) -> Split:
    """Deal out whole documents, and drop from the training part what repeats the others.

    A newsgroup quotes itself: an answer repeats a post, and the post repeats in five groups. A
    model that learnt the one by heart would seem to understand the other. So a document is left
    out of the training part if at least half of its runs of eight words stand in the development
    or held-out documents, the rule by which the corpus itself keeps clear of test text. Shorter
    quotations stay, and so does what the development and the held-out part have in common.

    Parameters
    ----------
    corpus : lib.corpus.Corpus
        Documents.
    share : float
        The share of the documents for development, and as many again for the held-out part.
    rng : numpy.random.Generator
        Decides which document goes where.
    overlap : float
        The share of runs; above 1 nothing is left out.

    Raises
    ------
    ValueError
        If a part would have no document.

    Examples
    --------
    >>> corpus = Corpus.from_documents([[word] * 9 for word in "abcdefghij"])
    >>> [len(part) for part in split_documents(corpus, 0.2, np.random.default_rng(0))]
    [6, 2, 2]
    """
    size = round(share * len(corpus))
    if not 1 <= size < len(corpus) / 2:
        raise ValueError(f"a share of {share} of {len(corpus):,} documents leaves a part empty")
    order = rng.permutation(len(corpus))
    development, heldout, train = (
        np.sort(part) for part in (order[:size], order[size : 2 * size], order[2 * size :])
    )
    kept = np.sort(order[: 2 * size])
    hidden = np.sort(_runs(*_flat(take_documents(corpus, kept)))[0])
    rest = take_documents(corpus, train)
    repeats = _shares(*_flat(rest), hidden) >= overlap
    return Split(
        take_documents(rest, np.flatnonzero(~repeats)),
        take_documents(corpus, development),
        take_documents(corpus, heldout),
    )


def _flat(corpus: Corpus) -> tuple[NDArray[np.int32], Ints]:
    return corpus.ids, np.diff(corpus.starts)


def take_documents(corpus: Corpus, chosen: Sequence[int] | Ints) -> Corpus:
    """Take some documents, in the order asked for, under the same vocabulary.

    Examples
    --------
    >>> corpus = Corpus.from_documents([["a"], ["b", "a"], ["c"]])
    >>> part = take_documents(corpus, [2, 1])
    >>> part.vocabulary.decode(part.ids), part.starts
    (['c', 'b', 'a'], array([0, 1, 3]))
    """
    chosen = np.asarray(chosen, dtype=np.int64)
    lengths = np.diff(corpus.starts)[chosen]
    starts = np.append(0, np.cumsum(lengths))
    places = np.repeat(corpus.starts[chosen] - starts[:-1], lengths) + np.arange(starts[-1])
    source = None if corpus.source is None else corpus.source[chosen]
    return replace(corpus, ids=corpus.ids[places], starts=starts, source=source)


def reverse(corpus: Corpus) -> Corpus:
    """Turn every document around: a model of the result predicts the word before.

    Examples
    --------
    >>> corpus = Corpus.from_documents([["a", "b", "c"], ["a", "c"]])
    >>> text = reverse(corpus)
    >>> text.vocabulary.decode(text.ids), text.starts
    (['c', 'b', 'a', 'c', 'a'], array([0, 3, 5]))
    """
    return replace(corpus, ids=corpus.ids[reversed_places(corpus)])


def reversed_places(corpus: Corpus) -> Ints:
    """Say where each token of the reversed text stands in the text, and the other way round."""
    lengths = np.diff(corpus.starts)
    first = np.repeat(corpus.starts[:-1], lengths)
    last = np.repeat(corpus.starts[1:], lengths) - 1
    return first + last - np.arange(corpus.tokens)


# The measure ----------------------------------------------------------------------------------


def by_document(values: ArrayLike, corpus: Corpus) -> Floats:
    """Sum one number per token over each document: (D,).

    Parameters
    ----------
    values : (n,) array
        One number a token, such as its log-probability.
    corpus : lib.corpus.Corpus
        The whole documents, even where the model saw passages: cutting keeps the tokens' order.

    Raises
    ------
    ValueError
        If there is not one number a token.

    Examples
    --------
    >>> corpus = Corpus.from_documents([["a", "b", "c"], ["a", "c"]])
    >>> by_document([1, 2, 3, 4, 5], corpus)
    array([6., 9.])
    """
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (corpus.tokens,):
        raise ValueError(f"{values.shape} numbers for {corpus.tokens:,} tokens: one each is needed")
    owner = np.repeat(np.arange(len(corpus)), np.diff(corpus.starts))
    return np.bincount(owner, values, minlength=len(corpus)).astype(np.float64)


def perplexity(log_probabilities: ArrayLike, tokens: ArrayLike) -> float:
    """``exp(- sum of log p / number of tokens)``: the size of a fair choice that is as hard.

    For an interval, let the units be documents: the words of one document are not independent
    evidence. ``record(key, perplexity, by_document(log_p, text), np.diff(text.starts),
    unit="documents")`` draws documents again, and their lengths with them.

    Parameters
    ----------
    log_probabilities : (D,) array
        Summed over the tokens of each document.
    tokens : (D,) array
        How many there are.

    Raises
    ------
    ValueError
        If there are none.

    Examples
    --------
    >>> round(perplexity(np.log([1 / 8, 1 / 16]), [1, 1]), 3)  # 8 sides once, 16 sides once
    11.314
    """
    if not np.sum(tokens) > 0:
        raise ValueError("perplexity is a mean over tokens, and there are none")
    return float(np.exp(-np.sum(log_probabilities) / np.sum(tokens)))


# The writer -----------------------------------------------------------------------------------


def sharpen(log_probabilities: ArrayLike, temperature: float) -> Floats:
    """Raise probabilities to the power ``1 / temperature``, and let them sum to 1 again.

    Below 1 the likely words become more likely, at 0 the likeliest takes all; above 1 all words
    become more alike.

    Raises
    ------
    ValueError
        If the temperature is negative, or nothing is possible.

    Examples
    --------
    >>> sharpen(np.log([0.8, 0.2]), 0.5).round(3)  # 64 to 4
    array([0.941, 0.059])
    >>> sharpen(np.log([0.8, 0.2]), 0)
    array([1., 0.])
    """
    logs = np.asarray(log_probabilities, dtype=np.float64)
    best = logs.max()
    if not temperature >= 0 or not np.isfinite(best):
        raise ValueError(f"temperature {temperature}, best log-probability {best}: cannot draw")
    if temperature == 0:
        p = (np.arange(len(logs)) == logs.argmax()).astype(np.float64)
    else:
        p = np.exp((logs - best) / temperature)
    return np.asarray(p / p.sum())


def sample(
    model: LanguageModel,
    words: int,
    rng: np.random.Generator,
    *,
    context: Sequence[int] = (),
    temperature: float = 1.0,
    without: Sequence[int] = (0,),
) -> list[int]:
    """Write: draw a word, and the next one after it, and so on.

    Parameters
    ----------
    model : LanguageModel
        Tells the probabilities of the next word.
    words : int
        How many to draw.
    rng : numpy.random.Generator
        Draws.
    context : sequence of int
        Words that are there before the first one.
    temperature : float
        See :func:`sharpen`.
    without : sequence of int
        Words never drawn, though the model knows them: unless told otherwise the unknown one.

    Returns
    -------
    list of int
        The words that were drawn, without the context.
    """
    text = list(context)
    for _ in range(words):
        logs = np.array(model.next(text), dtype=np.float64)
        logs[list(without)] = -np.inf
        text.append(int(rng.choice(len(logs), p=sharpen(logs, temperature))))
    return text[len(context) :]
