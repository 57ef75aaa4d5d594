"""A sandbox of this machine, at each level."""

import pytest

from unflip.sandbox import Embedded, Level, SandboxUnavailable


@pytest.fixture(scope="module", params=[Level.NAMESPACES, Level.LANDLOCK], ids=lambda one: one.word)
def sandbox(request):
    """A sandbox at each level; skipped, with the reason, where the machine cannot reach it."""
    with Embedded(minimum=request.param, most=request.param, size=2) as made:
        try:
            assert made.level is request.param
        except SandboxUnavailable as why:
            pytest.skip(str(why))
        yield made
