"""Group normalisation as trainers do it, to see what a shaped reward does to advantages."""

import numpy as np


def zscore(rewards_PG):
    """(r - mean) / std of each group, in numpy; 0 for a group whose rewards are all the same."""
    rewards_PG = np.asarray(rewards_PG, dtype=float)
    off_PG = rewards_PG - rewards_PG.mean(axis=-1, keepdims=True)
    std = rewards_PG.std(axis=-1, ddof=1, keepdims=True)
    silent = std < 1e-9
    return np.where(silent, 0.0, off_PG / np.where(silent, 1.0, std))


def same_update(one_PG, other_PG):
    """Whether two rewards give the same advantages under group normalisation."""
    return bool(np.allclose(zscore(one_PG), zscore(other_PG), atol=1e-6))
