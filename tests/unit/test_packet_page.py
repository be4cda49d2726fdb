"""The page on what the load balancer does with a packet names every verdict that it can end in."""

from __future__ import annotations

from pathlib import Path

import pytest

from opengwlb.dataplane import parse_verdicts

ROOT = Path(__file__).resolve().parents[2]
OF_THE_LOAD_BALANCER = range(40, 90)
"""Numbers of the endpoint's and the target's verdicts."""


@pytest.mark.parametrize("language", ["en", "ko"])
def test_every_verdict_of_the_load_balancer_is_on_the_page(language):
    page = (ROOT / "docs" / language / "packet.md").read_text()
    verdicts = parse_verdicts((ROOT / "bpf/shared/verdicts.h").read_text())
    missing = [
        one.name for one in verdicts.values() if one.number in OF_THE_LOAD_BALANCER and f"`{one.name}`" not in page
    ]
    assert not missing
