"""One text through a transformer, in NumPy: what chapters 11 and 13 derive, line by line.

No batches, no padding, no classes: a dictionary of weights and the numbers of the tokens go in,
the states of every layer come out. The weights have the names of `lib.transformer`, and come from
`lib.pretrained.encoder_weights` and `lib.pretrained.decoder_weights`; the arithmetic is done in
whatever precision they have. `lib.transformer` computes the same for many texts at once, faster.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf, expit

Array: TypeAlias = NDArray[Any]
Weights: TypeAlias = Mapping[str, Array]


# Small parts ----------------------------------------------------------------------------------


def softmax(scores: Array) -> Array:
    """``exp(s) / sum of exp(s)``, row by row; the largest is taken off first, lest exp overflow.

    Examples
    --------
    >>> softmax(np.array([[0.0, 0.0], [1_000.0, -np.inf]]))
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    e = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(e / e.sum(axis=-1, keepdims=True))


def layer_norm(x: Array, weight: Array, bias: Array, eps: float) -> Array:
    """Bring each row to mean 0 and variance 1, then scale and shift (Ba et al. 2016)."""
    x = x - x.mean(axis=-1, keepdims=True)
    variance = (x**2).mean(axis=-1, keepdims=True)
    return np.asarray(x / np.sqrt(variance + eps) * weight + bias)


def rms_norm(x: Array, weight: Array, eps: float) -> Array:
    """Bring each row to root mean square 1, then scale (Zhang & Sennrich 2019)."""
    return np.asarray(x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + eps) * weight)


def gelu(x: Array) -> Array:
    """``x * P(Z <= x)`` for a standard normal Z (Hendrycks & Gimpel 2016)."""
    return np.asarray(x * 0.5 * (1 + erf(x * 0.5**0.5)))


def silu(x: Array) -> Array:
    """``x * sigmoid(x)``."""
    return np.asarray(x * expit(x))


def attend(q: Array, k: Array, v: Array, allowed: Array | None = None) -> Array:
    """``softmax(q k^T / sqrt(d)) v`` for one head: three (T, d) -> (T, d).

    Examples
    --------
    >>> v = np.array([[1.0], [3.0], [8.0]])
    >>> attend(0 * v, 0 * v, v, np.tri(3, dtype=bool)).ravel()  # the mean of all so far
    array([1., 2., 4.])
    """
    scores = q @ k.T / np.sqrt(q.dtype.type(q.shape[-1]))  # (T, T)
    if allowed is not None:
        scores = np.where(allowed, scores, -np.inf)
    return np.asarray(softmax(scores) @ v)


def turned(x: Array, base: float) -> Array:
    """Turn each pair of numbers by its speed times the position: (T, d) -> (T, d).

    Pair j is made of the numbers j and ``j + d / 2``, and turns by ``base ** (-2 j / d)`` a token
    (Su et al. 2021). Angles are in single precision, see `lib.attention.rotary`.
    """
    T, d = x.shape
    speeds = 1 / np.float32(base) ** (np.arange(0, d, 2, dtype=np.float32) / np.float32(d))
    angles = np.arange(T, dtype=np.float32)[:, None] * speeds  # (T, d / 2)
    cos, sin = np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)
    a, b = x[:, : d // 2], x[:, d // 2 :]
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], axis=1)


# The two models -------------------------------------------------------------------------------


def encoder_states(W: Weights, ids: Sequence[int], *, heads: int = 12, eps: float = 1e-12) -> Array:
    """Run one text through an encoder, as MiniLM (Devlin et al. 2019).

    Parameters
    ----------
    W : mapping from str to array
        From `lib.pretrained.encoder_weights`.
    ids : sequence of T int
        Tokens, marks included.
    heads : int
        H.
    eps : float
        Of the norms.

    Returns
    -------
    (L + 1, T, d) array
        States of every layer, layer 0 what goes into the first block.
    """

    def linear(x: Array, name: str) -> Array:
        return np.asarray(x @ W[name + ".weight"].T + W[name + ".bias"])

    def norm(x: Array, name: str) -> Array:
        return layer_norm(x, W[name + ".weight"], W[name + ".bias"], eps)

    T = len(ids)
    x = W["words.weight"][ids] + W["places.weight"][:T] + W["segments.weight"][0]  # (T, d)
    states = [norm(x, "norm")]
    while (block := f"blocks.{len(states) - 1}.") + "network.up.weight" in W:
        x = states[-1]
        q, k, v = (
            np.split(linear(x, block + "attention." + name), heads, axis=1)
            for name in ("queries", "keys", "values")
        )  # H times (T, d / H)
        mixed = np.concatenate([attend(*head) for head in zip(q, k, v, strict=True)], axis=1)
        x = norm(x + linear(mixed, block + "attention.output"), block + "attention_norm")
        inner = gelu(linear(x, block + "network.up"))  # (T, hidden)
        x = norm(x + linear(inner, block + "network.down"), block + "network_norm")
        states.append(x)
    return np.stack(states)


def decoder_states(
    W: Weights,
    ids: Sequence[int],
    *,
    heads: int = 9,
    kv_heads: int = 3,
    base: float = 100_000.0,
    eps: float = 1e-5,
) -> Array:
    """Run one text through a decoder, as SmolLM2 (Touvron et al. 2023).

    Parameters
    ----------
    W : mapping from str to array
        From `lib.pretrained.decoder_weights`.
    ids : sequence of T int
        Tokens.
    heads, kv_heads : int
        Of queries, and of keys and values.
    base : float
        Of the rotary positions.
    eps : float
        Of the norms.

    Returns
    -------
    (L + 1, T, d) array
        States of every layer; the last one brought to size.
    """

    def linear(x: Array, name: str) -> Array:
        return np.asarray(x @ W[name + ".weight"].T)

    def norm(x: Array, name: str) -> Array:
        return rms_norm(x, W[name + ".weight"], eps)

    states = [W["words.weight"][ids]]  # (T, d)
    so_far = np.tri(len(ids), dtype=bool)
    while (block := f"blocks.{len(states) - 1}.") + "network.up.weight" in W:
        x = states[-1]
        y = norm(x, block + "attention_norm")
        q = np.split(linear(y, block + "attention.queries"), heads, axis=1)
        k = np.split(linear(y, block + "attention.keys"), kv_heads, axis=1)
        v = np.split(linear(y, block + "attention.values"), kv_heads, axis=1)
        mixed = []
        for h in range(heads):
            g = h * kv_heads // heads  # three queries share a key
            mixed.append(attend(turned(q[h], base), turned(k[g], base), v[g], so_far))
        x = x + linear(np.concatenate(mixed, axis=1), block + "attention.output")
        y = norm(x, block + "network_norm")
        opened = silu(linear(y, block + "network.gate")) * linear(y, block + "network.up")
        states.append(x + linear(opened, block + "network.down"))
    states[-1] = norm(states[-1], "norm")
    return np.stack(states)
