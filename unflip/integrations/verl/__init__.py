"""verl: a verifier as `compute_score`, a manager that guards it, estimators that mask abstains."""

from unflip.integrations.verl.estimators import ESTIMATORS, Estimator
from unflip.integrations.verl.guarded import Guarded
from unflip.integrations.verl.manager import Manager
from unflip.integrations.verl.score import Score

__all__ = ["ESTIMATORS", "Estimator", "Guarded", "Manager", "Score"]
