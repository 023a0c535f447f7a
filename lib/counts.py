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
from numbers import Integral
from typing import Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csc_matrix, csr_matrix

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
        raise ValueError(f"the id {outside[0]} has no column: size is {size}, ids start at 0")
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
    return np.bincount(_counts(X).indices, minlength=X.shape[1])


def _counts(X: csr_matrix) -> csr_matrix:
    """Copy a matrix of counts so that exactly the non-zero ones are stored, each once."""
    X = csr_matrix(X, dtype=np.float64, copy=True)
    X.sum_duplicates()
    X.eliminate_zeros()
    if X.nnz and X.data.min() < 0:
        raise ValueError(f"a count is {X.data.min():g}, but counts can't be negative: pass counts")
    return X


def _one_each(values: ArrayLike, X: csr_matrix, name: str) -> Floats:
    """Check that there is one value for each column."""
    values = np.asarray(values, dtype=np.float64)
    if values.shape != (X.shape[1],):
        raise ValueError(f"{name} has shape {values.shape}, but X has {X.shape[1]} columns")
    return values


def idf(df: ArrayLike, n: int, variant: TfidfVariant = "smooth") -> Floats:
    """Inverse document frequency: the fewer documents hold a word, the more it weighs.

    ============  ===================================  ==========================================
    variant       idf                                  known from
    ============  ===================================  ==========================================
    textbook      ``log(n / df)``                      textbooks (Manning et al. 2008, section
                                                       6.2.1); a word of every document weighs
                                                       nothing
    unsmoothed    ``log(n / df) + 1``                  scikit-learn with ``smooth_idf=False``;
                                                       Spärck Jones 1972, but for her logarithms,
                                                       which are whole numbers to base 2
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
        For an unknown variant, a df above n, or where n / df would divide by zero.

    Examples
    --------
    >>> idf([1, 2, 4], n=4, variant="textbook").round(3)
    array([1.386, 0.693, 0.   ])
    """
    df = np.asarray(df, dtype=np.float64)
    if df.max(initial=0) > n:
        raise ValueError(f"a word stands in {df.max():g} documents, but there are only n = {n}")
    if variant in ("smooth", "sublinear"):
        return np.log((1 + n) / (1 + df)) + 1
    if variant not in ("textbook", "unsmoothed"):
        raise ValueError(
            f"variant {variant!r} is unknown: take textbook, unsmoothed, smooth or sublinear"
        )
    if np.any(df == 0):
        raise ValueError(
            f"{np.sum(df == 0)} words stand in no document, so the {variant} idf divides by 0: "
            "take variant='smooth'"
        )
    return np.log(n / df) + (1 if variant == "unsmoothed" else 0)


def expected_df(cf: ArrayLike, n: int) -> Floats:
    """How many documents would hold a word if its occurrences fell on them by chance.

    By the Poisson distribution a document stays without the word with probability
    ``exp(-cf / n)``, so ``n * (1 - exp(-cf / n))`` documents hold it (Church & Gale 1995).
    Documents count as equally long.

    Parameters
    ----------
    cf : (V,) array
        How often each word occurs in all documents together.
    n : int
        The number of documents.

    Returns
    -------
    (V,) array of float64
        At most cf and at most n: a little below cf for a rare word, near n for a frequent one.

    Raises
    ------
    ValueError
        If n is below 1 or a count is negative.

    Examples
    --------
    >>> expected_df([1, 100, 1000], n=100).round(2)
    array([  1.  ,  63.21, 100.  ])
    """
    counts = np.asarray(cf, dtype=np.float64)
    if n < 1:
        raise ValueError(f"n = {n}, but a word needs at least 1 document to fall on")
    if counts.min(initial=0) < 0:
        raise ValueError(f"a count is {counts.min():g}, but counts can't be negative: pass counts")
    return -n * np.expm1(-counts / n)  # expm1 keeps the digits of a rare word


def residual_idf(X: csr_matrix) -> Floats:
    """How much rarer among documents a word is than its count alone would make it.

    The observed ``log(n / df)`` minus what chance leads to expect, ``log(n / expected_df)``: above
    zero where the occurrences of a word crowd into few documents, about zero where they are
    strewn, as they are for every word that occurs once (Church & Gale 1995, whose logarithms are
    to base 2).

    Parameters
    ----------
    X : (n, V) csr_matrix
        Counts, documents in rows.

    Returns
    -------
    (V,) array of float64
        Natural logarithms. A little below zero where a word is spread more evenly than by chance.

    Raises
    ------
    ValueError
        For a negative count, or a word that stands in no document.

    Examples
    --------
    >>> X = csr_matrix([[4, 1], [0, 1], [0, 1], [0, 1]])   # two words, each four times
    >>> residual_idf(X).round(3)
    array([ 0.928, -0.459])
    """
    W = _counts(X)
    df, n = document_frequency(W), W.shape[0]
    expected = expected_df(np.asarray(W.sum(axis=0)).ravel(), n)
    return idf(df, n, "textbook") - np.log(n / expected)


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
        As `idf`; also for an unknown norm, a negative count, or weights of the wrong shape.

    Examples
    --------
    >>> X = csr_matrix([[3, 1], [0, 1]])      # two documents, two words
    >>> tfidf(X, "textbook").toarray().round(3)
    array([[2.079, 0.   ],
           [0.   , 0.   ]])
    """
    if norm not in ("usual", "l2", "none"):
        raise ValueError(f"norm {norm!r} is unknown: take usual, l2 or none")
    if weights is None:
        weights = idf(document_frequency(X), X.shape[0], variant)
    W = _counts(X)
    tf = 1 + np.log(W.data) if variant == "sublinear" else W.data
    W.data = tf * _one_each(weights, W, "weights")[W.indices]
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
    X = csr_matrix(X, dtype=np.float64, copy=True)
    rows = _rows(X)
    lengths = np.sqrt(np.bincount(rows, weights=X.data**2, minlength=X.shape[0]))
    lengths[lengths == 0] = 1
    X.data /= lengths[rows]
    return X


def _rows(X: csr_matrix) -> NDArray[np.intp]:
    """Name the row of each stored entry."""
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

        idf * tf / (tf + k1 * (1 - b + b * length / mean_length))

    Many texts multiply by ``k1 + 1`` as well. That is the same factor for all words, so it changes
    no ranking; neither equation 3.15 of Robertson & Zaragoza nor Lucene from version 8 on has it.

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
        For an unknown variant, k1 below 0, b outside 0..1, documents that are all empty, a
        negative count, or a df of the wrong shape.

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
    if len({df is None, n is None, mean_length is None}) > 1:
        raise ValueError("df, n and mean_length belong together: pass all three, or none")
    df = _one_each(document_frequency(X) if df is None else df, X, "df")
    W = _counts(X)
    length = np.asarray(W.sum(axis=1)).ravel()  # (n,)
    n = X.shape[0] if n is None else n
    mean_length = float(length.mean()) if mean_length is None else mean_length
    if df.max(initial=0) > n:
        raise ValueError(f"a word stands in {df.max():g} documents, but there are only n = {n}")
    if not mean_length > 0:
        raise ValueError("all documents are empty: BM25 compares each with the mean length, 0")
    odds = (n - df + 0.5) / (df + 0.5)
    if variant == "lucene":
        weights = np.log(1 + odds)
    elif variant == "robertson":
        weights = np.log(odds)
    else:
        raise ValueError(f"variant {variant!r} is unknown: take lucene or robertson")
    held_back = k1 * (1 - b + b * length / mean_length)  # (n,)
    W.data = weights[W.indices] * W.data / (W.data + held_back[_rows(W)])
    return W


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
        for name, limit in (("min_df", self.min_df), ("max_df", self.max_df)):
            if limit < 0 or (limit > 1 and not isinstance(limit, Integral)):
                raise ValueError(
                    f"{name} = {limit!r}: a whole number counts documents, a float is a share of "
                    "them between 0.0 and 1.0"
                )
        if self.max_features is not None and self.max_features < 1:
            raise ValueError(f"max_features = {self.max_features}, but at least 1 word must stay")
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
        """Count with a dictionary that grows, then keep the right columns, sorted."""
        if self.vocabulary is not None:
            return self._count(texts)
        index: defaultdict[str, int] = defaultdict()
        index.default_factory = index.__len__  # a new word gets the next number
        documents = self._documents(texts, lambda tokens: map(index.__getitem__, tokens))
        X = _stack(documents, len(index), self.binary)
        words = list(index)
        kept = self._kept(X, words)
        self.vocabulary_ = Vocabulary([words[column] for column in kept])
        return X[:, kept].tocsr()

    def _count(self, texts: Iterable[str]) -> csr_matrix:
        """Count the words of the vocabulary."""
        _require(self, "vocabulary_")
        index, size = self.vocabulary_.index, len(self.vocabulary_)
        # all unknown words share one more column, which is cut off
        documents = self._documents(texts, lambda tokens: map(index.get, tokens, repeat(size)))
        return _stack(documents, size + 1, self.binary)[:, :size].tocsr()

    def _documents(
        self, texts: Iterable[str], number: Callable[[Iterable[str]], Iterable[int]]
    ) -> list[NDArray[np.int32]]:
        """Turn each text into the numbers of its words."""
        if isinstance(texts, str):
            raise TypeError("texts is one single str: pass a list of texts")
        find = word_finder(self.token_pattern)
        lengths = range(self.ngram_range[0], self.ngram_range[1] + 1)
        documents = []
        for text in texts:
            tokens: Iterable[str] = find(text.lower() if self.lowercase else text)
            if self.ngram_range != (1, 1):
                tokens = _joined_ngrams(list(tokens), lengths)
            documents.append(np.fromiter(number(tokens), dtype=np.int32))
        return documents

    def _kept(self, X: csc_matrix, words: list[str]) -> NDArray[np.intp]:
        """Choose the columns to keep, in alphabetical order of their words."""
        n = X.shape[0]
        df = np.diff(X.indptr)
        least = self.min_df if isinstance(self.min_df, Integral) else self.min_df * n
        most = self.max_df if isinstance(self.max_df, Integral) else self.max_df * n
        order = np.array(sorted(range(len(words)), key=words.__getitem__), dtype=np.intp)
        kept = order[(df[order] >= least) & (df[order] <= most)]
        if self.max_features is not None:
            totals = np.asarray(X.sum(axis=0)).ravel()
            frequent = np.argsort(-totals[kept], kind="stable")[: self.max_features]
            kept = kept[np.sort(frequent)]
        if not kept.size:
            raise ValueError(
                f"of {len(words)} words in {n} documents none is left: check token_pattern, "
                f"min_df = {self.min_df}, max_df = {self.max_df}, max_features"
            )
        return kept


def _joined_ngrams(tokens: list[str], lengths: Iterable[int]) -> Iterable[str]:
    return chain.from_iterable(map(" ".join, ngrams(tokens, n)) for n in lengths)


def _stack(documents: list[NDArray[np.int32]], size: int, binary: bool) -> csc_matrix:
    """Count the numbers of each document: a row each, stored by columns."""
    ids = np.concatenate([*documents, np.empty(0, dtype=np.int32)])
    ends = np.cumsum([0, *map(len, documents)])
    ones = np.ones(len(ids), dtype=np.int64)
    X = csr_matrix((ones, ids, ends), shape=(len(documents), size)).tocsc()
    X.sum_duplicates()  # a word that comes three times was three ones
    if binary:
        X.data.fill(1)
    return X


@dataclass(kw_only=True)
class Tfidf(BagOfWords):
    """A bag of words with its counts weighed by TF-IDF.

    Learns the words and their document frequencies from the documents it is fitted on, and
    weighs any document by them. All settings of `BagOfWords` can be given too.

    Parameters
    ----------
    variant : {"smooth", "textbook", "sublinear", "unsmoothed"}
        Which formula: see the tables at `idf` and `tfidf`. "smooth" is scikit-learn's default,
        "sublinear" its ``sublinear_tf=True``, "unsmoothed" its ``smooth_idf=False``.
    norm : {"usual", "l2", "none"}
        Whether rows are brought to length 1: see `tfidf`.

    Attributes
    ----------
    vocabulary_ : Vocabulary
        The words of the columns.
    idf_ : (V,) array of float64
        The weight of each word.

    Examples
    --------
    >>> texts = ["the cat", "the dog", "the dog barked"]
    >>> Tfidf(variant="textbook").fit_transform(texts).toarray().round(3)
    array([[0.   , 1.099, 0.   , 0.   ],
           [0.   , 0.   , 0.405, 0.   ],
           [1.099, 0.   , 0.405, 0.   ]])
    """

    variant: TfidfVariant = "smooth"
    norm: Norm = "usual"
    idf_: Floats = field(init=False, repr=False, compare=False)

    def fit(self, texts: Iterable[str]) -> Self:
        """Learn the words and their document frequencies; see `BagOfWords.fit`."""
        X = self._learn_counts(texts)
        self.idf_ = idf(document_frequency(X), X.shape[0], self.variant)
        return self

    def transform(self, texts: Iterable[str]) -> csr_matrix:
        """Weigh the known words of each document; see `BagOfWords.transform`."""
        _require(self, "idf_")
        return tfidf(self._count(texts), self.variant, norm=self.norm, weights=self.idf_)

    def fit_transform(self, texts: Iterable[str]) -> csr_matrix:
        """Fit, then transform, the same texts; see `BagOfWords.fit_transform`."""
        X = self._learn_counts(texts)
        self.idf_ = idf(document_frequency(X), X.shape[0], self.variant)
        return tfidf(X, self.variant, norm=self.norm, weights=self.idf_)


@dataclass(kw_only=True)
class BM25(BagOfWords):
    """Rank documents for a query by Okapi BM25.

    `fit` keeps the weights of the documents, `scores` sums them over the words of a query. All
    settings of `BagOfWords` can be given too, by keyword.

    Parameters
    ----------
    k1, b : float
        See `bm25`.
    variant : {"lucene", "robertson"}
        See the table at `bm25`.

    Attributes
    ----------
    vocabulary_ : Vocabulary
        The words of the columns.
    weights_ : (n, V) csr_matrix of float64
        The weight of each word in each fitted document.

    Examples
    --------
    >>> ranker = BM25().fit(["the cat sat", "the dog sat", "the dog barked at the cat"])
    >>> ranker.scores("cat").round(3)
    array([0.238, 0.   , 0.177])
    """

    k1: float = 1.2
    b: float = 0.75
    variant: Bm25Variant = "lucene"
    weights_: csr_matrix = field(init=False, repr=False, compare=False)

    def fit(self, texts: Iterable[str]) -> Self:
        """Weigh the documents to be searched; see `BagOfWords.fit`."""
        self.fit_transform(texts)
        return self

    def fit_transform(self, texts: Iterable[str]) -> csr_matrix:
        """Fit, and give the (n, V) weights of the documents; see `BagOfWords.fit_transform`."""
        X = self._learn_counts(texts)
        self._df, self._n = document_frequency(X), X.shape[0]
        self._mean_length = X.sum() / X.shape[0]
        self.weights_ = self._weigh(X)
        return self.weights_

    def transform(self, texts: Iterable[str]) -> csr_matrix:
        """Weigh new documents by what the fitted ones taught; see `BagOfWords.transform`."""
        _require(self, "weights_")
        return self._weigh(self._count(texts))

    def scores(self, query: str) -> Floats:
        """Score each fitted document for a query.

        Parameters
        ----------
        query : str
            A text like any other; a word that stands in it twice counts twice.

        Returns
        -------
        (n,) array of float64
            The higher, the better the document answers; 0 where it shares no word.

        Raises
        ------
        RuntimeError
            If nothing was fitted yet.
        """
        _require(self, "weights_")
        q = self._count([query])  # (1, V)
        return np.asarray((self.weights_ @ q.T).toarray(), dtype=np.float64).ravel()

    def _weigh(self, X: csr_matrix) -> csr_matrix:
        return bm25(
            X,
            k1=self.k1,
            b=self.b,
            variant=self.variant,
            df=self._df,
            n=self._n,
            mean_length=self._mean_length,
        )


def _require(model: BagOfWords, attribute: str) -> None:
    if not hasattr(model, attribute):
        raise RuntimeError(f"this {type(model).__name__} is not fitted yet: call fit(texts)")
