"""The wire: a JSON header, and blobs of bytes with all their lengths in front.

Whatever backend carries it, a request is `{"limits": ..., "calls": bool}` with the code, the input
and the calls as blobs; a reply is `{"exit" | "signal": n, "killed": why, ...}` with what the
program printed, said as errors, and recorded.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unflip.sandbox.codec import text

# In front of every frame: the length of its header, and the number of its blobs.
_HEAD = struct.Struct("!II")
_HEADER_LIMIT = 1 << 16
_BLOB_LIMIT = 1 << 28
_MOST_BLOBS = 8


def pack(header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """One frame.

    Example:
        >>> import io
        >>> unpack(io.BytesIO(pack({"a": 1}, [b"xyz", b""])).read)
        ({'a': 1}, [b'xyz', b''])
    """
    return pack_beginning(json.dumps(header).encode(), list(map(len, blobs))) + b"".join(blobs)


def written(header: Mapping[str, Any]) -> bytes:
    """A header that holds no lists and no mappings; it is written with little to set up.

    Example:
        >>> written({"exit": 0, "cpu": 0.25, "killed": None})
        b'{"exit":0,"cpu":0.25,"killed":null}'
    """
    parts = [f'"{name}":{text(value)}' for name, value in header.items()]
    return f"{{{','.join(parts)}}}".encode()


def pack_beginning(said: bytes, sizes: Sequence[int] = ()) -> bytes:
    """A frame up to its blobs, which have these sizes, with a header that was written already."""
    return _HEAD.pack(len(said), len(sizes)) + said + struct.pack(f"!{len(sizes)}Q", *sizes)


def unpack(read: Callable[[int], bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """The next frame, by a function that gives exactly so many bytes.

    Raises:
        ValueError: These bytes are no frame.
    """
    header, sizes = unpack_beginning(read)
    return header, split(read(sum(sizes)), sizes)


def unpack_beginning(read: Callable[[int], bytes]) -> tuple[dict[str, Any], tuple[int, ...]]:
    """The next frame's header, and the sizes of the blobs that follow.

    Raises:
        ValueError: These bytes are no frame, or a blob is larger than any that is sent.
    """
    size, count = _HEAD.unpack(read(_HEAD.size))
    if size > _HEADER_LIMIT or count > _MOST_BLOBS:
        raise ValueError("no frame of ours begins like this")
    said = read(size + 8 * count)
    header, sizes = json.loads(said[:size]), struct.unpack(f"!{count}Q", said[size:])
    if not isinstance(header, dict):
        raise ValueError("a frame's header is an object")  # noqa: TRY004 - as documented
    if any(one > _BLOB_LIMIT for one in sizes):
        raise ValueError(f"a blob of {max(sizes)} bytes")
    return header, sizes


def split(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """The blobs that lie in this data one after the other.

    Example:
        >>> split(b"abc", [2, 0, 1])
        [b'ab', b'', b'c']
    """
    blobs, start = [], 0
    for size in sizes:
        blobs.append(data[start : start + size])
        start += size
    return blobs
