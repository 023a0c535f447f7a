"""Low-rank adapters: a few new numbers beside frozen weights, instead of new weights.

A linear layer maps x to ``W x + b``. Tuning would change W, all of its ``n * m`` numbers. A
low-rank adapter (LoRA; Hu, Shen, Wallis et al. 2022) leaves W as it is and adds a detour through
r numbers:

    W x + b + (alpha / r) B A x,    A: (r, m),  B: (n, r).

Only A and B learn, ``r * (n + m)`` numbers. B starts at zero, so that the first answer of the
adapted model is that of the old one. Afterwards ``W + (alpha / r) B A`` is a matrix like W: merged,
the adapter costs nothing more.

>>> from torch import nn
>>> model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 2))
>>> adapt(model, ["0"], rank=2)
['0']
>>> count(model)  # 2 * (6 + 4) learn; 6 * 4 + 4 and 4 * 2 + 2 do not
Count(learning=20, frozen=38)
>>> merge(model)
['0']
>>> count(model)
Count(learning=0, frozen=38)
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from lib import _fetch

_HEADER: Final = "adapters"  # where the file tells rank and alpha of each layer


class LowRank(nn.Module):
    """A frozen linear layer with an adapter: ``W x + b + (alpha / r) B A x``.

    Parameters
    ----------
    base : torch.nn.Linear
        From m numbers to n. Its weights are frozen, and not copied.
    rank : int
        r, from 1 to the smaller of m and n.
    alpha : float
        How much the detour counts; divided by r, so that another rank needs no other rate.
    generator : torch.Generator, optional
        Draws A, from a normal distribution of variance 1 / m: then each of the r numbers ``A x``
        is about as large as a number of x.

    Raises
    ------
    ValueError
        If the rank is out of range, or alpha is not positive.

    Examples
    --------
    >>> layer = LowRank(nn.Linear(3, 2), rank=1, alpha=1.0)
    >>> x = torch.tensor([1.0, 2.0, 3.0])
    >>> bool((layer(x) == layer.base(x)).all())  # B is zero
    True
    """

    def __init__(
        self,
        base: nn.Linear,
        rank: int,
        alpha: float,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        n, m = base.weight.shape
        if not 1 <= rank <= min(n, m):
            raise ValueError(f"rank = {rank}: a map of {m} to {n} numbers takes 1 to {min(n, m)}")
        if not alpha > 0:
            raise ValueError(f"alpha = {alpha}: it must be positive, or nothing is learnt")
        drawn = torch.randn(rank, m, generator=generator) / math.sqrt(m)
        self.base = base.requires_grad_(False)
        self.A = nn.Parameter(drawn.to(base.weight))
        self.B = nn.Parameter(base.weight.new_zeros(n, rank))
        self.rank, self.alpha = rank, alpha

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., m) to (..., n): first down to r numbers, then up, never by an (n, m) matrix."""
        detour = (x @ self.A.t()) @ self.B.t()
        out: Tensor = self.base(x) + detour * (self.alpha / self.rank)
        return out

    def change(self) -> Tensor:
        """Return what the adapter adds to W: ``(alpha / r) B A``, an (n, m) tensor of rank r."""
        return self.B @ self.A * (self.alpha / self.rank)

    def merged(self) -> nn.Linear:
        """Return a plain layer that maps as this one does, up to rounding; W itself stays."""
        n, m = self.base.weight.shape
        plain = nn.Linear(m, n, bias=self.base.bias is not None, device="meta")
        plain.weight = nn.Parameter((self.base.weight + self.change()).detach())
        if self.base.bias is not None:
            plain.bias = nn.Parameter(self.base.bias.detach().clone())
        return plain.requires_grad_(False)


# On and off -----------------------------------------------------------------------------------


def adapt(
    model: nn.Module,
    layers: Sequence[str],
    *,
    rank: int = 8,
    alpha: float = 16.0,
    seed: int = 0,
) -> list[str]:
    """Freeze a model, and put adapters on some of its linear layers, in place.

    Parameters
    ----------
    model : torch.nn.Module
        Any; all its weights are frozen.
    layers : sequence of str
        Names of linear layers, or how such names end: ``"attention.queries"`` is that layer in
        every block, ``"blocks.5.attention.queries"`` the one in the last. Hu et al. mostly adapt
        queries and values.
    rank, alpha : int, float
        As for :class:`LowRank`, for every layer.
    seed : int
        Decides the matrices A.

    Returns
    -------
    list of str
        The layers that have an adapter now, in the model's order.

    Raises
    ------
    ValueError
        If a name fits no linear layer, one has an adapter already, or the rank is out of range.
        The model is then as it was.
    """
    if isinstance(layers, str):
        raise TypeError(f"a list of names is needed, got one text; write [{layers!r}]")
    if already := adapters(model):
        raise ValueError(f"{next(iter(already))} has an adapter already: merge(model) first")
    linear = {name: m for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    chosen = {ending: [name for name in linear if _ends(name, ending)] for ending in layers}
    for ending, names in chosen.items():
        if not names:
            known = ", ".join(list(linear)[:4]) or "none"
            raise ValueError(f"no linear layer is called {ending!r}; there are {known}, ...")
    generator = torch.Generator().manual_seed(seed)
    named = {name for names in chosen.values() for name in names}
    wanted = [name for name in linear if name in named]
    learnt = [weight for weight in model.parameters() if weight.requires_grad]
    try:
        made = {name: LowRank(linear[name], rank, alpha, generator) for name in wanted}
    except ValueError:
        for weight in learnt:
            weight.requires_grad_(True)
        raise
    model.requires_grad_(False)
    for name, layer in made.items():
        _put(model, name, layer)
    return wanted


def adapters(model: nn.Module) -> dict[str, LowRank]:
    """Return the adapted layers of a model by name, in the model's order."""
    return {name: m for name, m in model.named_modules() if isinstance(m, LowRank)}


def merge(model: nn.Module) -> list[str]:
    """Add every adapter to the weights beside it, in place; return the layers that had one.

    Afterwards the model has the layers that it had before :func:`adapt`. Frozen weights that
    another model shares stay as they are.

    Raises
    ------
    ValueError
        If there is no adapter.
    """
    found = adapters(model)
    if not found:
        raise ValueError("there is no adapter to merge: adapt(model, layers) puts some on")
    for name, layer in found.items():
        _put(model, name, layer.merged())
    return list(found)


class Count(NamedTuple):
    """How many numbers of a model learn, and how many do not.

    Attributes
    ----------
    learning, frozen : int
        Numbers, not tensors; each counted once.
    """

    learning: int
    frozen: int


def count(model: nn.Module) -> Count:
    """Count the numbers that learn and those that do not."""
    sizes = [(weight.requires_grad, weight.numel()) for weight in model.parameters()]
    learning = sum(size for learns, size in sizes if learns)
    return Count(learning, sum(size for _, size in sizes) - learning)


def _ends(name: str, ending: str) -> bool:
    return name == ending or name.endswith(f".{ending}")


def _put(model: nn.Module, name: str, layer: nn.Module) -> None:
    above, _, last = name.rpartition(".")
    setattr(model.get_submodule(above), last, layer)


# Files ----------------------------------------------------------------------------------------


def save(model: nn.Module, path: Path) -> None:
    """Write the adapters of a model alone, in one atomic step: A and B by layer, as safetensors.

    Raises
    ------
    ValueError
        If there is no adapter.
    """
    found = adapters(model)
    if not found:
        raise ValueError("there is no adapter to save: adapt(model, layers) puts some on")
    tables = {f"{name}.A": layer.A.detach() for name, layer in found.items()}
    tables |= {f"{name}.B": layer.B.detach() for name, layer in found.items()}
    header = json.dumps({name: [layer.rank, layer.alpha] for name, layer in found.items()})
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        save_file(tables, part, metadata={_HEADER: header})
        _fetch.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def load(model: nn.Module, path: Path) -> list[str]:
    """Put saved adapters on a model that has none, in place; return the layers that have one now.

    Raises
    ------
    ValueError
        If the file is damaged or holds no adapters, or the model lacks a layer, has another size
        there, or has adapters already. The model is then as it was.
    """
    try:
        with safe_open(path, framework="pt") as file:
            header = json.loads((file.metadata() or {})[_HEADER])
            tables = {
                f"{name}.{part}": file.get_tensor(f"{name}.{part}")
                for name in header
                for part in "AB"
            }
    except FileNotFoundError:
        raise
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path.name} is damaged, or holds no adapters: delete it") from error
    if already := adapters(model):
        raise ValueError(f"{next(iter(already))} has an adapter already: merge(model) first")
    linear = {name: m for name, m in model.named_modules() if isinstance(m, nn.Linear)}
    for name, (rank, _) in header.items():
        sizes = (tuple(tables[f"{name}.B"].shape), tuple(tables[f"{name}.A"].shape))
        if name not in linear:
            raise ValueError(f"{path.name} has an adapter for {name}, which is no linear layer")
        n, m = linear[name].weight.shape
        if sizes != ((n, rank), (rank, m)):
            raise ValueError(
                f"{path.name}: {name} maps {m} to {n} numbers, its adapter has {sizes}"
            )
    model.requires_grad_(False)
    for name, (rank, alpha) in header.items():
        layer = LowRank(linear[name], rank, alpha)
        layer.A.data.copy_(tables[f"{name}.A"])
        layer.B.data.copy_(tables[f"{name}.B"])
        _put(model, name, layer)
    return list(adapters(model))
