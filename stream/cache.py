"""Which records were seen last? A bounded memory of stored records; safe to be wrong, since every apply compares."""

_ENTRY_BYTES = 250


class RecordCache:
    """Two generations: what is asked for again moves to the young one, the old one is dropped when the young one is full."""

    def __init__(self, bytes_max: int = 64 * 1024 * 1024) -> None:
        self._generation_bytes_max = bytes_max // 2
        self._young: dict[bytes, bytes] = {}
        self._old: dict[bytes, bytes] = {}
        self._young_bytes = 0

    def get(self, user: bytes) -> bytes | None:
        """The record as it was last seen, None when it is not remembered."""
        record = self._young.get(user)
        if record is None:
            record = self._old.pop(user, None)
            if record is not None:
                self.put(user, record)
        return record

    def put(self, user: bytes, record: bytes) -> None:
        """Remember the record of a user."""
        self._young[user] = record
        self._young_bytes += len(record) + _ENTRY_BYTES
        if self._young_bytes > self._generation_bytes_max:
            self._old, self._young, self._young_bytes = self._young, {}, 0

    def drop(self, user: bytes) -> None:
        """Forget a user."""
        self._young.pop(user, None)
        self._old.pop(user, None)
