"""A published judge is asked in its authors' words, and in no others."""

import json

import pytest

from unflip.errors import DataError, UsageError
from unflip.judges import Judge, read_judge
from unflip.judges.backends import Scripted
from unflip.judges.published import fingerprint
from unflip.judges.template import template
from unflip.types import Sample

OURS = """+++
name = "theirs"
version = 1
fields = ["question", "reference", "answer"]
marks = ["Gold:"]
fence = true
[grammar]
words = { YES = "yes", NO = "no" }
[published]
where = "their repository"
licence = "MIT"
doubled = true
digests = ["DIGEST"]
places = { question = "{q}", reference = "{gold}", answer = "{reference}" }
+++
<!-- system -->
Be strict.
<!-- user -->
{question} {reference} {answer}
"""
WORDS = "\nQ: {q}\nGold: {gold}\nA: {reference}\nIs it \\\\boxed{{}}?\n"
PLACED = "\nQ: {question}\nGold: {reference}\nA: {answer}\nIs it \\\\boxed{}?\n"
FOUR = Sample("so 4", "4", prompt="2 + 2?")
PUBLISHED = [
    "compass-verifier", "compass-verifier-cot", "general-verifier", "hle", "master-rm",
    "omni-judge", "simpleqa", "tinyv", "xverify",
]  # fmt: skip


@pytest.fixture
def theirs(tmp_path):
    """A template of a published judge, whose words are known by their digest."""
    path = tmp_path / "theirs.md"
    path.write_text(OURS.replace("DIGEST", fingerprint(PLACED)))
    return path


@pytest.mark.parametrize("form", ["text", "constant", "stripped", "json", "object"])
def test_the_words_come_as_they_are(tmp_path, theirs, form):
    """From a text, a constant or JSON: fields in their places, braces single, newlines kept."""
    files = {
        "text": ("words.txt", WORDS, ""),
        "constant": ("prompts.py", f"import os\nPROMPT = {WORDS!r}\n", ":PROMPT"),
        "stripped": ("prompts.py", f"PROMPT = {WORDS!r}.strip()\n", ":PROMPT"),
        "json": ("prompts.json", json.dumps({"a/b-1.5": WORDS}), ":a/b-1.5"),
        "object": ("prompts.json", json.dumps({"a/b": {"template": WORDS}}), ":a/b"),
    }
    name, text, behind = files[form]
    (tmp_path / name).write_text(text)
    words = template(theirs, words=f"{tmp_path / name}{behind}")
    prompt = words.fill({"question": "{gold}", "reference": "4", "answer": "5"})
    system, user = prompt.stages[0]
    assert (system.role, system.text) == ("system", "Be strict.")
    told = "\nQ: {gold}\nGold: 4\nA: 5\nIs it \\\\boxed{}?\n"
    assert user.text == (told.strip() if form == "stripped" else told)
    assert (words.source, words.licence) == ("the words of their repository", "MIT")


def test_other_words_are_refused(tmp_path, theirs):
    """One letter more, and they are not what was published."""
    path = tmp_path / "words.txt"
    path.write_text(WORDS.replace("Is it", "Is  it"))
    with pytest.raises(DataError, match="not the words that were published in their repository"):
        template(theirs, words=path)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("nowhere.txt", "no words can be read"),
        ("prompts.py:OTHER", "no OTHER"),
        ("prompts.py:NUMBER", "no text"),
        ("prompts.py:CALL", "no text"),
        ("prompts.json:OTHER", "no OTHER"),
        ("prompts.txt", "have no {q}"),
    ],
)
def test_what_holds_no_words_is_named(tmp_path, theirs, words, why):
    """The message says which file, and what it lacks; nothing of it is run."""
    (tmp_path / "prompts.py").write_text("NUMBER = 4\nCALL = open('ran', 'w').name\n")
    (tmp_path / "prompts.json").write_text("{}")
    (tmp_path / "prompts.txt").write_text("Is it?")
    with pytest.raises(DataError, match=why):
        template(theirs, words=tmp_path / words)
    assert not (tmp_path / "ran").exists()


def test_our_own_templates_have_no_other_words(tmp_path):
    """Only a published judge's words can be replaced."""
    with pytest.raises(DataError, match="no published judge"):
        template("yes-no", words=tmp_path / "words.txt")


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_published_judge_takes_only_its_own_words(tmp_path, name):
    """Where the authors' words are known, made-up ones are refused, and else called unchecked."""
    places = {
        "tinyv": "{{QUESTION}} {{GROUND_TRUTH_ANSWER}} {{MODEL_ANSWER}}",
        "simpleqa": "{question} {target} {predicted_answer}",
        "hle": "{question} {response} {correct_answer}",
        "xverify": "{question} {output} {answer}",
    }
    path = tmp_path / "words.txt"
    path.write_text(
        places.get(name, "{question} {reference} {answer} {gold_answer} {llm_response} {response}"
                   " {ground_truth} {student_answer}")
    )  # fmt: skip
    checked = {"compass-verifier", "compass-verifier-cot", "tinyv"}
    if name in checked:
        with pytest.raises(DataError, match="not the words"):
            template(name, words=path)
    else:
        assert template(name, words=path).source.endswith(", unchecked")
        assert not template(name, words=path).fence


def test_a_judge_in_a_file_names_its_words(tmp_path, theirs):
    """The path is meant from the judge's folder, and other words make another judge."""
    (tmp_path / "words.txt").write_text(WORDS)
    backend = '[backend]\nkind = "endpoint"\nurl = "http://localhost/v1"\nmodel = "m"'
    for name, words in (("with", 'words = "words.txt"'), ("without", "")):
        (tmp_path / f"{name}.toml").write_text(f'template = "theirs.md"\n{words}\n{backend}')
    said = read_judge(tmp_path / "with.toml")
    assert said.template.source == "the words of their repository"
    assert said.by != read_judge(tmp_path / "without.toml").by
    (tmp_path / "bad.toml").write_text(f'words = "words.txt"\n{backend}')
    with pytest.raises(DataError, match="no published judge"):
        read_judge(tmp_path / "bad.toml")


def test_the_authors_words_are_judged_like_any(tmp_path, theirs):
    """The verdict is read by the template's grammar."""
    (tmp_path / "words.txt").write_text(WORDS)
    judge = Judge(template(theirs, words=tmp_path / "words.txt"), Scripted("YES"))
    assert judge(FOUR).accepted


def test_a_table_that_says_something_else_is_refused(tmp_path):
    """An unknown key of `[published]` is named."""
    path = tmp_path / "theirs.md"
    path.write_text(OURS.replace("doubled", "tripled"))
    (tmp_path / "words.txt").write_text(WORDS)
    with pytest.raises((DataError, UsageError), match="tripled"):
        template(path, words=tmp_path / "words.txt")
