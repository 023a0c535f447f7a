"""What do the winners of the race cost, in processor seconds?

Question: how many processor seconds does each method of `glove_race` need, with the settings that
won there, from the corpus to the vectors? The race itself may have shared its machine.

Design: each winner three times; compilation not counted. One thread, for the matrix products of
the SVD as well: a second one that waits for work would count as work. The methods take turns
within a run of this experiment, but rows named as kept in the stored file are older than the
others, and the machine may have had other work. That work is not counted, yet it can slow ours
down: wall-clock seconds far above the processor seconds of a row are a sign of it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from threadpoolctl import threadpool_limits

from experiments import Progress, sweep
from experiments.glove_race import SECOND, corpus, readings
from lib.experiment import Row, stored

SEEDS = (1, 2, 3)
RECIPE = {"settings": "of the final rows of glove_race", "threads": 1}


def measure(method: str, seed: int) -> dict[str, float]:
    """Make the vectors of one method; return the processor seconds it took."""
    won = stored("glove_race").where(kind="final", method=method)[0]
    corpus()  # loaded, and everything compiled
    with threadpool_limits(1):
        begin = time.process_time()
        readings(method, won["window"], won["value"], seed)
        return {"cpu_seconds": time.process_time() - begin}


def run(progress: Progress, done: Sequence[Row] = ()) -> Iterator[Row]:
    """Go through methods and seeds."""
    points = [{"method": method, "seed": seed} for seed in SEEDS for method in SECOND]
    return sweep(points, measure, progress, done)
