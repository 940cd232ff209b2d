"""Eight markers side by side in one vector register: the type `Lanes`, its arithmetic, exp, and small Cholesky factors.

numba vectorises a simple loop, but keeps sums of a nested one in memory and calls exp one number at a
time.  Here a value of type `Lanes` is a vector of eight doubles that stays in registers, so that the
kernels are written out as they should run: one statement, eight markers.  Every lane is computed by the
same instructions whatever stands in the other seven, therefore a marker's result does not depend on its
neighbours, on the size of blocks, or on the number of threads.

Use inside functions compiled by numba only.  Importing this module imports numba: do it inside the
function that needs a kernel.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from resistance.stats._arrays import FloatArray

#: markers in one `Lanes` value: two registers with AVX2, one with AVX-512
LANES = 8

_DOUBLES = ir.VectorType(ir.DoubleType(), LANES)
_INTS = ir.VectorType(ir.IntType(64), LANES)


class LanesType(types.Type):
    """numba's type of eight doubles."""

    def __init__(self) -> None:
        super().__init__(name="Lanes8")


lanes_type = LanesType()


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, frontend_type: Any) -> None:
        super().__init__(manager, frontend_type, _DOUBLES)


def aligned(size: int) -> FloatArray:
    """Return a zeroed float array that starts on a cache line, so that no `Lanes` value straddles two."""
    buffer = np.zeros(size + LANES)
    skip = (-(buffer.ctypes.data // 8)) % LANES
    return buffer[skip : skip + size]


# ---------------------------------------------------------------------------------------------- memory


def _pointer(context: Any, builder: Any, array_type: Any, array: Any, index: Any) -> Any:
    data = context.make_array(array_type)(context, builder, array).data
    return builder.bitcast(builder.gep(data, [index]), _DOUBLES.as_pointer())


@intrinsic
def load(typing_context: Any, array: Any, index: Any) -> Any:
    """Return the eight numbers of a contiguous float64 array from `index` on (no bounds check)."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        instruction = builder.load(_pointer(context, builder, sig.args[0], args[0], args[1]))
        instruction.align = 8
        return instruction

    return lanes_type(array, types.intp), generate


@intrinsic
def load_any(typing_context: Any, array: Any, index: Any) -> Any:
    """Return eight numbers of a contiguous array of int8, float32 or float64; NaN for a negative integer (no bounds check)."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        element = context.get_data_type(sig.args[0].dtype)
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        where = builder.bitcast(builder.gep(data, [args[1]]), ir.VectorType(element, LANES).as_pointer())
        instruction = builder.load(where)
        instruction.align = sig.args[0].dtype.bitwidth // 8
        if isinstance(element, ir.DoubleType):
            return instruction
        if isinstance(element, ir.FloatType):
            return builder.fpext(instruction, _DOUBLES)
        number = builder.sitofp(instruction, _DOUBLES)
        negative = builder.fcmp_ordered("<", number, ir.Constant(_DOUBLES, [0.0] * LANES))
        return builder.select(negative, ir.Constant(_DOUBLES, [float("nan")] * LANES), number)

    return lanes_type(array, types.intp), generate


@intrinsic
def fetch(typing_context: Any, array: Any, index: Any) -> Any:
    """Ask for the cache line of an element that will be read soon (any index: nothing is read)."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        byte = ir.IntType(8).as_pointer()
        whole = ir.IntType(32)
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.VoidType(), [byte, whole, whole, whole]), "llvm.prefetch.p0i8"
        )
        where = builder.bitcast(builder.gep(data, [args[1]]), byte)
        # to read, into the second cache, data
        builder.call(function, [where, ir.Constant(whole, 0), ir.Constant(whole, 2), ir.Constant(whole, 1)])
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


@intrinsic
def store(typing_context: Any, array: Any, index: Any, value: Any) -> Any:
    """Write eight numbers into a contiguous float64 array from `index` on (no bounds check)."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        instruction = builder.store(args[2], _pointer(context, builder, sig.args[0], args[0], args[1]))
        instruction.align = 8
        return context.get_dummy_value()

    return types.void(array, types.intp, lanes_type), generate


def _broadcast(builder: Any, number: Any) -> Any:
    one = builder.insert_element(ir.Constant(_DOUBLES, ir.Undefined), number, ir.Constant(ir.IntType(32), 0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), LANES), [0] * LANES)
    return builder.shuffle_vector(one, ir.Constant(_DOUBLES, ir.Undefined), zeros)


@intrinsic
def spread(typing_context: Any, number: Any) -> Any:
    """Return one number in all lanes."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return _broadcast(builder, args[0])

    return lanes_type(types.float64), generate


@intrinsic
def spread_from(typing_context: Any, array: Any, index: Any) -> Any:
    """Return one number of a contiguous float64 array in all lanes (no bounds check, no negative index)."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = context.make_array(sig.args[0])(context, builder, args[0]).data
        return _broadcast(builder, builder.load(builder.gep(data, [args[1]])))

    return lanes_type(array, types.intp), generate


# ------------------------------------------------------------------------------------------ arithmetic


class _Binary(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if len(args) == 2 and all(isinstance(arg, LanesType) for arg in args):
            return signature(lanes_type, lanes_type, lanes_type)
        return None


def _operation(function: Any, instruction: str) -> None:
    infer_global(function)(type(f"_{instruction}", (_Binary,), {}))

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return getattr(builder, instruction)(*args)

    lower_builtin(function, LanesType, LanesType)(generate)


_operation(operator.add, "fadd")
_operation(operator.sub, "fsub")
_operation(operator.mul, "fmul")
_operation(operator.truediv, "fdiv")


def _unary(name: str) -> Any:
    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        function = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(_DOUBLES, [_DOUBLES] * len(args)), f"llvm.{name}.v{LANES}f64"
        )
        return builder.call(function, args)

    return generate


@intrinsic
def fma(typing_context: Any, a: Any, b: Any, c: Any) -> Any:
    """Return a * b + c, rounded once."""
    return lanes_type(lanes_type, lanes_type, lanes_type), _unary("fma")


@intrinsic
def sqrt(typing_context: Any, a: Any) -> Any:
    """Return square roots (NaN below 0)."""
    return lanes_type(lanes_type), _unary("sqrt")


@intrinsic
def absolute(typing_context: Any, a: Any) -> Any:
    """Return absolute values."""
    return lanes_type(lanes_type), _unary("fabs")


@intrinsic
def where_less(typing_context: Any, a: Any, b: Any, then: Any, otherwise: Any) -> Any:
    """Return `then` in the lanes where a < b, `otherwise` in the rest and where either is NaN."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.select(builder.fcmp_ordered("<", args[0], args[1]), args[2], args[3])

    return lanes_type(lanes_type, lanes_type, lanes_type, lanes_type), generate


# ------------------------------------------------------------------------------------ exp and products


@intrinsic
def _times_power_of_two(typing_context: Any, value: Any, shifted: Any) -> Any:
    # the integer stands in the low bits of `shifted` (see _ROUND); it is added to the exponent of `value`
    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        power = builder.shl(builder.bitcast(args[1], _INTS), ir.Constant(_INTS, [52] * LANES))
        return builder.bitcast(builder.add(builder.bitcast(args[0], _INTS), power), _DOUBLES)

    return lanes_type(lanes_type, lanes_type), generate


@intrinsic
def mantissa(typing_context: Any, value: Any) -> Any:
    """Return positive normal numbers divided by the power of two that brings them into 1 .. 2."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.bitcast(args[0], _INTS)
        kept = builder.and_(bits, ir.Constant(_INTS, [0x000FFFFFFFFFFFFF] * LANES))
        return builder.bitcast(builder.or_(kept, ir.Constant(_INTS, [0x3FF0000000000000] * LANES)), _DOUBLES)

    return lanes_type(lanes_type), generate


@intrinsic
def exponent(typing_context: Any, value: Any) -> Any:
    """Return the power of two that :func:`mantissa` leaves out, as a number."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        bits = builder.lshr(builder.bitcast(args[0], _INTS), ir.Constant(_INTS, [52] * LANES))
        # 2**52 + integer, written into the bits: no instruction converts 64-bit integers before AVX-512
        number = builder.bitcast(builder.or_(bits, ir.Constant(_INTS, [0x4330000000000000] * LANES)), _DOUBLES)
        return builder.fsub(number, ir.Constant(_DOUBLES, [4503599627370496.0 + 1023.0] * LANES))

    return lanes_type(lanes_type), generate


_LOG2_E = 1.4426950408889634
#: log 2 in two parts: the first times any exponent is exact
_LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")
_LN2_LOW = 1.9082149292705877e-10
#: 1.5 * 2**52: added to a small number it leaves the nearest integer in the low bits
_ROUND = 6755399441055744.0


@njit(forceinline=True)
def exp(x: Any) -> Any:
    """Return e to the x for -700 <= x <= 700 (the caller's business), to two units in the last place.

    exp(x) = 2**i * exp(r), |r| <= log(2) / 2; the polynomial interpolates exp at Chebyshev points
    (relative error below 1e-17 before rounding).
    """
    shifted = fma(x, spread(_LOG2_E), spread(_ROUND))
    i = shifted - spread(_ROUND)
    r = fma(i, spread(-_LN2_LOW), fma(i, spread(-_LN2_HIGH), x))
    p = spread(2.5110049204818658e-08)
    p = fma(p, r, spread(2.763265472252779e-07))
    p = fma(p, r, spread(2.755724088722987e-06))
    p = fma(p, r, spread(2.4801485441561313e-05))
    p = fma(p, r, spread(0.00019841269890076403))
    p = fma(p, r, spread(0.0013888888952352863))
    p = fma(p, r, spread(0.008333333333319589))
    p = fma(p, r, spread(0.04166666666648795))
    p = fma(p, r, spread(0.1666666666666668))
    p = fma(p, r, spread(0.5000000000000019))
    p = fma(p, r, spread(1.0))
    p = fma(p, r, spread(1.0))
    return _times_power_of_two(p, shifted)


# ------------------------------------------------------------- small symmetric matrices, one in each lane


@njit(forceinline=True)
def cholesky(a: FloatArray, l: FloatArray, p: int) -> Any:  # noqa: E741
    """Factor p x p matrices, one in each lane: a = l l'.

    Parameters
    ----------
    a, l : array, shape (p * p * LANES,)
        Row by row; only the lower triangle is read and written.  The diagonal of `l` holds reciprocals.

    Returns
    -------
    Lanes
        Smallest pivot divided by its diagonal element: what of a column is left after the columns before
        it (1 - R squared).  NaN or <= 0 where the matrix is not positive definite.
    """
    least = spread(1.0)
    for i in range(p):
        for j in range(i + 1):
            s = load(a, (i * p + j) * LANES)
            for k in range(j):
                s = s - load(l, (i * p + k) * LANES) * load(l, (j * p + k) * LANES)
            if i == j:
                kept = s / load(a, (i * p + i) * LANES)
                # written so that NaN, once there, stays
                least = where_less(least, kept, least, kept)
                store(l, (i * p + i) * LANES, spread(1.0) / sqrt(s))
            else:
                store(l, (i * p + j) * LANES, s * load(l, (j * p + j) * LANES))
    return least


@njit(forceinline=True)
def solve(l: FloatArray, b: FloatArray, x: FloatArray, p: int, q: int) -> None:  # noqa: E741
    """Solve l l' x = b with the leading q rows and columns of the factor (p is its row length); x may be b."""
    for i in range(q):
        s = load(b, i * LANES)
        for k in range(i):
            s = s - load(l, (i * p + k) * LANES) * load(x, k * LANES)
        store(x, i * LANES, s * load(l, (i * p + i) * LANES))
    for i in range(q - 1, -1, -1):
        s = load(x, i * LANES)
        for k in range(i + 1, q):
            s = s - load(l, (k * p + i) * LANES) * load(x, k * LANES)
        store(x, i * LANES, s * load(l, (i * p + i) * LANES))


@njit(forceinline=True)
def invert(l: FloatArray, column: FloatArray, inverse: FloatArray, p: int) -> None:  # noqa: E741
    """Write the inverse of l l' (full, row by row); `column` is scratch of p * LANES."""
    for j in range(p):
        for i in range(p):
            store(column, i * LANES, spread(1.0 if i == j else 0.0))
        solve(l, column, column, p, p)
        for i in range(p):
            store(inverse, (i * p + j) * LANES, load(column, i * LANES))


@njit(forceinline=True)
def inverse_root_product(l: FloatArray, p: int) -> Any:  # noqa: E741
    """Return 1 / sqrt(det(l l')); minus its logarithm is half the log determinant."""
    product = spread(1.0)
    for i in range(p):
        product = product * load(l, (i * p + i) * LANES)
    return product
