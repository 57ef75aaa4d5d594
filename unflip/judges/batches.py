"""What compositions do with their parts: decide several samples together, take guards off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from unflip.types import Sample, Verdict, Verifier


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
