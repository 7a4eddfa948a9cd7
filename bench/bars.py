"""What must be reached? Every bar and aim in one table, and the verdict on a measured value."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """A value that must be reached, and a better one to aim for.

    most   True where small values are good
    """

    bar: float
    aim: float | None = None
    most: bool = True

    def reached(self, value: float, wanted: float) -> bool:
        """Whether the value is as good as the wanted one."""
        return value <= wanted if self.most else value >= wanted

    def verdict(self, value: float) -> str:
        """One or two words on a value."""
        if not self.reached(value, self.bar):
            return f"short by {abs(value - self.bar) / self.bar:.0%}"
        if self.aim is None or self.reached(value, self.aim):
            return "reached"
        return f"reached; {abs(value - self.aim) / self.aim:.0%} from the aim"

    def text(self) -> str:
        """The bar as the table shows it."""
        sign = "<=" if self.most else ">="
        return f"{sign} {self.bar:g}" + (f", aim {self.aim:g}" if self.aim is not None else "")


BARS = {
    "worker_to_usual": Bar(20, most=False),
    "worker_to_raw": Bar(0.20, 0.40, most=False),
    "two_workers_to_one": Bar(1.0, most=False),
    "bytes_per_user": Bar(100, 60),
    "triangle_p99_ms": Bar(10),
    "triangle_where_p99_ms": Bar(100),
    "plain_p99_ms": Bar(50),
    "segment_p99_ms": Bar(250),
    "visible_p99_ms": Bar(1000),
    "collected_per_second": Bar(5_000, most=False),
    "growth": Bar(2),
    "families_pace": Bar(0.9, most=False),
    "families_bytes": Bar(60),
}


@dataclass(frozen=True)
class Row:
    """One measured value. `bar` names its bar in BARS; without one the row only informs."""

    name: str
    value: float
    unit: str
    bar: str | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """What the bar says of the value."""
        return BARS[self.bar].verdict(self.value) if self.bar is not None else ""
