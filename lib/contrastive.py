"""Contrastive losses: texts that belong together are pulled together, all others pushed apart.

With pairs (q_i, a_i) that belong together, everybody else's answer serves as a wrong one, so that a
batch of n pairs holds n (n - 1) wrong ones for the price of 2 n texts. The loss asks which of all
answers is the right one, by cosines over a temperature t (Gao, Yao & Chen 2021, equation 1):

    L = - 1 / n * sum over i of  log  exp(cos(q_i, a_i) / t) / sum over j of exp(cos(q_i, a_j) / t).

It is multiple-negatives ranking (Henderson, Al-Rfou, Strope et al. 2017, with inner products in the
place of cosines), and InfoNCE (van den Oord, Li & Vinyals 2018) with the batch for a sample. What
makes a pair is the method: a question and its answer, two sentences of which one follows from the
other, or the same sentence read twice with different numbers dropped (SimCSE).

Papers: those above; Wang & Isola 2020 (alignment and uniformity); Wang & Liu 2021 (temperature);
Schroff, Kalenichenko & Philbin 2015, Reimers & Gurevych 2019 (triplets).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lib.transformer import Decoder, Encoder

# Losses ---------------------------------------------------------------------------------------


def cosines(X: Tensor, Y: Tensor) -> Tensor:
    """Cosine of every row of X with every row of Y: (n, d), (m, d) -> (n, m).

    Zero for a row of zeros.

    Examples
    --------
    >>> cosines(torch.tensor([[3.0, 4.0]]), torch.tensor([[1.0, 0.0], [0.0, 2.0]]))
    tensor([[0.6000, 0.8000]])
    """
    return F.normalize(X, dim=-1) @ F.normalize(Y, dim=-1).t()


def ranking_loss(
    queries: Tensor,
    answers: Tensor,
    *,
    hard: Tensor | None = None,
    temperature: float = 0.05,
    symmetric: bool = False,
    same: Tensor | None = None,
) -> Tensor:
    """Multiple-negatives ranking: find the right answer among those of the whole batch.

    Parameters
    ----------
    queries, answers : (n, d) tensors
        Row i of the one belongs to row i of the other.
    hard : (m, d) tensor, optional
        Wrong answers that look right; each counts for every query (with n of them, row i chosen
        for query i, this is equation 5 of Gao, Yao & Chen 2021).
    temperature : float
        The lower, the more the most similar wrong answers count. 0.05, a scale of 20, is common.
    symmetric : bool
        Whether answers also have to find their queries; the mean of both losses. Hard negatives
        take part in the first half only.
    same : (n, n) tensor of bool, optional
        Where query i and answer j belong together though i is not j, as with a text that stands
        in the batch twice; such pairs count neither as right nor as wrong.

    Returns
    -------
    tensor
        One number, in nats; log n where nothing is told apart (without hard negatives), so 0 for a
        batch of a single pair, from which nothing is learnt.

    Raises
    ------
    ValueError
        If there are no pairs, not as many answers as queries, or not (n, n) entries in ``same``, or
        the temperature is not positive.

    Examples
    --------
    >>> X = torch.eye(2)
    >>> ranking_loss(X, X, temperature=1.0)  # log(1 + exp(-1))
    tensor(0.3133)
    >>> ranking_loss(X, torch.ones(2, 2))  # every answer is as good: log 2
    tensor(0.6931)
    """
    if queries.shape != answers.shape:
        raise ValueError(
            f"queries {tuple(queries.shape)} and answers {tuple(answers.shape)} are no pairs"
        )
    if not len(queries):
        raise ValueError("without a pair there is no loss")
    _positive(temperature)
    scores = cosines(queries, answers) / temperature  # (n, n)
    right = torch.arange(len(queries))
    if same is not None:
        if same.shape != scores.shape:
            raise ValueError(f"same is {tuple(same.shape)}, and scores are {tuple(scores.shape)}")
        others = same & ~torch.eye(len(queries), dtype=torch.bool)
        scores = scores.masked_fill(others, float("-inf"))
    candidates = scores
    if hard is not None:
        candidates = torch.cat([scores, cosines(queries, hard) / temperature], dim=1)
    loss = F.cross_entropy(candidates, right)
    if symmetric:
        loss = (loss + F.cross_entropy(scores.t(), right)) / 2
    return loss


def _positive(temperature: float) -> None:
    if not temperature > 0:
        raise ValueError(f"temperature = {temperature}: it divides, and must be positive")


def simcse_loss(first: Tensor, second: Tensor, *, temperature: float = 0.05) -> Tensor:
    """Unsupervised SimCSE: the same texts, read twice (Gao, Yao & Chen 2021, equation 4).

    The two readings differ by what was dropped, see :func:`dropout`; each first reading has to
    find its second one among those of all texts of the batch.

    Parameters
    ----------
    first, second : (n, d) tensors
        Two readings of n texts.
    temperature : float
        0.05 in the paper.

    Examples
    --------
    >>> X = torch.eye(2)
    >>> simcse_loss(X, X, temperature=1.0)
    tensor(0.3133)
    """
    return ranking_loss(first, second, temperature=temperature)


def supervised_simcse_loss(
    premises: Tensor, entailed: Tensor, contradicting: Tensor, *, temperature: float = 0.05
) -> Tensor:
    """Supervised SimCSE: a sentence, one that follows, one that cannot (ibid., equation 5).

    Parameters
    ----------
    premises, entailed, contradicting : (n, d) tensors
        Row i of each belongs together; all contradictions are wrong answers to every premise.
    temperature : float
        0.05 in the paper.

    Raises
    ------
    ValueError
        If there are not as many of each.

    Examples
    --------
    >>> X = torch.eye(2)
    >>> supervised_simcse_loss(X, X, X.flip(0), temperature=1.0)  # log(2 + 2 exp(-1))
    tensor(1.0064)
    """
    if len(contradicting) != len(premises):
        raise ValueError(f"{len(premises)} premises and {len(contradicting)} contradictions")
    return ranking_loss(premises, entailed, hard=contradicting, temperature=temperature)


def triplet_loss(anchor: Tensor, right: Tensor, wrong: Tensor, *, margin: float = 1.0) -> Tensor:
    """``max(0, |a - r| - |a - w| + margin)``, the mean over rows (Reimers & Gurevych 2019).

    The third loss of Sentence-BERT (section 3 there), with Euclidean distances and a margin of 1;
    with their squares it is that of Schroff, Kalenichenko & Philbin (2015). It sees one wrong text
    at a time, and none that is far enough.

    Parameters
    ----------
    anchor, right, wrong : (n, d) tensors
        Row i of each: a text, one that belongs to it, one that does not.
    margin : float
        How much farther the wrong text has to be.

    Raises
    ------
    ValueError
        If there are not as many of each.

    Examples
    --------
    >>> a, r, w = torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]), torch.tensor([[1.5, 0.0]])
    >>> triplet_loss(a, r, w)
    tensor(0.5000)
    """
    if not anchor.shape == right.shape == wrong.shape:
        shapes = ", ".join(str(tuple(X.shape)) for X in (anchor, right, wrong))
        raise ValueError(f"{shapes} are no triplets")
    near = (anchor - right).norm(dim=1)
    far = (anchor - wrong).norm(dim=1)
    return torch.relu(near - far + margin).mean()


# What the temperature does ---------------------------------------------------------------------


def pushes(queries: Tensor, answers: Tensor, temperature: float) -> Tensor:
    """Share out the push of each query among the wrong answers: (n, n), rows adding up to 1.

    The gradient of query i's loss by its cosine with wrong answer j is ``p_ij / t``, with p the
    softmax of the scores; divided by its sum over the wrong answers, it is the softmax over the
    wrong ones alone (Wang & Liu 2021, equation 5). A low temperature leaves only the most similar
    one, a high one treats all alike.

    Raises
    ------
    ValueError
        If there are fewer than two pairs, or the temperature is not positive.

    Examples
    --------
    >>> q = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]])
    >>> pushes(q, q, 0.1)[0]  # cosines 0 and 0.6 with the two wrong ones
    tensor([0.0000, 0.0025, 0.9975])
    >>> pushes(q, q, 10.0)[0]
    tensor([0.0000, 0.4850, 0.5150])
    """
    _positive(temperature)
    if len(queries) < 2:
        raise ValueError(f"{len(queries)} pairs have no wrong answers")
    scores = cosines(queries, answers) / temperature
    return scores.masked_fill(torch.eye(len(scores), dtype=torch.bool), float("-inf")).softmax(1)


def hardest(scores: Tensor, right: Tensor, k: int) -> Tensor:
    """Find for each query the k wrong answers with the highest scores: (n, k), best first.

    Parameters
    ----------
    scores : (n, m) tensor
        Of n queries and m answers.
    right : (n, m) tensor of bool
        Which answers are right, and so no candidates.
    k : int
        How many.

    Raises
    ------
    ValueError
        If some query has fewer than k wrong answers.

    Examples
    --------
    >>> hardest(torch.tensor([[0.9, 0.2, 0.5]]), torch.tensor([[True, False, False]]), 2)
    tensor([[2, 1]])
    """
    wrong = (~right).sum(dim=1)
    if k > int(wrong.min()):
        raise ValueError(f"{k} wrong answers are asked for, and one query has {int(wrong.min())}")
    return scores.masked_fill(right, float("-inf")).topk(k, dim=1).indices


# Where it leads ---------------------------------------------------------------------------------


def alignment(X: Tensor, Y: Tensor, alpha: float = 2.0) -> Tensor:
    """Mean of ``|x - y| ** alpha`` over pairs, on the unit sphere.

    Wang & Isola 2020, section 4.1.1; with alpha = 2 it is equation 2 of Gao, Yao & Chen 2021.

    Parameters
    ----------
    X, Y : (n, d) tensors
        Row i of the one belongs to row i of the other; brought to length 1 here.
    alpha : float
        2 as a rule.

    Returns
    -------
    tensor
        0 where pairs coincide, at most ``2 ** alpha``. Lower is better.

    Examples
    --------
    >>> alignment(torch.eye(2), -torch.eye(2))  # on opposite sides: 2, squared
    tensor(4.)
    """
    apart: Tensor = (F.normalize(X, dim=-1) - F.normalize(Y, dim=-1)).norm(dim=1)
    return apart.pow(alpha).mean()


def uniformity(X: Tensor, t: float = 2.0) -> Tensor:
    """Logarithm of the mean of ``exp(-t |x - y| ** 2)`` over all pairs of rows.

    Wang & Isola 2020, section 4.1.2; with t = 2 it is equation 3 of Gao, Yao & Chen 2021.

    Parameters
    ----------
    X : (n, d) tensor
        Rows, brought to length 1 here.
    t : float
        2 as a rule.

    Returns
    -------
    tensor
        0 where all rows coincide, near -2 t where many rows are spread evenly in many dimensions.
        Lower is better.

    Raises
    ------
    ValueError
        If there are fewer than two rows.

    Examples
    --------
    >>> uniformity(torch.eye(2))  # one pair, 2 apart in squares: -2 * 2
    tensor(-4.)
    """
    n = len(X)
    if n < 2:
        raise ValueError(f"{n} rows make no pair")
    upper = torch.triu_indices(n, n, offset=1)
    apart = 2 - 2 * cosines(X, X)[upper[0], upper[1]]  # squared distances on the sphere
    return torch.logsumexp(-t * apart, dim=0) - math.log(apart.numel())


# Reading a text twice -------------------------------------------------------------------------


@contextmanager
def dropout(network: Encoder | Decoder, p: float, generator: torch.Generator) -> Iterator[None]:
    """Drop numbers at random inside the block, and scale up the rest (Srivastava et al. 2014).

    What attention and network add to a state loses each of its numbers with probability p. BERT
    also drops numbers of the embeddings and weights of attention, which are left alone here. Two
    readings of a text then differ, which is all that unsupervised SimCSE needs (Gao, Yao & Chen
    2021, section 3).

    Parameters
    ----------
    network : Encoder or Decoder
        From `lib.transformer`.
    p : float
        From 0 (nothing) to below 1; 0.1 did best in the paper (table 3).
    generator : torch.Generator
        Draws what is dropped.

    Raises
    ------
    ValueError
        If p is out of range.
    """
    if not 0 <= p < 1:
        raise ValueError(f"p = {p}: a share of 0 to below 1 can be dropped")

    def drop(module: nn.Module, given: tuple[Tensor, ...], out: Tensor) -> Tensor:
        kept = torch.rand(out.shape, generator=generator) >= p
        return out * kept / (1 - p)

    parts = [getattr(block, part) for block in network.blocks for part in ("attention", "network")]
    hooks = [part.register_forward_hook(drop) for part in parts]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
