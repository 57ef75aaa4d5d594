"""The code verifier: programs, judged by what they do in the sandbox."""

from unflip.verifiers.code.comparing import How, Tolerance
from unflip.verifiers.code.verifier import Code, forget

__all__ = ["Code", "How", "Tolerance", "forget"]
