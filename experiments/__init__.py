"""Heavy runs: each module writes one small file below ``data/results``.

A module ``experiments/NAME.py`` has a docstring (question, design), ``RECIPE`` (its settings),
``SEEDS``, and ``run(progress)`` or ``run(progress, done)``, which yields rows. Each row is kept as
soon as it is yielded; an interrupted run is called again with the rows that are `done`, and yields
the others. :func:`sweep` is that for the usual case, in which points are measured one by one.

    python -m tools.experiments list
    python -m tools.experiments run NAME
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from lib.experiment import Row, rounded

Progress = Callable[[str], None]


def sweep(
    points: Iterable[Mapping[str, Any]],
    measure: Callable[..., Mapping[str, Any]],
    progress: Progress,
    done: Sequence[Row] = (),
) -> Iterator[Row]:
    """Measure every point that is not done yet.

    Parameters
    ----------
    points : iterable of dict
        The design: what tells one row from all others.
    measure : callable
        Called as ``measure(**point)``; returns the fields that it found.
    progress : callable
        Is told which point comes next, as ``3/15 method lsa, seed 2``.
    done : sequence of dict
        Rows of an earlier run.

    Yields
    ------
    dict
        The point, what was found, and the ``seconds`` it took.

    Examples
    --------
    >>> rows = sweep([{"x": 1}, {"x": 2}], lambda x: {"y": x * x}, print, [{"x": 1, "y": 1}])
    >>> next(rows)["y"]
    2/2 x 2
    4
    """
    points = list(points)
    for number, point in enumerate(points, start=1):
        known = rounded(point)
        if any(all(row.get(key) == value for key, value in known.items()) for row in done):
            continue
        named = ", ".join(f"{key} {value}" for key, value in known.items())
        progress(f"{number}/{len(points)} {named}")
        begin = time.perf_counter()
        found = measure(**point)
        yield {**point, **found, "seconds": time.perf_counter() - begin}
