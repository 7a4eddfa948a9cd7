"""Does every record survive its bytes, and are the bytes of the usual user as short as promised?"""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from stream.retention.days import zone
from stream.retention.kept import INSTALL, PURCHASE, Kept
from stream.retention.records import Record
from stream.retention.said import event_order
from stream.retention.summary import summarise
from stream.store.codec import append_slot, decode, encode, sessions_of, with_sessions
from stream.store.kept import decode_kept, encode_kept
from stream.store.words import Dims, read_dims, read_id, read_varint, write_dims, write_id, write_varint

ZONE = zone("Australia/Lord_Howe")
YEAR_1, YEAR_9999 = -62_135_596_800_000 + 86_400_000, 253_402_300_799_999 - 86_400_000

times = st.one_of(st.integers(YEAR_1, YEAR_9999), st.integers(1_500_000_000_000, 1_800_000_000_000))
ids = st.one_of(
    st.uuids().map(str), st.text(min_size=1, max_size=128), st.from_regex(r"[0-9a-f]{8}", fullmatch=True)
)
values = st.one_of(
    st.sampled_from(["ios", "organic", "VN", "A", "AA", "ZZ", "Vn"]), st.text(min_size=1, max_size=128)
)
names = st.one_of(st.sampled_from(["platform", "country", "variant"]), st.text(min_size=1, max_size=20))
dims = st.dictionaries(names, values, max_size=4).map(lambda found: tuple(sorted(found.items())))
slots = st.lists(st.integers(25, 3_600_000 * 25), max_size=30, unique=True).map(sorted)
near = st.lists(st.integers(18_500_000, 18_500_900), max_size=30, unique=True).map(sorted)


@st.composite
def kept(draw: st.DrawFn, kind: str) -> Kept:
    ts_ms = draw(times)
    money = (
        draw(st.integers(0, 10**12)),
        "USD",
        draw(st.text(max_size=10)),
        draw(st.sampled_from(["", "x"])),
    )
    return Kept(ts_ms, ZONE.slot(ts_ms), draw(dims), *(money if kind == PURCHASE else ()))


@st.composite
def records(draw: st.DrawFn) -> Record:
    installs = {(INSTALL, one): draw(kept(INSTALL)) for one in draw(st.lists(ids, max_size=2, unique=True))}
    purchases = {
        (PURCHASE, one): draw(kept(PURCHASE)) for one in draw(st.lists(ids, max_size=2, unique=True))
    }
    moment = draw(times), event_order(draw(ids))
    same = st.just(moment)
    moments = draw(st.sampled_from([same, st.tuples(times, ids.map(event_order))]))
    said = {name: (*draw(moments), value) for name, value in draw(dims)}
    both = installs | purchases
    return Record(draw(st.one_of(slots, near)), said, both, summarise(both))


@given(records())
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert decode(encode(record), ZONE) == record


@given(records())
def test_a_record_kept_apart_comes_back_with_its_summary_and_without_its_events(record: Record) -> None:
    record.apart = True
    back = decode(encode(record), ZONE)
    assert (back.apart, back.partial, back.kept) == (True, True, {})
    assert (back.sessions, back.said, back.summary) == (record.sessions, record.said, record.summary)
    for key, one in record.kept.items():
        assert decode_kept(encode_kept(key, one), ZONE) == (key, one)


@given(record=records(), step=st.integers(1, 2_000))
def test_appending_a_slot_is_the_same_as_encoding_it(record: Record, step: int) -> None:
    if record.sessions:
        longer = Record(
            [*record.sessions, record.sessions[-1] + step], record.said, record.kept, record.summary
        )
        assert append_slot(encode(record), record.sessions[-1], longer.sessions[-1]) == encode(longer)


@given(records())
def test_a_record_is_taken_apart_into_what_it_is_put_together_of(record: Record) -> None:
    data = encode(record)
    bare, install_dims, said, slots = sessions_of(data)
    assert slots == record.sessions
    assert said is None or {name: (*said[:2], value) for name, value in said[2]} == record.said
    assert with_sessions(bare, install_dims, said, slots) == data


@given(number=st.integers(0, 2**60), event_id=ids, said=dims, install=dims)
def test_words_come_back(number: int, event_id: str, said: Dims, install: Dims) -> None:
    assert read_varint(write_varint(number), 0) == (number, len(write_varint(number)))
    assert read_id(write_id(event_id) + b"rest", 0) == (event_id, len(write_id(event_id)))
    assert read_dims(write_dims(said, install) + b"rest", 0, dict(install))[0] == said


def usual(bought: int) -> Record:
    """An install, three dimensions, eight active days, so many purchases."""
    start = 1_780_000_000_000
    said = (("country", "VN"), ("platform", "ios"), ("source", "organic"))
    found = {(INSTALL, str(UUID(int=2**127 - 5, version=4))): Kept(start, ZONE.slot(start), said)}
    for number in range(bought):
        ts_ms = start + number * 86_400_000
        key = PURCHASE, str(UUID(int=2**125 + number, version=4))
        found[key] = Kept(ts_ms, ZONE.slot(ts_ms), said, 499, "USD", "gems_500")
    order = event_order(str(UUID(int=2**126 + 12345678901234567890, version=4)))
    days = [ZONE.slot(start + day * 86_400_000 * 3) for day in range(8)]
    return Record(days, {name: (start + 5000, order, value) for name, value in said}, found, summarise(found))


def test_the_usual_user_fits_into_a_listpack_entry() -> None:
    """With its index under the 64 bytes of a server's default setting."""
    assert len(encode(usual(0))) + 4 <= 47


def test_who_bought_once_fits_into_the_listpack_entry_that_we_set() -> None:
    """With its index under 128 bytes; one more purchase takes some 55."""
    assert len(encode(usual(1))) + 4 <= 105
    assert len(encode(usual(2))) - len(encode(usual(1))) <= 55
