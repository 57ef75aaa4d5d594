"""verl: a verifier as `compute_score`, and advantage estimators that leave abstains out."""

from unflip.integrations.verl.estimators import ESTIMATORS, Estimator
from unflip.integrations.verl.score import Score

__all__ = ["ESTIMATORS", "Estimator", "Score"]
