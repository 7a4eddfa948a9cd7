"""Does the memory of users stay within its limit, and does it keep who comes again?"""

from stream.cache import RecordCache
from stream.known import Known, record_alone

BYTES_MAX = 100_000


def known(size_bytes: int, slots: int = 0) -> Known:
    found = record_alone(bytes(size_bytes))
    found.other_slots = frozenset(range(slots))
    return found


def kept_bytes(cache: RecordCache, users: int) -> int:
    return sum(len(found.record) for at in range(users) if (found := cache.get(b"%d" % at)) is not None)


def test_who_comes_again_is_remembered_and_who_does_not_is_forgotten() -> None:
    cache = RecordCache(BYTES_MAX)
    for at in range(1_000):
        cache.put(b"%d" % at, known(100))
        assert cache.get(b"0") is not None
    assert cache.get(b"1") is None
    assert cache.get(b"999") is not None
    cache.put(b"999", None)
    assert cache.get(b"999") is None


def test_records_that_grow_keep_within_the_limit() -> None:
    cache = RecordCache(BYTES_MAX)
    for size_bytes in range(100, 20_000, 100):
        for at in range(20):
            cache.put(b"%d" % at, known(size_bytes))
    assert 0 < kept_bytes(cache, 20) <= BYTES_MAX


def test_what_else_is_known_of_a_user_takes_its_part_of_the_limit() -> None:
    few, many = RecordCache(BYTES_MAX), RecordCache(BYTES_MAX)
    for at in range(80):
        few.put(b"%d" % at, known(10, slots=1))
        many.put(b"%d" % at, known(10, slots=30))
    assert kept_bytes(few, 80) == 800
    assert 0 < kept_bytes(many, 80) < 200
