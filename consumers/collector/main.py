"""How does the role `collector` live? Listen, take events until a signal comes, let what was begun end, close."""

import logging

from consumers.intake import Intake
from consumers.life import live, told_to_end
from consumers.settings import Settings, variable
from consumers.telemetry import Telemetry
from consumers.web import probes, serve
from consumers.web_limits import Limits, is_local

log = logging.getLogger(__name__)


def run_collector(settings: Settings) -> int:
    """Takes events until SIGINT or SIGTERM; gives the exit code of the process."""
    return live(_run(settings))


async def _run(settings: Settings) -> None:
    told = told_to_end()
    telemetry = Telemetry("collector")
    intake = Intake(settings, telemetry)
    limits = Limits.of(settings)
    app = probes(
        healthy=lambda: None,
        ready=lambda: intake.delivery.trouble,
        render=telemetry.render,
        metrics_key=limits.metrics_key,
    )
    intake.add_to(app)
    served = await serve(app, settings.http_host, settings.collector_port, limits)
    print(f"The collector takes events at {served.url}", flush=True)
    if not settings.write_keys.get_secret_value() and not is_local(settings.http_host):
        log.warning(
            "%s is not set: whoever reaches this port may send events of any app", variable("write_keys")
        )
    try:
        await told.wait()
    finally:
        await served.stop()
