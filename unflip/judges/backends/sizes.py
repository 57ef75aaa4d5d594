"""How many tokens a request takes, without a tokenizer: a guess, and a bound."""

from __future__ import annotations

from unflip.judges.asking import Request, Usage

_TURN_TOKENS = 16
"""More than the chat templates of the models we know put around a turn."""
_BYTES_A_TOKEN = 3
"""English has 4 to 5 in today's vocabularies, digits and code fewer."""


def likely(request: Request) -> Usage:
    """What a request may well take: three bytes a token, and all the tokens that it may write.

    Example:
        >>> likely(Request(raw="a" * 300, max_tokens=16))
        Usage(read=116, written=16, requests=1)
    """
    parts = _parts(request)
    read = sum(len(part) for part in parts) // _BYTES_A_TOKEN + _TURN_TOKENS * len(parts)
    return Usage(read, request.max_tokens * request.samples, 1)


def most(request: Request) -> Usage:
    """What a request takes at most, as long as no token stands for less than a byte.

    A server may draw the samples one by one, and so read the prompt for each.

    Example:
        >>> most(Request(raw="a" * 300, max_tokens=16, samples=2))
        Usage(read=632, written=32, requests=2)
    """
    parts = _parts(request)
    read = sum(len(part) for part in parts) + _TURN_TOKENS * len(parts)
    return Usage(read * request.samples, request.max_tokens * request.samples, request.samples)


def _parts(request: Request) -> list[bytes]:
    texts = [turn.text for turn in request.turns] if request.raw is None else [request.raw]
    return [text.encode("utf-8", "surrogatepass") for text in texts]
