# The few commands of daily work; `just` lists them.

python := ".venv/bin/python"

# A development environment with every extra; all but torch and its like pinned by hash.
setup:
    python3 -m venv .venv
    .venv/bin/pip install -q -r requirements/test.txt
    .venv/bin/pip install -q -r requirements/torch.txt
    .venv/bin/pip install -q --no-deps --no-build-isolation -e .

# All tests, docs and docstrings included.
test *args:
    .venv/bin/pytest {{args}}

# Tests against trainers that need environments of their own: verl, verifiers, OpenRLHF, an old TRL.
hosts:
    .ci/hosts

# Format, lint, types.
check:
    .venv/bin/ruff format .
    .venv/bin/ruff check --fix .
    .venv/bin/mypy

# What CI runs.
ci:
    .ci/run

# Renew the hash-pinned requirements. They name no address: the index is the user's own.
pin:
    uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --extra math --group build -o requirements/demo.txt
    uv pip compile -q pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --extra math --extra units --extra data --extra duckdb --group dev -o requirements/test.txt
