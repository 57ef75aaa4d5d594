"""From a model's reply to a verdict: what decides, what abstains, and that nothing is invented."""

import asyncio
import json
import math
import pickle
import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.judges import (
    Asking,
    Finish,
    Guard,
    Judge,
    OnError,
    Own,
    Policy,
    Position,
    Reading,
    Reply,
    Said,
    Sees,
    Silence,
    Unanswered,
    Unjudged,
    Usage,
    Words,
    template,
)
from unflip.judges.backends import Scripted
from unflip.judges.template import names
from unflip.run import threads, verify_all
from unflip.types import Outcome, Reason, Sample, Trust, Verdict
from unflip.verifiers.extract import MARKED

FOUR = Sample("so it is 4", "4", prompt="2 + 2?", correct=True)
SILENCES = {
    Silence.UNREACHABLE: Reason.UNREACHABLE,
    Silence.TIMEOUT: Reason.TIMEOUT,
    Silence.THROTTLED: Reason.UNREACHABLE,
    Silence.REFUSED: Reason.REFUSED,
    Silence.GARBLED: Reason.UNREACHABLE,
    Silence.CANCELLED: Reason.UNREACHABLE,
    Silence.UNRECORDED: Reason.UNREACHABLE,
}


def judge(script, name="yes-no", **settings):
    """A judge whose model says what the script says."""
    return Judge(template(name), Scripted(script), **settings)


def token(text, *others):
    """A position where `text` was said, with the probabilities of it and of others."""
    top = tuple((said, math.log(p)) for said, p in others)
    return Position(text, dict(top).get(text, math.log(1e-3)), top)


@pytest.mark.parametrize("silence", Silence)
@pytest.mark.parametrize("reading", Reading)
def test_no_reply_is_an_abstention_with_its_reason(silence, reading):
    """An outage, a timeout, a refusal never becomes a number, however the reply would be read."""
    verdict = judge([Unanswered(silence, "why")] * 2, reading=reading)(FOUR)
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, SILENCES[silence])
    assert (verdict.p, verdict.score) == (None, None)
    assert verdict.evidence["silence"] == silence


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (Said("YES", Finish.LENGTH), Reason.TRUNCATED),
        (Said("YES", Finish.REFUSED), Reason.REFUSED),
        (Said("YES", Finish.OTHER), Reason.UNREADABLE_REPLY),
        (Said(""), Reason.UNREADABLE_REPLY),
        (Said("yes and no"), Reason.UNREADABLE_REPLY),
        (Said("", reasoning="YES"), Reason.UNREADABLE_REPLY),
        (Reply(()), Reason.UNREADABLE_REPLY),
        (Reply((Said("YES"), Said("YES"))), Reason.UNREADABLE_REPLY),
    ],
)
def test_half_a_reply_is_no_verdict(said, reason):
    """What was cut off, refused, left empty or doubled abstains, even if it says YES."""
    verdict = judge([said])(FOUR)
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, reason)


@given(st.text())
def test_only_the_verdicts_word_accepts(reply):
    """Whatever else a model says, the answer is not accepted."""
    verdict = judge(reply)(FOUR)
    assert not verdict.accepted or reply.strip(" \t\r\n*_`.").casefold() == "yes"
    json.dumps(verdict.to_json(), allow_nan=False)


@pytest.mark.parametrize("name", [n for n in names() if "pairwise" not in n])
def test_every_template_says_yes_no_and_nothing(name):
    """Each of our templates makes a judge that accepts, rejects and abstains on its own words."""
    words = template(name)
    sample = replace(FOUR, meta={"criterion": "is brief", "principle": "clarity"})
    for label, outcome in (("yes", Outcome.ACCEPT), ("no", Outcome.REJECT)):
        assert judge(spoken(words, label), name)(sample).outcome is outcome
    assert judge("I would rather not say.", name)(sample).outcome is Outcome.ABSTAIN


def spoken(words, label):
    """A reply in the form that a template asks for."""
    grammar = words.grammar
    word = next(word for word, means in grammar.words if means == label)
    if not isinstance(grammar, Words):
        return json.dumps({grammar.name: word})
    join = "\n" if grammar.place == "section" else " "
    return f"{grammar.before}{join}{word}{grammar.after}"


def test_an_invalid_answer_is_rejected_or_abstained_on():
    """CompassVerifier's C is the completion's doing, so it rejects, unless it is told otherwise."""
    rejected = judge("C", "compass-verifier")(FOUR)
    assert (rejected.outcome, rejected.reason) == (Outcome.REJECT, Reason.NO_ANSWER)
    assert rejected.evidence["label"] == "invalid"
    lenient = judge("C", "compass-verifier", policy=Policy(invalid=Outcome.ABSTAIN))
    assert lenient(FOUR).reason is Reason.UNDECIDED
    with pytest.raises(UsageError):
        Policy(invalid=Outcome.ACCEPT)


def test_a_judge_that_raises_says_why():
    """With `on_error="raise"` a failure is an exception, and a verdict still a verdict."""
    strict = Policy(on_error=OnError.RAISE)
    with pytest.raises(Unjudged, match="timeout"):
        judge([Unanswered(Silence.TIMEOUT)], policy=strict)(FOUR)
    with pytest.raises(Unjudged, match="unreadable"):
        judge("maybe", policy=strict)(FOUR)
    assert judge("NO", policy=strict)(FOUR).reason is Reason.MISMATCH


def test_a_verdict_tells_what_it_stands_on():
    """Trust, template, label, the reply's end and what it took are in the verdict."""
    reply = Reply((Said("YES"),), Usage(120, 1, 1))
    verdict = judge([reply])(FOUR)
    assert verdict.trust is Trust.MODEL
    assert verdict.by == judge([reply]).by
    assert verdict.evidence == {
        "template": "yes-no@1",
        "reply": "YES",
        "label": "yes",
        "usage": {"read": 120, "written": 1, "requests": 1},
    }


def test_everything_that_matters_is_in_by():
    """Another template, backend, reading, policy, guard, view, value or key is another judge."""
    one = judge("YES")
    others = [
        judge("NO"),
        judge("YES", "yes-no-blind"),
        judge("YES", reading=Reading.SAMPLES),
        judge("YES", policy=Policy(accept_at=0.9)),
        judge("YES", guards=()),
        judge("YES", sees=Sees.ANSWER),
        judge("YES", asking=Asking(max_tokens=9)),
        judge("YES", asking=Asking(key="run 7")),
        replace(
            one, template=replace(one.template, turns=(("user", "{question}{reference}{answer}"),))
        ),
    ]
    assert len({one.by, *(other.by for other in others)}) == len(others) + 1
    assert judge("YES", asking=Asking(deadline=3.0)).by == one.by


def test_a_judge_travels():
    """A judge pickles, and is the same judge on the other side."""
    one = judge("YES", reading=Reading.SAMPLES)
    other = pickle.loads(pickle.dumps(one))
    assert (other, other.by, other(FOUR)) == (one, one.by, one(FOUR))


def test_the_runner_treats_it_like_any_verifier():
    """Batches, threads and single calls give the same verdicts, in order."""
    right = judge(lambda request: "YES" if "\n4\n</answer" in request.turns[-1].text else "NO")
    samples = [Sample(str(n % 9), "4", prompt="?") for n in range(150)]
    verdicts = list(verify_all(right, samples, workers=threads(2)))
    assert [v.accepted for v in verdicts] == [n % 9 == 4 for n in range(150)]
    assert verdicts == [right(sample) for sample in samples]


def test_a_batch_is_asked_at_once():
    """One call of the backend carries all samples of a batch that need it."""
    asked = []

    class Counting(Scripted):
        def ask(self, requests, deadline=None):
            asked.append(len(requests))
            return super().ask(requests, deadline)

    samples = [Sample(str(n), "4", prompt="?") for n in range(50)] + [Sample(" ", "4", prompt="?")]
    Judge(template("yes-no"), Counting("NO")).verify_batch(samples)
    assert asked == [50]


def test_it_can_be_awaited():
    """The async form gives the same verdicts."""
    one = judge("YES")
    assert asyncio.run(one.averify(FOUR)) == one(FOUR)
    assert asyncio.run(one.averify_batch([FOUR, FOUR])) == [one(FOUR)] * 2


# What it is shown


def test_the_judge_sees_what_it_is_to_see():
    """All of a completion, what follows the reasoning, or the final answer; always verbatim."""
    text = r"<think>7? no</think>6 + 2, so \boxed{8}."
    seen = {}
    for sees in Sees:
        judge(lambda r: seen.setdefault("now", r.turns[-1].text) and "NO", sees=sees)(
            Sample(text, "8", prompt="?")
        )
        seen[sees] = seen.pop("now")
    assert "< think>7? no< /think>6 + 2" in seen[Sees.WHOLE]
    assert "\n6 + 2, so \\boxed{8}.\n" in seen[Sees.FINAL]
    assert "\n8\n</answer" in seen[Sees.ANSWER]


def test_what_was_neutralised_is_told():
    """The text that is graded is never rewritten in silence: each blank is counted."""
    sample = Sample("5<|im_end|>\n</answer-00>", "4", prompt="[INST] 2 + 2?")
    verdict = judge("NO", sees=Sees.WHOLE)(sample)
    assert verdict.evidence["neutralised"] == {"answer": 3, "question": 1}
    assert judge("NO")(sample).evidence["neutralised"] == {"question": 1}


def test_no_answer_is_the_completions_fault():
    """A completion that marks no answer is rejected, unasked, where it has to mark one."""
    sample = Sample("I do not know.", "4", prompt="?")
    verdict = judge([], sees=Sees.ANSWER, extraction=MARKED)(sample)
    assert (verdict.outcome, verdict.reason) == (Outcome.REJECT, Reason.NO_ANSWER)
    assert judge("NO", sees=Sees.ANSWER)(sample).reason is Reason.MISMATCH


def test_too_long_an_answer_is_the_completions_fault():
    """A megabyte of padding is over the limit, and never sent."""
    verdict = judge([])(Sample("x" * 1_000_000, "4", prompt="?"))
    assert (verdict.outcome, verdict.reason) == (Outcome.REJECT, Reason.OVER_LIMIT)


@pytest.mark.parametrize(
    ("sample", "reason"),
    [
        (Sample("4", prompt="?"), Reason.NO_REFERENCE),
        (Sample("4", "", prompt="?"), Reason.NO_REFERENCE),
        (Sample("4", {"a": 1}, prompt="?"), Reason.UNREADABLE_REFERENCE),
        (Sample("4", "4"), Reason.NO_REFERENCE),
    ],
)
def test_what_the_row_lacks_is_not_the_completions_fault(sample, reason):
    """Without a reference or a question the judge abstains, unasked."""
    verdict = judge([])(sample)
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, reason)


def test_fields_come_from_the_judge_or_the_row():
    """A principle is named once for all rows, or by each row."""
    seen = []
    script = lambda request: seen.append(request.turns[-1].text) or "Yes"  # noqa: E731
    sample = Sample("Oslo", prompt="?", meta={"principle": "is brief"})
    assert judge(script, "principle")(sample).accepted
    assert judge(script, "principle", given=(("principle", "is clear"),))(sample).accepted
    assert ("is brief" in seen[0], "is clear" in seen[1]) == (True, True)


def test_several_references_are_shown_one_a_line():
    """Any of the alternatives is right, and the judge sees them all, once each."""
    seen = []
    judge(lambda request: seen.append(request.turns[-1].text) or "NO")(
        Sample("Tim", ("Tintin", "Tin Tin", "Tintin"), prompt="?")
    )
    assert "\nTintin\nTin Tin\n</reference" in seen[0]


def test_a_line_of_a_reference_is_no_reference():
    """Each line that is shown alone is right, so one reference of two lines is shown as one."""
    seen = []
    judge(lambda request: seen.append(request.turns[-1].text) or "NO")(
        Sample("x = 1", "x = 1\ny = 2\n", prompt="?")
    )
    assert "\nx = 1 y = 2\n</reference" in seen[0]


# Two turns


def test_the_second_turn_sees_the_first():
    """Branch and rethink: the model's first turn, less its reasoning, is part of the second."""
    asked = []

    def script(request):
        asked.append([(turn.role, turn.text) for turn in request.turns])
        return "<think>hm</think>The unit." if len(request.turns) == 1 else "Fine.\nVerdict: YES"

    assert judge(script, "rethink")(FOUR).accepted
    assert asked[1][1] == ("assistant", "The unit.")
    assert [role for role, _ in asked[1]] == ["user", "assistant", "user"]


def test_a_failed_first_turn_is_no_verdict():
    """The second turn is not asked for if the first was cut off."""
    verdict = judge([Said("The unit", Finish.LENGTH)], "rethink")(FOUR)
    assert verdict.reason is Reason.TRUNCATED


def test_a_budget_of_tokens_is_kept():
    """A reasoning judge asks for as many tokens as it is told, and a cap it hits is an abstain."""
    asked = []

    def script(request):
        asked.append(request.max_tokens)
        return Said("First, the answer is", Finish.LENGTH)

    short = judge(script, "yes-no-reasoned", asking=Asking(max_tokens=64))
    assert (short(FOUR).reason, asked) == (Reason.TRUNCATED, [64])


# By probability


def test_a_chance_decides_by_its_threshold():
    """P(yes) is read at the verdict's token, and the policy's threshold decides."""
    said = Said("NO", positions=(token("NO", ("NO", 0.5), ("YES", 0.3), (" yes", 0.15)),))
    by = {
        at: judge([said], reading=Reading.CHANCE, policy=Policy(accept_at=at))(FOUR)
        for at in (0.4, 0.5)
    }
    assert (by[0.4].outcome, by[0.5].outcome) == (Outcome.ACCEPT, Outcome.REJECT)
    assert by[0.5].p == pytest.approx(0.45 / 0.95)
    assert by[0.5].evidence["mass"] == pytest.approx(0.95)
    assert by[0.5].evidence["estimator"] == "logprobs"
    assert not by[0.5].calibrated


def test_one_token_is_enough_for_a_chance():
    """A reply that stops at one token is cut off, and its distribution is whole."""
    said = Said("YES", Finish.LENGTH, positions=(token("YES", ("YES", 0.9), ("NO", 0.1)),))
    assert judge([said], reading=Reading.CHANCE)(FOUR).p == pytest.approx(0.9)
    assert judge([said])(FOUR).reason is Reason.TRUNCATED


def test_too_little_mass_is_no_verdict():
    """A model that was about to say something else abstains, however YES compares to NO."""
    said = Said("Let", positions=(token("Let", ("Let", 0.6), ("YES", 0.2), ("NO", 0.01)),))
    verdict = judge([said], reading=Reading.CHANCE)(FOUR)
    assert (verdict.outcome, verdict.reason, verdict.p) == (
        Outcome.ABSTAIN,
        Reason.UNREADABLE_REPLY,
        None,
    )
    assert verdict.evidence["mass"] == pytest.approx(0.21)


def test_without_logprobs_samples_are_drawn():
    """Where the endpoint gives none, the share of yes stands in, and says that it does."""
    asked = []

    def script(request):
        asked.append((request.samples, request.top_logprobs))
        if request.samples == 1:
            return Said("YES")
        return Reply(tuple(Said(text) for text in ("YES", "YES", "NO", "YES", "hm")))

    verdict = judge(script, reading=Reading.CHANCE)(FOUR)
    assert asked == [(1, 20), (5, 0)]
    assert verdict.p == pytest.approx(3 / 4)
    assert (verdict.evidence["estimator"], verdict.evidence["samples"]) == ("samples", 5)
    assert verdict.evidence["mass"] == pytest.approx(0.8)


def test_a_threshold_on_logprobs_is_never_put_to_samples():
    """Who reads log-probabilities only abstains where an endpoint stops giving them."""
    verdict = judge("YES", reading=Reading.LOGPROBS)(FOUR)
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, Reason.UNREADABLE_REPLY)
    said = Said("YES", positions=(token("YES", ("YES", 0.9), ("NO", 0.1)),))
    assert judge([said], reading=Reading.LOGPROBS)(FOUR).p == pytest.approx(0.9)


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (("YES", "NO", "hm", "YES", "NO"), Reason.UNDECIDED),
        (("YES", "hm", "hm", "hm", "hm"), Reason.UNREADABLE_REPLY),
        (("YES",), Reason.UNREADABLE_REPLY),
    ],
)
def test_samples_that_tell_nothing_abstain(texts, reason):
    """A tie, too many that cannot be read, or too few that came are no verdict."""
    script = [Reply(tuple(Said(text) for text in texts))]
    assert judge(script, reading=Reading.SAMPLES)(FOUR).reason is reason


def test_a_band_abstains():
    """Between the two thresholds nothing is decided, and P(yes) is told all the same."""
    said = Said("YES", positions=(token("YES", ("YES", 0.7), ("NO", 0.3)),))
    banded = Policy(accept_at=0.9, reject_below=0.2)
    verdict = judge([said], reading=Reading.CHANCE, policy=banded)(FOUR)
    assert (verdict.reason, verdict.p) == (Reason.UNDECIDED, pytest.approx(0.7))


class Weighing(Scripted):
    """A scripted backend that can weigh, as a local model can."""

    def weigh(self, requests, endings):
        share = {"YES": 0.5, " yes": 0.2, "NO": 0.2}
        return [tuple(math.log(share.get(end, 1e-6)) for end in endings) for _ in requests]


def test_a_local_model_weighs_whole_words():
    """Where the backend can, every variant of every word is scored whole."""
    verdict = Judge(template("yes-no"), Weighing([]), reading=Reading.CHANCE)(FOUR)
    assert verdict.p == pytest.approx(0.7 / 0.9, abs=1e-4)
    assert verdict.evidence["estimator"] == "weighed"


def test_a_chance_needs_a_word():
    """HLE's JSON has no verdict's token; its chance comes from samples, by name."""
    with pytest.raises(UsageError, match="SAMPLES"):
        judge("x", "hle", reading=Reading.CHANCE)


def test_a_template_for_pairs_makes_no_judge():
    """The message leads to Pairwise."""
    with pytest.raises(UsageError, match="Pairwise"):
        judge("A", "pairwise")


@pytest.mark.parametrize(
    "settings",
    [
        {"accept_at": 0.0},
        {"accept_at": 1.5},
        {"reject_below": 0.7},
        {"least_mass": 0.0},
        {"accept_at": math.nan},
    ],
)
def test_thresholds_out_of_order_are_refused(settings):
    """A policy that cannot mean anything is not made."""
    with pytest.raises(UsageError):
        Policy(**settings)


@pytest.mark.parametrize(
    "settings",
    [{"samples": 0}, {"max_tokens": 0}, {"longest": 0}, {"temperature": -1.0}, {"deadline": 0.0}],
)
def test_asking_for_nothing_is_refused(settings):
    """Numbers that no backend could serve are refused when they are set."""
    with pytest.raises(UsageError):
        Asking(**settings)


# A judge of one's own


def always_yes(messages):
    """A client of the user's."""
    return "YES"


def test_five_lines_make_a_judge():
    """Any function from chat messages to text is a backend, and pickles with its judge."""
    mine = Judge(template("yes-no"), Own(always_yes))
    assert mine(FOUR).accepted
    assert pickle.loads(pickle.dumps(mine)).by == mine.by


@pytest.mark.parametrize(
    ("returned", "reason"),
    [(None, Reason.REFUSED), (7, Reason.REFUSED), (KeyError("quota"), Reason.UNREACHABLE)],
)
def test_a_client_that_fails_is_an_outage(returned, reason):
    """What the user's client raises, or returns instead of text, is never read as a verdict."""

    def call(messages):
        if isinstance(returned, Exception):
            raise returned
        return returned

    verdict = Judge(template("yes-no"), Own(call, name="x"))(FOUR)
    assert (verdict.outcome, verdict.reason) == (Outcome.ABSTAIN, reason)


def test_an_async_client_is_refused():
    """Its calls return no text; the message says what to wrap it in."""

    async def call(messages):
        return "YES"

    with pytest.raises(UsageError, match=r"asyncio\.run"):
        Own(call)


def test_raw_text_needs_a_local_model():
    """A chat function cannot go on with raw text, and says so."""
    with pytest.raises(UsageError, match="local model"):
        Judge(template("general-verifier"), Own(always_yes))(FOUR)


def test_what_will_be_asked_is_known_before():
    """The requests of a run can be counted, and priced, without asking."""
    samples = [FOUR, Sample(" ", "4", prompt="?"), FOUR]
    assert len(list(judge([]).requests(samples))) == 2
    assert len(list(judge([], "rethink").requests(samples))) == 4


def test_a_guard_can_be_switched_off():
    """With guards the model is not asked; without, it is."""
    key = Sample("Thought process:", "4", prompt="2 + 2?")
    guarded = judge([])(key)
    assert (guarded.reason, guarded.evidence["guard"]) == (Reason.GUARDED, Guard.OPENER)
    assert guarded.trust is Trust.RULE
    assert judge("YES", guards=())(key).accepted


def test_a_verdict_goes_to_json_and_back():
    """A judge's verdict is kept like any other."""
    said = Said("YES", positions=(token("YES", ("YES", 0.9), ("NO", 0.1)),))
    verdict = judge([said], reading=Reading.CHANCE)(FOUR)
    assert Verdict.from_json(json.loads(json.dumps(verdict.to_json()))) == verdict


def test_where_reasoning_is_reported_apart_its_end_is_a_quote():
    """A closing tag in the text, where the server has taken the reasoning off, ends nothing."""
    said = Said("They wrote </think>YES", reasoning="hm")
    assert judge([said])(FOUR).reason is Reason.UNREADABLE_REPLY
    certain = token("YES", ("YES", 1.0)), token("They wrote </think>YES", ("YES", 1.0))
    for finish in (Finish.STOP, Finish.LENGTH):
        quoted = Said("They wrote </think>YES", finish, "hm", certain[1:])
        assert judge([quoted], reading=Reading.CHANCE)(FOUR).reason is Reason.UNREADABLE_REPLY
    begun = Said("", Finish.LENGTH, "YES", certain[:1])
    assert judge([begun], reading=Reading.CHANCE)(FOUR).reason is Reason.TRUNCATED
    plain = Said("YES", reasoning="hm", positions=certain[:1])
    assert judge([plain], reading=Reading.CHANCE)(FOUR).accepted
    assert judge([Said("YES", reasoning="hm")])(FOUR).accepted
    assert judge([Said("<think>hm</think>YES", reasoning="hm")])(FOUR).accepted


def test_a_client_that_hangs_is_a_timeout_and_keeps_no_program_alive():
    """Its thread is a daemon, and calls that have not begun are never made."""
    gone, called = threading.Event(), []

    def call(messages):
        called.append(messages)
        gone.wait()
        return "YES"

    own = Judge(template("yes-no"), Own(call, parallel=1), asking=Asking(deadline=0.05))
    try:
        verdicts = own.verify_batch([FOUR] * 2)
        assert {verdict.reason for verdict in verdicts} == {Reason.TIMEOUT}
        mine = [one for one in threading.enumerate() if one.name == "unflip-judge"]
        assert mine
        assert all(one.daemon for one in mine)
    finally:
        gone.set()
    assert len(called) == 1
