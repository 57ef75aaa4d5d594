"""Running a verifier over samples: where, how long at most, and what need not be run again."""

from unflip.run.crews import Workers, processes, serial, suited, threads
from unflip.run.progress import with_progress
from unflip.run.verify import Cache, averify_all, verify_all

__all__ = [
    "Cache",
    "Workers",
    "averify_all",
    "processes",
    "serial",
    "suited",
    "threads",
    "verify_all",
    "with_progress",
]
