"""Numpy arrays and torch tensors alike: the few operations that corrections and shaping need.

Nothing here imports torch (a tensor in hand means that it is imported), and nothing makes the host
wait for a device. NaN means that there is nothing: an abstain, a missing step, a judge that gave no
score. It is never read as 0.
"""

from __future__ import annotations

import math
import sys
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

from unflip.errors import UsageError, missing_extra

Array: TypeAlias = Any
"""A numpy array or a torch tensor."""


def is_torch(*arrays: Array) -> bool:
    """Whether any of these is a torch tensor."""
    torch = sys.modules.get("torch")
    return torch is not None and any(isinstance(one, torch.Tensor) for one in arrays)


def namespace(*arrays: Array) -> Any:
    """`torch` if any of these is a tensor, else `numpy`; use only names that both have."""
    return sys.modules["torch"] if is_torch(*arrays) else np


def working(x: Array) -> Array:
    """The same as floats that are safe to sum; halves, integers and booleans become wider.

    Example:
        >>> working(np.ones(2, dtype=np.float16)).dtype, working([True, False]).dtype
        (dtype('float32'), dtype('float64'))
    """
    if is_torch(x):
        torch = namespace(x)
        return x if x.dtype in (torch.float32, torch.float64) else x.to(torch.float32)
    x = np.asarray(x)
    if x.dtype == np.float16:
        return x.astype(np.float32)
    return x if x.dtype.kind == "f" else x.astype(np.float64)


def floats(*values: Any) -> tuple[Any, ...]:
    """The namespace to compute in, and all values as `working` arrays of its kind.

    Tensors stay where they are; what is no tensor joins the first one, if there is one.

    Example:
        >>> xp, scores_N = floats([True, False])
        >>> xp.__name__, scores_N.tolist()
        ('numpy', [1.0, 0.0])
    """
    if not is_torch(*values):
        return (np, *map(working, values))
    torch = namespace(*values)
    device = next(one.device for one in values if is_torch(one))
    # A few numbers of the host are copied without waiting for what the device has to do before.
    moved = (torch.as_tensor(one).to(device, non_blocking=True) for one in values)
    return (torch, *map(working, moved))


def cast(x: Array, like: Array) -> Array:
    """X with the dtype of another array; as it is if that one holds no floats."""
    if is_torch(x):
        return x.to(like.dtype) if like.dtype.is_floating_point else x
    dtype = np.asarray(like).dtype
    return x.astype(dtype, copy=False) if dtype.kind == "f" else x


def detached(x: Array) -> Array:
    """X without a history of gradients."""
    return x.detach() if is_torch(x) else x


def less_product(x: Array, y: Array, z: Array) -> Array:
    """X - y z, in one operation on a device.

    Example:
        >>> less_product(np.ones(2), np.array([1.0, 2.0]), np.array([0.5, 3.0]))
        array([ 0.5, -5. ])
    """
    return namespace(x).addcmul(x, y, z, value=-1) if is_torch(x) else x - y * z


def shrunk(x: Array, least: float) -> Array:
    """X, with 0 for what is no larger than `least`.

    Example:
        >>> shrunk(np.array([0.5, -0.1, -2.0]), 0.1)
        array([ 0.5,  0. , -2. ])
    """
    if is_torch(x):
        return namespace(x).nn.functional.hardshrink(x, least)
    return np.where(np.abs(x) > least, x, 0)


def segment_sum(x_B: Array, segment_B: Array, n_segments: int) -> Array:
    """Sums of the rows of each segment, (n_segments, ...).

    Args:
        x_B: Rows, (B,) or (B, ...).
        segment_B: Each row's segment, integers in [0, n_segments).
        n_segments: How many there are, empty ones included.

    Raises:
        UsageError: A segment is out of range (torch raises its own error).

    Example:
        >>> segment_sum(np.array([1.0, 2.0, 4.0]), np.array([0, 2, 0]), 3)
        array([5., 0., 2.])
    """
    if is_torch(x_B):
        return x_B.new_zeros((n_segments, *x_B.shape[1:])).index_add_(0, segment_B, x_B)
    in_range(segment_B, n_segments)
    columns_BC = x_B.reshape(len(x_B), math.prod(x_B.shape[1:]))
    sums = [np.bincount(segment_B, column, n_segments) for column in columns_BC.T]
    return np.stack(sums, -1).astype(x_B.dtype).reshape((n_segments, *x_B.shape[1:]))


def take(table_S: Array, code_B: Array) -> Array:
    """Rows of a table by their codes.

    Raises:
        UsageError: A code is out of range (torch raises its own error), or the table lies on the
            host and the codes on a device.
    """
    if is_torch(code_B):
        if not is_torch(table_S):
            raise UsageError("tensors need the correction on their device: call .to(device) once")
        return table_S.index_select(0, code_B)
    in_range(code_B, len(table_S))
    return table_S[code_B]


def in_range(code_B: Array, n: int) -> None:
    """Refuse what is no code in [0, n): numpy takes booleans for masks, and counts from the end."""
    code_B = np.asarray(code_B)
    if len(code_B) and code_B.dtype.kind not in "iu":
        raise UsageError(f"codes are integers from 0 to {n - 1}, not {code_B.dtype}")
    if len(code_B) and not (code_B.min() >= 0 and code_B.max() < n):
        ends = f"{code_B.min()} to {code_B.max()}"
        raise UsageError(f"codes are integers from 0 to {n - 1}; these go from {ends}")


def wide(code_B: Array) -> Array:
    """Codes that can be multiplied: those of 8 bits would wrap around at 255.

    Example:
        >>> 3 * wide(np.array([100], dtype=np.uint8))
        array([300])
    """
    return code_B.long() if is_torch(code_B) else np.asarray(code_B).astype(np.int64)


def on_device(x: Array, device: Any, dtype: Any = None) -> Array:
    """A tensor on a device, float32 unless another dtype is asked for.

    Raises:
        MissingExtra: torch is not installed.
    """
    try:
        torch = import_module("torch")
    except ImportError as why:
        raise missing_extra("a correction on a device", "hf") from why
    return torch.as_tensor(x, device=device, dtype=dtype or torch.float32)


def host(x: Array) -> Array:
    """A float64 numpy array of the same values; waits for the device, so not for a training step.

    Example:
        >>> host([1, 2])
        array([1., 2.])
    """
    # By way of torch's doubles: numpy knows no bfloat16.
    return np.asarray(x.detach().cpu().double() if is_torch(x) else x, dtype=np.float64)


def on_cpu(values: Array) -> bool:
    """Whether values can be looked at without waiting for a GPU.

    Example:
        >>> on_cpu(np.zeros(3))
        True
    """
    return getattr(getattr(values, "device", None), "type", "cpu") == "cpu"


def check_range(name: str, values: Array, low: float, high: float) -> None:
    """Refuses values outside [low, high]; on a GPU it does not look, as that would wait for it.

    Raises:
        UsageError: A value is outside.

    Example:
        >>> check_range("confidence", np.array([0.5, 7.0]), 0, 1)
        Traceback (most recent call last):
        unflip.errors.UsageError: confidence lies in [0, 1]; rescale it first
    """
    if on_cpu(values) and bool(((values < low) | (values > high)).any()):
        raise UsageError(f"{name} lies in [{low}, {high}]; rescale it first")


def check_dims(name: str, values: Array, least: int) -> None:
    """Refuses an array with fewer axes than its meaning needs, or with an empty last one.

    Raises:
        UsageError: It has.

    Example:
        >>> check_dims("rewards_PG", np.zeros(3), 2)
        Traceback (most recent call last):
        unflip.errors.UsageError: rewards_PG needs 2 axes or more and no empty last one, not (3,)
    """
    shape = tuple(values.shape)
    if len(shape) < least or (least and shape[-1] == 0):
        axes = "axis" if least == 1 else "axes"
        raise UsageError(f"{name} needs {least} {axes} or more and no empty last one, not {shape}")


def check_same(name: str, values: Array, other: str, others: Array) -> None:
    """Refuses two arrays whose shapes differ.

    Raises:
        UsageError: They differ.

    Example:
        >>> check_same("confidence_N", np.zeros(2), "accepted_N", np.zeros(3))
        Traceback (most recent call last):
        unflip.errors.UsageError: confidence_N has shape (2,) and accepted_N (3,); give both per row
    """
    if tuple(values.shape) != tuple(others.shape):
        shape, wanted = tuple(values.shape), tuple(others.shape)
        raise UsageError(f"{name} has shape {shape} and {other} {wanted}; give both per row")


def check_number(name: str, value: float, low: float, high: float = float("inf")) -> None:
    """Refuses a setting outside [low, high].

    Raises:
        UsageError: It is outside.

    Example:
        >>> check_number("penalty", -1.0, 0.0)
        Traceback (most recent call last):
        unflip.errors.UsageError: penalty lies in [0.0, inf], not -1.0
    """
    if not low <= value <= high:
        raise UsageError(f"{name} lies in [{low}, {high}], not {value}")


def log_sigmoid(x: Array) -> Array:
    """log(1 / (1 + exp(-x))), exact far from 0 on both sides.

    Example:
        >>> log_sigmoid(np.array([0.0, -800.0])).round(3).tolist()
        [-0.693, -800.0]
    """
    xp, x = floats(x)
    return xp.clip(x, None, 0) - xp.log1p(xp.exp(-xp.abs(x)))


def sigmoid(x: Array) -> Array:
    """1 / (1 + exp(-x)), without overflow.

    Example:
        >>> sigmoid(np.array([0.0, -800.0, 800.0])).tolist()
        [0.5, 0.0, 1.0]
    """
    xp, x = floats(x)
    return xp.exp(log_sigmoid(x))


def mean_std(values_PG: Array, chosen_PG: Array) -> tuple[Array, Array]:
    """Mean and population std of the chosen entries of each group, NaN where none is chosen.

    Args:
        values_PG: Values; the last axis is the group.
        chosen_PG: True where an entry counts.

    Returns:
        Two arrays of shape (..., 1).

    Example:
        >>> mean, std = mean_std(np.array([[1.0, 3.0, 9.0]]), np.array([[True, True, False]]))
        >>> mean.tolist(), std.tolist()
        ([[2.0]], [[1.0]])
    """
    xp, values_PG = floats(values_PG)
    n = chosen_PG.sum(axis=-1, keepdims=True)
    n = xp.where(n > 0, n * 1.0, float("nan"))
    mean = xp.where(chosen_PG, values_PG, 0.0).sum(axis=-1, keepdims=True) / n
    off = xp.where(chosen_PG, values_PG - mean, 0.0)
    return mean, ((off * off).sum(axis=-1, keepdims=True) / n) ** 0.5


def place(values_PG: Array) -> Array:
    """How many entries of its group come before each in ascending order; ties keep their order.

    Example:
        >>> place(np.array([0.3, 0.1, 0.3])).tolist()
        [1, 0, 2]
    """
    xp, values_PG = floats(values_PG)
    mine, other = values_PG[..., :, None], values_PG[..., None, :]
    index = xp.cumsum(xp.ones_like(values_PG), axis=-1)
    earlier = index[..., None, :] < index[..., :, None]
    return ((other < mine) | ((other == mine) & earlier)).sum(axis=-1)
