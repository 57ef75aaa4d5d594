"""A reward for the looks of reasoning: a negative control, never a reward to train on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

PHRASES = (
    "i need to", "we need to", "wait", "alternatively", "let me check", "let me see",
    "let's focus on", "we know that", "we can observe", "we can see", "let me try", "let's try",
    "let us try", "first,", "firstly,", "next,", "finally,", "let us first", "let's first",
    "let me first", "try again", "still not", "not working", "not correct", "does not work",
    "doesn't work", "makes sence", "since we", "because we", "consequently", "as a result",
    "thus", "therefore", "hence", "so that", "thereby", "if we", "given there", "for instance",
    "for example",
)  # fmt: skip
"""The key phrases of the released code, spelt as there."""
_FULL = 20
_GRAM = 20


def reasoning_patterns(texts_N: Sequence[str]) -> NDArray[np.float64]:
    """Pays for phrases that sound like reasoning (RPR): a control that must not help.

    min(1, phrases found / 20), less the share of repeated 20-grams, less each "user: ", at least 0.
    A phrase counts once, as in the paper; that a gram is of words is ours.

    Args:
        texts_N: Completions.

    Returns:
        Rewards in [0, 1].

    Source: Lv et al. 2025, The Climb Carves Wisdom Deeper Than the Summit, arXiv 2505.22653;
    trestad/Noisy-Rewards-in-Learning-to-Reason (the paper divides by 40).

    Under group normalisation: active, and trivially hackable: twenty phrases in a row are worth as
    much as any proof. In a group that is all accepted or all rejected it is the whole signal.

    Example:
        >>> reasoning_patterns(["2 + 2 = 4", "Wait, let me see. Therefore 4."]).tolist()
        [0.0, 0.15]
    """
    return np.array([_patterns(text.lower()) for text in texts_N], dtype=np.float64)


def _patterns(text: str) -> float:
    found = sum(phrase in text for phrase in PHRASES)
    return max(0.0, min(1.0, found / _FULL) - _repeated(text) - text.count("user: "))


def _repeated(text: str) -> float:
    words = text.split()
    grams = [tuple(words[i : i + _GRAM]) for i in range(len(words) - _GRAM + 1)]
    return 1 - len(set(grams)) / len(grams) if grams else 0.0
