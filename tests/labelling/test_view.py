"""What a person sees of a sample holds its texts, and nothing that could be an anchor."""

import json

from hypothesis import given
from hypothesis import strategies as st

from unflip.labelling.view import LIMIT, runs, view_of
from unflip.types import Sample


def test_the_view_is_blind():
    """Neither labels nor strata nor what judges said are in the view."""
    meta = {"judges": {"gpt": "ANCHOR"}, "verdict": "ANCHOR", "options": ["three", "four"]}
    sample = Sample("B", "B", prompt="2 + 2?", correct=True, stratum="ANCHOR", meta=meta)
    view = view_of(sample)
    assert "ANCHOR" not in repr(view)
    assert view.question.text == "2 + 2?\nA: three\nB: four"


def test_options_by_name():
    """Options that have names are shown with them."""
    sample = Sample("B", "B", meta={"choices": {"A": 3, "B": 4}})
    assert view_of(sample).question.text == "A: 3\nB: 4"


def test_a_long_text_is_shown_by_its_end():
    """The answer stands at the end; how much is not shown is counted."""
    part = view_of(Sample("x" * 1_000_000 + "it is 4")).completion
    assert part.text.endswith("it is 4")
    assert len(part.text) == LIMIT
    assert part.before == 1_000_007 - LIMIT


def test_chats_are_shown_whole():
    """Of several messages each has its role; one alone is just its text."""
    chat = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "2 + 2?"}]
    assert view_of(Sample("4", prompt=chat)).question.text == "system: Be brief.\n\nuser: 2 + 2?"
    assert view_of(Sample([{"role": "assistant", "content": "4"}])).completion.text == "4"
    assert view_of(Sample([])).completion.text == ""


def test_references_of_every_kind():
    """Alternatives are shown each; what is no text is shown as JSON; none is none."""
    shown = [[part.text for part in view_of(Sample("4", given)).references]
             for given in (("4", "four"), 4, {"type": "int", "value": 4}, None)]  # fmt: skip
    assert shown == [["4", "four"], ["4"], ['{"type": "int", "value": 4}'], []]


@given(st.text(st.characters(codec=None), max_size=50))
def test_runs_spell_out_what_hides(text):
    """No run holds a control or format character or a lone surrogate, and none is lost."""
    told = runs(text)
    json.dumps(told)
    shown = "".join(piece for piece, hidden in told)
    assert all(char.isprintable() or char in "\n\t\u3000" for char in shown)
    assert "".join(piece for piece, hidden in told if not hidden) in text or any(
        hidden for _, hidden in told
    )


def test_a_flood_of_one_character_is_one_run():
    """A character repeated a million times is told once, with its count."""
    assert runs("a" + "\0" * 1_000_000) == [("a", False), ("U+0000 ×1,000,000", True)]
