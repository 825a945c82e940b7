"""README's tables: those of the parts that were measured are new, the others stay."""

from __future__ import annotations

from pathlib import Path

from bench.run import PARTS, into_readme

BEGIN, END = "<!-- bench: what stands between these lines -->\n", "<!-- /bench -->"


def readme(*blocks: str) -> str:
    inner = "\n\n".join(blocks)
    return f"# It\n\n{BEGIN}{inner}\n{END}\n\nMore.\n"


def test_a_part_is_replaced_and_the_others_stay_in_their_order() -> None:
    before = readme("<!-- live -->\nold live\n\n| a |", "<!-- ecs -->\nold ecs\n\n| b |")
    after = into_readme(before, {"ecs": "new ecs\n\n| c |"})
    assert after == readme("<!-- live -->\nold live\n\n| a |", "<!-- ecs -->\nnew ecs\n\n| c |")
    again = into_readme(after, {"docker": "docker\n\n| d |"})
    assert [part for part in PARTS if f"<!-- {part} -->" in again] == ["live", "docker", "ecs"]
    assert again.index("old live") < again.index("docker\n") < again.index("new ecs")


def test_readme_itself_holds_tables_of_known_parts() -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text()
    assert into_readme(text, {}) == text
    assert "<!-- live -->" in text
