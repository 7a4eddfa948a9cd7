"""Several roles on one page: each family once, and no series twice."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from consumers.joining import joined
from consumers.telemetry import Telemetry, WorkerTelemetry


def family(name: str, *samples: str, kind: str = "gauge") -> bytes:
    return "".join(
        f"{line}\n" for line in (f"# HELP {name} What.", f"# TYPE {name} {kind}", *samples)
    ).encode()


def test_a_family_of_one_role_goes_through_as_it_is() -> None:
    page = family("retention_batch_events", 'retention_batch_events_bucket{le="1.0"} 3.0', kind="histogram")
    assert joined({"api": b"", "worker": page}) == page


def test_what_every_process_has_gets_the_role_even_while_only_one_answers() -> None:
    page = family("process_open_fds", "process_open_fds 3.0")
    assert b'\nprocess_open_fds{role="api"} 3.0\n' in joined({"api": page})
    both = joined({"api": page, "worker": page}).decode()
    assert both.count("# HELP") == both.count("# TYPE") == 1
    assert both.endswith('process_open_fds{role="api"} 3.0\nprocess_open_fds{role="worker"} 3.0\n')


def test_a_family_of_another_role_gets_the_role_even_while_that_one_is_down() -> None:
    page = family("retention_batch_events", "retention_batch_events 3.0")
    assert b'{role="api"}' in joined({"api": page})


def test_a_family_that_two_roles_have_is_told_apart_whatever_the_catalogue_says() -> None:
    page = family("retention_batch_events", 'retention_batch_events{a="{ }"} 3.0')
    both = joined({"worker": page, "collector": page}).decode().splitlines()
    assert both[2:] == [
        f'retention_batch_events{{role="{role}",a="{{ }}"}} 3.0' for role in ("worker", "collector")
    ]


def test_nothing_is_lost_and_nothing_comes_twice() -> None:
    pages = {"api": Telemetry("api").render(), "worker": WorkerTelemetry().render()}
    series = [
        (sample.name, tuple(sorted(sample.labels.items())))
        for one in text_string_to_metric_families(joined(pages).decode())
        for sample in one.samples
    ]
    assert len(series) == len(set(series))
    given = [
        line for page in pages.values() for line in page.splitlines() if line and not line.startswith(b"#")
    ]
    assert len(series) == len(given)
