"""What is taken as the program of a completion: one, by the text alone, in the styles of models."""

import textwrap
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unflip.sandbox.languages import CPP
from unflip.types import Outcome, Sample
from unflip.verifiers.code import Code
from unflip.verifiers.code.piecing import out_of_prose, parsed
from unflip.verifiers.code.reading import annotated, completed, program

CODE = Code(cpu=2)
ADD = "def add(a, b):\n    return a + b"
ROW = {"test_list": ["assert add(1, 2) == 3", "assert add(2, 2) == 4"]}
HELPED = "def add(a, b):\n    return total([a, b])"
HELPER = "def total(numbers):\n    return sum(numbers)"
WRONG = "def total(numbers):\n    return 3"
OTHER = "def add(a, b):\n    return a - b"
DEEPER = "def total(n):\n    return reduce(plus, n)"
NOISY = f"@print\n{WRONG}\nclass A: pass"
FAILING = f"{HELPER}\n1 / 0"
SHOWN = textwrap.dedent('''\
    def add(a, b):
        """Adds.

        ```python
        add(1, 2)
        ```
        """
        return a + b''')
LAMBDA = "add = lambda a, b: a + b"
USED = "print(add(1, 2))"
PROMPT = textwrap.dedent('''\
    from typing import List


    def longest(words: List[str]) -> str:
        """The first of the longest words.

        >>> longest(["a", "bb"])
        'bb'
        """
    ''')
BODY = """\
    best = ""
    for one in words:
        if len(one) > len(best):
            best = one
    return best
"""
LONGEST = {"test": "def check(candidate):\n    assert candidate(['a', 'bb', 'cc']) == 'bb'\n"
                   "    assert candidate([]) == ''", "entry_point": "longest"}  # fmt: skip


def block(code, mark="python"):
    """Code in a fence."""
    return f"```{mark}\n{code}\n```\n"


def quoted(text):
    """A text as it is quoted in mail."""
    return "".join(f"> {line}".rstrip() + "\n" for line in text.splitlines())


@pytest.mark.parametrize(
    "said",
    [
        f"First a helper:\n{block(HELPER)}Then:\n{block(HELPED)}",
        f"{block(HELPED)}where\n{block(HELPER)}",
        f"{block(HELPER)}{block(HELPED)}For example:\n{block('print(add(1, 2))')}",
        f"{block('from functools import reduce')}"
        f"{block(DEEPER)}"
        f"{block('plus = lambda a, b: a + b')}{block(HELPED)}",
        f"No:\n{block(WRONG)}Better:\n{block(HELPER)}{block(HELPED)}",
        f"{block(NOISY)}{block(FAILING)}{block(HELPED)}",
        f"[PYTHON]\n{ADD}\n[/PYTHON]",
        f"Sure.\n[PYTHON]\n{block(ADD, '')}[/PYTHON]\nIt adds.",
        f"{ADD}\n[/PYTHON]\n[PYTHON]\n{OTHER}\n[/PYTHON]",
        f"{ADD}\n[DONE]\n\nYou are an expert. Your task:\n[BEGIN]\ndef other(): pass\n[DONE]",
        f"[BEGIN]\n{ADD}\n[DONE]\nIt prints:\n```\n3\n```",
        f"<think>Hm.</think>\n<answer>\n{ADD}\n</answer>",
        f"<think>Hm.</think><answer>{ADD}</answer>",
        f"<answer>{block(ADD).rstrip()}</answer>",
        f"<code>\n{block(ADD, '')}</code>\nOutput:\n```\n3\n```",
        f"{block(ADD)}<answer>It is above.</answer>",
        f"{block(ADD, '')}<answer>It is above.</answer>",
        f"1. Like this:\n- ```python\n{textwrap.indent(ADD, '  ')}\n  ```\n- That is it.",
        f"- ```a``` is a number.\n```b``` is one.\n{block(ADD)}- ```add(1, 2)``` is 3.\n",
        f"```python\n{ADD}\n``` and then `add(1, 2)` is 3.",
        quoted(block(ADD)),
        f"You asked:\n{quoted(block(ADD))}\nThat is it.",
        quoted(ADD),
        f"{quoted(block(WRONG))}\nis wrong.\n{block(ADD)}",
        f"Here is the function:\n\n{ADD}\n",
        f"Here is the function:\n\n{ADD}\n\nIt adds (a plus b). For example:\n- add(1, 2) is 3\n",
        f"The sum, of course.\nimport math  \r\n\r\n{ADD}\n\nComplexity: O(1).",
        f"{ADD}\n\nThis works because + adds two numbers.",
        f"Answer:\n{ADD}",
        f"Вот решение:\n\n{ADD}\n\nЭто складывает.",
        f"解决方案如下：\n\n{ADD}\n\n这个函数返回和。",
        f"{ADD}\n\n---\n\n`add(1, 2)` is 3.\n> Quite so.\n",
        f"{ADD}\n\nadd(1, 2) -> 3",
        f"Here it is:\n\n{ADD}\n\n\nFor example:\n\n{USED}\n\nwill do.",
        block(f'TEXT = """\n[DONE]\n</code>\n"""\n{ADD}'),
        f'TEXT = """\n[DONE]\n</code>\n```python\nno\n```\n"""\n{ADD}',
        f"**Answer:**\n\n{ADD}\n\n**Why:** it adds.",
        block(SHOWN),
        SHOWN,
        f"```python\ndef add(a, b):\n    retu\n\nNo, again:\n{block(ADD)}",
        f"```python\n{ADD}\n```output\n3\n```",
        f"```python\n{ADD}\n``` and then\n{block(USED)}",
        f"- ```python\n{ADD}\n      ```\nand then\n{block(USED)}",
        f"{block(ADD)}```python\n```\n",
        f"Here: ```python\n{ADD}\n```",
        f"{block(LAMBDA)}{block(USED)}",
        f"{block(ADD, '')}So\n{block(USED)}",
        f"Here it is:\n\n{ADD}\n\nFor example:\n{block(USED)}",
        f"{block(OTHER)}No:\n<answer>\n{ADD}\n</answer>",
        f"<answer>So:\n{block(ADD)}Then:\n{block(USED)}</answer>",
        f"{block(ADD)}<answer>\n{USED}\n</answer>",
        f"{ADD}\n</answer>",
        f"{ADD}\n[/PYTHON]\n\nNext:\n{block('def other(): pass')}",
    ],
)  # fmt: skip
def test_a_program_is_there_for_who_reads(said):
    """A right program is accepted in each style in which models write one."""
    assert CODE(Sample(said, meta=ROW)).accepted, program(said, "add")


@pytest.mark.parametrize(
    "said",
    [
        f"{block(HELPER)}{block(WRONG)}{block(HELPED)}",
        f"{block(ADD)}{block(OTHER)}",
        f"[PYTHON]\n{ADD}\n[/PYTHON]\n[PYTHON]\n{OTHER}\n[/PYTHON]",
        f"<answer>{OTHER}</answer>\n```\n{ADD}\n```",
        f"def add(a, b):\n    return 3\n[DONE]\n[BEGIN]\n{ADD}\n[DONE]",
        f"One way:\n\ndef add(a, b):\n    return (3\n\nAnother:\n\n{ADD}",
        f"One way:\n\n{ADD}\n\nAnother:\n\n{OTHER}",
        f"{ADD}\n\nreturn a + b, or so it seems",
        f"{ADD}\n\nadd = print(\n",
        f"{ADD}\n\nNo, it is this:\nadd = lambda a, b: 3",
        f"{ADD}\n\nNo, it is this:\n{OTHER}",
        f"{ADD}\n)\n",
        f"{block(ADD)}No:\n<answer>\n{OTHER}\n</answer>",
        f"{block(ADD)}No:\n{block('add = lambda a, b: 3')}",
        f"{block(ADD, '')}No:\n{block('add = lambda a, b: 3')}",
        f"> {ADD.splitlines()[0]}\nand then\n> {ADD.splitlines()[1]}",
    ],
)  # fmt: skip
def test_there_is_one_candidate_and_no_choice(said):
    """Where there are several, the text says which is meant; where it is broken, it stays so."""
    verdict = CODE(Sample(said, meta=ROW))
    assert verdict.outcome is Outcome.REJECT, program(said, "add")


@pytest.mark.parametrize(
    "said",
    [
        BODY,
        BODY.lstrip(),
        textwrap.dedent(BODY),
        BODY.strip(),
        f"\n{BODY}",
        block(BODY),
        block(textwrap.dedent(BODY)),
        block(PROMPT + BODY),
        block("def longest(words: List[str]) -> str:\n" + BODY),
        "return max(words, key=len, default='')",
        BODY + "\n\ndef unused(x):\n    return x\n",
        BODY[1:],
        block(BODY) + block("print(longest(['a']))"),
        block(PROMPT, "") + block(BODY),
        BODY.replace("best", "longest"),
    ],
)
def test_a_body_goes_on_where_the_prompt_stops(said):
    """With its blanks, without those of its first line, or without those of any."""
    assert CODE(Sample(said, prompt=PROMPT, meta=LONGEST)).accepted, completed(
        program(said, "longest"), PROMPT, "longest"
    )


@pytest.mark.parametrize(
    "said", ["best = ''\n    return best", "return words[-1]", "for one in words:\n    return one"]
)
def test_a_wrong_body_is_wrong_with_its_blanks(said):
    """Blanks make no answer right."""
    assert CODE(Sample(said, prompt=PROMPT, meta=LONGEST)).outcome is Outcome.REJECT


@pytest.mark.parametrize("end", ['    """Both."""', "", "    # Both.", "    x = 1"])
def test_a_body_gets_the_blanks_of_its_place(end):
    """Under the line that ends the prompt, or deeper if that begins a block."""
    prompt = f"class Two:\n    def f(self, x):\n    {end}".rstrip() + "\n"
    made = completed("if x:\n    return 1\nreturn 2", prompt, "f")
    assert made.endswith("        if x:\n            return 1\n        return 2")


@pytest.mark.parametrize(
    ("code", "prompt", "names"),
    [
        ("def f(x: List[int]): ...", "def f(x: List[int])", "List"),
        ("def f(x: List[int], y: Set): ...", "f(x: List[int], y: Set)", "List, Set"),
        ("from typing import Dict\ndef f(x: List[int]): ...", "f(x: List[int])", "List"),
        ("from typing import (\n    List,\n)\ndef f(x: List[int]): ...", "f(x: List[int])", ""),
        ("from typing import *\ndef f(x: List[int]): ...", "f(x: List[int])", ""),
        ("def f(x: List[int]): ...", "Sort a list.", ""),
        ("def f(x): return [x]", "def f(x: List[int])", ""),
    ],
)  # fmt: skip
def test_names_for_types_are_there_if_the_prompt_writes_them(code, prompt, names):
    """And only if the program writes them too, and does not import them."""
    wanted = f"from typing import {names}\n{code}" if names else code
    assert annotated(code, prompt) == wanted


def test_imports_that_never_end_are_soon_read():
    """Each is looked at as far as it goes, and not as far as the text."""
    code = "from typing import (\n" * 20_000 + "x: List[int]"
    began = time.process_time()
    assert annotated(code, "def f(x: List[int])").endswith(code)
    assert time.process_time() - began < 2


def test_a_prompt_in_words_may_name_types():
    """What its signature names is no reason to fail."""
    said = "def add(a: Optional[int], b: int) -> int:\n    return a + b"
    assert CODE(Sample(said, prompt="Write `add(a: Optional[int], b: int)`.", meta=ROW)).accepted
    assert not CODE(Sample(said, prompt="Write `add`.", meta=ROW)).accepted


def test_a_program_that_prints_has_its_parts():
    """The last block reads and prints; what it calls is in the one before."""
    row = {"inputs": ["20 22"], "outputs": ["42"]}
    main = block("a, b = map(int, input().split())\nprint(add(a, b))")
    assert CODE(Sample(block(ADD) + main, meta=row)).accepted
    assert CODE(Sample(block(ADD + "\nprint('not this')") + main, meta=row)).accepted


def test_a_helper_may_have_escapes_that_python_warns_of():
    """What is in a text is not asked, and nobody is warned."""
    helper = (
        "import re\ndef total(numbers):\n    re.match('\\d\\'\\{', '')\n    return sum(numbers)"
    )
    assert CODE(Sample(block(helper) + block(HELPED), meta=ROW)).accepted


def test_a_body_takes_nothing_from_an_example():
    """What a name means in an example is not what an argument is."""
    said = block("words = ['aaaa']\nprint(longest(words))") + block(BODY)
    assert program(said, "longest") == BODY + "\n"


@pytest.mark.parametrize(
    ("first", "body"),
    [
        ("count = 0", "global count\n    count += 1\n    return a + b"),
        (HELPER + "\ntotal = [total][0]", "return total([a, b])"),
        ("all = []\nparts = [1]\nparts += [0]", "return a + b + parts[1]"),
        ("total = sum; print(add(1, 2))", "return total([a, b])"),
        ("é = 'é'; total = sum; x = é + 1", "return total([a, b])"),
        (HELPER, "def show(total): return total\n    return total([a, b])"),
        (HELPER, "return total([a, b])\n\ndef show():\n    total = 1\n    return total"),
        ("from functools import *", "return reduce(lambda x, y: x + y, [a, b])"),
        ("from solution import *", "return a + b if a else nothing"),
        ("try:\n    from none import total\nexcept ImportError:\n    total = sum",
         "return total([a, b])"),
        ("def sum(a, b):\n    return a + b", "return sum(a, b)"),
        ("sum = 4", "return sum([a, b])"),
        ("def total(numbers: List[int]):\n    return sum(numbers)",
         "return total([a, b])\n\nfrom typing import List"),
        ("def total(n): return sum(n)", "return int(f'{total([a, b])}')"),
        ("class Sum(int): pass", "class Own(Sum): pass\n    return Own(a + b)"),
    ],
    ids=range(15),
)  # fmt: skip
def test_a_name_means_what_it_would_mean_to_a_reader(first, body):
    """All that one block makes of it, where it is the module's, and nothing beside it."""
    assert CODE(Sample(block(first) + block(f"def add(a, b):\n    {body}"), meta=ROW)).accepted


STACK = textwrap.dedent("""\
    class Stack(list):
        push = list.append
""")
QUEUE = textwrap.dedent("""\
    class Queue(list):
        def get(self):
            return self.pop(0)
""")
BOTH = textwrap.dedent("""\
    from solution import LEAST, Queue, Stack

    def test_both():
        stack = Stack([LEAST])
        stack.push(2)
        assert Queue([stack.pop()]).get() == 2
""")


@pytest.mark.parametrize(
    "said",
    [
        block("LEAST = 1") + block(STACK) + block(QUEUE),
        block(QUEUE) + block(STACK) + block("LEAST = 1"),
        block("LEAST = 1\n" + STACK + QUEUE) + "A test:\n" + block(BOTH),
        block("LEAST = 1\n" + STACK + QUEUE) + "For example:\n" + block("print(Stack([1]))"),
    ],
)
def test_all_that_tests_ask_for_is_taken(said):
    """Each of it may stand in a block of its own."""
    assert CODE(Sample(said, meta={"test": BOTH})).accepted


def test_what_shows_python_own_names_is_no_helper():
    """After the program, it is an example; and what is no function never hides one of Python's."""
    main = block("a, b = map(int, input().split())\nprint(sum([a, b]))")
    row = {"inputs": ["20 22"], "outputs": ["42"]}
    assert CODE(Sample(block("input = '1 2'") + main, meta=row)).accepted
    mock = block("def input():\n    return '1 2'")
    assert program(mock + main).startswith("def input()")
    reads = "def add(a, b):\n    return int(input())\n"
    assert program(block(reads) + mock, "add") == f"{reads}\n"


def test_what_goes_before_a_coroutine_is_kept():
    """The prompt ends with a line that needs a body, which is in the answer only."""
    made = completed("async def f(): ...", "import math\nasync def f():\n", "f")
    assert made == "import math\n\nasync def f(): ..."


def test_other_languages_are_taken_as_they_are():
    """What is read of Python is Python's."""
    said = "Here:\n\nint main() {}\n"
    assert program(said, None, CPP) == said
    assert program(quoted(block("int main() {}", "cpp")), None, CPP) == "int main() {}\n"


@pytest.mark.parametrize(
    "text",
    ["(" * 20_000, "-" * 45_000 + "1", "a" + ".b" * 20_000, "x = " * 10_000 + "1",
     'f"' + "{x}" * 15_000 + '"', "a = 1\nHere it is\n" * 3_000, "\0", "\ud800 b", "not " * 10_000,
     "[PYTHON]\n" * 5_000, "<answer>\n" * 5_000, "> " * 20_000, "a: " * 15_000,
     "a" * 45_000 + ": ", "```python\n" * 4_000, "import a, " * 4_000, "\n\na b\n\n" * 8_000,
     "\n \n" * 15_000, "f(" * 20_000],
    ids=range(19),
)  # fmt: skip
def test_no_text_breaks_whoever_reads_it(text):
    """It is a program or is none, and that is soon known."""
    parsed(text)
    assert isinstance(completed(text, PROMPT, "longest"), str)
    for said in (
        text,
        f"Here it is:\n{text}",
        block(text) + block(ADD),
        block(text) + block(HELPED),
    ):
        assert isinstance(program(said, "add"), str)


PIECES = st.sampled_from(
    [ADD, HELPER, HELPED, "```", "```python", "~~~", "> ", "[PYTHON]", "[/PYTHON]", "[DONE]",
     "<answer>", "</answer>", "[BEGIN]", "Here: ```python", "total = sum; x = total", "global x",
     "from math import *", "Here it is:", "\n\n", "\n", "    ", "import math", "@", "(", '"""']
)  # fmt: skip


@given(st.lists(PIECES, max_size=12).map("".join))
def test_what_is_found_is_what_was_said(text):
    """Every line of the program is one of the text's, and the same text has the same program."""
    found = program(text, "add")
    assert found == program(text, "add")
    lines = {line.lstrip("> \t") for line in text.splitlines()}
    assert all(any(line.strip("> \t") in one for one in lines) for line in found.splitlines()), (
        found,
        text,
    )


@given(
    st.lists(
        st.sampled_from([ADD, "x = 1", "print(2)", "# a comment", "if 1:\n    pass"]), min_size=1
    )
)
def test_a_program_without_words_is_all_of_it(parts):
    """What is Python from its first line to its last is taken as it is."""
    text = "\n".join(parts)
    assert out_of_prose(text) == text
