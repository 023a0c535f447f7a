"""From a text to tokens, from tokens to numbers, and how often the words come.

A *token* is one occurrence of a word, a *type* is a distinct word: "the cat and the dog" has
five tokens and four types. Everything that counts words in this book starts here.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

T = TypeVar("T")

WORD = r"\w{2,}"
"""Two or more letters, digits or underscores in a row: what scikit-learn's default finds."""

EVERY_WORD = r"\w+"
"""The same, words of one letter ("I", "a") kept: for when the order of words matters."""


def tokenize(
    text: str, *, pattern: str | re.Pattern[str] = WORD, lowercase: bool = True
) -> list[str]:
    """Cut a text into words.

    Parameters
    ----------
    text : str
        Any text.
    pattern : str or compiled pattern
        What counts as a word; if it has a group, the group is the word.
    lowercase : bool
        Whether "The" and "the" become the same word.

    Returns
    -------
    list of str
        The words in their order, each as often as it occurs.

    Raises
    ------
    ValueError
        If the pattern has more than one group: which one would be the word?

    Examples
    --------
    >>> tokenize("A cat sat. The cat purred!")
    ['cat', 'sat', 'the', 'cat', 'purred']
    >>> tokenize("A cat sat.", pattern=EVERY_WORD, lowercase=False)
    ['A', 'cat', 'sat']
    """
    return word_finder(pattern)(text.lower() if lowercase else text)


def word_finder(pattern: str | re.Pattern[str]) -> Callable[[str], list[str]]:
    r"""Compile a pattern once, to be used on many texts.

    Parameters
    ----------
    pattern : str or compiled pattern
        What counts as a word; if it has a group, the group is the word.

    Returns
    -------
    function from str to list of str
        Finds the words of a text, without changing their case.

    Raises
    ------
    ValueError
        If the pattern has more than one group.

    Examples
    --------
    >>> find = word_finder(r"\d+")
    >>> find("4 cats and 12 mice")
    ['4', '12']
    """
    compiled = re.compile(pattern)
    if compiled.groups > 1:
        raise ValueError(
            f"the pattern {compiled.pattern!r} has {compiled.groups} groups, and only one can be "
            "the word: write (?:...) around what is not the word"
        )
    return compiled.findall


def ngrams(items: Sequence[T], n: int) -> list[tuple[T, ...]]:
    """All runs of n neighbours.

    Parameters
    ----------
    items : sequence
        Tokens, or the letters of a word.
    n : int
        Length of a run, at least 1.

    Returns
    -------
    list of n-tuples
        ``max(0, len(items) - n + 1)`` of them, from left to right.

    Raises
    ------
    ValueError
        If n is less than 1.

    Examples
    --------
    >>> ngrams(["the", "cat", "sat"], 2)
    [('the', 'cat'), ('cat', 'sat')]
    """
    if n < 1:
        raise ValueError(f"n = {n}, but an n-gram has at least 1 item")
    return list(zip(*(items[start:] for start in range(n)), strict=False))


class UnknownWord(KeyError):
    """A word that the vocabulary lacks, with the vocabulary's nearest spellings.

    Parameters
    ----------
    word : str
        The word asked for.
    words : sequence of str
        The words that are known.
    name : str
        Whose vocabulary it is, for instance "glove-6b-50d"; may be empty.
    hint : str
        What else the reader can do, added at the end; may be empty.

    Examples
    --------
    >>> print(UnknownWord("czt", ["dog", "cat"], name="toy"))
    'czt' is not in the vocabulary of toy (2 words); nearest spellings: cat
    """

    def __init__(self, word: str, words: Sequence[str], name: str = "", hint: str = "") -> None:
        near = nearest_spellings(word, words)
        message = f"{word!r} is not in the vocabulary{' of ' + name if name else ''}"
        message += f" ({len(words):,} words)"
        message += f"; nearest spellings: {', '.join(near)}" if near else ""
        message += f"; {hint}" if hint else ""
        super().__init__(message)

    def __str__(self) -> str:
        return str(self.args[0])  # KeyError itself would print the quoted repr


@dataclass(frozen=True)
class Vocabulary:
    """The words that have a number: word i is ``words[i]``, and ``index[word]`` is i.

    Parameters
    ----------
    words : sequence of str
        Distinct words, in the order of their numbers.
    name : str
        Whose vocabulary it is, for error messages.

    Attributes
    ----------
    index : dict from str to int
        The number of each word.

    Raises
    ------
    ValueError
        If a word stands twice.

    Examples
    --------
    >>> vocabulary = Vocabulary(["the", "cat", "sat"])
    >>> vocabulary.encode(["the", "cat"])
    array([0, 1])
    >>> vocabulary.decode([2])
    ['sat']
    >>> len(vocabulary), "dog" in vocabulary
    (3, False)
    """

    words: Sequence[str]
    name: str = ""
    index: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", tuple(self.words))
        object.__setattr__(self, "index", {word: i for i, word in enumerate(self.words)})
        if len(self.index) < len(self.words):
            twice = Counter(self.words).most_common(1)[0][0]
            raise ValueError(f"the word {twice!r} stands twice in the vocabulary: give each one id")

    @classmethod
    def from_documents(
        cls,
        documents: Iterable[Sequence[str]],
        *,
        min_count: int = 1,
        max_size: int | None = None,
        name: str = "",
    ) -> Vocabulary:
        """Give each word of a corpus a number, the most frequent first.

        Parameters
        ----------
        documents : iterable of token lists
            The corpus.
        min_count : int
            Words with fewer tokens are left out.
        max_size : int, optional
            At most so many words are kept, the most frequent ones.
        name : str
            Whose vocabulary it is.

        Returns
        -------
        Vocabulary
            By falling count; words of equal count in alphabetical order.

        Examples
        --------
        >>> Vocabulary.from_documents([["b", "a", "c"], ["c"]], max_size=2).words
        ('c', 'a')
        """
        words, counts = rank_frequency(documents)
        enough = int(np.sum(counts >= min_count))
        return cls(words[:enough][:max_size], name=name)

    def __len__(self) -> int:
        return len(self.words)

    def __contains__(self, word: object) -> bool:
        return word in self.index

    def __iter__(self) -> Iterator[str]:
        return iter(self.words)

    def encode(self, tokens: Iterable[str], *, skip_unknown: bool = False) -> NDArray[np.int64]:
        """Turn tokens into their numbers.

        Parameters
        ----------
        tokens : iterable of str
            Words in their order.
        skip_unknown : bool
            Leave unknown words out in silence; otherwise they are an error.

        Returns
        -------
        (n,) array of int64
            One id a token.

        Raises
        ------
        UnknownWord
            A KeyError that names the nearest spellings.
        """
        if skip_unknown:
            tokens = [token for token in tokens if token in self.index]
        try:
            return np.array([self.index[token] for token in tokens], dtype=np.int64)
        except KeyError as error:
            raise UnknownWord(error.args[0], self.words, self.name) from None

    def decode(self, ids: ArrayLike) -> list[str]:
        """Turn numbers back into words.

        Parameters
        ----------
        ids : (n,) array of int
            Each from 0 to ``len(self) - 1``.

        Returns
        -------
        list of str
            One word an id.

        Raises
        ------
        IndexError
            If an id is negative or too large.
        """
        numbers = np.asarray(ids, dtype=np.int64)
        outside = numbers[(numbers < 0) | (numbers >= len(self))]
        if outside.size:
            raise IndexError(
                f"the id {outside[0]} is no word: ids here run from 0 to {len(self) - 1:,}"
            )
        return [self.words[number] for number in numbers]


def edit_distance(a: str, b: str) -> int:
    """How many letters must be put in, taken out or replaced to turn one word into the other.

    Fills the table D[i, j], the distance of the first i letters of ``a`` from the first j of
    ``b``, row by row (Wagner & Fischer 1974, algorithm X, with all costs 1).

    Parameters
    ----------
    a, b : str
        Two words, in either order.

    Returns
    -------
    int
        0 for equal words, at most the length of the longer one.

    Examples
    --------
    >>> edit_distance("kitten", "sitting")
    3
    """
    above = list(range(len(b) + 1))  # D[0, j] = j: put in j letters
    for i, letter in enumerate(a, start=1):
        row = [i]  # D[i, 0] = i: take out i letters
        for j, other in enumerate(b, start=1):
            row.append(min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (letter != other)))
        above = row
    return above[-1]


def nearest_spellings(
    word: str, words: Sequence[str], *, limit: int = 3, max_distance: int = 2
) -> list[str]:
    """Find the known words that are spelled most like this one.

    Parameters
    ----------
    word : str
        A word, usually an unknown or misspelled one.
    words : sequence of str
        The known words; of equally near ones the earlier is preferred.
    limit : int
        At most so many are returned.
    max_distance : int
        Words further away than so many edits are left out (see `edit_distance`).

    Returns
    -------
    list of str
        The nearest first; may be empty.

    Examples
    --------
    >>> nearest_spellings("goverment", ["the", "government", "governments", "cat"])
    ['government', 'governments']
    """
    near = [other for other in words if abs(len(other) - len(word)) <= max_distance]
    distances = edit_distances(word, near)
    order = np.argsort(distances, kind="stable")
    return [near[i] for i in order[:limit] if distances[i] <= max_distance]


def edit_distances(word: str, words: Sequence[str]) -> NDArray[np.int64]:
    """`edit_distance` from one word to many, the same table filled for all of them at once.

    Parameters
    ----------
    word : str
        One word.
    words : sequence of str
        Many words, m of them.

    Returns
    -------
    (m,) array of int64
        The distance of each.

    Examples
    --------
    >>> edit_distances("cat", ["cat", "cart", "dog"])
    array([0, 1, 3])
    """
    lengths = np.array([len(other) for other in words], dtype=np.int64)
    longest = int(lengths.max(initial=0))
    if not longest:
        return np.full(len(lengths), len(word))
    letters = np.array(words, dtype=f"U{longest}").view(np.uint32).reshape(-1, longest).T
    above = np.repeat(np.arange(longest + 1)[:, None], len(words), axis=1)  # (longest + 1, m)
    for i, letter in enumerate(word, start=1):
        row = np.full_like(above, i)
        differs = letters != ord(letter)  # (longest, m)
        for j in range(1, longest + 1):
            cheapest = np.minimum(above[j], row[j - 1]) + 1
            row[j] = np.minimum(cheapest, above[j - 1] + differs[j - 1])
        above = row
    return above[lengths, np.arange(len(words))]


def rank_frequency(documents: Iterable[Sequence[str]]) -> tuple[list[str], NDArray[np.int64]]:
    """Rank the words of a corpus from the most frequent to the rarest, as Zipf did.

    Parameters
    ----------
    documents : iterable of token lists
        The corpus.

    Returns
    -------
    words : list of str, V of them
        The word of rank r is ``words[r - 1]``; words of equal count in alphabetical order.
    counts : (V,) array of int64
        The tokens of each word, never rising.

    Raises
    ------
    TypeError
        If a document is a text that was not cut into words.

    Examples
    --------
    >>> rank_frequency([["the", "cat"], ["the", "dog"]])
    (['the', 'cat', 'dog'], array([2, 1, 1]))
    """
    tally = Counter(_tokens(documents))
    words = sorted(tally, key=lambda word: (-tally[word], word))
    return words, np.array([tally[word] for word in words], dtype=np.int64)


def type_growth(
    documents: Iterable[Sequence[str]], *, points: int = 50
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many different words were seen after so many words, as Heaps counted them.

    Parameters
    ----------
    documents : iterable of token lists
        The corpus, in its order.
    points : int
        Where to look: at about so many places, evenly spread on a logarithmic scale.

    Returns
    -------
    tokens : (at most `points`,) array of int64
        From 1 to the length of the corpus.
    types : array of int64 of the same length
        The number of different words among the first ``tokens`` words.

    Raises
    ------
    TypeError
        If a document is a text that was not cut into words.
    ValueError
        If there is no token at all.

    Examples
    --------
    >>> tokens, types = type_growth([["the", "cat", "and"], ["the", "dog"]])
    >>> tokens.tolist(), types.tolist()
    ([1, 2, 3, 4, 5], [1, 2, 3, 3, 4])
    """
    seen: set[str] = set()
    growth = []  # the number of types after each token
    for token in _tokens(documents):
        seen.add(token)
        growth.append(len(seen))
    if not growth:
        raise ValueError("no token in these documents: the growth of nothing has no points")
    tokens = np.unique(np.geomspace(1, len(growth), points).round().astype(np.int64))
    return tokens, np.array(growth, dtype=np.int64)[tokens - 1]


def _tokens(documents: Iterable[Sequence[str]]) -> Iterator[str]:
    for document in documents:
        if isinstance(document, str):
            raise TypeError(
                f"a document is a list of tokens, not the text {document[:20]!r}: tokenize it first"
            )
        yield from document


@dataclass(frozen=True)
class PowerLaw:
    """The curve ``coefficient * x ** exponent``, a straight line on logarithmic scales.

    Parameters
    ----------
    coefficient : float
        Its height at x = 1.
    exponent : float
        Its slope on logarithmic scales.

    Examples
    --------
    >>> float(PowerLaw(coefficient=3.0, exponent=0.5)(100))
    30.0
    """

    coefficient: float
    exponent: float

    def __call__(self, x: ArrayLike) -> NDArray[np.float64]:
        """Give the height of the curve at each x."""
        return self.coefficient * np.asarray(x, dtype=np.float64) ** self.exponent


def power_law_fit(x: ArrayLike, y: ArrayLike) -> PowerLaw:
    """Draw the straight line through points on logarithmic scales, by least squares.

    A description of the points, not a test: many curves look straight there (Clauset, Shalizi &
    Newman 2009, section 1).

    Parameters
    ----------
    x, y : (n,) arrays
        Positive numbers, at least two different x.

    Returns
    -------
    PowerLaw
        Minimises the sum of ``(log y - log(coefficient * x ** exponent)) ** 2``.

    Raises
    ------
    ValueError
        If a number is not positive, or all x are equal.

    Examples
    --------
    >>> fit = power_law_fit([1, 10, 100], [2, 20, 200])
    >>> round(fit.coefficient, 6), round(fit.exponent, 6)
    (2.0, 1.0)
    """
    across, up = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if across.ndim != 1 or across.shape != up.shape:
        raise ValueError(f"a power law needs as many x as y, got {across.shape} and {up.shape}")
    points = np.array([across, up])
    if not (points > 0).all() or np.unique(across).size < 2:
        raise ValueError("a power law needs positive numbers and at least two different x")
    log_x, log_y = np.log(points)
    across, up = log_x - log_x.mean(), log_y - log_y.mean()
    exponent = float(across @ up / (across @ across))
    return PowerLaw(float(np.exp(log_y.mean() - exponent * log_x.mean())), exponent)


def heaps_fit(tokens: ArrayLike, types: ArrayLike) -> PowerLaw:
    """Heaps' law: among n tokens there are about ``K * n ** beta`` types (Heaps 1978, section 7.5).

    Parameters
    ----------
    tokens, types : (n,) arrays
        As `type_growth` returns them.

    Returns
    -------
    PowerLaw
        ``coefficient`` is K, ``exponent`` is beta: below 1, since words come again.

    Raises
    ------
    ValueError
        As `power_law_fit`.

    Examples
    --------
    >>> round(heaps_fit([100, 10000], [50, 500]).exponent, 6)
    0.5
    """
    return power_law_fit(tokens, types)


def zipf_fit(counts: ArrayLike, *, ranks: tuple[int, int] | None = None) -> PowerLaw:
    """Zipf's law: the word of rank r occurs about ``C * r ** -s`` times (Zipf 1949, chapter 2).

    Parameters
    ----------
    counts : (V,) array
        Falling, as `rank_frequency` returns them.
    ranks : pair of int, optional
        The first and the last rank to fit, both counted in; all ranks when left out. The long
        tail of words seen once pulls the line down.

    Returns
    -------
    PowerLaw
        ``coefficient`` is C, ``exponent`` is -s: a negative number, near -1 for running text.

    Raises
    ------
    ValueError
        As `power_law_fit`.

    Examples
    --------
    >>> round(zipf_fit([60, 30, 20, 15, 12]).exponent, 6)
    -1.0
    """
    counts = np.asarray(counts)
    first, last = ranks or (1, len(counts))
    if not 1 <= first <= last <= len(counts):
        raise ValueError(f"ranks = {ranks}, but the ranks run from 1 to {len(counts):,}")
    return power_law_fit(np.arange(first, last + 1), counts[first - 1 : last])
