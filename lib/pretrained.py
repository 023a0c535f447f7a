"""Published weights for the models of `lib.transformer`, and the names under which they come.

    :func:`load_encoder`    all-MiniLM-L6-v2, from its safetensors file
    :func:`load_decoder`    SmolLM2-135M-Instruct, from a GGUF file with about five bits a weight

Whoever publishes weights names them anew; two short tables below turn the names into the book's.
The library `transformers` is not needed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Final, TypeAlias, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file
from torch import nn

from lib.attention import FUSED, Kernels
from lib.data import ModelFiles, load
from lib.gguf import Gguf, read_gguf
from lib.transformer import Decoder, DecoderSettings, Encoder, EncoderSettings

Float32s: TypeAlias = NDArray[np.float32]
Model = TypeVar("Model", bound=nn.Module)

ENCODER_NAMES: Final = {
    "embeddings.word_embeddings": "words",
    "embeddings.position_embeddings": "places",
    "embeddings.token_type_embeddings": "segments",
    "embeddings.LayerNorm": "norm",
    "attention.self.query": "attention.queries",
    "attention.self.key": "attention.keys",
    "attention.self.value": "attention.values",
    "attention.output.dense": "attention.output",
    "attention.output.LayerNorm": "attention_norm",
    "intermediate.dense": "network.up",
    "output.dense": "network.down",
    "output.LayerNorm": "network_norm",
}
"""What BERT's files call the parts of an encoder, and what `lib.transformer` calls them."""

DECODER_NAMES: Final = {
    "token_embd": "words",
    "attn_norm": "attention_norm",
    "attn_q": "attention.queries",
    "attn_k": "attention.keys",
    "attn_v": "attention.values",
    "attn_output": "attention.output",
    "ffn_norm": "network_norm",
    "ffn_gate": "network.gate",
    "ffn_up": "network.up",
    "ffn_down": "network.down",
    "output_norm": "norm",
}
"""What GGUF files call the parts of a decoder, and what `lib.transformer` calls them."""

_NAME: Final = re.compile(
    r"(?:(?:encoder\.layer|blk)\.(?P<block>\d+)\.)?(?P<part>.+)\.(?P<end>weight|bias)"
)


def rename(name: str, table: Mapping[str, str]) -> str | None:
    """Translate the published name of a weight; None for one that the book's model lacks.

    Examples
    --------
    >>> rename("encoder.layer.3.attention.output.dense.bias", ENCODER_NAMES)
    'blocks.3.attention.output.bias'
    >>> rename("blk.3.attn_q.weight", DECODER_NAMES)
    'blocks.3.attention.queries.weight'
    >>> rename("pooler.dense.bias", ENCODER_NAMES) is None
    True
    """
    found = _NAME.fullmatch(name)
    if found is None or found["part"] not in table:
        return None
    block = "" if found["block"] is None else f"blocks.{found['block']}."
    return f"{block}{table[found['part']]}.{found['end']}"


# The encoder ----------------------------------------------------------------------------------


def encoder_weights(files: ModelFiles | None = None) -> tuple[EncoderSettings, dict[str, Float32s]]:
    """Read sizes and weights of an encoder of the BERT family.

    Parameters
    ----------
    files : ModelFiles, optional
        A folder with ``config.json`` and ``model.safetensors``; by default MiniLM's.

    Returns
    -------
    EncoderSettings, dict of str to array
        The weights by the names of `lib.transformer.Encoder`. The pooler, a layer above the first
        token that sentence encoders do not use, is left out.

    Raises
    ------
    ValueError
        If the model has other habits than BERT: another activation, or other positions. RoBERTa,
        whose weights have the same names, counts positions from 2.
    """
    folder = (load("minilm") if files is None else files).folder
    config = json.loads((folder / "config.json").read_text("utf-8"))
    places = config.get("position_embedding_type", "absolute")
    habits = (config["model_type"], config["hidden_act"], places)
    if habits != ("bert", "gelu", "absolute"):
        raise ValueError(
            f"{folder.name} has {habits}; written out are ('bert', 'gelu', 'absolute')"
        )
    settings = EncoderSettings(
        vocabulary=config["vocab_size"],
        places=config["max_position_embeddings"],
        segments=config["type_vocab_size"],
        d=config["hidden_size"],
        layers=config["num_hidden_layers"],
        heads=config["num_attention_heads"],
        hidden=config["intermediate_size"],
        eps=config["layer_norm_eps"],
    )
    published = load_file(folder / "model.safetensors")
    named = {rename(name, ENCODER_NAMES): table for name, table in published.items()}
    return settings, {
        name: table.astype(np.float32, copy=False)
        for name, table in named.items()
        if name is not None
    }


def load_encoder(files: ModelFiles | None = None, kernels: Kernels = FUSED) -> Encoder:
    """Load all-MiniLM-L6-v2, or another model of the BERT family: ready to use, in float32.

    Parameters
    ----------
    files : ModelFiles, optional
        By default ``lib.data.load("minilm")``.
    kernels : lib.attention.Kernels
        `FUSED` is fast, `WRITTEN_OUT` reads like the formulas.

    Raises
    ------
    RuntimeError
        If a weight is missing.

    Examples
    --------
    >>> model = load_encoder()
    >>> sum(weight.numel() for weight in model.parameters())
    22565376
    """
    settings, weights = encoder_weights(files)
    with torch.device("meta"):  # nothing is drawn at random only to be overwritten
        model = Encoder(settings, kernels)
    return _filled(model, weights)


# The decoder ----------------------------------------------------------------------------------


def decoder_file(files: ModelFiles | None = None) -> Gguf:
    """Open the GGUF file of a decoder; its settings hold the tokens too, see `lib.bytelevel`.

    Raises
    ------
    ValueError
        If the folder does not hold one such file.
    """
    files = load("smollm2") if files is None else files
    found = sorted(files.folder.glob("*.gguf"))
    if len(found) != 1:
        raise ValueError(f"{files.folder} holds {len(found)} GGUF files; one is needed")
    return read_gguf(found[0])


def decoder_weights(file: Gguf | None = None) -> tuple[DecoderSettings, dict[str, Float32s]]:
    """Read sizes and weights of a decoder of the Llama family.

    Parameters
    ----------
    file : Gguf, optional
        By default that of SmolLM2.

    Returns
    -------
    DecoderSettings, dict of str to array
        The weights by the names of `lib.transformer.Decoder`, unpacked. Queries and keys are in
        the order in which they were published, see :func:`pairs_apart`.

    Raises
    ------
    ValueError
        If the file holds another kind of model, one with an output table of its own, or one whose
        rotary positions turn only a part of a head or are stretched to longer texts.
    """
    file = decoder_file() if file is None else file
    s = file.settings
    if s["general.architecture"] != "llama":
        raise ValueError(f"{file.path.name} holds a model of kind {s['general.architecture']!r}")
    if "output.weight" in file.tables:
        raise ValueError(f"{file.path.name} has an output table of its own; written out is none")
    settings = DecoderSettings(
        vocabulary=s["llama.vocab_size"],
        places=s["llama.context_length"],
        d=s["llama.embedding_length"],
        layers=s["llama.block_count"],
        heads=s["llama.attention.head_count"],
        kv_heads=s["llama.attention.head_count_kv"],
        hidden=s["llama.feed_forward_length"],
        base=s["llama.rope.freq_base"],
        eps=round(s["llama.attention.layer_norm_rms_epsilon"], 12),  # stored in single precision
    )
    head = settings.d // settings.heads
    turned = s.get("llama.rope.dimension_count", head)
    stretched = s.get("llama.rope.scaling.type", "none")
    if (turned, stretched) != (head, "none"):
        raise ValueError(
            f"{file.path.name} turns {turned} of the {head} numbers of a head, stretched by "
            f"{stretched!r}; written out are whole heads, not stretched"
        )
    weights = {}
    for theirs in file.tables:
        ours = rename(theirs, DECODER_NAMES)
        if ours is None:
            raise ValueError(f"{file.path.name} has the table {theirs!r}, which is not written out")
        table = file[theirs]
        if ours.endswith("queries.weight"):
            table = pairs_apart(table, settings.heads)
        if ours.endswith("keys.weight"):
            table = pairs_apart(table, settings.kv_heads)
        weights[ours] = table
    return settings, weights


def pairs_apart(table: Float32s, heads: int) -> Float32s:
    """Undo the new order that GGUF files give to the rows of queries and keys.

    Rotary positions turn pairs of numbers. In GGUF files of this family the two of a pair are
    neighbours, as in the paper (Su et al. 2021, equation 34); the published models, and
    `lib.attention.rotate`, have them half a head apart.

    Parameters
    ----------
    table : (heads * d, n) array
        Rows in the order of the file: within a head 0, 0', 1, 1', ...
    heads : int
        How many heads the rows are dealt out to.

    Returns
    -------
    (heads * d, n) array
        Within a head 0, 1, ..., then 0', 1', ...

    Examples
    --------
    >>> rows = np.array([0, 10, 1, 11, 2, 12, 3, 13], np.float32)[:, None]
    >>> pairs_apart(rows, heads=2).ravel()  # each head has two pairs
    array([ 0.,  1., 10., 11.,  2.,  3., 12., 13.], dtype=float32)
    """
    rows, n = table.shape
    pairs = table.reshape(heads, rows // heads // 2, 2, n)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(rows, n))


def load_decoder(file: Gguf | None = None, kernels: Kernels = FUSED) -> Decoder:
    """Load SmolLM2-135M-Instruct, or another model of the Llama family: in float32.

    Parameters
    ----------
    file : Gguf, optional
        By default that of SmolLM2.
    kernels : lib.attention.Kernels
        `FUSED` is fast, `WRITTEN_OUT` reads like the formulas.

    Raises
    ------
    RuntimeError
        If a weight is missing.
    """
    settings, weights = decoder_weights(file)
    with torch.device("meta"):
        model = Decoder(settings, kernels)
    return _filled(model, weights)


def _filled(model: Model, weights: Mapping[str, Float32s]) -> Model:
    model.load_state_dict({k: torch.from_numpy(v) for k, v in weights.items()}, assign=True)
    return model.eval().requires_grad_(False)
