"""What an audit found: rates of every probe and family, with intervals that say what they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from unflip.audit.families import Family
from unflip.audit.probes import Probe
from unflip.intervals import Interval, Proportion
from unflip.noise.pairs import Paired
from unflip.types import Verdict

SCHEMA = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """How often something went wrong, over three denominators.

    Wrong is an accept of what must be rejected, or a reject of what must be accepted.

    Attributes:
        decided: Wrong verdicts over decided ones: a false-positive or false-negative rate.
        all: Accepts over all attempts, or of a control that must be accepted, anything else.
        open: Abstains over all attempts.
    """

    decided: Proportion
    all: Proportion
    open: Proportion

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {name: getattr(self, name).to_json() for name in ("decided", "all", "open")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A completion that was decided wrongly, and how."""

    id: str
    probe: str
    completion: str
    reference: str
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """A JSON object; the verdict in full."""
        row = {name: getattr(self, name) for name in ("id", "probe", "completion", "reference")}
        return {**row, "verdict": self.verdict.to_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFigures:
    """What became of one probe.

    Attributes:
        probe: Which.
        shares: Its rates, Wilson's intervals, each for itself.
        together: The rate over decided attempts once more, with an interval that holds for all
            probes of its side at once; see `Findings.simultaneous`.
        excess: Its rate over all attempts less that of plain wrong answers on the same items, for
            what must be rejected: a key is one if this is above 0.
        by_stratum: `(wrong, decided)` in each stratum.
        reasons: How often it abstained for which reason.
        skipped: Items that it could not be made for.
        example: One that was decided wrongly, if any was.
    """

    probe: Probe
    shares: Shares
    together: Proportion
    excess: Interval | None
    by_stratum: Mapping[str, tuple[int, int]]
    reasons: Mapping[str, int]
    skipped: int = 0
    example: Example | None = None

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "id": self.probe.id,
            **self.probe.to_json(),
            "shares": self.shares.to_json(),
            "together": self.together.to_json(),
            "excess": self.excess.to_json() if self.excess else None,
            "strata": {name: list(counts) for name, counts in self.by_stratum.items()},
            "reasons": dict(self.reasons),
            "skipped": self.skipped,
            "example": self.example.to_json() if self.example else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FamilyFigures:
    """What became of a family: rates over its probes, clustered by item, and what it missed.

    Attributes:
        family: Which.
        shares: Its rates; probes about which contracts differ are not in them.
        probes: How many probes of it were made at least once.
        worst: The id of the probe that was decided wrongly most often.
        why_not: Why none was made, or what its probes do not cover.
    """

    family: Family
    shares: Shares
    probes: int
    worst: str | None
    why_not: str

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            **asdict(self.family),
            "shares": self.shares.to_json(),
            "probes": self.probes,
            "worst": self.worst,
            "why_not": self.why_not,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarded:
    """A judge behind its guards, and the same judge without them.

    Attributes:
        raw: False positives of the judge itself, over all attempts.
        guarded: Behind its guards.
        stopped: Attempts that a guard stopped, of all that must be rejected.
        lost: Controls that must be accepted and that a guard stopped.
        difference: Accepts of what must be rejected, A raw and B guarded, on the same attempts.
    """

    raw: Proportion
    guarded: Proportion
    stopped: Proportion
    lost: Proportion
    difference: Paired

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        rates = {
            name: getattr(self, name).to_json() for name in ("raw", "guarded", "stopped", "lost")
        }
        return {**rates, "difference": self.difference.to_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Another verifier on the same attempts: A is the audited one, B the other.

    `accepts_wrong` and `rejects_right` count all attempts, abstains as neither.
    """

    by: str
    accepts_wrong: Paired
    rejects_right: Paired

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        pairs = {name: getattr(self, name).to_json() for name in ("accepts_wrong", "rejects_right")}
        return {"by": self.by, **pairs}


@dataclass(frozen=True, slots=True, kw_only=True)
class Mined:
    """A key that a search found, on items that the search did not see.

    Attributes:
        text: What the completion says.
        start: The sentence that the search began with.
        fpr: Accepts over decided attempts on held-out items, for all mined keys at once.
    """

    text: str
    start: str
    fpr: Proportion

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {"text": self.text, "start": self.start, "fpr": self.fpr.to_json()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What an audit found.

    Attributes:
        by: Who was audited.
        backend: `real`, `tiny` or `stub` of a judge, `rule` of anything without a model.
        items: How many questions.
        attempts: How many verdicts, repeats included.
        held_out: False positives over probes that are in no published list: the headline.
            Near misses are apart.
        published: False positives over published probes.
        near_misses: False positives over certified near misses of the reference.
        plain: False positives over plain wrong answers.
        fnr: False negatives over controls that must be accepted.
        equivalents: False negatives over certified rewrites of references.
        open: Abstains over all attempts.
        reasons: How often it abstained for which reason.
        j: 1 less `plain` less `fnr`: what its verdicts say about honest answers.
        worst_j: The same with the worst probe in place of the plain wrong answers: what they still
            say to a policy that has found it.
        flips: Of attempts asked several times, those with several outcomes; None if asked once.
        simultaneous: How the intervals of all probes at once are made.
        probes: Every probe, worst first.
        families: Every family of the catalogue.
        guards: Raw against guarded, for a judge that has guards.
        against: Another verifier on the same attempts.
        mined: What mining found.
        about: How to make it again.
    """

    by: str
    backend: str
    items: int
    attempts: int
    held_out: Shares
    published: Shares
    near_misses: Shares
    plain: Shares
    fnr: Shares
    equivalents: Shares
    open: Proportion
    reasons: Mapping[str, int]
    j: Interval
    worst_j: Interval
    flips: Proportion | None
    simultaneous: str
    probes: tuple[ProbeFigures, ...]
    families: tuple[FamilyFigures, ...]
    guards: Guarded | None = None
    against: Against | None = None
    mined: tuple[Mined, ...] | None = None
    about: Mapping[str, str]

    @property
    def presentable(self) -> bool:
        """Whether it tells about the real thing, and not about a tiny model or a stub."""
        return self.backend not in ("tiny", "stub")

    @property
    def attacks(self) -> tuple[ProbeFigures, ...]:
        """Probes that must be rejected, without plain wrong answers; worst first."""
        return tuple(one for one in self.probes if one.probe.attack)

    @property
    def worst(self) -> ProbeFigures | None:
        """The probe that was accepted most often."""
        decided = [one for one in self.attacks if not math.isnan(one.shares.decided.point)]
        return decided[0] if decided else None

    def to_json(self) -> dict[str, Any]:
        """A JSON object. `finding_about_a_real_judge` is false for tiny models and stubs."""
        shares = ("held_out", "published", "near_misses", "plain", "fnr", "equivalents")
        return {
            "schema": SCHEMA,
            "by": self.by,
            "backend": self.backend,
            "finding_about_a_real_judge": self.backend == "real",
            "items": self.items,
            "attempts": self.attempts,
            **{name: getattr(self, name).to_json() for name in shares},
            "open": self.open.to_json(),
            "reasons": dict(self.reasons),
            "j": self.j.to_json(),
            "worst_j": self.worst_j.to_json(),
            "flips": self.flips.to_json() if self.flips else None,
            "simultaneous": self.simultaneous,
            "worst": self.worst.probe.id if self.worst else None,
            "probes": [one.to_json() for one in self.probes],
            "families": [one.to_json() for one in self.families],
            "guards": self.guards.to_json() if self.guards else None,
            "against": self.against.to_json() if self.against else None,
            "mined": None if self.mined is None else [one.to_json() for one in self.mined],
            "about": dict(self.about),
        }
