"""Who answers a judge's requests: an endpoint, a model of one's own, a recording, a script."""

from unflip.judges.backends.endpoint import Endpoint
from unflip.judges.backends.errand import ask_async
from unflip.judges.backends.local import Local
from unflip.judges.backends.replay import Recording, Replay, recording
from unflip.judges.backends.scripted import Scripted

__all__ = ["Endpoint", "Local", "Recording", "Replay", "Scripted", "ask_async", "recording"]
