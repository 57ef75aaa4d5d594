"""The OpenAI-compatible wire: a request as a body of JSON, and a body of JSON as a reply."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from unflip.judges.asking import Finish, Position, Request, Said, Usage

CHAT, TEXT = "/chat/completions", "/completions"
PREFILLS: Mapping[str, Mapping[str, Any]] = {
    "continue": {"continue_final_message": True, "add_generation_prompt": False},
    "plain": {},
    "prefix": {},
}
"""How a server goes on with a last turn by the assistant: vLLM and SGLang by fields of the body,
llama.cpp by itself, Mistral and DeepSeek by a mark on the turn."""

_FINISHES = {
    "stop": Finish.STOP,
    "eos": Finish.STOP,
    "stop_sequence": Finish.STOP,
    "length": Finish.LENGTH,
    "max_tokens": Finish.LENGTH,
    "content_filter": Finish.REFUSED,
    "refusal": Finish.REFUSED,
}


_MOST_TOKENS = 10**9
"""No reply takes that many: a count beyond is none, and would make every later request wait."""


class Garbled(ValueError):
    """What came back is no reply; the message says why."""


def fields(request: Request, model: str, prefill: str) -> dict[str, Any]:
    """The body that asks a model for a request.

    Args:
        request: What to ask.
        model: Whom.
        prefill: How a last turn by the assistant is gone on with; one of `PREFILLS`.

    Example:
        >>> fields(Request(raw="2 + 2 =", max_tokens=1), "tiny", "plain")
        {'model': 'tiny', 'prompt': '2 + 2 =', 'max_tokens': 1, 'temperature': 0.0}
    """
    body: dict[str, Any] = {"model": model}
    if request.raw is not None:
        body["prompt"] = request.raw
    else:
        body |= _messages(request, prefill)
    body |= {"max_tokens": request.max_tokens, "temperature": request.temperature}
    if request.samples != 1 and request.temperature > 0:
        # Without temperature servers refuse to draw several at once: they are asked for singly.
        body["n"] = request.samples
    if request.stop:
        body["stop"] = list(request.stop)
    if request.seed is not None:
        body["seed"] = request.seed
    if request.top_logprobs and request.raw is not None:
        body["logprobs"] = request.top_logprobs
    elif request.top_logprobs:
        body |= {"logprobs": True, "top_logprobs": request.top_logprobs}
    return body


def _messages(request: Request, prefill: str) -> dict[str, Any]:
    messages = [{"role": turn.role, "content": turn.text} for turn in request.turns]
    if not messages or messages[-1]["role"] != "assistant":
        return {"messages": messages}
    if prefill == "prefix":
        messages[-1] = {**messages[-1], "prefix": True}  # type: ignore[dict-item]
    return {"messages": messages, **PREFILLS[prefill]}


def parse(data: bytes) -> Any:
    """A body as JSON.

    Raises:
        Garbled: It is none.
    """
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as why:
        raise Garbled(f"this is no JSON: {why}") from why


def said(body: Any, wanted: int) -> tuple[Said, ...]:
    """The samples in a body; a server may send fewer than were wanted.

    Raises:
        Garbled: It has no choices, more than were wanted, or one without text.

    Example:
        >>> said({"choices": [{"text": "4", "finish_reason": "stop"}]}, 1)
        (Said(text='4', finish=<Finish.STOP: 'stop'>, reasoning='', positions=None),)
    """
    choices = body.get("choices") if isinstance(body, dict) else None
    if not isinstance(choices, list) or not 0 < len(choices) <= wanted:
        found = len(choices) if isinstance(choices, list) else "no"
        raise Garbled(f"{found} choices in place of {wanted}")
    return tuple(_choice(choice) for choice in choices)


def _choice(choice: Any) -> Said:
    if not isinstance(choice, dict):
        raise Garbled("a choice is no object")
    finish = _FINISHES.get(str(choice.get("finish_reason")), Finish.OTHER)
    if isinstance(choice.get("text"), str):
        return Said(choice["text"], finish, "", _positions(choice.get("logprobs")))
    message = choice.get("message")
    if not isinstance(message, dict):
        raise Garbled("a choice has no message and no text")
    refusal = message.get("refusal")
    text, thought = _content(message.get("content"))
    if refusal:
        text, finish = text or _text(refusal), Finish.REFUSED
    elif message.get("tool_calls") or message.get("function_call"):
        # It waits for a tool's result, whatever it says meanwhile.
        finish = Finish.OTHER
    given = message.get("reasoning_content") or message.get("reasoning") or thought
    reasoning = given if isinstance(given, str) else ""
    return Said(text, finish, reasoning, _positions(choice.get("logprobs")))


def _content(content: Any) -> tuple[str, str]:
    """The text of a message's content, and the reasoning that stands beside it as a part."""
    if content is None:
        return "", ""
    if isinstance(content, str):
        return content, ""
    if not isinstance(content, list) or not all(isinstance(part, dict) for part in content):
        raise Garbled("a message's content is no text")
    text = "".join(_text(part.get("text")) for part in content if part.get("type") == "text")
    thought = "".join(_thought(part.get("thinking")) for part in content)
    return text, thought


def _thought(thinking: Any) -> str:
    if isinstance(thinking, list):
        return "".join(_text(part.get("text")) for part in thinking if isinstance(part, dict))
    return _text(thinking)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _positions(logprobs: Any) -> tuple[Position, ...] | None:
    """The tokens with their log-probabilities; None if any of it is not as it should be.

    Without a single alternative there is nothing to compare what was said to.
    """
    found = _read_positions(logprobs) if isinstance(logprobs, dict) else None
    return found if found is None or not found or any(one.top for one in found) else None


def _read_positions(logprobs: Mapping[str, Any]) -> tuple[Position, ...] | None:
    try:
        if isinstance(logprobs.get("content"), list):
            return tuple(_position(token) for token in logprobs["content"])
        tops = logprobs.get("top_logprobs") or [{}] * len(logprobs["tokens"])
        pairs = zip(logprobs["tokens"], logprobs["token_logprobs"], tops, strict=True)
        return tuple(
            Position(
                _token(token), _logprob(p), tuple((t, _logprob(q)) for t, q in (top or {}).items())
            )
            for token, p, top in pairs
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return None


def _position(token: Mapping[str, Any]) -> Position:
    top = tuple(
        (_token(one["token"]), _logprob(one["logprob"])) for one in token.get("top_logprobs") or ()
    )
    return Position(_token(token["token"]), _logprob(token["logprob"]), top)


def _token(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r:.80} is no token")
    return value


def _logprob(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or math.isnan(value):
        raise TypeError(f"{value!r} is no log-probability")
    return float(value)


def usage(body: Any) -> Usage:
    """What the server says that it took; one request.

    Example:
        >>> usage({"usage": {"prompt_tokens": 9, "completion_tokens": 1}})
        Usage(read=9, written=1, requests=1)
    """
    told = body.get("usage") if isinstance(body, dict) else None
    counts = told if isinstance(told, dict) else {}
    read, written = (counts.get(name) for name in ("prompt_tokens", "completion_tokens"))
    return Usage(_count(read), _count(written), 1)


def _count(value: Any) -> int:
    counts = isinstance(value, int) and not isinstance(value, bool) and 0 < value < _MOST_TOKENS
    return value if counts else 0


def complaint(body: Any) -> tuple[str, str]:
    """The code and the message of an error's body; empty if there is none.

    Example:
        >>> complaint({"error": {"code": "model_not_found", "message": "no such model"}})
        ('model_not_found', 'no such model')
    """
    if not isinstance(body, dict):
        return "", ""
    error = body.get("error", body)
    if isinstance(error, str):
        return "", error
    if not isinstance(error, dict):
        return "", ""
    code = error.get("code") or error.get("type") or ""
    return str(code), _text(error.get("message")) or _text(error.get("detail"))
