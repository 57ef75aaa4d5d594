"""What an audit found: rates of every probe and family, with intervals that say what they are."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from unflip.audit.tried import Example, FamilyFigures, ProbeFigures, Shares
from unflip.errors import DataError, UsageError
from unflip.intervals import Interval, Proportion
from unflip.noise.pairs import Paired

SCHEMA = 2
_SHARES = ("held_out", "published", "near_misses", "plain", "fnr", "equivalents")
_GUARDS = ("raw", "guarded", "stopped", "lost")
_AGAINST = ("accepts_wrong", "rejects_right", "left_open")


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
        rates = {name: getattr(self, name).to_json() for name in _GUARDS}
        return {**rates, "difference": self.difference.to_json()}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        rates = {name: Proportion.from_json(row[name]) for name in _GUARDS}
        return cls(**rates, difference=_pair(row["difference"]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Against:
    """Another verifier on the same attempts: A is the audited one, B the other.

    `accepts_wrong` and `rejects_right` count all attempts, abstains as neither; who abstains more
    looks better in both, so `left_open` stands beside them.
    """

    by: str
    accepts_wrong: Paired
    rejects_right: Paired
    left_open: Paired

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {"by": self.by, **{name: getattr(self, name).to_json() for name in _AGAINST}}

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        return cls(by=row["by"], **{name: _pair(row[name]) for name in _AGAINST})


@dataclass(frozen=True, slots=True)
class Mined:
    """A key that a search found, on items that the search did not see.

    Attributes:
        text: What the completion says.
        start: The sentence that the search began with.
        fpr: Accepts over decided attempts on held-out items, for all mined keys at once.
        searched: Keys of the items that the search has seen: no rate on them is fair.
    """

    text: str
    start: str
    fpr: Proportion
    searched: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """A JSON object."""
        return {
            "text": self.text,
            "start": self.start,
            "fpr": self.fpr.to_json(),
            "searched": list(self.searched),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`."""
        fpr, searched = Proportion.from_json(row["fpr"]), tuple(row["searched"])
        return cls(text=row["text"], start=row["start"], fpr=fpr, searched=searched)


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What an audit found.

    Attributes:
        by: Who was audited.
        backend: `real`, `tiny` or `stub` of a judge, `rule` of anything without a model.
        items: How many questions.
        attempts: How many verdicts, repeats included.
        planned: How many there were to be: more, if the audit was interrupted.
        held_out: False positives over probes that are in no published list: the headline.
            Near misses are apart.
        published: False positives over probes that are not held out: published ones, and yours.
        near_misses: False positives over certified near misses of the reference.
        plain: False positives over plain wrong answers.
        fnr: False negatives over controls that must be accepted.
        equivalents: False negatives over certified rewrites of references.
        open: Abstains over all attempts.
        reasons: How often it abstained for which reason.
        left: One attempt that it left open, for the most frequent reason.
        j: 1 less `plain` less `fnr`: what its verdicts say about honest answers.
        worst_j: The same with the worst probe in place of the plain wrong answers: what they still
            say to a policy that has found it. Its interval knows that it is the worst of many.
        flips: Of attempts decided several times, those accepted and rejected; None if asked once.
        simultaneous: How the intervals of all probes at once are made.
        probes: Every probe, worst first: by the lower end that holds for all at once, so that one
            accept of one attempt is not worse than ninety of a hundred.
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
    planned: int
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
    left: Example | None = None
    about: Mapping[str, str]

    @property
    def complete(self) -> bool:
        """Whether everything was asked that was planned."""
        return self.attempts >= self.planned

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
        """The probe that was certainly accepted most often."""
        decided = [one for one in self.attacks if not math.isnan(one.shares.decided.point)]
        return decided[0] if decided else None

    def to_json(self) -> dict[str, Any]:
        """A JSON object. `finding_about_a_real_judge` is false for tiny models and stubs."""
        return {
            "schema": SCHEMA,
            "by": self.by,
            "backend": self.backend,
            "finding_about_a_real_judge": self.backend == "real",
            "items": self.items,
            "attempts": self.attempts,
            "planned": self.planned,
            **{name: getattr(self, name).to_json() for name in _SHARES},
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
            "left": self.left.to_json() if self.left else None,
            "about": dict(self.about),
        }

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> Self:
        """The inverse of `to_json`.

        Raises:
            UsageError: The row holds no findings of this version.
        """
        if not isinstance(row, Mapping) or row.get("schema") != SCHEMA:
            raise UsageError("this is no audit, or one of another version: audit again")
        try:
            return cls(**_figures(row))
        except (KeyError, ValueError, TypeError, AttributeError) as why:
            raise UsageError(f"this is no audit: {why!r}") from why


def read_findings(path: str | Path) -> Findings:
    """The findings of an audit that was kept, from its `audit.json` or from its folder.

    Raises:
        DataError: There is no such file, or it holds something else.

    Example:
        >>> read_findings("README.md")
        Traceback (most recent call last):
        ...
        unflip.errors.DataError: README.md holds no audit: Expecting value: line 1 column 1 (char 0)
    """
    path = Path(path)
    file = path / "audit.json" if path.is_dir() else path
    try:
        return Findings.from_json(json.loads(file.read_text("utf-8")))
    except (OSError, ValueError, RecursionError, UsageError) as why:
        raise DataError(f"{file} holds no audit: {why}") from why


def _figures(row: Mapping[str, Any]) -> dict[str, Any]:
    as_they_are = ("by", "backend", "items", "attempts", "planned", "reasons", "simultaneous")
    mined = row["mined"]
    return {
        **{name: row[name] for name in (*as_they_are, "about")},
        **{name: Shares.from_json(row[name]) for name in _SHARES},
        **{name: Interval.from_json(row[name]) for name in ("j", "worst_j")},
        "open": Proportion.from_json(row["open"]),
        "flips": Proportion.from_json(row["flips"]) if row["flips"] else None,
        "probes": tuple(map(ProbeFigures.from_json, row["probes"])),
        "families": tuple(map(FamilyFigures.from_json, row["families"])),
        "guards": Guarded.from_json(row["guards"]) if row["guards"] else None,
        "against": Against.from_json(row["against"]) if row["against"] else None,
        "mined": None if mined is None else tuple(map(Mined.from_json, mined)),
        "left": Example.from_json(row["left"]) if row["left"] else None,
    }


def _pair(row: Mapping[str, Any]) -> Paired:
    given = {one.name: row[one.name] for one in fields(Paired)}
    return Paired(**given | {"difference": Interval.from_json(row["difference"])})
