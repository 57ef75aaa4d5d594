"""Learning curves as one SVG file: means over seeds, with twice their standard error as a band."""

from html import escape

import numpy as np

WIDE, HIGH = 560, 300
LEFT, RIGHT, TOP, BOTTOM = 46, 190, 34, 36
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b6b6b")
"""Okabe and Ito's, which those who see fewer colours can tell apart."""
DASHES = ("", "7 3", "2 3", "9 3 2 3")
GAP = 15
"""Pixels from one label to the next."""


def drawing(title, lines, *, top=1.0):
    """A picture.

    Args:
        title: What is drawn.
        lines: Of each name, its steps and a row of values for each seed.
        top: The highest share on the axis.
    """
    steps = max(max(step_T) for step_T, _ in lines.values())
    body = [_axes(steps, top)]
    ends = {}
    for number, (name, (step_T, value_NT)) in enumerate(lines.items()):
        value_NT = np.asarray(value_NT, dtype=float)
        mean_T, se_T = value_NT.mean(0), value_NT.std(0, ddof=1) / len(value_NT) ** 0.5
        xs = [LEFT + WIDE * step / steps for step in step_T]
        body.append(_band(xs, mean_T - 2 * se_T, mean_T + 2 * se_T, number, top))
        body.append(_line(xs, mean_T, number, top))
        ends[name] = (number, _y(mean_T[-1], top))
    body += _labels(ends)
    words = ", ".join(f"{name} ends at {np.mean([v[-1] for v in v_NT]):.2f}"
                      for name, (_, v_NT) in lines.items())  # fmt: skip
    return _page(title, words, "\n".join(body))


def _page(title, words, body):
    size = f'width="{LEFT + WIDE + RIGHT}" height="{TOP + HIGH + BOTTOM}"'
    box = f"0 0 {LEFT + WIDE + RIGHT} {TOP + HIGH + BOTTOM}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" {size} viewBox="{box}" '
        'font-family="system-ui, sans-serif" font-size="12">\n'
        f"<title>{escape(title)}</title><desc>{escape(words)}</desc>\n"
        f'<rect width="100%" height="100%" fill="#fff"/>\n'
        f'<text x="{LEFT}" y="20" font-size="14" font-weight="600">{escape(title)}</text>\n'
        f"{body}\n</svg>\n"
    )


def _axes(steps, top):
    drawn = []
    for tick in np.linspace(0, top, 6):
        y = _y(tick, top)
        drawn.append(f'<path d="M{LEFT} {y:.1f}h{WIDE}" stroke="#ddd"/>')
        drawn.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{tick:.0%}</text>')
    for tick in np.linspace(0, steps, 5):
        x = LEFT + WIDE * tick / steps
        drawn.append(
            f'<text x="{x:.0f}" y="{TOP + HIGH + 18}" text-anchor="middle">{tick:g}</text>'
        )
    drawn.append(
        f'<text x="{LEFT + WIDE / 2:.0f}" y="{TOP + HIGH + 33}" text-anchor="middle">steps</text>'
    )
    return "\n".join(drawn)


def _y(value, top):
    return TOP + HIGH * (1 - min(max(value, 0), top) / top)


def _band(xs, low_T, high_T, number, top):
    there = [f"{x:.1f} {_y(v, top):.1f}" for x, v in zip(xs, high_T, strict=True)]
    back = [f"{x:.1f} {_y(v, top):.1f}" for x, v in zip(xs, low_T, strict=True)][::-1]
    return f'<path d="M{"L".join(there + back)}Z" fill="{_colour(number)}" opacity=".13"/>'


def _line(xs, mean_T, number, top):
    spots = "L".join(f"{x:.1f} {_y(v, top):.1f}" for x, v in zip(xs, mean_T, strict=True))
    dash = DASHES[number % len(DASHES)]
    return (
        f'<path d="M{spots}" fill="none" stroke="{_colour(number)}" stroke-width="2" '
        f'stroke-dasharray="{dash}"/>'
    )


def _labels(ends):
    """Names at the ends of their lines, as far apart as they can be read."""
    order = sorted(ends.items(), key=lambda item: item[1][1])
    ys = [y for _, (_, y) in order]
    for i in range(1, len(ys)):
        ys[i] = max(ys[i], ys[i - 1] + GAP)
    over = max(0.0, ys[-1] - (TOP + HIGH))
    for i in range(len(ys) - 1, -1, -1):
        ys[i] = min(ys[i], TOP + HIGH - GAP * (len(ys) - 1 - i)) if over else ys[i]
    for (name, (number, end)), y in zip(order, ys, strict=True):
        x, colour = LEFT + WIDE, _colour(number)
        yield (
            f'<path d="M{x + 2} {end:.1f}L{x + 12} {y:.1f}" stroke="{colour}" fill="none"/>'
            f'<text x="{x + 16}" y="{y + 4:.1f}" fill="{colour}">{escape(name)}</text>'
        )


def _colour(number):
    return COLOURS[number % len(COLOURS)]
