"""How programs are found in completions: the same solutions, written in each style of models.

    python benchmarks/code_styles.py FILE... [--quick]

The files are JSON Lines with a prompt, a solution, tests and a label. For each style, how many
solutions can be written so, and how many of the right and of the wrong ones are accepted.
"""

import argparse
import json
import re
import textwrap
from pathlib import Path

import machine

from unflip import Sample
from unflip.verifiers.code import Code

FENCED = re.compile(r"```python\n(.*?)```", re.DOTALL)
PART = re.compile(r"(?m)^(?=def |class )")
TESTS = ("test", "entry_point", "test_list", "test_setup_code")


def fence(code):
    """Code in a fence."""
    return f"```python\n{code}\n```"


def quoted(text):
    """A text as it is quoted in mail."""
    return "".join(f"> {line}\n" for line in text.splitlines())


def parts(code):
    """One fence for each function, or None if there is one only."""
    found = PART.split(code.replace("\r\n", "\n"))
    if len(found) < 3:
        return None
    return "\n".join(f"Then:\n{fence(one)}" for one in (found[0] + found[1], *found[2:]))


WHOLE = {
    "the program alone": lambda code: code,
    "a fence among words": lambda code: f"Sure!\n\n{fence(code)}\nIt works.",
    "a fence for each function": parts,
    "a fence that is quoted": lambda code: f"So:\n{quoted(fence(code))}",
    "[PYTHON]": lambda code: f"[PYTHON]\n{code}\n[/PYTHON]",
    "[DONE], and more": lambda code: f"{code}\n[DONE]\n\nNext:\n[BEGIN]\npass\n[DONE]",
    "<answer>": lambda code: f"<think>Hm.</think>\n<answer>\n{code}\n</answer>",
    "words around it": lambda code: f"Here it is:\n\n{code}\n\nIt runs in O(n) time.\n- Good.\n",
}
BODY = {
    "its body": lambda code: code,
    "its body, stripped": str.strip,
    "its body, without blanks": textwrap.dedent,
    "its body, without blanks, in a fence": lambda code: fence(textwrap.dedent(code)),
}


def written(row, style):
    """The solution of a row in a style; None if it cannot be."""
    held = FENCED.search(row["solution"])
    code = held[1] if held else row["solution"]
    if style in WHOLE:
        return WHOLE[style](code)
    begins = code.startswith(row["prompt"])
    return BODY[style](code[len(row["prompt"]) :]) if begins else None


def counted(rows, style):
    """A line of the table."""
    said = [(row, text) for row in rows if (text := written(row, style)) is not None]
    samples = [
        Sample(
            text, prompt=row["prompt"], meta={name: row[name] for name in TESTS if row.get(name)}
        )
        for row, text in said
    ]
    found = [verdict.accepted for verdict in Code().verify_batch(samples)]
    right = [one for one, (row, _) in zip(found, said, strict=True) if row["label"]]
    wrong = [one for one, (row, _) in zip(found, said, strict=True) if not row["label"]]
    return f"{style:38} {sum(right):5} of {len(right):3} {sum(wrong):5} of {len(wrong):3}"


def main():
    """Decide all rows in all styles."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("files", nargs="+", type=Path)
    options.add_argument("--quick", action="store_true", help="a tenth of the rows")
    given = options.parse_args()
    lines = [line for one in given.files for line in one.read_text().splitlines()]
    rows = [json.loads(line) for line in lines][:: 10 if given.quick else 1]
    print(machine.line())
    print(f"{'accepted, of a solution that is':38} {'right':>12} {'wrong':>12}")
    for style in (*WHOLE, *BODY):
        print(counted(rows, style), flush=True)


if __name__ == "__main__":
    main()
