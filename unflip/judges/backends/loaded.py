"""A causal language model in memory: prompts to tokens, tokens to replies and log-probabilities."""

from __future__ import annotations

import gc
import inspect
import re
import threading
import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from unflip.errors import UsageError
from unflip.judges.asking import Request, Said
from unflip.judges.backends.choosing import Chooser, Ending, Row, cut
from unflip.judges.backends.weights import package

_SANE_WINDOW = 10**9


class Prompt(NamedTuple):
    """A prompt as text and as tokens; what is raw gets the model's own first token."""

    text: str
    raw: bool
    ids: tuple[int, ...]


class Spoken(NamedTuple):
    """A reply, and how many tokens it took."""

    said: Said
    tokens: int


class Loaded:
    """A model and its tokenizer, used by one thread at a time.

    Args:
        model: A folder, or a name on the hub.
        revision: Of the hub.
        device: A device of torch; `spread` puts the layers wherever there is room.
        dtype: A data type of torch.

    Raises:
        UsageError: The model cannot be loaded.
        MissingExtra: torch or transformers are not installed.
    """

    def __init__(self, model: str, revision: str | None, device: str, dtype: str) -> None:
        torch, transformers = package("torch"), package("transformers")
        place = {"device_map": "auto"} if device == "spread" else {}
        try:
            self._tokenizer = _tokenizer(model, revision)
            self._model = transformers.AutoModelForCausalLM.from_pretrained(
                model, revision=revision, dtype=getattr(torch, dtype), **place
            )
        except (OSError, ValueError, ImportError) as why:
            raise UsageError(f"{model!r} cannot be loaded: {why!s:.300}") from why
        if device != "spread":
            self._model.to(device)
        self._model.eval()
        self._torch = torch
        self._ends = self._take_ends()
        self._controls = _one_of(_controls(self._tokenizer))
        # The model's own settings (penalties, nucleus) would change replies unasked.
        self._model.generation_config = transformers.GenerationConfig()
        self._keeps = "logits_to_keep" in inspect.signature(self._model.forward).parameters
        self._lock = threading.Lock()
        # Tokenizers are written to even while they read: threads have to take turns.
        self._words = threading.Lock()

    @property
    def window(self) -> int:
        """The tokens that a prompt and its reply may have together."""
        config = self._model.config
        text = config.get_text_config() if hasattr(config, "get_text_config") else config
        known = [getattr(text, "max_position_embeddings", None), self._tokenizer.model_max_length]
        return min((int(one) for one in known if one and one < _SANE_WINDOW), default=_SANE_WINDOW)

    def encode(self, request: Request) -> Prompt:
        """A prompt's tokens, in the model's chat template unless it is raw.

        Raises:
            UsageError: The model has no chat template, or none for such turns.
        """
        raw = request.raw is not None
        text = _speakable(request.raw or "") if raw else self._chat(request)
        return Prompt(text, raw, self._tokens(text, raw))

    def ending(self, prompt: Prompt, ending: str) -> tuple[int, ...]:
        """The tokens of an ending, as they follow those of its prompt."""
        whole = self._tokens(prompt.text + ending, prompt.raw)
        cut_at = len(prompt.ids)
        if whole[:cut_at] == prompt.ids and len(whole) > cut_at:
            return whole[cut_at:]
        return self._tokens(ending, False)

    def _tokens(self, text: str, special: bool) -> tuple[int, ...]:
        with self._words:
            found = tuple(self._tokenizer(text, add_special_tokens=special)["input_ids"])
        # A model reads at least one token.
        return found or (self._start,)

    def generate(self, rows: Sequence[Row], until: float) -> list[Spoken | None]:
        """A reply to each row; None where time was up before it ended."""
        with self._lock, self._torch.inference_mode():
            ids_BL, mask_BL = self._padded([row.ids for row in rows])
            chooser = Chooser(rows, ids_BL.device)
            ending = Ending(rows, self._ends, self._text, until)
            self._model.generate(
                input_ids=ids_BL,
                attention_mask=mask_BL,
                max_new_tokens=max(row.request.max_tokens for row in rows),
                do_sample=False,
                logits_processor=[chooser],
                stopping_criteria=[ending],
            )
        return [self._said(number, row, chooser, ending) for number, row in enumerate(rows)]

    def weigh(self, rows: Sequence[tuple[Sequence[int], Sequence[int]]]) -> list[float]:
        """The log-probability of each ending's tokens after its prompt's."""
        most = max(len(ending) for _, ending in rows)
        with self._lock, self._torch.inference_mode():
            ids_BL, mask_BL = self._padded([(*ids, *ending[:-1]) for ids, ending in rows])
            # The last `most` positions are those that any ending's tokens are read off.
            logits_BMV = self._forward(ids_BL, mask_BL, most)
            logprobs_BMV = logits_BMV.float().log_softmax(-1)
            return [
                float(logprobs_BMV[row, range(most - len(ending), most), list(ending)].sum())
                for row, (_, ending) in enumerate(rows)
            ]

    def next_token(self, prompts: Sequence[Sequence[int]]) -> Any:
        """The log-probabilities of every next token after each prompt, on the CPU."""
        with self._lock, self._torch.inference_mode():
            ids_BL, mask_BL = self._padded(prompts)
            return self._forward(ids_BL, mask_BL, 1)[:, -1].float().log_softmax(-1).cpu()

    def likely_next(self, texts: Sequence[str], k: int) -> list[tuple[str, ...]]:
        """The `k` likeliest tokens after each text that can be seen, as what they add to it."""
        begun = [self._tokens(_speakable(text), True) for text in texts]
        top_BK = self.next_token(begun).topk(k).indices.tolist()
        return [self._added(ids, tokens) for ids, tokens in zip(begun, top_BK, strict=True)]

    def _added(self, ids: tuple[int, ...], tokens: Sequence[int]) -> tuple[str, ...]:
        said = self._text(ids)
        # A token by itself may lose its blank: only what it adds to the text tells.
        added = (self._text([*ids, token]).removeprefix(said) for token in tokens)
        return tuple(one for one in added if one and "\ufffd" not in one)

    def too_much(self, why: Exception) -> bool:
        """Whether an error says that memory did not suffice; what is unused is then given back."""
        words = "out of memory", "not enough memory", "can't allocate memory"
        named = isinstance(why, MemoryError | self._torch.OutOfMemoryError)
        if not named and not any(word in str(why) for word in words):
            return False
        if self._torch.cuda.is_available():
            gc.collect()
            self._torch.cuda.empty_cache()
        return True

    @property
    def _start(self) -> int:
        known = self._tokenizer.bos_token_id, self._tokenizer.eos_token_id
        return next((int(token) for token in known if token is not None), 0)

    def _take_ends(self) -> frozenset[int]:
        named = self._model.generation_config.eos_token_id
        several = named if isinstance(named, list | tuple) else [named]
        known = {*several, self._tokenizer.eos_token_id}
        return frozenset(int(token) for token in known if token is not None)

    def _chat(self, request: Request) -> str:
        # Control tokens come from the model's chat template; in a turn they could only be forged.
        turns = [
            {"role": turn.role, "content": self._controls.sub(_broken, _speakable(turn.text))}
            for turn in request.turns
        ]
        go_on = bool(turns) and turns[-1]["role"] == "assistant"
        if not self._tokenizer.chat_template:
            raise UsageError("this model has no chat template: ask it with raw text")
        try:
            text = self._tokenizer.apply_chat_template(
                turns, tokenize=False, add_generation_prompt=not go_on, continue_final_message=go_on
            )
        except Exception as why:
            raise UsageError(f"the model's chat template refuses these turns: {why}") from why
        return str(text)

    def _padded(self, prompts: Sequence[Sequence[int]]) -> tuple[Any, Any]:
        """Tokens and mask, padded on the left whatever the tokenizer says.

        A tokenizer forgets its `padding_side` when it is saved; padding on the right would have
        the next token read off a pad, and no error would say so.
        """
        most = max(len(ids) for ids in prompts)
        ids_BL = self._torch.zeros(len(prompts), most, dtype=self._torch.long)
        mask_BL = self._torch.zeros_like(ids_BL)
        for row, ids in enumerate(prompts):
            ids_BL[row, most - len(ids) :] = self._torch.tensor(ids)
            mask_BL[row, most - len(ids) :] = 1
        device = self._model.get_input_embeddings().weight.device
        return ids_BL.to(device), mask_BL.to(device)

    def _forward(self, ids_BL: Any, mask_BL: Any, last: int) -> Any:
        """The logits of the last positions."""
        positions_BL = (mask_BL.cumsum(-1) - 1).clamp_min(0)
        keep = {"logits_to_keep": last} if self._keeps else {}
        said = self._model(
            input_ids=ids_BL,
            attention_mask=mask_BL,
            position_ids=positions_BL,
            use_cache=False,
            **keep,
        )
        return said.logits[:, -last:]

    def _said(self, number: int, row: Row, chooser: Chooser, ending: Ending) -> Spoken | None:
        finish, tokens = ending.finish[number], ending.tokens[number]
        if finish is None:
            return None
        text = cut(self._text(tokens), row.request.stop)
        top = row.request.top_logprobs
        positions = chooser.positions(number, top, len(tokens), lambda token: self._text([token]))
        return Spoken(Said(text, finish, "", positions), len(tokens))

    def _text(self, tokens: Sequence[int]) -> str:
        with self._words:
            decoded = self._tokenizer.decode(
                list(tokens), skip_special_tokens=True, clean_up_tokenization_spaces=False
            )
        return str(decoded)


@lru_cache(maxsize=8)
def controls(model: str, revision: str | None, content: str) -> tuple[str, ...]:
    """A model's control tokens, by its tokenizer alone.

    Args:
        model: A folder, or a name on the hub.
        revision: Of the hub.
        content: What stands for its content: another one is read anew.

    Raises:
        UsageError: The tokenizer cannot be loaded.
    """
    return _controls(_tokenizer(model, revision))


def _tokenizer(model: str, revision: str | None) -> Any:
    transformers = package("transformers")
    try:
        return transformers.AutoTokenizer.from_pretrained(model, revision=revision)
    except (OSError, ValueError, ImportError) as why:
        raise UsageError(f"{model!r} cannot be loaded: {why!s:.300}") from why


def _controls(tokenizer: Any) -> tuple[str, ...]:
    """A tokenizer's control tokens, the longest first."""
    added = tokenizer.added_tokens_decoder.values()
    named = {*tokenizer.all_special_tokens, *(one.content for one in added if one.special)}
    return tuple(sorted((one for one in named if len(one) > 1), key=lambda one: (-len(one), one)))


def _one_of(tokens: Sequence[str]) -> re.Pattern[str]:
    """Any of a tokenizer's control tokens, which text would be read as."""
    return re.compile("|".join(map(re.escape, tokens)) or r"(?!)")


def _broken(token: re.Match[str]) -> str:
    return f"{token[0][0]} {token[0][1:]}"


def _speakable(text: str) -> str:
    """A text that tokenizers take: a lone surrogate is no character."""
    return text.encode("utf-8", "replace").decode("utf-8")


def within(seconds: float | None) -> float:
    """When so many seconds will have passed, by the monotonic clock."""
    return time.monotonic() + (float("inf") if seconds is None else seconds)
