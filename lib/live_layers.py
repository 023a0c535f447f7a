"""The live figure *bank-layers*: the sentences of *bank* in an encoder and in a decoder.

An encoder reads a sentence from both sides: every layer of MiniLM may use what comes after a word.
A decoder reads it from the left: in every layer of SmolLM2 the vector of a word is the same,
whatever follows it, and where the clue comes late it cannot help. `read_model` asks either, in
layers of one's choice, or with the sentence cut after the word, so that both have read the same.

The vector of a word is the mean of its pieces. What is measured is that of `lib.live_senses`; one
thing differs. A decoder gives the first token of any text a vector many times as long as the
others; the mean of words with such vectors among them is almost that vector alone. So the mean that
centring takes away from a decoder leaves out the first word of each sentence. No ambiguous word
stands there.

``webassets/live/bank.js`` draws this figure as well.

Papers: Ethayarajh 2019 (see `lib.live_senses`); Xiao, Tian, Chen, Han & Lewis 2024 (what the first
token is for).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from lib.live import LiveFigure
from lib.live_senses import Floats, Ints, Model, Occurrence, bank, senses
from lib.textencoder import Backbone
from lib.transformer import Decoder

LABELS = {"minilm": "MiniLM", "smollm2": "SmolLM2"}


@dataclass(frozen=True, eq=False)
class Read(Model):
    """A model, and how much of the sentence a vector of it can know.

    Attributes
    ----------
    until : bool
        Nothing of what comes after the word.
    """

    until: bool = False


def pieces_of(backbone: Backbone, tokens: Sequence[str]) -> tuple[list[int], Ints]:
    """Cut a sentence, and say of each piece to which word it belongs, -1 to none.

    Parameters
    ----------
    backbone : Backbone
        From `lib.textencoder`.
    tokens : sequence of T str
        The words; a space stands between two of them.

    Returns
    -------
    ids : list of n int
        The numbers of the pieces, marks included.
    owners : (n,) array
        Counts words from 0.

    Raises
    ------
    ValueError
        If the pieces of the words are not those of the sentence.
    """
    begin, end = list(backbone.before), list(backbone.after)
    spelt = [tokens[0], *(f" {token}" for token in tokens[1:])]
    cuts = [backbone.cut(text) for text in spelt]
    inside = [number for cut in cuts for number in cut]
    if inside != backbone.cut(" ".join(tokens)):
        raise ValueError(f"{backbone.name} cuts {' '.join(tokens)!r} not at its spaces")
    owners = [word for word, cut in enumerate(cuts) for _ in cut]
    marks = [-1] * len(begin), [-1] * len(end)
    return [*begin, *inside, *end], np.array([*marks[0], *owners, *marks[1]], dtype=np.int64)


@torch.inference_mode()
def word_states(
    backbone: Backbone, sentences: Sequence[Sequence[str]], layers: Sequence[int]
) -> list[NDArray[np.float32]]:
    """Return a vector for each word of each sentence: arrays (L, T, d).

    Parameters
    ----------
    backbone : Backbone
        From `lib.textencoder`.
    sentences : sequence of n sequences of str
        Their words. All sentences are read together, short ones filled up on the right.
    layers : sequence of L int
        0 is what goes into the first block.
    """
    cut = [pieces_of(backbone, tokens) for tokens in sentences]
    longest = max(len(ids) for ids, _ in cut)
    ids = torch.tensor([[*one, *([0] * (longest - len(one)))] for one, _ in cut])
    real = torch.tensor([[place < len(one) for place in range(longest)] for one, _ in cut])
    H = backbone.network.states(ids, real)[list(layers)].numpy()  # (L, n, pieces, d)
    found = []
    for i, (tokens, (_, owners)) in enumerate(zip(sentences, cut, strict=True)):
        own = H[:, i, : len(owners)]
        found.append(
            np.stack([own[:, owners == t].mean(axis=1) for t in range(len(tokens))], axis=1)
        )
    return found


def read_model(
    backbone: Backbone,
    layers: Sequence[int] | None = None,
    *,
    until: bool = False,
    occurrences: Sequence[Occurrence] | None = None,
) -> Read:
    """Ask an encoder or a decoder for the ambiguous words.

    Parameters
    ----------
    backbone : Backbone
        `lib.textencoder.minilm` or `lib.textencoder.smollm2`.
    layers : sequence of int, optional
        By default all of them.
    until : bool
        Cut each sentence after the word. A decoder gives the same vectors, but for rounding.
    occurrences : sequence of Occurrence, optional
        By default those of `lib.live_senses.senses`.
    """
    asked = senses() if occurrences is None else list(occurrences)
    numbers = range(len(backbone.network.blocks) + 1) if layers is None else layers
    texts = [one.tokens[: one.place + 1] if until else one.tokens for one in asked]
    decoder = isinstance(backbone.network, Decoder)
    first = 1 if decoder else 0  # its vector says that it is the first, and nothing else
    states = word_states(backbone, texts, numbers)
    targets, others = [], []
    for S, one in zip(states, asked, strict=True):
        targets.append(S[:, one.place])
        others.append(np.delete(S, one.place, axis=1)[:, first:])
    background: Floats = np.concatenate(others, axis=1).mean(axis=1, dtype=np.float64)
    label = LABELS.get(backbone.name, backbone.name)
    return Read(
        backbone.name + ("-until" if until else ""),
        f"{label}, cut at the word" if until else label,
        tuple(f"layer {j}" for j in numbers),
        tuple(asked),
        np.stack(targets, axis=1).astype(np.float64),
        background,
        until=until or decoder,
    )


def moved(one: Model, other: Model, layer: int) -> Floats:
    """Say how far each ambiguous word moves from one reading to the other: 1 - cosine, (n,)."""
    A, B = (model.targets[layer] for model in (one, other))
    lengths = np.linalg.norm(A, axis=1) * np.linalg.norm(B, axis=1)
    return np.asarray(1 - (A * B).sum(axis=1) / lengths)


def bank_layers(models: Sequence[Read]) -> LiveFigure:
    """Make the live figure *bank-layers*.

    Parameters
    ----------
    models : sequence of Read
        The reader is first asked about the last layer of the first.

    Raises
    ------
    ValueError
        As `lib.live_senses.bank` does.
    """
    plain = bank(models)
    numbers = [
        {**told, "until": model.until}
        for told, model in zip(plain.data["models"], models, strict=True)
    ]
    return dataclasses.replace(
        plain,
        name="bank-layers",
        title="One word, eight sentences, read from one side or from both",
        summary="Six words in eight sentences of two senses each, in a decoder, which reads only "
        "what stands before a word, and in an encoder, which reads the whole sentence. Say how "
        "often the nearest sentence has the same sense, then choose the word, the model, the "
        "layer, and whether the common direction is taken away.",
        data={**plain.data, "models": numbers},
    )
