"""P(yes) from log-probabilities: every variant once, and at the right token."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.judges.asking import Position
from unflip.judges.chances import Estimator, from_logprobs, from_samples, variants, weighed
from unflip.judges.grammar import Place, Ruling, Words
from unflip.judges.template import names, template

PAIR = (("YES", "yes"), ("NO", "no"))
WHOLE = Words(PAIR)


def spell(text, **tops):
    """Positions for tokens joined by `~`; `tops` gives a token's alternatives."""
    return [
        Position(token, math.log(tops.get(token.strip(), {}).get(token, 0.9)),
                 tuple((t, math.log(p)) for t, p in tops.get(token.strip(), {}).items()))
        for token in text.split("~")
    ]  # fmt: skip


def test_all_variants_are_summed_once():
    """Case, blanks, marks and a full stop make variants; what was said is not counted twice."""
    top = {"YES": 0.3, "yes": 0.2, " Yes": 0.1, "ĠYES": 0.1, "**YES": 0.05, "NO": 0.1, "No.": 0.05}
    chance = from_logprobs(spell("YES", YES=top), WHOLE)
    assert chance.shares == pytest.approx({"yes": 0.75, "no": 0.15})
    assert (chance.p, chance.mass) == (pytest.approx(0.75 / 0.9), pytest.approx(0.9))


def test_what_only_begins_or_contains_a_word_is_none():
    """NOT, YESTERDAY and N are other words."""
    top = {"NO": 0.2, "NOT": 0.3, "N": 0.2, "YESTERDAY": 0.2, "KNOW": 0.1}
    assert from_logprobs(spell("NO", NO=top), WHOLE).shares == pytest.approx({"no": 0.2})


def test_what_was_said_counts_though_no_top_lists_it():
    """An endpoint that reports few alternatives has still reported what it said."""
    chance = from_logprobs([Position("NO", math.log(0.01), (("YES", math.log(0.9)),))], WHOLE)
    assert chance.p == pytest.approx(0.9 / 0.91)


def test_a_verdict_after_reasoning_is_read_where_it_stands():
    """The words of the reasoning and of quotes are passed over; the last line's token counts."""
    last = Words(PAIR, Place.LAST_LINE, before="Verdict:")
    text = "<think>~YES~</think>~Quoted: Verdict: ~YES~\nVerdict~:~ NO"
    positions = spell(text, YES={"YES": 0.99}, NO={" NO": 0.8, " YES": 0.2})
    assert from_logprobs(positions, last).p == pytest.approx(0.2)


def test_brackets_around_the_word_do_not_hide_it():
    """In `[[A]]` and `[Correct]` the token that differs is the one inside."""
    pair = Words((("[[A]]", "yes"), ("[[B]]", "no")))
    assert from_logprobs(spell("[[~A~]]", A={"A": 0.7, "B": 0.3}), pair).p == pytest.approx(0.7)
    xverify = template("xverify").grammar
    top = {"Correct": 0.6, "Incorrect": 0.4}
    assert from_logprobs(spell("[~Correct~]", Correct=top), xverify).p == pytest.approx(0.6)


def test_a_word_of_several_tokens_is_followed_to_its_end():
    """What was said counts with all its tokens; what others would have begun is not counted."""
    words = Words((("CORRECT", "yes"), ("INCORRECT", "no")))
    positions = spell("IN~COR~RECT", IN={"IN": 0.5, "CORRECT": 0.4})
    chance = from_logprobs(positions, words)
    assert chance.shares == pytest.approx({"yes": 0.4, "no": 0.5 * 0.9 * 0.9})


@pytest.mark.parametrize("text", ["I~ think~ YES", "<think>~YES", "", "Verdict~: YES"])
def test_without_a_verdict_there_is_no_yes(text):
    """A reply that starts otherwise has no mass on the words, or no verdict at all."""
    chance = from_logprobs(spell(text) if text else [], WHOLE)
    assert chance is None or chance.mass == 0


@given(
    st.lists(
        st.tuples(st.sampled_from(["YES", "NO", " yes", "hm", "", "\n"]), st.floats(-30, 0)),
        max_size=6,
    ),
    st.text(max_size=5),
)
def test_a_chance_is_a_chance(top, said):
    """P(yes) and the mass are in [0, 1], whatever an endpoint reports."""
    chance = from_logprobs([Position(said, -1.0, tuple(top))], WHOLE)
    assert chance is None or (0 <= chance.p <= 1 and 0 <= chance.mass <= 1)


@pytest.mark.parametrize("log", [math.inf, math.nan, 0.5, 1e6])
def test_odd_numbers_are_no_chance(log):
    """What is no log-probability has no mass to trust."""
    chance = from_logprobs([Position("YES", log)], WHOLE)
    assert weighed([log], ["yes"]).mass == 0
    assert (chance.p, chance.mass) == (0.0, 0.0)


@pytest.mark.parametrize("name", names())
def test_the_words_of_our_templates_can_be_weighed(name):
    """No variant of one verdict begins another's."""
    grammar = template(name).grammar
    if isinstance(grammar, Words) and grammar.place is Place.WHOLE:
        assert set(variants(grammar).values()) == grammar.labels


def test_words_that_begin_each_other_are_refused():
    """C and CORRECT cannot be told apart by their beginnings."""
    with pytest.raises(UsageError, match="begins another"):
        variants(Words((("C", "invalid"), ("CORRECT", "yes"))))


@given(
    st.lists(st.tuples(st.floats(-20, -3), st.sampled_from(["yes", "no"])), min_size=1, max_size=20)
)
def test_weights_add_up(rows):
    """The chance from weights is the share of the words' mass."""
    chance = weighed([log for log, _ in rows], [label for _, label in rows])
    mass = sum(math.exp(log) for log, _ in rows)
    assert chance.mass == pytest.approx(min(1, mass), abs=1e-9)
    assert chance.p * mass == pytest.approx(sum(math.exp(log) for log, one in rows if one == "yes"))


def test_samples_are_labelled_as_samples():
    """The share among what can be read; none that can be read is no mass."""
    chance = from_samples([Ruling("yes", 0), None, Ruling("no", 0), Ruling("yes", 0)])
    assert (chance.p, chance.mass, chance.n) == (pytest.approx(2 / 3), 0.75, 4)
    assert chance.estimator is Estimator.SAMPLES
    assert from_samples([None]).mass == 0
    assert from_samples([]).mass == 0


def test_tokens_that_are_written_alike_are_summed():
    """SentencePiece writes a word with and without its blank alike; an alternative counts once."""
    top = (("Yes", math.log(0.5)), ("No", math.log(0.3)), ("Yes", math.log(0.1)))
    chance = from_logprobs([Position("Yes", math.log(0.5), (*top, top[1]))], WHOLE)
    assert chance.shares == pytest.approx({"yes": 0.6, "no": 0.3})


@pytest.mark.parametrize("text", ["YES~?~ No, wrong", "YES~ is what they claim", "YES~ or~ NO"])
def test_a_reply_that_goes_on_is_no_verdict(text):
    """What starts with a verdict's word and says something else has none."""
    assert from_logprobs(spell(text, YES={"YES": 0.99}), WHOLE) is None


def test_a_reply_that_is_cut_off_within_its_word_has_a_chance():
    """The token that tells the words apart is there, and its distribution is whole."""
    words = Words((("CORRECT", "yes"), ("INCORRECT", "no")))
    top = {"IN": 0.2, "CORRECT": 0.7}
    assert from_logprobs(spell("IN~COR", IN=top), words).shares == pytest.approx({"yes": 0.7})


def test_what_may_have_begun_another_word_counts_against_yes():
    """CORRECT in two tokens is not certain where INCORRECT was begun as likely; nor is its mass."""
    words = Words((("CORRECT", "yes"), ("INCORRECT", "no")))
    chance = from_logprobs(spell("COR~RECT", COR={"COR": 0.5, "INC": 0.4, "Maybe": 0.1}), words)
    assert chance.p == pytest.approx(0.45 / 0.85)
    assert (chance.mass, chance.begun) == (pytest.approx(0.45), pytest.approx(0.4))
    assert chance.evidence["begun"] == chance.begun


@given(st.dictionaries(st.sampled_from(["YES", "Y", "NO", "N", "YE", "x"]), st.floats(0.01, 0.16)))
def test_what_was_only_begun_never_raises_the_chance(top):
    """Beginnings leave P(yes) as it is or lower it, and the mass is the words' alone."""
    rest = {token: p for token, p in top.items() if token in ("YES", "NO")}
    with_all, words_only = (
        from_logprobs(spell("NO", NO={"NO": 0.1} | one), WHOLE) for one in (top, rest)
    )
    assert with_all.p <= words_only.p + 1e-12
    assert with_all.mass == words_only.mass
    assert with_all.mass + with_all.begun <= 1 + 1e-9
