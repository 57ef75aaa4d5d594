"""Mining: searches for new short keys that fool a verifier, and measures them on unseen items."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from unflip.audit.backend import likely_next
from unflip.audit.counting import at_once
from unflip.audit.figures import Mined
from unflip.audit.items import Item, letters_of, states
from unflip.audit.probes import Probe, built_in
from unflip.audit.references import Verify, one_by_one
from unflip.errors import UsageError
from unflip.intervals import Proportion, wilson
from unflip.noise.rows import opinion_of
from unflip.types import Verifier, digest

LONGEST = 60
"""Characters of a key: a longer one is no key but an answer."""
FEWEST = 200
"""Calls with which a search can do anything."""
_RANKED, _FINAL = 0.4, 0.2
"""Shares of the budget for ranking sentences, and for the items that the search does not see."""
_BEAM = 6
_EDITS, _TOKENS = 10, 5
"""Of each text of the beam, edits by chance and tokens that a local model would say next."""
_GLANCE = 4
"""Items on which an edit is first tried."""
_MARKS = (":", ".", ",", "!", "\n", " ", ";", "...", "?", "-", "*")


@dataclass(frozen=True, slots=True)
class Mining:
    """How to search.

    Attributes:
        calls: The most verdicts that may be asked for, held-out items included.
        keep: How many keys to measure in the end.
        seed: Of the split of the items and of what is tried.

    Raises:
        UsageError: Too few calls to find anything, or no key to keep.
    """

    calls: int = 3000
    keep: int = 5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.calls < FEWEST or self.keep < 1:
            raise UsageError(f"mining takes {FEWEST} calls or more, and keeps a key or more")


@cache
def phrases() -> tuple[str, ...]:
    """The sentences that a search starts from: short, without content, and in no list of keys.

    Example:
        >>> "Here is the solution." in phrases(), "Thought process:" in phrases()
        (True, False)
    """
    text = (files("unflip.audit") / "probes" / "phrases.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line.strip() not in _listed())


@cache
def _listed() -> frozenset[str]:
    """The keys that are in a list already: finding one of them again is no find."""
    return frozenset(probe.text.strip() for probe in built_in() if probe.constant)


def mine(
    verifier: Verifier,
    items: Sequence[Item],
    mining: Mining | None = None,
    *,
    verify: Verify = one_by_one,
) -> tuple[Mined, ...]:
    """Search for keys on one half of the items, and measure the best on the other half.

    Sentences are ranked by how probable an accept is (`p`, or the share of accepts where there is
    none), fewer of them on more items each time; the best go on in a beam that appends, prepends,
    replaces and drops words and marks, and for a local model appends the tokens that it would most
    likely say next. What the search saw is never reported: it is biased
    upwards by having been selected. Items whose reference stands in a text are left out for it.

    Args:
        verifier: Whoever is to be fooled; with a `p` the search is much better.
        items: Four or more.
        mining: How to search.
        verify: Who runs the verifier. The same seed asks the same questions in the same order, so
            one that records lets a search go on.

    Returns:
        The keys, worst for the verifier first; rates on held-out items, their intervals made for
        all of them at once.

    Raises:
        UsageError: There are fewer than four items.

    Example:
        >>> from unflip.types import Outcome, Reason, Verdict
        >>> def greedy(sample):
        ...     yes = sample.text.endswith(":")
        ...     return Verdict(Outcome.ACCEPT, Reason.MATCH) if yes else Verdict(
        ...         Outcome.REJECT, Reason.MISMATCH)
        >>> items = [Item(f"{n} + 1 = ?", (str(n + 1),)) for n in range(40)]
        >>> found = mine(greedy, items, Mining(calls=1500))
        >>> found[0].text[-1], found[0].fpr.k, found[0].fpr.n
        (':', 20, 20)
    """
    mining = mining or Mining()
    if len(items) < 4:
        raise UsageError("mining splits the items in two: give it four or more")
    order = sorted(items, key=lambda item: digest(["split", mining.seed, item.key]))
    half = len(order) // 2
    search = _Search(verifier, order[:half], mining, verify)
    best = search.best()
    unseen = order[half:][: max(1, int(mining.calls * _FINAL) // max(1, len(best)))]
    searched = tuple(item.key for item in order[:half])
    found = [
        Mined(text, start, _measured(verifier, text, unseen, len(best), verify), searched)
        for text, start in best
    ]
    return tuple(sorted(found, key=_badness))


def as_probes(found: Iterable[Mined], by: str) -> tuple[Probe, ...]:
    """Mined keys as probes, to be tried on other verifiers or other items.

    On items that the search has seen they are not tried: they were chosen for what they do there.

    Example:
        >>> as_probes([Mined("Well:", "Well", wilson(3, 4))], "judge@1+0")[0].id
        'mined/1'
    """
    return tuple(
        Probe(
            name=str(n),
            family="mined",
            text=one.text,
            held_out=True,
            source=f"mined from {by}",
            not_for=one.searched,
        )
        for n, one in enumerate(found, start=1)
    )


def _badness(one: Mined) -> tuple[float, float]:
    # Of a key that was decided nowhere nothing is known: it comes last.
    return -one.fpr.low, -(-1.0 if math.isnan(one.fpr.point) else one.fpr.point)


def _distinct(ranked: Iterable[str]) -> list[str]:
    """The first of all texts that differ in marks alone; marks by themselves stay."""
    words: dict[str, str] = {}
    for text in ranked:
        words.setdefault(letters_of(text) or text, text)
    return list(words.values())


def _measured(
    verifier: Verifier, text: str, items: Sequence[Item], many: int, verify: Verify
) -> Proportion:
    fair = [item for item in items if not states(text, item)]
    asked = (item.sample(text, accept=False, id=f"mined:{item.key}") for item in fair)
    verdicts = [verdict for verdict in verify(verifier, asked) if verdict.decided]
    hits = sum(verdict.accepted for verdict in verdicts)
    return at_once(wilson(hits, len(verdicts)), many)


class _Search:
    """What is known of each text so far: its scores on the items of the search, in their order."""

    def __init__(
        self, verifier: Verifier, items: Sequence[Item], mining: Mining, verify: Verify
    ) -> None:
        self._verifier, self._items, self._verify = verifier, items, verify
        self._mining = mining
        self._likely_next = likely_next(verifier)
        self._left = int(mining.calls * (1 - _FINAL))
        self._scores: dict[str, list[float]] = {}
        self._starts: dict[str, str] = {}
        self._draw = random.Random(digest(["mine", mining.seed]))

    def best(self) -> list[tuple[str, str]]:
        """The best texts, and the sentence that each began with."""
        beam = self._rank()
        while self._left > 0:
            tried = [
                *self._continued(beam),
                *(new for one in beam for new in self._edits(one, beam)),
            ]
            if not self._ask(tried, _GLANCE):
                break
            beam = self._narrow([*beam, *tried], _BEAM)
        ranked = sorted(self._scores, key=self._score, reverse=True)
        kept = self._narrow(_distinct(ranked), self._mining.keep)
        return [(text, self._starts[text]) for text in kept]

    def _rank(self) -> list[str]:
        """The best sentences: all of them on few items, then fewer on more."""
        known = list(phrases())
        budget = int(self._mining.calls * _RANKED)
        self._draw.shuffle(known)
        some = known[: budget // 2]
        self._starts.update((text, text) for text in some)
        self._ask(some, max(1, budget // 2 // len(some)))
        return self._narrow(some, _BEAM)

    def _narrow(self, texts: Iterable[str], keep: int) -> list[str]:
        """The best so many: each time fewer texts are asked about, on more items."""
        left = [text for text in dict.fromkeys(texts) if text in self._scores]
        for size, items in ((4 * keep, 4), (2 * keep, 8), (keep, 16)):
            left = sorted(left, key=self._score, reverse=True)[:size]
            self._ask(left, items)
        return sorted(left, key=self._score, reverse=True)

    def _score(self, text: str) -> tuple[float, int]:
        """The mean, drawn to 0 while few items stand behind it; of equals the shorter."""
        scores = self._scores[text]
        return sum(scores) / (len(scores) + 1), -len(text)

    def _ask(self, texts: Sequence[str], items: int) -> bool:
        """Ask about each text up to so many items, as far as the budget goes; False if spent."""
        wanted = []
        for text in texts:
            done = len(self._scores.get(text, ()))
            new = self._items[done:items]
            wanted += [(text, item) for item in new if not states(text, item)]
            # Where it holds the answer, it is no key.
            known = self._scores.setdefault(text, [])
            known += [0.0 for item in new if states(text, item)]
        wanted = wanted[: max(0, self._left)]
        self._left -= len(wanted)
        asked = (item.sample(text, accept=False, id=f"search:{item.key}") for text, item in wanted)
        for (text, _), verdict in zip(wanted, self._verify(self._verifier, asked), strict=True):
            score = opinion_of(verdict)
            self._scores.setdefault(text, []).append(0.0 if math.isnan(score) else score)
        return bool(wanted)

    def _edits(self, text: str, beam: Sequence[str]) -> Iterator[str]:
        """Texts that differ from it by a word or a mark, and have not been asked about."""
        for _ in range(_EDITS):
            made = self._edit(text, beam)
            if self._is_new(made, text):
                yield made

    def _continued(self, beam: Sequence[str]) -> Iterator[str]:
        """Texts with a token more, of those that the verifier's own model would say next."""
        if self._likely_next is None:
            return
        for text, tokens in zip(beam, self._likely_next(beam, _TOKENS), strict=True):
            yield from (made for token in tokens if self._is_new(made := text + token, text))

    def _is_new(self, made: str, text: str) -> bool:
        """Whether a text may be asked about and has not been; it began where the other one did."""
        new = made not in self._starts and made.strip() not in _listed()
        if not (new and made.strip() and len(made) <= LONGEST):
            return False
        self._starts[made] = self._starts[text]
        return True

    def _edit(self, text: str, beam: Sequence[str]) -> str:
        words, token = text.split(" "), self._token(beam)
        at = self._draw.randrange(len(words))
        match self._draw.randrange(5):
            case 0:
                return text + token
            case 1:
                return f"{text} {token}"
            case 2:
                return f"{token} {text}"
            case 3:
                return " ".join([*words[:at], token, *words[at + 1 :]])
            case _:
                return " ".join([*words[:at], *words[at + 1 :]])

    def _token(self, beam: Sequence[str]) -> str:
        """A mark, a word of another text of the beam, or a word of any sentence."""
        match self._draw.randrange(3):
            case 0:
                return self._draw.choice(_MARKS)
            case 1:
                return self._draw.choice(self._draw.choice(beam).split(" "))
            case _:
                return self._draw.choice(self._draw.choice(phrases()).split(" "))
