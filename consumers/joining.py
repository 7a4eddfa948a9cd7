"""How do the metrics of several roles become one page? Family by family, each with one HELP and one TYPE.

Nearly every family is of one role and goes through as it is. Those that every process has (`process_...`, the version), or that two
of them have, get a label `role`, else their series would be the same. Pages are ours, so that this only has to know how
prometheus_client writes them, which costs far less than to take them apart and write them anew.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from consumers.metrics import CATALOGUE

_OWNERS = {metric.name.encode(): metric.role for metric in CATALOGUE}


@dataclass
class _Family:
    about: list[bytes]  # HELP and TYPE
    samples: dict[str, list[bytes]] = field(default_factory=dict)  # by role


def joined(pages: Mapping[str, bytes]) -> bytes:
    """The text expositions of some roles as one, families in the order in which they first come."""
    families: dict[bytes, _Family] = {}
    for role, page in pages.items():
        for name, about, samples in _families(page):
            families.setdefault(name, _Family(about)).samples[role] = samples
    return b"".join(line + b"\n" for name, family in families.items() for line in _lines(name, family))


def _families(page: bytes) -> Iterator[tuple[bytes, list[bytes], list[bytes]]]:
    """Name, comments and samples of each family."""
    name, about, samples = b"", list[bytes](), list[bytes]()
    for line in page.split(b"\n"):
        if line.startswith(b"# HELP "):
            if about:
                yield name, about, samples
            name, about, samples = line.split(b" ", 3)[2], [line], []
        elif line.startswith(b"#"):
            about.append(line)
        elif line:
            samples.append(line)
    if about:
        yield name, about, samples


def _lines(name: bytes, family: _Family) -> Iterator[bytes]:
    yield from family.about
    for role, samples in family.samples.items():
        labelled = _OWNERS.get(name) != role or len(family.samples) > 1
        yield from (_with_role(line, role.encode()) if labelled else line for line in samples)


def _with_role(line: bytes, role: bytes) -> bytes:
    name, space, value = line.partition(b" ")
    if b"{" not in name:
        return name + b'{role="' + role + b'"}' + space + value
    name, brace, rest = line.partition(b"{")
    return name + brace + b'role="' + role + b'",' + rest
