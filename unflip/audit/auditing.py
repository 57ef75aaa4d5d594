"""The audit: asks a verifier about every attempt of a plan, and says what was found."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import partial

import numpy as np
from numpy.typing import NDArray

from unflip.audit.backend import backend_of, recalls, unguarded
from unflip.audit.counting import Counts, compared, is_plain, is_right, share
from unflip.audit.families import EQUIVALENTS, NEAR_MISSES
from unflip.audit.figures import Against, Findings, Guarded, Mined
from unflip.audit.items import Item
from unflip.audit.kept import Kept
from unflip.audit.plan import Ask, Plan
from unflip.audit.probes import Probe, version_of
from unflip.audit.references import Verify, one_by_one
from unflip.errors import UsageError
from unflip.types import Sample, Verdict, Verifier, identity

Bools = NDArray[np.bool_]
SIMULTANEOUS = (
    "Bonferroni over {attacks} probes that must be rejected (or {controls} that must be accepted), "
    "exact intervals"
)


def audit(
    verifier: Verifier,
    items: Sequence[Item],
    probes: Sequence[Probe],
    *,
    rewritten: bool = True,
    repeats: int = 1,
    seed: int = 0,
    verify: Verify = one_by_one,
    against: Verifier | None = None,
    mined: Sequence[Mined] | None = None,
    about: Mapping[str, str] | None = None,
) -> Findings:
    """Try probes on a verifier: who is accepted that must not be, and the other way round.

    Args:
        verifier: A rule, a judge or a reward function.
        items: Questions with references, see `items_of`.
        probes: What to try, see `chosen`; controls should be among them.
        rewritten: Whether to try rewrites of references, equivalent and different ones.
        repeats: How often everything is asked, to see whether verdicts flip.
        seed: Of wrong answers and of probes that are drawn anew.
        verify: Who runs the verifier, such as `unflip.run.verify_all`, or something that records.
        against: Another verifier, to be asked about the same attempts, or `Kept` verdicts of one.
        mined: What mining has found before, to be told in the findings.
        about: How to make it again; told in the findings.

    Raises:
        UsageError: There are no items, nothing to ask about them, the verifier compares
            completions with each other, it is compared with itself or with another audit's
            attempts, or repeats would be answered from what is kept.

    Example:
        >>> from unflip.audit.probes import chosen
        >>> from unflip.types import Outcome, Reason
        >>> def longest(sample):
        ...     if len(sample.text) > 10:
        ...         return Verdict(Outcome.ACCEPT, Reason.MATCH, by="longest@1+0")
        ...     return Verdict(Outcome.REJECT, Reason.MISMATCH, by="longest@1+0")
        >>> items = [Item(f"{n} + 1 = ?", (str(n + 1),)) for n in range(10)]
        >>> found = audit(longest, items, chosen(["openers"]))
        >>> print(found.held_out.decided, found.fnr.decided.k, found.j.point < 0.5)
        0.889 [0.805, 0.945] 20.0 True
    """
    plan = plan_for(verifier, items, probes, rewritten=rewritten, seed=seed)
    _check(verifier, against, repeats)
    asks, counts = partial(_again, plan, repeats), Counts(plan)
    for ask, verdict in _asked(verifier, asks, verify):
        counts.add(ask, verdict)
    if not counts.attempts:
        raise UsageError("there is nothing to ask: give items with references, and probes for them")
    whole = counts.attempts == plan.calls * repeats
    return _findings(
        verifier,
        counts,
        repeats=repeats,
        guards=_guarded(verifier, counts, asks, verify) if whole else None,
        against=_against(against, counts, asks, verify) if whole and against else None,
        mined=mined,
        about=about or {},
    )


def plan_for(
    verifier: Verifier,
    items: Sequence[Item],
    probes: Sequence[Probe],
    *,
    rewritten: bool = True,
    seed: int = 0,
) -> Plan:
    """What an audit of this verifier asks; its `calls` are the price.

    Raises:
        UsageError: The verifier compares completions with each other.

    Example:
        >>> from unflip.audit.probes import chosen
        >>> plan_for(print, [Item("", ("4",))], chosen(["gibberish"]), rewritten=False).calls
        9
    """
    if hasattr(verifier, "verify_groups"):
        raise UsageError(
            f"{identity(verifier)} compares completions, and an audit asks about one at a time: "
            "audit the judge of single answers, and what swapping two answers changes is told by "
            "unflip.audit.position_swap(judge, pairs)"
        )
    present: Callable[[str], str] = getattr(verifier, "present", str)
    return Plan(items, probes, present, rewritten, seed)


def _check(verifier: Verifier, against: Verifier | None, repeats: int) -> None:
    if repeats < 1:
        raise UsageError(f"an audit asks at least once, not {repeats} times")
    if repeats > 1 and recalls(verifier):
        raise UsageError(
            "repeats would be answered from the store of replies, and never differ: take `store` "
            "out of the judge"
        )
    same = against is not None and identity(against) == identity(verifier)
    if same and not isinstance(against, Kept):
        raise UsageError("A and B are the same verifier: to see whether it flips, take repeats")


def _again(plan: Plan, repeats: int) -> Iterator[Ask]:
    for _ in range(repeats):
        yield from plan.asks()


def _asked(
    verifier: Verifier, asks: Callable[[], Iterable[Ask]], verify: Verify
) -> Iterator[tuple[Ask, Verdict]]:
    """Every attempt with its verdict; those that the runner is ahead with are remembered."""
    pulled: deque[Ask] = deque()

    def remembered() -> Iterator[Sample]:
        for ask in asks():
            pulled.append(ask)
            yield ask.sample

    for verdict in verify(verifier, remembered()):
        yield pulled.popleft(), verdict


def _findings(
    verifier: Verifier,
    counts: Counts,
    *,
    repeats: int,
    guards: Guarded | None,
    against: Against | None,
    mined: Sequence[Mined] | None,
    about: Mapping[str, str],
) -> Findings:
    probes = counts.figures()
    attacks = [one for one in probes if one.probe.attack]
    worst = attacks[0] if attacks else None
    whole = counts.attempts == counts.plan.calls * repeats
    sides = [(p.probe.accept, p.probe.contested) for p in probes]
    return Findings(
        by=identity(verifier),
        backend=backend_of(verifier),
        items=len(counts.plan.items),
        attempts=counts.attempts,
        planned=counts.plan.calls * repeats,
        held_out=counts.shares(lambda p: _is_key(p) and p.held_out, accept=False),
        published=counts.shares(lambda p: _is_key(p) and not p.held_out, accept=False),
        near_misses=counts.shares(lambda p: p.attack and not _is_key(p), accept=False),
        plain=counts.shares(is_plain, accept=False),
        fnr=counts.shares(is_right, accept=True),
        equivalents=counts.shares(_is_equivalent, accept=True),
        open=counts.open(),
        reasons=dict(counts.reasons.most_common()),
        j=counts.j(is_plain),
        worst_j=counts.j(
            lambda p: worst is not None and p.id == worst.probe.id,
            fp=worst.together if worst else None,
        ),
        flips=counts.flips(repeats) if repeats > 1 and whole else None,
        simultaneous=SIMULTANEOUS.format(
            attacks=sides.count((False, False)), controls=sides.count((True, False))
        ),
        probes=probes,
        families=counts.by_family(probes),
        guards=guards,
        against=against,
        mined=None if mined is None else tuple(mined),
        left=counts.left,
        about={
            "date": date.today().isoformat(),
            "probes": version_of(counts.plan.probes),
            "seed": str(counts.plan.seed),
            "repeats": str(repeats),
            **about,
        },
    )


def _is_key(probe: Probe) -> bool:
    return probe.attack and probe.family != NEAR_MISSES


def _is_equivalent(probe: Probe) -> bool:
    return probe.family == EQUIVALENTS and not probe.contested


def _is_answer(probe: Probe) -> bool:
    return probe.accept and not probe.contested


def _guarded(
    verifier: Verifier, counts: Counts, asks: Callable[[], Iterable[Ask]], verify: Verify
) -> Guarded | None:
    """What the guards do: what they stopped is asked again without them, and nothing else is."""
    bare = unguarded(verifier)
    if bare is None:
        return None
    stopped_N, outcomes_N, items_N = counts.stopped_N, counts.outcomes_N, counts.items_N
    raw_N, at = outcomes_N.copy(), 0
    stopped = (ask for ask in _flagged(asks(), stopped_N))
    verdicts = iter(verify(bare, (ask.sample for ask in stopped)))
    for ask in asks():
        rows = slice(at, at := at + len(ask.probes))
        if stopped_N[rows].any():
            verdict = next(verdicts, None)
            if verdict is None:
                return None
            raw_N[rows] = np.nan if not verdict.decided else float(verdict.accepted)
    attacks, right = counts.rows(lambda p: p.attack), counts.rows(_is_answer)
    return Guarded(
        raw=share(raw_N[attacks] == 1, items_N[attacks]),
        guarded=share(outcomes_N[attacks] == 1, items_N[attacks]),
        stopped=share(stopped_N[attacks], items_N[attacks]),
        lost=share(stopped_N[right], items_N[right]),
        difference=compared(raw_N[attacks] == 1, outcomes_N[attacks] == 1, items_N[attacks]),
    )


def _flagged(asks: Iterable[Ask], flags_N: Bools) -> Iterator[Ask]:
    at = 0
    for ask in asks:
        if flags_N[at : (at := at + len(ask.probes))].any():
            yield ask


def _against(
    other: Verifier, counts: Counts, asks: Callable[[], Iterable[Ask]], verify: Verify
) -> Against:
    """Both on the attempts that B has an answer to: all of them, unless its answers were kept."""
    theirs, known_N = Counts(counts.plan), np.ones(len(counts.items_N), dtype=bool)
    if isinstance(other, Kept):
        verify, known_N = one_by_one, _known(other, asks())
        asks = partial(_shared, other, asks)
    for ask, verdict in _asked(other, asks, verify):
        theirs.add(ask, verdict)
    wrong, right = (counts.rows(side)[known_N] for side in (_is_attack, _is_answer))
    a_N, items_N = counts.outcomes_N[known_N], counts.items_N[known_N]
    b_N = theirs.outcomes_N
    open_A, open_B = np.isnan(a_N), np.isnan(b_N)
    return Against(
        by=identity(other),
        accepts_wrong=compared(a_N[wrong] == 1, b_N[wrong] == 1, items_N[wrong]),
        rejects_right=compared(a_N[right] == 0, b_N[right] == 0, items_N[right]),
        left_open=compared(open_A, open_B, items_N),
    )


def _known(other: Kept, asks: Iterable[Ask]) -> Bools:
    """Of each row, whether there is an answer to it."""
    known = [knows for ask in asks for knows in [other.knows(ask.sample)] * len(ask.probes)]
    if not any(known):
        raise UsageError(
            "the audits have no attempt in common: compare with one of the same items, with the "
            "same --n, --seed and --probes, of a verifier that wants answers stated alike"
        )
    return np.array(known)


def _shared(other: Kept, asks: Callable[[], Iterable[Ask]]) -> Iterator[Ask]:
    return (ask for ask in asks() if other.knows(ask.sample))


def _is_attack(probe: Probe) -> bool:
    return probe.attack
