"""A run of a judge that is interrupted: what was paid for is kept, and nothing is asked twice."""

import json
import signal
import subprocess
import sys
import time

import pytest

from tests.judges.server import Plan, serving

ROWS = 600


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_pays_nothing_twice(tmp_path, number):
    """Stopped with requests on their way and run again, the server has seen each row once."""
    rows = ({"completion": f"{n}", "reference": "4", "prompt": f"{n}?"} for n in range(ROWS))
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    command = [sys.executable, "-m", "unflip", "verify", "rows.jsonl", "--with", "judge.toml"]
    with serving(Plan(says=lambda prompt: "YES", delay=0.01)) as server:
        (tmp_path / "judge.toml").write_text(
            'store = "replies.sqlite"\n[backend]\nkind = "endpoint"\nparallel = 8\n'
            f'url = "{server.url}"\nmodel = "stub"\nmodel_kind = "stub"\n'
        )
        with subprocess.Popen([*command, "-o", "verdicts.jsonl"], cwd=tmp_path) as run:
            while server.seen.attempts.total() < ROWS // 4:
                time.sleep(0.005)
            run.send_signal(number)
        seen = server.seen.attempts.total()
        assert run.returncode == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
        assert seen < ROWS
        subprocess.run([*command, "-o", "verdicts.jsonl"], cwd=tmp_path, check=True)
    assert server.seen.attempts.total() == len(server.seen.attempts) == ROWS
    assert len((tmp_path / "verdicts.jsonl").read_text().splitlines()) == ROWS
