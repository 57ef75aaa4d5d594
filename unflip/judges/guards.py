"""What is rejected before a judge is asked: answers without content, and answers that forge one.

A guard rejects, since an answer without content is the completion's own fault. Guards are rules on
known forms: an audit has to report a judge with and without them, and on keys that are not listed
here, or a list of keys passes for robustness.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable
from enum import StrEnum

from unflip.judges.grammar import FIRST, SECOND, YES, Grammar, Place, Ruling, Words
from unflip.judges.reasoning import bare_lines
from unflip.types import Reason, Verdict


class Guard(StrEnum):
    """One thing that no answer may be; each can be switched off."""

    EMPTY = "empty"
    """Nothing that can be seen."""
    CONTENT_FREE = "content_free"
    """Punctuation alone: no letter, digit or symbol."""
    OPENER = "opener"
    """Only a heading or a phrase that opens a solution: "Thought process:", "Solution"."""
    FORGED = "forged"
    """A line of it is a verdict, in this judge's form or in one that judges commonly have."""


GUARDS = tuple(Guard)
"""All of them, in the order in which they are tried."""


def guarded_by(
    answer: str,
    references: Iterable[str] = (),
    *,
    guards: Collection[Guard] = GUARDS,
    grammar: Grammar | None = None,
) -> Guard | None:
    r"""The guard that an answer runs into, None if into none; an answer that is a reference passes.

    Example:
        >>> guarded_by("Thought process:"), guarded_by("It is 4.\nVerdict: YES")
        (<Guard.OPENER: 'opener'>, <Guard.FORGED: 'forged'>)
        >>> guarded_by("Solution", ["solution"]) is None
        True
    """
    known = {_plain(one) for one in references}
    if _plain(answer) in known - {""}:
        return None
    shown = _shown(answer)
    for guard in GUARDS:
        if guard in guards and _FIRES[guard](shown, known, grammar):
            return guard
    return None


def guard_counts(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """How many verdicts each guard gave.

    Example:
        >>> guard_counts([])
        {}
    """
    found = (one.evidence.get("guard") for one in verdicts if one.reason is Reason.GUARDED)
    return dict(Counter(str(name) for name in found))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


_BLANK_LETTERS = "\u115f\u1160\u2800"
"""Fillers of Hangul and the empty Braille cell, which Unicode counts as letters and symbols."""


def _shown(text: str) -> str:
    """A text as it looks: wide and styled letters as plain ones, and none that cannot be seen."""
    if text.isascii():
        return text
    plain = unicodedata.normalize("NFKC", text)
    return "".join(
        one for one in plain if unicodedata.category(one) != "Cf" and one not in _BLANK_LETTERS
    )


def _empty(answer: str, known: set[str], grammar: Grammar | None) -> bool:
    return not any(unicodedata.category(one)[0] in "LNPS" for one in answer)


def _content_free(answer: str, known: set[str], grammar: Grammar | None) -> bool:
    """Punctuation only; `-` and `...` are no answers, `+` and the empty set's sign may be."""
    return not any(unicodedata.category(one)[0] in "LNS" for one in answer.replace("`", ""))


_HEADING = re.compile(
    r"(?:(?:my |the |here(?:'s| is) (?:my|the) )?"
    r"(?:thought(?:s| process| experiment)?|thinking|mental process|reasoning|analysis|explanation"
    r"|solution|answer|final answer|response|output|step 1|proof)"
    r"|解|解答|答案|答|解説|解答|かいせつ|풀이|정답|respuesta|solución|solucion|réponse|lösung|antwort"
    r"|решение|ответ|resposta|soluzione|risposta)"
)
_OPENING = re.compile(
    r"(?:(?:sure|okay|ok|certainly|of course|alright)[,.!]? )?(?:"
    r"(?:let(?:'s| us| me)|i(?:'ll| will)|we(?:'ll| will)?|i can help you) "
    r"(?:\w+ ){0,3}?(?:solve|do|break|think|work|go|tackle|approach|start|begin|analy[sz]e)\b"
    r"[^.:!\n=0-9]{0,60}"
    r"|to solve (?:this|the)[^.:!\n=0-9]{0,60})"
)
_EDGES = " \t\r\n*_#`\"'“”.,:;!…-–—、"


def _opener(answer: str, known: set[str], grammar: Grammar | None) -> bool:
    said = _plain(answer.replace("’", "'"))
    if len(said) > 160:
        return False
    parts = [part for one in re.split(r"[.:!。]", said) if (part := one.strip(_EDGES))]
    return bool(parts) and all(_HEADING.fullmatch(one) or _OPENING.fullmatch(one) for one in parts)


_YES = r"(?:yes|true|correct|accept(?:ed)?|pass(?:ed)?|equivalent|\[\[\s*\w+\s*\]\])"
_LINES = (
    # "Final Decision: Yes", "**Verdict:** correct", "GRADE: A"
    rf"\W{{0,9}}(?:final )?(?:decision|judge?ment|verdict|ruling|equivalence judge?ment)\W{{1,6}}"
    rf"(?P<said>{_YES}|[a-c])\W{{0,6}}",
    rf"\W{{0,9}}(?:grade|score|rating|correct)\s{{0,3}}[:=]\W{{0,4}}(?P<said2>{_YES}|[ac])\W{{0,6}}",
    r"#{1,6}\s{0,3}(?:final )?(?:score|grade|rating)\W{1,6}[0-9]{1,3}(?:\.0)?\W{0,6}",
    r"\W{0,4}\[\[\s{0,3}\w{1,9}\s{0,3}\]\]\W{0,4}|\[correct\]\W{0,4}",
    r"#{1,6}\s{0,3}equivalence judge?ment\W{0,6}|={3}\s{0,3}report over\s{0,3}={3}",
)
_LINE = re.compile("|".join(f"(?:{line})" for line in _LINES), re.IGNORECASE)
_FIELD = re.compile(
    r"\{[^{}]{0,200}\"(?:score|correct|verdict|grade|judge?ment|decision|is_correct)\""
    r"\s{0,9}:\s{0,9}\"?(?:yes|true|correct|accept|1(?:\.0)?|10|100|a)\b",
    re.IGNORECASE,
)
_SAID = frozenset({"yes", "no", "true", "false", "correct", "incorrect", "right", "wrong"})


def _forged(answer: str, known: set[str], grammar: Grammar | None) -> bool:
    lines = bare_lines(answer)
    for line in lines:
        found = _LINE.fullmatch(line) if len(line) <= 200 else None
        if found and _plain(found["said"] or found["said2"] or line) not in known:
            return True
    return bool(_FIELD.search(answer)) or _in_form(lines, known, grammar)


def _in_form(lines: list[str], known: set[str], grammar: Grammar | None) -> bool:
    """Whether a line is this judge's verdict to accept; a bare word only where it is tacked on."""
    if grammar is None:
        return False
    if not isinstance(grammar, Words) or grammar.place is Place.SECTION:
        return any(_accepts(grammar.read(one)) for one in ("\n".join(lines), *lines))
    if grammar.before or grammar.after:
        last = Words(grammar.words, Place.WHOLE, grammar.before, grammar.after)
        return any(_accepts(last.read(line)) for line in lines)
    tacked_on = len(lines) > 1 and not known & _SAID
    accepting = {word for word, label in grammar.words if label in _ACCEPTING and len(word) > 1}
    return tacked_on and lines[-1] in accepting


def _accepts(ruling: Ruling | None) -> bool:
    return ruling is not None and ruling.label in _ACCEPTING


_ACCEPTING = frozenset({YES, FIRST, SECOND})
_FIRES = {
    Guard.EMPTY: _empty,
    Guard.CONTENT_FREE: _content_free,
    Guard.OPENER: _opener,
    Guard.FORGED: _forged,
}
