"""How does one command run the whole product? `retention up`: needs the extra `local`, Linux or macOS."""

from pathlib import Path

from consumers.local.data_dir import DataDir
from consumers.local.up import Options, run
from consumers.settings import Settings


def up(
    settings: Settings, *, port: int = 8080, data_dir: Path, demo: bool = True, ready_file: Path | None = None
) -> None:
    """Runs broker, store, worker, API and demo traffic until it is told to stop.

    Args:
        settings: apps, zones, dimensions and so on; where Kafka, Redis and the API are is decided here.
        port: of the API and the page; 0 is any free one.
        data_dir: keeps the numbers and the secret they belong to; one `up` at a time.
        demo: whether the app `demo` gets live traffic.
        ready_file: gets {"http", "kafka", "redis"} as JSON once numbers show; gone when `up` has stopped.
    Raises OSError with one line when it cannot run.
    """
    kept = DataDir(data_dir)
    try:
        _forget(ready_file)  # one of a run that was killed would say that this one is ready
        run(settings, kept, Options(port, demo, ready_file))
    finally:
        _forget(ready_file)
        kept.close()


def _forget(file: Path | None) -> None:
    if file is not None:
        file.unlink(missing_ok=True)
