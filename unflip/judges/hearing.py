"""What a judge hears: the part of an answer that may hold a verdict, or the reason to abstain."""

from __future__ import annotations

from typing import Any

from unflip.judges.asking import Answer, Finish, Said, Unanswered
from unflip.judges.policy import CUT, SILENT
from unflip.judges.reasoning import conclusion, opens
from unflip.types import Reason

_TAIL = 400


class Failed(Exception):
    """A reason to abstain, on its way to the verdict."""

    def __init__(self, reason: Reason, **evidence: Any) -> None:
        super().__init__(reason)
        self.reason = reason
        self.evidence = evidence


def first(answer: Answer) -> Said:
    """The one sample of an answer, cut off or not.

    Raises:
        Failed: There is no answer, not one sample, or it was refused.

    Example:
        >>> from unflip.judges.asking import Reply
        >>> first(Reply((Said("YES"),))).text
        'YES'
    """
    if isinstance(answer, Unanswered):
        raise silent(answer)
    if len(answer.said) != 1:
        raise Failed(Reason.UNREADABLE_REPLY, detail=f"{len(answer.said)} replies instead of 1")
    said = answer.said[0]
    if said.finish in (Finish.REFUSED, Finish.OTHER):
        raise Failed(CUT[said.finish], reply=tail(said.text))
    return said


def concluded(said: Said) -> str:
    """What a sample says after its reasoning.

    Raises:
        Failed: It did not end by itself, or nobody can tell where its reasoning ends.

    Example:
        >>> concluded(Said("<think>hm</think>NO"))
        'NO'
    """
    if said.finish is not Finish.STOP:
        raise Failed(CUT[said.finish], reply=tail(said.text))
    return unquoted(said)


def unquoted(said: Said) -> str:
    """What a sample says after its reasoning, ended or cut off.

    Raises:
        Failed: Nobody can tell where its reasoning ends.

    Example:
        >>> unquoted(Said("<think>hm</think>N", Finish.LENGTH))
        'N'
    """
    found = conclusion(said.text)
    # Where reasoning is reported apart, what seems to end it in the text is a quote.
    if found is None or (said.reasoning and found[1] and not opens(said.text)):
        raise Failed(Reason.UNREADABLE_REPLY, reply=tail(said.text))
    return found[0]


def silent(answer: Unanswered) -> Failed:
    """Why there is no answer, as a reason to abstain.

    Example:
        >>> from unflip.judges.asking import Silence
        >>> silent(Unanswered(Silence.TIMEOUT)).reason.value
        'timeout'
    """
    return Failed(SILENT[answer.why], silence=str(answer.why), detail=answer.detail)


def tail(text: str) -> str:
    """The end of a reply, as much as a verdict keeps as evidence.

    Example:
        >>> tail("YES")
        'YES'
    """
    return text if len(text) <= _TAIL else f"...{text[-_TAIL:]}"
