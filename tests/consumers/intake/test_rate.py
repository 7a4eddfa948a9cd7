"""How much one key may send: a second's worth at once, then the rate, then a wait that is told."""

from consumers.intake.rate import Bucket
from consumers.intake.room import Room


def test_a_second_of_events_may_come_at_once_and_then_nothing_until_there_is_some() -> None:
    bucket = Bucket(100, now=0.0)
    bucket.take(60)
    assert bucket.wait_seconds(0.0) == 0
    bucket.take(40)
    assert bucket.wait_seconds(0.0) == 0.01
    assert bucket.wait_seconds(0.01) == 0


def test_a_request_of_more_than_there_is_goes_through_and_the_next_one_waits_for_it() -> None:
    bucket = Bucket(100, now=0.0)
    assert bucket.wait_seconds(0.0) == 0
    bucket.take(1_000)
    assert round(bucket.wait_seconds(0.0), 6) == 9.01
    assert round(bucket.wait_seconds(5.0), 6) == 4.01
    assert bucket.wait_seconds(9.01) == 0


def test_in_the_long_run_the_rate_is_kept() -> None:
    bucket, sent, now = Bucket(100, now=0.0), 0, 0.0
    while now < 60:
        if wait := bucket.wait_seconds(now):
            now += wait
        else:
            bucket.take(50)
            sent += 50
    assert 60 * 100 <= sent <= 61 * 100 + 50


def test_who_sends_nothing_saves_up_no_more_than_a_second() -> None:
    bucket = Bucket(100, now=0.0)
    assert bucket.wait_seconds(3_600.0) == 0
    bucket.take(100)
    assert bucket.wait_seconds(3_600.0) > 0


def test_0_is_no_limit() -> None:
    bucket = Bucket(0, now=0.0)
    bucket.take(10**9)
    assert bucket.wait_seconds(0.0) == 0


def test_a_room_has_so_many_places_and_so_many_bytes_and_gives_no_more() -> None:
    room = Room(10, 100)
    assert room.take(events=9, size_bytes=50)
    assert not room.take(events=2)
    assert not room.take(size_bytes=51)
    assert (room.events, room.size_bytes) == (9, 50)
    room.give_back(events=9, size_bytes=50)
    assert room.take(events=10, size_bytes=100)
