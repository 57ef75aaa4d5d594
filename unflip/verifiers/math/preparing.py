"""The text of an answer before it is cut into tokens: damage mended, Unicode spelled in LaTeX."""

from __future__ import annotations

import re

from unflip.verifiers.math import symbols as table

_CIRCLED = re.compile(r"[\u2460-\u2473](?:\s*[\u2460-\u2473])*")
_BROKEN = re.compile(
    r"\x0c(?=rac|loor)|\x08(?=egin|oxed|inom|eta|ar\b|mod)|\x0b(?=ec)"
    r"|\t(?=ext|imes|heta|an\b|frac|riangle)|\r(?=ight|ho\b|m\{|ceil|floor)"
)
_LOST = {"\x0c": "\\f", "\x08": "\\b", "\x0b": "\\v", "\t": "\\t", "\r": "\\r"}
_BARE_FRACTION = re.compile(r"(?<![A-Za-z\\])[dt]?f?rac(?=\s?\{)")
_STUCK = re.compile(r"(?<=[0-9})])(or|and)(?=[A-Z0-9\\])")
_UNIT_FRACTION = re.compile(
    r"\\[dt]?frac\s*\{\s*\\(?:text|mathrm)\{([^{}]*)\}\s*((?:\^\{?[0-9]\}?)?)\s*\}"
    r"\s*\{\s*\\(?:text|mathrm)\{([^{}]*)\}\s*((?:\^\{?[0-9]\}?)?)\s*\}"
)
_SYSTEM = re.compile(
    r"\\left\s*\\\{\s*\\begin\{array\}\s*\{[lcr ]*\}(.*?)\\end\{array\}\s*\\right\s*\.?", re.DOTALL
)
_MODULO = re.compile(r"\(\s*\\?(?:p|b)?mod(?![A-Za-z])\s*([^()]{1,40})\)")
_DOUBLED = re.compile(r"\\\\(?=[A-Za-z{}])")
_NO_DELIMITER = re.compile(r"\\(?:left|right)\s*\.")
_THOUSANDS = re.compile(
    r"(?<=[0-9])(?:\s*\{\s*,\s*\}|,\s*\\!\s*|\\,|\\ |~)\s*(?=[0-9]{3}(?![0-9]))"
)
_MARKS = re.compile(r"\\!|(?<!\\)\\[()\[\]]|\\\$|\$")
_LEADING_DOT = re.compile(r"(?<=[\s(\[{,=<>+*/-])\.(?=\s*[)\]])|(?<=[}A-Za-z0-9])\.(?=\s*[)\]])")


_INTERVAL = re.compile(
    r"(?:\\left\s*)?([\[\]])([^\[\]]{1,80}?[,;][^\[\]]{1,80}?)(?:\\right\s*)?([\[\]])"
)
_REPEATED = re.compile(
    r"([0-9]*\.[0-9]*?)(?:([0-9])\2{2,}|([0-9]{2,12}?)\3+)\s*(?:\.{3}|\\(?:l|c)?dots(?![a-z])|…)"
)
_RATE = re.compile(
    r"(?<=[0-9])\s*(?:\\[ ,;])?\s*\\[dt]?frac\{(k?m|k?g)\}"
    r"\{(s|h|s\^\{?2\}?|[cd]?m\^\{?3\}?)\}(?=\W*$)"
)
_CHOSEN = re.compile(
    r"(?:\{\s*\})?\s*[_^]\{?\s*([0-9]+|[a-z])\s*\}?\s*C_\{?\s*([0-9]+|[a-z])\s*\}?"
)
_ODDS = re.compile(r"([0-9]{1,6}) to ([0-9]{1,6})")
_MARK = re.compile(
    r"\s*[,;]?\s*(?:\\(?:text|textbf|mathrm)\{\s*)?(?<![A-Za-z0-9\\_^])\(?\b([a-e]|i{1,3}|iv)\)\s+"
    r"(?:\}\s*)?(?=[-0-9A-Za-z\\$(])"
)
_LETTERED, _COUNTED = ["a", "b", "c", "d", "e"], ["i", "ii", "iii", "iv"]
_ROOT_OF = re.compile(
    r"(?:\bthe )?\b(square|cube) root of \$?([0-9]+(?:\.[0-9]+)?|[a-z](?![a-z]))\$?", re.IGNORECASE
)
_BETWEEN = re.compile(r"(?:\s|\$|\\(?:cup|cap|in|left|right)(?![A-Za-z])|[A-Za-z](?![A-Za-z])|=)*")
_EXCEPT = re.compile(
    r"\b(?:all|every|any) real(?: numbers?|s)?(?: \$?[a-z]\$?)?,? except(?: for)? ([^.;]{1,60})",
    re.IGNORECASE,
)


def prepare(text: str) -> str:
    r"""The text with damaged commands mended and every sign outside of ASCII spelled in LaTeX.

    Example:
        >>> prepare("½x"), prepare("①②")
        ('1/2 x', '1, 2')
    """
    if not text.isascii():
        text = _ascii(text)
    if text.startswith("**") and text.endswith("**"):
        text = text[2:-2]
    if any(char in text for char in "\x0c\x08\x0b\t\r"):
        text = _BROKEN.sub(lambda lost: _LOST[lost[0]], text)
    if "or" in text or "and" in text:
        text = _STUCK.sub(r" \1 ", text)
    if "]" in text or "[" in text:
        text = _turned_brackets(text)
    if "xcept" in text:
        text = _EXCEPT.sub(r"\\mathbb{R} \\setminus \\{\1\\}", text)
    if "dots" in text or "..." in text or "…" in text:
        text = _REPEATED.sub(lambda one: rf"{one[1]}\overline{{{one[2] or one[3]}}}", text)
    if "frac" in text and text[:1].isdigit():
        text = _RATE.sub(r"\\text{ \1/\2}", text)
    if "C_" in text:
        text = _CHOSEN.sub(r"\\binom{\1}{\2}", text)
    if " to " in text and (odds := _ODDS.fullmatch(text)):
        text = f"{odds[1]}:{odds[2]}"
    if text.count(")") > 1:
        text = _without_marks(text)
    if " root of " in text:
        text = _ROOT_OF.sub(_as_root, text)
    if text.endswith(" times"):
        text = text.removesuffix(" times")
    if "mod" in text:
        text = _MODULO.sub(r"\\pmod{\1}", text)
    if "rac" in text:
        text = _BARE_FRACTION.sub(r"\\frac", text)
    if "\\" in text or "$" in text or "{," in text:
        if "\\\\" in text and "\\begin" not in text:
            text = _DOUBLED.sub(r"\\", text)
        text = _NO_DELIMITER.sub(" ", _SYSTEM.sub(r"\\begin{cases}\1\\end{cases}", text))
        if "frac" in text and ("\\text" in text or "\\mathrm" in text):
            text = _UNIT_FRACTION.sub(r"\\text{ \1\2/\3\4}", text)
        if "," in text or "~" in text or "\\ " in text:
            text = _THOUSANDS.sub("", text)
        text = _MARKS.sub(lambda mark: "" if mark[0] == "\\!" else " ", text)
    return (_LEADING_DOT.sub("", text) if "." in text else text).strip()


def _turned_brackets(text: str) -> str:
    """Open ends in the French manner, `]0, 1]`, as `(0, 1]`, if the whole text is intervals."""
    pieces = _INTERVAL.findall(text)
    if not pieces or all(opens == "[" and closes == "]" for opens, _, closes in pieces):
        return text
    if not _BETWEEN.fullmatch(_INTERVAL.sub("", text)):
        return text
    return _INTERVAL.sub(_with_round_ends, text)


def _without_marks(text: str) -> str:
    """The parts of `(a) 5 (b) 7` with commas between."""
    marks = [mark[1] for mark in _MARK.finditer(text)]
    listed = marks in (_LETTERED[: len(marks)], _COUNTED[: len(marks)]) and len(marks) > 1
    return _MARK.sub(", ", text) if listed and _MARK.match(text) else text


def _as_root(said: re.Match[str]) -> str:
    degree = "[3]" if said[1].lower() == "cube" else ""
    return rf"\sqrt{degree}{{{said[2]}}}"


def _with_round_ends(piece: re.Match[str]) -> str:
    opens, inside, closes = piece.groups()
    return f"{'[' if opens == '[' else '('}{inside}{']' if closes == ']' else ')'}"


def _ascii(text: str) -> str:
    text = _CIRCLED.sub(
        lambda run: ", ".join(str(ord(c) - 0x245F) for c in run[0] if not c.isspace()), text
    )
    out: list[str] = []
    raised = lowered = False
    for char in text:
        now_raised, now_lowered = char in table.RAISED, char in table.LOWERED
        if (raised and not now_raised) or (lowered and not now_lowered):
            out.append("}")
        if now_raised and not raised:
            out.append("^{")
        if now_lowered and not lowered:
            out.append("_{")
        raised, lowered = now_raised, now_lowered
        out.append(_spelled(char))
    return "".join(out) + "}" * (raised or lowered)


def _spelled(char: str) -> str:
    if char < "\x80":
        return char
    if char in table.RAISED or char in table.LOWERED:
        return table.RAISED.get(char) or table.LOWERED[char]
    if char in table.SIGNS:
        return table.SIGNS[char]
    if char in table.HALVES:
        return f" {table.HALVES[char]} "
    if char in table.GREEK:
        return f"\\{table.GREEK[char]} "
    if "\uff01" <= char <= "\uff5e":
        return chr(ord(char) - 0xFEE0)
    if char.isdecimal():
        return str(int(char))
    return " " if char.isspace() or char in "€£¥₹¢\u200b\u200c\u200d\ufeff\u2060" else char
