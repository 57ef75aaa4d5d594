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
@pytest.mark.parametrize("store", ['store = "replies.sqlite"\n', ""], ids=["store", "no store"])
def test_an_interrupted_run_pays_nothing_twice(tmp_path, number, store):
    """Stopped with requests on their way and run again, the server has seen each row once."""
    rows = ({"completion": f"{n}", "reference": "4", "prompt": f"{n}?"} for n in range(ROWS))
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    command = [sys.executable, "-m", "unflip", "verify", "rows.jsonl", "--with", "judge.toml"]
    with serving(Plan(says=lambda prompt: "YES", delay=0.01)) as server:
        (tmp_path / "judge.toml").write_text(
            f'{store}[backend]\nkind = "endpoint"\nparallel = 8\n'
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


def test_an_interrupted_audit_of_an_address_pays_nothing_twice(tmp_path):
    """Nobody asked for a store, and the replies that were paid for are kept all the same."""
    rows = ({"question": f"What is {n} + {n}?", "answer": f"{2 * n}"} for n in range(10, 20))
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    with serving(Plan(says=lambda prompt: "YES", delay=0.01)) as server:
        command = [
            *(sys.executable, "-m", "unflip", "audit", "--items", "rows.jsonl", "-o", "out"),
            *("--judge", f"{server.url}(kind='stub', parallel=8)"),
            *("--probes", "openers", "--no-rewrites"),
        ]
        with subprocess.Popen(command, cwd=tmp_path) as run:
            while server.seen.attempts.total() < ROWS // 4:
                time.sleep(0.005)
            run.send_signal(signal.SIGINT)
        seen = server.seen.attempts.total()
        assert run.returncode == 130
        subprocess.run(command, cwd=tmp_path, check=True)
    assert seen < server.seen.attempts.total() == len(server.seen.attempts)
