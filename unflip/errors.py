"""Every error that unflip raises at its user, drawn as one tree.

    UnflipError
    ├── UsageError (ValueError)        a call that cannot mean anything
    │   ├── MissingExtra (ImportError) an optional dependency is not installed
    │   └── NoVerdict                  a verifier or reward function returned what is none
    ├── DataError (ValueError)         a file, a column or a recorded run cannot be read as asked
    ├── PluginError (LookupError)      a verifier's name leads nowhere
    ├── NotIdentifiable (ValueError)   this design cannot tell the quantity with any n
    ├── Unjudged (RuntimeError)        a judge gave no verdict, and is told to raise then
    ├── SandboxError (RuntimeError)    a sandbox gave no result, through no fault of the program
    │   └── SandboxUnavailable         it cannot isolate, or judge, as was asked for
    └── WorkerError (RuntimeError)     a worker process gave no result
        ├── WorkerTimeout              it was killed at its deadline
        ├── WorkerCrash                it died
        └── WorkerRaised               the function that it ran raised

A model's text never raises: it is a verdict. Only a programmer's or a system's mistake is an error,
and its message says what to do next. To add one: subclass the nearest kind and the standard type
that a caller would catch, add it to the tree, keep it picklable (message only).
"""


class UnflipError(Exception):
    """The base: `except UnflipError` catches all of ours and nothing else."""


class UsageError(UnflipError, ValueError):
    """A call that cannot mean anything; the message says what would."""


class MissingExtra(UsageError, ImportError):
    """An optional dependency is missing; the message is the command that installs it."""


class NoVerdict(UsageError):
    """A verifier or a reward function returned what is no verdict, or what none can be made of."""


class DataError(UnflipError, ValueError):
    """A file, a column or a recorded run cannot be read as asked."""


class PluginError(UnflipError, LookupError):
    """A verifier's name leads nowhere, or to something that is no verifier."""


class NotIdentifiable(UnflipError, ValueError):
    """The design cannot identify the quantity; more rows of the same kind would not help."""


class Unjudged(UnflipError, RuntimeError):
    """A judge gave no verdict, and its policy is to raise; the message says why."""


class SandboxError(UnflipError, RuntimeError):
    """A sandbox gave no result, through no fault of the program."""


class SandboxUnavailable(SandboxError):
    """This machine, or this sandbox, cannot do what was asked for; the message says what can."""


class WorkerError(UnflipError, RuntimeError):
    """A worker process gave no result."""


class WorkerTimeout(WorkerError):
    """A worker was killed because its deadline had passed."""


class WorkerCrash(WorkerError):
    """A worker died before it answered."""


class WorkerRaised(WorkerError):
    """The function that a worker ran raised; the message says what, as text."""


def missing_extra(feature: str, extra: str) -> MissingExtra:
    """The error for a feature whose extra is not installed.

    Example:
        >>> str(missing_extra("reading Parquet", "data"))
        "reading Parquet needs an extra: pip install 'unflip[data]'"
    """
    return MissingExtra(f"{feature} needs an extra: pip install 'unflip[{extra}]'")
