"""docs/settings.md is what the server's settings say of themselves."""

from __future__ import annotations

from dataclasses import fields

from motion.protocol import Limits
from runtime.settings import ServeConfig, settings_of
from tools.pages.settings import PAGE, page


def test_the_page_is_what_the_fields_say() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "write it anew: python -m tools.pages.settings"


def test_every_setting_and_limit_is_on_it_and_says_what_it_means() -> None:
    text = page()
    for kind in (ServeConfig, Limits):
        for one in settings_of(kind):
            assert f"| `{one.name}` |" in text
            assert one.note, f"{kind.__name__}.{one.name} has no text below it"
    assert {one.name for one in fields(ServeConfig)} - {one.name for one in settings_of(ServeConfig)} == {"limits"}
