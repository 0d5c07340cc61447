"""Log lines: for people, or as JSON objects for machines. They go to standard error.

What a line is about (`request`, `client`, `stream`, `worker`) is given as `extra=about(...)`, and stands at its end or
in fields of its own.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Mapping
from typing import Any, cast


def start(level: str, form: str) -> None:
    """Log from now on; for a program's `main` alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if form == "json" else _Text())
    logging.basicConfig(level=level.upper(), handlers=[handler])


def about(**facts: object) -> dict[str, Any]:
    """What a log line is about, for `extra=`."""
    return {"about": {name: fact for name, fact in facts.items() if fact not in (None, "")}}


def _facts(record: logging.LogRecord) -> Mapping[str, object]:
    return cast(Mapping[str, object], getattr(record, "about", {}))


class _Text(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's own name
        facts = " ".join(f"{name}={fact}" for name, fact in _facts(record).items())
        return super().formatMessage(record) + (f" [{facts}]" if facts else "")


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{stamp}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)
