"""Has the store fallen back since this process last saw it? Every apply leaves a mark, and a client remembers the last one it saw.

Positions alone cannot tell: a store that loses the users of a batch while the batch is still under way has the same position as
before, and moving it then would lose these users for good. The newest mark a client has seen stands for everything that it read,
wrote or keeps in its cache; a state without this mark must not be built upon.
"""

import secrets
from itertools import count

BACK = b"back"


class Lineage:
    """What one client has seen of one shard."""

    def __init__(self) -> None:
        self.seen = b""
        self.is_broken = False
        self._name = secrets.token_hex(4)
        self._calls = count()

    def who(self) -> bytes:
        """What makes the mark of the next call unlike every other."""
        return f"{self._name}{next(self._calls):x}".encode()

    def note(self, mark: bytes) -> None:
        """Remember the newest mark. Once the store has fallen back, that stays so for this client."""
        if mark == BACK:
            self.is_broken = True
        elif _number(mark) > _number(self.seen):
            self.seen = mark


class History:
    """The marks of one shard in memory: the same rule as lineage.lua, without a ring."""

    def __init__(self) -> None:
        self._marks: list[bytes] = []

    def mark(self, seen: bytes, who: bytes = b"") -> bytes:
        """The newest mark, a new one when `who` is given; BACK where `seen` is not among them."""
        if seen and seen not in self._marks[_number(seen) - 1 : _number(seen)]:
            return BACK
        if who:
            self._marks.append(b"%d:%s" % (len(self._marks) + 1, who))
        return self._marks[-1] if self._marks else b""


def _number(mark: bytes) -> int:
    return int(mark.partition(b":")[0] or 0)
