"""What an agent refuses before it starts anything."""

from __future__ import annotations

from pathlib import Path

import pytest

from fairlead.core.errors import BadInput
from fairlead.daemon.agent import follow

AGENT = "agent: {controllers: ['ws://127.0.0.1:7700'], node: n1}\nservices: {}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("services: {}\n", "no agent section"),
        ("proxy: {kind: plain}\n" + AGENT, "fairlead sync"),
    ],
)
async def test_settings_that_make_no_agent_are_refused(
    tmp_path: Path, text: str, told: str
) -> None:
    (file := tmp_path / "fairlead.yaml").write_text(text)
    with pytest.raises(BadInput, match=told):
        await follow(file, tmp_path / "state", None)
    assert not (tmp_path / "state").exists()
