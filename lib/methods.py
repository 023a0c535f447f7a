"""Every method of the book by its name: ``make("tfidf")`` gives an encoder, ready to fit.

All take a list of n texts and give one row a text (`lib.encoders.Encoder`): the counting ones a
sparse (n, V), the others an (n, d) of float32. The names are those under which the figures draw
them (`lib.plot.METHODS`), where there is more than one way to pool with the way behind a hyphen.

Word vectors that a chapter trains (PPMI, Word2Vec, GloVe, fastText) have no file to be read from.
They become encoders as those of a file do, with or without weights:

    >>> from lib.vectors import Vectors
    >>> trained = Vectors(["cat", "dog"], [[1, 0], [0, 1]], "word2vec")
    >>> MeanWordVectors(trained).name, SifWordVectors(trained).name
    ('word2vec', 'word2vec-sif')

Papers: Deerwester, Dumais, Furnas, Landauer & Harshman 1990 (:class:`LsaEncoder`); Peters, Neumann,
Iyyer et al. 2018 (:class:`ElmoEncoder`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Final, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

from lib import elmo
from lib._fetch import DATA
from lib.cooccurrence import truncated_svd
from lib.corpus import LETTERS
from lib.counts import Tfidf
from lib.data import load
from lib.distil import StaticEncoder
from lib.encoders import BagEncoder, Encoder, MeanWordVectors, OneHotDocument, TfidfEncoder
from lib.sif import SifWordVectors, text_list
from lib.textencoder import ECHO, TextEncoder, minilm

Float32s: TypeAlias = NDArray[np.float32]

CHECKPOINT: Final = DATA / "checkpoints" / "elmo-small.safetensors"
"""The ELMo of chapter 10."""


class LsaEncoder:
    """Latent semantic analysis: TF-IDF, seen in the d directions that say most of the background.

    With the rows of the background as ``U diag(s) Vt``, a new text with the row t of TF-IDF becomes
    ``Vt t``: for a text of the background that is its row of ``U diag(s)``.

    Parameters
    ----------
    d : int
        How many directions, at most; fewer if the background has fewer texts or words.
    counter : Tfidf, optional
        With its settings; by default the variant of scikit-learn.
    seed : int
        From where the search for the directions starts; the result hardly depends on it.
    name : str
        For tables and figures.

    Raises
    ------
    ValueError
        If d is below 1.

    Examples
    --------
    >>> background = ["cats purr", "cats meow", "shares fell", "shares rose"]
    >>> X = LsaEncoder(2).fit(background).encode(["purr", "meow", "rose"])
    >>> (X @ X.T > 0.01).astype(int)  # purr and meow never met, but both met cats
    array([[1, 1, 0],
           [1, 1, 0],
           [0, 0, 1]])
    """

    def __init__(
        self, d: int = 100, counter: Tfidf | None = None, *, seed: int = 0, name: str = "lsa"
    ) -> None:
        if d < 1:
            raise ValueError(f"d = {d}: at least one direction is needed")
        self.d, self.seed, self.name = d, seed, name
        self.counter = Tfidf() if counter is None else counter
        self._directions: Float32s | None = None  # (d, V)

    def fit(self, background: Sequence[str]) -> Self:
        """Learn words, weights and directions."""
        T = self.counter.fit_transform(text_list(background))  # (n, V)
        d, rng = min(self.d, *T.shape), np.random.default_rng(self.seed)
        self._directions = truncated_svd(T, d, rng=rng).Vt
        return self

    def encode(self, texts: Sequence[str]) -> Float32s:
        """Encode: (n, d) float32; zero for a text without known words.

        Raises
        ------
        TypeError
            If one single text is given.
        RuntimeError
            If it was never fitted.
        """
        listed = text_list(texts)
        if self._directions is None:
            raise RuntimeError(f"{self.name} has no directions yet; call fit(background) first")
        return np.asarray(self.counter.transform(listed) @ self._directions.T, dtype=np.float32)


class ElmoEncoder:
    """The mean of ELMo's states over the words of a text, and over its layers.

    Words are cut as in the corpus that the model read: lower-cased, letters only.

    Parameters
    ----------
    model : BiLM, optional
        By default that of chapter 10, from its file.
    layer : int, optional
        One layer, 0 the words alone; by default the mean of all, which is what a mixture with equal
        shares gives (Peters et al. 2018, equation 1).
    name : str, optional
        For tables and figures; by default "elmo", with the layer if there is one.

    Raises
    ------
    ValueError
        If there is no such layer.
    """

    def __init__(
        self, model: elmo.BiLM | None = None, layer: int | None = None, name: str | None = None
    ) -> None:
        self.model = elmo.load(CHECKPOINT) if model is None else model
        L = self.model.settings.layers
        if layer is not None and not 0 <= layer <= L:
            raise ValueError(f"layer {layer}: the model has the layers 0 to {L}")
        self.layer = layer
        self.name = name or ("elmo" if layer is None else f"elmo-{layer}")

    def fit(self, background: Sequence[str]) -> Self:
        """Learn nothing: the model comes trained."""
        return self

    def encode(self, texts: Sequence[str]) -> Float32s:
        """Encode: (n, 2 d) float32; zero for a text without words.

        Raises
        ------
        TypeError
            If one single text is given.
        """
        words = [re.findall(LETTERS, text.lower()) for text in text_list(texts)]
        X = np.zeros((len(words), 2 * self.model.settings.d), dtype=np.float32)
        spoken = [i for i, row in enumerate(words) if row]
        for i, layers in zip(spoken, self.model.layers([words[i] for i in spoken]), strict=True):
            states = layers.of_words()  # (L + 1, T, 2 d)
            X[i] = (states if self.layer is None else states[[self.layer]]).mean(axis=(0, 1))
        return X


MAKERS: Final[dict[str, Callable[[], Encoder]]] = {
    "one-hot": OneHotDocument,
    "counts": BagEncoder,
    "tfidf": TfidfEncoder,
    "lsa": LsaEncoder,
    "glove": lambda: MeanWordVectors(load("glove-6b-50d")),
    "glove-idf": lambda: MeanWordVectors(load("glove-6b-50d"), weights="idf"),
    "glove-sif": lambda: SifWordVectors(load("glove-6b-50d")),
    "elmo": ElmoEncoder,
    "minilm": lambda: TextEncoder("minilm"),
    "minilm-cls": lambda: TextEncoder("minilm", pool="cls"),
    "minilm-max": lambda: TextEncoder("minilm", pool="max"),
    "minilm-sif": lambda: TextEncoder("minilm", pool="sif"),
    "minilm-static": lambda: StaticEncoder.distil(minilm()),
    "smollm2": lambda: TextEncoder("smollm2"),
    "smollm2-last": lambda: TextEncoder("smollm2", pool="last"),
    "smollm2-sif": lambda: TextEncoder("smollm2", pool="sif"),
    "smollm2-echo": lambda: TextEncoder("smollm2", template=ECHO, name="smollm2-echo"),
}
"""What makes each method, by name."""


def make(name: str) -> Encoder:
    """Make an encoder by its name.

    Parameters
    ----------
    name : str
        One of :data:`MAKERS`.

    Returns
    -------
    lib.encoders.Encoder
        Not fitted. Pretrained ones need no fitting, but those with weights or directions do, and
        ``encode`` says so.

    Raises
    ------
    KeyError
        If there is no such method.

    Examples
    --------
    >>> make("tfidf").fit(["the cat sat", "the dog"]).encode(["the cat"]).shape
    (1, 4)
    """
    if name not in MAKERS:
        raise KeyError(f"no method is called {name!r}; there are {', '.join(MAKERS)}")
    return MAKERS[name]()
