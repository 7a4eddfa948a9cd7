"""What will users be worth, where that was asked before? A projection is fitted once to the same payments.

It is made of cells that are over, which hardly ever change, while people ask again with every change of those that are not.
"""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from stream.retention.projection import Cohorts, Payments, Projection, project


class Fits:
    """So many projections, the latest asked for, each under a digest of everything that it was made of.

    Threads may ask at once: at worst one fits what another is fitting.
    """

    def __init__(self, fits_max: int) -> None:
        self.fits_max = fits_max
        self._fits: dict[bytes, tuple[Projection | None]] = {}

    def project(self, cohorts: Cohorts, paid: Payments, horizons: Sequence[int]) -> Projection | None:
        """The same as `project` of the same."""
        made_of = _digest(cohorts, paid, horizons)
        fit = self._fits.pop(made_of, None) or (project(cohorts, paid, horizons),)
        self._fits[made_of] = fit
        for old in list(self._fits)[: -self.fits_max]:
            self._fits.pop(old, None)
        return fit[0]

    def __len__(self) -> int:
        return len(self._fits)


def _digest(cohorts: Cohorts, paid: Payments, horizons: Sequence[int]) -> bytes:
    parts = [*cohorts, *paid, np.array(horizons, np.int64)]
    digest = blake2b(np.array([part.size for part in parts]).data, digest_size=16)
    for part in parts:
        digest.update(np.ascontiguousarray(part).data)
    return digest.digest()
