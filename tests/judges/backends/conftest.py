"""What the tests of backends import by name: the stub server, and the tiny model."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
