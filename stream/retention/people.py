"""Which ids are one person? Records of single ids, joined by the identity events that are still valid.

Every id keeps what it did itself, so that a person can be put together and taken apart again: `joined` is the union of the records,
and an identity event counts as long as it is later than every erasure of the two ids that it names. The person stands under its
smallest id.
"""

from collections.abc import Iterable, Mapping
from functools import reduce

from stream.retention.days import Zone
from stream.retention.records import Record, merge
from stream.retention.summary import summarise

Own = Mapping[bytes, Record]


def joined(members: Own) -> Record:
    """The record of a person: what all of its ids did. An event that came under two of them is one event."""
    records = [members[one] for one in sorted(members)]
    return reduce(merge, records[1:], records[0])


def united(one: Record, other: Record, zone: Zone) -> Record:
    """What two copies of the record of one id know."""
    untils = [record.erased_until for record in (one, other) if record.erased_until is not None]
    if untils:
        one, other = (erased(record, max(untils), zone, late=True) for record in (one, other))
    links = dict(one.links)
    for linked, ts_ms in other.links.items():
        links[linked] = max(ts_ms, links.get(linked, ts_ms))
    both = merge(one, other)
    return Record(
        both.sessions, both.said, both.kept, both.summary, erased_until=both.erased_until, links=links
    )


def erased(record: Record, until: int, zone: Zone, *, late: bool = False) -> Record:
    """The record without what was done until then.

    That is all of it, since erasures are known before anything that came after them is counted, and what came before was done
    before, whatever its clock says. Of one that is `late` only the record can tell, as far as it does: sessions are known by their
    hour, and the one that `until` lies in goes.
    """
    if record.erased_until is not None and record.erased_until >= until:
        return record
    if not late:
        return Record(erased_until=until)
    kept = {key: one for key, one in record.kept.items() if one.ts_ms > until}
    slot = zone.slot(until)
    return Record(
        [one for one in record.sessions if one > slot],
        {name: said for name, said in record.said.items() if said[0] > until},
        kept,
        summarise(kept),
        erased_until=until,
        links={other: ts_ms for other, ts_ms in record.links.items() if ts_ms > until},
    )


def is_anybody(record: Record) -> bool:
    """Whether the record says anything besides that it was erased."""
    return record != Record(erased_until=record.erased_until)


def people(own: Own) -> list[list[bytes]]:
    """The ids of each person, sorted."""
    root = {one: one for one in own}

    def find(one: bytes) -> bytes:
        while root[one] != one:
            root[one] = root[root[one]]
            one = root[one]
        return one

    for one, record in own.items():
        for other, ts_ms in record.links.items():
            if other in own and _is_valid(ts_ms, (record, own[other])):
                first, second = sorted((find(one), find(other)))
                root[second] = first
    found: dict[bytes, list[bytes]] = {}
    for one in sorted(own):
        found.setdefault(find(one), []).append(one)
    return list(found.values())


def _is_valid(ts_ms: int, records: Iterable[Record]) -> bool:
    return all(record.erased_until is None or ts_ms > record.erased_until for record in records)
