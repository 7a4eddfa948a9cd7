"""Does a stretch of counts, or of money in several currencies, come back from its bytes, which are short?"""

from hypothesis import given
from hypothesis import strategies as st

from stream.retention.stretches import STRETCH_SLOTS
from stream.store.stretches import pack_amounts, pack_counts, unpack_amounts, unpack_counts

NUMBER = 77_000
slots = st.integers(NUMBER * STRETCH_SLOTS, (NUMBER + 1) * STRETCH_SLOTS - 1)
minor_units = st.integers(-(2**63), 2**63 - 1).filter(bool)


@given(st.dictionaries(slots, st.integers(1, 2**40), max_size=STRETCH_SLOTS))
def test_counts_come_back(counts: dict[int, int]) -> None:
    assert unpack_counts(NUMBER, pack_counts(NUMBER, counts)) == counts


@given(
    st.dictionaries(
        slots, st.dictionaries(st.sampled_from(["USD", "VND", "KWD"]), minor_units, min_size=1), max_size=50
    )
)
def test_money_comes_back_and_its_bytes_know_no_order(money: dict[int, dict[str, int]]) -> None:
    packed = pack_amounts(NUMBER, money)
    assert unpack_amounts(NUMBER, packed) == money
    backwards = {slot: dict(reversed(money[slot].items())) for slot in reversed(money)}
    assert pack_amounts(NUMBER, backwards) == packed


def test_an_hour_with_purchases_in_one_currency_takes_six_bytes() -> None:
    start, hours = NUMBER * STRETCH_SLOTS, 200
    counts = {start + at: 12 for at in range(hours)}
    money = {slot: {"USD": 5_988} for slot in counts}
    assert len(pack_counts(NUMBER, counts)) + len(pack_amounts(NUMBER, money)) <= 6 * hours + 20
