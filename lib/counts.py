"""Texts as counts: one-hot, bags of words, TF-IDF and BM25, sparse from end to end.

Documents are rows, words are columns, and nearly every entry is zero, so only the others are
stored (scipy's compressed sparse rows, CSR). The formulas come first; the classes below them
only keep what was learned from the documents they were fitted on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, repeat
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_matrix

from lib.text import WORD, Vocabulary, ngrams, word_finder

Floats = NDArray[np.float64]
TfidfVariant = Literal["textbook", "smooth", "sublinear", "unsmoothed"]
Bm25Variant = Literal["lucene", "robertson"]
Norm = Literal["l2", "none", "usual"]


def one_hot(ids: ArrayLike, size: int) -> csr_matrix:
    """One row for each id: a one in its own column, zeros elsewhere.

    Parameters
    ----------
    ids : (n,) array of int
        The numbers of n words, each from 0 to ``size - 1``.
    size : int
        How many words there are.

    Returns
    -------
    (n, size) csr_matrix of int64
        Exactly one 1 in each row.

    Raises
    ------
    ValueError
        If an id is negative or not below `size`.

    Examples
    --------
    >>> one_hot([2, 0], size=3).toarray()
    array([[0, 0, 1],
           [1, 0, 0]])
    """
    columns = np.asarray(ids, dtype=np.int64)
    outside = columns[(columns < 0) | (columns >= size)]
    if outside.size:
        raise ValueError(f"the id {outside[0]} has no column: with size {size} ids end at {size - 1}")
    n = len(columns)
    return csr_matrix((np.ones(n, dtype=np.int64), columns, np.arange(n + 1)), shape=(n, size))


def document_frequency(X: csr_matrix) -> NDArray[np.int64]:
    """How many documents hold each word.

    Parameters
    ----------
    X : (n, V) csr_matrix
        Counts, documents in rows.

    Returns
    -------
    (V,) array of int64
        From 0 to n.

    Examples
    --------
    >>> document_frequency(csr_matrix([[3, 0], [1, 1]]))
    array([2, 1])
    """
    return np.bincount(X.indices[X.data != 0], minlength=X.shape[1])


def idf(df: ArrayLike, n: int, variant: TfidfVariant = "smooth") -> Floats:
    """Inverse document frequency: the fewer documents hold a word, the more it weighs.

    ============  ===================================  ==========================================
    variant       idf                                  known from
    ============  ===================================  ==========================================
    textbook      ``log(n / df)``                      Spärck Jones 1972; a word of every
                                                       document weighs nothing
    unsmoothed    ``log(n / df) + 1``                  scikit-learn with ``smooth_idf=False``
    smooth        ``log((1 + n) / (1 + df)) + 1``      scikit-learn's default: as if one more
                                                       document held every word
    sublinear     as smooth                            differs in the term frequency, see `tfidf`
    ============  ===================================  ==========================================

    Parameters
    ----------
    df : (V,) array of int
        The number of documents that hold each word.
    n : int
        The number of documents.
    variant : {"textbook", "unsmoothed", "smooth", "sublinear"}
        The row of the table.

    Returns
    -------
    (V,) array of float64
        Natural logarithms.

    Raises
    ------
    ValueError
        For an unknown variant, or where n / df would divide by zero.

    Examples
    --------
    >>> idf([1, 2, 4], n=4, variant="textbook").round(3)
    array([1.386, 0.693, 0.   ])
    """
    df = np.asarray(df, dtype=np.float64)
    if variant in ("smooth", "sublinear"):
        return np.log((1 + n) / (1 + df)) + 1
    if variant not in ("textbook", "unsmoothed"):
        raise ValueError(
            f"variant {variant!r} is unknown: take 'textbook', 'unsmoothed', 'smooth' or 'sublinear'"
        )
    if np.any(df == 0):
        raise ValueError(
            f"{np.sum(df == 0)} words stand in no document, so the {variant} idf divides by 0: "
            "take variant='smooth'"
        )
    return np.log(n / df) + (1 if variant == "unsmoothed" else 0)


def tfidf(
    X: csr_matrix,
    variant: TfidfVariant = "smooth",
    *,
    norm: Norm = "usual",
    weights: Floats | None = None,
) -> csr_matrix:
    """Term frequency times inverse document frequency.

    Each count ``tf`` becomes ``tf * idf``; in the sublinear variant ``(1 + log(tf)) * idf``, so
    that the tenth occurrence adds less than the first (Manning, Raghavan & Schütze 2008,
    sections 6.2 and 6.4.1).

    Parameters
    ----------
    X : (n, V) csr_matrix
        Counts, documents in rows.
    variant : {"textbook", "unsmoothed", "smooth", "sublinear"}
        Which formula; see the table at `idf`.
    norm : {"usual", "l2", "none"}
        Whether each row is brought to length 1. Usual: not in the textbook variant, but in the
        other three, as in scikit-learn.
    weights : (V,) array, optional
        The idf of each word, learned from other documents; by default from X.

    Returns
    -------
    (n, V) csr_matrix of float64
        An entry that weighs nothing is not stored.

    Raises
    ------
    ValueError
        As `idf`, or for an unknown norm.

    Examples
    --------
    >>> X = csr_matrix([[3, 1], [0, 1]])      # two documents, two words
    >>> tfidf(X, "textbook").toarray().round(3)
    array([[2.079, 0.   ],
           [0.   , 0.   ]])
    """
    if weights is None:
        weights = idf(document_frequency(X), X.shape[0], variant)
    if norm not in ("usual", "l2", "none"):
        raise ValueError(f"norm {norm!r} is unknown: take 'usual', 'l2' or 'none'")
    tf = X.data.astype(np.float64)
    if variant == "sublinear":
        tf = 1 + np.log(tf)
    W = csr_matrix((tf * weights[X.indices], X.indices.copy(), X.indptr.copy()), shape=X.shape)
    W.eliminate_zeros()
    return l2_normalise(W) if norm == "l2" or (norm == "usual" and variant != "textbook") else W


def l2_normalise(X: csr_matrix) -> csr_matrix:
    """Divide each row by its length, so that all documents weigh the same.

    Parameters
    ----------
    X : (n, d) csr_matrix
        Any rows.

    Returns
    -------
    (n, d) csr_matrix of float64
        Rows of Euclidean length 1; a row of zeros stays one.

    Examples
    --------
    >>> l2_normalise(csr_matrix([[3, 4], [0, 0]])).toarray()
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
    data = X.data.astype(np.float64)
    rows = _rows(X)
    lengths = np.sqrt(np.bincount(rows, weights=data**2, minlength=X.shape[0]))
    lengths[lengths == 0] = 1
    return csr_matrix((data / lengths[rows], X.indices, X.indptr), shape=X.shape)


def _rows(X: csr_matrix) -> NDArray[np.intp]:
    """The row of each stored entry."""
    return np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))


def bm25(
    X: csr_matrix,
    *,
    k1: float = 1.2,
    b: float = 0.75,
    variant: Bm25Variant = "lucene",
    df: ArrayLike | None = None,
    n: int | None = None,
    mean_length: float | None = None,
) -> csr_matrix:
    """Okapi BM25: term frequency that saturates, and long documents held to account.

    The weight of a word with count ``tf`` in a document of ``length`` words is::

        idf * tf / (tf + k1 * (1 - b + b * length / mean_length))     times k1 + 1 for robertson

    =========  ===========================================  =====================================
    variant    idf                                          known from
    =========  ===========================================  =====================================
    robertson  ``log((n - df + 0.5) / (df + 0.5))``         Robertson & Zaragoza 2009, equations
                                                            3.3 and 3.15; below zero for a word
                                                            of more than half of the documents
    lucene     ``log(1 + (n - df + 0.5) / (df + 0.5))``     Lucene from version 8 on: above zero
                                                            always (variants compared in
                                                            Kamphuis et al. 2020)
    =========  ===========================================  =====================================

    Parameters
    ----------
    X : (n, V) csr_matrix
        Counts, documents in rows. The length of a document is the sum of its row.
    k1 : float
        How late counts saturate; at 0 only presence counts.
    b : float
        How much length matters, from 0 (not at all) to 1 (in proportion).
    variant : {"lucene", "robertson"}
        The row of the table.
    df : (V,) array, optional
        Document frequencies learned from other documents; by default those of X.
    n : int, optional
        The number of documents df was counted in.
    mean_length : float, optional
        Their mean length, in words.

    Returns
    -------
    (n, V) csr_matrix of float64
        The score of a document for a query is the sum of its weights over the query's words.

    Raises
    ------
    ValueError
        For an unknown variant, k1 below 0, b outside 0..1, or documents that are all empty.

    Examples
    --------
    >>> X = csr_matrix([[1, 1], [0, 2], [0, 2]])   # three documents of two words
    >>> bm25(X, k1=1.0).toarray().round(3)
    array([[0.49 , 0.067],
           [0.   , 0.089],
           [0.   , 0.089]])
    """
    if k1 < 0 or not 0 <= b <= 1:
        raise ValueError(f"k1 = {k1}, b = {b}, but k1 is at least 0 and b lies between 0 and 1")
    length = np.asarray(X.sum(axis=1), dtype=np.float64).ravel()
    df = np.asarray(document_frequency(X) if df is None else df, dtype=np.float64)
    n = X.shape[0] if n is None else n
    mean_length = float(length.mean()) if mean_length is None else mean_length
    if not mean_length > 0:
        raise ValueError("all documents are empty: BM25 compares each with the mean length, 0")
    odds = (n - df + 0.5) / (df + 0.5)
    if variant == "lucene":
        weights = np.log(1 + odds)
    elif variant == "robertson":
        weights = np.log(odds) * (k1 + 1)
    else:
        raise ValueError(f"variant {variant!r} is unknown: take 'lucene' or 'robertson'")
    tf = X.data.astype(np.float64)
    held_back = k1 * (1 - b + b * length / mean_length)  # (n,)
    data = weights[X.indices] * tf / (tf + held_back[_rows(X)])
    return csr_matrix((data, X.indices, X.indptr), shape=X.shape)


@dataclass(kw_only=True)
class BagOfWords:
    """Count the words of each document and forget their order.

    Settings, columns (alphabetical) and counts are those of scikit-learn's ``CountVectorizer``,
    with one exception: where `max_features` has to choose between words of equal count, it keeps
    those that come first in the alphabet.

    Parameters
    ----------
    ngram_range : pair of int
        The shortest and the longest run of words to count, ``(1, 1)`` for single words.
    binary : bool
        1 for every word that is there, however often.
    min_df, max_df : int or float
        Keep words that stand in at least, and at most, so many documents; a float is a share of
        the documents, so ``1`` and ``1.0`` differ.
    max_features : int, optional
        Keep so many of those words, the most frequent ones.
    lowercase : bool
        Whether "The" and "the" are the same word.
    token_pattern : str
        What a word is, as a regular expression.
    vocabulary : sequence of str, optional
        The words to count, in the order of their columns; then nothing has to be learned, and
        min_df, max_df and max_features are not used.

    Attributes
    ----------
    vocabulary_ : Vocabulary
        The words that were kept; ``vocabulary_.words[j]`` is the word of column j.

    Examples
    --------
    >>> bag = BagOfWords()
    >>> bag.fit_transform(["the cat and the dog", "the dog"]).toarray()
    array([[1, 1, 1, 2],
           [0, 0, 1, 1]])
    >>> bag.vocabulary_.words
    ('and', 'cat', 'dog', 'the')
    >>> bag.transform(["a new dog"]).toarray()     # a word never seen has no column
    array([[0, 0, 1, 0]])
    """

    ngram_range: tuple[int, int] = (1, 1)
    binary: bool = False
    min_df: int | float = 1
    max_df: int | float = 1.0
    max_features: int | None = None
    lowercase: bool = True
    token_pattern: str = WORD
    vocabulary: Sequence[str] | Vocabulary | None = None
    vocabulary_: Vocabulary = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        shortest, longest = self.ngram_range
        if not 1 <= shortest <= longest:
            raise ValueError(
                f"ngram_range = {self.ngram_range}, but 1 <= shortest <= longest is needed"
            )
        if self.vocabulary is not None:
            self.vocabulary_ = Vocabulary(tuple(self.vocabulary))

    def fit(self, texts: Iterable[str]) -> Self:
        """Learn which words there are.

        Parameters
        ----------
        texts : iterable of str
            The documents to learn from.

        Returns
        -------
        self

        Raises
        ------
        TypeError
            If `texts` is one single text.
        ValueError
            If no word is left.
        """
        self._learn_counts(texts)
        return self

    def transform(self, texts: Iterable[str]) -> csr_matrix:
        """Count the known words of each document; unknown words are passed over.

        Parameters
        ----------
        texts : iterable of str, n of them
            Any documents.

        Returns
        -------
        (n, V) csr_matrix
            int64 counts; float64 weights in the subclasses.

        Raises
        ------
        TypeError
            If `texts` is one single text.
        RuntimeError
            If nothing was fitted yet.
        """
        return self._count(texts)

    def fit_transform(self, texts: Iterable[str]) -> csr_matrix:
        """Fit, then transform, the same texts: cut into words only once.

        Parameters
        ----------
        texts : iterable of str, n of them
            The documents.

        Returns
        -------
        (n, V) csr_matrix
            The same as ``fit(texts).transform(texts)``.

        Raises
        ------
        TypeError, ValueError
            As `fit`.
        """
        return self._learn_counts(texts)

    def _learn_counts(self, texts: Iterable[str]) -> csr_matrix:
        """Count with a growing dictionary, then keep and sort the columns."""
        if self.vocabulary is not None:
            return self._count(texts)
        index: defaultdict[str, int] = defaultdict()
        index.default_factory = index.__len__  # a new word gets the next number
        ids, lengths = self._ids(texts, index.__getitem__)
        words, found = np.array(list(index), dtype=object), len(index)
        X = _assemble(ids, lengths, found, self.binary)
        kept = self._kept(X, words)
        self.vocabulary_ = Vocabulary(words[kept].tolist())
        column = np.full(found, -1)
        column[kept] = np.arange(len(kept))
        return _renumber(X, column, len(kept))

    def _count(self, texts: Iterable[str]) -> csr_matrix:
        """Count the words that have a column."""
        if not hasattr(self, "vocabulary_"):
            raise RuntimeError(f"this {type(self).__name__} has not been fitted: call fit(texts)")
        index = self.vocabulary_.index
        ids, lengths = self._ids(texts, lambda word: index.get(word, -1))
        return _assemble(ids, lengths, len(index), self.binary)
