"""Which servers does a URL name, and how? `redis://` is one server, `redis+cluster://` some of a cluster; two s are TLS."""

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import urlsplit

CLUSTER_SCHEMES = {"redis+cluster": "redis", "rediss+cluster": "rediss"}
DEFAULT_PORT = 6379


class Address(NamedTuple):
    """Where a server listens."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def is_cluster(url: str) -> bool:
    """Whether the URL is that of a cluster."""
    return urlsplit(url).scheme in CLUSTER_SCHEMES


def cluster_url(url: str) -> tuple[list[Address], Callable[[Address], str]]:
    """The servers that a cluster's URL names, and how to make a plain URL for another one. Raises ValueError."""
    parts = urlsplit(url)
    who, at, hosts = parts.netloc.rpartition("@")
    if parts.path not in ("", "/", "/0"):
        raise ValueError("a cluster has no numbered databases: leave the path away")
    scheme = CLUSTER_SCHEMES[parts.scheme]
    seeds = []
    for host in hosts.split(","):
        one = urlsplit(f"{scheme}://{host}")
        if not one.hostname:
            raise ValueError(f"{host!r} is not host:port")
        seeds.append(Address(one.hostname, one.port or DEFAULT_PORT))
    query = f"?{parts.query}" if parts.query else ""
    return seeds, lambda address: f"{scheme}://{who}{at}{address}{query}"
