"""What a process wrote is found again by its offsets, whoever else writes."""

from hypothesis import given
from hypothesis import strategies as st

from consumers.written import Written


@given(st.lists(st.tuples(st.integers(1, 5), st.booleans()), max_size=30), st.randoms())
def test_exactly_what_was_written_is_held_in_whatever_order_it_was_acknowledged(
    batches: list[tuple[int, bool]], random: object
) -> None:
    ours, stretches, at = set(), [], 0
    for records, own in batches:
        if own:
            ours |= set(range(at, at + records))
            stretches.append((at, records))
        at += records
    random.shuffle(stretches)  # type: ignore[attr-defined]
    written = Written()
    for first, records in stretches:
        written.add("sessions", 2, first, records)
    assert {offset for offset in range(-1, at + 2) if written.holds("sessions", 2, offset)} == ours
    assert not written.holds("sessions", 1, 0)


def test_a_writer_that_is_alone_has_one_stretch_a_partition() -> None:
    written = Written()
    for batch in range(1_000):
        written.add("sessions", batch % 4, batch // 4 * 10, 10)
    assert written.stretches == 4


def test_what_got_no_offset_is_not_held() -> None:
    written = Written()
    written.add("sessions", 0, -1, 5)
    assert not any(written.holds("sessions", 0, offset) for offset in range(-2, 6))
