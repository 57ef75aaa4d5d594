"""P(yes) behind a verdict: from the log-probabilities of its words, or from repeated samples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, NamedTuple

from unflip.errors import UsageError
from unflip.judges.asking import Position
from unflip.judges.grammar import YES, Place, Ruling, Words
from unflip.judges.reasoning import conclusion

_SPACES = " \t\r\n\u0120\u2581\u010a"
"""Blanks, also as byte-level and SentencePiece vocabularies write them."""


_ROUNDING = 1e-3
"""How far above 0 rounding may bring a log-probability."""


class Estimator(StrEnum):
    """Where a chance comes from."""

    LOGPROBS = "logprobs"
    """The alternatives that the endpoint reported at the verdict's position."""
    WEIGHED = "weighed"
    """Every variant of every word, scored whole by a local model."""
    SAMPLES = "samples"
    """The share of yes among samples: the model's verdict repeated, not its confidence."""


@dataclass(frozen=True)
class Chance:
    """How likely yes is among the verdicts.

    Attributes:
        p: P(yes) given that one of the verdict's words is said; what may have begun another word
            counts against it.
        mass: How likely it is that one of them is said, at least; of samples, the share that can
            be read.
        shares: Each label's part of the mass.
        estimator: Where it comes from.
        n: Of samples, how many.
        begun: By how much the mass may be higher: how likely a token is that begins one of the
            words, and whose end an endpoint does not report.
    """

    p: float
    mass: float
    shares: Mapping[str, float] = field(default_factory=dict, hash=False)
    estimator: Estimator = Estimator.LOGPROBS
    n: int | None = None
    begun: float = 0.0

    @property
    def evidence(self) -> dict[str, Any]:
        """What a verdict records of it, beside `p`."""
        told = {"estimator": str(self.estimator), "mass": self.mass, "shares": dict(self.shares)}
        more = {"samples": self.n, "begun": self.begun or None}
        return told | {name: value for name, value in more.items() if value is not None}


class Begun(NamedTuple):
    """A token that was not said, and begins a word of one verdict.

    Attributes:
        said: The reply up to it, and it.
        core: As much of the word as stands there.
        label: The label of the word.
        p: How likely the token is.
    """

    said: str
    core: str
    label: str
    p: float


def from_logprobs(positions: Sequence[Position], grammar: Words) -> Chance | None:
    """The chance at the token where the verdict's word stands; None if it stands at none.

    A reply that is cut off within a word, or has one token, need not be a whole verdict; one that
    goes on otherwise is none. All variants of a word in case, and in blanks and marks around it,
    are summed. Of a word that takes several tokens, only the one that was said can be followed to
    its end. What others would have begun is left out of the mass and told as `begun`; but for yes
    it counts against it, so P(yes) is never too high for that. `weighed` does better.

    Example:
        >>> words = Words((("YES", "yes"), ("NO", "no")))
        >>> top = ((" Yes", math.log(0.6)), ("yes", math.log(0.2)), ("No", math.log(0.1)))
        >>> chance = from_logprobs([Position(" Yes", math.log(0.6), top)], words)
        >>> round(chance.p, 3), round(chance.mass, 3)
        (0.889, 0.9)
    """
    found = _found(positions, grammar)
    if found is None:
        return None
    index, ruling = found
    masses = _masses(positions[index], grammar)
    if ruling is not None:
        path = _path(positions[index:], ruling, grammar)
        masses[ruling.label] = masses.get(ruling.label, 0.0) + path
    return with_more(_chance(masses, Estimator.LOGPROBS), {}, beginnings(positions, grammar))


def beginnings(positions: Sequence[Position], grammar: Words) -> list[Begun]:
    """The tokens that begin a word of one verdict alone, where the verdict's word stands.

    Example:
        >>> words = Words((("CORRECT", "yes"), ("INCORRECT", "no")))
        >>> top = (("CORRECT", math.log(0.5)), ("INC", math.log(0.4)))
        >>> beginnings([Position("CORRECT", math.log(0.5), top)], words)[0].core
        'inc'
    """
    found = _found(positions, grammar)
    if found is None:
        return []
    index, _ = found
    before, position = "".join(one.token for one in positions[:index]), positions[index]
    begun = []
    for token, log in dict.fromkeys(position.top):
        core = core_of(token)
        labels = {label for word, label in grammar.words if begins(core, word, grammar)}
        if len(labels) == 1 and token != position.token and not _is_word(token, grammar):
            begun.append(Begun(before + token, core, labels.pop(), probability(log)))
    return begun


def begins(core: str, word: str, grammar: Words) -> bool:
    """Whether some letters begin a word, or what of it tells it from the others, and are not it."""
    return bool(core) and any(one != core and one.startswith(core) for one in cores(word, grammar))


def with_more(chance: Chance, masses: Mapping[str, float], begun: Iterable[Begun]) -> Chance:
    """A chance with more mass of some labels, and with what has only begun beside it."""
    left = list(begun)
    total = math.fsum(one.p for one in left)
    against = math.fsum(one.p for one in left if one.label != YES)
    shares = {
        label: chance.shares.get(label, 0.0) + masses.get(label, 0.0)
        for label in {**chance.shares, **masses}
    }
    found = _chance(shares, chance.estimator, chance.n)
    if not (math.isfinite(total) and found.mass > 0):
        return found
    p = found.p * found.mass / (found.mass + against)
    return replace(found, p=p, begun=min(1.0 - found.mass, round(total, 12)))


def variants(grammar: Words) -> dict[str, str]:
    """Every way to say a word of the grammar, with and without a blank before it, and its label.

    Raises:
        UsageError: One variant begins another that means something else.

    Example:
        >>> list(variants(Words((("YES", "yes"),))))
        ['YES', ' YES', 'yes', ' yes', 'Yes', ' Yes']
    """
    found: dict[str, str] = {}
    for word, label in grammar.words:
        for said in (word, word.lower(), word.upper(), word.capitalize()):
            found |= {said: label, f" {said}": label}
    for one, label in found.items():
        if any(other.startswith(one) and found[other] != label for other in found):
            raise UsageError(f"{one!r} begins another verdict's word: their chances would mix")
    return found


def weighed(logs: Sequence[float], labels: Sequence[str]) -> Chance:
    """The chance from the log-probability of each variant, scored whole.

    Example:
        >>> weighed([math.log(0.5), math.log(0.3), math.log(0.1)], ["yes", "yes", "no"]).mass
        0.9
    """
    masses: dict[str, float] = {}
    for log, label in zip(logs, labels, strict=True):
        masses[label] = masses.get(label, 0.0) + probability(log)
    return _chance(masses, Estimator.WEIGHED)


def from_samples(rulings: Iterable[Ruling | None]) -> Chance:
    """The share of yes among the samples that can be read.

    Example:
        >>> from_samples([Ruling("yes", 0), Ruling("yes", 0), Ruling("no", 0), None]).mass
        0.75
    """
    said = list(rulings)
    counts = Counter(one.label for one in said if one is not None)
    masses = {label: count / len(said) for label, count in counts.items()} if said else {}
    return _chance(masses, Estimator.SAMPLES, len(said))


def probability(log: float) -> float:
    """Of a log-probability; NaN where it is none, which leaves no mass to trust."""
    return math.exp(log) if log <= _ROUNDING else math.nan


def _chance(masses: Mapping[str, float], estimator: Estimator, n: int | None = None) -> Chance:
    mass = math.fsum(masses.values())
    if not math.isfinite(mass):
        return Chance(0.0, 0.0, {}, estimator, n)
    # Rounding may bring a sum of probabilities a little above 1.
    p = min(1.0, masses.get(YES, 0.0) / mass) if mass > 0 else 0.0
    return Chance(p, min(1.0, round(mass, 12)), dict(masses), estimator, n)


def _found(positions: Sequence[Position], grammar: Words) -> tuple[int, Ruling | None] | None:
    """The token at which the verdicts differ, and the ruling if one was said whole."""
    text = "".join(one.token for one in positions)
    found = _verdict_at(text, grammar)
    if found is None:
        return None
    at, ruling = found
    index = _token_at(positions, at)
    if index is None or (ruling is None and _goes_on(positions[index:], text[at:], grammar)):
        return None
    return index, ruling


def _verdict_at(text: str, grammar: Words) -> tuple[int, Ruling | None] | None:
    """Where in the text the words differ from each other, and the ruling if one was said whole."""
    concluded = conclusion(text)
    if concluded is None:
        return None
    said, start = concluded
    ruling = grammar.read(said)
    if ruling is not None:
        return start + ruling.start + len(grammar.stem()), ruling
    if grammar.place is not Place.WHOLE or grammar.before:
        return None
    blank = len(said) - len(said.lstrip(_SPACES))
    stem = len(grammar.stem())
    if said[blank : blank + stem].casefold() != grammar.stem():
        return None
    return start + blank + stem, None


def _token_at(positions: Sequence[Position], at: int) -> int | None:
    end = 0
    for index, one in enumerate(positions):
        end += len(one.token)
        if end > at:
            return index
    return None


def _goes_on(positions: Sequence[Position], said: str, grammar: Words) -> bool:
    """Whether more is said than the first token, and it is no word's beginning."""
    more = "".join(one.token for one in positions[1:]).strip(_SPACES)
    begun, stem = said.strip(_SPACES).casefold(), len(grammar.stem())
    words = (word.casefold()[stem:] for word, _ in grammar.words)
    return bool(more) and not any(word.startswith(begun) for word in words)


def _rest_of(ruling: Ruling, grammar: Words) -> str:
    return ruling.word.casefold()[len(grammar.stem()) :]


def _masses(position: Position, grammar: Words) -> dict[str, float]:
    """Probability of each label at one position, from the tokens that are a whole word."""
    masses: dict[str, float] = {}
    for token, log in alternatives(position):
        for word, label in grammar.words:
            if _says(token, word, grammar):
                masses[label] = masses.get(label, 0.0) + probability(log)
                break
    return masses


def alternatives(position: Position) -> list[tuple[str, float]]:
    """What might have stood at a position, each once, and what stood there."""
    # Different tokens may be written alike: SentencePiece's "Yes" with and without its blank.
    seen = dict.fromkeys(position.top)
    if position.token not in dict(position.top):
        seen[position.token, position.logprob] = None
    return list(seen)


def _is_word(token: str, grammar: Words) -> bool:
    return any(_says(token, word, grammar) for word, _ in grammar.words)


def _says(token: str, word: str, grammar: Words) -> bool:
    """Whether a token is the word, or all of it that tells it from the others."""
    core = core_of(token)
    return bool(core) and core in cores(word, grammar)


def cores(word: str, grammar: Words) -> tuple[str, str]:
    """A word, and what of it tells it from the others."""
    return core_of(word), core_of(word.casefold()[len(grammar.stem()) :])


def core_of(text: str) -> str:
    """Without blanks, brackets and marks around it, whatever its case."""
    return text.strip(_SPACES + "[](){}<>*_`\"'.").lower()


def _path(positions: Sequence[Position], ruling: Ruling, grammar: Words) -> float:
    """Probability of the tokens that were said, where it took several to say the word."""
    if _says(positions[0].token, ruling.word, grammar):
        return 0.0
    said, log = "", 0.0
    for one in positions:
        said += one.token
        log += one.logprob
        if core_of(said).startswith(core_of(_rest_of(ruling, grammar))):
            return probability(log)
    return 0.0
