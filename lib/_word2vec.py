"""The compiled part of `lib.word2vec`: the same updates as its plain functions, many times faster.

What makes it fast, in the order of the gain:

- Rows are padded to a whole number of vector registers, and their width is a constant of the
  compiled code, so that the inner loops become straight runs of fused multiply-adds.
- The pairs of a window are worked on in tiles, whose sums stay in registers: for the dot products
  of two inputs with six outputs, eight loads feed twelve multiply-adds, instead of two feeding one;
  for the steps of two rows, seven feed ten.
- The next window is drawn before this one is worked on, and its rows are asked for meanwhile, some
  at a time: they lie all over a table that no cache near the processor holds.
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
    second = np.int64(other[column])  # read in any case: no processor foresees the choice
    return column if np.uint32(z & _LOW) < share[column] else second


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


# Tiles ----------------------------------------------------------------------------------------
# Written in terms of the compiler behind numba: from plain loops it does not make as many sums
# that stay in registers.

VECTOR = ir.VectorType(ir.FloatType(), LANES)
FREEDOM = tuple(sorted(OPTIONS["fastmath"]))

BLOCK = 5
"""Vectors of a row that one tile of steps covers: two rows of them and what feeds them fill 16
registers, which is what most processors have."""


class _Writer:
    """Writes a tile: the arguments of the function stand here under their numbers."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.context, self.builder = context, builder
        self.kinds, self.arguments = signature.args, arguments

    def plus(self, number: Any, n: int) -> Any:
        return self.builder.add(number, ir.Constant(ir.IntType(64), n))

    def element(self, array: int, place: Any) -> Any:
        """Return the address of an element."""
        made = arrayobj.make_array(self.kinds[array])
        data = made(self.context, self.builder, self.arguments[array]).data
        return self.builder.gep(data, [place])

    def row(self, table: int, order: int, place: Any) -> Any:
        """Return the address of the row whose number stands in `order`."""
        made = arrayobj.make_array(self.kinds[table])
        array = made(self.context, self.builder, self.arguments[table])
        number = self.builder.load(self.element(order, place))
        shift = self.builder.mul(number, self.builder.extract_value(array.strides, 0))
        return self.builder.gep(self.builder.bitcast(array.data, cgutils.voidptr_t), [shift])

    def vector(self, row: Any, v: Any) -> Any:
        """Return the address of the vector number `v` of a row."""
        v = v if isinstance(v, ir.Value) else ir.Constant(ir.IntType(64), v)
        return self.builder.gep(self.builder.bitcast(row, VECTOR.as_pointer()), [v])

    def load(self, address: Any) -> Any:
        return self.builder.load(address, align=4)

    def store(self, value: Any, address: Any) -> None:
        pointer = self.builder.bitcast(address, value.type.as_pointer())
        self.builder.store(value, pointer, align=4)

    def sums(self, n: int) -> list[Any]:
        """Begin `n` sums with zero."""
        zero = ir.Constant(VECTOR, None)
        variables = [cgutils.alloca_once(self.builder, VECTOR) for _ in range(n)]
        for variable in variables:
            self.builder.store(zero, variable)
        return variables

    def add_product(self, total: Any, a: Any, b: Any) -> None:
        product = self.builder.fmul(a, b, flags=FREEDOM)
        old = self.builder.load(total)
        self.builder.store(self.builder.fadd(old, product, flags=FREEDOM), total)

    def shuffle(self, a: Any, b: Any, places: list[int]) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)
        return self.builder.shuffle_vector(a, b, mask)

    def spread(self, number: Any) -> Any:
        """Fill a vector with one number."""
        nothing = ir.Constant(VECTOR, ir.Undefined)
        first = self.builder.insert_element(nothing, number, ir.Constant(ir.IntType(32), 0))
        return self.shuffle(first, nothing, [0] * LANES)

    def totals(self, sums: list[Any]) -> Any:
        """Add up each of four vectors: a vector of four numbers."""

        def fold(a: Any, b: Any, left: list[int], right: list[int]) -> Any:
            parts = (self.shuffle(a, b, left), self.shuffle(a, b, right))
            return self.builder.fadd(*parts, flags=FREEDOM)

        a, b, c, d = (fold(x, x, [0, 1, 2, 3], [4, 5, 6, 7]) for x in sums)
        ab = fold(a, b, [0, 1, 4, 5], [2, 3, 6, 7])
        cd = fold(c, d, [0, 1, 4, 5], [2, 3, 6, 7])
        return fold(ab, cd, [0, 2, 4, 6], [1, 3, 5, 7])


def _dots(width: int) -> Any:
    """Make a function for the dot products of two inputs with six outputs.

    ``dots(X, inputs, i, Y, outputs, j, G, q, stride)`` takes the rows of X whose numbers stand in
    `inputs` from i on, those of Y likewise, and fills G from q on and from q + stride on.
    """

    @intrinsic  # type: ignore[untyped-decorator]
    def dots(
        _: Any, X: Any, inputs: Any, i: Any, Y: Any, outputs: Any, j: Any,
        G: Any, q: Any, stride: Any,
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            w = _Writer(context, builder, signature, arguments)
            _, _, i, _, _, j, _, q, stride = arguments
            ins = [w.row(0, 1, w.plus(i, n)) for n in range(2)]
            outs = [w.row(3, 4, w.plus(j, n)) for n in range(6)]
            sums = [w.sums(6), w.sums(6)]
            with cgutils.for_range(builder, ir.Constant(ir.IntType(64), width // LANES)) as loop:
                xs = [w.load(w.vector(row, loop.index)) for row in ins]
                for b, row in enumerate(outs):
                    y = w.load(w.vector(row, loop.index))
                    for a in range(2):
                        w.add_product(sums[a][b], xs[a], y)
            for a, begin in enumerate((q, builder.add(q, stride))):
                x = [builder.load(total) for total in sums[a]]
                w.store(w.totals(x[:4]), w.element(6, begin))
                last = w.totals(x[4:] * 2)
                w.store(w.shuffle(last, last, [0, 1]), w.element(6, w.plus(begin, 4)))
            return context.get_dummy_value()

        return types.void(X, inputs, i, Y, outputs, j, G, q, stride), generate

    return dots


def _steps(width: int, rows: int) -> Any:
    """Make a function that takes a step with one row or with two.

    ``steps(T, targets, a, X, sources, n, G, across, down)`` adds to row ``targets[a]`` of T the
    rows ``X[sources[:n]]``, weighted by G at ``a * across + i * down``; then to the next row.
    Both may be the same row: it gets one sum after the other.
    """
    vectors = width // LANES
    count = -(-vectors // BLOCK)
    blocks = [(vectors * b // count, vectors * (b + 1) // count) for b in range(count)]

    @intrinsic  # type: ignore[untyped-decorator]
    def steps(
        _: Any, T: Any, targets: Any, a: Any, X: Any, sources: Any, n: Any,
        G: Any, across: Any, down: Any,
    ) -> Any:  # fmt: skip
        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            w = _Writer(context, builder, signature, arguments)
            _, _, a, _, _, n, _, across, down = arguments
            places = [w.plus(a, e) for e in range(rows)]
            goals = [w.row(0, 1, place) for place in places]
            weights = [builder.mul(place, across) for place in places]
            for begin, end in blocks:
                sums = [w.sums(end - begin) for _ in range(rows)]
                with cgutils.for_range(builder, n) as loop:
                    source = w.row(3, 4, loop.index)
                    shift = builder.mul(loop.index, down)
                    q = [builder.add(weight, shift) for weight in weights]
                    g = [w.spread(builder.load(w.element(6, place))) for place in q]
                    for v in range(begin, end):
                        x = w.load(w.vector(source, v))
                        for e in range(rows):
                            w.add_product(sums[e][v - begin], g[e], x)
                for goal, totals in zip(goals, sums, strict=True):
                    for v, total in enumerate(totals, begin):
                        address = w.vector(goal, v)
                        both = (w.load(address), builder.load(total))
                        w.store(builder.fadd(*both, flags=FREEDOM), address)
            return context.get_dummy_value()

        return types.void(T, targets, a, X, sources, n, G, across, down), generate

    return steps


# The trainer ------------------------------------------------------------------------------------


@lru_cache(maxsize=8)
def kernel(width: int) -> Kernel:
    """Compile the trainer for rows of `width` numbers, a multiple of `LANES`.

    The first call compiles (seconds); calls with the same width share the code.
    """

    @numba.njit(inline="always", **OPTIONS)  # type: ignore[untyped-decorator]
    def fetch(table: Any, row: Any) -> None:
        for t in range(0, width, 16):  # a cache line holds 16 numbers
            _prefetch(table, row, t)

    dots, two_steps, one_step = _dots(width), _steps(width, 2), _steps(width, 1)

    @numba.njit(**OPTIONS)  # type: ignore[untyped-decorator]
    def window_update(
        W: Any, C: Any, inputs: Any, m: Any, rows: Any, labels: Any, live: Any, k: Any,
        rate: Any, order: Any, Y: Any, G: Any, measure: Any, coming: Any,
    ) -> Any:  # fmt: skip
        """Update all pairs of m inputs and k outputs from the rows as they were before."""
        stride = (k + 5) // 6 * 6
        for j in range(k):
            r = rows[j]
            for t in range(width):
                Y[j, t] = C[r, t]
        for i in range(0, m, 2):
            for j in range(0, stride, 6):
                dots(W, inputs, i, Y, order, j, G, i * stride + j, stride)
        loss = _loss(G, m, k, stride, labels, live) if measure else 0.0
        _step_sizes(G, (m * stride + 7) // 8 * 8, rate)
        for j in range(k):
            if labels[j]:
                for i in range(m):
                    G[i * stride + j] += rate
            if not live[j]:
                for i in range(m):
                    G[i * stride + j] = f4(0)
        for j in range(0, k - 1, 2):  # C first: W is still as it was, and of C there is a copy
            for q in range(j, min(j + 2, len(coming))):
                fetch(C, coming[q])
            two_steps(C, rows, j, W, inputs, m, G, 1, stride)
        if k % 2:
            one_step(C, rows, k - 1, W, inputs, m, G, 1, stride)
        for i in range(0, m - 1, 2):
            two_steps(W, inputs, i, Y, order, k, G, stride, 1)
        if m % 2:
            one_step(W, inputs, m - 1, Y, order, k, G, stride, 1)
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
        whole = np.zeros((7, max(widest + 6, most * max(negative, 1))), np.int64)
        rows, labels, live = whole[0], whole[1], whole[2]
        inputs, low, high, order = whole[3], whole[4], whole[5], whole[6]
        order[:] = np.arange(len(order))
        drawn = np.zeros((2, most * max(negative, 1)), np.int64)
        rows[:] = empty
        labels[0] = 1
        live[:] = 1
        vectors = np.zeros((2 + widest + 6, width), np.float32)
        x, error, Y = vectors[0], vectors[1], vectors[2:]
        G = np.zeros((1, most * (widest + 6) + 8), np.float32)[0]
        a_pair = not (cbow or at_once)  # each pair draws its own negatives
        begin = document = pairs = measured = 0
        end = ends[0] if n else 0
        loss = 0.0
        draws = 0
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
                    drawn[s, j] = _noise(mix(state), share, other)
                if not hierarchical:
                    fetch(C, kept[ahead])
                if ahead + window < n:
                    fetch(W, kept[ahead + window])
            if position < 0:
                continue
            coming = drawn[ahead & 1, :draws]
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
                for r in coming:
                    fetch(C, r)
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
                    W, C, inputs, m, rows, labels, live, k, rate, order, Y, G, measure, coming
                )
                measured += m * measure
            else:
                for i in range(m):
                    for q in range(len(coming) * i // m, len(coming) * (i + 1) // m):
                        fetch(C, coming[q])
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
