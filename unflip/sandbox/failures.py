"""What a sandbox raises when it cannot do its work; never for what a program does in it."""

from __future__ import annotations

from unflip.errors import UnflipError


class SandboxError(UnflipError, RuntimeError):
    """The sandbox gave no result, through no fault of the program."""


class SandboxUnavailable(SandboxError):
    """This machine cannot isolate as strongly as was asked for."""
