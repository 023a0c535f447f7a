"""ELMo: the states of two language models that read a text from either end.

A word is read by its letters (`lib.charcnn`), so there is no unknown word. Its vector x
goes into two stacks of LSTMs: one has read what stands before, and predicts the next word; the
other has read what stands after, and predicts the previous one (:class:`BiLM`). With L layers
there are 2 L + 1 vectors of a word k in its text (Peters et al. 2018, section 3.2):

    R_k = {x_k, h>_kj, h<_kj | j = 1 ... L} = {h_kj | j = 0 ... L},  h_kj = [h>_kj; h<_kj],

and for a task they are mixed (equation 1 there, :class:`ScalarMix`):

    ELMo_k = gamma * sum over j of s_j h_kj.

The two directions share the letters' network and the softmax, not the LSTMs, and meet only in the
sum of their losses. State k has seen word k: it knows what it is. What the text around it says of
a word is in the states beside it, :meth:`Layers.around`.

Paper: Peters, Neumann, Iyyer, Gardner, Clark, Lee & Zettlemoyer 2018. Theirs has L = 2 with 4,096
cells projected to 512 numbers, 2,048 filters, two highway layers, and learnt for ten epochs from
the billion words of the 1B Word Benchmark. Ours has the same parts, smaller, and learns otherwise:
with Adam, where their program has Adagrad; with an adaptive softmax, where it samples classes;
without dropout; from lower-cased passages of the book's corpus, whose ends it does not predict, in
place of sentences.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F

from lib.charcnn import TEXT_BEGIN, TEXT_END, WORD_BEGIN, WORD_END, CharacterCNN, spell
from lib.corpus import Corpus
from lib.languagemodel import UNKNOWN, classes
from lib.neurallm import ProjectedLSTM, Softmax, groups, places_of, seeded, side_by_side

Floats: TypeAlias = NDArray[np.float64]
Float32s: TypeAlias = NDArray[np.float32]
Ints: TypeAlias = NDArray[np.int64]
Direction: TypeAlias = Literal["forward", "backward"]


@dataclass(frozen=True)
class Settings:
    """The sizes of a bidirectional language model.

    Parameters
    ----------
    vocabulary : int
        V: how many words the softmax knows, the unknown word included. It can read any word.
    longest : int
        How many bytes of a word are read, at most: its first.
    letters : int
        Length of the vector of a letter.
    filters : tuple of pairs
        Widths of the convolutions, and how many filters of each.
    highways : int
        Highway layers above them.
    d : int
        Length of the vector of a word, of what an LSTM tells the next layer, and of a state.
    cells : int
        Cells of an LSTM. If they are more than `d`, its output is projected to d numbers (Sak,
        Senior & Beaufays 2014), as in the paper; if they are as many, it is not.
    layers : int
        L.
    cutoffs : tuple of int
        Where the clusters of the softmax begin, see `lib.neurallm.Softmax`; () for the plain one.
    shrink : int
        How much shorter the vectors of each next cluster are.

    Raises
    ------
    ValueError
        If a size is not positive, or there are fewer cells than `d`.
    """

    vocabulary: int = 20_000
    longest: int = 20
    letters: int = 16
    filters: tuple[tuple[int, int], ...] = ((1, 16), (2, 32), (3, 64), (4, 96), (5, 96))
    highways: int = 2
    d: int = 128
    cells: int = 256
    layers: int = 2
    cutoffs: tuple[int, ...] = (2_000, 8_000)
    shrink: int = 4

    def __post_init__(self) -> None:
        for name in ("longest", "letters", "d", "cells", "layers", "shrink"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, not {getattr(self, name)}")
        if not self.filters or min(map(min, self.filters)) < 1:
            raise ValueError(f"filters {self.filters}: give pairs of a width and a number")
        if self.cells < self.d:
            raise ValueError(f"{self.cells} cells cannot be projected to {self.d} numbers")


# From words to states -------------------------------------------------------------------------


class Batch(NamedTuple):
    """Texts side by side; T is the length of the longest.

    Attributes
    ----------
    spellings : (U, C) tensor
        The distinct words of the batch; row 0 is the mark before a text, row 1 that behind it.
    rows : (B, T + 2) tensor
        Which of them stands where: the mark, the words, the mark, and padding of no meaning.
    lengths : (B,) tensor
        How many words each text has.
    targets : (B, T) tensor
        Which words of the softmax they are.
    """

    spellings: Tensor
    rows: Tensor
    lengths: Tensor
    targets: Tensor

    @property
    def real(self) -> Tensor:
        """Where words are, and not padding: (B, T)."""
        return torch.arange(self.targets.shape[1]) < self.lengths[:, None]


class States(NamedTuple):
    """All that a model says of a batch, marks included.

    Attributes
    ----------
    x : (B, T + 2, d) tensor
        Of the words alone.
    forward, backward : lists of L tensors (B, T + 2, d)
        State k of the one has seen the words up to k, that of the other the words from k on.
    """

    x: Tensor
    forward: list[Tensor]
    backward: list[Tensor]


@dataclass(frozen=True, eq=False)
class Layers:
    """The vectors of one text of T words, as arrays; marks stand before and behind it.

    Parameters
    ----------
    x : (T + 2, d) array
        Of the words alone.
    forward, backward : (L, T + 2, d) arrays
        States that have seen the words up to, and from, each one.
    """

    x: Float32s
    forward: Float32s
    backward: Float32s

    def of_words(self) -> Float32s:
        """Return h_kj, layer 0 the vectors of the words alone: (L + 1, T, 2 d).

        Layer 0 holds x twice, to be as wide as the others.
        """
        x = np.concatenate([self.x, self.x], axis=1)[None, 1:-1]
        return np.concatenate([x, self._beside(0)])

    def around(self) -> Float32s:
        """Return the states around each word, which have not read it: (L, T, 2 d).

        The forward state of the word before it, and the backward state of the word after it: those
        from which the model predicts the word. Use them, and not :meth:`of_words`, wherever a probe
        must not be told the word.
        """
        return self._beside(1)

    def _beside(self, away: int) -> Float32s:
        T = self.x.shape[0] - 2
        before = self.forward[:, 1 - away : 1 - away + T]
        after = self.backward[:, 1 + away : 1 + away + T]
        return np.concatenate([before, after], axis=2)


class BiLM(nn.Module):
    """Two language models that share the letters' network and the softmax.

    Training maximises (Peters et al. 2018, section 3.1; Theta_x are the weights of the letters'
    network, Theta_s those of the softmax)

        sum over k of  log p(t_k | t_1 ... t_k-1; Theta_x, Theta_LSTM>, Theta_s)
                     + log p(t_k | t_k+1 ... t_N; Theta_x, Theta_LSTM<, Theta_s).

    From the second layer on, what goes into an LSTM is added to what comes out (the residual
    connection of section 3.4). There is no dropout: the book's model learns for about an hour on
    two cores, and no text is read more than twice.

    Parameters
    ----------
    words : sequence of V str
        What the softmax knows: the unknown word first, then from frequent to rare.
    settings : Settings
        The sizes.
    rng : numpy.random.Generator
        Draws the first weights.

    Raises
    ------
    ValueError
        If there are not V words, or the first is not the unknown one.
    """

    def __init__(self, words: Sequence[str], settings: Settings, rng: np.random.Generator) -> None:
        super().__init__()
        if len(words) != settings.vocabulary or words[0] != UNKNOWN:
            raise ValueError(
                f"{len(words):,} words, the first {words[:1]!r}: a softmax over "
                f"{settings.vocabulary:,} needs as many, the first {UNKNOWN!r}; "
                "limit_vocabulary(corpus, size).vocabulary.words has them"
            )
        self.words, self.settings = tuple(words), settings
        with seeded(rng):
            self.tokens = CharacterCNN(
                settings.letters, settings.filters, settings.highways, settings.d
            )
            self.ahead = _stack(settings)
            self.back = _stack(settings)
            self.output = Softmax(
                settings.d, settings.vocabulary, settings.cutoffs, settings.shrink
            )

    # What goes in

    def batch(self, text: Corpus, passages: Sequence[int] | Ints) -> Batch:
        """Prepare passages of a corpus with all its words.

        Raises
        ------
        ValueError
            If the corpus begins with other words than the softmax knows.
        """
        known = text.vocabulary.words[: len(self.words) - 1]
        if tuple(known) != self.words[1:]:
            raise ValueError(
                "the text's most frequent words are not those of the model: take the corpus that "
                "it was trained on, with its whole vocabulary"
            )
        ids, real = side_by_side(text, passages)
        distinct, rows = torch.unique(ids, return_inverse=True)
        words = text.vocabulary.decode(distinct.numpy())
        targets = torch.from_numpy(classes(ids.numpy(), len(self.words)).astype(np.int64))
        return self._batch(words, rows, real.sum(dim=1), targets)

    def batch_of_words(self, texts: Sequence[Sequence[str]]) -> Batch:
        """Prepare texts of any words; those the softmax does not know have the target 0.

        Raises ValueError if a text is one string, or a word is empty.
        """
        if any(isinstance(text, str) for text in texts):
            raise ValueError("a text is a list of words, not one string: text.split() makes one")
        distinct = sorted({word for text in texts for word in text})
        row = {word: i for i, word in enumerate(distinct)}
        number = {word: i for i, word in enumerate(self.words)}
        T = max(map(len, texts), default=0)
        rows = torch.zeros(len(texts), T, dtype=torch.long)
        targets = torch.zeros(len(texts), T, dtype=torch.long)
        for b, text in enumerate(texts):
            rows[b, : len(text)] = torch.tensor([row[word] for word in text], dtype=torch.long)
            targets[b, : len(text)] = torch.tensor([number.get(word, 0) for word in text])
        return self._batch(distinct, rows, torch.tensor([len(text) for text in texts]), targets)

    def _batch(self, words: Sequence[str], rows: Tensor, lengths: Tensor, targets: Tensor) -> Batch:
        """Add the marks: to the distinct words, and at both ends of each text."""
        letters = torch.from_numpy(spell(words, self.settings.longest))
        marks = torch.zeros(2, max(3, letters.shape[1]), dtype=torch.long)
        marks[:, :3] = torch.tensor(
            [[WORD_BEGIN, TEXT_BEGIN, WORD_END], [WORD_BEGIN, TEXT_END, WORD_END]]
        )
        letters = F.pad(letters, (0, marks.shape[1] - letters.shape[1]))
        rows = F.pad(rows + 2, (1, 1))  # 0, the mark before, stands at both ends
        rows.scatter_(1, lengths[:, None] + 1, 1)
        return Batch(torch.cat([marks, letters]), rows, lengths, targets)

    # What comes out

    def forward(self, batch: Batch) -> States:
        """Run both stacks over a batch: words (B, T + 2) to L states (B, T + 2, d) a direction."""
        x = F.embedding(batch.rows, self.tokens(batch.spellings))  # (B, T + 2, d)
        turned = _turned(batch.lengths + 2, x.shape[1])[..., None].expand_as(x)  # places
        back = _run(self.back, x.gather(1, turned))
        return States(x, _run(self.ahead, x), [h.gather(1, turned) for h in back])

    def log_likelihoods(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Return the log-probability of every word, forward and backward: two of (m,)."""
        _, ahead, back = self(batch)
        T, real = batch.targets.shape[1], batch.real
        states = torch.cat([ahead[-1][:, :T][real], back[-1][:, 2 : T + 2][real]])  # (2 m, d)
        words = batch.targets[real]
        first, second = self.output(states, torch.cat([words, words])).chunk(2)
        return first, second

    def loss(self, batch: Batch) -> Tensor:
        """Return the mean of ``-log p`` over words and directions, in nats."""
        return -torch.cat(self.log_likelihoods(batch)).mean()

    @torch.no_grad()
    def log_probabilities(
        self, text: Corpus, direction: Direction = "forward", *, size: int = 64
    ) -> Floats:
        """Natural logarithm of the probability of every token: (n,).

        Parameters
        ----------
        text : lib.corpus.Corpus
            Passages, as for :meth:`batch`.
        direction : "forward" or "backward"
            Given the tokens before it in its passage, or those after it.
        size : int
            Passages at a time; without influence on the result but for rounding.

        Raises
        ------
        ValueError
            If the direction is another one.
        """
        if direction not in ("forward", "backward"):
            raise ValueError(f"direction {direction!r}: say 'forward' or 'backward'")
        forward, backward = self.both_log_probabilities(text, size=size)
        return np.asarray(forward if direction == "forward" else backward)

    @torch.no_grad()
    def both_log_probabilities(self, text: Corpus, *, size: int = 64) -> Floats:
        """Return :meth:`log_probabilities` of both directions at the price of one: (2, n)."""
        found = np.empty((2, text.tokens))
        for passages in groups(text, size):
            logs = torch.stack(self.log_likelihoods(self.batch(text, passages)))
            found[:, places_of(text, passages)] = logs.numpy()
        return found

    @torch.no_grad()
    def next(self, context: Sequence[int]) -> Floats:
        """Natural logarithms of the probabilities of all words after a context: (V,).

        The context holds numbers of the softmax's words, as `lib.languagemodel.sample` draws them,
        not those of the corpus, which :meth:`log_probabilities` takes. The unknown word, 0, would
        be read by the letters of its name, which mean nothing: leave it out.
        """
        _, ahead, _ = self(self.batch_of_words([[self.words[w] for w in context]]))
        return np.asarray(self.output.all(ahead[-1][0, len(context)][None])[0], np.float64)

    @torch.no_grad()
    def guesses(self, text: Sequence[str], place: int) -> Floats:
        """Natural logarithms of the probabilities of all words at one place of a text: (2, V).

        First by what stands before it, then by what stands after it; whatever stands there now is
        not looked at. *The keys ... on the table*: is, or are?

        Raises
        ------
        IndexError
            If the text has no such place.
        """
        if not 0 <= place < len(text):
            raise IndexError(f"place {place}: the text has the places 0 to {len(text) - 1}")
        _, ahead, back = self(self.batch_of_words([text]))
        states = torch.stack([ahead[-1][0, place], back[-1][0, place + 2]])
        return np.asarray(self.output.all(states).numpy(), dtype=np.float64)

    @torch.no_grad()
    def layers(self, texts: Sequence[Sequence[str]], *, size: int = 64) -> list[Layers]:
        """Return the vectors of texts, each a list of words.

        Parameters
        ----------
        texts : sequence of sequences of str
            Any words, including those never seen, but lower-cased and of letters alone, as in the
            corpus. Capitals, digits and signs never came in training, and their vectors are random:
            *Bank* is another word than *bank*.
        size : int
            Texts at a time; without influence on the result but for rounding.
        """
        found: list[Layers | None] = [None] * len(texts)
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        for first in range(0, len(order), size):
            chosen = order[first : first + size]
            x, ahead, back = self(self.batch_of_words([texts[i] for i in chosen]))
            sides = torch.stack(ahead).numpy(), torch.stack(back).numpy()  # (L, B, T + 2, d)
            for b, i in enumerate(chosen):
                end = len(texts[i]) + 2
                found[i] = Layers(x[b, :end].numpy(), *(side[:, b, :end] for side in sides))
        return [one for one in found if one is not None]


def _stack(settings: Settings) -> nn.ModuleList:
    """Make the LSTMs of one direction."""
    d, cells = settings.d, settings.cells
    return nn.ModuleList(
        ProjectedLSTM(d, cells, d) if cells > d else nn.LSTM(d, d, batch_first=True)
        for _ in range(settings.layers)
    )


def _run(stack: nn.ModuleList, x: Tensor) -> list[Tensor]:
    """Run LSTMs one above the other; from the second on, what goes in is added."""
    states: list[Tensor] = []
    for lstm in stack:
        out: Tensor = lstm(states[-1] if states else x)[0]
        states.append(out + states[-1] if states else out)
    return states


def _turned(lengths: Tensor, T: int) -> Tensor:
    """Return the places that turn every text around and leave its padding behind it.

    Taken twice, they give the text back.

    Examples
    --------
    >>> _turned(torch.tensor([3, 2]), 4)
    tensor([[2, 1, 0, 3],
            [1, 0, 2, 3]])
    """
    places = torch.arange(T).expand(len(lengths), T)
    return torch.where(places < lengths[:, None], lengths[:, None] - 1 - places, places)


# What a task takes ----------------------------------------------------------------------------


class ScalarMix(nn.Module):
    """One vector per word out of all layers: ``gamma * sum of s_j h_j``, learnt with the task.

    s is the softmax of one weight per layer, so the layers begin with equal shares. Equation 1 of
    Peters et al. 2018, who in some tasks also pull the shares together (their section 3.3: a
    penalty on the squared weights); a task that wants it adds it to its own loss.

    Parameters
    ----------
    layers : int
        How many: L + 1, with the layer of the words alone.
    normalise : bool
        First give every vector the mean 0 and the variance 1 (layer normalisation, Ba, Kiros &
        Hinton 2016, without its weights), since layers differ in size; the paper did so "in some
        cases".

    Examples
    --------
    >>> mix = ScalarMix(2)
    >>> mix(torch.tensor([[[1.0, 2.0]], [[3.0, 6.0]]])).tolist()
    [[2.0, 4.0]]
    """

    def __init__(self, layers: int, *, normalise: bool = False) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers))
        self.gamma = nn.Parameter(torch.ones(()))
        self.normalise = normalise

    def shares(self) -> Tensor:
        """Return s: (L + 1,), which sum to 1."""
        return torch.softmax(self.weights, dim=0)

    def forward(self, layers: Tensor) -> Tensor:
        """Map (L + 1, ..., d) to (..., d).

        Raises ValueError if there are more or fewer layers than weights.
        """
        if len(layers) != len(self.weights):
            raise ValueError(f"{len(layers)} layers, but {len(self.weights)} weights")
        if self.normalise:
            layers = F.layer_norm(layers, layers.shape[-1:])
        mixed: Tensor = self.gamma * torch.tensordot(self.shares(), layers, dims=1)
        return mixed


# On disk --------------------------------------------------------------------------------------

FORMAT: Final = "embeddings-tested bilm 1"


def save(model: BiLM, path: Path, recipe: Mapping[str, Any]) -> None:
    """Write weights, words, sizes and how it was trained, in one file of safetensors.

    Parameters
    ----------
    model : BiLM
        To be saved.
    path : Path
        A file; its folder is made.
    recipe : mapping
        Whatever JSON can hold.
    """
    content = {name: weights.contiguous() for name, weights in model.state_dict().items()}
    words = "\n".join(model.words).encode("utf-8")
    content["words"] = torch.from_numpy(np.frombuffer(words, np.uint8).copy())
    about = {"format": FORMAT, "settings": asdict(model.settings), "recipe": dict(recipe)}
    path.parent.mkdir(parents=True, exist_ok=True)
    # One entry, since safetensors writes several in any order, and the file shall have one hash.
    save_file(content, path, metadata={"about": json.dumps(about, sort_keys=True)})


def load(path: Path) -> BiLM:
    """Read what :func:`save` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds something else, or is damaged.
    """
    about = _about(path)
    content = load_file(path)
    words = content.pop("words").numpy().tobytes().decode("utf-8").split("\n")
    model = BiLM(words, _settings(about["settings"]), np.random.default_rng(0))
    model.load_state_dict(content)
    return model


def read_recipe(path: Path) -> dict[str, Any]:
    """Read how a saved model was trained; fails as :func:`load` does."""
    recipe: dict[str, Any] = _about(path)["recipe"]
    return recipe


def _about(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"there is no {path.name} in {path.parent}")
    try:
        with safe_open(path, framework="pt") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {}).get("about", "{}"))
    except SafetensorError as error:
        raise ValueError(f"{path.name} is damaged, or no file of safetensors: {error}") from error
    if about.get("format") != FORMAT:
        raise ValueError(f"{path.name} is no bidirectional language model of this book")
    return about


def _settings(stored: dict[str, Any]) -> Settings:
    """Turn the lists of JSON into tuples again."""
    stored["filters"] = tuple(tuple(pair) for pair in stored["filters"])
    return Settings(**(stored | {"cutoffs": tuple(stored["cutoffs"])}))
