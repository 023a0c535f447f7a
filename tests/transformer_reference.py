"""What the tests of the transformers share: a hundred real sentences, and the library's models."""

import re
from functools import cache

import numpy as np
import torch

from lib.data import load
from lib.pretrained import DECODER_NAMES, decoder_weights
from lib.transformer import DecoderSettings
from lib.wordpiece import WordPiece

THEIRS = {
    "words": "embed_tokens",
    "attention_norm": "input_layernorm",
    "attention.queries": "self_attn.q_proj",
    "attention.keys": "self_attn.k_proj",
    "attention.values": "self_attn.v_proj",
    "attention.output": "self_attn.o_proj",
    "network_norm": "post_attention_layernorm",
    "network.gate": "mlp.gate_proj",
    "network.up": "mlp.up_proj",
    "network.down": "mlp.down_proj",
    "norm": "norm",
}
"""What `transformers` calls the parts of a decoder."""
assert THEIRS.keys() == set(DECODER_NAMES.values())


@cache
def hundred_sentences(longest: int) -> tuple[str, ...]:
    """A hundred different sentences of the news, evenly spread from 3 word pieces to `longest`."""
    pieces = WordPiece.load()
    texts = load("news").texts[:400]
    found = sorted({s for text in texts for s in re.split(r"(?<=[.!?])\s+", text) if s.strip()})
    lengths = np.array([len(pieces.ids(s)) for s in found])
    chosen: list[int] = []
    for wanted in np.linspace(3, longest, 100):
        away = np.abs(lengths - wanted)
        away[chosen] = 10_000
        chosen.append(int(away.argmin()))
    return tuple(found[i] for i in chosen)


def pad(rows: list[list[int]], sides: str, filler: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Put rows of numbers side by side; `sides` is "left", "right" or "both" (in turns)."""
    T = max(map(len, rows))
    ids = torch.full((len(rows), T), filler)
    real = torch.zeros(len(rows), T, dtype=torch.bool)
    for i, row in enumerate(rows):
        left = sides == "left" or (sides == "both" and i % 2 == 1)
        begin = T - len(row) if left else 0
        ids[i, begin : begin + len(row)] = torch.tensor(row, dtype=torch.long)
        real[i, begin : begin + len(row)] = True
    return ids, real


def library_encoder(dtype: torch.dtype) -> torch.nn.Module:
    """MiniLM as `transformers` builds it."""
    from transformers import BertModel

    folder = str(load("minilm").folder)
    return BertModel.from_pretrained(folder, local_files_only=True, dtype=dtype).eval()


def library_decoder(dtype: torch.dtype, layers: int | None = None) -> torch.nn.Module:
    """SmolLM2 as `transformers` builds it, or only its first layers, with the unpacked weights."""
    s, tables = decoder_weights()
    weights = {name: torch.from_numpy(table) for name, table in tables.items()}
    return library_decoder_of(s, weights, s.layers if layers is None else layers).to(dtype)


def library_decoder_of(
    s: DecoderSettings, weights: dict[str, torch.Tensor], layers: int
) -> torch.nn.Module:
    """A decoder as `transformers` builds it, from weights by the book's names."""
    from transformers import LlamaConfig, LlamaModel

    config = LlamaConfig(
        vocab_size=s.vocabulary,
        hidden_size=s.d,
        intermediate_size=s.hidden,
        num_hidden_layers=layers,
        num_attention_heads=s.heads,
        num_key_value_heads=s.kv_heads,
        max_position_embeddings=s.places,
        rms_norm_eps=s.eps,
        rope_parameters={"rope_type": "default", "rope_theta": s.base},
        attn_implementation="sdpa",
    )
    named = {}
    for name, weight in weights.items():
        block, part = re.fullmatch(r"(?:blocks\.(\d+)\.)?(.+)\.weight", name).groups()
        if block is None or int(block) < layers:
            front = "" if block is None else f"layers.{block}."
            named[f"{front}{THEIRS[part]}.weight"] = weight
    model = LlamaModel(config)
    model.load_state_dict(named)
    return model.eval()


def library_states(
    model: torch.nn.Module, ids: torch.Tensor, real: torch.Tensor, positions: torch.Tensor
) -> torch.Tensor:
    """All hidden states, as the library gives them: (L + 1, B, T, d)."""
    with torch.no_grad():
        out = model(
            input_ids=ids,
            attention_mask=real.long(),
            position_ids=positions,
            output_hidden_states=True,
        )
    return torch.stack(out.hidden_states)


def library_attentions(
    model: torch.nn.Module, ids: torch.Tensor, real: torch.Tensor, positions: torch.Tensor
) -> torch.Tensor:
    """All weights of attention, as the library gives them: (L, B, H, T, T)."""
    model.set_attn_implementation("eager")  # its fast programs do not tell them
    with torch.no_grad():
        out = model(
            input_ids=ids,
            attention_mask=real.long(),
            position_ids=positions,
            output_attentions=True,
        )
    return torch.stack(out.attentions)


def honest_rms_norm(self, x: torch.Tensor) -> torch.Tensor:
    """The library's norm without its detour through single precision."""
    x = x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)
    return self.weight * x
