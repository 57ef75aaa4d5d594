"""Runs programs that nobody trusts, and reports what the kernel says happened."""

from unflip.errors import SandboxError, SandboxUnavailable
from unflip.sandbox.building import prepared
from unflip.sandbox.docker import Container, Docker
from unflip.sandbox.embedded import Embedded
from unflip.sandbox.levels import Level
from unflip.sandbox.limits import Limits
from unflip.sandbox.remote import Remote
from unflip.sandbox.results import Backend, Call, Program, Result, Status
from unflip.sandbox.sharing import service, shared

__all__ = [
    "Backend",
    "Call",
    "Container",
    "Docker",
    "Embedded",
    "Level",
    "Limits",
    "Program",
    "Remote",
    "Result",
    "SandboxError",
    "SandboxUnavailable",
    "Status",
    "prepared",
    "service",
    "shared",
]
