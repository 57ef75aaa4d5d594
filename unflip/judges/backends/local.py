"""A model of transformers on one's own CPU or GPU as a backend: replies, and weighed endings."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from unflip.errors import UsageError
from unflip.judges.asking import Reply, Request, Silence, Unanswered, Usage
from unflip.judges.backends import errand
from unflip.judges.backends.choosing import Row
from unflip.judges.backends.errand import Answering, Errand, Gate, Told
from unflip.judges.backends.halving import in_batches
from unflip.judges.backends.loaded import Loaded, Spoken, controls, within
from unflip.judges.backends.weighing import NO_ROOM, Scale, too_long
from unflip.judges.backends.weights import Weights, package, weights
from unflip.types import identify


@dataclass(frozen=True)
class Local(Answering):
    """A causal language model, loaded when it is first asked; needs the extra `hf`.

    Requests are sorted by length and answered in batches, padded on the left; a batch that does
    not fit in memory is halved. A prompt that does not fit in the model's window is not answered,
    and never cut. The deadline holds for each batch. Any thread may ask; one is served at a time,
    so give it many requests at once.

    Attributes:
        model: A folder, or a name on the Hugging Face hub.
        revision: Of the hub: a commit, branch or tag.
        device: A device of torch; `auto` takes a GPU if there is one, `spread` several.
        dtype: A data type of torch; `auto` is bfloat16 on a GPU and float32 on a CPU.
        batch: Prompts at once.
        window: Tokens of a prompt and its reply together, if less than the model's.
        kind: `real`, or `tiny` or `stub`, whose answers say nothing about real judges.

    Raises:
        UsageError: A number is out of range; from asking: no such model, or no chat template.
        MissingExtra: From asking: torch or transformers are not installed.

    Example:
        >>> judge = Local("Qwen/Qwen3-0.6B", dtype="bfloat16", batch=64)
        >>> judge.parallel
        512
    """

    model: str
    revision: str | None = None
    device: str = "auto"
    dtype: str = "auto"
    batch: int = 32
    window: int | None = None
    kind: str = "real"

    def __post_init__(self) -> None:
        if self.batch < 1 or (self.window is not None and self.window < 1):
            raise UsageError("a local model wants a batch and a window of at least 1")

    @property
    def by(self) -> str:
        """The model's name, and a hash of its content, its precision and the packages' versions."""
        found = weights(self.model, self.revision)
        versions = {name: package(name).__version__ for name in ("torch", "transformers")}
        options = {"content": found.content, "dtype": self._place[1], **versions}
        return identify(f"local:{found.name}", 1, options)

    @property
    def controls(self) -> tuple[str, ...]:
        """The model's control tokens, which nothing that is put into a prompt may hold."""
        found = weights(self.model, self.revision)
        return controls(self.model, self._revision(found), found.content)

    @property
    def parallel(self) -> int:
        """As many requests as sorting by length is worth."""
        return 8 * self.batch

    def post(
        self,
        requests: Sequence[Request],
        told: Told,
        deadline: float | None = None,
        gate: Gate | None = None,
    ) -> Errand:
        """Answer the requests here and now; what a batch says is told once it is said."""
        under_way = Errand(requests, told, gate)
        loaded = self._loaded()
        while taken := errand.part(under_way, self.parallel):
            self._answer(loaded, Desk(under_way, taken), taken, deadline)
        return under_way

    def weigh(
        self, requests: Sequence[Request], endings: Sequence[str]
    ) -> list[tuple[float, ...] | Unanswered]:
        """Log-probability of each whole ending after each request, in one pass for single tokens.

        Args:
            requests: What the endings follow.
            endings: Texts of one token or more.

        Raises:
            UsageError: An ending is empty.
        """
        if not all(endings):
            raise UsageError("an ending that is weighed has at least one character")
        loaded = self._loaded()
        prompts = [loaded.encode(request) for request in requests]
        return Scale(loaded, endings, self._room(loaded), self.batch).weigh(prompts)

    def likely_next(self, texts: Sequence[str], k: int) -> list[tuple[str, ...]]:
        """What the model would most likely say after each text: `k` tokens, as texts.

        A search for keys goes over these: a model is fooled most easily by what it might say.
        """
        loaded, found = self._loaded(), []
        for start in range(0, len(texts), self.batch):
            found += loaded.likely_next(texts[start : start + self.batch], k)
        return found

    def close(self) -> None:
        """Let go of the model's memory; asking again loads it again."""
        with _lock:
            _models.pop(self._key, None)

    def _answer(
        self,
        loaded: Loaded,
        desk: Desk,
        taken: Sequence[tuple[int, Request]],
        deadline: float | None,
    ) -> None:
        rows, room = [], self._room(loaded)
        for place, request in taken:
            prompt = loaded.encode(request)
            if len(prompt.ids) + request.max_tokens > room:
                desk.give_up(place, too_long(len(prompt.ids), request.max_tokens, room))
            else:
                rows += [Row(place, draw, prompt.ids, request) for draw in range(_draws(request))]
        rows.sort(key=lambda row: (-row.request.max_tokens, -len(row.ids)))

        def work(batch: Sequence[Row]) -> None:
            for row, spoken in zip(batch, loaded.generate(batch, within(deadline)), strict=True):
                desk.hear(row, spoken)

        for row in in_batches(rows, self.batch, work, loaded.too_much):
            desk.give_up(row.place, NO_ROOM)

    def _room(self, loaded: Loaded) -> int:
        return min(loaded.window, self.window or loaded.window)

    @property
    def _place(self) -> tuple[str, str]:
        """The device and the data type."""
        torch = package("torch")
        gpu = bool(torch.cuda.is_available())
        device = ("cuda" if gpu else "cpu") if self.device == "auto" else self.device
        on_cpu = device == "cpu" or (device == "spread" and not gpu)
        dtype = ("float32" if on_cpu else "bfloat16") if self.dtype == "auto" else self.dtype
        if not hasattr(torch, dtype):
            raise UsageError(f"torch has no data type {dtype!r}: bfloat16, float16 or float32")
        return device, dtype

    @property
    def _key(self) -> tuple[str | int, ...]:
        return os.getpid(), *weights(self.model, self.revision), *self._place

    def _loaded(self) -> Loaded:
        key = self._key
        with _lock:
            if key not in _models:
                revision = self._revision(weights(self.model, self.revision))
                _models[key] = Loaded(self.model, revision, *self._place)
            return _models[key]

    def _revision(self, found: Weights) -> str | None:
        """The commit on the hub; a folder has none."""
        return None if Path(self.model).is_dir() else found.content


_models: dict[tuple[str | int, ...], Loaded] = {}
_lock = threading.Lock()


class Desk:
    """Puts the samples of a request together, and tells of it once.

    Args:
        under_way: The errand that is told.
        taken: The places and requests that rows are made of.
    """

    def __init__(self, under_way: Errand, taken: Sequence[tuple[int, Request]]) -> None:
        self._errand = under_way
        self._requests = dict(taken)
        self._heard: dict[int, dict[int, Spoken]] = {}

    def hear(self, row: Row, spoken: Spoken | None) -> None:
        """One sample; None if time was up."""
        if spoken is None:
            self.give_up(row.place, Unanswered(Silence.TIMEOUT, "the deadline of its batch passed"))
            return
        heard = self._heard.setdefault(row.place, {})
        heard[row.draw] = spoken
        if row.place in self._requests and len(heard) == _draws(row.request):
            self._tell(row, [heard[draw] for draw in sorted(heard)])

    def give_up(self, place: int, answer: Unanswered) -> None:
        """No answer to a request, whatever of it was heard."""
        if self._requests.pop(place, None):
            self._errand.tell(place, answer)

    def _tell(self, row: Row, spoken: Sequence[Spoken]) -> None:
        request = self._requests.pop(row.place)
        said = [one.said for one in spoken]
        # Without temperature all samples are the same one.
        copies = request.samples // len(said)
        usage = Usage(len(row.ids), sum(one.tokens for one in spoken), 1)
        self._errand.tell(row.place, Reply(tuple(said * copies), usage))


def _draws(request: Request) -> int:
    return request.samples if request.temperature > 0 else 1
