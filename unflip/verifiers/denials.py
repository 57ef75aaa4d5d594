"""Whether what stands beside a value denies it, doubts it, or makes another one of it.

`it is not 5`, `5, which is wrong` and `wrong answer: 5` deny; `is it 5?` and `if it is 5` say
nothing; `the square root of 5` is another value. Each pattern looks at a few words around it.
"""

from __future__ import annotations

import re

_DENIED = re.compile(
    r"(?:\b(?:not|cannot|never)|n[’']t|\bnicht|\bpas|\bno (?:es|son)|\bnão é|\bnon è|не|不是"
    r"|ではなく|아니라)[ \t]*+(?:be|equal(?: to)?|simply|just|=)?[ \t]*+\$?"
    r"(?:[A-Za-z]\w{0,3} ?= ?)?$",
    re.IGNORECASE,
)
_CALLED_WRONG = re.compile(
    r"\b(?:wrong|incorrect|false) (?:(?:answer|solution|result|value|choice|option)s?"
    r"(?: is| are| was)?[ \t]*+[:=]?[ \t]*+[$(\"']?)?$",
    re.IGNORECASE,
)
_DENYING = re.compile(
    r"n(?:o|ever|['’]t|icht|ão)|pas|не|不是|ではなく|아니라|wrong|incorrect|false"
)
"""What a denial holds in lower case; to look for this first is many times faster."""
_DENIAL = 40
_REFUTED = re.compile(
    r"[ \t]*+\$?[ \t]*+(?:is|was) (?:not|wrong|incorrect|false)\b"
    r"|[ \t]*+(?:(?:is|was|seems|looks|may be|might be)\b)?"
    r"[\s$.,!*)\]]{0,9}(?:(?:but|wait|hmm+|no|oops|actually|sorry)\b[\s,.!-]{0,5}){0,3}"
    r"(?:that|this|it|which)(?:['’]s| is| was)(?: clearly| obviously| definitely)? "
    r"(?:wrong|incorrect|false|not (?:right|correct)|an? (?:mistake|error))\b",
    re.IGNORECASE,
)


_SUPPOSED = re.compile(
    r"\b(?:if|suppos(?:e|ing)|assume|imagine)\b(?:(?!\bthen\b)[^.!?\n,;:]){0,16}$",
    re.IGNORECASE,
)
_HEDGED = re.compile(
    r"[ \t$*)\]}]{0,4}\?"
    r"|[\s$.,;)]{0,5}(?:alternatively\b|or (?:maybe|perhaps|possibly)\b"
    r"|but (?:it|this) (?:could|might|may)(?: also| well)? be\b)",
    re.IGNORECASE,
)


def denied(text: str, start: int, end: int) -> bool:
    """Whether what stands there is said not to be the answer, just before or right after it.

    Example:
        >>> denied("it is not 5", 10, 11), denied("5 is wrong", 0, 1), denied("it is 5", 6, 7)
        (True, True, False)
    """
    near = max(0, start - _DENIAL)
    if _DENYING.search(text[near:start].lower()) and (
        _DENIED.search(text, near, start) or called_wrong(text, start)
    ):
        return True
    return refuted(text, end) or _hedged(text, end)


def supposed(text: str, start: int) -> bool:
    """Whether what starts there is only supposed.

    Example:
        >>> supposed("if it were 5", 11), supposed("if n is even then it is 5", 24)
        (True, False)
    """
    return _SUPPOSED.search(text, max(0, start - _DENIAL), start) is not None


def _hedged(text: str, end: int) -> bool:
    """Whether what ends there is asked rather than said, or said beside another one."""
    return bool(_HEDGED.match(text, end))


_CHANGED_BEFORE = re.compile(
    r"\b(?:(?:root|square|cube|half|third|quarter|reciprocal|inverse|opposite|multiple|factor|divisor"
    r"|power|logarithm|log|factorial|out|instead)s? of|minus|negative|twice|double|triple|thrice"
    r"|except(?: for)?|other than|(?:any\w*|every\w*|all|nothing) but|besides|apart from"
    r"|(?:more|less|fewer|greater|smaller|larger) than|at least|at most|above|below|between"
    r"|divisible by|never|neither|nor)"
    r"(?: the)?(?: numbers?)?[ \t]*+\$?$",
    re.IGNORECASE,
)
_CHANGED_AFTER = re.compile(
    r"\$?[ \t]*+(?:or (?:more|less|fewer)\b|(?:more|less|fewer|greater|smaller) than\b"
    r"|less \$?[0-9]|squared\b|cubed\b|factorial\b"
    r"|(?:halve|third|quarter|hundred|thousand|million|billion|trillion|dozen)s?\b)",
    re.IGNORECASE,
)


def changed(text: str, start: int, end: int) -> bool:
    """Whether the words beside a value make another one of it, or leave it open.

    Example:
        >>> changed("the square root of 2", 19, 20), changed("it is 2", 6, 7)
        (True, False)
    """
    before = _CHANGED_BEFORE.search(text, max(0, start - _DENIAL), start)
    return before is not None or _CHANGED_AFTER.match(text, end) is not None


def called_wrong(text: str, start: int) -> bool:
    """Whether what starts there is announced as a wrong answer.

    Example:
        >>> called_wrong("wrong answer: 5", 14), called_wrong("That was wrong. Answer: 5", 24)
        (True, False)
    """
    return _CALLED_WRONG.search(text, max(0, start - _DENIAL), start) is not None


def refuted(text: str, end: int) -> bool:
    """Whether what ends there is called wrong right afterwards.

    Example:
        >>> refuted("5, which is wrong", 1), refuted("5, the rest is wrong", 1)
        (True, False)
    """
    return end < len(text) and _REFUTED.match(text, end) is not None
