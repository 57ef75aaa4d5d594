"""Choosing the next token: the likeliest or a drawn one, with log-probabilities, until an end."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from unflip.judges.asking import Finish, Position, Request
from unflip.judges.backends.weights import package
from unflip.types import digest


class Row(NamedTuple):
    """One sample that is to be generated.

    Attributes:
        place: Of its request.
        draw: Which of the request's samples it is.
        ids: The prompt's tokens.
        request: What is asked.
    """

    place: int
    draw: int
    ids: tuple[int, ...]
    request: Request

    @property
    def seed(self) -> int:
        """The seed of this draw: repeatable if the request has one."""
        given = self.request.seed
        if given is None:
            return random.SystemRandom().getrandbits(62)
        return int(digest([given, self.draw])[:15], 16)


class Chooser:
    """Chooses a batch's next tokens, as a logits processor of transformers.

    A draw adds Gumbel noise from the row's own seed and takes the largest, which is sampling at
    that temperature; so it depends on nothing else in the batch. Log-probabilities are the
    model's own, before temperature and noise.

    Args:
        rows: The batch.
        device: Where the logits are.
    """

    def __init__(self, rows: Sequence[Row], device: Any) -> None:
        self._torch = package("torch")
        self._heat_B1 = self._torch.tensor(
            [[row.request.temperature] for row in rows], device=device
        )
        self._drawn = [i for i, row in enumerate(rows) if row.request.temperature > 0]
        self._generators = [self._generator(rows[i].seed, device) for i in self._drawn]
        self._most = max(row.request.top_logprobs for row in rows)
        self._steps: list[tuple[Any, Any, Any, Any]] = []

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        """The scores with their noise, for a greedy choice."""
        scores = scores.float()
        noisy = self._with_noise(scores) if self._drawn else scores
        if self._most:
            self._note(scores.log_softmax(-1), noisy.argmax(-1))
        return noisy

    def positions(
        self, row: int, top: int, length: int, text: Callable[[int], str]
    ) -> tuple[Position, ...] | None:
        """A row's tokens with their log-probabilities, as far as they were asked for."""
        if not top:
            return None
        found = []
        for chosen, logprob, tops, ids in self._steps[:length]:
            pairs = zip(ids[row][:top].tolist(), tops[row][:top].tolist(), strict=True)
            alternatives = tuple((text(token), p) for token, p in pairs)
            found.append(Position(text(int(chosen[row])), float(logprob[row]), alternatives))
        return tuple(found)

    def _note(self, logprobs: Any, chosen: Any) -> None:
        top = logprobs.topk(min(self._most, logprobs.shape[-1]), dim=-1)
        taken = logprobs.gather(-1, chosen[:, None])[:, 0]
        self._steps.append((chosen.cpu(), taken.cpu(), top.values.cpu(), top.indices.cpu()))

    def _with_noise(self, scores: Any) -> Any:
        noisy = scores.clone()
        for row, generator in zip(self._drawn, self._generators, strict=True):
            uniform = self._torch.rand(scores.shape[-1], generator=generator, device=scores.device)
            gumbel = -(-uniform.clamp_min(1e-20).log()).log()
            noisy[row] = scores[row] / self._heat_B1[row] + gumbel
        return noisy

    def _generator(self, seed: int, device: Any) -> Any:
        return self._torch.Generator(device=device).manual_seed(seed)


class Ending:
    """Says when each row of a batch has ended, as a stopping criterion of transformers.

    Args:
        rows: The batch.
        ends: Tokens that end a reply.
        text: From tokens to their text.
        until: When time is up, by the monotonic clock.
    """

    def __init__(
        self,
        rows: Sequence[Row],
        ends: frozenset[int],
        text: Callable[[Sequence[int]], str],
        until: float,
    ) -> None:
        self._torch = package("torch")
        self._rows, self._ends, self._text, self._until = rows, ends, text, until
        self.tokens: list[list[int]] = [[] for _ in rows]
        self.finish: list[Finish | None] = [None] * len(rows)
        self.late = False

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        """Which rows have ended with the token that was just chosen."""
        self.late = time.monotonic() > self._until
        for row, token in enumerate(input_ids[:, -1].tolist()):
            if self.finish[row] is None:
                self.finish[row] = self._finish(row, token)
        done = [self.late or finish is not None for finish in self.finish]
        return self._torch.tensor(done, device=input_ids.device)

    def _finish(self, row: int, token: int) -> Finish | None:
        if token in self._ends:
            return Finish.STOP
        tokens, request = self.tokens[row], self._rows[row].request
        tokens.append(token)
        if request.stop and _stops(request.stop, self._text(tokens[-_TAIL:])):
            return Finish.STOP
        return Finish.LENGTH if len(tokens) >= request.max_tokens else None


_TAIL = 64
"""Tokens in which a stop string is looked for; longer ones are found when they end there."""


def _stops(stop: Sequence[str], text: str) -> bool:
    return any(one and one in text for one in stop)


def cut(text: str, stop: Sequence[str]) -> str:
    r"""A text up to the first string that stops it.

    Example:
        >>> cut("YES\nbecause", ["\n"])
        'YES'
    """
    return text[: min((text.index(one) for one in stop if one and one in text), default=len(text))]
