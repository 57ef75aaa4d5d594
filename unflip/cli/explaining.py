"""One verdict, in lines for people: what was found, how both sides were read, what decided."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unflip.types import Sample, Verdict

_TOLD = ("forms", "by", "note", "span", "step")
_LONGEST = 200


def explained(sample: Sample, verdict: Verdict) -> Iterator[str]:
    r"""How a verdict came about, line by line.

    Example:
        >>> from unflip.plugins import load
        >>> from unflip.types import Sample
        >>> sample = Sample("it is 0.50", "1/2")
        >>> print(*explained(sample, load("numeric")(sample)), sep="\n")
        accept: match
          answer     it is 0.50, read as 0.50
          reference  1/2, read as 1/2
          decided by numeric, a rule
    """
    evidence = verdict.evidence
    yield f"{verdict.outcome}: {verdict.reason}"
    ours, theirs = evidence.get("forms") or (None, None)
    yield f"  answer     {_side(verdict.answer, ours)}"
    yield f"  reference  {_side(sample.reference, theirs)}"
    yield f"  decided by {_decided(verdict, evidence)}"
    for name in sorted(set(evidence) - set(_TOLD)):
        yield f"  {name:<10} {_short(evidence[name])}"


def _side(said: Any, form: Any) -> str:
    if said is None:
        return "none"
    return _short(said) + (f", read as {_short(form)}" if form is not None else "")


def _decided(verdict: Verdict, evidence: Mapping[str, Any]) -> str:
    name = verdict.by.partition("@")[0]
    step = ", ".join(str(evidence[key]) for key in ("by", "note") if evidence.get(key))
    return f"{name}{f' ({step})' if step else ''}, a {verdict.trust}"


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 3]}..."
