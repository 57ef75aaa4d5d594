"""The reports of an audit: safe, complete, and honest about what they cannot say."""

import re
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unflip.audit.auditing import audit
from unflip.audit.items import Item
from unflip.audit.probes import Probe, chosen
from unflip.report.audit_junit import to_junit
from unflip.report.audit_markdown import to_markdown
from unflip.report.audit_page import to_html
from unflip.report.audit_words import beaten, flipped, guarded, left_open
from unflip.types import Outcome, Reason, Verdict

TEXT = st.text(max_size=40).filter(str.strip)


def accepts(sample):
    """Accepts everything."""
    return Verdict(Outcome.ACCEPT, Reason.MATCH, answer=sample.text[:20] or None, by="yes@1+0")


class Tags(HTMLParser):
    """Collects what a page opens."""

    def __init__(self):
        super().__init__()
        self.opened = []

    def handle_starttag(self, tag, attrs):
        self.opened.append((tag, dict(attrs)))


def findings(text="key", reference="4", stratum=None):
    """An audit with one key, of a verifier that accepts everything."""
    items = [Item("2 + 2 = ?", (reference,), stratum), Item("3 + 3 = ?", ("6",), stratum)]
    probes = [*chosen(["shells"]), Probe(name=text, family="own", text=text)]
    return audit(accepts, items, probes, rewritten=False, about={"dataset": text})


@settings(max_examples=25)
@given(TEXT, TEXT, TEXT)
def test_what_data_say_stays_data(text, reference, stratum):
    """No text of a probe, a reference or a stratum opens a tag, and the XML stays XML."""
    hostile = f"<script>{text}</script>\x1b[31m\u202e\x00]]>"
    found = findings(hostile, f"<b>{reference}", f"<i>{stratum}")
    page = Tags()
    page.feed(to_html(found))
    assert "script" not in {tag for tag, _ in page.opened}
    assert not [1 for tag, _ in page.opened if tag in ("b>", "img", "link")]
    root = ET.fromstring(re.sub("^<[?].*[?]>", "", to_junit(found, ())))
    assert int(root.get("tests")) == len(root.findall("testcase"))
    assert "<script>" not in re.sub("`+[^`]*`+", "", to_markdown(found))
    told = to_html(found) + to_markdown(found) + to_junit(found, ())
    assert not set("\x1b\u202e\x00") & set(told)


def test_the_page_needs_nothing_else():
    """No script, no link to another host, and everything that is linked to is on the page."""
    page = Tags()
    page.feed(to_html(findings()))
    ids = {attrs["id"] for _, attrs in page.opened if "id" in attrs}
    links = [attrs["href"] for tag, attrs in page.opened if tag == "a"]
    assert links
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    assert not [attrs for _, attrs in page.opened if "src" in attrs]


def test_the_heat_map_tells_every_cell():
    """Each key has a strip with a cell for each stratum, told in words as well."""
    page = to_html(findings(stratum="sums"))
    assert page.count("<desc>sums: 2 of 2</desc>") >= len(findings().attacks)


def test_the_published_table_is_beside_ours():
    """A rule's figures on the ten keys stand above the twelve judges of the paper."""
    items = [Item(f"{n} + 1 = ?", (str(n + 1),)) for n in range(5)]
    page = to_html(audit(accepts, items, chosen(["symbols", "openers", "languages"])))
    assert "100.0 | 100.0" in page
    assert "Claude-4 Sonnet" in page
    assert "59.0" in page


@pytest.mark.parametrize("make", [to_html, to_markdown])
def test_missing_families_are_named(make):
    """Families that could not be tried are in the report with the reason."""
    assert "compares two answers" in make(findings())


def test_what_was_not_measured_is_not_told():
    """Without guards, repeats or another verifier, no sentence speaks of them."""
    found = findings()
    assert guarded(found) == flipped(found) == beaten(found) == left_open(found) == ""


def test_what_was_measured_is_told():
    """With repeats and another verifier, the sentences have their figures."""

    def never(sample):
        return Verdict(Outcome.REJECT, Reason.MISMATCH, by="no@1+0")

    items = [Item(f"{n} + 1 = ?", (str(n + 1),)) for n in range(5)]
    found = audit(accepts, items, chosen(["shells"]), repeats=2, against=never)
    assert "0 of" in flipped(found)
    assert "less this one" in beaten(found)
    assert "−100.0" in beaten(found)


def test_few_attempts_are_no_colour():
    """A cell of two attempts shows counts, since 100% of two would look like a finding."""
    page = to_html(findings(stratum="sums"))
    assert "2/2" in page
    assert 'class="hot"' not in page
