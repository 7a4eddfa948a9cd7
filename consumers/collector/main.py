"""How does the role `collector` live? Listen, take events until a signal comes, let what was begun end, close."""

import asyncio
import logging
import signal
import sys

from consumers.intake import Intake
from consumers.settings import Settings, variable
from consumers.telemetry import Telemetry
from consumers.web import CannotListen, probes, serve
from consumers.web_limits import Limits, is_local

FAILED = 1

log = logging.getLogger(__name__)


def run_collector(settings: Settings) -> int:
    """Takes events until SIGINT or SIGTERM; gives the exit code of the process."""
    try:
        asyncio.run(_run(settings))
    except CannotListen as error:
        print(error, file=sys.stderr)
        return FAILED
    return 0


async def _run(settings: Settings) -> None:
    told = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, told.set)
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
