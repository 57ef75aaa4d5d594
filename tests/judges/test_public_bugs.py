"""Bugs found by reading public judges, each as a test that it cannot happen here.

Those of reading a reply are rows of fixtures/judges/replies.jsonl; these are those of policy.
"""

import pytest

from unflip.errors import UsageError
from unflip.judges import Finish, Judge, Own, Reply, Said, Silence, Unanswered, template
from unflip.judges.backends import Scripted
from unflip.judges.template import parse
from unflip.types import Outcome, Sample

WRONG = Sample("it is 5", "4", prompt="2 + 2?", correct=False)
FAILURES = [
    *(Unanswered(silence) for silence in Silence),
    Reply(()),
    Said(""),
    Said("YES", Finish.LENGTH),
    Said("YES", Finish.REFUSED),
    Said('{"score": 1.0'),
    Said("Error: 503 Service Unavailable"),
]


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_rllm_no_judge_means_accept_anything(failure):
    """In rllm no URL, any exception or bad JSON accepted every answer that is not empty."""
    verdict = Judge(template("yes-no"), Scripted([failure]))(WRONG)
    assert verdict.outcome is Outcome.ABSTAIN
    assert (verdict.p, verdict.score) == (None, None)


@pytest.mark.parametrize("failure", FAILURES, ids=str)
def test_verl_skyrl_open_instruct_failure_is_a_wrong_answer(failure):
    """verl, SkyRL, open-instruct: an outage was 0.0, a wrong answer, whatever the answer was."""
    right = Sample("4", "4", prompt="2 + 2?", correct=True)
    assert Judge(template("yes-no"), Scripted([failure]))(right).outcome is not Outcome.REJECT


def test_open_instruct_never_shows_the_answer():
    """open-instruct factuality: `{{input}}` showed the judge the word input, never the answer."""
    head = (
        'name = "f"\nversion = 1\nfields = ["answer"]\n[grammar]\nwords = {YES = "yes", NO = "no"}'
    )
    with pytest.raises(UsageError, match="single braces"):
        parse(f"+++\n{head}\n+++\n<!-- user -->\nIs this factual? " + "{{input}}")
    shown = parse(f"+++\n{head}\n+++\n<!-- user -->\nIs this factual? " + "{{answer}}")
    assert shown.fill({"answer": "it is 5"}).stages[0][0].text == "Is this factual? {it is 5}"


def test_open_instruct_score_without_a_range():
    """open-instruct quality_rubric: "SCORE: 100" paid 100.0, and 10 of 10 paid 10.0."""
    head = (
        'name = "q"\nversion = 1\nfields = ["answer"]\n'
        '[grammar]\nkind = "marks"\nlow = 0\nhigh = 1\naccept_at = 0.5\nbefore = "SCORE:"'
    )
    words = parse(f"+++\n{head}\n+++\n<!-- user -->\nGrade: {{answer}}")
    for said, score in (("SCORE: 100", None), ("SCORE: 10", None), ("SCORE: 0.8", 0.8)):
        assert Judge(words, Scripted(said))(WRONG).score == score


def test_lighteval_scores_the_text_of_an_error():
    """lighteval: the text of a transport error was scored as if the model had said it."""

    def down(messages):
        raise ConnectionError("yes, the connection was reset")

    assert Judge(template("yes-no"), Own(down, name="down"))(WRONG).outcome is Outcome.ABSTAIN


def test_xverify_a_timeout_is_an_empty_reply():
    """xVerify: a timeout came back as '', which is no verdict, and says timeout here."""
    verdict = Judge(template("xverify"), Scripted([Unanswered(Silence.TIMEOUT)]))(WRONG)
    assert verdict.reason == "timeout"
