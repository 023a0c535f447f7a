"""Count the updates a second that GloVe makes, against the authors' loop, transcribed.

An update is one step for one count that is not zero. The peer is what the authors' program does
for each count, compiled by the same compiler: double precision, one count at a time, all counts
in one random order (it is spared the reading of a file and the power in each weight). Both run in
turn in the same process, so that a busy machine slows both.

Run ``python benchmarks/bench_glove.py`` for JSON on the screen.
"""

from __future__ import annotations

import json
from time import perf_counter, process_time

import numpy as np
from numba import njit
from scipy.sparse import csr_matrix

from lib.cooccurrence import count_contexts
from lib.corpus import load_corpus
from lib.glove import GloVe, weight

X_MAX, RATE = 10.0, 0.05


def run(rounds: int = 2, dimensions: tuple[int, ...] = (50, 100)) -> list[dict]:
    """Measure one pass over the counts of the whole corpus.

    Parameters
    ----------
    rounds : int
        How many passes each side makes; the fastest counts.
    dimensions : tuple of int
        Lengths of the vectors.

    Returns
    -------
    list of dict
        ``ours`` and ``peer`` in millions of updates a second: of CPU time for one thread, of time
        on the clock where two threads race one. ``ratio`` is ours / peer, ``scores`` holds the
        mean loss of the last pass on both sides.
    """
    counts = count_contexts(load_corpus(), weighting="distance")
    entries = []
    for d in dimensions:
        one, two, peer = (make(counts, d) for make in (glove, glove, Transcribed))
        one.train(0)
        speeds: dict[str, list[float]] = {"one": [], "one, clock": [], "two, clock": [], "peer": []}
        for _ in range(rounds):
            cpu, clock = timed(one)
            speeds["one"].append(counts.nnz / cpu / 1e6)
            speeds["one, clock"].append(counts.nnz / clock / 1e6)
            speeds["two, clock"].append(counts.nnz / timed(two, threads=2)[1] / 1e6)
            speeds["peer"].append(counts.nnz / timed(peer)[0] / 1e6)
        best = {side: max(passes) for side, passes in speeds.items()}
        losses = {"ours": one.losses[-1], "peer": peer.losses[-1]}
        name = f"GloVe, {d} dimensions, window 5"
        entries += [
            entry(f"{name}, one thread", best["one"], best["peer"], "the authors' loop", losses),
            entry(
                f"{name}, two threads",
                best["two, clock"],
                best["one, clock"],
                "ours, one thread",
                {"equal to the bit": float((one.vectors() == two.vectors()).all())},
            ),
        ]
    return entries


def glove(counts: csr_matrix, d: int) -> GloVe:
    """Make our model, compiled."""
    model = GloVe(counts, d, rng=np.random.default_rng(0), x_max=X_MAX, rate=RATE, start=1.0)
    GloVe(counts[:50, :50], d, rng=np.random.default_rng(0)).train(1)
    return model


class Transcribed:
    """The authors' loop, with AdaGrad's sums as in ours, for the losses to agree."""

    def __init__(self, counts: csr_matrix, d: int) -> None:
        rng = np.random.default_rng(0)
        self.counts = counts.tocoo()
        order = rng.permutation(counts.nnz)
        self.data = (
            self.counts.row[order],
            self.counts.col[order],
            self.counts.data[order],
            weight(self.counts.data[order], x_max=X_MAX),
        )
        size = counts.shape[0]
        self.state = [(rng.random((size, d + 1)) - 0.5) / d for _ in range(2)]
        self.state += [np.ones((size, d + 1)) for _ in range(2)]
        self.losses: list[float] = []
        transcribed(*self.state, *(part[:1] for part in self.data), 0.0)  # compiles

    def train(self, epochs: int, *, threads: int = 1) -> None:
        """Go through all counts `epochs` times, on one thread."""
        for _ in range(epochs):
            self.losses.append(transcribed(*self.state, *self.data, RATE) / self.counts.nnz)


@njit(fastmath=True)
def transcribed(W, C, W_squares, C_squares, rows, columns, x, f, rate):
    """Make one pass over the counts in their order, and return the loss."""
    d = W.shape[1] - 1
    loss = 0.0
    for n in range(len(rows)):
        w, c = W[rows[n]], C[columns[n]]
        w_squares, c_squares = W_squares[rows[n]], C_squares[columns[n]]
        error = w[d] + c[d] - np.log(x[n])
        for k in range(d):
            error += w[k] * c[k]
        g = f[n] * error
        loss += g * error
        for k in range(d):
            by_w, by_c = g * c[k], g * w[k]
            w[k] -= rate * by_w / np.sqrt(w_squares[k])
            c[k] -= rate * by_c / np.sqrt(c_squares[k])
            w_squares[k] += by_w * by_w
            c_squares[k] += by_c * by_c
        w[d] -= rate * g / np.sqrt(w_squares[d])
        c[d] -= rate * g / np.sqrt(c_squares[d])
        w_squares[d] += g * g
        c_squares[d] += g * g
    return loss


def timed(model: GloVe | Transcribed, threads: int = 1) -> tuple[float, float]:
    """Make one pass; return seconds of CPU time and on the clock."""
    cpu, clock = process_time(), perf_counter()
    model.train(1, threads=threads)
    return process_time() - cpu, perf_counter() - clock


def entry(name: str, ours: float, peer: float, peer_name: str, scores: dict) -> dict:
    """Put one comparison into the agreed form."""
    return {
        "name": name,
        "ours": ours,
        "peer": peer,
        "peer_name": peer_name,
        "ratio": ours / peer,
        "unit": "M updates/s",
        "scores": scores,
    }


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
