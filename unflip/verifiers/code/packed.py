"""Opens test cases that a dataset packed into text; a pickle is never opened."""

from __future__ import annotations

import base64
import binascii
import json
import zlib
from collections.abc import Sequence
from typing import Any

from unflip.verifiers.code.tasks import BadTask

MOST = 256 << 20
"""So many bytes may packed cases be when they are open."""
_PICKLE = b"\x80"


def unpacked(value: Any, column: str) -> Sequence[Any]:
    """Cases from a list, from JSON text, or from JSON that was compressed by zlib, as base64.

    Args:
        value: What stands in the column; None and empty text hold no case.
        column: Its name, for the message.

    Raises:
        BadTask: It is none of these; the message says what to do about a pickle.

    Example:
        >>> packed = base64.b64encode(zlib.compress(b'[{"input": "1", "output": "2"}]')).decode()
        >>> unpacked(packed, "private_test_cases")
        [{'input': '1', 'output': '2'}]
    """
    if value is None or value == "":
        return []
    cases = _opened(value, column) if isinstance(value, str) else value
    if isinstance(cases, str):
        # The open form was text in text.
        cases = _opened(cases, column)
    if not isinstance(cases, list | tuple):
        raise BadTask(f"{column} is no list of cases")
    return cases


def _opened(text: str, column: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return _decompressed(text, column)


def _decompressed(text: str, column: str) -> Any:
    try:
        stream = zlib.decompressobj()
        data = stream.decompress(base64.b64decode(text, validate=True), MOST)
        if stream.unconsumed_tail:
            raise BadTask(f"{column} is larger than {MOST} bytes when it is open")
        if data.startswith(_PICKLE):
            raise BadTask(
                f"{column} is a pickle, which runs code when it is opened, and is never opened "
                "here: where you trust the file, store json.loads(pickle.loads(zlib.decompress("
                "base64.b64decode(text)))) in its place"
            )
        return json.loads(data)
    except (binascii.Error, zlib.error, ValueError, RecursionError) as why:
        raise BadTask(f"{column} is neither JSON nor packed JSON: {why}") from why
