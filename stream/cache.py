"""Which records were seen last? A bounded memory of users; safe to be wrong, since every apply compares."""

from stream.known import Known

# About what an entry takes beside its record: in any case, and for each slot without a session that the short ways know of but
# the first, which is shared.
_ENTRY_BYTES = 510
_SLOT_BYTES = 350


class RecordCache:
    """Two generations: what is asked for again moves to the young one, the old one is dropped when the young one is full."""

    def __init__(self, bytes_max: int = 64 * 1024 * 1024) -> None:
        self._generation_bytes_max = bytes_max // 2
        self._young: dict[bytes, Known] = {}
        self._old: dict[bytes, Known] = {}
        self._young_bytes = 0

    def get(self, user: bytes) -> Known | None:
        """What is remembered of a user."""
        known = self._young.get(user)
        if known is None and (known := self._old.pop(user, None)) is not None:
            self.put(user, known)
        return known

    def put(self, user: bytes, known: Known | None) -> None:
        """Remember a user, or with None forget it."""
        if known is None:
            self._young.pop(user, None)
            self._old.pop(user, None)
            return
        before = self._young.get(user)
        if before is None:
            more_slots = max(0, len(known.other_slots) - 1)
            self._young_bytes += _ENTRY_BYTES + len(known.record) + _SLOT_BYTES * more_slots
        else:  # nearly every event comes by here; what it adds is in the record
            self._young_bytes += len(known.record) - len(before.record)
        self._young[user] = known
        if self._young_bytes > self._generation_bytes_max:
            self._old, self._young, self._young_bytes = self._young, {}, 0
