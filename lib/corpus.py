"""One corpus for every word model of the book: word numbers, and where each document begins.

Chapters 4 to 8 race methods against each other, and a race is fair only on the same text.
:func:`load_corpus` joins eight sources, cuts them into words, gives each word that occurs five
times or more a number, and keeps the result in the data cache, since it takes about ten seconds.
The test text of 20 Newsgroups and Reuters stays out, with everything that repeats it, so that
vectors trained here may be used to classify it.

What the sources share decides how words are cut: some are lower-cased and have letters only, so
all are brought to that. A word is a run of letters; digits and punctuation only separate.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib import _fetch, data
from lib.data import Store, load
from lib.text import Vocabulary

Log: TypeAlias = Callable[[str], object]
Ints: TypeAlias = NDArray[np.int64]

LETTERS = r"[^\W\d_]+"
"""One letter or more in a row, of any alphabet."""

RUN = 8
"""Documents are compared with the test text by their runs of so many words."""

OVERLAP = 0.5
"""A document of which this share of runs stands in the test text counts as test text."""

SOURCES = (
    "20newsgroups",
    "r52",
    "news",
    "friends",
    "grimm",
    "excerpts",
    "wikipedia",
    "lee-background",
)
"""What is joined: of 20 Newsgroups and R52 only the training part."""

KEPT = 3
"""So many files stay in the cache: those who work on two versions of the book want two."""

WITHHELD = ("20newsgroups", "r52", "r8")
"""Their test parts stay out. R8 and R52 are cut from the same newswire."""


@dataclass(frozen=True)
class Source:
    """Where documents come from, and what of them was left out."""

    name: str
    repeats: int = 0  # documents left out, since they repeat test text
    repeated_tokens: int = 0  # the tokens of those documents
    rare_tokens: int = 0  # tokens left out of the other documents, since their word is rare


class Facts(NamedTuple):
    """How much text a source gives."""

    source: str
    documents: int
    tokens: int
    types: int


@dataclass(frozen=True, eq=False)
class Corpus:
    """Documents as word numbers, one after the other in one long array.

    Words outside the vocabulary are not there at all: their neighbours stand next to each other,
    as in the programs of Word2Vec and GloVe.

    Parameters
    ----------
    vocabulary : Vocabulary
        V words, the most frequent first.
    ids : (n,) array of int32
        The word of each token.
    starts : (D + 1,) array of int64
        Document d is ``ids[starts[d]:starts[d + 1]]``; so the first is 0 and the last is n.
    sources : tuple of Source
        Where documents come from; may be empty.
    source : (D,) array of int8
        Which of `sources` each document comes from; empty if there are none.

    Raises
    ------
    ValueError
        If `starts` does not run from 0 up to n, an id is no word, or `source` does not fit.

    Examples
    --------
    >>> corpus = Corpus.from_documents([["the", "cat", "sat"], ["the", "dog"]])
    >>> corpus.ids, corpus.starts
    (array([0, 1, 3, 0, 2], dtype=int32), array([0, 3, 5]))
    >>> corpus.counts
    array([2, 1, 1, 1])
    >>> corpus.vocabulary.decode(corpus.document(1))
    ['the', 'dog']
    """

    vocabulary: Vocabulary
    ids: NDArray[np.int32]
    starts: Ints
    sources: tuple[Source, ...] = ()
    source: NDArray[np.int8] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", np.ascontiguousarray(self.ids, dtype=np.int32))
        object.__setattr__(self, "starts", np.ascontiguousarray(self.starts, dtype=np.int64))
        # Compiled loops trust these numbers without looking, so they are looked at here.
        n, starts = len(self.ids), self.starts
        if not len(starts) or starts[0] != 0 or starts[-1] != n or (np.diff(starts) < 0).any():
            raise ValueError(f"starts must rise from 0 to the number of tokens, {n:,}")
        if n and not 0 <= self.ids.min() <= self.ids.max() < len(self.vocabulary):
            raise ValueError(
                f"ids run from {self.ids.min()} to {self.ids.max()}, but the vocabulary has "
                f"{len(self.vocabulary):,} words"
            )
        if self.source is not None and self.source.shape != (len(self),):
            raise ValueError(f"{len(self):,} documents need one source each")

    @classmethod
    def from_documents(
        cls, documents: Iterable[Iterable[str]], *, min_count: int = 1, name: str = "corpus"
    ) -> Corpus:
        """Take documents that are cut into words; those rarer than `min_count` are left out."""
        tokens = [list(document) for document in documents]
        vocabulary = Vocabulary.from_documents(tokens, min_count=min_count, name=name)
        ids = [vocabulary.encode(document, skip_unknown=True) for document in tokens]
        return cls(vocabulary, _join(ids), _starts([len(document) for document in ids]))

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self.starts) - 1

    @property
    def tokens(self) -> int:
        """How many tokens there are."""
        return len(self.ids)

    @cached_property
    def counts(self) -> Ints:
        """How often each word of the vocabulary occurs: (V,); in a part of a corpus perhaps 0."""
        return np.bincount(self.ids, minlength=len(self.vocabulary))

    def document(self, d: int) -> NDArray[np.int32]:
        """Return the word numbers of document `d`, counted from 0."""
        if not 0 <= d < len(self):
            raise IndexError(f"there is no document {d}: they run from 0 to {len(self) - 1:,}")
        return self.ids[self.starts[d] : self.starts[d + 1]]

    def documents(self) -> Iterator[NDArray[np.int32]]:
        """Go through the documents."""
        return (self.document(d) for d in range(len(self)))

    def head(self, tokens: int) -> Corpus:
        """Keep the first `tokens` tokens, under the same vocabulary; the last document is cut.

        The documents of :func:`load_corpus` come in random order, so this is a fair sample.

        Raises
        ------
        ValueError
            If there are fewer tokens than that, or none is asked for.

        Examples
        --------
        >>> corpus = Corpus.from_documents([["a", "b", "a"], ["b", "c"], ["d"]])
        >>> part = corpus.head(4)
        >>> part.starts, part.counts
        (array([0, 3, 4]), array([2, 2, 0, 0]))
        """
        if not 1 <= tokens <= self.tokens:
            raise ValueError(f"the corpus has 1 to {self.tokens:,} tokens to give, not {tokens:,}")
        whole = int(np.searchsorted(self.starts, tokens))  # documents that begin before the cut
        source = None if self.source is None else self.source[:whole]
        starts = np.append(self.starts[:whole], tokens)
        return replace(self, ids=self.ids[:tokens], starts=starts, source=source)

    def keep(self, chosen: NDArray[np.bool_]) -> Corpus:
        """Keep the chosen tokens, under the same vocabulary; their neighbours move together.

        This is how Word2Vec thins out frequent words before it looks for contexts.

        Parameters
        ----------
        chosen : (n,) array of bool
            Which tokens to keep.

        Raises
        ------
        ValueError
            If there is not one answer a token.

        Examples
        --------
        >>> corpus = Corpus.from_documents([["the", "cat", "the"], ["the", "dog"]])
        >>> part = corpus.keep(corpus.ids != 0)  # without "the"
        >>> part.vocabulary.decode(part.ids), part.starts
        (['cat', 'dog'], array([0, 1, 2]))
        """
        if chosen.shape != self.ids.shape or chosen.dtype != np.bool_:
            raise ValueError(f"say True or False for each of the {self.tokens:,} tokens")
        before = np.append(0, np.cumsum(chosen))  # how many are kept before each place
        return replace(self, ids=self.ids[chosen], starts=before[self.starts])

    def facts(self) -> list[Facts]:
        """Count documents, tokens and types of each source, and of all together at the end."""
        lengths = np.diff(self.starts)
        rows = []
        for number, source in enumerate(self.sources):
            mine = self.source == number  # (D,)
            types = len(np.unique(self.ids[np.repeat(mine, lengths)]))
            rows.append(Facts(source.name, int(np.sum(mine)), int(lengths[mine].sum()), types))
        return [*rows, Facts("all", len(self), self.tokens, int(np.sum(self.counts > 0)))]


def _join(parts: Sequence[NDArray[np.integer[Any]]]) -> NDArray[np.int32]:
    return np.concatenate([np.empty(0, np.int64), *parts]).astype(np.int32)


def _starts(lengths: ArrayLike) -> Ints:
    return np.append(0, np.cumsum(np.asarray(lengths, dtype=np.int64)))


# Cutting into chunks --------------------------------------------------------------------------


def cut_chunks(corpus: Corpus, k: int) -> Corpus:
    """Cut documents into pieces of k tokens, each from now on a document; the order stays.

    The control for :func:`shuffle_chunks`: a window sees as little of its true neighbourhood,
    but no false neighbours.

    Parameters
    ----------
    corpus : Corpus
        Any corpus.
    k : int
        Tokens a chunk, at least 1; the last chunk of a document may be shorter.

    Examples
    --------
    >>> corpus = Corpus.from_documents([["a", "b", "c", "d", "e"], ["a", "b"]])
    >>> cut_chunks(corpus, 2).starts
    array([0, 2, 4, 5, 7])
    """
    begins, _, owners = _chunks(corpus, k)
    source = None if corpus.source is None else corpus.source[owners]
    return replace(corpus, starts=np.append(begins, corpus.tokens), source=source)


def shuffle_chunks(
    corpus: Corpus,
    k: int,
    rng: np.random.Generator,
    *,
    within: Literal["document", "corpus"] = "corpus",
) -> Corpus:
    """Shuffle chunks of k tokens: what lies further apart than a chunk loses its order.

    Parameters
    ----------
    corpus : Corpus
        Any corpus.
    k : int
        Tokens a chunk, at least 1; the last chunk of a document may be shorter.
    rng : numpy.random.Generator
        Decides on the order.
    within : {"corpus", "document"}
        Whether a chunk may move to another document, which destroys its topic too, or not. Every
        document gets as many chunks as it had, so no chunk is torn; its length may change, and
        where it comes from is forgotten.

    Returns
    -------
    Corpus
        With the same tokens, as often as before.

    Examples
    --------
    >>> corpus = Corpus.from_documents([["a", "b", "c", "d"]])
    >>> shuffled = shuffle_chunks(corpus, 2, np.random.default_rng(3))
    >>> shuffled.vocabulary.decode(shuffled.ids)
    ['c', 'd', 'a', 'b']
    """
    if within not in ("corpus", "document"):
        raise ValueError(f"within = {within!r}: say 'corpus' or 'document'")
    begins, lengths, owners = _chunks(corpus, k)
    if within == "corpus":
        order = rng.permutation(len(begins))
    else:
        order = np.lexsort((rng.random(len(begins)), owners))  # owners first, then by lot
    lengths = lengths[order]
    # Token i of the result is number i - (start of its chunk there) of its chunk here.
    ends = np.cumsum(lengths)
    places = np.repeat(begins[order] - (ends - lengths), lengths) + np.arange(corpus.tokens)
    per_document = np.bincount(owners, lengths, minlength=len(corpus))
    moved = replace(corpus, ids=corpus.ids[places], starts=_starts(per_document))
    return moved if within == "document" else replace(moved, sources=(), source=None)


def _chunks(corpus: Corpus, k: int) -> tuple[Ints, Ints, Ints]:
    """Begin, length and document of every chunk."""
    if k < 1:
        raise ValueError(f"k = {k}, but a chunk has at least 1 token")
    per_document = -(-np.diff(corpus.starts) // k)  # rounded up
    owners = np.repeat(np.arange(len(corpus)), per_document)
    first = np.cumsum(per_document) - per_document  # a document's first chunk
    number = np.arange(len(owners)) - first[owners]  # of the chunk in its document
    begins = corpus.starts[owners] + k * number
    return begins, np.minimum(k, corpus.starts[owners + 1] - begins), owners


# Building -------------------------------------------------------------------------------------


def build_corpus(
    sources: Mapping[str, Iterable[str]],
    withheld: Iterable[str] = (),
    *,
    rng: np.random.Generator,
    min_count: int = 5,
    log: Log | None = None,
) -> Corpus:
    """Join texts to a corpus, without those that repeat what must not be seen.

    A text is left out when at least half of its runs of eight words stand somewhere in the
    withheld texts (a text of fewer than eight words is one run). That catches copies, reprints
    with small changes, and posts that are little but a quotation of a withheld one.

    Parameters
    ----------
    sources : mapping from str to iterable of str
        The texts of each source.
    withheld : iterable of str
        Texts that a later experiment will test on.
    rng : numpy.random.Generator
        Puts the documents in random order: otherwise training would see one source after the
        other, and the first million tokens would all be news.
    min_count : int
        Rarer words are left out.
    log : callable, optional
        Is told in a few words what has been done.

    Returns
    -------
    Corpus
        Texts of which nothing is left are no documents.

    Examples
    --------
    >>> corpus = build_corpus({"toy": ["The cat sat.", "A dog!", "It's a cat."]}, ["a dog"],
    ...                       rng=np.random.default_rng(0), min_count=1)
    >>> corpus.tokens, corpus.sources[0].repeats
    (7, 1)
    """
    say = log or (lambda message: None)
    numbers = _numbers()
    hidden = np.sort(_runs(*_number(withheld, numbers))[0])
    tokens, source, kept = [], [], []
    for s, (name, texts) in enumerate(sources.items()):
        flat, lengths = _number(texts, numbers)
        repeats = _shares(flat, lengths, hidden) >= OVERLAP  # (documents,)
        tokens += [
            part for part, out in zip(_split(flat, lengths), repeats, strict=True) if not out
        ]
        source += [s] * int(np.sum(~repeats))
        kept.append(Source(name, int(repeats.sum()), int(lengths[repeats].sum())))
        say(f"{name}: {len(lengths):,} documents, {len(flat):,} tokens, {repeats.sum():,} left out")
    flat, lengths = _join(tokens), np.array([len(part) for part in tokens], dtype=np.int64)
    vocabulary, renumber = _vocabulary(numbers, flat, min_count)
    flat = renumber[flat]
    rare = np.bincount(np.repeat(source, lengths), flat < 0, minlength=len(kept))
    kept = [replace(one, rare_tokens=int(n)) for one, n in zip(kept, rare, strict=True)]
    documents = [part[part >= 0] for part in _split(flat, lengths)]
    order = [d for d in rng.permutation(len(documents)) if len(documents[d])]
    return Corpus(
        vocabulary,
        _join([documents[d] for d in order]),
        _starts([len(documents[d]) for d in order]),
        tuple(kept),
        np.array([source[d] for d in order], dtype=np.int8),
    )


def _number(texts: Iterable[str], numbers: dict[str, int]) -> tuple[NDArray[np.int32], Ints]:
    """Turn texts into word numbers (n,) and lengths (D,); a new word takes the next number."""
    words = re.compile(LETTERS).findall
    number = numbers.__getitem__  # which gives a number to a word that has none
    parts = [np.fromiter(map(number, words(one.lower())), np.int32) for one in texts]
    return _join(parts), np.array([len(part) for part in parts], dtype=np.int64)


def _numbers() -> dict[str, int]:
    """Return a dictionary that numbers its keys in the order in which they are asked for."""
    numbers: defaultdict[str, int] = defaultdict()
    numbers.default_factory = numbers.__len__
    return numbers


def _split(flat: NDArray[np.int32], lengths: Ints) -> list[NDArray[np.int32]]:
    ends = np.cumsum(lengths)
    return [flat[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def _runs(flat: NDArray[np.int32], lengths: Ints) -> tuple[NDArray[np.uint64], Ints]:
    """Hash every run of eight words within a document, and name the document of each.

    A shorter document is one run: it is filled up with a word that does not exist.
    """
    padded = np.maximum(lengths, RUN)
    ends = np.cumsum(padded)
    words = np.full(int(padded.sum()), -1, dtype=np.int64)
    words[np.repeat(ends - padded - _starts(lengths)[:-1], lengths) + np.arange(len(flat))] = flat
    owners = np.repeat(np.arange(len(lengths)), padded - RUN + 1)
    first = np.repeat(np.cumsum(padded - RUN + 1) - (padded - RUN + 1), padded - RUN + 1)
    begins = (ends - padded)[owners] + np.arange(len(owners)) - first
    runs = np.zeros(len(begins), dtype=np.uint64)
    mixed = words.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)  # wraps around, as meant
    for i in range(RUN):
        runs = (runs ^ mixed[begins + i]) * np.uint64(0xD6E8FEB86659FD93)
        runs ^= runs >> np.uint64(32)
    return runs, owners


def _shares(
    flat: NDArray[np.int32], lengths: Ints, hidden: NDArray[np.uint64]
) -> NDArray[np.float64]:
    """Which share of each document's runs is among the hidden ones: (D,); 0 without words."""
    runs, owners = _runs(flat, lengths)
    # A table over the first bits of a hash sends most runs away; only the rest are looked up.
    bits = np.uint64(64 - 24)
    table = np.zeros(1 << 24, dtype=np.bool_)
    table[hidden >> bits] = True
    found = table[runs >> bits]  # (runs,)
    if len(hidden):
        places = np.searchsorted(hidden, runs[found])
        found[found] = hidden[np.minimum(places, len(hidden) - 1)] == runs[found]
    hits = np.bincount(owners, found, minlength=len(lengths))
    shares: NDArray[np.float64] = hits / np.bincount(owners, minlength=len(lengths))
    return np.where(lengths > 0, shares, 0.0)


def _vocabulary(
    numbers: dict[str, int], flat: NDArray[np.int32], min_count: int
) -> tuple[Vocabulary, NDArray[np.int32]]:
    """Order words by falling count, then by alphabet; and map old numbers to new, rare to -1."""
    words = list(numbers)
    counts = np.bincount(flat, minlength=len(words))
    enough = [n for n in range(len(words)) if counts[n] >= min_count]
    enough.sort(key=lambda n: (-counts[n], words[n]))
    renumber = np.full(len(words), -1, dtype=np.int32)
    renumber[enough] = np.arange(len(enough))
    return Vocabulary([words[n] for n in enough], name="corpus"), renumber


# Loading --------------------------------------------------------------------------------------


def load_corpus(
    *, min_count: int = 5, store: Store | None = None, log: Log | None = None
) -> Corpus:
    """Return the book's corpus, from the cache or, the first time, built from its sources.

    The cached file carries a checksum of its content, and its name a fingerprint of the sources,
    the settings and the code: what does not fit is built anew, never used.

    Parameters
    ----------
    min_count : int
        Rarer words are left out. The book's models all use the default.
    store : Store, optional
        Another cache or other origins than those of the environment.
    log : callable, optional
        Is told what is being done, such as ``print``.

    Returns
    -------
    Corpus
        Documents in one fixed random order. An episode of the transcripts is one document, with
        its lines in their order; the titles of the news articles are not in it.

    Raises
    ------
    DataError
        If a source is missing and cannot be fetched.
    """
    say = log or (lambda message: None)
    store = Store.from_environment() if store is None else store
    key = fingerprint(store, min_count)
    path = store.cache / "corpus" / f"min-count-{min_count}-{key[:16]}.bin"
    corpus = _read(path)
    if corpus is None:
        say(f"{path.name} is {'damaged' if path.exists() else 'missing'}: building the corpus")
        test = (one for name in WITHHELD for one in _test_texts(name, store))
        sources = {name: _texts(name, store) for name in SOURCES}
        rng = np.random.default_rng(0)
        corpus = build_corpus(sources, test, rng=rng, min_count=min_count, log=log)
        try:
            _write(path, corpus)
        except OSError as error:  # a full disk or a read-only folder: slower next time, no harm
            say(f"the corpus could not be kept in {path.parent}: {error.strerror or error}")
    return corpus


def fingerprint(store: Store, min_count: int) -> str:
    """Name all that decides on the corpus in 64 digits: sources, settings, code, libraries."""
    code = [Path(file).read_text("utf-8") for file in (__file__, str(data.__file__))]
    members = [
        member.sha256 for name in {*SOURCES, *WITHHELD} for member in store.sets[name].members
    ]
    facts = [sorted(members), code, min_count, version("gensim"), unicodedata.unidata_version]
    return hashlib.sha256(json.dumps(facts).encode("utf-8")).hexdigest()


def _texts(name: str, store: Store) -> list[str]:
    """Return the training texts of one source, one document each."""
    if name in ("20newsgroups", "r52"):
        return load(name, store=store).train.texts  # type: ignore[call-overload,no-any-return]
    if name == "friends":
        dialogue = load("friends", store=store)
        episodes: dict[str, list[str]] = {}
        for episode, line in zip(dialogue.episodes, dialogue.texts, strict=True):
            episodes.setdefault(episode, []).append(line)
        return ["\n".join(lines) for lines in episodes.values()]
    if name == "wikipedia":
        from gensim.corpora.wikicorpus import filter_wiki  # slow to import, seldom needed

        return [filter_wiki(markup) for markup in load("wikipedia", store=store).markup]
    return load(name, store=store).texts  # type: ignore[call-overload,no-any-return]


def _test_texts(name: str, store: Store) -> list[str]:
    return load(name, store=store).test.texts  # type: ignore[call-overload,no-any-return]


def _write(path: Path, corpus: Corpus) -> None:
    """Write a corpus as its checksum and a NumPy archive, in one atomic step."""
    names = json.dumps([asdict(source) for source in corpus.sources]).encode("utf-8")
    words = "\n".join(corpus.vocabulary.words).encode("utf-8")
    buffer = io.BytesIO()
    np.savez(
        buffer,
        ids=corpus.ids,
        starts=corpus.starts,
        source=np.empty(0, np.int8) if corpus.source is None else corpus.source,
        sources=np.frombuffer(names, dtype=np.uint8),
        words=np.frombuffer(words, dtype=np.uint8),
    )
    content = buffer.getvalue()
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(hashlib.sha256(content).digest() + content)
        _fetch.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    settings = path.name.rpartition("-")[0]
    files = sorted(path.parent.glob(f"{settings}-*.bin"), key=lambda file: -file.stat().st_mtime_ns)
    for old in files[KEPT:]:  # of other sources or other code
        with suppress(OSError):
            old.unlink()


def _read(path: Path) -> Corpus | None:
    """Read what :func:`_write` wrote; None if it is missing or its checksum is wrong."""
    try:
        stored = path.read_bytes()
    except OSError:
        return None
    digest, content = stored[:32], stored[32:]
    if hashlib.sha256(content).digest() != digest:
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        parts = {name: archive[name] for name in archive.files}
    words = parts["words"].tobytes().decode("utf-8").split("\n")
    sources = tuple(Source(**entry) for entry in json.loads(parts["sources"].tobytes()))
    source = parts["source"] if sources else None
    return Corpus(Vocabulary(words, "corpus"), parts["ids"], parts["starts"], sources, source)
