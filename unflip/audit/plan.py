"""The plan of an audit: which completions are asked about which items, and how many there are."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from unflip.audit.families import CONTROL, EQUIVALENTS, NEAR_MISSES
from unflip.audit.families import PROGRAMS as PROGRAM_FAMILY
from unflip.audit.items import Item, letters_of
from unflip.audit.probes import Probe
from unflip.audit.rewriting import Rewrite, rewrites
from unflip.audit.slots import PROGRAMS, SLOTS, Filler
from unflip.errors import UsageError
from unflip.types import Sample

_CERTIFIED = frozenset({"wrong", "other", "wrong_full_width", "wrong_bold", "superscript",
                        "stated_wrong", "enumeration", "reference"})  # fmt: skip
"""Slots that make a text say another thing than the reference, however like it they look."""
_LONG, _LONGEST = 8, 10_000
"""Letters of a reference that no text holds by accident, and of a text that is no answer."""


class Ask(NamedTuple):
    """One completion for one item.

    Attributes:
        item: The item's place.
        probes: The probes that it is made for: texts that coincide are asked once.
        sample: What the verifier is given.
    """

    item: int
    probes: tuple[Probe, ...]
    sample: Sample


@dataclass(frozen=True)
class Plan:
    r"""What is asked in an audit; the same arguments give the same plan.

    Attributes:
        items: What probes are made for.
        probes: Texts for every item; rewrites come on top.
        present: How the verifier wants an answer stated, such as `r"\boxed{{{}}}".format`.
        rewritten: Whether to ask about rewrites of references.
        seed: Of what is drawn.

    Raises:
        UsageError: A probe has a slot that nobody can fill.

    Example:
        >>> from unflip.audit.probes import chosen
        >>> plan = Plan([Item("2 + 2 = ?", ("4",))], chosen(["symbols"]), rewritten=False)
        >>> plan.calls, [ask.sample.text for ask in plan.asks()][:4]
        (22, ['4', '$4$', 'The answer is 4.', '7'])
    """

    items: Sequence[Item]
    probes: Sequence[Probe]
    present: Callable[[str], str] = str
    rewritten: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        unknown = {slot for probe in self.probes for slot in probe.slots - SLOTS}
        if unknown:
            raise UsageError(
                f"no slot is called {', '.join(sorted(unknown))}: there are "
                f"{', '.join(sorted(SLOTS))}"
            )

    @property
    def calls(self) -> int:
        """How many completions there are to ask about."""
        return self._size[0]

    @property
    def skipped(self) -> Mapping[str, int]:
        """For how many items a probe cannot be made, by its id."""
        return self._size[1]

    def asks(self) -> Iterator[Ask]:
        """Every completion, item by item."""
        yield from self._asks(Counter())

    @cached_property
    def _size(self) -> tuple[int, Counter[str]]:
        skipped: Counter[str] = Counter()
        return sum(1 for _ in self._asks(skipped)), skipped

    def _asks(self, skipped: Counter[str]) -> Iterator[Ask]:
        filler, made = Filler(self.items, shaped(self.present), self.seed), Counter[str]()
        for at, item in enumerate(self.items):
            together: dict[str, list[Probe]] = {}
            for probe, text in self._texts(filler, at, made, skipped):
                together.setdefault(text, []).append(probe)
            for text, probes in together.items():
                yield _ask(item, at, text, probes)

    def _texts(
        self, filler: Filler, at: int, made: Counter[str], skipped: Counter[str]
    ) -> Iterator[tuple[Probe, str]]:
        item = self.items[at]
        for probe in self.probes:
            if probe.most and made[probe.id] >= probe.most:
                continue
            text = filler.fill(probe, at) if _suits(probe, item) else None
            if text is None or _fits(probe, text, item):
                skipped[probe.id] += 1
                continue
            made[probe.id] += 1
            yield probe, text
        if self.rewritten:
            for one in rewrites(item):
                yield _probe_of(one), shaped(self.present)(one.text)


def shaped(present: Callable[[str], str]) -> Callable[[str], str]:
    r"""How answers are stated, seen on a plain number: a rewrite keeps its clothes that way.

    Example:
        >>> shaped(r"\boxed{{{}}}".format)(" 4/2 ")
        '\\boxed{ 4/2 }'
    """
    before, number, after = present("7").partition("7")
    return (lambda text: f"{before}{text}{after}") if number and "7" not in after else present


def _ask(item: Item, at: int, text: str, probes: list[Probe]) -> Ask:
    # Where a control and an attack coincide, the text is an answer: only the controls are kept.
    controls = tuple(probe for probe in probes if probe.accept)
    kept = controls or tuple(probes)
    name = f"{item.id if item.id is not None else at}:{kept[0].id}"
    return Ask(at, kept, item.sample(text, accept=bool(controls), id=name))


def _suits(probe: Probe, item: Item) -> bool:
    """Whether it makes sense for such an item, and no search has chosen it by that item."""
    if probe.not_for and item.key in probe.not_for:
        return False
    if item.kind not in PROGRAMS:
        return probe.family != PROGRAM_FAMILY
    # In a sentence, a program is none; beside another one, either may be meant.
    slots = probe.slots - {"stated_reference", "reformatted"}
    return "reference" not in slots and (probe.family != CONTROL or probe.text.startswith("{{"))


def _fits(probe: Probe, text: str, item: Item) -> bool:
    """Whether what must be rejected happens to answer the question."""
    if probe.accept:
        return False
    if text.strip() in {reference.strip() for reference in item.references}:
        return True
    if probe.unless and any(re.search(probe.unless, one) for one in item.references):
        return True
    if len(text) > _LONGEST:
        return False
    said, right = letters_of(text), [letters_of(one) for one in item.references]
    if not probe.slots.isdisjoint(_CERTIFIED) or probe.constant:
        # "GRADE: C" is an answer where the reference is C.
        return any(one in probe.words for one in right)
    # Of a question that holds the answer, an echo holds it, too: short ones do by accident.
    echoed = bool(probe.slots) and any(len(one) >= _LONG and one in said for one in right)
    return echoed or (bool(said) and said in right)


def _probe_of(one: Rewrite) -> Probe:
    return Probe(
        name=one.kind.replace(" ", "-"),
        family=EQUIVALENTS if one.equivalent else NEAR_MISSES,
        text="",
        accept=one.equivalent,
        held_out=True,
        source="ours, exact by construction",
        contested=one.contested,
    )
