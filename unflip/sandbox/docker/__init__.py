"""The backend in containers: warm ones, each with a fork-server of ours, on any Docker engine."""

from unflip.sandbox.docker.backend import Docker
from unflip.sandbox.docker.container import IMAGE, Container

__all__ = ["IMAGE", "Container", "Docker"]
