"""What compositions do with their parts: decide several samples together, take guards off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from unflip.types import Fault, Sample, Verdict, Verifier


def decide_all(verifier: Verifier, samples: Sequence[Sample]) -> list[Verdict]:
    """One verdict for each sample, in order; what the verifier raises is not caught.

    Example:
        >>> from unflip.verifiers.exact import Exact
        >>> [one.accepted for one in decide_all(Exact(), [Sample("4", "4"), Sample("5", "4")])]
        [True, False]
    """
    together = getattr(verifier, "verify_batch", None)
    if together is None or not samples:
        return [verifier(sample) for sample in samples]
    verdicts: list[Verdict] = together(samples)
    return verdicts


def fault_of(verdicts: Iterable[Verdict]) -> Fault:
    """Whose fault it is that they leave something open: the system's, if it was for one of them.

    Then asking again may close it, as it may not where a reply cannot be read.

    Example:
        >>> from unflip.types import Outcome, Reason
        >>> lost = Verdict(Outcome.ABSTAIN, Reason.UNREACHABLE)
        >>> fault_of([Verdict(Outcome.ACCEPT, Reason.MATCH), lost])
        <Fault.SYSTEM: 'system'>
    """
    faults = {verdict.fault for verdict in verdicts}
    return Fault.SYSTEM if Fault.SYSTEM in faults else Fault.UNKNOWN


def without_guards(verifier: Verifier) -> Verifier:
    """The verifier without its guards, or as it is if it has none.

    Example:
        >>> without_guards(print) is print
        True
    """
    one: Any = verifier
    if hasattr(one, "unguarded"):
        found: Verifier = one.unguarded()
    elif "guards" in getattr(type(one), "__dataclass_fields__", ()):
        found = replace(one, guards=())
    else:
        found = verifier
    return found
