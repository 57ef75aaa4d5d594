"""What a judge is shown of a sample: its question, its references, and so much of its answer."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum

from unflip.types import Message, Sample, text_of
from unflip.verifiers.extract import TEXT, Policy, extract, final_part


class Sees(StrEnum):
    """How much of a completion a judge is shown; always a verbatim part of it."""

    WHOLE = "whole"
    """All of it."""
    FINAL = "final"
    """What is said after the reasoning."""
    ANSWER = "answer"
    """The final answer only, from the first to the last of them if it states several. By default an
    answer that is marked as such, else `FINAL`; with `MARKED` a completion without one is rejected.
    """


def seen(completion: str, sees: Sees, policy: Policy = TEXT) -> str | None:
    r"""The part of a completion that is shown; None where only the answer is, and there is none.

    Example:
        >>> text = r"<think>7?</think>6 and 2 make \boxed{8}."
        >>> seen(text, Sees.FINAL), seen(text, Sees.ANSWER)
        ('6 and 2 make \\boxed{8}.', '8')
    """
    if sees is Sees.WHOLE:
        return completion
    if sees is Sees.FINAL:
        return completion[slice(*final_part(completion))]
    found = extract(completion, policy)
    return completion[found[0].start : found[-1].end] if found else None


def question(prompt: str | Sequence[Message]) -> str:
    """A prompt as text: a single message by itself, a chat as who said what.

    Example:
        >>> question([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "?"}])
        '?'
    """
    if isinstance(prompt, str):
        return prompt
    said = [message for message in prompt if message.get("role") != "system"]
    if len(said) == 1:
        return text_of(said)
    return "\n\n".join(f"{message.get('role')}: {text_of([message])}" for message in said)


def references(sample: Sample) -> str:
    r"""The references, one a line, without repetitions; empty if there is none that is text.

    A judge is told that each line alone is right, so a reference of several lines becomes one.

    Example:
        >>> references(Sample("", ("Tintin", "Tin Tin", "Tintin")))
        'Tintin\nTin Tin'
    """
    lines = (" ".join(one.splitlines()) for one in sample.references if one.strip())
    return "\n".join(dict.fromkeys(lines))
