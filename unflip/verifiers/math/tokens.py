r"""The text of an answer as tokens: LaTeX, calculator notation, Unicode and words, in one pass.

What only lays out (`\left`, `\,`, colours, fonts) is gone; each sign has one spelling. Nothing here
raises: what is unknown becomes a token that no rule of the grammar takes.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from unflip.verifiers.math import symbols as table
from unflip.verifiers.math.preparing import prepare

LONGEST = 6000
"""Characters of an answer that is read at all."""
MOST = 2500
"""Tokens of an answer that is read at all."""


_DEEPEST = 30
_MOST_MISSING = 3
_SPOKEN = {"plus": "+", "minus": "-", "times": "*"}


class TooLong(ValueError):
    """The text has more characters or tokens than are read."""


class Token(NamedTuple):
    """One sign, number, letter, word or command.

    Attributes:
        kind: `num`, `let`, `fn`, `cmd`, `op`, `open`, `close`, `bar`, `rel`, `set`, `sep`, `join`,
            `word`, `begin`, `end`, or `odd` for what is none of these.
        text: Its one spelling.
        gap: Whether a blank stands before it.
    """

    kind: str
    text: str
    gap: bool = False


_TOKEN = re.compile(
    r"(?P<space>(?:\s|\\[,;:> ]|~)+)"
    r"|\\begin\s*\{(?P<begin>[a-zA-Z]+)\*?\}(?:\s*\{[|lcr\s]*\})?"
    r"|\\end\s*\{(?P<end>[a-zA-Z]+)\*?\}"
    r"|(?P<deg>\^\s*(?:\{\s*\\circ\s*\}|\\circ(?![A-Za-z])))"
    r"|\\(?P<command>[A-Za-z]+)"
    r"|(?P<num>[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]{1,9}(?![A-Za-z0-9]|\.[0-9])"
    r"|[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)"
    r"|(?P<run>[A-Za-z]+)"
    r"|(?P<sign>\.{3,}|<=|>=|=<|<>|!=|==?>|->|==|:=|\*\*|\\\\(?:\s*\[[0-9a-z.]*\])?|\\.|.)",
    re.DOTALL,
)
_GROUPED = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?")
_SPACED = re.compile(r"[1-9][0-9]{0,2}(?:[  ][0-9]{3})+(?![0-9])(?:\.[0-9]+)?")
_SIGNS = {
    "<": ("rel", "<"), ">": ("rel", ">"), "=": ("rel", "="), "<=": ("rel", "<="),
    "=<": ("rel", "<="), ">=": ("rel", ">="), "!=": ("rel", "!="), "<>": ("rel", "!="),
    "=>": ("rel", "=>"), "==>": ("rel", "=>"), "->": ("rel", "->"), "==": ("rel", "="),
    ":=": ("rel", "="), "+": ("op", "+"), "-": ("op", "-"), "*": ("op", "*"), "/": ("op", "/"),
    "^": ("op", "^"), "**": ("op", "^"), "_": ("op", "_"), "!": ("op", "!"), "'": ("op", "'"),
    "%": ("op", "%"), "\\%": ("op", "%"), ":": ("op", ":"), "(": ("open", "("), ")": ("close", ")"),
    "[": ("open", "["), "]": ("close", "]"), "{": ("open", "{"), "}": ("close", "}"),
    "\\{": ("open", "\\{"), "\\}": ("close", "\\}"), "|": ("bar", "|"), "\\|": ("bar", "|"),
    ",": ("sep", ","), ";": ("sep", ";"), "&": ("sep", "&"), "\\&": ("sep", "&"),
    "\\\\": ("sep", "\\\\"), "~": ("rel", "~"),
}  # fmt: skip
_COMMANDS = {
    "~": "rel", "in": "rel", "notin": "rel", "sub": "rel", "sim": "rel",
    "par": "rel", "perp": "rel", "->": "rel", "=>": "rel",
    "cup": "set", "cap": "set", "minus": "set", "pm": "op", "mp": "op", "deg": "op", "...": "let",
    "mod": "op", "and": "join", "or": "join", "for": "word",
}  # fmt: skip
_KNOWN = sorted(
    {*table.SPELLINGS, *table.LAYOUT, *table.LETTERS, *table.FUNCTIONS, "frac", "sqrt", "infty"},
    key=len,
    reverse=True,
)
_TIMES = re.compile(r"\s[xX]\s+[0-9.]++(?!\s*(?![xX])[A-Za-z](?![A-Za-z]))")
_WORDS_AHEAD = re.compile(r"\s+(?!and\b|or\b)[a-z]{3,}\b")
_PREFIXED = frozenset(("sin", "cos", "tan", "ln", "log", "cot", "exp", "sqrt"))
_ABBREVIATIONS = frozenset(("min", "max", "inf", "sup", "dim", "deg", "arg", "rank", "tr", "sec"))
_ORDINAL = re.compile(r"(?:\^\s*\{?\s*(?:\\(?:text|mathrm)\{)?)?(?:st|nd|rd|th)\b\s*\}{0,2}")


def tokenize(text: str, *, words: bool = False) -> list[Token]:
    r"""The tokens of a text.

    Args:
        text: The text of an answer.
        words: Whether it is text in a formula, where letters make words.

    Raises:
        TooLong: It is longer than `LONGEST`, or has more than `MOST` tokens.

    Example:
        >>> [token.text for token in tokenize(r"\dfrac{1}{2}\text{ cm}")]
        ['frac', '{', '1', '}', '{', '2', '}', 'cm']
    """
    if len(text) > LONGEST:
        raise TooLong(f"more than {LONGEST} characters")
    reader = _Reader(prepare(text), words=words)
    tokens = reader.all()
    if len(tokens) > MOST:
        raise TooLong(f"more than {MOST} signs")
    return tokens + _missing(tokens)


def _missing(tokens: list[Token]) -> list[Token]:
    """The closing braces that a text has lost at its end, if it has lost nothing else."""
    unclosed: list[str] = []
    for token in tokens:
        if token.kind == "open":
            unclosed.append(token.text)
        elif token.kind == "close":
            if not unclosed:
                return []
            unclosed.pop()
    few = len(unclosed) <= _MOST_MISSING and set(unclosed) <= {"{"}
    return [Token("close", "}")] * len(unclosed) if few else []


class _Reader:
    """One pass over a prepared text."""

    def __init__(self, text: str, *, words: bool) -> None:
        self._text = text
        self._at = 0
        self._words = words
        self._tokens: list[Token] = []
        self._gap = False
        self._depth = 0
        self._inner = 0

    def all(self) -> list[Token]:
        text = self._text
        while self._at < len(text):
            if match := _TOKEN.match(text, self._at):
                self._at = match.end()
                self._take(match)
        return self._tokens

    def _add(self, kind: str, text: str) -> None:
        self._tokens.append(Token(kind, text, self._gap))
        self._gap = False

    def _take(self, match: re.Match[str]) -> None:
        kind, text = match.lastgroup, match[match.lastgroup or 0]
        if kind == "space":
            self._gap = True
        elif kind == "command":
            self._command(text)
        elif kind == "num":
            self._number(match)
        elif kind == "run":
            self._run(text)
        elif kind == "deg":
            self._add("op", "deg")
        elif kind in ("begin", "end"):
            self._add(kind, text)
        else:
            self._sign(text)

    def _sign(self, text: str) -> None:
        if text.startswith("..."):
            self._add("let", "\\ldots")
            return
        if text.startswith("\\\\"):
            text = "\\\\"
        if text == "!=" and not self._gap and self._tokens and self._tokens[-1].kind == "num":
            self._add("op", "!")
            text = "="
        kind, spelled = _SIGNS.get(text, ("odd", text))
        if kind == "open" and text != "{":
            self._depth += 1
        elif kind == "close" and text != "}":
            self._depth -= 1
        if kind == "odd" and text in (".", '"', "`", "?", "\\", '\\"', "\\'"):
            self._gap = True
            return
        self._add(kind, spelled)

    def _number(self, match: re.Match[str]) -> None:
        text, start = match[0], match.start()
        if self._depth <= 0:
            many = _GROUPED.match(self._text, start) or _SPACED.match(self._text, start)
            if many and text[0] != "0":
                self._at = many.end()
                text = re.sub("[,  ]", "", many[0])
        if ordinal := _ORDINAL.match(self._text, self._at):
            self._at = ordinal.end()
        self._add("num", text)

    def _run(self, run: str) -> None:
        low = run.lower()
        if low == "x" and _TIMES.match(self._text, self._at - 2) and self._follows_value():
            self._add("op", "*")
        elif low in _SPOKEN and (self._words or len(run) > 3):
            self._add("op", _SPOKEN[low])
        elif low in table.JOINERS:
            self._add("join", table.JOINERS[low])
        elif low in ("percent", "percentage", "pct"):
            self._add("op", "%")
        elif low in ("degrees", "degree"):
            self._add("op", "deg")
        elif self._words and (len(run) > 1 or self._is_unit(run)):
            self._add("word", run)
        else:
            self._letters(run)

    def _follows_value(self) -> bool:
        return bool(self._tokens) and self._tokens[-1].kind in ("num", "close", "word")

    def _is_unit(self, run: str) -> bool:
        before = self._tokens[-1].kind if self._tokens else ""
        unit = before in ("num", "close") and run in "msghlLNJWVACKTF"
        return unit or (run == "a" and self._is_article())

    def _letters(self, run: str) -> None:
        if (run in ("a", "A") and self._is_article()) or self._is_abbreviation(run):
            self._add("word", run)
        elif run in table.FUNCTIONS and len(run) > 1 and run not in ("th", "sh", "ch", "tr"):
            self._add("fn", table.FUNCTIONS[run])
        elif run in table.PLAIN_COMMANDS or run in ("oo", "infinity", "Infinity", "inf", "cdot"):
            self._command({"oo": "infty", "Infinity": "infty", "inf": "infty"}.get(run, run))
        elif len(run) > 2 and run[:-1] in _PREFIXED and run not in table.NO_FUNCTIONS:
            self._letters(run[:-1])
            self._add("let", run[-1])
        elif run.endswith("pi") and len(run) <= 3 and run != "pi":
            for letter in run[:-2]:
                self._add("let", letter)
            self._command("pi")
        elif self._is_word(run):
            self._add("word", run)
        elif len(run) > 1 and run.isupper():
            self._add("let", run)
        else:
            for letter in run:
                self._add("let", letter)

    def _is_word(self, run: str) -> bool:
        low = run.lower()
        if low in table.SHORT_WORDS and len(run) > 2:
            return True
        after_number = bool(self._tokens) and self._tokens[-1].kind in ("num", "close")
        if len(run) == 2:
            if run in table.UNITS_OF_TWO and after_number:
                return True
            return low in table.SHORT_WORDS and (self._gap or self._beside_blank())
        if len(run) == 3 and run.istitle() and low not in table.FUNCTIONS:
            return self._gap or self._beside_blank()
        return len(run) >= 4 and not run.isupper() and not set(low) <= set("abcdxyzwpqrmnk")

    def _is_abbreviation(self, run: str) -> bool:
        """Whether `min` is a word rather than the function, which has brackets."""
        applied = self._text.startswith(("(", "{", "\\{"), self._at)
        return run in _ABBREVIATIONS and not applied

    def _is_article(self) -> bool:
        """Whether a lone letter stands between words."""
        behind = bool(self._tokens) and self._tokens[-1].kind == "word"
        return (behind or not self._tokens) and _WORDS_AHEAD.match(self._text, self._at) is not None

    def _beside_blank(self) -> bool:
        return self._at >= len(self._text) or self._text[self._at] in " \t\n.,;:!?"

    def _command(self, name: str) -> None:
        if name == "times" and self._tokens and self._tokens[-1].text.startswith("\\vec"):
            self._add("op", "cross")
            return
        name = table.SPELLINGS.get(name, name)
        if name in table.DROPPED:
            self._argument()
        elif name in table.LAYOUT:
            self._gap = self._gap or name in ("quad", "qquad", "space", "enspace")
        elif name in table.WRAPPERS:
            self._wrapped(name)
        elif name in table.FONTS:
            self._font()
        elif name == "mathbb" or name == "Bbb":
            self._add("let", f"\\bb{self._argument().strip()}")
        elif name in table.ACCENTS:
            self._accent(name)
        elif name in table.FUNCTIONS:
            self._add("fn", table.FUNCTIONS[name])
        elif name in table.LETTERS or name in ("infty", "emptyset"):
            self._add("let", f"\\{name}")
        elif name in _COMMANDS:
            self._add(_COMMANDS[name], "\\ldots" if name == "..." else name)
        elif name in _SIGNS:
            self._sign(name)
        else:
            self._other(name)

    def _other(self, name: str) -> None:
        if name == "not":
            self._add("op", "not")
        elif name == "forall":
            self._add("word", "for")
        elif name in ("lfloor", "lceil"):
            self._add("open", name)
        elif name in ("rfloor", "rceil"):
            self._add("close", name)
        elif name in (*table.BINDING, "frac", "sqrt", "binom", "over", "choose", "pmod", "angle"):
            self._add("cmd", name)
        else:
            self._glued(name)

    def _glued(self, name: str) -> None:
        r"""A known command that letters stick to, as in `\quadx`; else an unknown one."""
        known = next((one for one in _KNOWN if len(one) > 1 and name.startswith(one)), None)
        if known and len(name) - len(known) <= 2:
            self._command(known)
            self._run(name[len(known) :])
        else:
            self._add("let", f"\\{name}")

    def _argument(self) -> str:
        """What the braces that follow hold, or the next character; they are taken."""
        text, at = self._text, self._at
        while at < len(text) and text[at] == " ":
            at += 1
        if at >= len(text):
            return ""
        if text[at] != "{":
            token = _TOKEN.match(text, at)
            self._at = at + 1 if text[at] != "\\" or not token else token.end()
            return text[at : self._at]
        depth, end = 0, at
        while end < len(text):
            char = text[end]
            if char == "\\":
                end += 1
            elif char == "{":
                depth += 1
            elif char == "}":
                depth -= 1
                if not depth:
                    break
            end += 1
        self._at = min(len(text), end + 1)
        return text[at + 1 : end]

    def _inside(self, text: str, *, words: bool) -> None:
        """The tokens of an argument, in the place of its command."""
        reader = _Reader(text, words=words)
        reader._tokens, reader._gap, reader._depth = self._tokens, self._gap, self._depth
        reader._inner = self._inner + 1
        if reader._inner > _DEEPEST:
            raise TooLong(f"commands more than {_DEEPEST} deep")
        reader.all()
        self._gap = reader._gap or text.endswith(" ")

    def _font(self) -> None:
        if self._text.startswith("{", self._at):
            self._add("open", "{")
            self._inside(self._argument(), words=False)
            self._add("close", "}")

    def _wrapped(self, name: str) -> None:
        content = self._argument()
        bare = content.strip()
        if bare in _ABBREVIATIONS and name != "operatorname":
            self._add("word", bare)
        elif bare in table.FUNCTIONS and name in ("operatorname", "mathrm", "textrm", "text"):
            self._add("fn", table.FUNCTIONS[bare])
        elif name == "mathrm" and len(bare) == 2 and bare not in table.UNITS_OF_TWO:
            self._inside(content, words=False)
        elif (name == "operatorname" and bare.isalpha() and len(bare) > 1) or (
            name in ("mathrm", "operatorname") and bare in ("e", "i", "d")
        ):
            self._add("let", bare)
        else:
            self._inside(content, words=True)

    def _accent(self, name: str) -> None:
        content = self._argument().strip()
        last = self._tokens[-1] if self._tokens else None
        repeats = name in ("overline", "bar", "dot") and content.isdigit()
        if repeats and last and last.kind == "num" and (not self._gap or "." in last.text):
            whole = last.text if "." in last.text else last.text + "."
            self._tokens[-1] = last._replace(text=f"{whole}({content})")
        elif len(content) > 1 and content.isalpha() and content.isupper():
            vector = "vec" in name or "arrow" in name
            self._add("let", f"\\vec{content}" if vector else content)
        elif re.fullmatch(r"\\?[A-Za-z]+", content):
            kind = {"overrightarrow": "vec", "widehat": "hat", "bar": "overline"}.get(name, name)
            self._add("let", f"\\{kind}{content.lstrip(chr(92))}")
        else:
            self._add("fn", f"\\{name}")
            self._add("open", "{")
            self._inside(content, words=False)
            self._add("close", "}")
