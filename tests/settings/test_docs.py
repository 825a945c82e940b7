"""docs/settings.md cannot fall behind: its table is the key table's, and its examples load."""

import re
from pathlib import Path

import pytest

from fairlead.settings import parse
from fairlead.settings.schema import rows, with_table

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "settings.md").read_text()
_BLOCK = re.compile(r"```yaml\n(.*?)```", re.DOTALL)
EXAMPLES = _BLOCK.findall(PAGE)
SCALED = [text for text in _BLOCK.findall((DOCS / "scale.md").read_text()) if "services:" in text]


@pytest.mark.parametrize("row", list(rows()), ids=lambda row: row[0])
def test_each_key_is_documented(row: tuple[str, str, str, str]) -> None:
    path, kind, default, doc = row
    assert f"| `{path}` | {kind} | {default} | {doc} |\n" in PAGE
    assert doc.endswith(".")


def test_the_table_is_current() -> None:
    assert with_table(PAGE) == PAGE, "run python -m fairlead.settings.schema docs/settings.md"


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_of_the_page_load(text: str) -> None:
    assert parse(text, "docs/settings.md").services


def test_the_page_has_examples() -> None:
    assert len(EXAMPLES) >= 5
    assert any("/actuator/health" in text for text in EXAMPLES)


@pytest.mark.parametrize("text", SCALED)
def test_examples_of_the_page_on_scaling_load(text: str) -> None:
    assert any(service.scale for service in parse(text, "docs/scale.md").services)


def test_the_page_on_scaling_has_examples() -> None:
    assert len(SCALED) >= 3
