"""The sentences of a report: what the figures mean, and what to do next."""

from __future__ import annotations

import math
from collections.abc import Mapping

from unflip.intervals import Proportion
from unflip.noise.online.trace import Raised, Trace
from unflip.rates import NoiseRates, Status
from unflip.report.budget import More, more_labels, wider
from unflip.report.excerpt import plain
from unflip.report.findings import Findings, Spending, Truth
from unflip.report.numbers import count, counted, of, percent, signed, span, unknown
from unflip.types import Outcome, Reason

OUTCOMES: Mapping[Outcome, str] = {
    Outcome.ACCEPT: "accepted",
    Outcome.REJECT: "rejected",
    Outcome.ABSTAIN: "abstained",
}
STATUS: Mapping[Status, str] = {
    Status.OK: "clear signal",
    Status.IMPRECISE: "too few labels",
    Status.UNINFORMATIVE: "no usable signal",
    Status.ANTI: "prefers wrong answers",
}
REASONS: Mapping[Reason, str] = {
    Reason.MATCH: "it took the answer to equal the reference",
    Reason.REWARDED: "the reward function paid enough, or a record says so",
    Reason.MISMATCH: "it took the answer for a different one",
    Reason.NO_ANSWER: "the completion states no final answer",
    Reason.AMBIGUOUS: "the completion states several different final answers",
    Reason.MALFORMED: "an answer was found, and it cannot be read",
    Reason.OVER_LIMIT: "the completion exceeded a limit of size, depth or budget",
    Reason.UNREWARDED: "the reward function paid too little, or a record says so",
    Reason.GUARDED: "the completion has no content, or forges a verdict",
    Reason.NO_REFERENCE: "the row has nothing to compare with",
    Reason.UNREADABLE_REFERENCE: "the reference cannot be read",
    Reason.UNDECIDED: "both sides were read, and the method could not tell",
    Reason.DECLINED: "the reward function returned nothing, or none is recorded",
    Reason.UNREACHABLE: "the judge could not be asked",
    Reason.REFUSED: "the judge would not answer",
    Reason.TRUNCATED: "the judge's reply was cut off before its verdict",
    Reason.UNREADABLE_REPLY: "the judge's reply holds no verdict in the wanted form",
    Reason.TIMEOUT: "the deadline passed on this machine",
    Reason.CRASH: "a worker process died",
    Reason.ERROR: "the verifier raised an error",
}
RATES: tuple[tuple[str, str, str], ...] = (
    ("fp", "False positives", "of the wrong answers it decided on, how many it accepted"),
    ("fn", "False negatives", "of the correct answers it decided on, how many it rejected"),
    ("fp_all", "False positives, all rows", "the same when an abstain counts as not accepted"),
    ("fn_all", "False negatives, all rows", "the same when an abstain counts as not accepted"),
    ("abstain_wrong", "Abstains on wrong answers", "of the wrong answers, how many it left open"),
    (
        "abstain_correct",
        "Abstains on correct answers",
        "of the correct answers, how many it left open",
    ),
    ("abstain", "Abstains", "of all rows, labelled or not, how many it left open"),
    ("accept", "Accepts", "of all rows, labelled or not, how many it accepted"),
    (
        "ppv",
        "Correct among accepted",
        "how far an accept can be trusted (PPV); it moves with how good the policy is",
    ),
    (
        "false_omission",
        "Correct among rejected",
        "what rejects throw away (false omissions); it moves with how good the policy is",
    ),
)
"""Field of `NoiseRates`, name, and one-line explanation."""
METHODS: Mapping[str, str] = {
    "gold": "counted on the rows that have a label",
    "begg-greenes": "estimated from labels on some rows of either verdict",
    "ppi++": "estimated from labels, narrowed by a judge's opinions",
    "rogan-gladen on rejects": "a judge's votes on rejected rows, less its errors",
    "decayed sums": "estimated from the last steps of training",
}
"""How rates were estimated, in words, by the method's name."""
FLIPS: tuple[tuple[str, str], ...] = (
    ("fp", "Wrong answers accepted (rho0)"),
    ("fn", "Correct answers rejected (rho1)"),
)
"""The two rates by field and name."""
STRATA = 40
"""How many strata a report shows: those with the most labelled rows."""
_NAME = 80
_SHARED = 1.05
"""From which design effect on it is told that rows share prompts."""
_FIRST = 50
"""How many labels a verdict without any gets first."""
_DIRECTION = "Until then, read the rates as a direction, not as a figure."
SIGNAL = "1 − false positives − false negatives: 1 is a perfect verifier, 0 a coin"


def explained(rates: NoiseRates) -> list[tuple[str, Proportion, str]]:
    """Every rate with its name and one line on what it means and what its rows are worth."""
    told = []
    for field, name, why in RATES:
        rate: Proportion = getattr(rates, field)
        worth = _worth(rates, rate)
        told.append((name, rate, f"{why}; {worth}" if worth else why))
    return told


def _worth(rates: NoiseRates, rate: Proportion) -> str:
    """What the rows of a rate are worth, if that is not their number."""
    worth = count(round(rate.n_eff))
    if rate.n and not counted(rate):
        truth = {id(rates.fp): Truth.WRONG, id(rates.fn): Truth.CORRECT}.get(id(rate))
        if truth is None or math.isnan(rate.point):
            return ""
        return f"as sure as {worth} labelled {truth} answers would make it"
    if rate.design_effect < _SHARED:
        return ""
    if rates.method == "gold":
        return f"as rows share prompts, worth {worth}"
    return f"worth {worth} independent ones"


def name_of(rates: NoiseRates) -> str:
    """The verifier's name without version and hash.

    Example:
        >>> from types import SimpleNamespace
        >>> name_of(SimpleNamespace(by="math@1+5f2c9a"))
        'math'
    """
    return plain(rates.by.split("@")[0])[:_NAME] or "This verifier"


def headline(findings: Findings) -> str:
    """What the verifier does to wrong and to correct answers, in one or two sentences."""
    if not findings.rows:
        return "This run has no rows, so nothing is known yet."
    rates = findings.rates
    subject = f"{name_of(rates)} "
    flips = f"{_flips(rates.fp, 'accepts', Truth.WRONG)} and "
    flips += f"{_flips(rates.fn, 'rejects', Truth.CORRECT)}."
    open_rows = findings.count(Outcome.ABSTAIN)
    if not open_rows:
        return subject + flips
    left = f"{count(open_rows)} of {count(findings.rows)} rows"
    return f"{subject}{flips} It left {left} open ({percent(open_rows / findings.rows)})."


def _flips(rate: Proportion, verb: str, truth: Truth) -> str:
    if math.isnan(rate.point):
        share = "an unknown share" if unknown(rate) else span(rate)
        return f"{verb} {share} of {truth} answers"
    if not rate.n:
        return f"{verb} {percent(rate.point)} of {truth} answers"
    if counted(rate) and rate.k == round(rate.k):
        told = f"{of(rate)} {truth} answers"
        return f"{verb} {told} ({percent(rate.point)}, likely {span(rate)})"
    return f"{verb} about {percent(rate.point)} of {truth} answers (likely {span(rate)})"


def in_short(rates: NoiseRates, *, beside: NoiseRates | None = None) -> list[str]:
    """Both rates, a line each; with those of all labels, if there are any to compare with.

    Example:
        >>> from unflip.noise.gold import rates_from_arrays
        >>> rates = rates_from_arrays([1] * 90 + [0] * 110, [1] * 100 + [0] * 100)
        >>> for line in in_short(rates):
        ...     print(line)
        accepts wrong answers (rho0): 0.0% (0.0–3.7%)
        rejects correct answers (rho1): 10.0% (5.5–17.4%)
    """
    lines = []
    flips = {"fp": "accepts wrong answers (rho0)", "fn": "rejects correct answers (rho1)"}
    for field, what in flips.items():
        rate: Proportion = getattr(rates, field)
        share = "" if math.isnan(rate.point) else f"{percent(rate.point)} "
        line = f"{what}: {share}({span(rate)})"
        if beside is not None:
            line += f"; from all labels {percent(getattr(beside, field).point)}"
        lines.append(line)
    return lines


def _labels(findings: Findings, outcome: Outcome) -> int:
    return findings.count(outcome) - findings.count(outcome, Truth.UNLABELLED)


def how(findings: Findings) -> list[str]:
    """How the rates came about, a line each: method, labels, and what has to hold."""
    method = findings.rates.method
    phrase = METHODS.get(method)
    lines = [f"Method: {phrase} ({method})" if phrase else f"Method: {plain(method)}"]
    lines.append(how_labelled(findings))
    return lines + [f"Assumed: {plain(line)}" for line in findings.rates.assumptions]


def how_labelled(findings: Findings) -> str:
    """How many labels there are, and on which rows."""
    return f"Labels: {_where(findings)}"


def _where(findings: Findings) -> str:
    spent = findings.spent
    if spent is None:
        accepted, rejected, left = (_labels(findings, outcome) for outcome in Outcome)
        told = _split(accepted + rejected + left, accepted, rejected)
        return f"{told}, {count(left)} on rows left open" if left else told
    told = _split(spent.labels, spent.accepted, spent.rejected, budget=spent.budget)
    told += f"; {count(spent.skipped)} could not be told" if spent.skipped else ""
    return told + (f"; {_waiting(spent)}" if spent.waiting else "")


def _split(labels: int, accepted: int, rejected: int, *, budget: int | None = None) -> str:
    asked = "" if budget is None else f" of {count(budget)} asked for"
    return (
        f"{count(labels)}{asked}, {count(accepted)} on accepted rows and {count(rejected)} on "
        "rejected ones"
    )


def learned(trace: Trace) -> str:
    """Where the limits of alarms come from."""
    if not trace.reference:
        return "All limits were given."
    steps = f"the first {count(trace.reference)} steps"
    return f"Limits that were not given were learned from {steps}: if those were bad, so are they."


def alarmed(alarm: Raised) -> str:
    """What came of an alarm.

    Example:
        >>> alarmed(Raised(what="short completions", limit=0.1, step=62))
        'went off at step 62'
    """
    if alarm.why:
        return f"not watched: {alarm.why}"
    return "silent" if alarm.step is None else f"went off at step {alarm.step:,.10g}"


def advice(findings: Findings) -> str:
    """What to do next, in two or three sentences."""
    rates, spent = findings.rates, findings.spent
    if not findings.rows:
        return "Check the path of the data set, and what was filtered out of it."
    if spent is not None and spent.waiting and not _damning(rates):
        them = "it" if spent.waiting == 1 else "them"
        told = f"{_waiting(spent)}: label {them} (unflip label), and run this again."
        return told if rates.status is Status.OK else f"{told} {_DIRECTION}"
    if not findings.count(truth=Truth.CORRECT) and not findings.count(truth=Truth.WRONG):
        return (
            "No row carries a label, so nothing is known about flips. Say for some rows whether "
            'the answer is correct (column "correct"), and run again.'
        )
    match rates.status:
        case Status.OK:
            return f"{_larger_flip(rates)} Measure again when the policy or the data change."
        case Status.IMPRECISE:
            widest = _widest(rates) if spent is None else _missing(findings, spent)
            return f"{widest} {_DIRECTION}"
        case Status.UNINFORMATIVE:
            return (
                f"An accepted answer is hardly likelier to be correct than a rejected one "
                f"({_signal(rates)}). Do not train on these verdicts; look at the flipped rows to "
                f"see whether the verifier looks at the right column and finds the answer at all."
            )
        case Status.ANTI:
            return (
                f"Wrong answers are accepted more often than correct ones ({_signal(rates)}). "
                f"First check that labels are not inverted and that completion and reference are "
                f"not swapped; if both are right, do not train on these verdicts."
            )


def _damning(rates: NoiseRates) -> bool:
    return rates.status in (Status.UNINFORMATIVE, Status.ANTI)


def _waiting(spent: Spending) -> str:
    return (
        f"{count(spent.waiting)} {'row waits' if spent.waiting == 1 else 'rows wait'} for a label"
    )


def _missing(findings: Findings, spent: Spending) -> str:
    """Which rows to label after a few-label estimate that says too little."""
    rates = findings.rates
    for labels, outcome in ((spent.accepted, Outcome.ACCEPT), (spent.rejected, Outcome.REJECT)):
        if not labels and findings.count(outcome) and math.isnan(wider(rates).point):
            few = min(_FIRST, findings.count(outcome))
            return (
                f"No {OUTCOMES[outcome]} row carries a label, so the rates are only known to lie "
                f"between bounds. Label about {few} {OUTCOMES[outcome]} rows, drawn at random."
            )
    rate = wider(rates)
    what = "wrong answers that it accepted" if rate is rates.fp else "correct answers it rejected"
    told = f"The share of {what} is only known to lie in {span(rate)}."
    more = more_labels(rates, spent)
    if more is None:
        return f"{told} Label more rows of either verdict."
    return f"{told} {_bought(more)} would bring that to about a tenth to either side."


def _bought(more: More) -> str:
    wanted = [
        f"{count(labels)} more {verdict}"
        for labels, verdict in ((more.accepted, "accepted"), (more.rejected, "rejected"))
        if labels
    ]
    return f"Labels on about {' and '.join(wanted)} rows"


def _larger_flip(rates: NoiseRates) -> str:
    if rates.fp.point == rates.fn.point == 0:
        return "No flip was seen; the ends of the intervals say how many there may still be."
    (fp_low, fp_high), (fn_low, fn_high) = _bounds(rates.fp), _bounds(rates.fn)
    if fn_low < fp_high and fp_low <= fn_high:
        return "Which flip is the more frequent one is not known: look at the flipped rows."
    if fn_low >= fp_high:
        return (
            "It flips correct answers more often than wrong ones: a policy is punished for being "
            "right in another notation. Look at those, and mend the verifier or the references."
        )
    return (
        "It flips wrong answers more often than correct ones: a policy can learn to produce those "
        "that it accepts. Look at those rows, and close the hole before training."
    )


def _bounds(rate: Proportion) -> tuple[float, float]:
    """Where the rate's point is, as far as that is known."""
    return (rate.low, rate.high) if math.isnan(rate.point) else (rate.point, rate.point)


def _widest(rates: NoiseRates) -> str:
    rate, truth, verb = max(
        (rates.fp, Truth.WRONG, "accepted"),
        (rates.fn, Truth.CORRECT, "rejected"),
        key=lambda told: told[0].width,
    )
    if not rate.n:
        return (
            f"It decided no {truth} answer with a label, so how many of those it {verb} is "
            f"unknown. Label some {truth} answers."
        )
    shared = rate.design_effect >= _SHARED
    worth = f", worth {count(round(rate.n_eff))} since rows share prompts" if shared else ""
    where = f"{truth} answers, to other prompts" if shared else f"{truth} answers"
    return (
        f"The share of {truth} answers that it {verb} is only known to lie in {span(rate)}, from "
        f"{count(rate.n)} labelled ones that it decided{worth}. Label more {where}."
    )


def _signal(rates: NoiseRates) -> str:
    j = rates.informativeness
    return f"J = {signed(j.point)}, likely {signed(j.low)} to {signed(j.high)}"


def shown_strata(rates: NoiseRates) -> dict[str, NoiseRates]:
    """The strata with the most labelled rows, in the order of the table."""
    if len(rates.strata) <= STRATA:
        return dict(rates.strata)
    sizes = {name: rate.fp.n + rate.fn.n for name, rate in rates.strata.items()}
    kept = set(sorted(sizes, key=sizes.__getitem__, reverse=True)[:STRATA])
    return {name: rate for name, rate in rates.strata.items() if name in kept}


def facts(findings: Findings) -> list[tuple[str, str]]:
    """How the run can be made again: name and value of all that is known about it."""
    rates = findings.rates
    about = {"by": rates.by, **rates.population, **findings.about, "method": rates.method}
    about["assumes"] = "\n".join(rates.assumptions)
    return [(name, value) for name, value in about.items() if value]
