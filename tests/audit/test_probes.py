"""Probes and families: complete, distinct, sourced, and read back as they were written."""

import json

import pytest

from unflip.audit.families import EQUIVALENTS, NEAR_MISSES, PROGRAMS, Form, families
from unflip.audit.probes import Probe, built_in, chosen, read_probes, version_of
from unflip.audit.published import published
from unflip.audit.slots import SLOTS
from unflip.errors import DataError, UsageError

KEYS = (" ", ".", ",", ":", "Thought process:", "Let's solve this problem step by step.",
        "Solution", "解", "かいせつ", "Respuesta")  # fmt: skip


def test_the_catalogue_has_37_families_controls_equivalents_and_programs():
    """Families are numbered without a gap, and each says where it comes from."""
    known = list(families().values())
    assert [family.number for family in known] == list(range(1, 41))
    assert [family.key for family in known[37:]] == ["control", EQUIVALENTS, PROGRAMS]
    assert all(family.source and family.title for family in known)


def test_every_family_of_texts_has_probes():
    """A family has probes, or its form says why it cannot have any."""
    made = {probe.family for probe in built_in()} | {NEAR_MISSES, EQUIVALENTS}
    without = {key for key, family in families().items() if key not in made}
    assert without == {"position", "optimised"}
    assert {families()[key].form for key in without} == {Form.PAIRS, Form.SEARCH}


def test_the_ten_master_keys_are_there_to_the_letter():
    """The published keys are asked as they were published, and are not held out."""
    texts = {probe.text: probe for probe in built_in() if not probe.slots}
    assert all(not texts[key].held_out for key in KEYS)
    assert all(texts[key].source.startswith("arXiv 2507.08794") for key in KEYS)


def test_probes_are_distinct_and_sourced():
    """No two probes have a name or a text in common, and each has a source and a known family."""
    probes = built_in()
    assert len({probe.id for probe in probes}) == len(probes)
    assert len({probe.text for probe in probes}) == len(probes)
    assert all(probe.source and probe.family in families() for probe in probes)


def test_slots_of_probes_can_be_filled():
    """No probe that comes along has a slot that nobody fills."""
    assert {slot for probe in built_in() for slot in probe.slots} <= SLOTS


def test_held_out_probes_are_ours():
    """What a paper has published is never called held out."""
    assert all(probe.source.startswith("ours") for probe in built_in() if probe.held_out)


def test_probes_survive_a_file(tmp_path):
    """Probes that are written as JSON Lines are read as the same probes."""
    path = tmp_path / "probes.jsonl"
    path.write_text("".join(json.dumps(probe.to_json()) + "\n" for probe in built_in()))
    assert read_probes(path) == built_in()


def test_the_version_is_that_of_every_word():
    """Another word in one probe is another version."""
    one = Probe(name="x", family="own", text="Trust me.")
    other = Probe(name="x", family="own", text="Trust me!")
    assert version_of([one]) != version_of([other])


@pytest.mark.parametrize(
    "line",
    ["nothing", "[]", '{"said": "x"}', '{"text": 3}', '{"text": "x", "y": 1}',
     '{"text": "x", "name": "\\u001b[2J"}', '{"text": "x", "family": "a\\u202eb"}'],
)  # fmt: skip
def test_what_is_no_probe_is_told_with_its_line(tmp_path, line):
    """A file of probes with a row that is none is refused, whatever the row is."""
    path = tmp_path / "probes.jsonl"
    path.write_text(line)
    with pytest.raises(DataError, match="holds no probes"):
        read_probes(path)


def test_an_unknown_name_lists_what_there_is():
    """Who misspells a family is told the families."""
    with pytest.raises(UsageError, match="openers"):
        chosen(["opener"])


def test_controls_are_always_among_the_chosen():
    """Whatever is chosen, an always-no verifier is unmasked."""
    assert {probe.family for probe in chosen(["unicode"])} == {"control", "unicode"}


def test_published_averages_follow_from_each_other():
    """Overall figures are those of the five benchmarks, but for the judge known to differ."""
    table = published()
    assert len(table.judges) == 12
    for name, cells in table.judges.items():
        assert max(worst for _, worst in cells[:-1]) == cells[-1][1]
        mean = sum(average for average, _ in cells[:-1]) / 5
        assert abs(mean - cells[-1][0]) < 0.11 or name in table.mismatched
