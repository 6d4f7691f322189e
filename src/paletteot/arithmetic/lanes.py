"""Sums over arrays in a fixed order that SIMD units can follow: eight lanes, folded by halves, then what is left over.

A compiler may not change the order of floating-point additions, unless it is told that it may; then the order follows
the width of the CPU's registers, and with it the last bits. Here the order is written down: lane m holds the terms m,
m + 8, m + 16, ...; lanes are added as ((0 + 4) + (2 + 6)) + ((1 + 5) + (3 + 7)), and the last n modulo 8 terms to that,
one after the other. LLVM makes two registers of AVX2, one of AVX-512 or four of plain x86-64 of the eight lanes; every
addition and multiplication rounds by itself. Arrays must be one-dimensional, contiguous and float64.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

LANES = 8

_F64 = ir.DoubleType()
_VECTOR = ir.VectorType(_F64, LANES)
_INDEX = ir.IntType(64)

Term = Callable[[Any, Sequence[Any]], Any]
"""Emits what is summed, of values that are all float64 or all vectors of LANES of them."""


def _product(builder: Any, values: Sequence[Any]) -> Any:
    """Emit the product of the values, from the left."""
    first, *rest = values
    for one in rest:
        first = builder.fmul(first, one)
    return first


def _distance(builder: Any, values: Sequence[Any]) -> Any:
    """Emit the distance of the product of all values but the last to the last."""
    *factors, other = values
    difference = builder.fsub(_product(builder, factors), other)
    zero = ir.Constant(difference.type, 0.0 if difference.type == _F64 else [0.0] * LANES)
    return builder.select(builder.fcmp_ordered("<", difference, zero), builder.fneg(difference), difference)


def _summed(builder: Any, terms: Sequence[tuple[Term, Sequence[Any]]], length: Any) -> list[Any]:
    """Emit several sums over the same indices, each of a term of values behind pointers; return the sums."""
    whole = builder.and_(length, _INDEX(-LANES))
    zero = ir.Constant(_VECTOR, [0.0] * LANES)
    lanes = _run(builder, terms, _INDEX(0), whole, LANES, [zero] * len(terms))
    return _run(builder, terms, whole, length, 1, [_folded(builder, one) for one in lanes])


def _run(
    builder: Any, terms: Sequence[tuple[Term, Sequence[Any]]], first: Any, last: Any, step: int, sums: list[Any]
) -> list[Any]:
    """Emit a loop that adds the terms from first to before last to sums, step of them at a time."""
    before = builder.block
    head, body, after = (builder.append_basic_block(f"sum.{name}") for name in ("head", "body", "after"))
    builder.branch(head)
    builder.position_at_end(head)
    index = builder.phi(_INDEX)
    index.add_incoming(first, before)
    running = [builder.phi(one.type) for one in sums]
    for phi, one in zip(running, sums, strict=True):
        phi.add_incoming(one, before)
    builder.cbranch(builder.icmp_signed("<", index, last), body, after)
    builder.position_at_end(body)
    read: dict[Any, Any] = {}
    for phi, (term, pointers) in zip(running, terms, strict=True):
        for pointer in pointers:
            if pointer not in read:
                read[pointer] = _read(builder, pointer, index, step)
        phi.add_incoming(builder.fadd(phi, term(builder, [read[pointer] for pointer in pointers])), body)
    index.add_incoming(builder.add(index, _INDEX(step)), body)
    builder.branch(head)
    builder.position_at_end(after)
    return running


def _read(builder: Any, pointer: Any, index: Any, step: int) -> Any:
    place = builder.gep(pointer, [index])
    return builder.load(place if step == 1 else builder.bitcast(place, _VECTOR.as_pointer()), align=8)


def _folded(builder: Any, lanes: Any) -> Any:
    """Emit the sum of a vector's lanes: its halves are added until one is left."""
    size = LANES
    while size > 1:
        size //= 2
        nothing = ir.Constant(lanes.type, ir.Undefined)
        low, high = (
            builder.shuffle_vector(
                lanes, nothing, ir.Constant(ir.VectorType(ir.IntType(32), size), list(range(first, first + size)))
            )
            for first in (0, size)
        )
        lanes = builder.fadd(low, high)
    return builder.extract_element(lanes, ir.IntType(32)(0))


def _emitted(function: Any) -> Any:
    """Return numba's intrinsic of a function, whose declared type asks for the typing context too."""
    return intrinsic(function)


def _vector(kind: Any, dimensions: int = 1) -> bool:
    return (
        isinstance(kind, types.Array) and (kind.ndim, kind.layout, kind.dtype) == (dimensions, "C", types.float64)
    )  # fmt: skip


def _pointer(context: Any, builder: Any, kind: Any, array: Any) -> tuple[Any, Any]:
    """Return the pointer to an array's first value and its number of rows."""
    made = context.make_array(kind)(context, builder, array)
    return made.data, builder.extract_value(made.shape, 0)


def _sum_of(term: Term) -> Callable[[Any, Any, Any, Sequence[Any]], Any]:
    def emit(context: Any, builder: Any, signature: Any, arrays: Sequence[Any]) -> Any:
        found = [_pointer(context, builder, kind, one) for kind, one in zip(signature.args, arrays, strict=True)]
        return _summed(builder, [(term, [pointer for pointer, _ in found])], found[0][1])[0]

    return emit


@_emitted
def total(typing: Any, u: Any) -> Any:  # noqa: ARG001
    """Return sum_j u_j."""
    return (types.float64(u), _sum_of(_product)) if _vector(u) else None


@_emitted
def dot(typing: Any, u: Any, v: Any) -> Any:  # noqa: ARG001
    """Return sum_j u_j v_j."""
    return (types.float64(u, v), _sum_of(_product)) if _vector(u) and _vector(v) else None


@_emitted
def dot3(typing: Any, u: Any, v: Any, w: Any) -> Any:  # noqa: ARG001
    """Return sum_j u_j v_j w_j."""
    return (types.float64(u, v, w), _sum_of(_product)) if all(map(_vector, (u, v, w))) else None


@_emitted
def l1(typing: Any, u: Any, v: Any) -> Any:  # noqa: ARG001
    """Return sum_j |u_j - v_j|."""
    return (types.float64(u, v), _sum_of(_distance)) if _vector(u) and _vector(v) else None


@_emitted
def scaled_l1(typing: Any, u: Any, v: Any, w: Any) -> Any:  # noqa: ARG001
    """Return sum_j |u_j v_j - w_j|."""
    return (types.float64(u, v, w), _sum_of(_distance)) if all(map(_vector, (u, v, w))) else None


@_emitted
def four_dots(typing: Any, matrix: Any, row: Any, v: Any) -> Any:  # noqa: ARG001
    """Return sum_j M_ij v_j of four rows i from ``row``, in one loop that reads v once."""
    if not (_vector(matrix, 2) and _vector(v) and isinstance(row, types.Integer)):
        return None
    result: Any = types.UniTuple(types.float64, 4)  # type: ignore[no-untyped-call]

    def emit(context: Any, builder: Any, signature: Any, values: Sequence[Any]) -> Any:
        start, _ = _pointer(context, builder, signature.args[0], values[0])
        other, length = _pointer(context, builder, signature.args[2], values[2])
        number = context.cast(builder, values[1], signature.args[1], types.int64)
        rows = [
            builder.gep(start, [builder.mul(builder.add(number, _INDEX(step)), length)]) for step in range(4)
        ]  # fmt: skip
        sums = _summed(builder, [(_product, (one, other)) for one in rows], length)
        return cgutils.pack_array(builder, sums)  # type: ignore[no-untyped-call]

    return result(matrix, row, v), emit
