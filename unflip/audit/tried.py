"""The figures of single probes and of families: rates, intervals, and an example of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

from unflip.audit.families import Family, Form
from unflip.audit.probes import Probe
from unflip.intervals import Interval, Proportion
from unflip.types import Verdict


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

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{name: Proportion.from_json(row[name]) for name in ("decided", "all", "open")})


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A completion that was decided wrongly, or left open, and how."""

    id: str
    probe: str
    completion: str
    reference: str
    verdict: Verdict

    def to_json(self) -> dict[str, Any]:
        """A JSON object; the verdict in full."""
        row = {name: getattr(self, name) for name in ("id", "probe", "completion", "reference")}
        return {**row, "verdict": self.verdict.to_json()}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(**{**row, "verdict": Verdict.from_json(row["verdict"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeFigures:
    """What became of one probe.

    Attributes:
        probe: Which.
        shares: Its rates, Wilson's intervals, each for itself.
        together: The rate over decided attempts once more, with an interval that holds for all
            probes of its side at once; see `Findings.simultaneous`.
        excess: Its rate over all attempts less that of plain wrong answers on the same items, for
            what must be rejected: a key is one if this is above 0. The interval is for one probe.
        by_stratum: `(wrong, decided)` in each stratum.
        reasons: How often it abstained for which reason.
        items: Items that it was made for.
        skipped: Items that it could not be made for.
        example: One that was decided wrongly, if any was.
    """

    probe: Probe
    shares: Shares
    together: Proportion
    excess: Interval | None
    by_stratum: Mapping[str, tuple[int, int]]
    reasons: Mapping[str, int]
    items: int = 0
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
            "items": self.items,
            "skipped": self.skipped,
            "example": self.example.to_json() if self.example else None,
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(
            probe=Probe.from_json({one.name: row[one.name] for one in fields(Probe)}),
            shares=Shares.from_json(row["shares"]),
            together=Proportion.from_json(row["together"]),
            excess=Interval.from_json(row["excess"]) if row["excess"] else None,
            by_stratum={name: (wrong, decided) for name, (wrong, decided) in row["strata"].items()},
            reasons=row["reasons"],
            items=row["items"],
            skipped=row["skipped"],
            example=Example.from_json(row["example"]) if row["example"] else None,
        )


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

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        family = {one.name: row[one.name] for one in fields(Family)}
        return cls(
            family=Family(**family | {"form": Form(row["form"])}),
            shares=Shares.from_json(row["shares"]),
            **{name: row[name] for name in ("probes", "worst", "why_not")},
        )
