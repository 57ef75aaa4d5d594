"""Pictures of numbers: pure functions from figures to inline SVG.

A picture has no view box: widths are percentages and heights pixels, so it fills any column from a
phone to a desk without scaling its text. Colours are classes that the page's style sheet gives
meaning: `agree` a verdict that the label confirms, `flip` one that it contradicts, `open` an
abstain, `bare` a decided row without a label.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape

from unflip.intervals import Interval
from unflip.report.excerpt import plain
from unflip.report.numbers import count, duration


@dataclass(frozen=True, slots=True)
class Scale:
    """An axis of shares from 0 to `top`, with a tick every `step`."""

    top: float
    step: float

    @property
    def ticks(self) -> list[float]:
        """Where the ticks are, both ends included."""
        return [i * self.step for i in range(round(self.top / self.step) + 1)]

    def x(self, share: float) -> str:
        """Where a share stands, as a percentage of the width."""
        return f"{100 * min(1.0, share / self.top):.2f}%"


def _tick(share: float, scale: Scale, kind: str) -> str:
    """Its class; a narrow page leaves the inner ticks out."""
    return kind if share in (0, scale.ticks[-1]) else f"{kind} inner"


def scale_for(highest: float) -> Scale:
    """The axis with at most six round ticks that reaches `highest`, a share in [0, 1].

    Example:
        >>> scale_for(0.31)
        Scale(top=0.4, step=0.1)
    """
    steps = (0.01, 0.02, 0.05, 0.1, 0.2)
    step = next((step for step in steps if 5 * step >= highest), steps[-1])
    return Scale(top=round(max(1, math.ceil(highest / step - 1e-9)) * step, 2), step=step)


def picture(body: str, height: int, *, title: str, told: str = "") -> str:
    """An SVG of full width with a title, and a description in words for those who cannot see it."""
    words = f"<title>{escape(plain(title))}</title>"
    words += f"<desc>{escape(plain(told))}</desc>" if told else ""
    return f'<svg role="img" width="100%" height="{height}">{words}{body}</svg>'


def strip(rate: Interval, scale: Scale, *, title: str, pooled: bool = False) -> str:
    """One row of a forest plot: the interval as a line, its point as a dot, pooled as a diamond.

    A figure of which only bounds are known has no dot; one without data has neither.
    """
    drawn = [line(scale.x(tick), "0", "100%", _tick(tick, scale, "grid")) for tick in scale.ticks]
    pointed = not math.isnan(rate.point)
    if rate.low > 0 or rate.high < 1:
        kind = "whisker" if pointed else "band"
        drawn.append(line(scale.x(rate.low), "50%", "50%", kind, right=scale.x(rate.high)))
    if pointed:
        mark = '<path d="M-8 0 0-8 8 0 0 8z"/>' if pooled else '<circle r="5"/>'
        at = f'x="{scale.x(rate.point)}" y="50%"'
        drawn.append(f'<svg class="dot" overflow="visible" {at}>{mark}</svg>')
    return picture("".join(drawn), 44, title=title)


def axis(scale: Scale) -> str:
    """The ticks of a forest plot in figures; a decoration, since every row gives its numbers."""
    texts = [
        text(f"{100 * tick:g}%", scale.x(tick), 14, "middle", _tick(tick, scale, "tick"))
        for tick in scale.ticks
    ]
    return f'<svg aria-hidden="true" width="100%" height="18">{"".join(texts)}</svg>'


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: how many rows, in which colour, under which name."""

    rows: int
    kind: str
    name: str


def bar(parts: Sequence[Part], whole: int, *, title: str, height: int = 36) -> str:
    """A bar of parts, `whole` rows wide if full; a part names its rows where there is room."""
    drawn, start = [], 0.0
    for part in parts:
        if not part.rows:
            continue
        share = 100 * part.rows / whole
        words = escape(plain(f"{part.name}: {count(part.rows)}"))
        drawn.append(
            f'<rect class="{part.kind}" x="{start:.2f}%" y="0" width="{share:.2f}%"'
            f' height="{height}"><title>{words}</title></rect>'
        )
        drawn.append(_label(part, start + share / 2, share, height))
        start += share
    told = ", ".join(f"{part.name} {count(part.rows)}" for part in parts)
    return picture("".join(drawn), height, title=title, told=told)


_PHONE = 3.2
"""Pixels in one percent of a phone's width."""
_LETTER = 7.6


def _label(part: Part, centre: float, share: float, height: int) -> str:
    """The longest text that fits into the part on a phone, if any."""
    if height < 20:
        return ""
    for words in (f"{part.name} {count(part.rows)}", count(part.rows)):
        if len(words) * _LETTER + 8 <= share * _PHONE:
            return text(words, f"{centre:.2f}%", height // 2 + 5, "middle", f"on-{part.kind}")
    return ""


def histogram(bins: Mapping[int, int], per_decade: int, *, title: str) -> str:
    """Durations on a logarithmic axis; bin i starts at 10^(i/per_decade) seconds."""
    low = math.floor(min(bins) / per_decade)
    high = max(low + 1, math.ceil((max(bins) + 1) / per_decade))
    width = 100 / ((high - low) * per_decade)
    tallest, plot = max(bins.values()), 140
    drawn = [line("0", f"{plot}", f"{plot}", "axis", right="100%")]
    for index, rows in sorted(bins.items()):
        tall = max(1.5, plot * rows / tallest)
        start = _seconds(index, per_decade)
        name = f"{duration(start)} to {duration(_seconds(index + 1, per_decade))}: {count(rows)}"
        drawn.append(
            f'<rect class="time" x="{(index - low * per_decade) * width:.2f}%"'
            f' y="{plot - tall:.1f}" width="{width * 0.94:.2f}%" height="{tall:.1f}">'
            f"<title>{name}</title></rect>"
        )
    for decade in range(low, high + 1):
        x = f"{100 * (decade - low) / (high - low):.2f}%"
        drawn.append(line(x, f"{plot}", f"{plot + 5}", "axis"))
        drawn.append(text(_decade(decade), x, plot + 20, _anchor(decade, low, high)))
    return picture("".join(drawn), plot + 26, title=title)


def _seconds(index: int, per_decade: int) -> float:
    return float(10 ** (index / per_decade))


def _decade(exponent: int) -> str:
    """A power of ten in the unit that keeps it short: 1, 10 or 100 of it where possible."""
    group = min(exponent // 3, 0)
    return f"{10 ** (exponent - 3 * group):,} {('s', 'ms', 'µs', 'ns')[-group]}"


def _anchor(value: float, low: float, high: float) -> str:
    """Text at the ends of an axis stays inside it."""
    if math.isclose(value, low):
        return "start"
    return "end" if math.isclose(value, high) else "middle"


def line(x: str, top: str, bottom: str, kind: str, *, right: str | None = None) -> str:
    """A straight line down from `top`, or to `right`."""
    return f'<line class="{kind}" x1="{x}" x2="{right or x}" y1="{top}" y2="{bottom}"/>'


def text(said: str, x: str, y: int, anchor: str, kind: str = "tick", *, shift: int = 0) -> str:
    """A word or two, escaped; `shift` moves them to the right by pixels."""
    aside = f' dx="{shift}"' if shift else ""
    return (
        f'<text class="{kind}" x="{x}" y="{y}"{aside} text-anchor="{anchor}">'
        f"{escape(plain(said))}</text>"
    )
