"""Where is what listens on an address reached from this machine?"""

import pytest

from consumers.reaching import reached_url


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8080"),
        ("192.0.2.7", "http://192.0.2.7:8080"),
        ("retention.example", "http://retention.example:8080"),
        ("0.0.0.0", "http://127.0.0.1:8080"),
        ("::", "http://[::1]:8080"),
        ("2001:db8::7", "http://[2001:db8::7]:8080"),
    ],
)
def test_all_addresses_are_reached_on_this_machine_and_one_where_it_is(host: str, url: str) -> None:
    assert reached_url(host, 8080) == url
