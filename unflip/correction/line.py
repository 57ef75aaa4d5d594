"""What every correction of one verdict is: a line r_hat = intercept + slope r for each stratum.

A verdict has two values, so any function of it is a line. A correction is therefore made once, on
the host, and what remains in a training step is a look-up and one multiplication.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unflip.correction.arrays import Array, is_torch, namespace, on_device, take, working
from unflip.correction.table import Floats, RateTable, codes_of
from unflip.errors import UsageError


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A correction of verdicts: call it with r (1 accept, 0 reject, NaN abstain).

    Attributes:
        name: Which correction it is.
        line_S2: Intercept and slope of each stratum; NaN where its rows are to weigh nothing.
        strata: Names of the strata, in the order of their codes.
        notes: What a person should know.
        by: Whose verdicts it corrects, as the rates have it; "" where nobody said.

    Example:
        >>> line = Line("double", np.array([[0.0, 2.0]]))
        >>> line(np.array([1.0, 0.0, np.nan]))
        array([ 2.,  0., nan])
    """

    name: str
    line_S2: Array
    strata: tuple[str, ...] = ("",)
    notes: tuple[str, ...] = ()
    by: str = ""

    def __call__(self, r_B: Array, stratum_B: Array | None = None) -> Array:
        """Corrected rewards, (B,); NaN for abstains and for rows that weigh nothing.

        Halves come back as float32: rounding before a baseline is subtracted would cost what the
        subtraction leaves.

        Args:
            r_B: 1 accept, 0 reject, NaN abstain; graded credit between them is read as a chance.
            stratum_B: Codes of strata; None if there is but one.

        Raises:
            UsageError: There are several strata and no codes, or not one for each row; the line is
                not on r's device; or an array of verdicts leaves [0, 1] (of tensors nobody looks).
        """
        r_B = working(r_B)
        if is_torch(r_B) and not is_torch(self.line_S2):
            raise UsageError("tensors need the correction on their device: call .to(device) once")
        if not is_torch(r_B) and ((r_B < 0) | (r_B > 1)).any():
            raise UsageError("a verdict is 1 accept, 0 reject, NaN abstain: map -1 to 0 first")
        return self._of(r_B, self._rows(r_B, stratum_B))

    def _rows(self, r_B: Array, stratum_B: Array | None) -> Array:
        if stratum_B is not None:
            if np.shape(stratum_B) != np.shape(r_B) or len(np.shape(r_B)) != 1:
                raise UsageError("verdicts and their strata's codes are columns of one length")
            return take(self.line_S2, stratum_B)
        if len(self.strata) > 1:
            raise UsageError(f"{self.name} has {len(self.strata)} strata: give each row's code")
        return self.line_S2

    def _of(self, r_B: Array, line_B2: Array) -> Array:
        if is_torch(r_B):
            line_B2 = line_B2.to(r_B.dtype)
            return namespace(r_B).addcmul(line_B2[:, 0], line_B2[:, 1], r_B)
        line_B2 = line_B2.astype(r_B.dtype, copy=False)
        return line_B2[:, 0] + line_B2[:, 1] * r_B

    def check_by(self, by: str) -> None:
        """Make sure that verdicts come from whom the rates were measured on.

        Args:
            by: Whose verdicts are to be corrected; "" if nobody knows.

        Raises:
            UsageError: They are another verifier's.

        Example:
            >>> Line("double", np.array([[0.0, 2.0]]), by="math@1+ab12cd").check_by("math@1+ab12cd")
        """
        if self.by and by and self.by != by:
            raise UsageError(
                f"these rates are {self.by!r}'s and the verdicts {by!r}'s: measure {by!r}"
            )

    def codes(self, names: Iterable[str | None]) -> NDArray[np.int64]:
        """Rows' strata as this line numbers them, for `stratum_B`; see `RateTable.codes`.

        Raises:
            UsageError: A row's stratum has no rates.

        Example:
            >>> Line("two", np.eye(2), strata=("boxed", "prose")).codes(["prose", "boxed"])
            array([1, 0])
        """
        return codes_of(self.strata, names)

    def to(self, device: Any, dtype: Any = None) -> Line:
        """The same on a torch device, float32 unless another dtype is asked for.

        Raises:
            MissingExtra: torch is not installed.
        """
        return replace(self, line_S2=on_device(self.line_S2, device, dtype))


def line_of(name: str, table: RateTable, intercept_S: Floats, slope_S: Floats) -> Line:
    """The line of each stratum of a table; those that are not trusted weigh nothing."""
    line_S2 = np.stack([intercept_S, slope_S], axis=-1)
    line_S2 = np.where(table.trusted_S[:, None], line_S2, np.nan)
    return Line(name, line_S2, table.strata, table.notes, table.by)


def inverse(j_S: Floats, clamp: float) -> Floats:
    """1 / J with |J| not below the clamp, and J's sign; 0 where J is 0."""
    return np.sign(j_S) / np.maximum(np.abs(j_S), clamp)
