"""Is a dictionary in stretches the dictionary it stands for, whatever is asked of it and of its copies?"""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.retention.stretches import STRETCH_SLOTS, Stretches, first_slot, stretches_of
from stream.store.stretches import pack_counts, unpack_counts

slots = st.one_of(
    st.integers(18_500_000, 18_500_000 + 5 * STRETCH_SLOTS), st.sampled_from([0, 239, 240, 24 * 3_650_000])
)
plain = st.dictionaries(slots, st.integers(1, 10**6), max_size=60)
changes = st.lists(st.tuples(slots, st.one_of(st.none(), st.integers(1, 100))), max_size=60)


def in_stretches(counts: dict[int, int]) -> Stretches[int]:
    return Stretches(stretches_of(counts, pack_counts), len(counts), unpack_counts)


def change(counts: dict[int, int] | Stretches[int], some: Sequence[tuple[int, int | None]]) -> None:
    for slot, value in some:
        if value is None:
            counts.pop(slot, None)
        else:
            counts[slot] = value


@given(plain, changes)
def test_it_holds_what_a_dictionary_would_hold(
    counts: dict[int, int], some: list[tuple[int, int | None]]
) -> None:
    ours = in_stretches(counts)
    change(ours, some)
    change(counts, some)
    assert ours == counts
    assert (list(ours), len(ours)) == (sorted(counts), len(counts))
    assert all((slot in ours, ours.get(slot)) == (slot in counts, counts.get(slot)) for slot, _ in some)
    if counts:
        assert first_slot(ours) == first_slot(counts) == min(counts)


@given(plain, changes, changes)
def test_a_copy_and_what_it_was_made_of_change_apart(
    counts: dict[int, int], ours: list[tuple[int, int | None]], theirs: list[tuple[int, int | None]]
) -> None:
    one = in_stretches(counts)
    change(one, ours)
    other, expected = one.copy(), dict(one)
    change(other, theirs)
    assert one == expected
    change(one, ours[::-1])
    change(expected, theirs)
    assert other == expected


@given(plain, changes)
def test_equal_ones_have_equal_bytes_however_they_came_to_be(
    counts: dict[int, int], some: list[tuple[int, int | None]]
) -> None:
    ours = in_stretches(counts)
    change(ours, some)
    change(counts, some)
    packed = stretches_of(ours, pack_counts)
    assert list(packed.items()) == list(stretches_of(counts, pack_counts).items())
    assert list(packed.items()) == list(stretches_of(ours.copy(), pack_counts).items())


def test_only_the_stretch_that_is_asked_for_is_opened() -> None:
    packed = stretches_of(dict.fromkeys(range(0, 100 * STRETCH_SLOTS, 7), 1), pack_counts)
    opened: list[int] = []

    def unpack(number: int, data: bytes) -> dict[int, int]:
        opened.append(number)
        return unpack_counts(number, data)

    ours = Stretches(packed, 3_429, unpack)
    ours[7 * 40 * 7] = 2
    assert 7 * 40 * 7 in ours.copy()
    assert stretches_of(ours, pack_counts).keys() == packed.keys()
    assert opened == [7 * 40 * 7 // STRETCH_SLOTS]


def test_what_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="7"):
        in_stretches({8: 1})[7]
    with pytest.raises(KeyError, match="7"):
        del in_stretches({8: 1})[7]
