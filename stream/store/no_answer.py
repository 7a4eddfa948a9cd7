"""Why does a server that is there give no first answer? TLS on one side only, or a certificate that it wants of us.

Without this, all of it looks like a server that is away. One that speaks TLS hangs up on who does not; one that does not waits for
the end of a line that never comes; and of one that wants a certificate the reason is lost when it hangs up on what we had to say.
"""

import asyncio
import re
import ssl
from typing import Any

import redis.asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import TimeoutError as RedisTimeout

from stream.store.address import Address
from stream.store.calls import answered
from stream.store.protocol import IdentityMismatch, StoreRefused, StoreUnavailable

_ANSWER_SECONDS = 2.0
_OTHERS = {
    "redis": "rediss",
    "rediss": "redis",
    "redis+cluster": "rediss+cluster",
    "rediss+cluster": "redis+cluster",
}
# Nothing it says is relied upon, and it is told neither user nor password: only whether it says anything is of interest.
_TLS: dict[str, Any] = {"ssl": True, "ssl_cert_reqs": "none", "ssl_check_hostname": False}
# The alerts of a server that is shown no certificate; before TLS 1.3 all it says is handshake failure.
_WANTS_CERTIFICATE = re.compile("ALERT_(CERTIFICATE_REQUIRED|BAD_CERTIFICATE|HANDSHAKE_FAILURE)")


async def explain(scheme: str, address: Address, error: StoreUnavailable) -> None:
    """Looks at a server of which all we have is `error`, and returns where waiting may help.

    Raises IdentityMismatch where it speaks what the scheme does not say, StoreRefused where it wants a certificate.
    """
    other = _OTHERS.get(scheme)
    if other is None or isinstance(error, StoreRefused):
        return
    hung_up = not isinstance(error.__cause__, RedisTimeout)
    if scheme.startswith("rediss"):
        if await _answers(address, {}):
            raise _wrong_scheme(address, "does not speak TLS", other)
        if hung_up and await _wants_certificate(address):
            raise StoreRefused(f"Redis at {address} wants a client certificate that it trusts") from error
    elif hung_up and await _answers(address, _TLS):
        raise _wrong_scheme(address, "speaks TLS", other)


def _wrong_scheme(address: Address, does: str, other: str) -> IdentityMismatch:
    return IdentityMismatch(f"Redis at {address} {does}: RETENTION_REDIS_URL must begin with {other}://")


async def _answers(address: Address, how: dict[str, Any]) -> bool:
    client = aioredis.Redis(
        host=address.host,
        port=address.port,
        socket_timeout=_ANSWER_SECONDS,
        socket_connect_timeout=_ANSWER_SECONDS,
        retry=Retry(NoBackoff(), 0),
        driver_info=None,
        **how,
    )
    try:
        await answered(client.ping())
    except StoreRefused:
        return True  # It wants a user: it has understood.
    except StoreUnavailable:
        return False
    finally:
        await client.aclose()
    return True


async def _wants_certificate(address: Address) -> bool:
    """Listens to what it says after the handshake, and says nothing, which would make it hang up before it is heard."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        async with asyncio.timeout(_ANSWER_SECONDS):
            reader, writer = await asyncio.open_connection(*address, ssl=context)
            try:
                await reader.read(1)
            finally:
                writer.transport.abort()
    except ssl.SSLError as error:
        return bool(_WANTS_CERTIFICATE.search(error.reason or ""))
    except (OSError, TimeoutError):
        return False
    return False
