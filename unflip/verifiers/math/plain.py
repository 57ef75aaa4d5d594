r"""LaTeX and Unicode of an answer as plain text: what only lays out is gone, digits are 0 to 9.

Nothing here changes what an answer means. What stays of LaTeX is what has a meaning, in one
spelling: `\dfrac` is `\frac`, `\times` is `*`, `\%` is `%`, `^\circ` is ` degrees`.
"""

from __future__ import annotations

import re
import unicodedata

_HALVES = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5",
    "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8",
    "⅑": "1/9", "⅒": "1/10",
}  # fmt: skip
_SIGNS = {
    "−": "-", "‐": "-", "‑": "-", "‒": "-", "–": "-", "﹣": "-", "⁄": "/", "∕": "/", "÷": "/",
    "×": "*", "⋅": "*", "·": "*", "∙": "*", "∗": "*", "＊": "*", "°": " degrees ", "∞": r"\infty ",
    "π": r"\pi ", "√": r"\sqrt ", "²": "^2", "³": "^3", "٪": "%", "，": ",", "、": ",", "；": ";",
    "∠": r"\angle ", "≈": "=", "¢": " cents ",
}  # fmt: skip

_COMMANDS = {
    "dfrac": r"\frac", "tfrac": r"\frac", "cfrac": r"\frac",
    "dbinom": r"\binom", "tbinom": r"\binom",
    "left": "", "right": "", "displaystyle": "", "textstyle": "", "limits": "", "big": "",
    "Big": "", "bigl": "", "bigr": "", "Bigl": "", "Bigr": "", "bigg": "", "Bigg": "",
    "quad": " ", "qquad": " ", "enspace": " ", "space": " ",
    "cdot": "*", "times": "*", "ast": "*", "div": "/",
    "degree": " degrees ", "textdegree": " degrees ",
    "lbrace": r"\{", "rbrace": r"\}", "lparen": "(", "rparen": ")", "lbrack": "[", "rbrack": "]",
    "percent": "%", "approx": "=", "land": " and ", "lor": " or ",
    "euro": "€", "pounds": "£", "textdollar": "$",
}  # fmt: skip
_WRAPPERS = (
    "text", "textrm", "textbf", "textit", "textnormal", "textsf", "mbox", "hbox", "mathrm",
    "mathbf", "mathit", "mathsf", "rm", "bf", "operatorname", "boxed", "fbox", "bold", "boldsymbol",
)  # fmt: skip
_ESCAPED = {"!": "", ",": " ", ";": " ", ":": " ", " ": " ", ">": " ", "%": "%", "$": "$", "#": "#",
            "&": "&", "_": "_", "(": "", ")": "", "[": "", "]": ""}  # fmt: skip

_LATEX = re.compile(
    r",\s*\\!\s*"
    r"|\^\{?\s*\\circ\s*\}?"
    rf"|\\(?:{'|'.join(_WRAPPERS)})(?![A-Za-z])\s*\{{"
    r"|\\([A-Za-z]+)"
    r"|\\(.)"
    r"|\{|\}|~|\$",
    re.DOTALL,
)
_KEPT = re.compile(
    r"(?:[^\\{$~]|\\(?:frac|sqrt|pi|infty|cup|in|sin|cos|log|ln)(?![A-Za-z])|\{(?!,\}))*+"
)
"""Text in which nothing has to be taken away or spelled otherwise; found sooner than that."""
_SHORT = {",": ",", "^": " degrees "}
_PRICE = re.compile(r"(?<!\\)\$(?= ?[0-9])")
"""A dollar sign without a partner, which opens no formula."""


def plain(text: str) -> str:
    r"""The answer as plain text.

    Example:
        >>> plain(r"$\dfrac{1}{2}\text{ cm}$"), plain("−１２½"), plain(r"10{,}200\,\%")
        ('\\frac{1}{2} cm', '-12 1/2', '10,200 %')
    """
    if not text.isascii():
        text = "".join(map(_ascii, text))
    if "\\times" in text and "\\vec" in text:
        text = text.replace("\\times", "\\cross ")
    if text.count("$") == 1:
        text = _PRICE.sub(r"\\$", text)
    if not _KEPT.fullmatch(text):
        text = _unlatex(text)
    return " ".join(text.split()).rstrip("\\ ")


def _ascii(char: str) -> str:
    if char < "\x80":
        return char
    if char in _HALVES:
        return " " + _HALVES[char]
    if char in _SIGNS:
        return _SIGNS[char]
    if char.isdecimal():
        return str(unicodedata.decimal(char))
    if "\uff01" <= char <= "\uff5e":
        return chr(ord(char) - 0xFEE0)
    category = unicodedata.category(char)
    return " " if category == "Zs" else "" if category == "Cf" else char


def _unlatex(text: str) -> str:
    r"""One pass; the brace of a wrapper such as \text{ goes with it, and so does its partner."""
    out: list[str] = []
    wraps: list[bool] = []
    at = 0
    for token in _LATEX.finditer(text):
        out.append(text[at : token.start()])
        at = token.end()
        mark = token[0]
        if token[1] or token[2]:
            out.append(_spelled(token))
        elif mark == "{":
            wraps.append(False)
            out.append(mark)
        elif mark == "}":
            out.append(" " if wraps and wraps.pop() else mark)
        elif mark.endswith("{"):
            wraps.append(True)
            out.append(" ")
        else:
            out.append(_SHORT.get(mark[0], " "))
    out.append(text[at:])
    return "".join(out).replace("{,}", ",")


def _spelled(token: re.Match[str]) -> str:
    if token[1]:
        return _COMMANDS.get(token[1], token[0])
    return _ESCAPED.get(token[2], token[0])
