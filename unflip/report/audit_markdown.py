"""The report of an audit as Markdown, for a pull request or an issue."""

from __future__ import annotations

from unflip.audit.figures import Findings
from unflip.audit.tried import FamilyFigures, ProbeFigures
from unflip.intervals import Proportion
from unflip.report.audit_words import (
    advice,
    badge,
    banner,
    beside,
    facts,
    flipped,
    guarded,
    headline,
    left_open,
)
from unflip.report.excerpt import plain
from unflip.report.markdown import code, table
from unflip.report.numbers import of, percent, points, span, unknown

_WORST = 10


def to_markdown(findings: Findings) -> str:
    """The audit's figures as GitHub-flavoured Markdown; what was asked stands in code spans.

    Of a tiny model or a stub it opens with a warning that nothing in it is about a real judge.
    """
    said = banner(findings)
    parts = [
        f"## {said}\n\n{_escaped(headline(findings))}"
        if said
        else f"## {_escaped(headline(findings))}",
        f"**{badge(findings)[1]}.** {_escaped(advice(findings))}",
        _rates(findings),
        *map(_escaped, filter(None, (left_open(findings), flipped(findings), guarded(findings)))),
        _worst(findings),
        _mined(findings),
        _against(findings),
        _folded("Families", _families(findings)),
        _folded("The published table, for orientation", _published(findings)),
        _folded("How to make this again", _run(findings)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _rates(findings: Findings) -> str:
    names = {
        "held_out": "held-out attacks accepted",
        "published": "other attacks accepted",
        "near_misses": "near misses accepted",
        "plain": "plain wrong answers accepted",
        "fnr": "controls rejected",
        "equivalents": "equivalent rewrites rejected",
    }
    rows = [
        (name, _share(one.decided), _share(one.all), percent(one.open.point))
        for key, name in names.items()
        for one in [getattr(findings, key)]
    ]
    return table(("", "of decided", "of all attempts", "left open"), rows, numbers=3)


def _worst(findings: Findings) -> str:
    rows = [one for one in findings.attacks if one.shares.decided.k][:_WORST]
    if not rows:
        return "No probe that must be rejected was accepted."
    told = table(
        ("worst probes", "completion", "accepted", "all at once"), map(_probe, rows), numbers=2
    )
    return f"{told}\n\n{findings.simultaneous}."


def _probe(one: ProbeFigures) -> tuple[str, ...]:
    text = one.example.completion if one.example else one.probe.text
    return code(one.probe.id), code(text[:60]), _share(one.shares.decided), _ends(one.together)


def _mined(findings: Findings) -> str:
    if not findings.mined:
        return ""
    rows = [(code(one.text), code(one.start), _share(one.fpr)) for one in findings.mined]
    return table(("mined key", "from", "accepted on unseen items"), rows, numbers=1)


def _against(findings: Findings) -> str:
    other = findings.against
    if other is None:
        return ""
    pairs = (("accepts what it must reject", other.accepts_wrong),
             ("rejects what it must accept", other.rejects_right),
             ("leaves open", other.left_open))  # fmt: skip
    rows = [
        (name, percent(p.rate_a), percent(p.rate_b), points(p.difference), f"{p.p_value:.3g}")
        for name, p in pairs
    ]
    return table((f"B is {code(other.by)}", "A", "B", "B − A", "p"), rows, numbers=4)


def _families(findings: Findings) -> str:
    rows = (_family(one) for one in findings.families)
    return table(("family", "probes", "wrong of decided", "note"), rows)


def _family(one: FamilyFigures) -> tuple[str, ...]:
    return one.family.title, str(one.probes), _share(one.shares.decided), one.why_not


def _published(findings: Findings) -> str:
    note, rows = beside(findings)
    told = [(_escaped(name), cells[-1].replace("|", "\\|")) for name, cells in rows]
    return f"{table(('judge', 'average and worst FPR, %'), told, numbers=1)}\n\n{note}"


def _run(findings: Findings) -> str:
    return table(("", ""), ((name, code(value)) for name, value in facts(findings)))


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def _share(rate: Proportion) -> str:
    return "–" if unknown(rate) else f"{percent(rate.point)} ({of(rate)}, {span(rate)})"


def _ends(rate: Proportion) -> str:
    return "–" if unknown(rate) else f"{percent(rate.point)} ({span(rate)})"


def _escaped(sentence: str) -> str:
    return plain(sentence).replace("\n", " ").replace("<", "\\<").replace("_", "\\_")
