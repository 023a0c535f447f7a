"""The two live figures of chapter 3: what TF-IDF puts first, and how BM25 ranks.

The *term scale* weighs the words of five short passages, three of posts and two of news, while
the reader turns the knobs of TF-IDF. What a weight needs is little: the order of the passage's
words, the document frequency of each, and that of every pair of them, since a shuffled passage
has other bigrams. Those counts are made here from whole collections; the weights are computed in
``webassets/live/term-scale.js``, and a test holds them against `lib.counts.Tfidf`.

The *news search* ranks articles by BM25 inside the page. Its index (words, counts, titles, never
a text) is too large for a notebook, so `news_index` makes it when the site is built, and the page
loads it when a reader asks for it. ``webassets/live/news-search.js`` computes the scores, and a
test holds them against `lib.counts.BM25`.
"""

from __future__ import annotations

import csv
import gzip
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lib._fetch import DATA
from lib.counts import BM25, BagOfWords, Floats, Tfidf, TfidfVariant, document_frequency, idf, tfidf
from lib.data import Articles, DataError, TextSet, load
from lib.live import LiveFigure, Table, compact
from lib.text import tokenize

logger = logging.getLogger(__name__)

Tags = dict[tuple[str, str], tuple[str, str]]

# --- the term scale -----------------------------------------------------------------------------

MARKS: Final = ("typo", "name", "number", "other")
"""What a rare word can be: see ``data/own/rare-words.md``."""


@dataclass(frozen=True)
class Passage:
    """A few dozen words of one document of a collection.

    Parameters
    ----------
    key : str
        How the address of the page calls it.
    title : str
        Our words for what it is about.
    collection : {"posts", "news"}
        Where its document frequencies are counted.
    number : int
        Which document of the collection.
    start, stop : int
        The tokens ``start`` to ``stop - 1`` of the document. A signature, with the name and the
        address of whoever wrote it, stays outside.
    choices : three words of it
        Which of them weighs most, the figure asks.
    """

    key: str
    title: str
    collection: str
    number: int
    start: int
    stop: int
    choices: tuple[str, str, str]


PASSAGES: Final = (
    Passage("trade", "A disk for trade", "posts", 3906, 0, 90, ("stereo", "electornic", "sega")),
    Passage("clock", "A faster clock", "posts", 2736, 0, 95, ("mhz", "clock", "vidio")),
    Passage(
        "tank",
        "A tank under pressure",
        "posts",
        8368,
        1,
        62,
        ("geometry", "facinated", "pressurized"),
    ),
    Passage("carbon", "A very stiff carbon", "news", 2647, 0, 70, ("diamond", "the", "crystal")),
    Passage(
        "ansat", "Helicopters for sale", "news", 3731, 0, 72, ("ka", "helicopters", "rotocraft")
    ),
)
COLLECTIONS: Final = {
    "posts": ("20 Newsgroups, training part", "posts", "post"),
    "news": ("the news articles", "articles", "article"),
}
TABLE_TERMS: Final = 12


@cache
def rare_words() -> Tags:
    """Read what the rare words of the passages are, as we judged them by hand.

    Returns
    -------
    dict from (passage, word) to (mark, meant)
        The mark is one of `MARKS`; ``meant`` is how a misspelled word is spelled, else empty.

    Raises
    ------
    ValueError
        If a mark is unknown.

    Examples
    --------
    >>> rare_words()["trade", "woffers"]
    ('typo', 'woofers')
    """
    text = (DATA / "own" / "rare-words.csv").read_text(encoding="utf-8")
    tags = {
        (row["passage"], row["word"]): (row["mark"], row["meant"])
        for row in csv.DictReader(text.splitlines())
    }
    for (passage, word), (mark, _) in tags.items():
        if mark not in MARKS:
            raise ValueError(f"{passage}, {word}: the mark {mark!r} is none of {', '.join(MARKS)}")
    return tags


def passage_terms(passages: Sequence[Passage], texts: Sequence[str]) -> list[dict[str, Any]]:
    """Count what the weights of some passages need, in their whole collection.

    Parameters
    ----------
    passages : sequence of Passage
        Where to cut.
    texts : sequence of str
        The collection, read once.

    Returns
    -------
    list of dict
        For each passage ``words``: the distinct words, alphabetical; ``order``: the passage as
        numbers of words; ``df``: the document frequency of each word; ``pairs``: flat triples
        (first word, second word, document frequency) of each pair of them that stands side by
        side in some document.

    Examples
    --------
    >>> small = Passage("toy", "A toy", "posts", 0, 0, 3, ("the", "cat", "sat"))
    >>> [terms] = passage_terms([small], ["The cat sat down", "the cat", "sat"])
    >>> terms["words"], terms["order"], terms["df"], terms["pairs"]
    (['cat', 'sat', 'the'], [2, 0, 1], [2, 2, 2], [0, 1, 1, 2, 0, 2])
    """
    cuts = [tokenize(texts[p.number])[p.start : p.stop] for p in passages]
    wanted = {term for cut in cuts for term in (*cut, *map(" ".join, product(set(cut), repeat=2)))}
    terms = sorted(wanted)
    counter = BagOfWords(ngram_range=(1, 2), vocabulary=terms)
    counted = document_frequency(counter.transform(texts)).tolist()
    df: dict[str, int] = dict(zip(terms, counted, strict=True))
    return [_cut_terms(cut, df) for cut in cuts]


def _cut_terms(cut: Sequence[str], df: Mapping[str, int]) -> dict[str, Any]:
    """Pick from all frequencies those of one passage."""
    words = sorted(set(cut))
    pairs = [
        (i, j, df[f"{first} {second}"])
        for (i, first), (j, second) in product(enumerate(words), repeat=2)
    ]
    return {
        "words": words,
        "order": [words.index(token) for token in cut],
        "df": [df[word] for word in words],
        "pairs": [value for triple in pairs if triple[2] for value in triple],
    }


def term_scale(posts: TextSet, articles: Articles) -> LiveFigure:
    """Make the live figure *term scale*: the terms of a passage by their TF-IDF weight.

    Parameters
    ----------
    posts : TextSet
        20 Newsgroups; its training part is counted.
    articles : Articles
        The news.

    Returns
    -------
    LiveFigure
        Its table ranks the terms of the first passage under two variants.
    """
    texts = {"posts": posts.train.texts, "news": articles.texts}
    marks = rare_words()
    counted = {
        key: iter(passage_terms([p for p in PASSAGES if p.collection == key], texts[key]))
        for key in COLLECTIONS
    }
    documents = [
        {
            "key": passage.key,
            "title": passage.title,
            "collection": passage.collection,
            "choices": list(passage.choices),
            "marks": {word: list(marks[key, word]) for key, word in marks if key == passage.key},
            **next(counted[passage.collection]),
        }
        for passage in PASSAGES
    ]
    collections = {
        key: {"label": label, "many": many, "one": one, "n": len(texts[key])}
        for key, (label, many, one) in COLLECTIONS.items()
    }
    return LiveFigure(
        name="term-scale",
        title="What TF-IDF puts first",
        summary="Guess which of three words weighs most, then change the variant, the length and "
        "the thresholds, count pairs of neighbours, shuffle the words, and watch the terms move.",
        data={"collections": collections, "documents": documents},
        table=term_table(documents[0], collections),
    )


def term_table(document: Mapping[str, Any], collections: Mapping[str, Any]) -> Table:
    """Rank the terms of a passage under two variants, for readers without scripts.

    Parameters
    ----------
    document, collections : dict
        As `term_scale` puts them into its data.

    Returns
    -------
    Table
        The `TABLE_TERMS` heaviest terms of the smooth variant, the alphabet settling ties.
    """
    place = collections[document["collection"]]
    X = csr_matrix(np.bincount(document["order"], minlength=len(document["words"])))

    def weights(variant: TfidfVariant) -> NDArray[np.float64]:
        weighed = tfidf(X, variant, weights=idf(document["df"], place["n"], variant))
        return np.asarray(weighed.toarray(), dtype=np.float64).ravel()

    smooth, textbook = weights("smooth"), weights("textbook")
    counts = X.toarray().ravel()
    heaviest = np.argsort(-smooth, kind="stable")[:TABLE_TERMS]
    rows = [
        (
            document["words"][i],
            int(counts[i]),
            document["df"][i],
            float(smooth[i]),
            float(textbook[i]),
            document["marks"].get(document["words"][i], [""])[0],
        )
        for i in heaviest
    ]
    header = (
        f"term of “{document['title']}”",
        "times here",
        f"{place['many']} with it, of {place['n']:,}",
        "smooth, length 1",
        "textbook",
        "rare word",
    )
    return Table(header, rows)


# --- the news search ----------------------------------------------------------------------------

EVERY: Final = 3
"""The index holds every third article: a third of the weight, and no text is cut."""

LONGEST: Final = 100  # letters of a title that is shown

LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
"""The 64 digits of the packed numbers."""

QUESTIONS: Final = (  # (query, the titles of the two articles that compete begin like this)
    ("prison escape", ("Lawyer claims US never", "Prison smuggler:")),
    ("football", ("Official expects BBC documentary", "Opinion: This is not Echte Liebe")),
    ("electric car battery", ("Mom's Viral Post Offers", "Mining a rich urban resource")),
)
QUERIES: Final = ("prison escape", "self driving cars", "football")
TOP: Final = 3


def searchable(articles: Articles) -> list[str]:
    r"""Give the texts that the page searches: title and text of every third article.

    Parameters
    ----------
    articles : Articles
        The news.

    Returns
    -------
    list of str
        A document each.

    Examples
    --------
    >>> searchable(Articles("toy", ["A", "B", "C", "D"], ["one", "two", "three", "four"]))
    ['A\none', 'D\nfour']
    """
    pairs = list(zip(articles.titles, articles.texts, strict=True))
    return [f"{title}\n{text}" for title, text in pairs[::EVERY]]


def shown_titles(articles: Articles) -> list[str]:
    """Name the articles that the page searches; one without a title by its first words.

    Replacement characters, the scars of a broken encoding, are left out; a name of more than
    `LONGEST` letters is cut.

    Parameters
    ----------
    articles : Articles
        The news.

    Returns
    -------
    list of str
        A line each.

    Examples
    --------
    >>> shown_titles(Articles("toy", [""], ["one two three four five six seven"]))
    ['Untitled: one two three four five six …']
    """

    def name(title: str, text: str) -> str:
        said = title.strip() or f"Untitled: {' '.join(text.split()[:6])} …"
        said = " ".join(said.replace("\ufffd", "").split())
        return said if len(said) <= LONGEST else said[:LONGEST].rsplit(" ", 1)[0] + " …"

    pairs = list(zip(articles.titles, articles.texts, strict=True))
    return [name(title, text) for title, text in pairs[::EVERY]]


def packed(number: int) -> str:
    """Write a number that is not negative in letters, five bits in each.

    The sixth bit of a letter says that more follow; the lowest five bits come first. Small
    numbers, and nearly all are small, take one letter.

    Parameters
    ----------
    number : int
        At least 0.

    Returns
    -------
    str
        One letter for numbers up to 31, two up to 1,023, and so on.

    Examples
    --------
    >>> packed(0), packed(31), packed(32), packed(1024)
    ('A', 'f', 'gB', 'ggB')
    """
    digits = ""
    while number > 31:
        digits += LETTERS[32 | (number & 31)]
        number >>= 5
    return digits + LETTERS[number]


def packed_postings(documents: Iterable[int], counts: Iterable[int]) -> str:
    """Write where a word stands, and how often, as gaps between rising document numbers.

    A posting is the gap (how many documents were skipped) doubled when the word stands there
    once, which is the usual case; else doubled plus one, followed by the count less two.

    Parameters
    ----------
    documents : iterable of int
        The numbers of the documents that hold the word, rising.
    counts : iterable of int
        How often it stands in each.

    Returns
    -------
    str
        Letters, to be read from left to right.

    Examples
    --------
    >>> packed_postings([0, 3], [1, 5])     # gaps 0 and 2: 0 * 2; 2 * 2 + 1, 5 - 2
    'AFD'
    """
    text, following = [], 0
    for document, count in zip(documents, counts, strict=True):
        gap = int(document) - following
        following = int(document) + 1
        text.append(packed(2 * gap) if count == 1 else packed(2 * gap + 1) + packed(int(count) - 2))
    return "".join(text)


def front_coded(words: Iterable[str]) -> str:
    """Write sorted words so that what a word shares with the one before is not repeated.

    Parameters
    ----------
    words : iterable of str
        In alphabetical order.

    Returns
    -------
    str
        The words apart by blanks, each as one letter of `LETTERS` (how many of its letters it
        shares, at most 63) and the letters that differ.

    Examples
    --------
    >>> front_coded(["car", "care", "cat"])
    'Acar De Ct'
    """
    coded, before = [], ""
    for word in words:
        shared = 0
        while shared < min(len(word), len(before), 63) and word[shared] == before[shared]:
            shared += 1
        coded.append(LETTERS[shared] + word[shared:])
        before = word
    return " ".join(coded)


def search_index(articles: Articles) -> dict[str, Any]:
    """Make the index that the page searches: words, where they stand, titles. No text.

    Parameters
    ----------
    articles : Articles
        The news.

    Returns
    -------
    dict
        ``n``, the number of documents; ``words``, front-coded; ``postings``, those of each word
        in the same order; ``titles``.
    """
    bag = BagOfWords()
    X = bag.fit_transform(searchable(articles)).tocsc()  # (n, V), by columns
    X.sort_indices()
    ends = X.indptr
    postings = [
        packed_postings(X.indices[start:end], X.data[start:end]) for start, end in pairwise(ends)
    ]
    return {
        "n": X.shape[0],
        "words": front_coded(bag.vocabulary_.words),
        "postings": " ".join(postings),
        "titles": shown_titles(articles),
    }


def news_index() -> dict[str, Any] | None:
    """Make the index for the site; `lib.live.large` calls this when the site is built.

    Returns
    -------
    dict or None
        See `search_index`. None where the news were never fetched: the page then keeps its table
        and says that this copy has no index.
    """
    try:
        return search_index(load("news"))
    except DataError as error:
        logger.warning("the news search has no index on this site: %s", error)
        return None


class Rankings:
    """The searchable articles under BM25 and under the cosine of TF-IDF.

    Parameters
    ----------
    articles : Articles
        The news.

    Attributes
    ----------
    X : (n, V) csr_matrix
        Counts.
    bm25, tfidf : BM25, Tfidf
        Fitted on the searchable articles, with their usual settings.
    W : (n, V) csr_matrix
        The TF-IDF weights, rows of length 1.
    """

    def __init__(self, articles: Articles) -> None:
        texts = searchable(articles)
        self.titles = shown_titles(articles)
        self.bm25 = BM25().fit(texts)
        words = self.bm25.vocabulary_
        self.X = BagOfWords(vocabulary=words).transform(texts)
        self.tfidf = Tfidf(vocabulary=words)
        self.W = self.tfidf.fit_transform(texts)

    def scores(self, query: str) -> tuple[Floats, Floats]:
        """Score every article for a query.

        Parameters
        ----------
        query : str
            Any text; words that no article holds count for nothing.

        Returns
        -------
        bm25, cosine : (n,) arrays
            The cosine is that of the query's and the article's TF-IDF vectors.
        """
        q = self.tfidf.transform([query])
        cosine = np.asarray((self.W @ q.T).toarray(), dtype=np.float64).ravel()
        return self.bm25.scores(query), cosine

    def question(self, query: str, beginnings: Sequence[str]) -> dict[str, Any]:
        """Describe two articles that compete for a query, without saying which wins.

        Parameters
        ----------
        query : str
            Words of the articles.
        beginnings : sequence of str
            How the titles of the articles begin.

        Returns
        -------
        dict
            The ``query``, its ``words`` with their ``df``, and the two ``articles``: title,
            ``length`` in words, ``tf`` of each word of the query, ``cosine`` under TF-IDF.

        Raises
        ------
        ValueError
            If no title, or more than one, begins so.
        """
        words = tokenize(query)
        columns = [self.bm25.vocabulary_.index[word] for word in words]
        _, cosine = self.scores(query)
        articles = []
        for beginning in beginnings:
            found = [i for i, title in enumerate(self.titles) if title.startswith(beginning)]
            if len(found) != 1:
                raise ValueError(f"{len(found)} titles begin with {beginning!r}, one is needed")
            row = self.X[found[0]]
            articles.append(
                {
                    "title": self.titles[found[0]],
                    "length": int(row.sum()),
                    "tf": row[:, columns].toarray().ravel().tolist(),
                    "cosine": float(cosine[found[0]]),
                }
            )
        df = document_frequency(self.X)[columns]
        return {"query": query, "words": words, "df": df.tolist(), "articles": articles}


def news_search(articles: Articles) -> LiveFigure:
    """Make the live figure *news search*: BM25 over the news, with its reasons.

    Parameters
    ----------
    articles : Articles
        The news.

    Returns
    -------
    LiveFigure
        Its data hold the questions that come first; the index is `news_index`. Its table shows
        the first articles for three queries.
    """
    rankings = Rankings(articles)
    index = compact(search_index(articles)).encode()
    return LiveFigure(
        name="news-search",
        title="Search the news with BM25",
        summary="Guess which of two articles ranks first, then search: each score comes with the "
        "words that made it, beside the ranking by the cosine of TF-IDF.",
        data={
            "n": len(rankings.titles),
            "of": len(articles.texts),
            "words": int(rankings.X.sum()),
            "vocabulary": len(rankings.bm25.vocabulary_),
            "megabytes": round(len(index) / 1e6, 1),
            "packed": round(len(gzip.compress(index, mtime=0)) / 1e6, 1),
            "questions": [rankings.question(*question) for question in QUESTIONS],
        },
        table=search_table(rankings, QUERIES),
    )


def search_table(rankings: Rankings, queries: Sequence[str]) -> Table:
    """Put the first articles under BM25 and under TF-IDF side by side.

    Parameters
    ----------
    rankings : Rankings
        The articles.
    queries : sequence of str
        What is asked.

    Returns
    -------
    Table
        `TOP` rows a query; of equal scores the earlier article comes first.
    """
    rows = []
    for query in queries:
        for place in range(TOP):
            row: list[str | float] = [f"{query}, {place + 1}"]
            for scores in rankings.scores(query):
                best = np.argsort(-scores, kind="stable")[place]
                row += [rankings.titles[best], float(scores[best])]
            rows.append(row)
    header = ("query, place", "BM25", "score", "TF-IDF", "cosine")
    return Table(header, rows)
