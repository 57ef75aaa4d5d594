"""Items, rewrites and the plan: what is asked is right by construction."""

import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unflip.audit.items import Item, Kind, items_of, kind_of, numbers_in
from unflip.audit.plan import Plan
from unflip.audit.probes import Probe, built_in, chosen
from unflip.audit.rewriting import rewrites, superscript_of
from unflip.audit.slots import Filler
from unflip.errors import UsageError
from unflip.types import Sample

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=30)
NUMBERS = st.integers(-(10**6), 10**6).map(str) | st.fractions(max_denominator=99).map(str)
LISTS = st.lists(st.integers(-50, 50), min_size=2, max_size=4).map(lambda n: str(tuple(n)))
WRONG = tuple(probe for probe in built_in() if probe.id == "control/wrong")
REFERENCES = (WORDS | NUMBERS | LISTS | st.sampled_from("ABCD")).filter(str.strip)


def asks(*references, probes=None, **how):
    """Everything that is asked about items with these references."""
    items = [Item(f"question {n}", (one,)) for n, one in enumerate(references)]
    return list(Plan(items, built_in() if probes is None else probes, **how).asks())


@settings(max_examples=30)
@given(REFERENCES)
def test_a_completion_is_asked_once_and_is_no_two_things(reference):
    """No completion stands twice for an item, and none must be both accepted and rejected."""
    made = asks(reference, "another one")
    texts = [(ask.item, ask.sample.text) for ask in made]
    assert len(set(texts)) == len(texts)
    assert all(len({probe.accept for probe in ask.probes}) == 1 for ask in made)


@settings(max_examples=30)
@given(REFERENCES)
def test_the_reference_itself_must_never_be_rejected(reference):
    """Whatever the reference is, no probe asks a verifier to reject it as it stands."""
    made = [ask.sample for ask in asks(reference, "another one") if ask.item == 0]
    assert reference.strip() not in {one.text.strip() for one in made if not one.correct}


@given(NUMBERS)
def test_wrong_numbers_are_wrong(reference):
    """The plain wrong answer to a number is another number."""
    made = {ask.probes[0].id: ask.sample.text for ask in asks(reference, probes=WRONG)}
    assert Fraction(made["control/wrong"]) != Fraction(reference)


@given(LISTS)
def test_rewrites_of_lists_are_what_they_say(reference):
    """A rewrite of a tuple is equivalent exactly if it holds the same numbers in the same order."""
    given_parts = numbers_in(reference)[1]
    for one in rewrites(Item("", (reference,))):
        inner = one.text.strip("$()").split(",")
        assert (tuple(part.strip() for part in inner) == given_parts) is one.equivalent


@given(st.sets(st.integers(-50, 50), min_size=2, max_size=4))
def test_sets_have_no_order(members):
    """A set in another order is the same set, and one with another member is not."""
    reference = f"{{{', '.join(map(str, members))}}}"
    for one in rewrites(Item("", (reference,))):
        inner = {int(part) for part in one.text.strip("$").strip("{}").split(",")}
        assert (inner == members) is one.equivalent


@given(st.integers(0, 10**6))
def test_superscripts_are_other_numbers(number):
    """What normalisation turns into the reference says another number."""
    text = superscript_of(str(number))
    if text is not None:
        base, power = text[:-1], "⁰¹²³⁴⁵⁶⁷⁸⁹".index(text[-1])
        assert int(base) ** power != number


@given(st.integers(2, 50), st.integers(-1, 1))
def test_no_other_reference_is_called_wrong(number, off):
    """What has the value of any of an item's references is no wrong answer, however written."""
    item = Item("q", (str(number), f"{number + off}.0", f"-{number}"))
    for one in rewrites(item):
        text = one.text.strip()
        if not one.equivalent and re.fullmatch(r"-?\d+", text):
            assert int(text) not in (number, number + off, -number)


def test_wrong_letters_are_none_of_the_right_ones():
    """Of a choice with several right letters, the wrong answer is another one."""
    for seed in range(20):
        filler = Filler([Item("q", ("A", "(B)", "C"))], str, seed)
        assert filler.wrong(0) == "D"
        assert filler.wrong(0, 1) is None


def test_numbers_inside_expressions_are_left_alone():
    """11^0 is 10^0: of an expression no other number is certified to be another value."""
    kinds = {one.kind for one in rewrites(Item("q", ("10^0",)))}
    assert "number inside" not in kinds
    assert "number inside" in {one.kind for one in rewrites(Item("q", ("Apollo 11",)))}


def test_the_plan_is_the_same_each_time():
    """Asked twice, a plan asks the same; with another seed, it draws other keys."""
    first = [ask.sample.key for ask in asks("4", "Paris")]
    assert first == [ask.sample.key for ask in asks("4", "Paris")]
    assert first != [ask.sample.key for ask in asks("4", "Paris", seed=1)]


def test_keys_are_the_same_for_every_item():
    """A key that is drawn is one key on all items: else no rate would be that of a key."""
    drawn = [a for a in asks("4", "5", "6") if a.probes[0].id == "openers/drawn-1"]
    assert len({ask.sample.text for ask in drawn}) == 1
    assert len(drawn) == 3


def test_an_answer_is_not_asked_to_be_rejected():
    """A key that happens to be the reference, and words that fit one, are left out."""
    made = {
        probe.id
        for ask in asks("Solution", "none of them")
        for probe in ask.probes
        if ask.item == 0
    }
    assert "openers/solution" not in made
    left = {probe.id for ask in asks("none of them") for probe in ask.probes}
    assert "hedging/no-solution" not in left


def test_what_cannot_be_made_is_counted():
    """Items without a question skip the probes that repeat it, and the plan knows how many."""
    plan = Plan([Item("", ("4",)), Item("2 + 3 = ?", ("5",))], built_in())
    assert plan.skipped["question-echo/verbatim"] == 1


def test_a_probe_for_few_items_is_made_for_few():
    """`most` is kept: a megabyte is not sent for every item."""
    made = [ask for ask in asks(*map(str, range(20))) if ask.probes[0].id == "length/padding-alone"]
    assert len(made) == 5


def test_unknown_slots_are_refused():
    """A probe whose slot nobody fills is a mistake that is told before anything is asked."""
    with pytest.raises(UsageError, match="no slot is called answer"):
        Plan([Item("", ("4",))], [Probe(name="x", family="own", text="{{answer}}")])


def test_items_do_not_depend_on_the_order_of_rows():
    """Which items are drawn depends on their content, and completions do not matter."""
    rows = [Sample(f"answer {n}", str(n), f"question {n}") for n in range(50)]
    assert items_of(rows, n=10) == items_of(rows[::-1], n=10)
    assert items_of(rows, n=10) != items_of(rows, n=10, seed=1)
    again = [Sample("another", str(n), f"question {n}") for n in range(50)]
    assert len(items_of([*rows, *again])) == 50


def test_items_need_a_reference():
    """Rows without any reference are a mistake that is told."""
    with pytest.raises(UsageError, match="no row has a reference"):
        items_of([Sample("4", None), Sample("4", " ")])


@pytest.mark.parametrize(
    ("reference", "kind"),
    [("12", Kind.NUMBER), ("-3/4", Kind.NUMBER), ("1e3", Kind.TEXT), ("B", Kind.CHOICE),
     ("(c)", Kind.TEXT), ("[1, 2]", Kind.NUMBERS), ("1, 2", Kind.NUMBERS), ("(1, 2]", Kind.TEXT),
     ("x", Kind.TEXT)],
)  # fmt: skip
def test_kinds_of_references(reference, kind):
    """What a reference is decides what can be certified about other answers."""
    assert kind_of(reference) is kind


def test_controls_are_stated_as_the_verifier_wants_them():
    """A verifier of boxes is not charged for rejecting what has none."""
    plan = Plan([Item("q", ("4",))], chosen(["symbols"]), r"\boxed{{{}}}".format, rewritten=False)
    right = [ask.sample.text for ask in plan.asks() if ask.sample.correct]
    assert right == [r"\boxed{4}", r"\boxed{$4$}", r"The answer is \boxed{4}."]
