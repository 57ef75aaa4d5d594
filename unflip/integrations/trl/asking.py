"""What a script asks of a corrected trainer before it trains."""

from __future__ import annotations

from dataclasses import replace

from unflip.correction import Effect, Hook
from unflip.correction.appeals.robust import FLOOR
from unflip.errors import UsageError
from unflip.integrations.trl.agreement import (
    agreed,
    appeals_hook,
    check_learning,
    check_scaling,
    column_of,
    line_hook,
    plain_hook,
)
from unflip.integrations.trl.appeals import Appeals
from unflip.integrations.trl.correcting import Correction, note
from unflip.integrations.trl.drifting import Drift
from unflip.integrations.trl.host import Host
from unflip.integrations.trl.looking import Looking, Looks
from unflip.integrations.trl.reward import plain_reward
from unflip.integrations.trl.strata import Rule, Strata
from unflip.integrations.trl.watching import Learn, OnlineRates, Watch
from unflip.noise.online import Recent
from unflip.rates import NoiseRates
from unflip.types import Verifier, identity

_LOOKING = Looking()


class Asked(Host):
    """The calls before `train`: one of `correct` and `appeal`, and `watch` beside the first."""

    correction: Correction | None = None
    watching: Watch | None = None
    appealing: Appeals | None = None

    def correct(
        self,
        hook: Hook | None = None,
        *,
        reward: str | None = None,
        strata: str | Rule | None = None,
        rates: NoiseRates | None = None,
        override_scaling: bool = False,
    ) -> Effect:
        """Correct the advantages from now on; call it before `train`.

        A row on which the verifier abstains leaves its group's baseline and has advantage 0, also
        where other reward functions paid it; and so does one on which any other verifier with a
        weight abstains. Other rewards keep the weights of `reward_weights`.

        Args:
            hook: The correction; None: only abstains are masked, all else is as TRL makes it.
            reward: Which of several reward functions gives the verdict, by its name.
            strata: Where the hook's strata come from: a column of the dataset, or a function of
                sample and verdict that returns a name. A row of a stratum without rates weighs
                nothing.
            rates: What the hook was made of: then a warning tells when accepts or abstains have
                left the intervals that they had when it was measured.
            override_scaling: Make advantages as the hook does, whatever the trainer's
                `scale_rewards` says of its own.

        Returns:
            What the correction does in this trainer; its warnings are given as such, too.

        Raises:
            UsageError: The hook does not fit this trainer, changes nothing in it, or goes by the
                rates of another verifier; or rows are appealed already.
        """
        self._refuse_both("correct", self.appealing or (self.watching and self.watching.learn))
        hook = plain_hook(self) if hook is None else line_hook(hook)
        source = Strata(hook.line.strata, strata)
        correction = self._begin(hook, reward, source, override_scaling)
        known = self._verifier(correction.column)
        hook.line.check_by(known)
        if rates is not None:
            replace(hook.line, by=rates.by).check_by(hook.line.by or known)
            correction.drift = Drift(rates, hook.line.strata)
        self.correction = correction
        return correction.effect

    def appeal(
        self,
        second_look: Verifier,
        *,
        share: float,
        hook: Hook | None = None,
        reward: str | None = None,
        strata: str | Rule | None = None,
        looking: Looking = _LOOKING,
    ) -> Effect:
        """Pay rows by second looks at some of them, from now on; call it before `train`.

        Rewards are doubly robust: right in the mean for every row, whatever the verifier's errors,
        as far as the second look is. Rows that a second look leaves undecided weigh nothing, and so
        do those on which the verifier abstains, which nobody looks at.

        Args:
            second_look: Any verifier.
            share: The share of rows that is looked at; more where verdicts were often overturned,
                and accepted rows too.
            hook: `Hook.of(Evidence.DOUBLY_ROBUST, ...)`, for a scale; None: rloo without one.
            reward: Which of several reward functions gives the verdict, by its name.
            strata: What else may go with errors: a column of the dataset, or a function of sample
                and verdict that returns a name.
            looking: How the looks are taken.

        Returns:
            What that does in this trainer.

        Raises:
            UsageError: The trainer divides by a std, the share is no chance, the reward is not made
                by `reward_func`, or `correct` or `watch` was called.
        """
        self._refuse_both("appeal", self.correction or self.watching)
        hook, source = appeals_hook(hook, self), Strata((), strata)
        correction = self._begin(hook, reward, source)
        column, decay = correction.column, looking.decay
        floor = max(share / 4, FLOOR) if looking.floor is None else looking.floor
        online = OnlineRates.of(Recent(decay, by=self._known(column)))
        looks = Looks.of(second_look, self.reward_func_names[column], looking)
        self.appealing = Appeals(looks, share, floor, decay, column, online, source)
        self.correction = correction
        return correction.effect

    def watch(
        self,
        second_look: Verifier,
        *,
        share: float,
        reward: str | None = None,
        learn: Learn | None = None,
        looking: Looking = _LOOKING,
    ) -> None:
        """Log the verifier's error rates of late, by a second look at some rows of each batch.

        The rows are drawn without regard to their verdicts. Rates are as right as the second look.

        Args:
            second_look: Any verifier; where it abstains, the row has no label.
            share: The chance of each row to be looked at.
            reward: Which of several reward functions gives the verdict, by its name.
            learn: Makes the correction's line of these rates, such as `backward` or `anchored`;
                call `correct` first. Its hook says what holds in a stratum until the interval of
                its J lies above 0. None: the line stays as it is.
            looking: How the looks are taken.

        Raises:
            UsageError: The share is no chance, the reward is not made by `reward_func`, rows are
                appealed, there is nothing that could learn, or what is learned would change
                nothing.
        """
        self._refuse_both("watch", self.appealing)
        column = column_of(self, reward)
        strata = () if self.correction is None else self.correction.hook.line.strata
        if learn is not None:
            check_learning(self, self.correction, column, learn)
        online = OnlineRates.of(Recent(looking.decay, by=self._known(column)), strata)
        looks = Looks.of(second_look, self.reward_func_names[column], looking)
        self.watching = Watch(looks, share, column, online, learn)

    def _begin(
        self, hook: Hook, reward: str | None, source: Strata, override_scaling: bool = False
    ) -> Correction:
        """The correction by a hook that fits this trainer."""
        source.check(self.train_dataset)
        column = column_of(self, reward)
        if not override_scaling:
            check_scaling(self, hook)
        effect = agreed(self, hook, source.scope)
        note(effect)
        known_K = [plain_reward(reward) is not None for reward in self.reward_funcs]
        weight_K = self.reward_weights
        masks_K = (weight_K != 0) & weight_K.new_tensor(known_K).bool()
        return Correction(hook, effect, column, weight_K, masks_K, source, known_K[column])

    def _verifier(self, column: int) -> str:
        """Who gives the verdicts of a column; "" if unflip does not know."""
        reward = plain_reward(self.reward_funcs[column])
        return "" if reward is None else identity(reward.verifier)

    def _known(self, column: int) -> str:
        if plain_reward(self.reward_funcs[column]) is None:
            raise UsageError("a second look needs a reward made by reward_func(verifier)")
        return self._verifier(column)

    def _refuse_both(self, what: str, other: object) -> None:
        if other is not None:
            raise UsageError(
                f"{what}() does not go with what was called before: appeal() corrects, looks again "
                "and keeps rates by itself; else correct() comes first, then watch()"
            )
