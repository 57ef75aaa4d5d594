"""The log-probability of whole endings after prompts, however many tokens they have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from unflip.judges.asking import Silence, Unanswered
from unflip.judges.backends.halving import in_batches
from unflip.judges.backends.loaded import Loaded, Prompt

NO_ROOM = Unanswered(Silence.REFUSED, "memory does not suffice for this request alone")


class _Pair(NamedTuple):
    """A prompt and an ending, by their places and their tokens."""

    prompt: int
    ending: int
    ids: tuple[int, ...]
    tokens: tuple[int, ...]


@dataclass(frozen=True)
class Scale:
    """Weighs endings with a model.

    Endings of one token are all read off one pass over their prompt; each longer one takes a pass
    of its own, over the prompt and all of it but its last token.

    Attributes:
        loaded: The model.
        endings: What to weigh after each prompt.
        room: Tokens of a prompt and an ending together.
        batch: Prompts at once.
    """

    loaded: Loaded
    endings: Sequence[str]
    room: int
    batch: int

    def weigh(self, prompts: Sequence[Prompt]) -> list[tuple[float, ...] | Unanswered]:
        """For each prompt the endings' log-probabilities, or why there are none."""
        pairs = [
            _Pair(place, number, prompt.ids, self.loaded.ending(prompt, ending))
            for place, prompt in enumerate(prompts)
            for number, ending in enumerate(self.endings)
        ]
        silent: dict[int, Unanswered] = {}
        for pair in pairs:
            if len(pair.ids) + len(pair.tokens) > self.room:
                silent[pair.prompt] = too_long(len(pair.ids), len(pair.tokens), self.room)
        found: dict[tuple[int, int], float] = {}
        fit = [pair for pair in pairs if pair.prompt not in silent]
        for place in [*self._weigh_short(fit, found), *self._weigh_long(fit, found)]:
            silent[place] = NO_ROOM
        numbers = range(len(self.endings))
        return [
            silent.get(place) or tuple(found[place, number] for number in numbers)
            for place in range(len(prompts))
        ]

    def _weigh_short(
        self, pairs: Sequence[_Pair], found: dict[tuple[int, int], float]
    ) -> list[int]:
        """Endings of one token; the places of prompts that memory does not suffice for."""
        short = [pair for pair in pairs if len(pair.tokens) == 1]
        prompts = sorted({pair.prompt: pair.ids for pair in short}.items(), key=_longest_first)

        def work(batch: Sequence[tuple[int, tuple[int, ...]]]) -> None:
            logprobs_BV = self.loaded.next_token([ids for _, ids in batch])
            rows = {place: row for row, (place, _) in enumerate(batch)}
            for pair in short:
                if pair.prompt in rows:
                    logprob = logprobs_BV[rows[pair.prompt], pair.tokens[0]]
                    found[pair.prompt, pair.ending] = float(logprob)

        return [place for place, _ in in_batches(prompts, self.batch, work, self.loaded.too_much)]

    def _weigh_long(self, pairs: Sequence[_Pair], found: dict[tuple[int, int], float]) -> list[int]:
        """Endings of several tokens; the places of prompts that memory does not suffice for."""
        long = [pair for pair in pairs if len(pair.tokens) > 1]
        long.sort(key=lambda pair: -len(pair.ids) - len(pair.tokens))

        def work(batch: Sequence[_Pair]) -> None:
            weighed = self.loaded.weigh([(pair.ids, pair.tokens) for pair in batch])
            for pair, logprob in zip(batch, weighed, strict=True):
                found[pair.prompt, pair.ending] = logprob

        failed = in_batches(long, self.batch, work, self.loaded.too_much)
        return [pair.prompt for pair in failed]


def too_long(prompt: int, more: int, room: int) -> Unanswered:
    """What stands in place of an answer to a prompt that the model cannot read whole."""
    text = f"a prompt of {prompt} tokens and {more} more exceed the window of {room}"
    return Unanswered(Silence.REFUSED, text)


def _longest_first(prompt: tuple[int, tuple[int, ...]]) -> int:
    return -len(prompt[1])
