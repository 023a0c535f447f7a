"""Words that a model has never seen: slips of the pen, words withheld on purpose, a judged sample.

A vector for an unseen string has to come from its letters, or from the words around it. Here is
what to judge it by: a way to damage words at a known rate, words to take out of the corpus so that
their true vectors are known all the same, a corrector that looks at spelling and frequency only,
and the company of a word at a few of its places.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from string import ascii_lowercase
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lib._fetch import DATA
from lib.corpus import Corpus
from lib.wordtests import RatedPairs, disjoint_halves, rated_pairs

Ints: TypeAlias = NDArray[np.int64]

SHORTEST = 4
"""Words of fewer letters are left alone: one edit would often make another word of them."""

KINDS = ("typo", "form", "word", "name", "code", "foreign")
"""What an unseen word can be: see ``data/own/unseen-words.md``."""


@dataclass(frozen=True)
class UnseenWord:
    """A word that the vocabulary lacks, its kind, and the known word behind it, if any."""

    word: str
    kind: str
    meant: str


def unseen_words() -> list[UnseenWord]:
    """Read the sample of unseen words that were judged by hand.

    Raises
    ------
    ValueError
        If a kind is not one of `KINDS`.
    """
    text = (DATA / "own" / "unseen-words.csv").read_text(encoding="utf-8")
    found = [UnseenWord(**row) for row in csv.DictReader(text.splitlines())]
    for one in found:
        if one.kind not in KINDS:
            raise ValueError(f"{one.word!r} is of the kind {one.kind!r}: take one of {KINDS}")
    return found


def mistype(word: str, rng: np.random.Generator) -> str:
    """Make one slip of the pen: drop, double up with another, replace or swap a letter.

    The four kinds are equally likely, and so are the places; swapping two equal letters or
    replacing a letter by itself is drawn again. Inserted letters are a to z.

    Parameters
    ----------
    word : str
        Two letters or more.
    rng : numpy.random.Generator
        Decides.

    Raises
    ------
    ValueError
        If the word has fewer than two letters.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> [mistype("wheel", rng) for _ in range(4)]
    ['whele', 'wbheel', 'heel', 'whele']
    """
    if len(word) < 2:
        raise ValueError(f"{word!r} is too short for a slip: give it two letters or more")
    while True:
        kind, place = rng.integers(4), int(rng.integers(len(word)))
        letter = ascii_lowercase[rng.integers(26)]
        head, tail = word[:place], word[place:]
        if kind == 0:
            slip = head + tail[1:]
        elif kind == 1:
            slip = head + letter + tail
        elif kind == 2:
            slip = head + letter + tail[1:]
        else:
            slip = head + tail[1:2] + tail[:1] + tail[2:]
        if slip != word:
            return slip


def mistype_text(words: Sequence[str], rate: float, rng: np.random.Generator) -> list[str]:
    """Mistype each word of `SHORTEST` letters or more with probability `rate`.

    Examples
    --------
    >>> mistype_text(["the", "wheel", "turns"], 1, np.random.default_rng(1))[0]
    'the'
    """
    hit = rng.random(len(words)) < rate  # one draw a word, so that a higher rate hits more
    return [
        mistype(word, rng) if out and len(word) >= SHORTEST else word
        for word, out in zip(words, hit, strict=True)
    ]


def slips(word: str) -> set[str]:
    """All strings that are one slip away from a word, in the letters a to z.

    Examples
    --------
    >>> found = slips("cat")
    >>> [one in found for one in ("ct", "cart", "cut", "act", "cat", "dog")]
    [True, True, True, True, False, False]
    """
    cuts = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    found = {a + b[1:] for a, b in cuts if b}
    found |= {a + b[1] + b[0] + b[2:] for a, b in cuts if len(b) > 1}
    for letter in ascii_lowercase:
        found |= {a + letter + b for a, b in cuts}
        found |= {a + letter + b[1:] for a, b in cuts if b}
    return found - {word}


class Corrector:
    """Replace an unknown string by the most frequent known word one slip away.

    Parameters
    ----------
    ranks : mapping from str to int
        Known words, the most frequent with the lowest number.

    Examples
    --------
    >>> corrector = Corrector({"the": 0, "wheel": 1, "whale": 2, "whee": 3})
    >>> [corrector.mend(word) for word in ("whele", "whae", "the", "zebra")]
    ['wheel', 'whale', 'the', None]
    """

    def __init__(self, ranks: Mapping[str, int]) -> None:
        self.ranks = ranks
        self._mended: dict[str, str | None] = {}

    def mend(self, word: str) -> str | None:
        """Return the word itself if it is known, the best candidate, or None if there is none."""
        if word in self.ranks:
            return word
        if word not in self._mended:
            near = [one for one in slips(word) if one in self.ranks]
            self._mended[word] = min(near, key=self.ranks.__getitem__, default=None)
        return self._mended[word]


# Words withheld on purpose --------------------------------------------------------------------

ENDINGS = (
    ("s", ""), ("es", ""), ("ies", "y"), ("ed", ""), ("ed", "e"), ("ing", ""), ("ing", "e"),
    ("er", ""), ("er", "e"), ("est", ""), ("ly", ""), ("ness", ""),
)  # fmt: skip
"""Endings of English forms, and what the base has in their place."""


def base_of(word: str, known: Container[str]) -> str | None:
    """Find a known word of which this one looks like a form: by its ending, nothing else.

    Examples
    --------
    >>> known = {"walk", "bake", "city", "wing"}
    >>> [base_of(word, known) for word in ("walked", "baking", "cities", "wing", "news")]
    ['walk', 'bake', 'city', None, None]
    """
    for ending, instead in ENDINGS:
        base = word.removesuffix(ending) + instead
        if word.endswith(ending) and len(base) >= 3 and base in known:
            return base
    return None


@dataclass(frozen=True, eq=False)
class Withheld:
    """Words to take out of the corpus, as row numbers, and how to judge what stands in for them.

    Attributes
    ----------
    forms : array of int
        Inflected and derived words whose base stays in the corpus.
    bases : array of int
        The base of each form.
    strangers : array of int
        Words that share their first four letters with no other word of the vocabulary.
    judged : array of int
        Words of the test halves of WordSim-353 and SimLex-999.
    pairs : dict from str to RatedPairs
        The pairs of those test halves: both words are withheld.
    candidates : array of int
        The frequent words that stay, among which neighbours are looked for.
    """

    forms: Ints
    bases: Ints
    strangers: Ints
    judged: Ints
    pairs: dict[str, RatedPairs]
    candidates: Ints

    @property
    def all(self) -> Ints:
        """All words to take out."""
        return np.unique(np.concatenate([self.forms, self.strangers, self.judged]))

    def without(self, corpus: Corpus) -> Corpus:
        """Take the words out of a corpus; their neighbours move together."""
        return corpus.keep(~np.isin(corpus.ids, self.all))


def withhold(
    corpus: Corpus, rng: np.random.Generator, *, each: int = 400, limit: int = 20_000
) -> Withheld:
    """Draw words to withhold: forms of known words, strangers, and the rated words of one half.

    Forms and strangers occur 20 to 2,000 times: often enough for a trained vector to compare
    with, not so often that the corpus changes. Bases are among the `limit` most frequent words.

    Parameters
    ----------
    corpus : Corpus
        The vocabulary and the counts.
    rng : numpy.random.Generator
        Draws the words and splits the benchmarks.
    each : int
        So many forms, and so many strangers; all of them if there are fewer.
    limit : int
        Neighbours are looked for among so many of the most frequent words.
    """
    words, index = corpus.vocabulary.words, corpus.vocabulary.index
    sets = {
        "wordsim": rated_pairs("wordsim353", corpus.vocabulary),
        "simlex": rated_pairs("simlex999", corpus.vocabulary),
    }
    halves = disjoint_halves(sets, rng)
    pairs = {name: sets[name].take(test) for name, (_, test) in halves.items()}
    rated = np.unique(np.concatenate([np.append(p.first, p.second) for p in sets.values()]))
    judged = np.unique(np.concatenate([np.append(p.first, p.second) for p in pairs.values()]))
    counts, taken = corpus.counts, set(rated.tolist())
    usual = [
        w for w in range(len(words))
        if 20 <= counts[w] <= 2000 and w not in taken and len(words[w]) >= 5 and words[w].isascii()
    ]  # fmt: skip
    base = {w: base_of(words[w], index) for w in usual}
    forms = [w for w in usual if (b := base[w]) and index[b] < limit and index[b] not in taken]
    drawn = np.sort(rng.permutation(forms)[:each])
    begins = Counter(word[:4] for word in words)
    strangers = [w for w in usual if begins[words[w][:4]] == 1]
    alone = np.sort(rng.permutation(strangers)[:each])
    out = np.concatenate([drawn, alone, judged])
    bases = np.array([index[str(base[w])] for w in drawn], dtype=np.int64)
    kept = ~np.isin(bases, out)  # a base may be a form itself, and drawn
    out = np.concatenate([drawn[kept], alone, judged])
    candidates = np.setdiff1d(np.arange(limit), out)
    return Withheld(drawn[kept], bases[kept], alone, judged, pairs, candidates)


def neighbours(W: Any, queries: Ints, candidates: Ints, k: int = 10) -> Ints:  # noqa: ANN401
    """Find the k candidates with the highest cosine to each query: (q, k), best first.

    Parameters
    ----------
    W : (V, d) array or sparse matrix
        Vectors, or counts of pieces.
    queries, candidates : arrays of int
        Rows of W; a query is not its own neighbour.
    k : int
        How many.

    Examples
    --------
    >>> W = np.array([[1, 0], [1, 1], [0, 1], [1, 0.1]])
    >>> neighbours(W, np.array([0]), np.array([0, 1, 2]), 2)
    array([[1, 2]])
    """
    a, b = W[queries], W[candidates]
    if hasattr(W, "tocsr"):
        scores = (a @ b.T).toarray()
        lengths = np.sqrt(b.multiply(b).sum(axis=1)).A1
    else:
        scores = a @ b.T
        lengths = np.linalg.norm(b, axis=1)
    scores = scores / np.where(lengths == 0, 1, lengths)
    scores[queries[:, None] == candidates] = -np.inf
    near = np.sort(np.argpartition(-scores, k - 1, axis=1)[:, :k], axis=1)
    order = np.argsort(-np.take_along_axis(scores, near, axis=1), axis=1, kind="stable")
    best: Ints = candidates[np.take_along_axis(near, order, axis=1)]
    return best


def context_counts(
    corpus: Corpus,
    words: Ints,
    most: int,
    rng: np.random.Generator,
    *,
    window: int = 5,
) -> csr_matrix:
    """Count the neighbours of words at a few places of each, drawn at random.

    With the rows brought to sum 1, times vectors of the neighbours, that is the mean context
    vector, from which Khodak et al. (2018, section 3) make the vector of a new word.

    Parameters
    ----------
    corpus : Corpus
        n tokens of V words.
    words : (q,) array of int
        Whose places.
    most : int
        So many places of each word; all of them if there are fewer.
    rng : numpy.random.Generator
        Draws the places.
    window : int
        So many tokens to each side are neighbours, within the document.

    Returns
    -------
    (q, V) csr_matrix of float32
        How often each word stands near the drawn places.

    Raises
    ------
    ValueError
        If `most` or `window` is less than 1.

    Examples
    --------
    >>> corpus = Corpus.from_documents([["a", "tiny", "cat", "sat"], ["cat", "food"]])
    >>> cat = np.array([corpus.vocabulary.index["cat"]])
    >>> counts = context_counts(corpus, cat, 2, np.random.default_rng(0), window=1)
    >>> [corpus.vocabulary.words[i] for i in counts.indices]
    ['food', 'sat', 'tiny']
    """
    if most < 1 or window < 1:
        raise ValueError(f"most = {most} and window = {window} must be 1 or more")
    order = rng.permutation(corpus.tokens)
    order = order[np.argsort(corpus.ids[order], kind="stable")]  # by word, in random order
    ends = np.cumsum(corpus.counts)
    first = (ends - corpus.counts)[words]
    size = np.minimum(corpus.counts[words], most)
    owner = np.repeat(np.arange(len(words)), size)
    places = order[
        np.repeat(first, size) + np.arange(len(owner)) - np.repeat(size.cumsum() - size, size)
    ]
    document = np.searchsorted(corpus.starts, places, side="right") - 1
    low, high = corpus.starts[document], corpus.starts[document + 1]
    rows, columns = [], []
    for offset in [*range(-window, 0), *range(1, window + 1)]:
        near = places + offset
        inside = (low <= near) & (near < high)
        rows.append(owner[inside])
        columns.append(corpus.ids[near[inside]])
    ids = (np.concatenate(rows), np.concatenate(columns))
    ones = np.ones(len(ids[0]), dtype=np.float32)
    counts = csr_matrix((ones, ids), shape=(len(words), len(corpus.vocabulary)))
    counts.sort_indices()
    return counts
