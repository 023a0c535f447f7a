"""The transformer, both ways: one that reads a text from all sides, and one that reads on.

Both stack blocks of two steps, attention (`lib.attention`) and a small network for each token, and
both steps *add* to the state of a token. They differ in four habits:

    ======================  ==================================  ================================
    .                       :class:`Encoder` (BERT, MiniLM)     :class:`Decoder` (Llama, SmolLM2)
    ======================  ==================================  ================================
    a token sees            the whole text                      itself and what stands before it
    where it stands         a learned vector is added           queries and keys are turned
    the state is brought    behind each step, to mean 0 and     before each step, to root mean
    to size                 variance 1                          square 1, for that step only
    the network             two maps, GELU between              three maps, one opens the other
    ======================  ==================================  ================================

Papers: Vaswani et al. 2017; Devlin, Chang, Lee & Toutanova 2019; Wang, Wei, Dong et al. 2020
(MiniLM); Touvron, Lavril, Izacard et al. 2023 (Llama); Shazeer 2020 (SwiGLU); Xiong et al. 2020
(norms before or behind). `lib.pretrained` fills them with published weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from lib.attention import (
    FUSED,
    Kernels,
    MultiHeadAttention,
    Turn,
    allowed_places,
    positions_of,
    rotary,
)

# The steps of a block -------------------------------------------------------------------------


class LayerNorm(nn.Module):
    """:func:`lib.attention.layer_norm` with weights of its own.

    Parameters
    ----------
    d : int
        Length of a state.
    eps : float
        Added to the variance.
    kernels : Kernels
        Which programs compute.
    """

    def __init__(self, d: int, eps: float, kernels: Kernels = FUSED) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(d)), nn.Parameter(torch.zeros(d))
        self.eps, self.kernels = eps, kernels

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., d) to (..., d)."""
        return self.kernels.layer_norm(x, self.weight, self.bias, self.eps)


class RMSNorm(nn.Module):
    """:func:`lib.attention.rms_norm` with weights of its own.

    Parameters
    ----------
    d : int
        Length of a state.
    eps : float
        Added to the mean of squares.
    kernels : Kernels
        Which programs compute.
    """

    def __init__(self, d: int, eps: float, kernels: Kernels = FUSED) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d))
        self.eps, self.kernels = eps, kernels

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., d) to (..., d)."""
        return self.kernels.rms_norm(x, self.weight, self.eps)


class FeedForward(nn.Module):
    """``gelu(x W + b) W' + b'``: what a token makes of what it heard (Vaswani et al. 2017, eq. 2).

    The paper has max(0, .) where BERT has GELU.

    Parameters
    ----------
    d : int
        Length of a state.
    hidden : int
        Length in between.
    kernels : Kernels
        Which programs compute.
    """

    def __init__(self, d: int, hidden: int, kernels: Kernels = FUSED) -> None:
        super().__init__()
        self.up, self.down = nn.Linear(d, hidden), nn.Linear(hidden, d)
        self.kernels = kernels

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., d) to (..., d), each token for itself."""
        out: Tensor = self.down(self.kernels.gelu(self.up(x)))
        return out


class SwiGLU(nn.Module):
    """``(silu(x G) * x U) D``: one map decides how far the other opens (Shazeer 2020, equation 6).

    Parameters
    ----------
    d : int
        Length of a state.
    hidden : int
        Length in between.
    kernels : Kernels
        Which programs compute.
    """

    def __init__(self, d: int, hidden: int, kernels: Kernels = FUSED) -> None:
        super().__init__()
        self.gate = nn.Linear(d, hidden, bias=False)
        self.up = nn.Linear(d, hidden, bias=False)
        self.down = nn.Linear(hidden, d, bias=False)
        self.kernels = kernels

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., d) to (..., d), each token for itself."""
        out: Tensor = self.down(self.kernels.silu(self.gate(x)) * self.up(x))
        return out


# The encoder ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class EncoderSettings:
    """The sizes of an encoder; by default those of MiniLM-L6-H384.

    Parameters
    ----------
    vocabulary : int
        V, word pieces.
    places : int
        How many positions have a vector: the longest text.
    segments : int
        Kinds of text that can be told apart (question and answer); the book uses kind 0 only.
    d : int
        Length of a state.
    layers : int
        L.
    heads : int
        H.
    hidden : int
        Length between the two maps of the network.
    eps : float
        Of the norms.
    """

    vocabulary: int = 30_522
    places: int = 512
    segments: int = 2
    d: int = 384
    layers: int = 6
    heads: int = 12
    hidden: int = 1_536
    eps: float = 1e-12


class EncoderBlock(nn.Module):
    """Attention, then the network; each is added, and the sum brought to size (Devlin et al.).

        x = norm(x + attention(x));  x = norm(x + network(x))

    Parameters
    ----------
    s : EncoderSettings
        The sizes.
    kernels : Kernels
        Which programs compute.
    """

    def __init__(self, s: EncoderSettings, kernels: Kernels = FUSED) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(s.d, s.heads, kernels=kernels)
        self.attention_norm = LayerNorm(s.d, s.eps, kernels)
        self.network = FeedForward(s.d, s.hidden, kernels)
        self.network_norm = LayerNorm(s.d, s.eps, kernels)

    def forward(self, x: Tensor, allowed: Tensor | None = None) -> Tensor:
        """Map states (B, T, d) to states (B, T, d)."""
        x = self.attention_norm(x + self.attention(x, allowed))
        out: Tensor = self.network_norm(x + self.network(x))
        return out


class _Stack(nn.Module):
    """What encoder and decoder share: the states of all layers, and checks."""

    blocks: nn.ModuleList
    words: nn.Embedding
    longest: int

    def forward(self, ids: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the states of the last layer: (B, T) -> (B, T, d); see :meth:`states`."""
        return self._run(ids, real)[-1]

    def states(self, ids: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the states of every layer.

        Parameters
        ----------
        ids : (B, T) tensor of int
            Numbers of tokens; anything at padding.
        real : (B, T) tensor of bool, optional
            True for a token, false for padding, before or behind the tokens. By default all are
            tokens.

        Returns
        -------
        (L + 1, B, T, d) tensor
            Layer 0 is what goes into the first block. At padding stands nothing of meaning.

        Raises
        ------
        ValueError
            If a text has more tokens than the model has positions, ids are no rows of tokens, or
            `real` has another shape or is not made of true and false.
        IndexError
            If a number is not in the vocabulary.
        """
        return torch.stack(self._run(ids, real, keep=True))

    def layer(self, number: int, ids: Tensor, real: Tensor | None = None) -> Tensor:
        """Return the states of one layer and leave out the work above it: (B, T, d).

        Parameters
        ----------
        number : int
            From 0 to L; negative numbers count from the end, -1 the last.
        ids, real : tensors
            As for :meth:`states`.

        Raises
        ------
        IndexError
            If there is no such layer.
        """
        L = len(self.blocks)
        if not -L - 1 <= number <= L:
            raise IndexError(f"layer {number}: the model has the layers 0 to {L}")
        return self._run(ids, real, upto=number % (L + 1))[-1]

    @torch.no_grad()
    def attentions(self, ids: Tensor, real: Tensor | None = None) -> Tensor:
        """Return who looks at whom: (L, B, H, T, T), rows adding up to 1.

        Row t of the last two axes tells what token t takes from each token.
        """
        states, found = self._run(ids, real, keep=True), []
        allowed, turn = self._surroundings(ids, real)
        for block, x in zip(self.blocks, states, strict=False):  # no block takes the last one
            found.append(self._look(block, x, allowed, turn))
        return torch.stack(found)

    def _run(
        self, ids: Tensor, real: Tensor | None, *, keep: bool = False, upto: int | None = None
    ) -> list[Tensor]:
        """Compute the states of all layers up to one, and return them or the last."""
        self._check(ids, real)
        L = len(self.blocks)
        upto = L if upto is None else upto
        allowed, turn = self._surroundings(ids, real)
        x = self._enter(ids, real)
        states = [x]
        for number, block in enumerate(self.blocks[:upto], start=1):
            x = self._through(block, x, allowed, turn)
            if number == L:
                x = self._leave(x)
            if not keep:
                states.clear()
            states.append(x)
        return states

    def _check(self, ids: Tensor, real: Tensor | None) -> None:
        if ids.ndim != 2:
            raise ValueError(f"ids have the shape {tuple(ids.shape)}; one row a text is needed")
        if real is not None and real.shape != ids.shape:
            raise ValueError(f"ids have the shape {tuple(ids.shape)}, real {tuple(real.shape)}")
        if real is not None and real.dtype != torch.bool:
            raise ValueError(f"real holds {real.dtype}, not true and false: take real.bool()")
        longest = ids.shape[1] if real is None else int(real.sum(dim=1).max())
        if longest > self.longest:
            raise ValueError(
                f"a text of {longest} tokens, and the model has {self.longest} positions: cut it"
            )
        V = self.words.num_embeddings
        if ids.numel() and not 0 <= int(ids.min()) <= int(ids.max()) < V:
            raise IndexError(
                f"tokens {int(ids.min())} to {int(ids.max())}, and the vocabulary has 0 to {V - 1}"
            )

    # What the two do differently

    def _surroundings(self, ids: Tensor, real: Tensor | None) -> tuple[Tensor | None, Turn | None]:
        """Say who may look where, and how queries and keys are turned."""
        raise NotImplementedError

    def _enter(self, ids: Tensor, real: Tensor | None) -> Tensor:
        """Return what goes into the first block."""
        raise NotImplementedError

    def _through(
        self, block: nn.Module, x: Tensor, allowed: Tensor | None, turn: Turn | None
    ) -> Tensor:
        """Run one block."""
        raise NotImplementedError

    def _leave(self, x: Tensor) -> Tensor:
        """Return what comes out above the last block."""
        return x

    def _look(
        self, block: nn.Module, x: Tensor, allowed: Tensor | None, turn: Turn | None
    ) -> Tensor:
        """Return the weights of the attention of one block."""
        raise NotImplementedError


class Encoder(_Stack):
    """A transformer that reads a text from all sides (Devlin et al. 2019).

    The vectors of word piece, position and segment are added and brought to size; the blocks
    follow. There is no dropout, which matters in training only.

    Parameters
    ----------
    settings : EncoderSettings
        The sizes.
    kernels : lib.attention.Kernels
        `FUSED` is fast, `WRITTEN_OUT` reads like the formulas; they differ by rounding.

    Examples
    --------
    >>> model = Encoder(EncoderSettings(vocabulary=10, places=8, d=6, layers=2, heads=3, hidden=4))
    >>> model.states(torch.tensor([[1, 2, 3]])).shape
    torch.Size([3, 1, 3, 6])
    """

    def __init__(self, settings: EncoderSettings, kernels: Kernels = FUSED) -> None:
        super().__init__()
        s = self.settings = settings
        self.longest = s.places
        self.words = nn.Embedding(s.vocabulary, s.d)
        self.places = nn.Embedding(s.places, s.d)
        self.segments = nn.Embedding(s.segments, s.d)
        self.norm = LayerNorm(s.d, s.eps, kernels)
        self.blocks = nn.ModuleList(EncoderBlock(s, kernels) for _ in range(s.layers))

    def _surroundings(self, ids: Tensor, real: Tensor | None) -> tuple[Tensor | None, Turn | None]:
        return (None if real is None else allowed_places(real, causal=False)), None

    def _enter(self, ids: Tensor, real: Tensor | None) -> Tensor:
        positions = torch.arange(ids.shape[1])[None] if real is None else positions_of(real)
        summed = self.words(ids) + self.places(positions) + self.segments.weight[0]
        out: Tensor = self.norm(summed)
        return out

    def _through(
        self, block: nn.Module, x: Tensor, allowed: Tensor | None, turn: Turn | None
    ) -> Tensor:
        out: Tensor = block(x, allowed)
        return out

    def _look(
        self, block: nn.Module, x: Tensor, allowed: Tensor | None, turn: Turn | None
    ) -> Tensor:
        assert isinstance(block, EncoderBlock)
        return block.attention.weights(x, allowed)


# The decoder ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class DecoderSettings:
    """The sizes of a decoder; by default those of SmolLM2-135M.

    Parameters
    ----------
    vocabulary : int
        V, tokens.
    places : int
        The longest text it was trained on.
    d : int
        Length of a state.
    layers : int
        L.
    heads : int
        H, of queries.
    kv_heads : int
        G, of keys and values.
    hidden : int
        Length between the maps of the network.
    base : float
        Of the rotary positions.
    eps : float
        Of the norms.
    """

    vocabulary: int = 49_152
    places: int = 8_192
    d: int = 576
    layers: int = 30
    heads: int = 9
    kv_heads: int = 3
    hidden: int = 1_536
    base: float = 100_000.0
    eps: float = 1e-5


class DecoderBlock(nn.Module):
    """Attention, then the network; what goes into each is brought to size, and the state is not.

        x = x + attention(norm(x));  x = x + network(norm(x))

    (Touvron et al. 2023, section 2.2; the order of Xiong et al. 2020, figure 1b.)

    Parameters
    ----------
    s : DecoderSettings
        The sizes.
    kernels : Kernels
        Which programs compute.
    """

    def __init__(self, s: DecoderSettings, kernels: Kernels = FUSED) -> None:
        super().__init__()
        self.attention_norm = RMSNorm(s.d, s.eps, kernels)
        self.attention = MultiHeadAttention(
            s.d, s.heads, kv_heads=s.kv_heads, bias=False, causal=True, kernels=kernels
        )
        self.network_norm = RMSNorm(s.d, s.eps, kernels)
        self.network = SwiGLU(s.d, s.hidden, kernels)

    def forward(self, x: Tensor, allowed: Tensor | None = None, turn: Turn | None = None) -> Tensor:
        """Map states (B, T, d) to states (B, T, d)."""
        x = x + self.attention(self.attention_norm(x), allowed, turn)
        out: Tensor = x + self.network(self.network_norm(x))
        return out


class Decoder(_Stack):
    """A transformer that reads on, and predicts the next token (Touvron et al. 2023).

    The state of a token knows what stands before it and nothing of what follows. The last layer of
    :meth:`states` is the one brought to size, from which the next token is predicted.

    Parameters
    ----------
    settings : DecoderSettings
        The sizes.
    kernels : lib.attention.Kernels
        `FUSED` is fast, `WRITTEN_OUT` reads like the formulas; they differ by rounding.

    Examples
    --------
    >>> sizes = DecoderSettings(10, 8, d=12, layers=2, heads=3, kv_heads=1, hidden=4)
    >>> model = Decoder(sizes)
    >>> model.states(torch.tensor([[1, 2, 3]])).shape
    torch.Size([3, 1, 3, 12])
    """

    def __init__(self, settings: DecoderSettings, kernels: Kernels = FUSED) -> None:
        super().__init__()
        s = self.settings = settings
        self.longest = s.places
        self.words = nn.Embedding(s.vocabulary, s.d)
        self.blocks = nn.ModuleList(DecoderBlock(s, kernels) for _ in range(s.layers))
        self.norm = RMSNorm(s.d, s.eps, kernels)

    def logits(self, states: Tensor) -> Tensor:
        """Score every token as the next one: (..., d) of the last layer -> (..., V).

        The rows of the table of words serve a second time (Press & Wolf 2017): a token is likely
        where the state points its way.
        """
        return states @ self.words.weight.t()

    @torch.no_grad()
    def log_probabilities(self, ids: Sequence[int]) -> Tensor:
        """Natural logarithm of the probability of each token but the first: (T - 1,)."""
        given = torch.tensor([list(ids)], dtype=torch.long)
        logs = self.logits(self(given))[0, :-1].log_softmax(dim=-1)
        return logs.gather(1, given[0, 1:, None])[:, 0]

    def _surroundings(self, ids: Tensor, real: Tensor | None) -> tuple[Tensor | None, Turn | None]:
        positions = torch.arange(ids.shape[1])[None] if real is None else positions_of(real)
        s = self.settings
        cos, sin = rotary(positions, s.d // s.heads, s.base)  # (B, T, d / (2 H))
        allowed = None if real is None else allowed_places(real, causal=True)
        return allowed, (cos[:, None], sin[:, None])

    def _enter(self, ids: Tensor, real: Tensor | None) -> Tensor:
        out: Tensor = self.words(ids)
        return out

    def _through(
        self, block: nn.Module, x: Tensor, allowed: Tensor | None, turn: Turn | None
    ) -> Tensor:
        out: Tensor = block(x, allowed, turn)
        return out

    def _leave(self, x: Tensor) -> Tensor:
        out: Tensor = self.norm(x)
        return out

    def _look(
        self, block: nn.Module, x: Tensor, allowed: Tensor | None, turn: Turn | None
    ) -> Tensor:
        assert isinstance(block, DecoderBlock)
        return block.attention.weights(block.attention_norm(x), allowed, turn)
