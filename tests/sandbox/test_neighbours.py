"""An honest program beside each hostile one: it gets the result that it always gets."""

import platform
import shutil
import sys
import threading
import tomllib
from pathlib import Path

import pytest

from unflip.sandbox import Limits, Program, prepared

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the embedded backend needs Linux")
HOSTILE = Path(__file__).parents[2] / "fixtures" / "hostile"
TIGHT = Limits(cpu=0.1, wall=0.2, memory=256 << 20, output=4 << 20, disk=8 << 20)
PATIENT = Limits(cpu=5, memory=512 << 20)
HONEST = Program("print(sum(map(int, input().split())))", b"20 22")
FAMILIES = (
    ("forging", "python", "true"),
    ("escaping", "python", "true"),
    ("bombs", "python", "true"),
    ("native", "cpp", "g++"),
    ("node", "javascript", "node"),
)


def beside_each(sandbox, family, language):
    """Run an honest program for as long as each hostile one of a family runs."""
    for hostile in tomllib.loads((HOSTILE / f"{family}.toml").read_text())["program"]:
        elsewhere = hostile.get("machine", platform.machine()) != platform.machine()
        if elsewhere or (language == "cpp" and "bomb" not in hostile):
            # Of those that have to be built, the bombs are enough.
            continue
        ready = prepared(sandbox, Program(hostile["code"], language=language))
        attack = threading.Thread(target=sandbox.run, args=(ready, TIGHT))
        attack.start()
        while True:
            found = sandbox.run(HONEST, PATIENT)
            assert (found.status, found.stdout) == ("finished", b"42\n"), hostile["name"]
            if not attack.is_alive():
                break
        attack.join()


@pytest.mark.parametrize(("family", "language", "tool"), FAMILIES, ids=[one[0] for one in FAMILIES])
def test_an_honest_program_beside_each_hostile_one(sandbox, family, language, tool):
    """Whatever the other slot runs, this one's program prints its answer, and in its time."""
    if shutil.which(tool) is None:
        pytest.skip(f"there is no {tool}")
    beside_each(sandbox, family, language)
