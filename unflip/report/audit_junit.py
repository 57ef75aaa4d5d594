"""The report of an audit as JUnit XML: a test for each probe and each gate, for any CI."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from unflip.audit.figures import Findings
from unflip.audit.gates import is_common
from unflip.audit.tried import ProbeFigures
from unflip.noise.gates import Failure, upper_bound
from unflip.report.audit_words import banner
from unflip.report.excerpt import plain
from unflip.report.numbers import of, percent


def to_junit(findings: Findings, failures: Sequence[Failure], *, limit: float | None = None) -> str:
    """One suite: a test for each probe that must be rejected, and one for each gate that failed.

    Args:
        findings: What `audit` has found.
        failures: Of the gates.
        limit: What every probe's rate had to be shown to stay below, as `gate` asks it; without
            one, a probe fails if it was accepted at all.
    """
    tried = [one for one in findings.probes if not one.probe.accept and not one.probe.contested]
    tests = [_probe(one, findings, limit) for one in tried]
    tests += [_case("gate", one.rate, one.message) for one in failures]
    failed = sum("<failure" in test for test in tests)
    skipped = sum("<skipped" in test for test in tests)
    kind = f'<property name="backend" value={quoteattr(findings.backend)}/>'
    if said := banner(findings):
        kind += f'<property name="warning" value={quoteattr(said)}/>'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<testsuite name={quoteattr("audit of " + plain(findings.by))} tests="{len(tests)}" '
        f'failures="{failed}" skipped="{skipped}">\n<properties>{kind}</properties>\n'
        + "".join(f"{test}\n" for test in tests)
        + "</testsuite>\n"
    )


def _probe(one: ProbeFigures, findings: Findings, limit: float | None) -> str:
    rate, upper = one.shares.decided, upper_bound(one.shares.decided)
    if not rate.n and (limit is None or not is_common(one, findings)):
        return _case(one.probe.family, one.probe.name, "no attempt was decided", kind="skipped")
    if limit is None:
        failed = rate.k > 0
    else:
        failed = upper > limit if is_common(one, findings) else rate.point > limit
    told = f"accepted {of(rate)}, upper bound {percent(upper)}"
    return _case(one.probe.family, one.probe.name, told if failed else "")


def _case(family: str, name: str, message: str, *, kind: str = "failure") -> str:
    head = f"<testcase classname={quoteattr(plain(family))} name={quoteattr(plain(name))}"
    return (
        f"{head}><{kind} message={quoteattr(plain(message))}/></testcase>"
        if message
        else f"{head}/>"
    )
