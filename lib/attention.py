"""Attention: every token asks, every token answers, and the answers are mixed.

A token asks with its query q, the others offer keys k, and what is passed on are the values v
(Vaswani et al. 2017, equation 1):

    attention(Q, K, V) = softmax(Q K^T / sqrt(d)) V.

Several heads do so side by side, each in a space of its own (section 3.2.2 there). The formula
knows no order: that comes from positions, either added to what goes in (learned ones, see
`lib.transformer.Encoder`) or turned into queries and keys (rotary ones, below).

Papers: Vaswani, Shazeer, Parmar et al. 2017; Su, Lu, Pan, Murtadha, Wen & Liu 2021 (rotary
positions); Ainslie, Lee-Thorp, de Jong et al. 2023 (grouped queries).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Turn: TypeAlias = tuple[Tensor, Tensor]
"""The cosines and sines of rotary positions, as :func:`rotary` gives them."""


# Who may look where ---------------------------------------------------------------------------


def causal_mask(T: int) -> Tensor:
    """Let every token look at itself and what stands before it: (T, T), true where it may.

    Examples
    --------
    >>> causal_mask(3).int()
    tensor([[1, 0, 0],
            [1, 1, 0],
            [1, 1, 1]], dtype=torch.int32)
    """
    return torch.ones(T, T, dtype=torch.bool).tril()


def allowed_places(real: Tensor, *, causal: bool) -> Tensor | None:
    """Say for each token of padded texts where it may look.

    Parameters
    ----------
    real : (B, T) tensor of bool
        True for a token, false for padding, at either side.
    causal : bool
        Whether a token sees only itself and what stands before it.

    Returns
    -------
    (B, 1, 1, T) or (B, 1, T, T) tensor of bool, or None
        True where a token may look; the second axis is for the heads. None stands for
        "everything that the causal mask leaves": without padding, and also with a causal mask
        when all padding stands behind the texts, for no token looks there anyway. A place that
        could look nowhere, as padding before a text, may look at itself: its state is of no use
        to anybody, but it has to be a number.

    Examples
    --------
    >>> allowed_places(torch.tensor([[True, True, False]]), causal=False)
    tensor([[[[ True,  True, False]]]])
    >>> allowed_places(torch.tensor([[True, True, False]]), causal=True) is None
    True
    >>> allowed_places(torch.tensor([[False, True, True]]), causal=True).int()
    tensor([[[[1, 0, 0],
              [0, 1, 0],
              [0, 1, 1]]]], dtype=torch.int32)
    """
    if causal:
        behind = not (real[:, 1:] & ~real[:, :-1]).any()  # no token comes after padding
        if behind:
            return None
        T = real.shape[1]
        may = causal_mask(T) & real[:, None, None, :]
        return may | torch.eye(T, dtype=torch.bool)
    if real.all():
        return None
    empty = ~real.any(dim=1, keepdim=True)
    return (real | empty)[:, None, None, :]


def positions_of(real: Tensor) -> Tensor:
    """Count the tokens of each text from 0, wherever the padding stands: (B, T).

    Padding before a text would otherwise push it to later positions: with learned positions
    another input, with rotary ones the same up to rounding.

    Examples
    --------
    >>> positions_of(torch.tensor([[True, True, False], [False, True, True]]))
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return (real.long().cumsum(dim=1) - 1).clamp(min=0)


# The formula ----------------------------------------------------------------------------------


def attention_weights(q: Tensor, k: Tensor, allowed: Tensor | None = None) -> Tensor:
    """``softmax(q k^T / sqrt(d))``: how much each token takes from each other one.

    Scores of independent entries with variance 1 have variance d, hence the root (footnote 4 of
    Vaswani et al. 2017). What may not be seen gets the score minus infinity, so the weight 0.

    Parameters
    ----------
    q, k : (..., T, d) and (..., S, d) tensors
        What T tokens ask, and what S tokens offer.
    allowed : tensor of bool, optional
        Broadcasts to (..., T, S), true where a token may look; each row needs one true at least.

    Returns
    -------
    (..., T, S) tensor
        Rows add up to 1.

    Examples
    --------
    >>> q = torch.tensor([[0.0, 2.0]])
    >>> k = torch.tensor([[1.0, 0.0], [0.0, 1.0], [5.0, 5.0]])
    >>> attention_weights(q, k, torch.tensor([True, True, False]))
    tensor([[0.1956, 0.8044, 0.0000]])
    """
    scores: Tensor = q @ k.transpose(-2, -1) * q.shape[-1] ** -0.5  # (..., T, S)
    if allowed is not None:
        scores = scores.masked_fill(~allowed, float("-inf"))
    return scores.softmax(dim=-1)


def attention(
    q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None = None, causal: bool = False
) -> Tensor:
    """Mix values by :func:`attention_weights` (Vaswani et al. 2017, equation 1).

    Parameters
    ----------
    q : (B, H, T, d) tensor
        Queries of H heads.
    k, v : (B, G, T, d) tensors
        Keys and values; with G < H, each serves H / G heads in a row (grouped queries, Ainslie et
        al. 2023; G = 1 is the multi-query attention of Shazeer 2019).
    allowed : tensor of bool, optional
        Broadcasts to (B, H, T, T); by default every token sees every other.
    causal : bool
        Without `allowed`: whether a token sees only itself and those before it.

    Returns
    -------
    (B, H, T, d) tensor

    Examples
    --------
    >>> v = torch.tensor([[[[1.0], [3.0], [8.0]]]])
    >>> zero = torch.zeros_like(v)
    >>> attention(zero, zero, v).flatten()  # nothing asked: the mean of all
    tensor([4., 4., 4.])
    >>> attention(zero, zero, v, causal=True).flatten()  # of all so far
    tensor([1., 2., 4.])
    """
    if allowed is None and causal:
        allowed = causal_mask(q.shape[-2])
    k, v = share(k, q.shape[1]), share(v, q.shape[1])
    return attention_weights(q, k, allowed) @ v


def share(x: Tensor, heads: int) -> Tensor:
    """Give each of `heads` heads its keys or values: (B, G, T, d) -> (B, heads, T, d).

    Examples
    --------
    >>> share(torch.tensor([[[[1.0]], [[2.0]]]]), 4).flatten()
    tensor([1., 1., 2., 2.])
    """
    return x if x.shape[1] == heads else x.repeat_interleave(heads // x.shape[1], dim=1)


def fused_attention(
    q: Tensor, k: Tensor, v: Tensor, allowed: Tensor | None = None, causal: bool = False
) -> Tensor:
    """Compute :func:`attention` by PyTorch's own program, which never stores all the weights."""
    return F.scaled_dot_product_attention(
        q,
        share(k, q.shape[1]),
        share(v, q.shape[1]),
        attn_mask=allowed,
        is_causal=causal and allowed is None,
    )


# Rotary positions -----------------------------------------------------------------------------


def rotary(positions: Tensor, d: int, base: float) -> Turn:
    """Angles by which queries and keys are turned (Su et al. 2021, equations 14 and 15).

    The pair j of the d numbers turns by ``m * base ** (-2 j / d)`` at position m: the first pair
    like the second hand of a clock, the last like the hour hand. The product of a query at m and a
    key at n then depends on n - m alone (equation 16 there).

    Parameters
    ----------
    positions : (..., T) tensor of int
        Where the tokens stand.
    d : int
        Length of a query; even.
    base : float
        10,000 in the paper; the larger, the slower the hands.

    Returns
    -------
    two (..., T, d / 2) tensors of float32
        Cosines and sines. They are computed in single precision whatever the model's, as those
        were with which the weights were learned.

    Raises
    ------
    ValueError
        If d is odd.

    Examples
    --------
    >>> cos, sin = rotary(torch.tensor([0, 1]), 4, base=100.0)
    >>> torch.atan2(sin, cos)  # radians: none at position 0; 1 and 1 / 10 at position 1
    tensor([[0.0000, 0.0000],
            [1.0000, 0.1000]])
    """
    if d % 2:
        raise ValueError(f"numbers are turned in pairs, and {d} is odd")
    speeds = 1.0 / base ** (torch.arange(0, d, 2, dtype=torch.float32) / d)  # radians a token
    angles = positions[..., None].to(torch.float32) * speeds
    return angles.cos(), angles.sin()


def rotate(x: Tensor, turn: Turn) -> Tensor:
    """Turn each pair of numbers by its angle.

    Pair j is made of the numbers j and ``j + d / 2``, as in the models of the Llama family; in the
    paper (equation 34) it is made of neighbours. The two differ by the order of the numbers, in
    queries and keys alike, so not in their product.

    Parameters
    ----------
    x : (..., T, d) tensor
        Queries or keys.
    turn : two tensors that broadcast to (..., T, d / 2)
        From :func:`rotary`.

    Returns
    -------
    (..., T, d) tensor
        Of the same length as x, row by row.

    Examples
    --------
    >>> quarter = (torch.tensor([0.0]), torch.tensor([1.0]))
    >>> rotate(torch.tensor([[3.0, 4.0]]), quarter)
    tensor([[-4.,  3.]])
    """
    cos, sin = (part.to(x.dtype) for part in turn)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


# Small parts ----------------------------------------------------------------------------------


def layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    """``(x - mean) / sqrt(variance + eps) * weight + bias``, row by row (Ba et al. 2016).

    The variance divides by d, not by d - 1.

    Examples
    --------
    >>> layer_norm(torch.tensor([[1.0, 3.0]]), torch.tensor([1.0, 2.0]), torch.zeros(2), 0.0)
    tensor([[-1.,  2.]])
    """
    centred = x - x.mean(dim=-1, keepdim=True)
    variance = centred.square().mean(dim=-1, keepdim=True)
    return centred * torch.rsqrt(variance + eps) * weight + bias


def rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """``x / sqrt(mean of squares + eps) * weight``, row by row (Zhang & Sennrich 2019).

    A layer norm that leaves the mean alone and has no bias.

    Examples
    --------
    >>> rms_norm(torch.tensor([[1.0, 7.0]]), torch.tensor([5.0, 10.0]), 0.0)  # root mean square 5
    tensor([[ 1., 14.]])
    """
    return x * torch.rsqrt(x.square().mean(dim=-1, keepdim=True) + eps) * weight


def gelu(x: Tensor) -> Tensor:
    """``x * P(Z <= x)`` for a standard normal Z (Hendrycks & Gimpel 2016, section 2).

    The exact form by the error function, not the approximation by a hyperbolic tangent.

    Examples
    --------
    >>> gelu(torch.tensor([-10.0, -1.0, 0.0, 1.0, 10.0]))
    tensor([-0.0000, -0.1587,  0.0000,  0.8413, 10.0000])
    """
    return x * 0.5 * (1 + torch.erf(x * 0.5**0.5))


def silu(x: Tensor) -> Tensor:
    """``x * sigmoid(x)``, also called Swish.

    Examples
    --------
    >>> silu(torch.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7311])
    """
    return x * torch.sigmoid(x)


class Kernels(NamedTuple):
    """The programs that compute the formulas above.

    Attributes
    ----------
    attention, layer_norm, rms_norm, gelu, silu : callable
        With the arguments of the functions of this module.
    """

    attention: Callable[..., Tensor]
    layer_norm: Callable[..., Tensor]
    rms_norm: Callable[..., Tensor]
    gelu: Callable[[Tensor], Tensor]
    silu: Callable[[Tensor], Tensor]


def _fused_layer_norm(x: Tensor, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    return F.layer_norm(x, weight.shape, weight, bias, eps)


def _fused_rms_norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    return F.rms_norm(x, weight.shape, weight, eps)


WRITTEN_OUT: Final = Kernels(attention, layer_norm, rms_norm, gelu, silu)
"""The formulas as they stand on the page."""

FUSED: Final = Kernels(fused_attention, _fused_layer_norm, _fused_rms_norm, F.gelu, F.silu)
"""The same by PyTorch's own programs: equal up to rounding, and faster."""


# Many heads -----------------------------------------------------------------------------------


class MultiHeadAttention(nn.Module):
    """Attention in several spaces side by side (Vaswani et al. 2017, section 3.2.2).

    Parameters
    ----------
    d : int
        Length of a state.
    heads : int
        H; each works with d / H numbers.
    kv_heads : int, optional
        G: heads of keys and values, each shared by H / G heads of queries. By default H.
    bias : bool
        Whether the four linear maps add a constant.
    causal : bool
        Whether a token sees only itself and what stands before it.
    kernels : Kernels
        :data:`WRITTEN_OUT` or :data:`FUSED`.

    Raises
    ------
    ValueError
        If H does not divide d, or G does not divide H.

    Examples
    --------
    >>> heads = MultiHeadAttention(6, 2, kv_heads=1)
    >>> heads(torch.zeros(1, 5, 6)).shape
    torch.Size([1, 5, 6])
    """

    def __init__(
        self,
        d: int,
        heads: int,
        *,
        kv_heads: int | None = None,
        bias: bool = True,
        causal: bool = False,
        kernels: Kernels = FUSED,
    ) -> None:
        super().__init__()
        groups = heads if kv_heads is None else kv_heads
        if d % heads or heads % groups:
            raise ValueError(
                f"{d} numbers on {heads} heads of queries and {groups} of keys: "
                "the heads must divide the numbers, the keys' heads those of the queries"
            )
        self.head = d // heads  # length of a query
        self.causal, self.kernels = causal, kernels
        self.queries = nn.Linear(d, d, bias)
        self.keys = nn.Linear(d, groups * self.head, bias)
        self.values = nn.Linear(d, groups * self.head, bias)
        self.output = nn.Linear(d, d, bias)

    def forward(self, x: Tensor, allowed: Tensor | None = None, turn: Turn | None = None) -> Tensor:
        """Mix states by what they ask of each other: (B, T, d) -> (B, T, d).

        Parameters
        ----------
        x : (B, T, d) tensor
            States.
        allowed : tensor of bool, optional
            From :func:`allowed_places`.
        turn : two (B, 1, T, d / (2 H)) tensors, optional
            From :func:`rotary`, with an axis for the heads.
        """
        q, k = self._asked(x, turn)
        v = self._split(self.values(x))
        mixed = self.kernels.attention(q, k, v, allowed, self.causal)  # (B, H, T, d / H)
        out: Tensor = self.output(mixed.transpose(1, 2).flatten(2))
        return out

    def weights(self, x: Tensor, allowed: Tensor | None = None, turn: Turn | None = None) -> Tensor:
        """Return how much each token takes from each other one: (B, H, T, T)."""
        q, k = self._asked(x, turn)
        if allowed is None and self.causal:
            allowed = causal_mask(x.shape[1])
        return attention_weights(q, share(k, q.shape[1]), allowed)

    def _asked(self, x: Tensor, turn: Turn | None) -> tuple[Tensor, Tensor]:
        """Return queries (B, H, T, d / H) and keys (B, G, T, d / H), turned if positions are."""
        q, k = self._split(self.queries(x)), self._split(self.keys(x))
        return (q, k) if turn is None else (rotate(q, turn), rotate(k, turn))

    def _split(self, x: Tensor) -> Tensor:
        """Deal the numbers out to heads: (B, T, h d) -> (B, h, T, d)."""
        return x.reshape(*x.shape[:2], -1, self.head).transpose(1, 2)
