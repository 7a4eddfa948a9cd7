"""How much is measured? One set of sizes that the bars are meant for, and a small one that only shows that everything runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Sizes:
    """Sizes of one run of all benchmarks; `users` are the populations of the memory rows, the last one is asked for triangles.

    families_each says whether each family is left out once, or only all of them.
    """

    repetitions: int
    backlog_events: int
    usual_events: int
    users: tuple[int, int]
    questions: int
    visible_seconds: float
    days: int
    purchases: int
    month_users: int
    collected_events: int
    collected_seconds: float
    families_events: int
    families_users: int
    families_each: bool


FULL = Sizes(
    repetitions=3,
    backlog_events=600_000,
    usual_events=25_000,
    users=(10_000, 1_000_000),
    questions=300,
    visible_seconds=30,
    days=400,
    purchases=100_000,
    month_users=500,
    collected_events=150_000,
    collected_seconds=20,
    families_events=120_000,
    families_users=100_000,
    families_each=True,
)
QUICK = Sizes(
    repetitions=1,
    backlog_events=40_000,
    usual_events=3_000,
    users=(500, 3_000),
    questions=30,
    visible_seconds=3,
    days=400,
    purchases=3_000,
    month_users=50,
    collected_events=5_000,
    collected_seconds=2,
    families_events=5_000,
    families_users=1_000,
    families_each=False,
)
