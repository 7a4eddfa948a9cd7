"""In which order is it looked? Settings, Redis, then Kafka against what Redis has counted."""

from consumers.doctor.findings import Finding, ok, warning, wrong
from consumers.doctor.kafka import kafka_findings
from consumers.doctor.store import store_findings
from consumers.guessable import guessable
from consumers.settings import Settings, unknown, variable
from consumers.web_limits import is_local


async def examine(settings: Settings, now_ms: int) -> list[Finding]:
    """Everything there is to say."""
    found = setting_findings(settings)
    counted = None
    if settings.redis_url.get_secret_value():
        about, counted = await store_findings(settings, now_ms)
        found += about
    if settings.kafka:
        found += await kafka_findings(settings, counted, now_ms)
    return found


def setting_findings(settings: Settings) -> list[Finding]:
    """Servers, keys and secrets as they are set."""
    found = [
        wrong(
            "settings",
            f"{variable(name)} is not set",
            "set it (docs/settings.md), or start retention up here",
        )
        for name, value in (
            ("kafka", settings.kafka),
            ("redis_url", settings.redis_url.get_secret_value()),
            ("user_id_secret", settings.user_id_secret.get_secret_value()),
        )
        if not value
    ]
    found += [
        warning(
            "settings", f"{name} is no setting", "see retention config for what it may have been meant to be"
        )
        for name in unknown()
    ]
    for name, who in (("write_keys", "send events"), ("read_keys", "read numbers")):
        if not getattr(settings, name).get_secret_value() and not is_local(settings.http_host):
            found.append(
                warning(
                    "keys",
                    f"{variable(name)} is not set: everybody may {who}",
                    f"set {variable(name)}",
                )
            )
    found += [
        warning("keys", f"{seen}: it can be guessed", f"set a longer one in {name}: openssl rand -hex 16")
        for name, seen in guessable(settings)
    ]
    return found or [ok("settings", "servers, secret and keys are set")]
