"""Writes docs/settings.md, the server's settings, from the fields that state them: `python -m tools.pages.settings`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path

from motion.protocol import Limits
from runtime.front.admission import LIMITS
from runtime.settings import ServeConfig, Setting, settings_of
from tools.pages.markdown import table

PAGE = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
_KINDS = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
_HEAD = """\
# Settings of the server

Written by `python -m tools.pages.settings` from the fields of `ServeConfig` in runtime/settings.py.

A setting is given on the command line, `python -m runtime.serve --slots 2`, or in a TOML file that `--config` names;
the command line goes before the file, and the file before the defaults. `true or false` is `--refine` or `--no-refine`
on the command line. Unknown names are refused.

```toml
address = "tcp://0.0.0.0:5570"
keys = "keys"
slots = 2

[limits]
requests = 4
```
"""
_LIMITS = """\
## Limits

What clients may ask for: the table `[limits]` of the file, for which there are no flags. Clients are told them when
they connect, and every form of request is held to them.
"""


def page() -> str:
    """The page."""
    made = {one.name for one in fields(ServeConfig) if one.default_factory is not MISSING}
    served = table(
        ["setting", "on the command line", "", "default", "what it means"],
        [
            [f"`{one.name}`", ", ".join(f"`{flag}`" for flag in _flags(one)), _kind(one),
             "" if one.name in made else _default(one), one.note]
            for one in settings_of(ServeConfig)
        ],
    )  # fmt: skip
    limits = table(
        ["limit", "", "default", "what it means"],
        [[f"`{one.name}`", _kind(one), _default(one), one.note] for one in settings_of(Limits, LIMITS)],
    )
    return "\n".join([_HEAD, *served, "", _LIMITS, *limits, ""])


def main(arguments: list[str] | None = None) -> int:
    """Write it."""
    argparse.ArgumentParser("python -m tools.pages.settings", description=__doc__).parse_args(arguments)
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
    return 0


def _flags(one: Setting) -> Iterator[str]:
    yield one.flag
    if one.kind is bool or one.can_be_off:
        yield one.off


def _kind(one: Setting) -> str:
    return ", ".join(f"`{choice}`" for choice in one.choices) or _KINDS[one.kind]


def _default(one: Setting) -> str:
    if one.default is None:
        return ""
    return f"`{str(one.default).lower() if one.kind is bool else one.default}`"


if __name__ == "__main__":
    sys.exit(main())
