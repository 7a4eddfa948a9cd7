"""Does the sizing table say what was measured, and does it find its place?"""

from pathlib import Path

import pytest

from bench.sizing import BEGIN, END, put, table
from tests.servers import ROOT

ROWS = [
    {"name": "worker", "value": 50_000.0},
    {"name": "worker, a second of its own CPU", "value": 70_000.0},
    {"name": "two workers", "value": 60_000.0},
    {"name": "300,000 users, in order, default listpack limit", "value": 80.0},
]


def test_the_table_has_the_measured_values_and_what_follows_from_them() -> None:
    text = table(ROWS, {"python": "3.11"})
    assert "| events a second, one worker | 50,000 |" in text
    assert "changes least | 70,000 |" in text
    assert "(300,000 users) | 80 |" in text
    assert "| 1,000,000 | 0.08 GB | 0.1 GB | 1 | 1 |" in text
    assert "| 100,000,000 | 8.00 GB | 12.0 GB | 1 | 1 |" in text
    assert "python 3.11" in text


def test_it_is_put_between_its_marks_again_and_again(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"head\n{BEGIN}old\n{END}tail\n")
    put(page, "one\n")
    put(page, "two\n")
    assert page.read_text() == f"head\n{BEGIN}\ntwo\n\n{END}tail\n"
    page.write_text("no marks")
    with pytest.raises(ValueError, match="marks"):
        put(page, "three")


def test_the_page_of_operations_has_a_table() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    _, _, rest = text.partition(BEGIN)
    assert "| events a second, one worker |" in rest.partition(END)[0]
