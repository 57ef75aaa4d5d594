"""The words by which people claim, deny, weigh and take back an answer, in eleven languages.

A cue is looked up word by word (and by pairs of words); scripts that do not put spaces between
words are searched for the cue itself. To add a language, add its words to the lines below.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Final


class Cue:
    """What a word does to an answer that stands near it: bits, of which a stretch has the union."""

    NOT: Final = 1 << 0
    """Denies what follows it."""
    NOT_AFTER: Final = 1 << 1
    """Denies what precedes it."""
    ANSWER: Final = 1 << 2
    """Announces the answer: `the answer is`."""
    RIGHT: Final = 1 << 3
    """Says that what it speaks of is right."""
    CHOOSE: Final = 1 << 4
    """Announces a choice: `I pick`."""
    SO: Final = 1 << 5
    """Announces a conclusion: `so`, `that leaves`."""
    IS: Final = 1 << 6
    """A copula: states what follows it directly."""
    IS_AFTER: Final = 1 << 7
    """A copula that follows what it states."""
    AND: Final = 1 << 8
    """Joins."""
    OR: Final = 1 << 9
    """Separates."""
    EITHER: Final = 1 << 10
    """Leaves it open between what follows."""
    MAYBE: Final = 1 << 11
    """Weakens the statement it stands in."""
    OTHERS: Final = 1 << 23
    """Says what others hold: `many people answer`."""
    ELSE: Final = 1 << 12
    """Keeps another answer in reserve."""
    BUT: Final = 1 << 13
    """Contrasts: after a denial it states; between two claims it favours the second."""
    TAKE_BACK: Final = 1 << 14
    """Takes an earlier claim back: `wait`, `actually`."""
    OPTION: Final = 1 << 15
    """Names the kind of thing: `option`; says nothing by itself."""
    BECAUSE: Final = 1 << 16
    """Opens a reason for what precedes it."""
    BE: Final = 1 << 17
    """The infinitive of a copula: `must be`."""
    PAUSE: Final = 1 << 18
    """A comma, colon or dash."""
    STOP: Final = 1 << 19
    """The end of a sentence or line."""
    ASKED: Final = 1 << 20
    """The end of a question; a `STOP` too."""
    LIKE: Final = 1 << 21
    """Says the same of what follows as of what precedes: `so does`."""
    NAME: Final = 1 << 22
    """Makes a letter part of a name: `team A`, `vitamin C`."""


_WORDS: Mapping[int, str] = {
    Cue.NOT: """
        not never neither nor no cannot eliminate eliminated eliminating exclude excluded excluding
        rule_out ruled_out ruling_out rather_than unlike except other_than instead_of without
        anything_but everything_but all_but
        non ne pas ni aucun exclure sauf
        nicht weder noch kein keine ausgeschlossen statt außer
        tampoco descarto descartar descartamos excepto
        né nemmeno neanche neppure escludo escludere tranne
        não nem tampouco exceto
        не ни нет кроме исключаем
        ليس ليست وليس وليست ليسا ولا لا لن
    """,
    Cue.NOT_AFTER: """
        wrong incorrect false eliminated ruled_out is_out is_not are_not fails fail invalid
        ❌ ✗ ✘ ✖
        faux fausse incorrecte n_est
        falsch inkorrekt ist_nicht ausgeschlossen
        incorrecta incorrecto falsa falso no_es no_son descartada
        sbagliata sbagliato errata errato non_è
        errada errado não_é
        неверно неверный неверен неправильно неправильный
        خطأ خاطئ خاطئة
    """,
    Cue.ANSWER: """
        answer answers ans solution réponse réponses antwort lösung respuesta respuestas solución
        risposta risposte soluzione resposta respostas gabarito ответ ответы решение 답
        الإجابة الاجابة إجابة اجابة الجواب جواب
    """,
    Cue.RIGHT: """
        correct right best true holds works fits fit wins stands supported better suitable
        appropriate the_only ✅ ✔ ✓ ☑
        correcte bonne bon juste vraie
        richtig richtige richtiger richtigen korrekt korrekte stimmt
        correcta correcto correctas mejor
        corretta corretto giusta giusto
        correta correto certa certo
        правильный правильная правильно верный верно верен верная подходит
        الصحيح الصحيحة صحيح صحيحة الصواب صواب
    """,
    Cue.CHOOSE: """
        choose chose choosing pick picking select selecting go_with going_with vote lock would_say
        d_say choisis choisirais dirais wähle nehme elijo escojo diría scelgo direi escolho diria
        marco выбираю выберу сказал сказала أختار اختار
    """,
    Cue.SO: """
        so therefore thus hence leaves leaving left conclude conclusion has_to doubt final finally
        yes still nevertheless only
        donc ainsi oui seul seule somit daher also folglich bleibt ja nur
        así luego sí solo sólo quindi dunque pertanto sì soltanto portanto logo assim sim apenas
        значит следовательно поэтому остаётся остается да только إذن لذلك نعم فقط
    """,
    Cue.IS: "is are s was d sia seja est ist lautet wäre es son è sono é são это هو هي أنها إنها",
    Cue.BE: "be être sein ser essere быть",
    Cue.AND: "and & plus text et und y e и و",
    Cue.OR: "or ou oder o oppure u или либо أو",
    Cue.EITHER: """
        either between torn whether if suppose supposing assume assuming were soit si entweder
        zwischen wenn falls entre tra fra между если إما بين لو
    """,
    Cue.MAYBE: """
        maybe perhaps possibly possible could might may guess guessing peut-être peut pourrait
        vielleicht könnte quizá quizás podría tal_vez forse potrebbe talvez poderia может возможно
        قد ربما
    """,
    Cue.OTHERS: "people most many some others common commonly often",
    Cue.ELSE: "unless else alternatively otherwise prefer depends sinon sonst si_no altrimenti",
    Cue.BUT: """
        but however though yet while mais cependant sondern aber pero sino ma mas но а однако لكن
        ولكن بل
    """,
    Cue.TAKE_BACK: """
        wait actually correction reflection hmm misread reread re-read reconsider reconsidering
        my_mistake no instead sorry scratch attendez attends en_fait moment warte eigentlich doch
        nein espera en_realidad mejor aspetta in_realtà anzi espere na_verdade aliás нет подождите
        хотя самом_деле 아니 لا الواقع بل انتظر
    """,
    Cue.LIKE: "so_does so_do so_is so_are",
    Cue.NAME: """
        team group vitamin hepatitis type plan point set figure table part section class company
        grade event matrix vector player person angle line circle block sample stage phase model
        drug gene factor variable
    """,
    Cue.OPTION: """
        option options choice choices letter alternative statement candidate number the to think
        believe say opción opciones alternativa opzione opção antwortmöglichkeit вариант варианты
        الخيار la el le der die a os
    """,
    Cue.BECAUSE: """
        because since as for car parce weil da denn porque ya_que perché poiché pois لأن لأنه لأنها
    """,
}
# Scripts that put no spaces between words: found inside a stretch of letters.
_INSIDE: Mapping[int, str] = {
    Cue.NOT: "不是 并非 不选 排除 而非",
    Cue.NOT_AFTER: """
        错误 不正确 不对 有误 是错 被排除 ではな ではあり でもな じゃな 誤り 間違い 不正解
        아니라 아닙니다 아니므로 아니고 틀렸 틀리 오답
    """,
    Cue.ANSWER: "答案 答え 解答 回答 정답 답은",
    Cue.RIGHT: "正确 正解 正しい 最符合 올바른 옳 맞",
    Cue.CHOOSE: "选择 应选 故选 选 選びます 選ぶ 고르 선택합니다",
    Cue.SO: "只有 所以 因此 故 综上 したがって よって ゆえに 따라서 그러므로",
    Cue.IS: "是 为 应该",
    Cue.IS_AFTER: "です だ である 입니다 이다 이에요 예요",
    Cue.EITHER: "如果 假设 若是 もしも 仮に 만약",
    Cue.MAYBE: "可能 也许 かもしれ 아마",
    Cue.BUT: "而是 但 しかし すが だが 하지만 그러나 같지만",
    Cue.TAKE_BACK: "等等 不对 其实 重新 いや 正しくは 실은 다시",
    Cue.OPTION: "选项 選択肢 선택지 项 番 번",
    Cue.BECAUSE: "因为 ため ので 므로 때문",
}

_JOINTS: Mapping[str, int] = {
    "": Cue.AND, ",": Cue.AND, ";": Cue.AND, "+": Cue.AND, "/": Cue.OR,
    "和": Cue.AND, "与": Cue.AND, "及": Cue.AND, "、": Cue.AND, "と": Cue.AND, "와": Cue.AND,
    "과": Cue.AND, "或": Cue.OR, "或者": Cue.OR, "还是": Cue.OR, "か": Cue.OR, "または": Cue.OR,
    "もしくは": Cue.OR, "나": Cue.OR, "이나": Cue.OR, "또는": Cue.OR, "혹은": Cue.OR,
    "でも": Cue.AND, "도": Cue.AND,
    "이거나": Cue.OR, "거나": Cue.OR, "아니면": Cue.OR,
}  # fmt: skip
_JOINING = Cue.AND | Cue.OR | Cue.OPTION | Cue.PAUSE
_MARKS = "()[]{}*$`'\"\\ "
_TOKEN = re.compile(
    r"[^\W\d_]+(?:['-][^\W\d_]+)*|[&,;:，；：、—–✅✔✓☑❌✗✘✖]"
    r"|[.!?…]++(?=[\s*)\]}$\"']|\Z)|\.{2,}+|[。！？]++|\n"
)
_LONGEST = 60
"""Characters of a token that are looked at: enough for any cue, and a bound for the cache."""
_SPACELESS = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7a3]")


def _table() -> dict[str, int]:
    table = dict.fromkeys(",;:，；：、—–", Cue.PAUSE)
    table |= dict.fromkeys(".。!！\n", Cue.STOP) | dict.fromkeys("?？", Cue.STOP | Cue.ASKED)
    for cue, listed in _WORDS.items():
        for word in listed.split():
            key = word.replace("_", " ")
            table[key] = table.get(key, 0) | cue
    return table


_TABLE = _table()
_HEADS = frozenset(key.split()[0] for key in _TABLE if " " in key)
# The longest first: 不是 denies, and the 是 in it is no copula.
_PIECES = sorted(
    ((piece, cue) for cue, listed in _INSIDE.items() for piece in listed.split()),
    key=lambda item: -len(item[0]),
)


def cues(text: str) -> list[int]:
    """The cues of every word, pause and stop of a text in order; a pair's are at its second word.

    Example:
        >>> cues("it cannot be.") == [0, Cue.NOT, Cue.BE, Cue.STOP]
        True
    """
    found, previous = [], ""
    for token in _TOKEN.findall(text.lower()):
        cue = _TABLE.get(token)
        if cue is None:
            cue = _unlisted(token[:_LONGEST])
        if previous in _HEADS:
            cue |= _TABLE.get(f"{previous} {token}", 0)
        found.append(cue)
        previous = token
    return found


@lru_cache(maxsize=1 << 13)
def _unlisted(token: str) -> int:
    """The cues of a token that is not in the table as it stands."""
    if token.isascii():
        if token.endswith("n't"):
            return Cue.NOT | Cue.NOT_AFTER
        if token[0] in ".!?":
            return Cue.STOP | (Cue.ASKED if "?" in token else 0)
        return union(_TABLE.get(part, 0) for part in token.split("'")) if "'" in token else 0
    if token[0] in "…。！？":
        return Cue.STOP | (Cue.ASKED if "？" in token else 0)
    total = 0
    if _SPACELESS.search(token):
        for piece, cue in _PIECES:
            if piece in token:
                total |= cue
                token = token.replace(piece, " ")
    return total


def union(found: Iterable[int]) -> int:
    """All of several cues.

    Example:
        >>> union(cues("so the answer is")) == Cue.SO | Cue.OPTION | Cue.ANSWER | Cue.IS
        True
    """
    total = 0
    for cue in found:
        total |= cue
    return total


def joint(text: str, found: Sequence[int]) -> int:
    """`Cue.AND` or `Cue.OR` where a text, whose cues are given, does nothing but join two labels.

    Example:
        >>> joint(", ", cues(", ")) == Cue.AND, joint(" or (", cues(" or (")) == Cue.OR
        (True, True)
        >>> joint(" is ", cues(" is "))
        0
    """
    bare = text.strip(_MARKS)
    if bare in _JOINTS:
        return _JOINTS[bare]
    total = 0
    for cue in found:
        if not cue & _JOINING:
            return 0
        total |= cue
    if total & Cue.OR:
        return Cue.OR
    return Cue.AND if total & Cue.AND else 0


_RESET = Cue.BUT | Cue.SO | Cue.BECAUSE


def denies(found: Sequence[int]) -> bool:
    """Whether a denial among the cues of a clause reaches its end, and what follows there.

    It does not where a conclusion, a contrast or a later copula stands between: "the one that is
    not a mammal is C" states C.

    Example:
        >>> denies(cues("it can't be")), denies(cues("the one that is not a mammal is"))
        (True, False)
    """
    negated = -1
    for i, cue in enumerate(found):
        if cue & Cue.NOT:
            negated = i
        elif cue & _RESET or (cue & Cue.IS and negated >= 0 and i > negated + 1):
            negated = -1
    return negated >= 0


_JUDGING = Cue.RIGHT | Cue.NOT_AFTER
_CLOSES = Cue.PAUSE | Cue.BECAUSE | Cue.AND | Cue.BUT


def since(found: Sequence[int], mark: int) -> Sequence[int]:
    """The cues after the last one of a kind; all of them if there is none.

    Example:
        >>> since(cues("no. it is"), Cue.STOP) == cues("it is")
        True
    """
    for i in range(len(found) - 1, -1, -1):
        if found[i] & mark:
            return found[i + 1 :]
    return found


def until(after: Sequence[int]) -> tuple[int, int]:
    """The cues of what follows, up to the next clause or a reason, and what ends the sentence.

    Example:
        >>> until(cues(" is right, not wrong?")) == (Cue.IS | Cue.RIGHT, Cue.STOP | Cue.ASKED)
        True
    """
    total, is_open = 0, True
    if len(after) > 1 and after[0] & Cue.PAUSE and after[1] & _JUDGING and not after[1] & Cue.NOT:
        total = after[1]  # `A: false`, `A – correct`
    for cue in after:
        if cue & Cue.STOP:
            return total, cue
        is_open = is_open and (not cue & _CLOSES or bool(cue & Cue.NOT_AFTER))
        if is_open:
            total |= cue
    return total, 0
