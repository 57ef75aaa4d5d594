"""Puts a Python program together from what one completion says: by its text alone, and one only."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeGuard

_READ = 50_000
"""So many characters are looked into; of more, some texts would take Python minutes to read."""
_BEGINS = re.compile(
    r"^(?:@\w|(?:async +)?def \w+ *\(|class \w+ *[:(]|import \w[\w.]*(?: as \w+)?(?:,.*)?[ \t\r]*$"
    r"|from [\w.]+ import\b|\w+(?:, *\w+)* *=[^=]|print *\("
    r"|(?:if|for|while|with) .*:[ \t\r]*(?:#.*)?$|try *:)",
    re.MULTILINE,
)
# Two words that no statement begins with; where there are none, nobody has to read the program.
_WORDS = re.compile(
    r"^(?!(?:def|class|import|from|if|elif|for|while|with|async|await|return|raise|assert|del|global"
    r"|nonlocal|except|yield|lambda|match|case|type|print|not)\b)[A-Za-z][\w'-]*[,:]? +[A-Za-z]",
    re.MULTILINE,
)
# All but those that end a text or a line; Python warns of some, and what a text says is not asked.
_ESCAPE = re.compile(r"(\\[\\'\"\r\n])|\\")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_LATER = re.compile(r"^[ \t]+\S", re.MULTILINE)
_SAID = re.compile(r"\s*(?:[-*+]|\d+[.)]) +\S|[A-Za-z*_#\"'(]")
_CALLED = re.compile(r"[\w.]+\(.*\)")
_GOES_ON = re.compile(
    r"(?:else|elif|except|finally|return|yield|pass|break|continue|raise|assert|del|global|nonlocal"
    r"|async|await|lambda|match|case)\b"
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_LEAVES = (ast.Return, ast.Yield, ast.YieldFrom)
_PYTHONS = frozenset(dir(builtins))
Place = tuple[int, int]
"""Where a statement stands, by block and line."""


@dataclass(frozen=True, slots=True)
class _Definition:
    """A statement that defines a name, and the lines of the block that it stands in."""

    place: Place
    statement: ast.stmt
    lines: Sequence[str]

    @property
    def source(self) -> str:
        """Its lines, with its decorators."""
        decorators = getattr(self.statement, "decorator_list", [])
        first = min([self.statement.lineno, *(one.lineno for one in decorators)])
        return "\n".join(self.lines[first - 1 : self.statement.end_lineno])


def parsed(source: str) -> ast.Module | None:
    """A program's syntax tree; None if it is no Python, or too much of it."""
    if len(source) > _READ:
        return None
    try:
        return ast.parse(_ESCAPE.sub(lambda found: found[1] or "x", source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def complete(source: str) -> bool:
    r"""Whether it is Python, and nothing in it returns or yields that is in no function.

    Example:
        >>> complete("def f():\n    return 1"), complete("def f():\n    pass\nreturn 1")
        (True, False)
    """
    tree = parsed(source)
    return tree is not None and not any(isinstance(one, _LEAVES) for one in _outside(tree))


def _outside(tree: ast.AST) -> Iterator[ast.AST]:
    """What stands in no function."""
    left = [tree]
    while left:
        for one in ast.iter_child_nodes(left.pop()):
            yield one
            if not isinstance(one, _FUNCTIONS):
                left.append(one)


def with_helpers(blocks: Sequence[str], place: int) -> str:
    r"""A block, with what it needs and does not define of what the others define.

    A name that is defined more than once is that of the last block before, or else of the first
    one after. Nothing of another block is run but the definitions, imports and values needed.

    Args:
        blocks: All blocks of a completion.
        place: Which of them is the program.

    Example:
        >>> with_helpers(["def twice(x): return x + x\nprint(7)", "print(twice(2))"], 1)
        'def twice(x): return x + x\nprint(twice(2))'
    """
    code = blocks[place]
    if len(blocks) == 1 or "__future__" in code or sum(map(len, blocks)) > _READ:
        return code
    tree = parsed(code)
    if tree is None or not (missing := _missing(tree)):
        return code
    given = _given(blocks, place)
    needed: dict[Place, str] = {}
    while missing:
        found = given.get(missing.pop())
        if found is not None and found.place not in needed:
            needed[found.place] = found.source
            missing |= _missing(found.statement)
    return "\n".join([*(needed[one] for one in sorted(needed)), code])


def _given(blocks: Sequence[str], place: int) -> dict[str, _Definition]:
    """The definitions of all other blocks by name, each as it holds for the one at a place."""
    found: dict[str, _Definition] = {}
    for number in (*range(len(blocks) - 1, place, -1), *range(place)):
        tree, lines = parsed(blocks[number]), _NEWLINE.split(blocks[number])
        for one in tree.body if tree is not None else ():
            made = _Definition((number, one.lineno), one, lines)
            found |= dict.fromkeys(_names(one), made)
    return found


def _names(statement: ast.stmt) -> list[str]:
    """What a statement defines."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.ImportFrom(module="__future__"):
            return []
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [one.asname or one.name.partition(".")[0] for one in names]
        case ast.Assign(targets=targets):
            parts = [one for target in targets for one in ast.walk(target)]
            return [one.id for one in parts if _is_bound(one)]
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            return [name]
    return []


def _is_bound(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _missing(tree: ast.AST) -> set[str]:
    """The names that are used, and defined nowhere in it."""
    used: set[str] = set()
    bound = set(_PYTHONS)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            (used if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name.partition(".")[0])
        elif isinstance(name := getattr(node, "name", None), str):
            bound.add(name)
    return used - bound


def out_of_prose(text: str) -> str:
    r"""The program in a text that has no marks for it; the text as it is if none stands out.

    It begins with the first line that begins as code does, ends before words, if any follow, and
    has to be Python from its first to its last line.

    Example:
        >>> out_of_prose("Here it is:\n\nimport math\nprint(math.pi)\n\nIt prints a number.")
        'import math\nprint(math.pi)\n\n'
    """
    first = _BEGINS.search(text) if _WORDS.search(text) else None
    if first is None or parsed(text) is not None or _LATER.search(text, 0, first.start()):
        return text
    code = text[first.start() :]
    if parsed(code) is None:
        code = _before_words(code)
    return code if code and parsed(code) is not None else text


def _before_words(code: str) -> str:
    """What goes before the last paragraphs, if these are words; else nothing."""
    lines = code.splitlines(keepends=True)
    end = len(lines)
    while end and (not lines[end - 1].strip() or _is_said(lines[end - 1])):
        end -= 1
    parted = end < len(lines) and not lines[end].strip()
    return "".join(lines[: end + 1]) if end and parted else ""


def _is_said(line: str) -> bool:
    """Whether a line looks like words, or an item of a list of them, and not like code."""
    code = (_BEGINS.match(line), _GOES_ON.match(line), _CALLED.fullmatch(line.strip()))
    return _SAID.match(line) is not None and not any(code)
