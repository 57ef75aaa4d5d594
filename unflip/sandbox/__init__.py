"""Runs programs that nobody trusts, and reports what the kernel says happened."""

from unflip.sandbox.embedded import Embedded, shared
from unflip.sandbox.failures import SandboxError, SandboxUnavailable
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import Limits
from unflip.sandbox.results import Backend, Call, Program, Result, Status

__all__ = [
    "Backend",
    "Call",
    "Embedded",
    "Level",
    "Limits",
    "Program",
    "Result",
    "SandboxError",
    "SandboxUnavailable",
    "Status",
    "shared",
]
