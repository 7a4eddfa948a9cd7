"""Which servers does a URL name?"""

import pytest

from stream.store.address import Address, cluster_url


def test_the_url_of_a_cluster_names_servers_and_keeps_user_password_and_query() -> None:
    seeds, url_of = cluster_url("rediss+cluster://me:p%40ss@one:7000,[::1]:7001,three/?ssl_ca_certs=/ca.pem")
    assert seeds == [Address("one", 7000), Address("::1", 7001), Address("three", 6379)]
    assert url_of(Address("four", 1)) == "rediss://me:p%40ss@four:1?ssl_ca_certs=/ca.pem"
    assert url_of(Address("::1", 2)).startswith("rediss://me:p%40ss@[::1]:2?")


@pytest.mark.parametrize(
    "url", ["redis+cluster://one:7000/1", "redis+cluster://one,,two", "redis+cluster://"]
)
def test_a_url_of_no_cluster_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"database|host:port"):
        cluster_url(url)
