"""Two answers at a time, in both orders, and how many of its group each one beats."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import combinations
from typing import Any

from unflip.errors import Unjudged, UsageError
from unflip.judges.asking import Answer, Backend, Request, Usage
from unflip.judges.grammar import FIRST, SECOND, TIE
from unflip.judges.guards import GUARDS, Guard, guarded_by
from unflip.judges.hearing import Failed, concluded, first, tail
from unflip.judges.play import Ask, Script, play
from unflip.judges.policy import OnError
from unflip.judges.settings import ONCE, Asking
from unflip.judges.slots import controls_of, neutralised
from unflip.judges.template import Template
from unflip.judges.view import Sees, question, seen
from unflip.types import Outcome, Reason, Sample, Trust, Verdict, digest, identify

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _View:
    """What is shown of a completion, or why it loses without being shown."""

    text: str
    lost: Reason | None = None
    guard: Guard | None = None
    blanks: int = 0
    """How many blanks make it harmless."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """What came of one pair: the first one's part of the win, None if nobody knows."""

    win: float | None
    consistent: bool
    usage: Usage
    reason: Reason | None = None


@dataclass(frozen=True)
class Pairwise:
    """A `GroupVerifier`: the win rate of each completion over the others of its prompt.

    Every pair is asked in both orders, since judges prefer what they read first; where the orders
    contradict each other, the pair is a tie, and where they do so in all pairs of a completion, the
    judge has not told anything about it and it abstains. A completion that runs into a guard loses
    to all others without being asked about. The win rate is the verdict's `score`; it accepts from
    `accept_at` on, and says which answer is better, not which is right.

    Attributes:
        template: With the fields `first` and `second`.
        backend: Who answers.
        accept_at: The least win rate that accepts, in (0, 1].
        opponents: How many others each is compared to at least, drawn by `seed`; None for all.
        seed: Of that draw.
        guards: The guards that are on.
        sees: What of a completion is shown; None for what the template says.
        asking: How the model is asked.
        on_error: Whether a pair without a verdict abstains or raises.

    Raises:
        UsageError: The template does not compare two answers, or a number is out of range.

    Source: Pref-GRPO; both orders after Zheng et al. (arXiv 2306.05685).

    Example:
        >>> from unflip.judges import Own, template
        >>> def longer(messages):
        ...     text = messages[-1]["content"]
        ...     first, second = (text.split(f"<{one}-")[1] for one in ("first", "second"))
        ...     return "A" if len(first.split("</")[0]) > len(second.split("</")[0]) else "B"
        >>> rank = Pairwise(template("pairwise"), Own(longer, name="longer"))
        >>> [v.score for v in rank([Sample(text, prompt="?") for text in ("abc", "abcd", "ab")])]
        [0.5, 1.0, 0.0]
    """

    template: Template
    backend: Backend
    accept_at: float = 0.5
    opponents: int | None = None
    seed: int = 0
    guards: tuple[Guard, ...] = GUARDS
    sees: Sees | None = None
    asking: Asking = ONCE
    on_error: OnError = OnError.ABSTAIN

    def __post_init__(self) -> None:
        labels = self.template.grammar.labels
        if not {FIRST, SECOND} <= labels <= {FIRST, SECOND, TIE}:
            raise UsageError(f"template {self.template.name!r} does not compare two answers")
        if not {"first", "second"} <= set(self.template.fields):
            raise UsageError("a template for pairs has the fields {first} and {second}")
        if not 0 < self.accept_at <= 1:
            raise UsageError(f"accept_at is a win rate in (0, 1], not {self.accept_at}")
        if self.opponents is not None and self.opponents < 1:
            raise UsageError(f"each needs an opponent or more, not {self.opponents}")

    @cached_property
    def by(self) -> str:
        """Who decides: template, backend, and how pairs are drawn, asked and counted."""
        asking = {k: v for k, v in asdict(self.asking).items() if k != "deadline"}
        rest = ("accept_at", "opponents", "seed", "guards", "sees")
        options = {name: getattr(self, name) for name in rest} | {
            "template": repr(self.template),
            "backend": self.backend.by,
            "asking": asking,
        }
        return identify(f"pairwise-{self.template.name}", 1, options)

    def __call__(self, samples: Sequence[Sample]) -> list[Verdict]:
        """The verdicts on all completions of one prompt."""
        return self.verify_groups([samples])[0]

    def verify_groups(self, groups: Sequence[Sequence[Sample]]) -> list[list[Verdict]]:
        """The verdicts on several groups; the pairs of all of them are asked together."""
        views = [[self._view(sample) for sample in group] for group in groups]
        drawn = [self._drawn(group) for group in groups]
        scripts = (
            self._script(group[i], view[i].text, view[j].text)
            for group, view, pairs in zip(groups, views, drawn, strict=True)
            for i, j in _open(pairs, view)
        )
        heard = play(self.backend, scripts, self.asking.deadline)
        return [
            self._verdicts(view, _results(pairs, view, heard))
            for view, pairs in zip(views, drawn, strict=True)
        ]

    def _view(self, sample: Sample) -> _View:
        text = seen(sample.text, self.sees or self.template.sees)
        if text is None:
            return _View("", Reason.NO_ANSWER)
        if len(text) > self.asking.longest:
            return _View("", Reason.OVER_LIMIT)
        grammar = self.template.grammar
        guard = guarded_by(text, sample.references, guards=self.guards, grammar=grammar)
        marks = self.template.marks + self._controls
        _, blanks = neutralised(text, self.template.fields, marks)
        return _View(text, Reason.GUARDED if guard else None, guard, blanks)

    @cached_property
    def _controls(self) -> tuple[str, ...]:
        return controls_of(self.backend)

    def _drawn(self, group: Sequence[Sample]) -> list[Pair]:
        """All pairs, or those of neighbours on a shuffled ring, so that opponents are enough."""
        size = len(group)
        if self.opponents is None or self.opponents >= size - 1:
            return list(combinations(range(size), 2))
        ring = list(range(size))
        random.Random(digest([self.seed, [one.key for one in group]])).shuffle(ring)
        steps = range(1, (self.opponents + 1) // 2 + 1)
        found = {(ring[i], ring[(i + step) % size]) for step in steps for i in range(size)}
        return sorted({(min(pair), max(pair)) for pair in found})

    def _script(self, sample: Sample, one: str, other: str) -> Script[_Heard]:
        """Ask which is better, in both orders."""
        asked = [
            self._request(sample, {"first": first, "second": second})
            for first, second in ((one, other), (other, one))
        ]
        answers = yield Ask(tuple(asked))
        usage = sum((answer.usage for answer in answers), Usage())
        try:
            forth, back = (_WINS[self._label(answer)] for answer in answers)
        except Failed as why:
            if self.on_error is OnError.RAISE:
                raise Unjudged(f"{self.by} gave no verdict: {why.reason}") from None
            return _Heard(None, consistent=False, usage=usage, reason=why.reason)
        return _Heard((forth + 1 - back) / 2, consistent=forth == 1 - back, usage=usage)

    def _request(self, sample: Sample, shown: dict[str, str]) -> Request:
        values = {"question": question(sample.prompt)} | shown
        prompt = self.template.fill(values, key=self.asking.key, controls=self._controls)
        if len(prompt.stages) > 1:
            raise UsageError("a template for pairs has a single turn by the model")
        return Request(
            turns=prompt.stages[0] if prompt.stages else (),
            raw=prompt.raw,
            max_tokens=self.asking.max_tokens or self.template.max_tokens,
            temperature=self.asking.temperature,
            seed=self.asking.seed,
        )

    def _label(self, answer: Answer) -> str:
        said = first(answer)
        ruling = self.template.grammar.read(concluded(said))
        if ruling is None:
            raise Failed(Reason.UNREADABLE_REPLY, reply=tail(said.text))
        return ruling.label

    def _verdicts(self, views: Sequence[_View], results: dict[Pair, _Heard]) -> list[Verdict]:
        return [self._verdict(index, view, results) for index, view in enumerate(views)]

    def _verdict(self, index: int, view: _View, results: dict[Pair, _Heard]) -> Verdict:
        mine = {pair: one for pair, one in results.items() if index in pair}
        wins = [_part(index, pair, one) for pair, one in mine.items()]
        evidence = _told(list(mine.values()))
        if view.blanks:
            evidence["neutralised"] = {"answer": view.blanks}
        if view.lost is not None:
            guard = {"guard": str(view.guard)} if view.guard else {}
            return Verdict(
                Outcome.REJECT, view.lost, score=0.0, by=self.by, trust=Trust.RULE,
                evidence=guard,
            )  # fmt: skip
        known = [win for win in wins if win is not None]
        if not known:
            reason = next((one.reason for one in mine.values() if one.reason), Reason.UNDECIDED)
            return self._said(Outcome.ABSTAIN, reason, None, evidence)
        low = sum(known) / len(wins)
        high = low + (len(wins) - len(known)) / len(wins)
        score = low if len(known) == len(wins) else None
        if not any(one.consistent for one in mine.values()):
            return self._said(Outcome.ABSTAIN, Reason.UNDECIDED, score, evidence)
        if low >= self.accept_at:
            return self._said(Outcome.ACCEPT, Reason.MATCH, score, evidence)
        if high < self.accept_at:
            return self._said(Outcome.REJECT, Reason.MISMATCH, score, evidence)
        return self._said(Outcome.ABSTAIN, Reason.UNDECIDED, score, evidence)

    def _said(
        self, outcome: Outcome, reason: Reason, score: float | None, evidence: dict[str, Any]
    ) -> Verdict:
        return Verdict(
            outcome, reason, score=score, by=self.by, trust=Trust.MODEL, evidence=evidence
        )


_WINS = {FIRST: 1.0, SECOND: 0.0, TIE: 0.5}
"""What the one that is shown first has of the win."""


def _open(pairs: Sequence[Pair], views: Sequence[_View]) -> list[Pair]:
    """The pairs that somebody has to be asked about."""
    return [(i, j) for i, j in pairs if views[i].lost is None and views[j].lost is None]


def _results(
    pairs: Sequence[Pair], views: Sequence[_View], heard: Iterator[_Heard]
) -> dict[Pair, _Heard]:
    asked = set(_open(pairs, views))
    return {
        pair: next(heard) if pair in asked else _by_guard(views[pair[0]], views[pair[1]])
        for pair in pairs
    }


def _by_guard(one: _View, other: _View) -> _Heard:
    if one.lost is not None and other.lost is not None:
        return _Heard(0.5, consistent=True, usage=Usage())
    return _Heard(0.0 if one.lost is not None else 1.0, consistent=True, usage=Usage())


def _part(index: int, pair: Pair, heard: _Heard) -> float | None:
    """The part of the win of one of the two."""
    if heard.win is None:
        return None
    return heard.win if pair[0] == index else 1 - heard.win


def _told(heard: Sequence[_Heard]) -> dict[str, Any]:
    known = [one for one in heard if one.win is not None]
    return {
        "pairs": len(heard),
        "unknown": len(heard) - len(known),
        "inconsistent": sum(not one.consistent for one in known),
        "usage_of_pairs": asdict(sum((one.usage for one in heard), Usage())),
    }
