"""A judge: words for a model, the model, the form of its verdict, and what becomes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Self

from unflip.errors import Unjudged, UsageError
from unflip.judges.asking import (
    Answer,
    Backend,
    Finish,
    Request,
    Said,
    Scorer,
    Turn,
    Unanswered,
    Usage,
)
from unflip.judges.chances import Chance, from_logprobs, from_samples, variants, weighed
from unflip.judges.grammar import INVALID, NO, YES, Place, Ruling, Words
from unflip.judges.guards import GUARDS, Guard, guarded_by
from unflip.judges.hearing import Failed, concluded, first, silent, tail, unquoted
from unflip.judges.play import Ask, Script, Weigh, play, play_async
from unflip.judges.policy import DEFAULT, OnError, Policy
from unflip.judges.reasoning import conclusion
from unflip.judges.settings import ONCE, Asking, Reading
from unflip.judges.slots import controls_of, neutralised
from unflip.judges.spelling import spelled
from unflip.judges.template import Prompt, Template
from unflip.judges.view import Sees, question, references, seen
from unflip.types import Outcome, Reason, Sample, Trust, Verdict, identify
from unflip.verifiers.extract import TEXT
from unflip.verifiers.extract import Policy as Extraction

_VERSION = 1
_BY_LOGPROBS = (Reading.CHANCE, Reading.LOGPROBS)


@dataclass(frozen=True)
class Judge:
    """A verifier with a model inside.

    It accepts or rejects what the model's verdict says, and only a verdict in the template's exact
    form is one; whatever else happens abstains. Guards reject before the model is asked.

    Attributes:
        template: The words, and the form of the verdict.
        backend: Who answers.
        reading: What of a reply is read.
        policy: What a verdict means.
        guards: The guards that are on.
        sees: What of a completion is shown; None for what the template says.
        given: Values of further fields of the template, the same for all samples; a field that is
            not here is read from the sample's `meta`.
        asking: How the model is asked.
        extraction: How the final answer is found, where only that is shown; a completion in which
            none is found is rejected.

    Raises:
        UsageError: The form of the verdict is for two answers, or has no P(yes).

    Example:
        >>> from unflip.judges.own import Own
        >>> from unflip.judges.template import template
        >>> judge = Judge(template("yes-no"), Own(lambda messages: "YES", name="always"))
        >>> judge(Sample("so 4", "4", prompt="2 + 2?")).outcome.value
        'accept'
        >>> judge(Sample("Thought process:", "4", prompt="2 + 2?")).reason.value
        'guarded'
    """

    template: Template
    backend: Backend
    reading: Reading = Reading.WORD
    policy: Policy = DEFAULT
    guards: tuple[Guard, ...] = GUARDS
    sees: Sees | None = None
    given: tuple[tuple[str, str], ...] = ()
    asking: Asking = ONCE
    extraction: Extraction = TEXT

    version: ClassVar[int] = _VERSION

    def __post_init__(self) -> None:
        grammar = self.template.grammar
        if not grammar.labels <= {YES, NO, INVALID}:
            raise UsageError(
                f"template {self.template.name!r} compares two answers: give it to Pairwise"
            )
        if self.reading in _BY_LOGPROBS and not isinstance(grammar, Words):
            raise UsageError(
                f"template {self.template.name!r} has no verdict's word whose chance could be "
                "read: use reading=Reading.SAMPLES"
            )

    @cached_property
    def by(self) -> str:
        """Who decides: template, backend, reading, policy, guards and how it is asked."""
        asking = {k: v for k, v in asdict(self.asking).items() if k != "deadline"}
        rest = ("reading", "guards", "sees", "given", "extraction")
        options = {name: getattr(self, name) for name in rest} | {
            "template": repr(self.template),
            "backend": self.backend.by,
            "policy": repr(self.policy),
            "asking": asking,
            "weighs": self._weighs,
        }
        return identify(f"judge-{self.template.name}", self.version, options)

    @property
    def kind(self) -> str:
        """`real`, `tiny` or `stub`: what kind of model its verdicts tell about."""
        return self.backend.kind

    @property
    def parallel(self) -> int:
        """How many samples are worth having under way at once."""
        return self.backend.parallel

    @property
    def _weighs(self) -> bool:
        """Whether the words are scored whole, which takes a verdict that is the whole reply."""
        grammar = self.template.grammar
        direct = isinstance(grammar, Words) and grammar.place is Place.WHOLE and not grammar.before
        return self.reading in _BY_LOGPROBS and direct and isinstance(self.backend, Scorer)

    def unguarded(self) -> Self:
        """The same without its guards, for an audit of the judge itself."""
        return replace(self, guards=())

    def requests(self, samples: Iterable[Sample]) -> Iterator[Request]:
        """What will be asked about the samples, for an estimate of what it costs.

        Where the model speaks more than once, its own earlier turns are not known yet, and missing.
        """
        for sample in samples:
            shown = self.show(sample)
            if isinstance(shown, Verdict):
                continue
            prompt = self._filled(shown)
            samples_each = self.asking.samples if self.reading is Reading.SAMPLES else 1
            chat: tuple[Turn, ...] = ()
            for stage in prompt.stages or ((),):
                chat += stage
                yield self._request(chat, prompt.raw, samples_each)

    def __call__(self, sample: Sample) -> Verdict:
        """The verdict on one sample."""
        return self.verify_batch([sample])[0]

    def verify_batch(self, samples: Sequence[Sample]) -> list[Verdict]:
        """The verdicts on several samples, asked for as many at once as the backend takes."""
        scripts = (self.script(sample) for sample in samples)
        return list(play(self.backend, scripts, self.asking.deadline))

    async def averify(self, sample: Sample) -> Verdict:
        """The verdict on one sample, without blocking the event loop."""
        return (await self.averify_batch([sample]))[0]

    async def averify_batch(self, samples: Sequence[Sample]) -> list[Verdict]:
        """The verdicts on several samples, without blocking the event loop.

        Once the task is cancelled, nothing more is sent to a backend that can be told so.
        """
        scripts = (self.script(sample) for sample in samples)
        return await play_async(self.backend, scripts, self.asking.deadline)

    def script(self, sample: Sample) -> Script[Verdict]:
        """The conversation about one sample, up to its verdict."""
        shown = self.show(sample)
        if isinstance(shown, Verdict):
            return shown
        prompt = self._filled(shown)
        evidence: dict[str, Any] = {"template": self.template.title}
        if prompt.blanks:
            evidence["neutralised"] = dict(prompt.blanks)
        heard: list[Answer] = []
        try:
            chat = yield from self._lead(prompt, heard)
            found = yield from self._ask(chat, prompt.raw, heard)
            verdict = self._decided(found, evidence)
        except Failed as why:
            verdict = self._failed(why, evidence)
        return _with_usage(verdict, heard)

    def show(self, sample: Sample) -> dict[str, str] | Verdict:
        """A value for each field of the template, or the verdict that needs no model."""
        try:
            values = {name: self._value(name, sample) for name in self.template.fields}
        except Failed as why:
            return self._verdict(Outcome.ABSTAIN, why.reason, **why.evidence)
        if "answer" not in values:
            return values
        answer = seen(sample.text, self.sees or self.template.sees, self.extraction)
        if answer is None:
            return self._ruled(Reason.NO_ANSWER)
        if len(answer) > self.asking.longest:
            return self._ruled(Reason.OVER_LIMIT, limit=self.asking.longest)
        known = sample.references
        if guard := guarded_by(answer, known, guards=self.guards, grammar=self.template.grammar):
            return self._ruled(Reason.GUARDED, guard=str(guard))
        return values | {"answer": answer}

    def _filled(self, shown: Mapping[str, str]) -> Prompt:
        return self.template.fill(shown, key=self.asking.key, controls=self._controls)

    @cached_property
    def _controls(self) -> tuple[str, ...]:
        return controls_of(self.backend)

    def _value(self, name: str, sample: Sample) -> str:
        if name == "answer":
            return ""
        own = dict(self.given)
        if name in own:
            return own[name]
        if name == "reference":
            return _reference(sample)
        value = question(sample.prompt) if name == "question" else sample.meta.get(name)
        if not isinstance(value, (str, int, float)) or not str(value).strip():
            raise Failed(Reason.NO_REFERENCE, lacks=name)
        return str(value)

    def _lead(self, prompt: Prompt, heard: list[Answer]) -> Script[tuple[Turn, ...]]:
        """The chat up to the last reply: where it has several turns, the model's own among them."""
        chat: tuple[Turn, ...] = ()
        for stage in prompt.stages[:-1]:
            chat += stage
            (answer,) = yield Ask((self._request(chat, None),))
            heard.append(answer)
            said = concluded(first(answer))
            if not said.strip():
                raise Failed(Reason.UNREADABLE_REPLY, detail="an empty turn")
            # The model may have quoted what it was shown, or repaired it.
            marks = self.template.marks + self._controls
            said, _ = neutralised(said, self.template.fields, marks)
            chat += (Turn("assistant", said),)
        return chat + (prompt.stages[-1] if prompt.stages else ())

    def _ask(
        self, chat: tuple[Turn, ...], raw: str | None, heard: list[Answer]
    ) -> Script[tuple[Ruling | Chance, str]]:
        """The ruling or the chance, and the text that it was read from."""
        grammar = self.template.grammar
        request = self._request(chat, raw)
        if self.reading in _BY_LOGPROBS and isinstance(grammar, Words):
            if self._weighs:
                return (yield from _weigh(request, grammar))
            (answer,) = yield Ask((_with_logprobs(request, self.asking.top_logprobs),))
            heard.append(answer)
            said = first(answer)
            if said.positions is not None:
                chance = _chance(said, grammar)
                if self.asking.spelled and chance.begun and not _reasons(said):
                    chance = yield from self._spelled(chance, said, request, heard)
                return chance, said.text
            if self.reading is Reading.LOGPROBS:
                raise Failed(Reason.UNREADABLE_REPLY, detail="no log-probabilities")
        if self.reading is not Reading.WORD:
            return (yield from self._sample(chat, raw, heard))
        (answer,) = yield Ask((request,))
        heard.append(answer)
        said = first(answer)
        ruling = grammar.read(concluded(said))
        if ruling is None:
            raise Failed(Reason.UNREADABLE_REPLY, reply=tail(said.text))
        return ruling, said.text

    def _spelled(
        self, chance: Chance, said: Said, request: Request, heard: list[Answer]
    ) -> Script[Chance]:
        grammar, positions = self.template.grammar, said.positions or ()
        if not isinstance(grammar, Words) or grammar.place is not Place.WHOLE:
            return chance
        asked = _with_logprobs(request, self.asking.top_logprobs)
        return (yield from spelled(chance, positions, grammar, asked, heard))

    def _sample(
        self, chat: tuple[Turn, ...], raw: str | None, heard: list[Answer]
    ) -> Script[tuple[Chance, str]]:
        many = self._request(chat, raw, samples=self.asking.samples)
        (answer,) = yield Ask((many,))
        heard.append(answer)
        if isinstance(answer, Unanswered):
            raise silent(answer)
        rulings = [self._read(said) for said in answer.said]
        # Samples that never came cannot be read.
        rulings += [None] * (self.asking.samples - len(rulings))
        return from_samples(rulings), answer.said[0].text if answer.said else ""

    def _read(self, said: Said) -> Ruling | None:
        try:
            return self.template.grammar.read(concluded(said))
        except Failed:
            return None

    def _request(self, chat: tuple[Turn, ...], raw: str | None, samples: int = 1) -> Request:
        asking = self.asking
        return Request(
            turns=chat,
            raw=raw,
            max_tokens=asking.max_tokens or self.template.max_tokens,
            temperature=asking.temperature if samples == 1 else asking.sample_temperature,
            samples=samples,
            seed=asking.seed,
        )

    def _decided(self, found: tuple[Ruling | Chance, str], evidence: dict[str, Any]) -> Verdict:
        what, reply = found
        evidence |= {"reply": tail(reply)}
        if isinstance(what, Ruling):
            outcome, reason = self.policy.by_label(what.label)
            return self._verdict(outcome, reason, score=what.score, **evidence, label=what.label)
        outcome, reason = self.policy.by_chance(what)
        evidence |= what.evidence
        if reason is Reason.UNREADABLE_REPLY:
            raise Failed(reason, **evidence)
        return self._verdict(outcome, reason, p=what.p, **evidence)

    def _failed(self, why: Failed, evidence: dict[str, Any]) -> Verdict:
        if self.policy.on_error is OnError.RAISE:
            raise Unjudged(f"{self.by} gave no verdict: {why.reason}: {why.evidence}") from None
        return self._verdict(Outcome.ABSTAIN, why.reason, **(evidence | why.evidence))

    def _ruled(self, reason: Reason, **evidence: Any) -> Verdict:
        """A reject that no model had a part in."""
        return Verdict(Outcome.REJECT, reason, by=self.by, trust=Trust.RULE, evidence=evidence)

    def _verdict(
        self,
        outcome: Outcome,
        reason: Reason,
        *,
        p: float | None = None,
        score: float | None = None,
        **evidence: Any,
    ) -> Verdict:
        return Verdict(
            outcome, reason, by=self.by, trust=Trust.MODEL, p=p, score=score, evidence=evidence
        )

    def __getstate__(self) -> dict[str, Any]:
        return {one.name: getattr(self, one.name) for one in fields(self)}


def _reference(sample: Sample) -> str:
    said = references(sample)
    if said:
        return said
    missing = sample.reference in (None, "", ()) or bool(sample.references)
    raise Failed(Reason.NO_REFERENCE if missing else Reason.UNREADABLE_REFERENCE)


def _weigh(request: Request, grammar: Words) -> Script[tuple[Chance, str]]:
    ways = variants(grammar)
    (weights,) = yield Weigh(request, tuple(ways))
    if isinstance(weights, Unanswered):
        raise silent(weights)
    return weighed(weights, list(ways.values())), ""


def _with_logprobs(request: Request, top: int) -> Request:
    return replace(request, top_logprobs=top)


def _chance(said: Said, grammar: Words) -> Chance:
    unquoted(said)
    cut = said.finish is Finish.LENGTH and grammar.place is not Place.WHOLE
    # Where nothing is said beside reasoning, the tokens are those of the reasoning.
    cut = cut or bool(said.reasoning and not said.text.strip())
    chance = None if cut else from_logprobs(said.positions or (), grammar)
    if chance is None:
        reason = Reason.TRUNCATED if said.finish is Finish.LENGTH else Reason.UNREADABLE_REPLY
        raise Failed(reason, reply=tail(said.text))
    return chance


def _reasons(said: Said) -> bool:
    """Whether reasoning stands before the verdict, which no turn can be begun with."""
    found = conclusion(said.text)
    return bool(said.reasoning) or found is None or found[1] > 0


def _with_usage(verdict: Verdict, heard: Iterable[Answer]) -> Verdict:
    spent = sum((one.usage for one in heard), Usage())
    if spent == Usage():
        return verdict
    return replace(verdict, evidence={**verdict.evidence, "usage": asdict(spent)})
