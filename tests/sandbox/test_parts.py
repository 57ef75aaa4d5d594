"""The parts of a sandbox that are plain functions: filters, the wire, the types of data."""

import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.errors import UsageError
from unflip.sandbox import Call, Level, Limits, Program
from unflip.sandbox.bpf import ALLOW, KILL, X32, Check, Policy, assemble, refuse, run
from unflip.sandbox.codec import (
    DEPTH,
    Other,
    Stream,
    Unreadable,
    dump,
    packed,
    parse,
    record,
    text,
    unpacked,
)
from unflip.sandbox.confine import readable_paths
from unflip.sandbox.frames import pack, unpack
from unflip.sandbox.languages import Way
from unflip.sandbox.seccomp import build, for_process
from unflip.sandbox.syscalls import CHECKED, COMMON, MACHINES, PROCESSES, numbers

X86 = 0xC000003E
NUMBERS = st.integers(0, 500)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters(exclude_categories=()), max_size=8)
    | st.binary(max_size=8)
    | st.complex_numbers(allow_nan=False)
)
DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.dictionaries(st.text(max_size=3) | st.integers(), inner, max_size=3)
        | st.sets(st.integers() | st.text(max_size=3), max_size=4)
        | st.frozensets(st.integers(), max_size=4)
    ),
    max_leaves=12,
)


@given(st.frozensets(NUMBERS, max_size=60), st.integers(0, 600) | st.integers(X32, X32 + 600))
def test_a_filter_lets_through_just_what_is_allowed(allowed, call):
    """Of every number, the search tree finds what the set says; foreign conventions are killed."""
    program = assemble(Policy(X86, allowed, ()))
    answer = run(program, X86, call)
    if call >= X32:
        assert answer == KILL
    else:
        assert answer == (ALLOW if call in allowed else refuse(38 if call >= 424 else 1))
    assert run(program, 1, call) == KILL


@given(NUMBERS, st.integers(0, 5), st.lists(st.integers(0, 2**32 - 1), max_size=4), st.data())
def test_an_argument_is_checked_against_values(call, argument, values, data):
    """A call that is let through with some values is refused with all others."""
    program = assemble(Policy(X86, frozenset(), (Check(call, argument, tuple(values)),)))
    given_ = [0] * 6
    given_[argument] = data.draw(st.sampled_from(values) if values else NUMBERS)
    assert run(program, X86, call, given_) == (ALLOW if given_[argument] in values else refuse(1))


WORDS = st.integers(0, 2**32 - 1)


@given(WORDS, WORDS, WORDS.filter(bool), WORDS)
def test_an_argument_is_checked_by_its_bits(without, having, together, value):
    """A call is let through if it has none of some bits, all of others, and not all of a third."""
    check = Check(7, 0, without=without, having=having, together=together)
    program = assemble(Policy(X86, frozenset(), (check,)))
    right = not value & without and value & having == having and value & together != together
    assert run(program, X86, 7, [value]) == (ALLOW if right else refuse(1))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("level", [Level.NAMESPACES, Level.LANDLOCK])
@pytest.mark.parametrize("way", Way)
def test_memory_that_no_process_holds_is_not_given(way, level, machine):
    """Private memory and shared files are mapped; memory that is shared, or of large pages, not."""
    program = build(level, way, machine)
    arch, call = (
        {"x86_64": X86, "aarch64": 0xC00000B7}[machine],
        numbers(CHECKED, ["mmap"], machine),
    )
    shared, private, nameless, large = 0x1, 0x2, 0x20, 0x40000
    for flags in (private, private | nameless, shared, private | nameless | 0x4000):
        assert run(program, arch, call["mmap"], [0, 4096, 3, flags]) == ALLOW
    for flags in (shared | nameless, 0x3 | nameless, private | nameless | large, shared | large):
        assert run(program, arch, call["mmap"], [0, 4096, 3, flags]) == refuse(1)


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("level", [Level.NAMESPACES, Level.LANDLOCK])
def test_a_process_may_start_others_only_among_its_own(level, machine):
    """Without namespaces there are threads, and no signal to anybody else."""
    program = for_process(build(level, machine=machine), 42)
    arch = {"x86_64": X86, "aarch64": 0xC00000B7}[machine]
    calls = numbers(CHECKED | PROCESSES, CHECKED | PROCESSES, machine)
    alone = level is Level.LANDLOCK
    assert run(program, arch, calls["clone"], [0x11]) == (refuse(1) if alone else ALLOW)
    assert run(program, arch, calls["clone"], [0x10F00]) == ALLOW
    assert run(program, arch, calls["clone"], [0x10000000 | 0x10F00]) == refuse(1)
    assert run(program, arch, calls["kill"], [43, 9]) == (refuse(1) if alone else ALLOW)
    assert run(program, arch, calls["kill"], [42, 9]) == ALLOW
    assert run(program, arch, calls["execve"]) == (refuse(1) if alone else ALLOW)
    assert run(program, arch, calls["clone3"]) == refuse(38)


@pytest.mark.parametrize("machine", MACHINES)
def test_no_call_is_both_free_and_checked(machine):
    """What is decided by an argument is not let through by its number beside that."""
    checked = set(numbers(CHECKED, CHECKED, machine).values())
    assert not checked & set(numbers(COMMON, COMMON, machine).values())


@given(DATA)
def test_data_come_back_as_they_were(value):
    """Values and types survive the wire, whatever they hold."""
    back = parse(text(value))
    assert back == value
    assert repr(back) == repr(value) or isinstance(value, (set, frozenset, dict, list, tuple))


@given(DATA | st.decimals(allow_nan=False) | st.lists(st.fractions(), max_size=3))
def test_what_we_send_comes_as_it_is(value):
    """Arguments come as they were sent, whether they are plain data or of other kinds."""
    back = unpacked(packed(value))
    assert back == value
    assert type(back) is type(value)


def test_what_is_sent_twice_is_two():
    """One list in two places comes as two, so that changing one leaves the other alone."""
    one = [1]
    first, second = unpacked(packed([one, one]))
    assert first == second == one
    assert first is not second


@given(DATA, st.integers(0, 9))
def test_a_record_is_the_dict_that_it_stands_for(value, number):
    """The short way to write a record gives what the long one gives."""
    assert record(number, "value", value) == text({"id": number, "value": value})


def test_nan_and_infinity_come_back():
    """Floats that are no numbers are floats."""
    assert math.isnan(parse(text(math.nan)))
    assert parse(text([math.inf, -math.inf])) == [math.inf, -math.inf]


def test_a_subclass_is_what_its_base_holds():
    """What a subclass overrides is never asked."""

    class Lie(int):
        __eq__ = __ne__ = lambda self, other: True
        __hash__ = int.__hash__
        __pos__ = __index__ = __int__ = lambda self: 7

    assert (parse(text(Lie(3))), type(parse(text(Lie(3))))) == (3, int)


def test_what_is_no_data_equals_nothing():
    """An object of a class of its own comes as its name, and a generator as what it gave."""
    found = parse(text([object(), (n for n in range(2))]))
    assert found[0] != found[0]
    assert found[0].kind == "object"
    assert isinstance(found[0], Other)
    assert isinstance(found[1], Stream)
    assert found[1] != [0, 1]
    assert list(found[1]) == [0, 1]


def test_a_tower_is_refused():
    """Data nested too deep are refused by whoever writes and by whoever reads."""
    tower = 1
    for _ in range(DEPTH + 5):
        tower = [tower]
    with pytest.raises(Unreadable):
        dump(tower)
    with pytest.raises(Unreadable):
        packed(tower)
    with pytest.raises(Unreadable):
        parse('{"l":[' * (DEPTH + 5) + "]}" * (DEPTH + 5))


@given(st.text(max_size=30) | st.recursive(SCALARS, st.lists, max_leaves=5).map(repr))
def test_garbage_is_refused_in_one_way(said):
    """Whatever is no data raises `Unreadable`, and nothing else."""
    try:
        parse(said)
    except Unreadable:
        return
    assert json.loads(said) is None or isinstance(json.loads(said), (bool, int, float, str, dict))


@given(
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=3),
    st.lists(st.binary(max_size=50), max_size=4),
)
def test_a_frame_comes_back(header, blobs):
    """Header and blobs survive the wire."""
    assert unpack(io.BytesIO(pack(header, blobs)).read) == (header, blobs)


def test_a_frame_that_is_too_large_is_refused():
    """A length that nobody sends is not waited for."""
    with pytest.raises(ValueError, match="no frame"):
        unpack(io.BytesIO(b"\xff" * 8).read)


def test_calls_travel_in_their_types():
    """Arguments keep their types, and code that is no Unicode travels too."""
    code, given_, calls = Program("\ud800", b"in", [Call("f", ((1,), {2}), {"k": b"v"})]).blobs
    assert (code, given_) == (b"\xed\xa0\x80", b"in")
    assert unpacked(calls) == [("f", ((1,), {2}), {"k": b"v"})]


@pytest.mark.parametrize(
    "wrong", [{"cpu": 0}, {"memory": -1}, {"wall": float("nan")}, {"disk": "1"}]
)
def test_a_limit_that_means_nothing_is_refused(wrong):
    """A limit is a positive number."""
    with pytest.raises(UsageError, match="is a positive number"):
        Limits(**wrong)


def test_paths_inside_others_are_left_out(tmp_path):
    """A folder is given once, though it is asked for twice."""
    (tmp_path / "deeper").mkdir()
    found = readable_paths([str(tmp_path), str(tmp_path / "deeper"), str(tmp_path / "nowhere")])
    assert str(tmp_path) in found
    assert not any(one.endswith(("deeper", "nowhere")) for one in found)
