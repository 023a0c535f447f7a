"""A transformer whose matrices are counted in steps: faster where a processor multiplies bytes.

Nearly all work of a transformer is ``x W^T + b``. Here each row of W, the weights of one output, is
written as whole numbers from -127 to 127 times a step of its own, and x as whole numbers times a
step (Jacob, Kligys, Chen et al. 2018, section 2.1):

    (x W^T)_j  =  step of x * step of W_j  *  (whole numbers of x) (whole numbers of W_j).

One large number makes the steps of x wide for all others. In the network of a block some tokens
have such numbers, so each has a step of its own there; in attention, a batch has one.

The products of whole numbers are exact; what is lost is lost in rounding to steps. Norms, softmax
and sums stay as they are.

    TextEncoder(eight_bits(minilm())).encode(texts)

Vectors then differ from those in single precision by a cosine of about 0.995, and the company of a
text moves them a little. That may do for a search; nothing that the book stores is computed so.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import torch
from torch import Tensor, nn

from lib.textencoder import Backbone

LARGEST: Final = 127
SMALLEST: Final = 1e-20  # a token of nothing but zeros is divided by it
ENGINES: Final = ("onednn", "fbgemm", "qnnpack")
"""PyTorch's programs for such products, the fastest first: the last one on ARM."""


def row_steps(W: Tensor) -> Tensor:
    """Return for each row the step with which its largest number becomes 127: (m, d) -> (m,).

    A row of zeros gets the step 1.

    Examples
    --------
    >>> row_steps(torch.tensor([[1.27, -2.54], [0.0, 0.0]]))
    tensor([0.0200, 1.0000])
    """
    largest = W.abs().amax(dim=1)
    return torch.where(largest == 0, 1.0, largest / LARGEST)


def whole_numbers(W: Tensor, steps: Tensor) -> Tensor:
    """Round each row to whole multiples of its step: (m, d) of int8.

    Examples
    --------
    >>> whole_numbers(torch.tensor([[1.27, -2.54, 0.05]]), torch.tensor([0.02]))
    tensor([[  64, -127,    2]], dtype=torch.int8)
    """
    return (W / steps[:, None]).round().clamp(-LARGEST, LARGEST).to(torch.int8)


class EightBitLinear(nn.Module):
    """A linear map with weights of eight bits.

    Parameters
    ----------
    linear : nn.Linear
        In single precision; is left as it is.
    by_token : bool
        Whether each token has a step, or all of a batch one.

    Raises
    ------
    RuntimeError
        If PyTorch has no program for it on this processor.
    """

    steps: Tensor  # (m,)
    weight: Tensor  # (m, d) of int8
    bias: Tensor  # (m,)

    def __init__(self, linear: nn.Linear, *, by_token: bool = True) -> None:
        super().__init__()
        self.by_token = by_token
        W = linear.weight.detach()
        self.register_buffer("steps", row_steps(W))
        self.register_buffer("weight", whole_numbers(W, self.steps))
        bias = torch.zeros(len(W)) if linear.bias is None else linear.bias.detach().clone()
        self.register_buffer("bias", bias)
        zeros = torch.zeros(len(W), dtype=torch.long)
        table = torch._make_per_channel_quantized_tensor(self.weight, self.steps.double(), zeros, 0)
        with _engine():
            self._packed = torch.ops.quantized.linear_prepack(table, None)

    def forward(self, x: Tensor) -> Tensor:
        """Map (..., d) to (..., m)."""
        if not self.by_token:
            return self._product(x).add_(self.bias)
        largest = x.abs().amax(dim=-1, keepdim=True).clamp_min_(SMALLEST)
        return self._product(x / largest).mul_(largest).add_(self.bias)

    def _product(self, x: Tensor) -> Tensor:
        # Seven bits for x: older processors add two products of bytes in sixteen bits.
        out: Tensor = torch.ops.quantized.linear_dynamic(x.contiguous(), self._packed, True)
        return out


def eight_bits(backbone: Backbone) -> Backbone:
    """Copy a model, with every linear map of its blocks in eight bits.

    Parameters
    ----------
    backbone : Backbone
        From `lib.textencoder`; stays as it is.

    Returns
    -------
    Backbone
        Named with "-int8" behind the name; it cannot learn.

    Raises
    ------
    RuntimeError
        If PyTorch has no program for it on this processor.
    """
    network = copy.deepcopy(backbone.network)
    for block in network.blocks:
        for step, by_token in (("attention", False), ("network", True)):
            module = block.get_submodule(step)
            for name, part in module.named_children():
                if isinstance(part, nn.Linear):
                    setattr(module, name, EightBitLinear(part, by_token=by_token))
    return dataclasses.replace(backbone, network=network, name=f"{backbone.name}-int8")


@contextmanager
def _engine() -> Iterator[None]:
    """Let PyTorch pack weights for the fastest program there is, inside the block."""
    there = [name for name in ENGINES if name in torch.backends.quantized.supported_engines]
    if not there:
        raise RuntimeError("PyTorch has no products of eight bits for this processor")
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = there[0]
    try:
        yield
    finally:
        torch.backends.quantized.engine = before
