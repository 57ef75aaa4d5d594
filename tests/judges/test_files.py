"""A judge in a file is the judge that one would have written in Python."""

import json

import pytest

from tests.judges.server import Plan, serving
from unflip.errors import DataError, UsageError
from unflip.judges import Guard, Judge, Reading, Rubric, Sees, read_judge, template
from unflip.judges.backends import Endpoint, Scripted, recording
from unflip.judges.store import Stored
from unflip.plugins import load
from unflip.types import Outcome, Sample

ENDPOINT = '[backend]\nkind = "endpoint"\nurl = "http://localhost:8000/v1"\nmodel = "m"\n'


def written(folder, text):
    """The path of a file with that text."""
    path = folder / "judge.toml"
    path.write_text(text)
    return path


def test_a_file_is_a_judge(tmp_path):
    """Every setting of a judge can be written down."""
    path = written(tmp_path, """
template = "principle"
reading = "chance"
sees = "answer"
guards = ["empty"]
store = "replies.sqlite"
[given]
principle = "is brief"
[policy]
accept_at = 0.9
invalid = "abstain"
on_error = "raise"
[asking]
max_tokens = 2
key = "run 7"
""" + ENDPOINT)  # fmt: skip
    judge = read_judge(path)
    assert judge.template == template("principle")
    assert (judge.reading, judge.sees, judge.guards) == (
        Reading.CHANCE,
        Sees.ANSWER,
        (Guard.EMPTY,),
    )
    assert (judge.policy.accept_at, judge.policy.invalid) == (0.9, Outcome.ABSTAIN)
    assert (judge.asking.max_tokens, judge.given) == (2, (("principle", "is brief"),))
    assert judge.backend == Stored(
        Endpoint("http://localhost:8000/v1", "m"), str(tmp_path / "replies.sqlite")
    )


def test_the_default_is_a_plain_judge(tmp_path):
    """A backend is all it takes."""
    judge = read_judge(written(tmp_path, ENDPOINT))
    assert judge == Judge(template("yes-no"), Endpoint("http://localhost:8000/v1", "m"))


def test_a_file_is_a_verifiers_name(tmp_path):
    """`--with judge.toml(accept_at=0.8)` and `--accept-at` set the threshold."""
    path = written(tmp_path, 'reading = "chance"\n' + ENDPOINT)
    assert load(f"{path}").policy.accept_at == 0.5
    assert load(f"{path}(accept_at=0.8)").policy.accept_at == 0.8
    assert load(f"{path}", accept_at=0.7).policy.accept_at == 0.7
    assert load(f"{path}(template='yes-no-blind')").template.name == "yes-no-blind"


def test_a_recording_plays_back(tmp_path, monkeypatch):
    """A judge on a recording gives the verdicts of the recorded judge, wherever it is run."""
    sample = Sample("5", "4", prompt="2 + 2?")
    live = Judge(
        template("yes-no"), recording(Scripted("NO", kind="real"), tmp_path / "said.jsonl")
    )
    verdict = live(sample)
    path = written(tmp_path, '[backend]\nkind = "replay"\npath = "said.jsonl"\n')
    monkeypatch.chdir("/")
    replayed = read_judge(path)
    assert replayed(sample).outcome is verdict.outcome
    assert replayed.by == live.by
    assert replayed(Sample("6", "4", prompt="?")).reason == "unreachable"


def test_criteria_make_a_rubric(tmp_path):
    """A list of criteria, and the least score that accepts."""
    text = '[[criteria]]\ntext = "is brief"\nweight = 0.7\n[policy]\naccept_at = 0.6\n' + ENDPOINT
    one = read_judge(written(tmp_path, text))
    assert isinstance(one, Rubric)
    assert (one.criteria[0].weight, one.accept_at, one.judge.template.name) == (0.7, 0.6, "rubric")


def test_a_template_beside_the_file(tmp_path):
    """A template's path is meant from the judge's folder."""
    (tmp_path / "mine.md").write_text(
        '+++\nname = "mine"\nversion = 3\nfields = ["answer"]\n[grammar]\n'
        'words = {OK = "yes", BAD = "no"}\n+++\n<!-- user -->\nGrade {answer}'
    )
    judge = read_judge(written(tmp_path, 'template = "mine.md"\n' + ENDPOINT))
    assert judge.template.title == "mine@3"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "backend"),
        ('[backend]\nkind = "oracle"', "endpoint, local and replay"),
        ('[backend]\nkind = "endpoint"', "describes no judge"),
        ("tempalte = 'x'\n" + ENDPOINT, "tempalte"),
        ('reading = "tea"\n' + ENDPOINT, "tea"),
        ('template = "pairwise"\n' + ENDPOINT, "compares two"),
        ('guards = ["dog"]\n' + ENDPOINT, "dog"),
        ("[policy]\naccept = 1\n" + ENDPOINT, "accept"),
    ],
)
def test_what_is_no_judge_is_refused(tmp_path, text, told):
    """The message names the key."""
    with pytest.raises(UsageError, match=told):
        read_judge(written(tmp_path, text))


def test_a_file_that_is_none_is_told(tmp_path):
    """A missing file, or one that is no TOML, is the data's fault."""
    with pytest.raises(DataError, match="cannot be read"):
        read_judge(tmp_path / "nowhere.toml")
    with pytest.raises(DataError, match="cannot be read"):
        read_judge(written(tmp_path, "= ="))


def test_a_verdict_of_a_file_says_what_it_stands_on(tmp_path):
    """The verdict's evidence is the judge's, and JSON can hold it."""
    live = Judge(template("yes-no"), recording(Scripted("NO"), tmp_path / "said.jsonl"))
    sample = Sample("5", "4", prompt="2 + 2?")
    live(sample)
    path = written(tmp_path, '[backend]\nkind = "replay"\npath = "said.jsonl"\n')
    assert json.loads(json.dumps(load(str(path))(sample).to_json()))["evidence"]["label"] == "no"


def test_an_address_is_a_judge():
    """An endpoint needs no file: the one model that it has is asked, and options are a file's."""
    with serving(Plan(says=lambda prompt: "YES")) as server:
        judge = load(f"{server.url}(accept_at=0.9, parallel=3, template='tinyv')")
        assert load(f"{server.url}")(Sample("4", "4", prompt="2 + 2?")).accepted
    assert (judge.backend.model, judge.parallel) == ("stub", 3)
    assert (judge.policy.accept_at, judge.template) == (0.9, template("tinyv"))


@pytest.mark.parametrize(
    ("models", "options", "says"),
    [
        (("a", "b"), "", "a, b"),
        ((), "", "lists none"),
        (("a",), "(nothing=1)", "nothing"),
    ],
)
def test_an_address_that_is_no_judge_says_what_lacks(models, options, says):
    """Which models there are to choose from, or which option nobody knows."""
    with serving(Plan(models=models)) as server, pytest.raises(UsageError, match=says):
        load(f"{server.url}{options}")


def test_a_file_says_what_kind_of_model_it_is(tmp_path):
    """A stub behind an endpoint can be called one."""
    path = written(tmp_path, ENDPOINT + 'model_kind = "stub"\n')
    assert read_judge(path).kind == "stub"
