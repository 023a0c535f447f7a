"""Encoders: anything that turns a list of texts into a matrix with one row a text.

Chapter 1 lines them up, from the oldest to the newest: which words stand in the text, how often,
how rare they are, the average of pretrained word vectors, and a small transformer. All share two
methods. ``fit`` sees background texts and learns what the method needs (a vocabulary, document
frequencies; a pretrained model learns nothing); ``encode`` turns texts into rows. What is judged
must not be fitted on: fit on the background, then encode the documents of the test.
"""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal, Protocol, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from lib.counts import BagOfWords, Tfidf, idf
from lib.data import ModelFiles, load
from lib.text import tokenize
from lib.vectors import Vectors as Vectors
from lib.vectors import WordTable

if TYPE_CHECKING:
    import torch

Float32s: TypeAlias = NDArray[np.float32]


class Encoder(Protocol):
    """What every encoder can do.

    Attributes
    ----------
    name : str
        Short, for tables and figures.
    """

    name: str

    def fit(self, background: Sequence[str]) -> Self:
        """Learn from background texts what the method needs, and return the encoder itself."""
        ...

    def encode(self, texts: Sequence[str]) -> Float32s | csr_matrix:
        """Turn n texts into an (n, d) array of float32; encoders that count give a csr_matrix."""
        ...


def _texts(texts: Sequence[str]) -> list[str]:
    if isinstance(texts, str):
        raise TypeError(f"a list of texts is needed, got one text; write [{texts[:20]!r}]")
    return list(texts)


# Counting -----------------------------------------------------------------------------------


class BagEncoder:
    """How often each word of the background's vocabulary stands in the text.

    Parameters
    ----------
    counter : BagOfWords, optional
        With its settings; by default single words, counted as often as they occur. Words outside
        the background are passed over.
    name : str
        For tables and figures.

    Examples
    --------
    >>> encoder = BagEncoder().fit(["the cat sat", "the dog"])
    >>> encoder.encode(["the cat saw the cat"]).toarray()  # cat, dog, sat, the
    array([[2, 0, 0, 2]])
    """

    def __init__(self, counter: BagOfWords | None = None, name: str = "counts") -> None:
        self.counter = BagOfWords() if counter is None else counter
        self.name = name

    def fit(self, background: Sequence[str]) -> Self:
        """Learn the vocabulary (and the weights, if the counter has some)."""
        self.counter.fit(_texts(background))
        return self

    def encode(self, texts: Sequence[str]) -> csr_matrix:
        """Count: (n, V), sparse; a row without known words is zero."""
        return self.counter.transform(_texts(texts))


class OneHotDocument(BagEncoder):
    """Which words of the background's vocabulary stand in the text: ones and zeros.

    Parameters
    ----------
    name : str
        For tables and figures.

    Examples
    --------
    >>> encoder = OneHotDocument().fit(["the cat sat", "the dog"])
    >>> encoder.encode(["the cat saw the cat"]).toarray()  # cat, dog, sat, the
    array([[1, 0, 0, 1]])
    """

    def __init__(self, name: str = "one-hot") -> None:
        super().__init__(BagOfWords(binary=True), name)


class TfidfEncoder(BagEncoder):
    """Counts weighted by how rare a word is in the background; rows of length 1.

    Parameters
    ----------
    counter : Tfidf, optional
        With its settings; by default the variant of scikit-learn.
    name : str
        For tables and figures.

    Examples
    --------
    >>> encoder = TfidfEncoder().fit(["the cat sat", "the dog"])
    >>> encoder.encode(["the cat"]).toarray().round(2)  # the rarer cat weighs more
    array([[0.81, 0.  , 0.  , 0.58]])
    """

    def __init__(self, counter: Tfidf | None = None, name: str = "tfidf") -> None:
        super().__init__(Tfidf() if counter is None else counter, name)


# Averaging word vectors ---------------------------------------------------------------------


class MeanWordVectors:
    """The mean of the vectors of a text's words: order is lost, meaning is blurred.

    Parameters
    ----------
    vectors : Vectors or the table that ``lib.data.load`` gives
        Pretrained word vectors, lower-cased like GloVe's.
    weights : {"idf"}, optional
        Weigh each word by its smooth inverse document frequency in the background (see
        :func:`lib.counts.idf`), a word that the background lacks like one of no document. By
        default all occurrences weigh the same.
    tokenizer : callable
        From a text to its words.
    name : str, optional
        For tables and figures; by default "mean" or "idf-mean" and the name of the vectors.

    Raises
    ------
    ValueError
        If ``weights`` is something else.

    Examples
    --------
    >>> vectors = Vectors(["cat", "dog"], [[1, 0], [0, 1]])
    >>> MeanWordVectors(vectors).encode(["cat dog cat zebra cat", "zebra"])
    array([[0.75, 0.25],
           [0.  , 0.  ]], dtype=float32)
    """

    def __init__(
        self,
        vectors: WordTable,
        weights: Literal["idf"] | None = None,
        *,
        tokenizer: Callable[[str], list[str]] = tokenize,
        name: str | None = None,
    ) -> None:
        if weights not in (None, "idf"):
            raise ValueError(f"weights must be None or 'idf', got {weights!r}")
        self.vectors = vectors if isinstance(vectors, Vectors) else Vectors.of(vectors)
        self.weights, self.tokenizer = weights, tokenizer
        family = self.vectors.name.partition("-")[0]  # glove of glove-6b-50d
        self.name = name or family + ("-idf" if weights else "")
        self._df: Counter[str] = Counter()
        self._n = 0

    def fit(self, background: Sequence[str]) -> Self:
        """Count in how many background texts each word stands; without weights nothing to do."""
        texts = _texts(background)
        if self.weights == "idf":
            self._df = Counter(word for text in texts for word in set(self.tokenizer(text)))
            self._n = len(texts)
        return self

    def encode(self, texts: Sequence[str]) -> Float32s:
        """Average: (n, d) float32.

        Words without a vector are skipped; a text of none but such words becomes the zero vector,
        whose cosine with anything is 0.

        Raises
        ------
        RuntimeError
            If the weights were never fitted.
        """
        if self.weights == "idf" and not self._n:
            raise RuntimeError(f"{self.name} has no weights yet; call fit(background) first")
        listed = _texts(texts)
        means = np.zeros((len(listed), self.vectors.W.shape[1]), dtype=np.float32)
        for row, text in zip(means, listed, strict=True):
            words = [word for word in self.tokenizer(text) if word in self.vectors]
            if words:
                W = self.vectors.W[[self.vectors.index[word] for word in words]]  # (t, d)
                w = self._weigh(words)  # (t,)
                row[:] = w @ W / w.sum()
        return means

    def _weigh(self, words: list[str]) -> NDArray[np.float64]:
        if self.weights is None:
            return np.ones(len(words))
        return idf([self._df[word] for word in words], self._n, "smooth")


# A small transformer --------------------------------------------------------------------------


def masked_mean(hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """Average the token vectors of each text, padding left out (Reimers & Gurevych 2019).

    Parameters
    ----------
    hidden : (n, t, d) tensor
        A vector for each token of n texts, padded to t tokens.
    mask : (n, t) tensor
        1 for a token, 0 for padding.

    Returns
    -------
    (n, d) tensor
        Zero for a text without tokens.

    Examples
    --------
    >>> import torch
    >>> masked_mean(torch.tensor([[[1.0], [3.0], [9.0]]]), torch.tensor([[1, 1, 0]]))
    tensor([[2.]])
    """
    weights = mask.to(hidden.dtype)[..., None]  # (n, t, 1)
    return (hidden * weights).sum(1) / weights.sum(1).clamp(min=1)


class MiniLM:
    """all-MiniLM-L6-v2: six transformer layers, the mean of the last, brought to length 1.

    The weights are those of the sentence-transformers project; the three steps that its
    ``modules.json`` names (transformer, mean pooling, normalising) are written out here. Runs in
    float32 on the CPU; the network is never asked.

    Parameters
    ----------
    files : ModelFiles, optional
        The model's folder; by default ``lib.data.load("minilm")``.
    max_tokens : int
        What stands beyond so many tokens of a text is cut off, silently, the two marks at the
        ends included. 256 is the model's own setting, 512 (its number of positions) the most it
        can take; it was trained on 128.
    batch_size : int
        Texts that go through the model at once, sorted by length so that little is padded. Moves
        a result by rounding only (less than 1e-5).
    threads : int, optional
        Threads of torch while encoding; afterwards the old number is back. By default the number
        is left alone. Another number moves results by rounding.

    Attributes
    ----------
    name : str
        "minilm".
    tokenizer, model
        What ``transformers`` loaded.

    Raises
    ------
    ValueError
        If ``max_tokens`` is not between 3 and 512, or ``batch_size`` or ``threads`` is below 1.

    References
    ----------
    Reimers, N. & Gurevych, I. (2019). Sentence-BERT. EMNLP. Wang, W. et al. (2020). MiniLM.
    NeurIPS.

    Examples
    --------
    >>> X = MiniLM().encode(["A cat sat down.", "A kitten took a seat.", "Shares fell."])
    >>> X.shape
    (3, 384)
    >>> bool(X[0] @ X[1] > X[0] @ X[2])
    True
    """

    name: str = "minilm"

    def __init__(
        self,
        files: ModelFiles | None = None,
        *,
        max_tokens: int = 256,
        batch_size: int = 32,
        threads: int | None = None,
    ) -> None:
        if not 3 <= max_tokens <= 512:
            raise ValueError(
                f"max_tokens must lie between 3 (a word and the two marks) and 512 (the model's "
                f"positions), got {max_tokens}"
            )
        if batch_size < 1 or (threads is not None and threads < 1):
            raise ValueError(f"at least 1 is needed: batch_size={batch_size}, threads={threads}")
        folder = (load("minilm") if files is None else files).folder
        self.max_tokens, self.batch_size, self.threads = max_tokens, batch_size, threads
        self.tokenizer, self.model = _load_transformer(str(folder))

    def fit(self, background: Sequence[str]) -> Self:
        """Learn nothing: the model comes trained."""
        return self

    def token_ids(self, text: str) -> list[int]:
        """Word pieces of a text as numbers, [CLS] first and [SEP] last, at most max_tokens."""
        found = self.tokenizer(text, truncation=True, max_length=self.max_tokens)
        return [int(i) for i in found["input_ids"]]

    def encode(self, texts: Sequence[str]) -> Float32s:
        """Encode: (n, 384) float32, rows of length 1."""
        ids = [self.token_ids(text) for text in _texts(texts)]
        shortest_first = sorted(range(len(ids)), key=lambda i: len(ids[i]))
        X = np.zeros((len(ids), self.model.config.hidden_size), dtype=np.float32)
        with _torch_threads(self.threads):
            for start in range(0, len(ids), self.batch_size):
                batch = shortest_first[start : start + self.batch_size]
                X[batch] = self._encode_batch([ids[i] for i in batch])
        return X

    def _encode_batch(self, ids: list[list[int]]) -> Float32s:
        import torch

        longest = max(map(len, ids))
        padded = [row + [self.tokenizer.pad_token_id] * (longest - len(row)) for row in ids]
        mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in ids])
        with torch.inference_mode():
            out = self.model(input_ids=torch.tensor(padded), attention_mask=mask)
            mean = masked_mean(out.last_hidden_state, mask)  # (n, t, d), (n, t) -> (n, d)
            unit: Float32s = (mean / mean.norm(dim=1, keepdim=True)).numpy()
        return unit


def _load_transformer(folder: str) -> tuple[Any, Any]:
    """Load tokenizer and model from a folder, without a word on the screen."""
    import torch

    with warnings.catch_warnings():  # in a notebook tqdm asks for widgets, to draw its bars
        warnings.filterwarnings("ignore", message="IProgress not found")
        from transformers import AutoModel, AutoTokenizer
        from transformers.utils import logging as transformers_logging

    logging: Any = transformers_logging
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, dtype=torch.float32
        )
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
    return tokenizer, model.eval()


@contextmanager
def _torch_threads(threads: int | None) -> Iterator[None]:
    """Set torch's number of threads inside the block, if one is given."""
    import torch

    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
