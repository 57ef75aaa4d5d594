r"""The final answer out of a completion, with the place it stands at and the step that found it.

A policy is a tuple of steps, tried in order; the first step that finds an answer decides, and no
later one is looked at. All steps look only at what is said after the reasoning (`</think>`, the
final channel) and before the end of the turn.

A completion may state several final answers. `extract` returns all that close it: the last one, and
those before it that only a short passage without further reasoning separates from it. An answer
that is followed by more reasoning is work, not a final answer. `settle` says what several mean.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from unflip.errors import UsageError
from unflip.types import Outcome, Reason
from unflip.verifiers import statements
from unflip.verifiers.denials import denied, supposed
from unflip.verifiers.statements import Said


class Step(StrEnum):
    """One way to find a final answer; a policy is a tuple of these."""

    TAG = "tag"
    """What the last `<answer>` holds, or the box in it; the closing tag may be missing."""
    HOPE = "hope"
    """Minerva's form, "The final answer is X. I hope it is correct." (arXiv 2206.14858)."""
    BOXED = "boxed"
    r"""What the last `\boxed` or `\fbox` holds; a closing brace, or both, may be missing."""
    HASHES = "hashes"
    """What follows the last `####`, if it is a number or the last line (GSM8K's form)."""
    PHRASE = "phrase"
    """What follows the last "the answer is", "Answer:", "A:", in ten languages."""
    LAST_LINE = "last_line"
    """The last line or displayed formula, unless it is a sentence."""
    LAST_NUMBER = "last_number"
    """The last number or formula, wherever it stands."""
    WHOLE = "whole"
    """All that is said."""


Policy = tuple[Step, ...]

MARKED: Policy = (Step.TAG, Step.HOPE, Step.BOXED, Step.HASHES, Step.PHRASE)
"""Only what is marked as the answer; text without a marker states none."""
FINAL: Policy = (*MARKED, Step.LAST_LINE, Step.LAST_NUMBER)
"""For mathematics: what is marked as the answer, else the last line, else the last number."""
TEXT: Policy = (Step.TAG, Step.BOXED, Step.HASHES, Step.PHRASE, Step.WHOLE)
"""For short answers in words: what is marked as the answer, else all that is said."""
REFERENCE: Policy = (Step.BOXED, Step.HASHES, Step.WHOLE)
"""For references, which may be worked solutions: the box or the `####` of one, else all of it."""
STRICT_BOXED: Policy = (Step.BOXED,)
STRICT_HASHES: Policy = (Step.HASHES,)
STRICT_TAG: Policy = (Step.TAG,)


class Found(NamedTuple):
    """A final answer, verbatim: `completion[start:end] == text`.

    Attributes:
        text: The answer as it stands, without the marker, outer `$`, bold marks and full stop.
        start: Where it starts in the completion.
        end: Where it ends.
        step: The step of the policy that found it.
    """

    text: str
    start: int
    end: int
    step: Step

    @property
    def evidence(self) -> dict[str, Any]:
        """Step and span, as a verdict records them."""
        return {"step": str(self.step), "span": [self.start, self.end]}


def extract(completion: str, policy: Policy = FINAL) -> tuple[Found, ...]:
    r"""All final answers of a completion; the last one stands last, and none is `()`.

    Raises:
        UsageError: The policy has no step.

    Example:
        >>> extract("so 6 * 7 is \\boxed{42}.")
        (Found(text='42', start=19, end=21, step=<Step.BOXED: 'boxed'>),)
        >>> [found.text for found in extract(r"\boxed{12} or \boxed{15}")]
        ['12', '15']
        >>> [found.text for found in extract(r"\boxed{12}. Wait, I forgot 3. So \boxed{15}")]
        ['15']
    """
    if not policy:
        raise UsageError("a policy needs at least one step, such as extract.FINAL")
    if (bare := _bare(completion, policy)) is not None:
        return bare
    low, high = final_part(completion)
    for step in policy:
        found = []
        closing = _closing(completion, _FINDERS[step](completion, low, high))
        if not closing:
            continue
        last = closing[-1]
        if any(denied(completion, at, last.close) for at in {last.begin, last.start}):
            return ()
        if step is Step.PHRASE and supposed(completion, last.begin):
            return ()
        for said in closing:
            start, end = statements.narrow(completion, said.start, said.end)
            if start < end:
                found.append(Found(completion[start:end], start, end, step))
        if found:
            return tuple(found)
    return ()


_BARE = re.compile(
    r"(?=[-(0-9a-z\\])(?:[-0-9+*/^=,.(){} ]|\\(?:[dt]?frac|sqrt|pi|infty)(?![A-Za-z])"
    r"|(?<![A-Za-z])[a-z](?![A-Za-z]))*+(?<=[0-9a-z)}])"
)
"""A formula by itself: no marker, no word, and nothing to take off at its ends."""


def _bare(completion: str, policy: Policy) -> tuple[Found, ...] | None:
    """What is found in a formula by itself, several times sooner; None if all steps must look."""
    if not _BARE.fullmatch(completion):
        return None
    for step in policy:
        if step is Step.LAST_NUMBER:
            return None
        if step is Step.LAST_LINE or step is Step.WHOLE:
            return (Found(completion, 0, len(completion), step),)
    return ()


def settle(fits: Sequence[bool | None]) -> tuple[Outcome, Reason]:
    """What several final answers mean together; each fits, does not, or could not be told (None).

    Several are accepted only if all fit: an answer stuffed among others earns nothing.

    Example:
        >>> settle([True, True])
        (<Outcome.ACCEPT: 'accept'>, <Reason.MATCH: 'match'>)
        >>> settle([True, False])
        (<Outcome.REJECT: 'reject'>, <Reason.AMBIGUOUS: 'ambiguous'>)
        >>> settle([])
        (<Outcome.REJECT: 'reject'>, <Reason.NO_ANSWER: 'no_answer'>)
        >>> settle([True, None])
        (<Outcome.ABSTAIN: 'abstain'>, <Reason.UNDECIDED: 'undecided'>)
    """
    if not fits:
        return Outcome.REJECT, Reason.NO_ANSWER
    if all(fits):
        return Outcome.ACCEPT, Reason.MATCH
    if False in fits:
        return Outcome.REJECT, Reason.AMBIGUOUS if True in fits else Reason.MISMATCH
    return Outcome.ABSTAIN, Reason.UNDECIDED


def distinct(found: Iterable[Found]) -> tuple[Found, ...]:
    r"""The answers without repetitions of the same text; of each, the last.

    Example:
        >>> [one.start for one in distinct(extract(r"\boxed{7} \boxed{7}"))]
        [17]
    """
    every = tuple(found)
    return every if len(every) < 2 else tuple({one.text: one for one in every}.values())


_OR = re.compile(
    r",?\s*(?:\\(?:text|textrm|mathrm|mbox)\s*\{\s*or\s*\}|\\lor\b|\b(?:or|oder|ou)\b|或者?)\s*"
)


def alternatives(answer: str) -> tuple[str, ...]:
    r"""The parts of an answer that says "this or that"; of any other answer, itself.

    For numbers and formulas; a title such as "To be or not to be" is one answer.

    Example:
        >>> alternatives(r"12 \text{ or } 15"), alternatives("12")
        (('12', '15'), ('12',))
    """
    if "o" not in answer and "或" not in answer:
        return (answer,)
    parts = _OR.split(answer)
    return tuple(parts) if all(part.strip() for part in parts) else (answer,)


def valued(found: Iterable[Found]) -> tuple[Found, ...]:
    """The same answers, each that is prose narrowed to the last number or formula in it.

    Example:
        >>> valued(extract("The answer is that she has 12 apples left."))
        (Found(text='12', start=27, end=29, step=<Step.PHRASE: 'phrase'>),)
    """
    return tuple(value for one in found for value in _values(one))


def _values(one: Found) -> Sequence[Found]:
    if not statements.is_prose(one.text):
        return (one,)
    values: list[Found] = []
    for said in reversed(statements.last_number(one.text, 0, len(one.text))):
        start, end = statements.narrow(one.text, said.start, said.end)
        at = one.start + start
        values.append(Found(one.text[start:end], at, at + end - start, one.step))
    return values or (one,)


_FORMS: Mapping[Step, str] = {
    Step.TAG: "<answer>{}</answer>",
    Step.HOPE: "The final answer is {}. I hope it is correct.",
    Step.HASHES: "#### {}",
    Step.PHRASE: "The answer is {}",
    Step.BOXED: r"\boxed{{{}}}",
}


def state(answer: str, policy: Policy = FINAL) -> str:
    r"""A completion that states an answer as the policy wants it: the inverse of `extract`.

    Of the forms that the policy knows, a box if it can hold the answer, else the first that can;
    the bare answer if none can.

    Example:
        >>> state("4"), state("4", STRICT_HASHES), state("}")
        ('\\boxed{4}', '#### 4', '<answer>}</answer>')
    """
    forms = sorted(policy, key=lambda step: step is not Step.BOXED)
    for step in forms:
        completion = _FORMS.get(step, "{}").format(answer)
        if [found.text for found in extract(completion, policy)] == [answer]:
            return completion
    return answer


_REASONING = (
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("[THINK]", "[/THINK]"),
    ("◁think▷", "◁/think▷"),
)
_CHANNEL = re.compile(r"<\|channel\|>\s{0,9}final[^<]{0,80}<\|message\|>")
_TURN_ENDS = re.compile(
    r"<\|(?:im_end|im_start|endoftext|end_of_text|eot_id|end|return|start)\|>"
    r"|</s>|<end_of_turn>|<｜end▁of▁sentence｜>"
)


def final_part(completion: str) -> tuple[int, int]:
    """Where the final part starts and ends: after the reasoning, within the first turn.

    A completion that opens its reasoning and never closes it has no final part.

    Example:
        >>> text = "<think>2 + 2 = 5?</think>4<|im_end|>"
        >>> text[slice(*final_part(text))]
        '4'
    """
    low, high = _after_reasoning(completion), len(completion)
    if completion.find("<", low) < 0:
        return low, high
    for channel in _CHANNEL.finditer(completion, low):
        low = channel.end()
    for turn in _TURN_ENDS.finditer(completion, low):
        if completion[low : turn.start()].strip():
            return low, turn.start()
        low = turn.end()
    return low, high


def _after_reasoning(completion: str) -> int:
    """Where the reasoning ends: at the start if there is none, at the end if it is open."""
    low = 0
    if "think" not in completion and "THINK" not in completion:
        return low
    for opening, closing in _REASONING:
        closed = completion.rfind(closing)
        if closed >= 0:
            low = max(low, closed + len(closing))
        elif opening in completion:
            return len(completion)
    return low


_NEAR = 160
_MOVES_ON = re.compile(
    r"\b(?:so|thus|then|therefore|hence|now|next|since|because|wait|actually|instead|rather|let"
    r"|correct(?:ion|ed|ing)?|mistake|error|recheck|check|verify|which (?:gives|means)"
    r"|donc|alors|puis|ensuite|entonces|luego|así|también|dann|daher|somit|nun|portanto|então"
    r"|quindi|allora|поэтому|тогда)\b"
    r"|\\(?:implies|therefore|Rightarrow|Longrightarrow)\b|[⇒∴]"
    r"|所以|因此|于是|那么|然后|等等|更正|检查|したがって|よって|따라서|그러므로",
    re.IGNORECASE,
)


def _closing(text: str, backwards: Iterable[Said]) -> list[Said]:
    """The last statement, and those before it that nothing but a short aside separates from it."""
    group: list[Said] = []
    for one in backwards:
        if group:
            begin = group[-1].begin
            if begin - one.close > _NEAR or _MOVES_ON.search(text, one.close, begin):
                break
        group.append(one)
    return group[::-1]


_FINDERS: Mapping[Step, Callable[[str, int, int], Iterable[Said]]] = {
    Step.TAG: statements.tags,
    Step.HOPE: statements.hopes,
    Step.BOXED: statements.boxes,
    Step.HASHES: statements.hashes,
    Step.PHRASE: statements.phrases,
    Step.LAST_LINE: statements.last_line,
    Step.LAST_NUMBER: statements.last_number,
    Step.WHOLE: statements.whole,
}
