"""Rollouts that a trainer has logged: read into arrays, and what a correction would have changed.

`read` takes TRL's folder of completions, verl's dumps, or any rows with prompt, completion and
verdict; `table_for` fits measured rates to them, and `replay` corrects them.
"""

from unflip.rollouts.fit import table_for
from unflip.rollouts.log import Rollouts, read
from unflip.rollouts.replay import Change, Moved, Payment, Replay, replay

__all__ = ["Change", "Moved", "Payment", "Replay", "Rollouts", "read", "replay", "table_for"]
