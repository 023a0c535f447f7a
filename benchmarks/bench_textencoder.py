"""Count the documents a second that MiniLM encodes, against sentence-transformers.

Both have the same weights, the same texts (newswire and news, of all lengths), the same limit of
tokens, single precision, the mean of the last layer, and their own way to make batches. They run
in turn in the same process, so that a busy machine slows both; the median of the rounds counts, and
`scores` has the range. A second line for each setting has our model in eight bits
(`lib.eightbit`), which is the only one whose vectors differ by more than rounding.

sentence-transformers is no requirement of the book. Where it is not installed, its loop is
rebuilt on transformers: texts sorted by length, batches of 32, padded.

Run ``python benchmarks/bench_textencoder.py`` for JSON on the screen.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Sequence
from statistics import median
from time import perf_counter

import numpy as np
import torch
from numpy.typing import NDArray

from lib.data import load
from lib.eightbit import eight_bits
from lib.textencoder import TextEncoder, minilm

Encode = Callable[[Sequence[str]], NDArray[np.float32]]
SETTINGS = ((128, 1, 64), (128, 2, 64), (256, 1, 64), (256, 2, 64), (128, 1, 192), (128, 2, 192))
"""Tokens, threads and documents."""


def run(
    rounds: int = 3, settings: Sequence[tuple[int, int, int]] = SETTINGS, batch_tokens: int = 1_024
) -> list[dict]:
    """Measure all settings.

    Parameters
    ----------
    rounds : int
        How often each side encodes the texts; the median counts.
    settings : sequence of three int
        Tokens at most, threads, documents.
    batch_tokens : int
        Of our batches.

    Returns
    -------
    list of dict
        ``ours`` and ``peer`` in documents a second on the clock, ``ratio`` is ours / peer. `scores`
        holds the slowest and the fastest round of both, and the smallest cosine between the two
        sides' vectors of a text.
    """
    backbone = minilm()
    bytes_ = eight_bits(backbone)
    peer_name, make_peer = peer()
    entries = []
    for tokens, threads, n in settings:
        texts = documents(n)
        common = {"max_tokens": tokens, "overlong": "cut", "batch_tokens": batch_tokens}
        sides: dict[str, Encode] = {
            "peer": make_peer(tokens),
            "single precision": TextEncoder(backbone, **common).encode,
            "eight bits": TextEncoder(bytes_, **common).encode,
        }
        speeds, vectors = race(sides, texts, rounds, threads)
        for side in ("single precision", "eight bits"):
            name = f"MiniLM, {tokens} tokens, {n} documents, {threads} threads, {side}"
            cosines = (vectors[side] * vectors["peer"]).sum(axis=1)
            scores = {
                "ours, range": [min(speeds[side]), max(speeds[side])],
                "peer, range": [min(speeds["peer"]), max(speeds["peer"])],
                "smallest cosine": float(cosines.min()),
            }
            entries.append(entry(name, speeds[side], speeds["peer"], peer_name, scores))
    return entries


def documents(n: int) -> list[str]:
    """Return texts of all lengths, half of them newswire, half of them news."""
    half = n // 2
    return [*load("r8").train.texts[: n - half], *load("news").texts[:half]]


def race(
    sides: dict[str, Encode], texts: Sequence[str], rounds: int, threads: int
) -> tuple[dict[str, list[float]], dict[str, NDArray[np.float32]]]:
    """Let the sides encode in turn; return documents a second of each round, and vectors."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    speeds: dict[str, list[float]] = {side: [] for side in sides}
    vectors = {side: encode(texts[:4]) for side, encode in sides.items()}  # warms up
    try:
        for _ in range(rounds):
            for side, encode in sides.items():
                begin = perf_counter()
                vectors[side] = encode(texts)
                speeds[side].append(len(texts) / (perf_counter() - begin))
    finally:
        torch.set_num_threads(before)
    return speeds, vectors


def peer() -> tuple[str, Callable[[int], Encode]]:
    """Return the name of the other side, and what makes it for a limit of tokens."""
    if importlib.util.find_spec("sentence_transformers") is None:
        print("sentence-transformers is not installed: its loop, rebuilt, takes its place")
        return "rebuilt loop", rebuilt
    return "sentence-transformers", sentence_transformers


def sentence_transformers(tokens: int) -> Encode:
    """Make sentence-transformers' own encoder from the book's files."""
    from sentence_transformers import SentenceTransformer, models

    words = models.Transformer(str(load("minilm").folder), max_seq_length=tokens)
    pool = models.Pooling(384, pooling_mode="mean")
    model = SentenceTransformer(modules=[words, pool, models.Normalize()], device="cpu")
    return lambda texts: model.encode(list(texts), batch_size=32, show_progress_bar=False)


def rebuilt(tokens: int) -> Encode:
    """Rebuild the loop of sentence-transformers."""
    from transformers import AutoModel, AutoTokenizer

    folder = load("minilm").folder
    cut = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    network = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()

    def encode(texts: Sequence[str]) -> NDArray[np.float32]:
        order = sorted(range(len(texts)), key=lambda i: -len(texts[i]))
        X = np.zeros((len(texts), 384), dtype=np.float32)
        for begin in range(0, len(order), 32):
            batch = order[begin : begin + 32]
            given = cut([texts[i] for i in batch], padding=True, truncation=True,
                        max_length=tokens, return_tensors="pt")  # fmt: skip
            with torch.inference_mode():
                states = network(**given).last_hidden_state
            real = given["attention_mask"][..., None]
            mean = (states * real).sum(dim=1) / real.sum(dim=1)
            X[batch] = torch.nn.functional.normalize(mean, dim=1).numpy()
        return X

    return encode


def entry(name: str, ours: list[float], theirs: list[float], peer_name: str, scores: dict) -> dict:
    """Put one comparison into the agreed form."""
    return {
        "name": name,
        "ours": median(ours),
        "peer": median(theirs),
        "peer_name": peer_name,
        "ratio": median(ours) / median(theirs),
        "unit": "documents/s",
        "scores": scores,
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
