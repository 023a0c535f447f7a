"""Transformers as encoders: a list of texts goes in, a matrix with one row a text comes out.

The way from text to vector has settings, each an answer to a question: which model, which layer,
how tokens become one vector (`lib.pooling`), what is said around the text (an instruction, or the
text itself once more), and what happens to a text that is too long. A vector depends on its text
and these settings alone; batches, order and company move it by rounding (less than 1e-5 on a row
of length 1). Nothing is cut in silence.

Papers: Reimers & Gurevych 2019 (mean of the last layer); Muennighoff 2022 (decoders: the last token
against means of all); Springer, Kotha, Fried, Neubig & Raghunathan 2024 (echo, section
3.2); Arora, Liang & Ma 2017 (smooth inverse frequency, algorithm 1).
"""

from __future__ import annotations

import copy
import hashlib
import warnings
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Self, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from lib.bytelevel import ByteLevelBPE
from lib.data import load
from lib.pooling import POOLS, mean, unit_rows
from lib.pretrained import decoder_file, load_decoder, load_encoder
from lib.sif import common_direction, sif_weights, text_list, token_frequencies, without
from lib.transformer import Decoder, Encoder
from lib.vectorcache import VectorCache
from lib.wordpiece import BEGIN, END, WordPiece

Float32s: TypeAlias = NDArray[np.float32]
Overlong: TypeAlias = Literal["warn", "cut", "error"]

PLAIN: Final = "{text}"
"""The text and nothing else."""

ECHO: Final = "Rewrite the sentence: {text}, rewritten sentence: {text}"
"""The text twice, the second time read with the first in mind (Springer et al. 2024).

The wording is ours. Theirs is "Rewrite the following paragraph: S. The rewritten paragraph: S" for
a model that was not tuned (section 4.2), and they found that it matters little (section 4.3).
"""

_CODE: Final = (
    "attention", "transformer", "pretrained", "gguf", "wordpiece", "bytelevel", "pooling",
    "sif", "textencoder",
)  # fmt: skip


class TruncationWarning(UserWarning):
    """Some texts were too long, and their ends were not read."""


# Models ---------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Backbone:
    """A transformer with its tokenizer.

    Parameters
    ----------
    name : str
        Short, for tables and figures.
    network : Encoder or Decoder
        From `lib.pretrained`.
    cut : callable
        From a text to the numbers of its tokens, without marks.
    size : int
        V.
    before, after : tuples of int
        Marks around every text.
    files : tuple of Path
        What the weights and the tokenizer were read from.
    usual : int
        How many tokens are read unless said otherwise.
    """

    name: str
    network: Encoder | Decoder
    cut: Callable[[str], list[int]]
    size: int
    before: tuple[int, ...] = ()
    after: tuple[int, ...] = ()
    files: tuple[Path, ...] = ()
    usual: int = 512

    @property
    def fingerprint(self) -> str:
        """Hash of the files, and of the weights as they are now: 16 hexadecimal digits.

        A network that was tuned, or put in the place of another, has another one.
        """
        digest = hashlib.sha256(self._of_files)
        for name, table in self.network.state_dict().items():
            checksum = zlib.crc32(table.detach().reshape(-1).view(torch.uint8).numpy())
            digest.update(f"{name} {tuple(table.shape)} {table.dtype} {checksum};".encode())
        return digest.hexdigest()[:16]

    @cached_property
    def _of_files(self) -> bytes:
        digest = hashlib.sha256()
        for path in self.files:
            with path.open("rb") as stream:
                digest.update(hashlib.file_digest(stream, "sha256").digest())
        return digest.digest()


def minilm() -> Backbone:
    """all-MiniLM-L6-v2: six layers, 384 numbers, [CLS] and [SEP] around every text."""
    files, pieces = load("minilm"), WordPiece.load()
    marks = (pieces.number[BEGIN],), (pieces.number[END],)

    def cut(text: str) -> list[int]:
        return [pieces.number[piece] for piece in pieces.words(text)]

    weights = (files.folder / "model.safetensors", files.folder / "tokenizer.json")
    return Backbone("minilm", load_encoder(files), cut, len(pieces), *marks, weights, usual=256)


def smollm2() -> Backbone:
    """SmolLM2-135M-Instruct: thirty layers, 576 numbers, no marks.

    What stands in the texts is text: marks of a conversation have no effect.
    """
    file = decoder_file()
    tokens = ByteLevelBPE.load(file)

    def cut(text: str) -> list[int]:
        return tokens.ids(text, plain=True)

    return Backbone("smollm2", load_decoder(file), cut, len(tokens), files=(file.path,))


BACKBONES: Final[dict[str, Callable[[], Backbone]]] = {"minilm": minilm, "smollm2": smollm2}
"""The models by name."""


# From text to tokens --------------------------------------------------------------------------


class Tokens(NamedTuple):
    """A text as the model reads it.

    Attributes
    ----------
    ids : list of T int
        Tokens: marks, what is said around the text, the text.
    begin, end : int
        Where the text stands for the last time.
    lost : int
        Tokens of the text that were cut off.
    """

    ids: list[int]
    begin: int
    end: int
    lost: int


class Cuts(NamedTuple):
    """What was cut off in one call.

    Attributes
    ----------
    texts : int
        How many texts were too long.
    tokens : int
        How many of their tokens were not read.
    of : int
        How many texts there were.
    """

    texts: int
    tokens: int
    of: int


def place(backbone: Backbone, template: str, max_tokens: int, text: str) -> Tokens:
    """Put a text into a template, as tokens.

    The parts are cut into tokens one by one, so that it is known which tokens are the text's; a
    space between them goes with the part behind it, as it does in a text. (Only signs that meet
    without a space could make one token, as a full stop behind a text that ends with one.) A text
    that is too long loses its end, in each place alike.

    Raises
    ------
    ValueError
        If not one token of the text would fit.
    """
    *leads, rest = template.split(PLAIN)
    said, spoken = [], []
    for lead in leads:  # what stands before the text, and the text, each time
        bare = lead.removesuffix(" ")
        said.append(backbone.cut(bare))
        spoken.append(backbone.cut(text if bare == lead else " " + text))
    close = [*backbone.cut(rest), *backbone.after]
    taken = len(backbone.before) + sum(map(len, said)) + len(close)
    room = (max_tokens - taken) // len(leads)
    if room < 1:
        raise ValueError(
            f"max_tokens = {max_tokens}: the marks and the words around the text take {taken}, "
            "and leave no room for it"
        )
    ids, begin = [*backbone.before], 0
    for words, tokens in zip(said, spoken, strict=True):
        ids += words
        begin = len(ids)
        ids += tokens[:room]
    return Tokens([*ids, *close], begin, len(ids), max(0, len(spoken[-1]) - room))


# From tokens to vectors -----------------------------------------------------------------------


class TextEncoder:
    """A transformer as an encoder of the book: ``fit`` and ``encode``.

    Parameters
    ----------
    model : str or Backbone
        "minilm" or "smollm2", or one loaded before.
    pool : {"mean", "cls", "last", "max", "sif"}
        How tokens become a vector, see `lib.pooling`. "sif" weighs the text's own tokens by how
        rare they are in the background, and takes off what its vectors have in common (`lib.sif`):
        call :meth:`fit` first.
    layer : int
        Whose states are pooled: 0 what goes into the first block, -1 the last.
    unit : bool
        Whether rows are brought to length 1.
    template : str
        What is said around the text, with ``{text}`` once or twice; :data:`PLAIN`,
        :data:`ECHO` or an instruction of your own.
    over : {"all", "text"}
        Which tokens are pooled: all, marks included (as sentence-transformers does), or only the
        text's own, and of two times the second. By default all, but the text with a template or
        with "sif", whose weights say nothing of marks.
    max_tokens : int, optional
        How many tokens are read, marks and template included. By default 256 for MiniLM, as its
        authors set it, and 512 for others.
    overlong : {"warn", "cut", "error"}
        What a text with more tokens causes: a :class:`TruncationWarning` that says how much was
        lost, nothing but a note in :attr:`cuts`, or a ValueError before anything is computed.
        Python shows a warning once for each line of a program; :attr:`cuts` is always there.
    batch_tokens : int
        So many places a batch may have, padding included. Texts go longest first, those of like
        length together. Moves a result by rounding only.
    precision : {"float32", "bfloat16"}
        bfloat16 is faster on a processor that has it, and moves results in the third digit; never
        for what is stored in the book.
    threads : int, optional
        Threads of torch while encoding; by default the number is left alone.
    cache : Path, optional
        A folder in which vectors are kept (`lib.vectorcache`). By default nothing is kept.
    progress : bool
        Whether a bar shows how far it is.
    name : str, optional
        For tables and figures; by default the model, with the pool where it is not the mean.

    Attributes
    ----------
    cuts : Cuts
        What the last call of :meth:`encode` cut off, also of texts found in the cache.

    Raises
    ------
    ValueError
        If a setting is none of these.

    Examples
    --------
    >>> X = TextEncoder("minilm").encode(["A cat sat down.", "A kitten sat.", "Shares fell."])
    >>> X.shape, bool(X[0] @ X[1] > X[0] @ X[2])
    ((3, 384), True)
    """

    def __init__(
        self,
        model: str | Backbone = "minilm",
        *,
        pool: str = "mean",
        layer: int = -1,
        unit: bool = True,
        template: str = PLAIN,
        over: Literal["all", "text"] | None = None,
        max_tokens: int | None = None,
        overlong: Overlong = "warn",
        batch_tokens: int = 4_096,
        precision: Literal["float32", "bfloat16"] = "float32",
        threads: int | None = None,
        cache: Path | None = None,
        progress: bool = False,
        name: str | None = None,
    ) -> None:
        _one_of("pool", pool, (*POOLS, "sif"))
        _one_of("overlong", overlong, ("warn", "cut", "error"))
        _one_of("over", over, (None, "all", "text"))
        _one_of("precision", precision, ("float32", "bfloat16"))
        if isinstance(model, str):
            _one_of("model", model, tuple(BACKBONES))
            model = BACKBONES[model]()
        if template.count(PLAIN) not in (1, 2):
            raise ValueError(f"template must hold {PLAIN} once or twice, got {template!r}")
        if batch_tokens < 1 or (threads is not None and threads < 1):
            raise ValueError(f"1 or more: batch_tokens={batch_tokens}, threads={threads}")
        L, longest = len(model.network.blocks), model.network.longest
        if not -L - 1 <= layer <= L:
            raise ValueError(f"layer {layer}: {model.name} has the layers 0 to {L}")
        chosen = min(model.usual, longest) if max_tokens is None else max_tokens
        if chosen > longest:
            raise ValueError(f"max_tokens = {chosen}: {model.name} has {longest} positions")
        if pool == "sif" and over == "all":
            raise ValueError("'sif' pools the text's own tokens: marks have no weight")
        self.backbone, self.pool, self.unit = model, pool, unit
        self.layer = layer % (L + 1)
        self.template, self.max_tokens, self.overlong = template, chosen, overlong
        self.over = over or ("all" if template == PLAIN and pool != "sif" else "text")
        self.batch_tokens, self.precision, self.threads = batch_tokens, precision, threads
        self.cache, self.progress = cache, progress
        self.name = name or model.name + ("" if pool == "mean" else f"-{pool}")
        self.cuts = Cuts(0, 0, 0)
        self._weights: Tensor | None = None  # of tokens, (V,)
        self._common: NDArray[np.float64] | None = None
        self._place("")  # a template without room is refused at once

    # What an encoder does

    def fit(self, background: Sequence[str]) -> Self:
        """Learn weights of tokens and the common direction for "sif"; else nothing.

        Tokens are counted as the model reads them: what is cut off does not count.

        Raises
        ------
        TypeError
            If one single text is given.
        ValueError
            If the background has no tokens, or a text is too long and ``overlong`` is "error".
        """
        texts = text_list(background)
        if self.pool == "sif":
            self._common = None  # not fitted, whatever happens below
            read = map(self._place, texts)
            frequencies = token_frequencies(
                (text.ids[text.begin : text.end] for text in read), self.backbone.size
            )
            self._weights = torch.from_numpy(sif_weights(frequencies).astype(np.float32))
            self._common = common_direction(self._pooled(texts))
        return self

    def encode(self, texts: Sequence[str]) -> Float32s:
        """Encode: (n, d) float32.

        A text without tokens becomes zero where the model has no marks.

        Raises
        ------
        TypeError
            If one single text is given.
        RuntimeError
            If "sif" was never fitted.
        ValueError
            If a text is too long and ``overlong`` is "error".
        """
        listed = text_list(texts)
        if self.pool == "sif" and self._common is None:
            raise RuntimeError(f"{self.name} has no weights yet; call fit(background) first")
        X = self._pooled(listed)
        if self._common is not None:
            X = without(X, self._common)
        return unit_rows(X) if self.unit else X

    def tokens(self, text: str) -> Tokens:
        """Show how the model reads a text."""
        return self._place(text)

    # How it does it

    def _pooled(self, texts: list[str]) -> Float32s:
        """Pool before anything is taken off or brought to length 1: (n, d)."""
        distinct = list(dict.fromkeys(texts))
        read = [self._place(text) for text in distinct]
        self._note_cuts(texts, dict(zip(distinct, read, strict=True)))
        X = np.zeros((len(distinct), self._d), dtype=np.float32)
        cache = None if self.cache is None else VectorCache(self.cache, self.settings())
        known = {} if cache is None else cache.get(distinct)
        for i, row in known.items():
            X[i] = row
        missing = [i for i in range(len(distinct)) if i not in known]
        total = sum(len(read[i].ids) for i in missing)
        bar = tqdm(total=total, unit="token", disable=not self.progress, leave=False)
        with _threads(self.threads), bar:
            for batch in self._batches(missing, read):
                X[batch] = self._run([read[i] for i in batch])
                if cache is not None:
                    cache.store([distinct[i] for i in batch], X[batch])
                bar.update(sum(len(read[i].ids) for i in batch))
        number = {text: i for i, text in enumerate(distinct)}
        return np.asarray(X[[number[text] for text in texts]])

    def _batches(self, missing: list[int], read: list[Tokens]) -> Iterator[list[int]]:
        """Deal out texts, the longest first: batches of at most so many places."""
        order = sorted(missing, key=lambda i: -len(read[i].ids))
        while order:
            longest = max(1, len(read[order[0]].ids))
            size = max(1, self.batch_tokens // longest)
            yield order[:size]
            order = order[size:]

    def _run(self, batch: list[Tokens]) -> Float32s:
        """Pool the states of one batch: (B, d)."""
        T = max([1, *(len(text.ids) for text in batch)])
        ids = torch.zeros(len(batch), T, dtype=torch.long)
        kept = torch.zeros(len(batch), T)
        real = torch.zeros(len(batch), T, dtype=torch.bool)
        for b, text in enumerate(batch):
            t = len(text.ids)
            ids[b, :t] = torch.tensor(text.ids, dtype=torch.long)
            real[b, :t] = True
            own = slice(text.begin, text.end) if self.over == "text" else slice(0, t)
            kept[b, own] = 1 if self._weights is None else self._weights[ids[b, own]]
        pool = mean if self.pool == "sif" else POOLS[self.pool]
        with torch.inference_mode():
            states = self._network.layer(self.layer, ids, None if real.all() else real).float()
            found: Float32s = pool(states, kept).numpy()
        return found

    @cached_property
    def _network(self) -> Encoder | Decoder:
        network = self.backbone.network
        return network if self.precision == "float32" else copy.deepcopy(network).bfloat16()

    @property
    def _d(self) -> int:
        return self.backbone.network.settings.d

    def _place(self, text: str) -> Tokens:
        return place(self.backbone, self.template, self.max_tokens, text)

    def _note_cuts(self, texts: list[str], read: dict[str, Tokens]) -> None:
        lost = [read[text].lost for text in texts]
        self.cuts = Cuts(sum(n > 0 for n in lost), sum(lost), len(texts))
        if not self.cuts.texts or self.overlong == "cut":
            return
        message = (
            f"{self.name} reads {self.max_tokens} tokens: {self.cuts.texts:,} of "
            f"{self.cuts.of:,} texts are longer, and lose {self.cuts.tokens:,} tokens in all; "
            "raise max_tokens, cut the texts into pieces, or accept it with overlong='cut'"
        )
        if self.overlong == "error":
            raise ValueError(message)
        warnings.warn(message, TruncationWarning, stacklevel=4)

    def settings(self) -> dict[str, Any]:
        """All that changes a vector before it is brought to length 1, for the cache."""
        weights = "" if self._weights is None else _hash(self._weights.numpy().tobytes())
        folder = Path(__file__).parent
        code = _hash(b"".join((folder / f"{name}.py").read_bytes() for name in _CODE))
        return {
            "model": self.backbone.name,
            "weights": self.backbone.fingerprint,
            "pool": self.pool,
            "sif": weights,
            "layer": self.layer,
            "template": self.template,
            "over": self.over,
            "max_tokens": self.max_tokens,
            "precision": self.precision,
            "code": code,
        }


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _one_of(what: str, value: object, known: tuple[object, ...]) -> None:
    if value not in known:
        raise ValueError(f"{what} must be one of {', '.join(map(repr, known))}; got {value!r}")


@contextmanager
def _threads(threads: int | None) -> Iterator[None]:
    """Set torch's number of threads inside the block, if one is given."""
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
