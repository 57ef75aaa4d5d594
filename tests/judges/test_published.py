"""A published judge is asked in its authors' words, and in no others."""

import json
import re
import tomllib
from pathlib import Path

import pytest

from unflip.errors import DataError, UsageError
from unflip.judges import Judge, read_judge
from unflip.judges.backends import Scripted
from unflip.judges.published import fingerprint
from unflip.judges.template import names, template
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
PROMPTS = Path("unflip/judges/prompts")
SHIPPED = {
    "compass-verifier": ("\nPlease as a grading expert, judge", "candidate's answer:\n"),
    "compass-verifier-cot": ("As a grading expert, your task is", "and Final Judgment:\n"),
    "general-verifier": (
        "User: ### Question: {question}\n\n###",
        '"Final Decision: No". Assistant:',
    ),
    "hle": ("Judge whether the following [response]", "no confidence score available."),
    "simpleqa": ("Your job is to look at a question, a", 'or "C", with no text around it.'),
}
LOADED = ["master-rm", "omni-judge", "tinyv", "xverify"]


def published(name):
    """The table `[published]` of one of our files."""
    return tomllib.loads(said_by(name).split("+++\n")[1])["published"]


def said_by(name):
    """One of our files."""
    return (PROMPTS / f"{name}.md").read_text()


def as_published(name):
    """The text that we ship as its authors have it: their names, and braces doubled if they are."""
    table = published(name)
    ((_, text),) = template(name).turns
    places, times = table["places"], 2 if table.get("doubled") else 1
    return re.sub(r"\{(\w+)\}|[{}]", lambda one: places.get(one[1]) or double(one[0], times), text)


def double(piece, times):
    """A brace, or a word in braces that is no place, with its braces so many times."""
    return piece.replace("{", "{" * times).replace("}", "}" * times)


@pytest.fixture
def theirs(tmp_path):
    """A template of a published judge, whose words are known by their digest."""
    path = tmp_path / "theirs.md"
    path.write_text(OURS.replace("DIGEST", fingerprint(PLACED)))
    return path


@pytest.mark.parametrize("form", ["text", "constant", "stripped", "card", "json", "object"])
def test_the_words_come_as_they_are(tmp_path, theirs, form):
    """From a text, a constant or JSON: fields in their places, braces single, newlines kept."""
    files = {
        "text": ("words.txt", WORDS, ""),
        "constant": ("prompts.py", f"import os\nPROMPT = {WORDS!r}\n", ":PROMPT"),
        "stripped": ("prompts.py", f"PROMPT = {WORDS!r}.strip()\n", ":PROMPT"),
        "card": ("README.md", f"```\n$ x\n```\n```python\nPROMPT = {WORDS!r}\n```\n", ":PROMPT"),
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
        ("prompts.md:OTHER", "has OTHER"),
        ("prompts.txt", "have no {q}"),
    ],
)
def test_what_holds_no_words_is_named(tmp_path, theirs, words, why):
    """The message says which file, and what it lacks; nothing of it is run."""
    (tmp_path / "prompts.py").write_text("NUMBER = 4\nCALL = open('ran', 'w').name\n")
    (tmp_path / "prompts.json").write_text("{}")
    (tmp_path / "prompts.md").write_text("OTHER = 'x'\n```python\nMINE = 'x'\n```\n")
    (tmp_path / "prompts.txt").write_text("Is it?")
    with pytest.raises(DataError, match=why):
        template(theirs, words=tmp_path / words)
    assert not (tmp_path / "ran").exists()


def test_our_own_templates_have_no_other_words(tmp_path):
    """Only a published judge's words can be replaced."""
    with pytest.raises(DataError, match="no published judge"):
        template("yes-no", words=tmp_path / "words.txt")


def test_each_published_judge_is_shipped_or_loaded():
    """No third kind: these are all our files that speak of a published judge's words."""
    table = {name: published(name) for name in names() if "[published]" in said_by(name)}
    assert sorted(SHIPPED) == sorted(name for name in table if table[name].get("shipped"))
    assert sorted(LOADED) == sorted(name for name in table if not table[name].get("shipped"))


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_words_are_the_published_ones(name):
    """To the last newline: their digest is known, and the exact text's is in the pinned hashes."""
    words = template(name)
    ((_, text),) = words.turns
    opening, closing = SHIPPED[name]
    assert text.startswith(opening)
    assert text.endswith(closing)
    assert published(name)["digests"] == [fingerprint(text)]
    assert words.source == f"the words of {published(name)['where']}"
    assert (words.licence, words.fence) == (published(name)["licence"], False)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_filled_prompt_is_the_words_with_the_fields_in_their_places(name):
    """As if the authors' own code had filled them in; a field's name in a value stays one."""
    values = {"question": "2 + {answer}?", "reference": "{4}", "answer": "so \\frac{8}{2}"}
    prompt = template(name).fill(values)
    theirs = {mark[1:-1]: values[ours] for ours, mark in published(name)["places"].items()}
    shown = prompt.raw or prompt.stages[0][0].text
    assert shown == as_published(name).format(**theirs)
    assert not prompt.blanks


@pytest.mark.parametrize("name", SHIPPED)
def test_the_authors_own_file_gives_the_template_that_is_shipped(tmp_path, name):
    """Loading what they published changes nothing, and loading another version says so."""
    path = tmp_path / "words.txt"
    path.write_text(as_published(name))
    assert template(name, words=path) == template(name)
    path.write_text(as_published(name) + "Think twice.")
    assert template(name, words=path).source.endswith(", unchecked")


def test_shipped_words_that_were_changed_say_so(tmp_path):
    """A blank lost at a line's end is another prompt."""
    path = tmp_path / "compass-verifier.md"
    path.write_text(said_by("compass-verifier").replace("A: CORRECT \n", "A: CORRECT\n"))
    assert template(path).source.endswith(", unchecked")


@pytest.mark.parametrize("name", SHIPPED)
def test_the_notice_names_what_is_shipped(name):
    """Each text has its origin and licence there, and the package carries the file."""
    notice = (PROMPTS / "NOTICE").read_text()
    paragraph = next(part for part in notice.split("\n\n") if f"{name}.md" in part)
    assert published(name)["where"].split(" at ")[0].split(",")[0] in paragraph
    licence = {"MIT": "MIT License", "Apache-2.0": "Apache License 2.0"}[template(name).licence]
    assert licence in paragraph
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    assert "unflip/judges/prompts/NOTICE" in project["license-files"]
    assert template(name).licence in project["license"].split(" AND ")


@pytest.mark.parametrize("name", LOADED)
def test_other_published_judges_say_how_to_get_their_words(tmp_path, name):
    """Without them the words are ours; made-up ones are refused, or called unchecked."""
    assert "our own words" in template(name).source
    assert "words= takes its authors'" in template(name).source
    path = tmp_path / "words.txt"
    path.write_text(" ".join(published(name)["places"].values()))
    if "digests" in published(name):
        with pytest.raises(DataError, match="not the words"):
            template(name, words=path)
    else:
        assert template(name, words=path).source.endswith(", unchecked")


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
