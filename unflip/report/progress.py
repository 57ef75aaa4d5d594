"""The sections on what labels and steps brought: rates against labels, rates over training."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from unflip.intervals import Interval, Proportion
from unflip.noise.online.trace import Point, Raised, Trace
from unflip.report import curves
from unflip.report.cards import shown
from unflip.report.curves import Line, Mark
from unflip.report.findings import Cost, Findings
from unflip.report.numbers import evenly, percent, unknown
from unflip.report.svg import Scale
from unflip.report.words import FLIPS, alarmed, how_labelled, learned

DRAWN = 240
"""How many steps of a trace are drawn at most; more than these no screen can tell apart."""
METHODS = 4
"""How many methods are drawn: more lines than these nobody can follow."""
_FIELDS = ("recent_fp", "recent_fn", "running_fp", "running_fn")
_NAMES = {"c2": "of late", "c1": "so far"}
_LEADS = {
    "c2": "the line of late is what the verifier does now",
    "c1": "the line so far is the mean since the first step, and its band holds at every step at "
    "once",
}
"""How the lines of a trace are called and read, by colour."""
_STRIP = 70
"""Pixels of the panel of accepts, which is not the matter."""


def labels(findings: Findings) -> str:
    """Where labels went, and what becomes of the rates if some are wrong."""
    told = how_labelled(findings) if findings.spent is not None else ""
    said = "".join(f"<p>{shown(part)}</p>" for part in (told, findings.doubt) if part)
    if not said:
        return ""
    lead = "Labels are made by people, who err too: this is how far that could move the rates."
    return f'<p class="lead">{lead}</p>{said}' if findings.doubt else said


def cost(findings: Findings) -> str:
    """The rates against labels spent, a line for each method."""
    spent = findings.costs
    if not spent:
        return ""
    methods = list(dict.fromkeys(cost.method for cost in spent))[:METHODS]
    ends = min(one.labels for one in spent), max(one.labels for one in spent)
    scale = curves.top_for(rate for one in spent for rate in (one.fp, one.fn))
    drawn = "".join(
        _figure(
            name,
            curves.panel(
                [_bought(spent, method, i, field, ends) for i, method in enumerate(methods)],
                scale,
                curves.labels_axis(*ends),
                title=f"{name} against labels spent",
            ),
        )
        for field, name in FLIPS
    )
    keys = [(curves.key(_colour(i), dots=True), method) for i, method in enumerate(methods)]
    lead = (
        "Each label makes the bands narrower, at first quickly: where a band is narrow enough for "
        "you, more labels buy little."
    )
    return (
        f'<p class="lead">{lead}</p>{_legend(keys)}<div class="panels">{drawn}</div>'
        '<p class="under">Labels spent, on a logarithmic axis; bands are '
        f"{spent[0].fp.level:.0%} intervals.</p>"
    )


def _bought(
    spent: Iterable[Cost], method: str, number: int, field: str, ends: tuple[int, int]
) -> Line:
    own = sorted((one for one in spent if one.method == method), key=lambda one: one.labels)
    return Line(
        name=method,
        kind=_colour(number),
        at=[curves.log_place(one.labels, *ends) for one in own],
        rates=[getattr(one, field) for one in own],
        dots=True,
    )


def _colour(number: int) -> str:
    return f"c{number + 1}"


def trace(findings: Findings) -> str:
    """The rates over training steps, with alarms."""
    if findings.trace is None or not findings.trace.points:
        return ""
    told = findings.trace
    course = _Course.of(told)
    keys = [(curves.key(kind), _NAMES[kind]) for kind in course.kinds]
    keys += [(curves.mark_key(), "alarm")] if course.marks else []
    lead = "; ".join([*(_LEADS[kind] for kind in course.kinds), "an upright mark is an alarm."])
    return (
        f'<p class="lead">{lead[0].upper()}{lead[1:]}</p>{_legend(keys)}'
        f'<div class="course">{"".join(course.panels())}<p class="under">Training step</p></div>'
        f"{_alarms(told)}{_notes(told)}"
    )


@dataclass(frozen=True, slots=True)
class _Course:
    """A trace on the axis of its steps."""

    points: Sequence[Point]
    ends: tuple[float, float]
    marks: Sequence[Mark]

    @classmethod
    def of(cls, told: Trace) -> _Course:
        points = [told.points[i] for i in evenly(len(told.points), DRAWN)]
        ends = points[0].step, points[-1].step
        marks = [
            Mark(curves.place(alarm.step, *ends), alarm.what)
            for alarm in told.alarms
            if alarm.step is not None
        ]
        return cls(points, ends, marks)

    @property
    def kinds(self) -> list[str]:
        """The lines of which anything is known."""
        fields = {"c2": ("recent_fp", "recent_fn"), "c1": ("running_fp", "running_fn")}
        return [kind for kind, names in fields.items() if any(map(self._known, names))]

    def panels(self) -> Iterator[str]:
        """One for each rate that is known at all, and one for accepts; the first names alarms."""
        scale = curves.top_for(rate for name in _FIELDS for rate in self._rates(name))
        words = True
        for field, name in FLIPS:
            if not (self._known(f"recent_{field}") or self._known(f"running_{field}")):
                continue
            lines = [self._line("c1", f"running_{field}"), self._line("c2", f"recent_{field}")]
            yield self._panel(name, lines, scale, axis=False, words=words)
            words = False
        shares = [
            Interval(point=one.accept, low=one.accept, high=one.accept) for one in self.points
        ]
        name = "Accepted share of all answers"
        line = Line(name, "c0", self._at, shares)
        yield self._panel(name, [line], Scale(top=1.0, step=0.5), axis=True, words=words)

    def _panel(
        self, name: str, lines: Sequence[Line], scale: Scale, *, axis: bool, words: bool
    ) -> str:
        drawn = curves.panel(
            lines,
            scale,
            curves.steps_axis(*self.ends) if axis else curves.Axis(),
            title=f"{name} over training steps",
            marks=self.marks,
            words=words,
            height=_STRIP if axis else curves.HEIGHT,
        )
        return _figure(name, drawn)

    def _rates(self, field: str) -> list[Proportion]:
        return [getattr(point, field) for point in self.points]

    def _known(self, field: str) -> bool:
        return not all(map(unknown, self._rates(field)))

    @property
    def _at(self) -> list[float]:
        return [curves.place(point.step, *self.ends) for point in self.points]

    def _line(self, kind: str, field: str) -> Line:
        return Line(_NAMES[kind], kind, self._at, self._rates(field))


def _figure(name: str, drawn: str) -> str:
    return f"<figure><figcaption>{name}</figcaption>{drawn}</figure>"


def _legend(keys: Iterable[tuple[str, str]]) -> str:
    told = "".join(f"<li>{drawn}{shown(name)}</li>" for drawn, name in keys)
    return f'<ul class="legend">{told}</ul>'


def _alarms(told: Trace) -> str:
    if not told.alarms:
        return ""
    rows = "".join(_alarm(alarm) for alarm in told.alarms)
    return (
        f"<table><caption>{learned(told)}</caption><thead><tr>"
        '<th scope="col">Watched</th><th scope="col" class="n">Limit</th>'
        f'<th scope="col">Alarm</th></tr></thead><tbody>{rows}</tbody></table>'
    )


def _alarm(alarm: Raised) -> str:
    limit = percent(alarm.limit) if alarm.limit is not None else "–"
    kind = ' class="flip"' if alarm.step is not None else ""
    return (
        f'<tr><th scope="row">{shown(alarm.what)}</th><td class="n">{limit}</td>'
        f"<td{kind}>{shown(alarmed(alarm))}</td></tr>"
    )


def _notes(told: Trace) -> str:
    if not told.notes:
        return ""
    return f'<ul class="notes">{"".join(f"<li>{shown(note)}</li>" for note in told.notes)}</ul>'
