"""The base of backends around another one: what an answer depends on is the inner one's matter."""

from __future__ import annotations

from unflip.judges.asking import Backend
from unflip.judges.backends.errand import Answering


class Wrapping(Answering):
    """A backend that changes no answer of `backend`, so it goes by its name."""

    backend: Backend

    @property
    def by(self) -> str:
        """The backend's."""
        return self.backend.by

    @property
    def kind(self) -> str:
        """The backend's."""
        return self.backend.kind

    @property
    def parallel(self) -> int:
        """The backend's."""
        return self.backend.parallel
