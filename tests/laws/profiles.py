"""How many examples does a law try? Small on a laptop, more in CI, many in the long runs of `make crash`.

HYPOTHESIS_PROFILE is `default`, `ci` or `long`; without it CI decides.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, Phase, settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "default")
SCALE = {"default": 1, "ci": 3, "long": 50}[PROFILE]
# The marks of a law test: a minute a piece in the default profile.
LIMIT = [pytest.mark.slow, pytest.mark.timeout(60 * SCALE)]


def examples(count: int, *, shrink: bool = True) -> settings:
    """Settings for a law that tries `count` examples in the default profile.

    Runs of whole worlds are not shrunk: that takes minutes, and the seed replays them as they are.
    """
    return settings(
        max_examples=count * SCALE,
        deadline=None,
        print_blob=True,
        phases=[phase for phase in Phase if shrink or phase not in (Phase.shrink, Phase.explain)],
        suppress_health_check=[
            HealthCheck.too_slow,
            HealthCheck.data_too_large,
            HealthCheck.function_scoped_fixture,
        ],
    )
