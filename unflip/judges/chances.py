"""P(yes) behind a verdict: from the log-probabilities of its words, or from repeated samples."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

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
        p: P(yes) given that one of the verdict's words is said.
        mass: How likely it is that one of them is said; of samples, the share that can be read.
        shares: Each label's part of the mass.
        estimator: Where it comes from.
        n: Of samples, how many.
    """

    p: float
    mass: float
    shares: Mapping[str, float] = field(default_factory=dict, hash=False)
    estimator: Estimator = Estimator.LOGPROBS
    n: int | None = None


def from_logprobs(positions: Sequence[Position], grammar: Words) -> Chance | None:
    """The chance at the token where the verdict's word stands; None if it stands at none.

    A reply that is cut off within a word, or has one token, need not be a whole verdict; one that
    goes on otherwise is none. All variants of a word in case, and in blanks and marks around it,
    are summed. Of a word that
    takes several tokens, only the one that was said can be followed to its end; what others would
    have begun is left out, so the mass is a lower bound. `weighed` does better.

    Example:
        >>> words = Words((("YES", "yes"), ("NO", "no")))
        >>> top = ((" Yes", math.log(0.6)), ("yes", math.log(0.2)), ("No", math.log(0.1)))
        >>> chance = from_logprobs([Position(" Yes", math.log(0.6), top)], words)
        >>> round(chance.p, 3), round(chance.mass, 3)
        (0.889, 0.9)
    """
    text = "".join(one.token for one in positions)
    found = _verdict_at(text, grammar)
    if found is None:
        return None
    at, ruling = found
    index = _token_at(positions, at)
    if index is None or (ruling is None and _goes_on(positions[index:], text[at:], grammar)):
        return None
    masses = _masses(positions[index], grammar)
    if ruling is not None:
        path = _path(positions[index:], ruling, grammar)
        masses[ruling.label] = masses.get(ruling.label, 0.0) + path
    return _chance(masses, Estimator.LOGPROBS)


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
        masses[label] = masses.get(label, 0.0) + _probability(log)
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


def _probability(log: float) -> float:
    """Of a log-probability; NaN where it is none, which leaves no mass to trust."""
    return math.exp(log) if log <= _ROUNDING else math.nan


def _chance(masses: Mapping[str, float], estimator: Estimator, n: int | None = None) -> Chance:
    mass = math.fsum(masses.values())
    if not math.isfinite(mass):
        return Chance(0.0, 0.0, {}, estimator, n)
    # Rounding may bring a sum of probabilities a little above 1.
    p = min(1.0, masses.get(YES, 0.0) / mass) if mass > 0 else 0.0
    return Chance(p, min(1.0, round(mass, 12)), dict(masses), estimator, n)


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
    # Different tokens may be written alike: SentencePiece's "Yes" with and without its blank.
    seen = dict.fromkeys(position.top)
    if position.token not in dict(position.top):
        seen[position.token, position.logprob] = None
    for token, log in seen:
        for word, label in grammar.words:
            if _says(token, word, grammar):
                masses[label] = masses.get(label, 0.0) + _probability(log)
                break
    return masses


def _says(token: str, word: str, grammar: Words) -> bool:
    """Whether a token is the word, or all of it that tells it from the others."""
    core = _core(token)
    return bool(core) and core in {_core(word), _core(word.casefold()[len(grammar.stem()) :])}


def _core(text: str) -> str:
    """Without blanks, brackets and marks around it, whatever its case."""
    return text.strip(_SPACES + "[](){}<>*_`\"'.").casefold()


def _path(positions: Sequence[Position], ruling: Ruling, grammar: Words) -> float:
    """Probability of the tokens that were said, where it took several to say the word."""
    if _says(positions[0].token, ruling.word, grammar):
        return 0.0
    said, log = "", 0.0
    for one in positions:
        said += one.token
        log += one.logprob
        if _core(said).startswith(_core(_rest_of(ruling, grammar))):
            return _probability(log)
    return 0.0
