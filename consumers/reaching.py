"""Where does this machine reach what listens on an address? There, or on itself where it listens on all addresses."""

# What listens on all addresses of one kind is not reached on those of the other: sockets for IPv6 take no IPv4.
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 compared, not bound


def reached_host(host: str) -> str:
    """The host to connect to."""
    return _ANYWHERE.get(host, host)


def host_port(host: str, port: int) -> str:
    """Host and port as they stand in URLs and headers: an IPv6 address in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def reached_url(host: str, port: int) -> str:
    """The base URL of what listens there over HTTP."""
    return f"http://{host_port(reached_host(host), port)}"
