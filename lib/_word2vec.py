"""The compiled part of `lib.word2vec`: the same updates as its plain functions, many times faster.

What makes it fast, in the order of the gain:

- Rows are padded to a whole number of vector registers, and their width is a constant of the
  compiled code, so that the inner loops become straight runs of fused multiply-adds.
- The rows of a window are copied side by side, and the dot products of two inputs with three
  outputs are summed at once: five loads feed six multiply-adds, instead of two feeding one.
- The next window is drawn while this one is worked on, and its rows are asked for ahead of time:
  they lie all over a table that no cache near the processor holds.
- Sigmoids are taken for a window at once, by a polynomial without branches.

Nothing depends on time or on the number of calls: the same state gives the same bits.
"""

# ruff: noqa: ANN401 (the compiler finds the types of what it compiles)
from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, TypeAlias

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np import arrayobj

Kernel: TypeAlias = Callable[..., None]

LANES = 8
"""Rows are padded to a multiple of so many numbers."""

LOSS_EVERY = 64
"""The loss is measured at one position of so many: it costs more than an update."""

f4 = np.float32
u8 = np.uint64
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_LOW = np.uint64(0xFFFFFFFF)

# Sums may be taken in another order than written, once, when the code is compiled. That a value
# is never infinite or not a number is not presumed, and no division becomes an approximation.
OPTIONS: dict[str, Any] = {
    "fastmath": {"reassoc", "contract", "nsz"},
    "error_model": "numpy",
    "nogil": True,
}


@intrinsic  # type: ignore[untyped-decorator]
def _prefetch(context: Any, table: Any, row: Any, column: Any) -> Any:
    """Ask for the cache line of ``table[row, column]``, which will be read and written."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        table = arrayobj.make_array(signature.args[0])(context, builder, arguments[0])
        wide = ir.IntType(64)
        place = [builder.sext(i, wide) if i.type.width < wide.width else i for i in arguments[1:]]
        address = cgutils.get_item_pointer2(
            context,
            builder,
            table.data,
            cgutils.unpack_tuple(builder, table.shape),
            cgutils.unpack_tuple(builder, table.strides),
            "C",
            place,
        )
        line = builder.bitcast(address, cgutils.voidptr_t)
        number = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [line.type, number, number, number])
        prefetch = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(prefetch, [line, number(1), number(3), number(1)])  # to write, keep, data
        return context.get_dummy_value()

    return types.void(table, row, column), generate


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def mix(z: Any) -> Any:
    """Scramble 64 bits, as splitmix64 does (Steele, Lea & Flood 2014)."""
    z = (z ^ (z >> u8(30))) * _MIX_1
    z = (z ^ (z >> u8(27))) * _MIX_2
    return z ^ (z >> u8(31))


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def _below(z: Any, n: Any) -> Any:
    """Turn the high half of random bits into a whole number from 0 to n - 1."""
    return np.int64(((z >> u8(32)) * u8(n)) >> u8(32))


@numba.njit(inline="always")  # type: ignore[untyped-decorator]
def _noise(z: Any, share: Any, other: Any) -> Any:
    """Draw a word from the alias table: a column by the high bits, one of its two by the low."""
    column = _below(z, len(share))
    return column if np.uint32(z & _LOW) < share[column] else np.int64(other[column])


@numba.njit(inline="always", **OPTIONS)  # type: ignore[untyped-decorator]
def _step_sizes(G: Any, n: Any, rate: Any) -> None:
    """Replace each dot product x by ``-rate * sigmoid(x)``.

    ``exp(-x)`` is ``exp(-x / 64) ** 64``: a polynomial, then six squarings. Beyond 30 the sigmoid
    is flat to the last digit.
    """
    for q in range(n):
        x = min(max(G[q], f4(-30)), f4(30)) * f4(-1 / 64)
        p = x * f4(1 / 720) + f4(1 / 120)
        p = p * x + f4(1 / 24)
        p = p * x + f4(1 / 6)
        p = p * x + f4(0.5)
        p = p * x + f4(1)
        p = p * x + f4(1)
        p *= p
        p *= p
        p *= p
        p *= p
        p *= p
        p *= p
        G[q] = -rate / (f4(1) + p)


@numba.njit  # type: ignore[untyped-decorator]
def _loss(G: Any, m: Any, k: Any, stride: Any, labels: Any, live: Any) -> Any:
    """Sum ``-log sigmoid(x)`` over what is true and ``-log sigmoid(-x)`` over what is not."""
    total = 0.0
    for i in range(m):
        for j in range(k):
            if live[j]:
                x = -np.float64(G[i * stride + j]) if labels[j] else np.float64(G[i * stride + j])
                total += max(x, 0.0) + np.log1p(np.exp(-abs(x)))
    return total


@numba.njit(**OPTIONS)  # type: ignore[untyped-decorator]
def _thin_out(
    ids: Any, starts: Any, first: Any, last: Any, keep: Any, state: Any, kept: Any, ends: Any
) -> Any:
    """Copy documents without the tokens that subsampling drops, and mark where each ends."""
    n = documents = 0
    for document in range(first, last):
        begin = n
        for q in range(starts[document], starts[document + 1]):
            state += GOLDEN
            kept[n] = ids[q]
            n += np.uint32(mix(state) >> u8(32)) <= keep[ids[q]]  # overwritten if not kept
        if n > begin:
            ends[documents] = n
            documents += 1
    return n, state


@lru_cache(maxsize=8)
def kernel(width: int) -> Kernel:
    """Compile the trainer for rows of `width` numbers, a multiple of `LANES`.

    The first call compiles (seconds); calls with the same width share the code.
    """

    @numba.njit(inline="always", **OPTIONS)  # type: ignore[untyped-decorator]
    def fetch(table: Any, row: Any) -> None:
        for t in range(0, width, 16):  # a cache line holds 16 numbers
            _prefetch(table, row, t)

    @numba.njit(**OPTIONS)  # type: ignore[untyped-decorator]
    def window_update(
        W: Any, C: Any, inputs: Any, m: Any, rows: Any, labels: Any, live: Any, k: Any,
        rate: Any, X: Any, Y: Any, G: Any, measure: Any,
    ) -> Any:  # fmt: skip
        """Update all pairs of m inputs and k outputs from the rows as they were before."""
        stride = (k + 2) // 3 * 3
        even = m + m % 2
        for j in range(stride):
            r = rows[j]
            for t in range(width):
                Y[j, t] = C[r, t]
        for i in range(even):
            r = inputs[i]
            for t in range(width):
                X[i, t] = W[r, t]
        for i in range(0, even, 2):
            for j in range(0, stride, 3):
                a0 = a1 = a2 = b0 = b1 = b2 = f4(0)
                for t in range(width):
                    x, w = X[i, t], X[i + 1, t]
                    y0, y1, y2 = Y[j, t], Y[j + 1, t], Y[j + 2, t]
                    a0 += x * y0
                    a1 += x * y1
                    a2 += x * y2
                    b0 += w * y0
                    b1 += w * y1
                    b2 += w * y2
                q = i * stride + j
                G[q], G[q + 1], G[q + 2] = a0, a1, a2
                q += stride
                G[q], G[q + 1], G[q + 2] = b0, b1, b2
        loss = _loss(G, m, k, stride, labels, live) if measure else 0.0
        _step_sizes(G, (even * stride + 7) // 8 * 8, rate)
        for j in range(k):
            if labels[j]:
                for i in range(m):
                    G[i * stride + j] += rate
            if not live[j]:
                for i in range(m):
                    G[i * stride + j] = f4(0)
        for i in range(m):
            r = inputs[i]
            for j in range(0, stride, 3):
                q = i * stride + j
                g0, g1, g2 = G[q], G[q + 1], G[q + 2]
                for t in range(width):
                    W[r, t] += g0 * Y[j, t] + g1 * Y[j + 1, t] + g2 * Y[j + 2, t]
        for j in range(k):
            r = rows[j]
            i = 0
            while i + 4 <= even:
                q = i * stride + j
                g0, g1 = G[q], G[q + stride]
                g2, g3 = G[q + 2 * stride], G[q + 3 * stride]
                for t in range(width):
                    C[r, t] += (g0 * X[i, t] + g1 * X[i + 1, t]) + (
                        g2 * X[i + 2, t] + g3 * X[i + 3, t]
                    )
                i += 4
            if i < even:
                q = i * stride + j
                g0, g1 = G[q], G[q + stride]
                for t in range(width):
                    C[r, t] += g0 * X[i, t] + g1 * X[i + 1, t]
        return loss

    @numba.njit(**OPTIONS)  # type: ignore[untyped-decorator]
    def single_update(
        x: Any, error: Any, C: Any, rows: Any, labels: Any, live: Any, k: Any,
        rate: Any, G: Any, measure: Any,
    ) -> Any:  # fmt: skip
        """Update k outputs for one input vector, and leave in `error` what the input gains."""
        for j in range(0, k, 6):
            r0, r1, r2, r3, r4, r5 = (
                rows[j], rows[j + 1], rows[j + 2], rows[j + 3], rows[j + 4], rows[j + 5],
            )  # fmt: skip
            a0 = a1 = a2 = a3 = a4 = a5 = f4(0)
            for t in range(width):
                a0 += x[t] * C[r0, t]
                a1 += x[t] * C[r1, t]
                a2 += x[t] * C[r2, t]
                a3 += x[t] * C[r3, t]
                a4 += x[t] * C[r4, t]
                a5 += x[t] * C[r5, t]
            G[j], G[j + 1], G[j + 2], G[j + 3], G[j + 4], G[j + 5] = a0, a1, a2, a3, a4, a5
        loss = _loss(G, 1, k, k, labels, live) if measure else 0.0
        _step_sizes(G, (k + 7) // 8 * 8, rate)
        for j in range(k):
            if labels[j]:
                G[j] += rate
            if not live[j]:
                G[j] = f4(0)
        for t in range(width):
            error[t] = f4(0)
        for j in range(0, k, 3):
            r0, r1, r2 = rows[j], rows[j + 1], rows[j + 2]
            g0, g1, g2 = G[j], G[j + 1], G[j + 2]
            for t in range(width):
                error[t] += g0 * C[r0, t] + g1 * C[r1, t] + g2 * C[r2, t]
        for j in range(k):
            r, g = rows[j], G[j]
            for t in range(width):
                C[r, t] += g * x[t]
        return loss

    @numba.njit(**OPTIONS)  # type: ignore[untyped-decorator]
    def train(
        W: Any, C: Any, ids: Any, starts: Any, first: Any, last: Any, state: Any, rate: Any,
        keep: Any, share: Any, other: Any, path_starts: Any, path_nodes: Any, path_codes: Any,
        window: Any, dynamic: Any, negative: Any, cbow: Any, divide: Any, at_once: Any, report: Any,
    ) -> None:  # fmt: skip
        size = starts[last] - starts[first]
        # All scratch comes from two calls: each further kind of array would be compiled again.
        room = np.zeros((2, max(size, last - first) + 1), np.int64)
        kept, ends = room[0], room[1]  # a dropped last token is written, too
        n, state = _thin_out(ids, starts, first, last, keep, state, kept, ends)
        hierarchical = negative == 0
        empty = len(W) - 1  # the last row of both tables is zero and stays so: padding
        widest = 1 + negative
        for q in range(len(path_starts) - 1):
            widest = max(widest, path_starts[q + 1] - path_starts[q])
        most = 2 * window + 2  # words in a window, and one more where pairs of rows are read
        whole = np.zeros((6, max(widest + 6, most * max(negative, 1))), np.int64)
        rows, labels, live = whole[0], whole[1], whole[2]
        inputs, low, high = whole[3], whole[4], whole[5]
        drawn = np.zeros((2, most * max(negative, 1)), np.int64)
        rows[:] = empty
        labels[0] = 1
        live[:] = 1
        vectors = np.zeros((2 + most + widest + 6, width), np.float32)
        x, error, X, Y = vectors[0], vectors[1], vectors[2 : 2 + most], vectors[2 + most :]
        G = np.zeros((1, most * (widest + 6) + 8), np.float32)[0]
        a_pair = not (cbow or at_once)  # each pair draws its own negatives
        begin = document = pairs = measured = 0
        end = ends[0] if n else 0
        loss = 0.0
        k = 1 + negative
        for position in range(-1, n):
            ahead = position + 1
            if ahead < n:  # draw the next window, and ask for its rows
                s = ahead & 1
                if ahead >= end:
                    begin, document = end, document + 1
                    end = ends[document]
                reach = window
                if dynamic:
                    state += GOLDEN
                    reach = 1 + _below(mix(state), window)
                low[s], high[s] = max(begin, ahead - reach), min(end, ahead + reach + 1)
                draws = negative * (high[s] - low[s] - 1) if a_pair else negative
                for j in range(draws):
                    state += GOLDEN
                    r = _noise(mix(state), share, other)
                    drawn[s, j] = r
                    fetch(C, r)
                if not hierarchical:
                    fetch(C, kept[ahead])
                if ahead + window < n:
                    fetch(W, kept[ahead + window])
            if position < 0:
                continue
            s = position & 1
            m = 0
            for q in range(low[s], high[s]):
                inputs[m] = kept[q]
                m += q != position
            if m == 0:
                continue
            target = kept[position]
            measure = position % LOSS_EVERY == 0
            if hierarchical:
                k = path_starts[target + 1] - path_starts[target]
                for j in range(k):
                    rows[j] = path_nodes[path_starts[target] + j]
                    labels[j] = path_codes[path_starts[target] + j] == 0
                for j in range(k, k + 6):
                    rows[j] = empty
            else:
                rows[0] = target
                if not a_pair:
                    for j in range(negative):
                        rows[1 + j] = drawn[s, j]
                        live[1 + j] = drawn[s, j] != target
            if cbow:
                for t in range(width):
                    x[t] = f4(0)
                for i in range(m):
                    r = inputs[i]
                    for t in range(width):
                        x[t] += W[r, t]
                for t in range(width):
                    x[t] /= f4(m)
                loss += single_update(x, error, C, rows, labels, live, k, rate, G, measure)
                part = f4(m) if divide else f4(1)
                for i in range(m):
                    r = inputs[i]
                    for t in range(width):
                        W[r, t] += error[t] / part
                measured += measure
            elif at_once:
                inputs[m] = empty
                loss += window_update(
                    W, C, inputs, m, rows, labels, live, k, rate, X, Y, G, measure
                )
                measured += m * measure
            else:
                for i in range(m):
                    if not hierarchical:
                        for j in range(negative):
                            rows[1 + j] = drawn[s, i * negative + j]
                            live[1 + j] = rows[1 + j] != target
                    r = inputs[i]
                    for t in range(width):
                        x[t] = W[r, t]
                    loss += single_update(x, error, C, rows, labels, live, k, rate, G, measure)
                    for t in range(width):
                        W[r, t] += error[t]
                measured += m * measure
            pairs += m
        report[0] += n
        report[1] += pairs
        report[2] += loss
        report[3] += measured

    run: Kernel = train
    return run
