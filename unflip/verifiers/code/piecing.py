"""Puts a Python program together from what one completion says: by its text alone, and one only."""

from __future__ import annotations

import ast
import builtins
import re
import symtable
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
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
# Two words that no statement begins with, or what none is; where there are none, nobody has to
# read the program.
_WORDS = re.compile(
    r"^(?!(?:def|class|import|from|if|elif|for|while|with|async|await|return|raise|assert|del|global"
    r"|nonlocal|except|yield|lambda|match|case|type|print|not)\b)[A-Za-z][\w'-]*[,:]? +[A-Za-z]"
    r"|^(?!(?:else|try|finally)\b)[A-Za-z]+:[ \t\r]*$|^\w+\([^)\n]*\) *(?:->|[A-Za-z])"
    r"|^(?:[^\x00-\x7f]|\*\*|[>|`]|---|[-*+] |\d+[.)] )",
    re.MULTILINE,
)
# All but those that end a text or a line; Python warns of some, and what a text says is not asked.
_ESCAPE = re.compile(r"(\\[\\'\"\r\n])|\\")
_NEWLINE = re.compile(r"\r\n|\r|\n")
_LATER = re.compile(r"^[ \t]+\S", re.MULTILINE)
_SAID = re.compile(r"\s*(?:[-*+]|\d+[.)]) +\S|---|[A-Za-z*_#\"'(>|`]|[^\x00-\x7f]")
_BLANK = re.compile(r"\n(?:[ \t\r]*\n)+")
_DEFINES = re.compile(r"^(?:@|(?:async +)?def |class |\w+ *= *lambda\b)", re.MULTILINE)
_CALLED = re.compile(r"[\w.]+\(.*\)")
_GOES_ON = re.compile(
    r"(?:else|elif|except|finally|return|yield|pass|break|continue|raise|assert|del|global|nonlocal"
    r"|async|await|lambda|match|case)\b"
)
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
_NAMED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
_LEAVES = (ast.Return, ast.Yield, ast.YieldFrom)
_PYTHONS = frozenset(dir(builtins))
_ANY = "*"
"""The name of what a star imports."""
_FIRST = -1
Place = tuple[int, int, int]
"""Where a statement stands, by block, line and column."""


@dataclass(frozen=True, slots=True)
class _Definition:
    """A statement that defines a name, and the lines of the block that it stands in."""

    place: Place
    statement: ast.stmt
    lines: Sequence[bytes]

    @property
    def source(self) -> str:
        """Its text, with its decorators, and without what else stands in its lines."""
        one = self.statement
        decorators = getattr(one, "decorator_list", [])
        first = min([one.lineno, *(each.lineno for each in decorators)])
        *lines, last = self.lines[first - 1 : one.end_lineno]
        lines.append(last[: one.end_col_offset])
        lines[0] = lines[0][one.col_offset :]
        return b"\n".join(lines).decode()


def parsed(source: str) -> ast.Module | None:
    """A program's syntax tree; None if it is no Python, or too much of it."""
    if len(source) > _READ:
        return None
    try:
        return ast.parse(_unescaped(source))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _unescaped(source: str) -> str:
    return _ESCAPE.sub(lambda found: found[1] or "x", source)


def complete(source: str) -> bool:
    r"""Whether it is Python, and nothing in it returns or yields that is in no function.

    Example:
        >>> complete("def f():\n    return 1"), complete("def f():\n    pass\nreturn 1")
        (True, False)
    """
    tree = parsed(source)
    return tree is not None and not any(isinstance(one, _LEAVES) for one in _outside(tree))


def is_program(text: str) -> bool:
    r"""Whether a text is all Python, so that fences and tags in it are a part of its own texts.

    Example:
        >>> is_program("def f():\n    'As `f()`.'\nprint('```')"), is_program("So:\n```\nx\n```")
        (True, False)
    """
    first = text.lstrip()[:1]
    begins = first in ("#", "'", '"') or _BEGINS.match(text.lstrip()) is not None
    return begins and parsed(text) is not None


def _outside(tree: ast.AST) -> Iterator[ast.AST]:
    """What stands in no function."""
    left = [tree]
    while left:
        for one in ast.iter_child_nodes(left.pop()):
            yield one
            if not isinstance(one, _FUNCTIONS):
                left.append(one)


def with_helpers(blocks: Sequence[str], place: int, names: Collection[str] = ()) -> str:
    r"""A block, with what it needs and does not define of what the others define.

    A name that several blocks define is that of the last one before, or else of the first one
    after. Nothing of another block is run but the definitions, imports and values needed.

    Args:
        blocks: All blocks of a completion.
        place: Which of them is the program.
        names: What else is needed.

    Example:
        >>> with_helpers(["def twice(x): return x + x\nprint(7)", "print(twice(2))"], 1)
        'def twice(x): return x + x\nprint(twice(2))'
    """
    code = blocks[place]
    if len(blocks) == 1 or "__future__" in code or sum(map(len, blocks)) > _READ:
        return code
    needed = _needed(_missing(code, names), _given(blocks, place))
    return "\n".join([*(needed[one] for one in sorted(needed)), code])


def _needed(missing: set[str], given: Mapping[str, Sequence[_Definition]]) -> dict[Place, str]:
    """The sources of what names mean, and of what is needed for that, by where they stand."""
    needed: dict[Place, str] = {}
    while missing:
        name = missing.pop()
        for found in given.get(name, () if name in _PYTHONS else given.get(_ANY, ())):
            if found.place not in needed:
                needed[found.place] = found.source
                missing |= _missing(found.source)
    return needed


def _given(blocks: Sequence[str], place: int) -> dict[str, list[_Definition]]:
    """The definitions of each name that hold for the block at a place: all that one block has."""
    # What the others need may be imported in this one.
    found = _made(blocks[place], _FIRST, (ast.Import, ast.ImportFrom))
    stars = found.pop(_ANY, [])
    for number in (*range(len(blocks) - 1, place, -1), *range(place)):
        made = _made(blocks[number], number, ast.stmt)
        stars += made.pop(_ANY, [])
        found |= {name: each for name, each in made.items() if _may_be(name, each, number < place)}
    return found | {_ANY: stars}


def _may_be(name: str, made: Sequence[_Definition], before: bool) -> bool:
    """Whether a name means this: one of Python's own only if it was a function's or class's."""
    return name not in _PYTHONS or (
        before and all(isinstance(one.statement, _NAMED) for one in made)
    )


def _made(
    block: str, number: int, kinds: type[ast.stmt] | tuple[type[ast.stmt], ...]
) -> dict[str, list[_Definition]]:
    """What the statements of some kinds of a block define, by name."""
    found: dict[str, list[_Definition]] = {}
    if (tree := parsed(block)) is None:
        return found
    # Places in a line are counted in bytes.
    lines = [line.encode() for line in _NEWLINE.split(block)]
    for one in tree.body:
        if isinstance(one, kinds):
            made = _Definition((number, one.lineno, one.col_offset), one, lines)
            for name in dict.fromkeys(_names(one)):
                found.setdefault(name, []).append(made)
    return found


def _names(statement: ast.stmt) -> Iterable[str]:
    """What a statement defines."""
    match statement:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.ImportFrom(module="__future__"):
            return []
        case ast.ImportFrom(module=module, names=[ast.alias(name="*")]):
            # Of others, nobody knows that they are there.
            return [_ANY] if module in sys.stdlib_module_names else []
        case ast.Import(names=names) | ast.ImportFrom(names=names):
            return [one.asname or one.name.partition(".")[0] for one in names]
        case ast.Assign(targets=targets):
            parts = [one for target in targets for one in ast.walk(target)]
            return [one.id for one in parts if _is_bound(one)]
        case ast.AugAssign(target=ast.Name(id=name)):
            return [name]
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr()):
            return [name]
        case ast.Try(body=body):
            return [name for one in body for name in _names(one)]
    return []


def _is_bound(node: ast.AST) -> TypeGuard[ast.Name]:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _missing(source: str, names: Collection[str] = ()) -> set[str]:
    """The names that are used, or needed, and that the module itself does not define."""
    try:
        left = [top := symtable.symtable(_unescaped(source), "", "exec")]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return set()
    used = set(names)
    while left:
        table = left.pop()
        left += table.get_children()
        used |= {one.get_name() for one in table.get_symbols() if table is top or one.is_global()}
    return used - {one.get_name() for one in top.get_symbols() if _is_defined(one)}


def _is_defined(name: symtable.Symbol) -> bool:
    return name.is_assigned() or name.is_imported()


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
    for shortened in (str, _before_words, _before_examples):
        found = shortened(code)
        if found and parsed(found) is not None:
            return found
    return text


def _before_words(code: str) -> str:
    """What goes before the last paragraphs, if these are words; else nothing."""
    lines = code.splitlines(keepends=True)
    end = len(lines)
    while end and (not lines[end - 1].strip() or _is_said(lines[end - 1])):
        end -= 1
    parted = end < len(lines) and not lines[end].strip()
    return "".join(lines[: end + 1]) if end and parted else ""


def _before_examples(code: str) -> str:
    """What goes before the first words that come after the last definition; else nothing."""
    last = max((one.start() for one in _DEFINES.finditer(code)), default=len(code))
    for blank in _BLANK.finditer(code, last):
        end = code.find("\n", blank.end())
        line = code[blank.end() : end if end >= 0 else len(code)]
        if not line.startswith("#") and _is_said(line):
            return code[: blank.end()]
    return ""


def _is_said(line: str) -> bool:
    """Whether a line looks like words, or an item of a list of them, and not like code."""
    code = (_BEGINS.match(line), _GOES_ON.match(line), _CALLED.fullmatch(line.strip()))
    return _SAID.match(line) is not None and not any(code)
