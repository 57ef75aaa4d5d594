"""The wire: a JSON header and blobs of bytes, each with its length in front.

Whatever backend carries it, a request is `{"limits": ..., "calls": bool}` with the code, the input
and the calls as blobs; a reply is `{"exit" | "signal": n, "killed": why, ...}` with what the
program printed, said as errors, and recorded.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

HEAD = struct.Struct("!II")
"""In front of every frame: the length of its header, and the number of its blobs."""
_SIZE = struct.Struct("!Q")
HEADER_LIMIT = 1 << 16
BLOB_LIMIT = 1 << 28
_MOST_BLOBS = 8


def pack(header: Mapping[str, Any], blobs: Sequence[bytes] = ()) -> bytes:
    """One frame.

    Example:
        >>> import io
        >>> unpack(io.BytesIO(pack({"a": 1}, [b"xyz"])).read)
        ({'a': 1}, [b'xyz'])
    """
    parts = [pack_header(header, len(blobs))]
    for blob in blobs:
        parts += [pack_size(len(blob)), blob]
    return b"".join(parts)


def pack_header(header: Mapping[str, Any], count: int) -> bytes:
    """The beginning of a frame with so many blobs."""
    said = json.dumps(header).encode()
    return HEAD.pack(len(said), count) + said


def pack_size(size: int) -> bytes:
    """What goes before a blob of this size."""
    return _SIZE.pack(size)


def unpack(read: Callable[[int], bytes]) -> tuple[dict[str, Any], list[bytes]]:
    """The next frame, by a function that gives exactly so many bytes.

    Raises:
        ValueError: These bytes are no frame.
    """
    header, count = unpack_header(read)
    return header, [unpack_blob(read) for _ in range(count)]


def unpack_header(read: Callable[[int], bytes]) -> tuple[dict[str, Any], int]:
    """The beginning of the next frame: its header, and how many blobs follow.

    Raises:
        ValueError: These bytes are no frame.
    """
    size, count = HEAD.unpack(read(HEAD.size))
    if size > HEADER_LIMIT or count > _MOST_BLOBS:
        raise ValueError("no frame of ours begins like this")
    header = json.loads(read(size))
    if not isinstance(header, dict):
        raise ValueError("a frame's header is an object")  # noqa: TRY004 - as documented
    return header, count


def unpack_blob(read: Callable[[int], bytes]) -> bytes:
    """The next blob.

    Raises:
        ValueError: It is larger than any that is sent.
    """
    (size,) = _SIZE.unpack(read(_SIZE.size))
    if size > BLOB_LIMIT:
        raise ValueError(f"a blob of {size} bytes")
    return read(size)
