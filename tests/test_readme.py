"""README keeps its word: CI runs its commands, its links lead somewhere, it stays short."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def block(marker):
    """The shell block behind a marker."""
    return re.search(rf"<!-- {marker} -->\n```bash\n(.+?)```", README, re.DOTALL)[1]


def slug(heading):
    """The anchor that a heading has on a rendered page."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


@pytest.mark.parametrize("marker", ["demo", "tests"])
def test_each_job_is_one_command(marker):
    """The main job and the tests take one line each, of files that exist."""
    command = block(marker)
    assert command.count("\n") == 1
    assert all((ROOT / path).exists() for path in re.findall(r"requirements/\S+", command))


def test_ci_runs_the_command_of_readme():
    """CI takes the test command out of README, and has none of its own."""
    script = (ROOT / ".ci" / "run").read_text()
    assert "<!-- tests -->" in script
    assert "pytest" not in script


def test_readme_is_short():
    """README stays within about 200 lines."""
    assert len(README.splitlines()) <= 200


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    """Every relative link of a page leads to a file, and to a heading where it names one."""
    prose = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    for target in re.findall(r"\]\((?!http)([^)]+)\)", prose):
        path, _, anchor = target.partition("#")
        there = page.parent / path if path else page
        assert there.exists(), target
        headings = re.findall(r"^#+ (.+)$", there.read_text(), re.MULTILINE)
        assert not anchor or anchor in map(slug, headings), target
