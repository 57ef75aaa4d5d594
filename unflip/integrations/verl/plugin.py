"""verl's plugin: importing it registers the estimators and the reward manager `unflip`.

verl imports it in every process, by unflip's entry point of the group `verl.plugins`, or from a
checkout that is not installed by VERL_USE_EXTERNAL_MODULES=unflip.integrations.verl.plugin.
"""

from __future__ import annotations

from importlib import import_module

from unflip.integrations.verl.estimators import ESTIMATORS
from unflip.integrations.verl.manager import Manager

_register = import_module("verl.trainer.ppo.core_algos").register_adv_est
for _name, _estimator in ESTIMATORS.items():
    _register(_name)(_estimator)
import_module("verl.experimental.reward_loop.reward_manager").register("unflip")(Manager)
