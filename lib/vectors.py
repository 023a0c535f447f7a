"""Word vectors: look up, compare, solve analogies, and exchange with other programs.

A table of words and a matrix with a row for each. Where the rows come from, from counts, from
Word2Vec or GloVe, from a file, does not matter here: chapters 4 to 8 hold all of them to the same
questions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from lib.text import UnknownWord

Float32s: TypeAlias = NDArray[np.float32]
Method: TypeAlias = Literal["add", "mul", "only-b", "only-a*", "ignore-a", "opposite"]

EPSILON = 0.001
"""Keeps 3CosMul from dividing by zero (Levy & Goldberg 2014)."""

COEFFICIENTS: Mapping[str, tuple[int, int, int]] = {
    "add": (-1, 1, 1),
    "ignore-a": (0, 1, 1),
    "opposite": (1, -1, 1),
    "only-b": (0, 0, 1),
    "only-a*": (0, 1, 0),
}
"""What a, a* and b count in the vector whose nearest word is the answer (Linzen 2016, table 1)."""

BATCH = 256
"""So many questions are answered at once: their cosines with all words take the memory."""


def analogy_scores(given: Float32s, U: Float32s, method: Method = "add") -> Float32s:
    """Score every word as the answer to "a is to a* as b is to ?": (n, V).

    Parameters
    ----------
    given : (n, 3, d) array
        The vectors of a, a* and b for n questions, of length 1.
    U : (V, d) array
        The vectors of the candidates, of length 1.
    method : str
        "add" is the cosine with ``b - a + a*``, but for the length of that sum (3CosAdd, Mikolov,
        Yih & Zweig 2013); "mul" is ``cos(b) cos(a*) / (cos(a) + 0.001)`` with cosines moved to
        0..1 (3CosMul, Levy & Goldberg 2014). The others leave out what an analogy needs (Linzen
        2016): "only-b" is the cosine with b, "only-a*" that with a*, "ignore-a" adds ``a* + b``,
        "opposite" walks the wrong way, ``b + a - a*``.

    Raises
    ------
    ValueError
        If the method is unknown.

    Examples
    --------
    >>> given = np.array([[[1, 0], [0.8, 0.6], [0.6, 0.8]]])
    >>> analogy_scores(given, np.array([[1, 0], [0, 1]])).round(1)
    array([[0.4, 1.4]], dtype=float32)
    """
    if method == "mul":
        a, a_star, b = ((1 + given[:, i] @ U.T) / 2 for i in range(3))
        scores: NDArray[Any] = b * a_star / (a + np.float32(EPSILON))
    elif method in COEFFICIENTS:
        weights = np.array(COEFFICIENTS[method], dtype=given.dtype)
        scores = (weights @ given) @ U.T  # (3,) @ (n, 3, d) is (n, d)
    else:
        raise ValueError(f"method must be {', '.join(COEFFICIENTS)} or mul, not {method!r}")
    return scores.astype(np.float32, copy=False)


class WordTable(Protocol):
    """What word vectors come as: ``lib.data.load("glove-6b-50d")`` or :class:`Vectors`."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def words(self) -> Sequence[str]: ...  # noqa: D102
    @property
    def W(self) -> Float32s: ...  # noqa: D102


class Vectors:
    """Word vectors that can be looked up and compared.

    Parameters
    ----------
    words : sequence of str
        V different words.
    W : (V, d) array
        Their vectors; kept as float32.
    name : str
        For messages, such as "glove-6b-50d".

    Raises
    ------
    ValueError
        If there is not exactly one row a word, or a word stands twice.

    Examples
    --------
    >>> vectors = Vectors(["cat", "dog", "car"], [[1, 0], [0.8, 0.6], [0, 1]])
    >>> round(vectors.similarity("cat", "dog"), 2)
    0.8
    >>> [word for word, cosine in vectors.similar("cat", 2)]
    ['dog', 'car']
    """

    def __init__(self, words: Sequence[str], W: ArrayLike, name: str = "these vectors") -> None:
        self.words, self.name = words, name
        self.W: Float32s = np.asarray(W, dtype=np.float32)
        self.index = {word: i for i, word in enumerate(words)}
        if self.W.ndim != 2 or len(self.W) != len(words):
            raise ValueError(f"{name}: {len(words)} words need as many rows, got {self.W.shape}")
        if len(self.index) != len(words):
            twice = Counter(words).most_common(1)[0][0]
            raise ValueError(f"{name}: the word {twice!r} stands twice; keep one of its rows")
        norms = np.linalg.norm(self.W, axis=1)
        # (V,); a zero vector has cosine 0
        self._norms: Float32s = np.where(norms == 0, np.float32(1), norms)

    @classmethod
    def of(cls, table: WordTable) -> Vectors:
        """Take over a loaded table of word vectors, as in ``Vectors.of(load("glove-6b-50d"))``."""
        return cls(table.words, table.W, table.name)

    def __len__(self) -> int:
        return len(self.words)

    def __repr__(self) -> str:
        return f"Vectors({len(self):,} words, {self.W.shape[1]} dimensions, {self.name!r})"

    def __contains__(self, word: object) -> bool:
        return word in self.index

    def __getitem__(self, word: str) -> Float32s:
        """Vector (d,) of a word; an unknown one is a KeyError that names near spellings."""
        row: Float32s = self.W[self._number(word)]
        return row

    def _number(self, word: str) -> int:
        if word not in self.index:
            raise UnknownWord(word, self.words, self.name, "chapter 8 shows sub-word vectors")
        return self.index[word]

    # Near words -------------------------------------------------------------------------------

    def similarity(self, first: str, second: str) -> float:
        """Cosine of two words; 0 if a vector is all zeros.

        Raises
        ------
        KeyError
            If a word is unknown.
        """
        return float(_unit(self[first]) @ _unit(self[second]))

    def similar(
        self, query: str | ArrayLike, k: int = 10, *, exclude: Sequence[str] = ()
    ) -> list[tuple[str, float]]:
        """Find the ``k`` words with the highest cosine, best first; on a tie the earlier word.

        Parameters
        ----------
        query : str or (d,) array
            A word, which is left out of its own neighbours, or a vector.
        k : int
            How many; fewer come if there are no more words.
        exclude : sequence of str
            Words to leave out, such as the three given words of an analogy.

        Raises
        ------
        KeyError
            If the query is an unknown word.
        """
        word = isinstance(query, str)
        out = {query, *exclude} if word else set(exclude)
        vector = self[str(query)] if word else np.asarray(query, dtype=np.float32)
        cosines = self.W @ _unit(vector) / self._norms  # (V,)
        best = np.argsort(-cosines, kind="stable")[: k + len(out)]
        return [(self.words[i], float(cosines[i])) for i in best if self.words[i] not in out][:k]

    nearest = similar

    # Analogies --------------------------------------------------------------------------------

    def analogy(
        self, a: str, a_star: str, b: str, k: int = 1, *, method: Method = "add",
        inputs: bool = False,
    ) -> list[tuple[str, float]]:  # fmt: skip
        """Answer "a is to a* as b is to ?" with the k best words and their scores.

        Parameters
        ----------
        a, a_star, b : str
            As in man, king, woman; the names of Levy & Goldberg 2014.
        k : int
            How many answers.
        method : str
            As in :func:`analogy_scores`. A success that "only-b" shares, which ignores the pair
            before the third word, is nearness, not analogy.
        inputs : bool
            Whether a, a* and b may be answers. The published scores leave them out.

        Raises
        ------
        KeyError
            If a word is unknown.

        Examples
        --------
        >>> words = ["man", "woman", "king", "queen"]
        >>> vectors = Vectors(words, [[1, 0], [1, 1], [4, 0.1], [3, 2]])
        >>> vectors.analogy("man", "king", "woman")[0][0]
        'queen'
        >>> vectors.analogy("man", "king", "woman", inputs=True)[0][0]
        'woman'
        """
        rows = np.array([[self._number(word) for word in (a, a_star, b)]])
        (scores,) = self._candidate_scores(rows, self._unit_rows(len(self)), method, inputs)
        best = np.argsort(-scores, kind="stable")[:k]
        return [(self.words[i], float(scores[i])) for i in best if np.isfinite(scores[i])]

    def answers(
        self,
        questions: Iterable[Sequence[str]],
        *,
        method: Method = "add",
        inputs: bool = False,
        first: int | None = None,
    ) -> list[str]:
        """Answer many analogies at once: the best word to each, as :meth:`analogy` finds it.

        Parameters
        ----------
        questions : iterable of (a, a*, b) or (a, a*, b, b*)
            A fourth word, the wanted answer, is not looked at.
        method, inputs
            As in :meth:`analogy`.
        first : int, optional
            Answers come from the first so many words only, which are the frequent ones where
            words are in order of frequency; all of them when left out.

        Raises
        ------
        KeyError
            If one of a, a*, b is unknown.
        """
        numbers = [[self._number(word) for word in question[:3]] for question in questions]
        rows = np.array(numbers, dtype=np.int64).reshape(-1, 3)
        U = self._unit_rows(len(self) if first is None else first)
        parts = (rows[i : i + BATCH] for i in range(0, len(rows), BATCH))
        best = [self._candidate_scores(part, U, method, inputs).argmax(1) for part in parts]
        return [self.words[i] for part in best for i in part]

    def _unit_rows(self, n: int) -> Float32s:
        rows: Float32s = self.W[:n] / self._norms[:n, None]
        return rows

    def _candidate_scores(
        self, rows: NDArray[np.int64], U: Float32s, method: Method, inputs: bool
    ) -> Float32s:
        """Score all candidates (rows of U) for questions (n, 3): (n, candidates)."""
        given: Float32s = self.W[rows] / self._norms[rows, None]  # (n, 3, d)
        scores = analogy_scores(given, U, method)
        if not inputs:
            question, place = np.nonzero(rows < len(U))
            scores[question, rows[question, place]] = -np.inf
        return scores

    # Files ------------------------------------------------------------------------------------

    def save(self, path: Path | str) -> None:
        """Write words, matrix and name to one ``.npz`` file, exactly and without pickles.

        Examples
        --------
        >>> import tempfile
        >>> file = Path(tempfile.mkdtemp()) / "toy.npz"
        >>> Vectors(["cat"], [[1, 2]], "toy").save(file)
        >>> Vectors.load(file)
        Vectors(1 words, 2 dimensions, 'toy')
        """
        about = json.dumps({"name": self.name, "words": list(self.words)}, ensure_ascii=False)
        with Path(path).open("wb") as file:  # given a path, NumPy would change its name
            np.savez(file, W=self.W, about=np.frombuffer(about.encode("utf-8"), dtype=np.uint8))

    @classmethod
    def load(cls, path: Path | str) -> Vectors:
        """Read what :meth:`save` wrote; nothing in the file is executed.

        Raises
        ------
        ValueError
            If the file holds something else.
        """
        try:
            with np.load(Path(path), allow_pickle=False) as file:
                W, about = file["W"], json.loads(file["about"].tobytes().decode("utf-8"))
            return cls(about["words"], W, about["name"])
        except (KeyError, TypeError, AttributeError, EOFError) as error:
            raise ValueError(f"{path} holds no vectors written by Vectors.save") from error

    def save_word2vec(self, path: Path | str, *, binary: bool = False) -> None:
        """Write the text or binary format of word2vec.c, which gensim and many others read.

        The text has nine digits where they are needed, so that reading gives the same float32.

        Raises
        ------
        ValueError
            If a word has a space or a line break, which the format cannot carry, or is empty.
        """
        odd = [word for word in self.words if word.split() != [word]]
        if odd:
            raise ValueError(f"{odd[0]!r} cannot be written: words end at a space in this format")
        with Path(path).open("wb") as file:
            file.write(f"{len(self)} {self.W.shape[1]}\n".encode())
            for word, row in zip(self.words, self.W, strict=True):
                numbers = row.astype("<f4").tobytes() if binary else _digits(row)
                file.write(word.encode("utf-8") + b" " + numbers + b"\n")

    @classmethod
    def load_word2vec(
        cls, path: Path | str, *, binary: bool = False, name: str | None = None
    ) -> Vectors:
        """Read the text or binary format of word2vec.c, as gensim and others write it.

        Parameters
        ----------
        path : path
            The file.
        binary : bool
            Which of the two formats it is.
        name : str, optional
            For messages; the name of the file when left out.

        Raises
        ------
        ValueError
            If the file ends early or a row has another length than the first line says.
        """
        path = Path(path)
        with path.open("rb") as file:
            try:
                V, d = map(int, file.readline().split())
            except ValueError as error:
                raise ValueError(f"{path.name}: the first line must be two numbers") from error
            read = _read_binary if binary else _read_text
            words, W = read(file, V, d, path.name)
        return cls(words, W, path.stem if name is None else name)


def _digits(row: Float32s) -> bytes:
    return " ".join(map(str, row)).encode("ascii")  # the shortest digits that give it back


def _read_text(file: BinaryIO, V: int, d: int, name: str) -> tuple[list[str], Float32s]:
    words, W = [], np.empty((V, d), dtype=np.float32)
    for i in range(V):
        word, *numbers = file.readline().decode("utf-8").rstrip().split(" ")
        if len(numbers) != d:
            raise ValueError(f"{name}, line {i + 2}: {d} numbers expected, got {len(numbers)}")
        words.append(word)
        W[i] = numbers
    return words, W


def _read_binary(file: BinaryIO, V: int, d: int, name: str) -> tuple[list[str], Float32s]:
    data = memoryview(file.read())
    text = data.obj
    assert isinstance(text, bytes)
    words, W, place = [], np.empty((V, d), dtype=np.float32), 0
    for i in range(V):
        space = text.find(b" ", place)
        begin, place = place, space + 1 + 4 * d
        if space < 0 or place > len(text):
            raise ValueError(f"{name} ends in word {i + 1:,} of {V:,}: it is cut off or is text")
        words.append(text[begin:space].lstrip(b"\n").decode("utf-8"))  # some end rows by a line
        W[i] = np.frombuffer(data[space + 1 : place], dtype="<f4")
    return words, W


def _unit(v: Float32s) -> Float32s:
    """Bring a vector to length 1; the zero vector stays zero."""
    length = np.linalg.norm(v)
    return v / length if length > 0 else v
