"""The tables of the notation: Unicode signs, LaTeX commands, names of functions, plain words."""

from __future__ import annotations

SIGNS = {
    "−": "-", "‐": "-", "‑": "-", "‒": "-", "–": "-", "—": "-", "﹣": "-", "⁄": "/", "∕": "/",
    "÷": "/", "×": "*", "⋅": "*", "·": "*", "∙": "*", "•": "*", "∗": "*", "＊": "*",
    "°": "^\\circ ",
    "∞": "\\infty ", "√": "\\sqrt ", "∛": "\\sqrt[3] ", "，": ", ", "、": ", ", "；": ";",
    "：": ":", "≈": "\\approx ", "≃": "\\approx ", "∈": "\\in ", "∉": "\\notin ", "∪": "\\cup ",
    "∩": "\\cap ", "∖": "\\setminus ", "∅": "\\emptyset ", "≤": "\\le ", "≥": "\\ge ",
    "⩽": "\\le ", "⩾": "\\ge ", "≦": "\\le ", "≧": "\\ge ", "≠": "\\ne ", "±": "\\pm ",
    "∓": "\\mp ", "ℝ": "\\mathbb{R}", "ℤ": "\\mathbb{Z}", "ℚ": "\\mathbb{Q}",
    "ℕ": "\\mathbb{N}", "ℂ": "\\mathbb{C}", "∠": "\\angle ", "∀": "\\forall ", "∑": "\\sum ",
    "∏": "\\prod ", "∫": "\\int ", "→": "\\to ", "⇒": "\\Rightarrow ", "≡": "\\equiv ",
    "⟨": "(", "⟩": ")", "〈": "(", "〉": ")", "…": "\\ldots ", "′": "'", "″": "''", "’": "'",
    "“": " ", "”": " ", "٪": "%", "∣": "|", "∧": " and ", "∨": " or ", "⌊": "\\lfloor ",
    "⌋": "\\rfloor ", "⌈": "\\lceil ", "⌉": "\\rceil ", "Ω": "\\Omega ", "µ": "\\mu ",
    "∂": "\\partial ", "◦": "^\\circ ", "º": "^\\circ ", "³√": "\\sqrt[3] ",
}  # fmt: skip
HALVES = {
    "½": "1/2", "⅓": "1/3", "⅔": "2/3", "¼": "1/4", "¾": "3/4", "⅕": "1/5", "⅖": "2/5", "⅗": "3/5",
    "⅘": "4/5", "⅙": "1/6", "⅚": "5/6", "⅐": "1/7", "⅛": "1/8", "⅜": "3/8", "⅝": "5/8", "⅞": "7/8",
    "⅑": "1/9", "⅒": "1/10",
}  # fmt: skip
RAISED = dict(zip("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺ⁿⁱ⁽⁾", "0123456789-+ni()", strict=True))
LOWERED = dict(zip("₀₁₂₃₄₅₆₇₈₉₋₊ₙₖᵢ", "0123456789-+nki", strict=True))
GREEK = dict(
    zip(
        "αβγδεζηθικλμνξπρστυφχψωΓΔΘΛΞΠΣΦΨ",
        [
            "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota", "kappa",
            "lambda", "mu", "nu", "xi", "pi", "rho", "sigma", "tau", "upsilon", "phi", "chi",
            "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Pi", "Sigma", "Phi", "Psi",
        ],
        strict=True,
    )
)  # fmt: skip
LETTERS = frozenset([*GREEK.values(), "Omega", "ell", "hbar", "Upsilon", "nabla", "partial"])
SPELLINGS = {
    "varepsilon": "epsilon", "varphi": "phi", "vartheta": "theta", "varrho": "rho",
    "varsigma": "sigma", "varpi": "pi", "infin": "infty", "infinity": "infty",
    "dfrac": "frac", "tfrac": "frac", "cfrac": "frac", "nicefrac": "frac", "sfrac": "frac",
    "dbinom": "binom", "tbinom": "binom", "cdot": "*", "times": "*", "ast": "*", "div": "/",
    "bullet": "*", "cdotp": "*", "star": "*",
    "le": "<=", "leq": "<=", "leqslant": "<=", "leqq": "<=", "ge": ">=", "geq": ">=",
    "geqslant": ">=", "geqq": ">=", "lt": "<", "gt": ">", "ne": "!=", "neq": "!=", "approx": "~",
    "thickapprox": "~", "simeq": "~", "doteq": "~", "cong": "~", "in": "in", "notin": "notin",
    "equiv": "=", "to": "->", "rightarrow": "->", "mapsto": "->", "longrightarrow": "->",
    "Rightarrow": "=>", "implies": "=>", "Longrightarrow": "=>", "subset": "sub",
    "subseteq": "sub", "iff": "=>", "Leftrightarrow": "=>", "sim": "sim",
    "parallel": "par", "perp": "perp", "mid": "|", "vert": "|",
    "Vert": "|", "lvert": "|", "rvert": "|", "lVert": "|", "rVert": "|", "lparen": "(",
    "rparen": ")", "lbrack": "[", "rbrack": "]", "langle": "(", "rangle": ")", "colon": ":",
    "lbrace": "\\{", "rbrace": "\\}", "cup": "cup", "cupdot": "cup", "sqcup": "cup", "bigcup":
    "cup", "uplus": "cup", "cap": "cap", "bigcap": "cap", "setminus": "minus", "backslash":
    "minus", "smallsetminus": "minus", "varnothing": "emptyset", "pm": "pm", "mp": "mp",
    "dots": "...", "ldots": "...", "cdots": "...", "dotsc": "...", "dotsb": "...", "vdots": "...",
    "prime": "'", "land": "and", "wedge": "and", "lor": "or", "vee": "or", "percent": "%",
    "degree": "deg", "textdegree": "deg", "newline": "\\\\", "cr": "\\\\", "because": "for",
    "mod": "mod", "bmod": "mod", "ordinarycolon": ":",
}  # fmt: skip
LAYOUT = frozenset(
    [
        "left", "right", "displaystyle", "textstyle", "scriptstyle", "limits", "nolimits", "big",
        "Big", "bigl", "bigr", "Bigl", "Bigr", "bigg", "Bigg", "biggl", "biggr", "Biggl", "Biggr",
        "middle", "quad", "qquad", "enspace", "space", "thinspace", "medspace", "thickspace",
        "negthinspace", "nobreakspace", "hfill", "noindent", "centering", "rm", "bf", "it", "sf",
        "tt", "mathstrut", "strut", "phantom", "hspace", "vspace", "displaylimits", "tiny",
        "small", "large", "Large", "boldmath", "hline", "nonumber", "label", "tag",
        "therefore", "triangle",
        "euro", "pounds", "textdollar", "dollar", "cal",
    ]
)  # fmt: skip
WRAPPERS = frozenset(
    [
        "text", "textrm", "textbf", "textit", "textnormal", "textsf", "texttt", "textup", "textsc",
        "mbox", "hbox", "mathrm", "emph", "underline", "operatorname",
    ]
)  # fmt: skip
FONTS = frozenset(
    [
        "mathbf", "mathit", "mathsf", "mathcal", "mathscr", "mathfrak", "mathtt", "boxed", "fbox",
        "bold", "boldsymbol", "bm", "pmb", "boxedtext", "ensuremath", "cancel", "bcancel",
        "displaystyle", "mathop", "mathrel", "mathbin", "mathord", "smash", "overset", "underset",
        "phantom", "underbrace", "overbrace",
    ]
) - {"displaystyle"}  # fmt: skip
"""Dropped with their braces; what they hold stays."""
DROPPED = frozenset(
    ("color", "textcolor", "hspace", "vspace", "label", "tag", "phantom", "hphantom")
)
"""Dropped together with their first argument."""
ACCENTS = frozenset(
    [
        "overline", "bar", "hat", "widehat", "vec", "overrightarrow", "tilde", "widetilde", "dot",
        "ddot", "breve", "check", "overleftrightarrow", "wideparen", "overarc",
    ]
)  # fmt: skip
_NAMES = (
    "sin cos tan cot sec csc sinh cosh tanh coth sech csch arcsin arccos arctan arccot arcsec"
    " arccsc arcsinh arccosh arctanh ln log lg exp sgn det dim ker deg arg gcd lcm min max"
    " floor ceil erf Re Im tr rank sup inf"
)
FUNCTIONS = dict(zip(_NAMES.split(), _NAMES.split(), strict=True)) | {
    "asin": "arcsin", "acos": "arccos", "atan": "arctan", "asinh": "arcsinh", "acosh": "arccosh",
    "atanh": "arctanh", "arsinh": "arcsinh", "arcosh": "arccosh", "artanh": "arctanh",
    "acot": "arccot", "ctg": "cot", "tg": "tan", "arctg": "arctan", "arcctg": "arccot",
    "cosec": "csc", "cotan": "cot", "ceiling": "ceil", "sign": "sgn", "abs": "abs", "th": "tanh",
    "sh": "sinh", "ch": "cosh", "LCM": "lcm", "GCD": "gcd", "Tr": "tr",
}  # fmt: skip
INVERSE = {
    name: f"arc{name}"
    for name in ["sin", "cos", "tan", "cot", "sec", "csc", "sinh", "cosh", "tanh"]
}
BINDING = frozenset(("sum", "prod", "int", "iint", "iiint", "oint", "lim", "limsup", "liminf"))
PLAIN_COMMANDS = frozenset(
    [*LETTERS, "sqrt", "frac", "infty", "binom", "sum", "prod", "pm", "cup", "cap"]
) - {"Pi", "Xi", "nu", "xi", "chi", "eta", "psi", "tau", "rho", "mu", "pm", "cup", "cap", "ell"}
"""Commands that people also write without their backslash."""
NO_FUNCTIONS = frozenset(("tank", "sink", "sins", "sing", "tans", "cost", "cosy", "logs", "cots"))
"""Words that start like a function of one letter."""
JOINERS = {"and": "and", "or": "or", "&": "and", "und": "and", "oder": "or", "et": "and"}
SHORT_WORDS = frozenset(
    [
        "many", "card", "draw", "drawn", "yard", "pack", "back", "black", "rank", "bank", "park",
        "mark", "dark", "award", "of", "up",
        "at", "is", "as", "to", "so", "by", "if", "in", "on", "it",
        "we", "be", "an", "no", "yes", "the", "and", "or", "for", "all", "any", "not", "are",
        "was", "has", "odd", "day", "two", "one", "six", "ten", "men", "her", "his", "him", "how",
        "who", "may", "can", "box", "boy", "cat", "dog", "car", "egg", "pie", "pen", "bag", "bus",
        "cup", "job", "toy", "way", "win", "tie", "red", "min", "max", "hrs", "hr", "sec", "am",
        "pm", "mph", "kph", "rpm", "deg", "rad", "cm", "mm", "km", "kg", "mg", "ml", "ft", "lb",
        "oz", "yd", "mi", "gal", "pct", "usd", "eur", "mol", "nm", "kw", "kj", "hz", "pa", "when",
        "then", "than", "that", "with", "each", "from", "only", "years", "year", "days", "both",
        "none", "even", "true", "left", "side", "term", "unit",
    ]
)  # fmt: skip
UNITS_OF_TWO = frozenset(
    [
        "cm", "mm", "km", "kg", "mg", "ml", "ft", "lb", "oz", "yd", "mi", "hr", "kw", "kj", "hz",
        "nm", "kN", "kW", "kJ", "kV", "mV", "mA", "MW", "dm", "dl", "pa",
    ]
)  # fmt: skip
