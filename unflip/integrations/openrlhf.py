"""OpenRLHF: a verifier as `reward_func` of a file, or behind the HTTP protocol of a remote reward.

Put `reward_func = Reward(...)` into a file, and give OpenRLHF its path:

    --reward.remote_url rewards.py --algo.dynamic_filtering_enable

OpenRLHF asks about one response at a time, in threads of each vLLM actor, so nothing here has
state. The loop itself was not run: its calls are pinned against the source of openrlhf 0.11.2.
"""

from __future__ import annotations

import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from unflip.correction.advantages import Normaliser
from unflip.correction.hook import Hook
from unflip.integrations.verdicts import (
    Paid,
    Payer,
    StratumOf,
    check_on_abstain,
    check_rates,
    check_strata,
    given_stratum,
)
from unflip.types import Outcome, Reason, Sample, Verdict, Verifier

_log = logging.getLogger(__name__)
NORMALISERS: Mapping[str, Normaliser] = {
    "group_norm": Normaliser.GRPO,
    "rloo": Normaliser.RLOO,
    "dr_grpo": Normaliser.DR_GRPO,
    "reinforce_baseline": Normaliser.BATCH_CENTRED,
    "reinforce": Normaliser.BATCH,
}
"""What each `--algo.advantage.estimator` is to a `Hook`."""
ENDS = ("<|im_end|>", "<|endoftext|>", "<|eot_id|>", "<|end_of_text|>", "</s>", "<eos>")
"""Tokens that end a response, which OpenRLHF leaves in the text."""
_TAIL = 32


@dataclass(frozen=True, slots=True)
class Reward:
    """`reward_func(queries, prompts, labels) -> {"rewards", "scores", "extra_logs"}`.

    The rewards are corrected, and the scores, by which OpenRLHF filters groups, are the verdicts.
    A reward of None would stop OpenRLHF, so what an abstain becomes has to be said: "drop" is NaN,
    at which `--algo.dynamic_filtering_enable` drops the whole group (without that flag, the loss
    becomes NaN); a number is paid as it is, and moves the policy wherever a group has another mean.

    Attributes:
        verifier: Any verifier; it sees response, prompt and label.
        on_abstain: What a row is paid that weighs nothing: "drop", or a number.
        hook: The correction, for the normaliser in `NORMALISERS`; None: no correction.
        stratum_of: Which stratum a row belongs to.
        ends: Texts to cut off the end of a response.

    Raises:
        UsageError: `on_abstain` is neither, or the hook goes by another verifier's rates, or would
            be inert or harmful by the strata that rows come with.

    Example:
        >>> from unflip.plugins import load
        >>> reward_func = Reward(load("exact"), on_abstain="drop")
        >>> paid = reward_func(["2 + 2 = ?4<|im_end|>"], ["2 + 2 = ?"], ["4"])
        >>> paid["rewards"], paid["scores"]
        (1.0, 1.0)
        >>> paid["extra_logs"]
        {'accept': 1.0, 'abstain': 0.0, 'masked': 0.0, 'change': 0.0}
    """

    verifier: Verifier
    on_abstain: float | Literal["drop"]
    hook: Hook | None = None
    stratum_of: StratumOf = given_stratum
    ends: tuple[str, ...] = ENDS

    def __post_init__(self) -> None:
        check_on_abstain(self.on_abstain, "drop")
        check_rates(self.hook, self.verifier)
        check_strata(self.hook, self.stratum_of)

    @property
    def by(self) -> str:
        """Whose verdicts these are: what `RateTable.of` wants to know."""
        return Payer(self.verifier).by

    def __call__(
        self, queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any], **_: Any
    ) -> dict[str, Any]:
        """One number for one query, else a list of them."""
        columns = self.columns(queries, prompts, labels)
        return columns if len(queries) != 1 else _only(columns)

    def columns(
        self, queries: Sequence[str], prompts: Sequence[str], labels: Sequence[Any]
    ) -> dict[str, Any]:
        """The same, always as lists: what the HTTP protocol sends."""
        paid = [self._pay(*row) for row in zip(queries, prompts, labels, strict=True)]
        nothing = math.nan if self.on_abstain == "drop" else float(self.on_abstain)
        silent = [math.isnan(one.reward) for one in paid]
        pairs = list(zip(paid, silent, strict=True))
        return {
            "rewards": [nothing if none else one.reward for one, none in pairs],
            "scores": [nothing if none else one.raw for one, none in pairs],
            "extra_logs": {
                "accept": [float(one.verdict.accepted) for one in paid],
                "abstain": [float(not one.verdict.decided) for one in paid],
                "masked": [float(none) for none in silent],
                "change": [0.0 if none else abs(one.reward - one.raw) for one, none in pairs],
            },
        }

    def _pay(self, query: str, prompt: str, label: Any) -> Paid:
        completion = completion_of(query, prompt)
        if completion is None:
            lost = {"why": "the query does not contain its prompt"}
            verdict = Verdict(Outcome.ABSTAIN, Reason.ERROR, by=self.by, evidence=lost)
            return Paid(verdict, math.nan, math.nan)
        payer = Payer(self.verifier, self.hook, self.stratum_of)
        return payer(Sample(_trimmed(completion, self.ends), label, prompt=prompt))


def completion_of(query: str, prompt: str) -> str | None:
    """What follows the prompt in a query; None if the prompt is not there.

    A prompt that OpenRLHF has truncated lacks its beginning, and is found by its end.

    Example:
        >>> completion_of("What is 2 + 2?4", "What is 2 + 2?")
        '4'
    """
    if query.startswith(prompt):
        return query[len(prompt) :]
    _, found, rest = query.partition(prompt[-_TAIL:])
    return rest if found else None


def serve(reward: Reward, *, host: str = "127.0.0.1", port: int = 5000) -> ThreadingHTTPServer:
    """A server of rewards, for `--reward.remote_url http://...`; call its `serve_forever()`.

    It takes POST requests of `{"query": [...], "prompts": [...], "labels": [...]}`, and anybody who
    reaches the port may ask.

    Args:
        reward: What answers.
        host: The address to listen at.
        port: The port; 0 takes a free one.

    Example:
        >>> from unflip.plugins import load
        >>> with serve(Reward(load("exact"), on_abstain="drop"), port=0) as server:
        ...     server.server_address[0]
        '127.0.0.1'
    """
    return ThreadingHTTPServer((host, port), partial(_Handler, reward))


class _Handler(BaseHTTPRequestHandler):
    """Answers POST requests by a reward."""

    def __init__(self, reward: Reward, *args: Any) -> None:
        self.reward = reward
        super().__init__(*args)

    def do_POST(self) -> None:
        """Reply with rewards, or with 400 and what is wrong."""
        length = int(self.headers.get("Content-Length") or 0)
        try:
            asked = json.loads(self.rfile.read(length))
            rows = (asked["query"], asked["prompts"], asked["labels"])
            self._reply(200, self.reward.columns(*rows))
        except (ValueError, KeyError, TypeError) as why:
            self._reply(400, {"error": f"not {{query, prompts, labels}} of equal length: {why}"})

    def _reply(self, status: int, content: Mapping[str, Any]) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests go to the log of the module, not to stderr."""
        _log.debug(format, *args)


def _only(columns: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: _only(value) if isinstance(value, Mapping) else value[0]
        for name, value in columns.items()
    }


def _trimmed(text: str, ends: tuple[str, ...]) -> str:
    for end in ends:
        text = text.removesuffix(end)
    return text
