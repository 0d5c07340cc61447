"""Settings: the command line goes before the file, the file before the defaults; what is unknown is refused."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

from motion.errors import BadConfig
from runtime import settings
from runtime.front import admission
from runtime.settings import ServeConfig


def write(path: Path, text: str) -> list[str]:
    file = path / "serve.toml"
    file.write_text(text)
    return ["--config", str(file)]


def test_the_command_line_goes_before_the_file_and_the_file_before_the_defaults(tmp_path: Path) -> None:
    flags = write(tmp_path, 'bundle = "mine"\nslots = 7\nkeys = "k"\ndrain_s = 2\n[limits]\nrequests = 3\n')
    config = settings.read([*flags, "--slots", "2", "--no-refine"])
    assert (config.bundle, config.slots, config.refine, config.keys) == ("mine", 2, False, Path("k"))
    assert config.drain_s == 2.0
    assert (config.limits.requests, config.limits.queue) == (3, admission.LIMITS.queue)
    assert config.cache_mb == ServeConfig().cache_mb


def test_every_setting_can_be_given_in_the_file(tmp_path: Path) -> None:
    for field in fields(ServeConfig):
        if field.name == "limits":
            continue
        value = getattr(ServeConfig(), field.name)
        text = {bool: str(value).lower(), int: "3", float: "3.0"}.get(type(value), '"127.0.0.1:0"')
        text = {"log_level": '"debug"', "log_format": '"json"'}.get(field.name, text)
        config = settings.read(write(tmp_path, f"{field.name} = {text}\n"))
        assert str(getattr(config, field.name)).lower() == text.strip('"').lower()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("port = 5570\n", "unknown setting 'port'; known here: address, watch, keys"),
        ("[limits]\nspeed = 3\n", r"unknown setting 'limits\.speed'; known here: text_characters"),
        ("limits = 3\n", "setting 'limits' must be a table, got 3"),
        ('slots = "four"\n', "setting 'slots' must be int, got 'four'"),
        ("slots = 0\n", "--slots must be at least 1; got 0"),
        ('log_level = "loud"\n', "'log_level' must be one of 'debug', 'info', 'warning', 'error', got 'loud'"),
        ("slots = \n", "is no valid TOML"),
    ],
)
def test_what_is_unknown_or_wrong_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(BadConfig, match=sentence):
        settings.read(write(tmp_path, text))


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be opened"):
        settings.read(["--config", str(tmp_path / "none.toml")])


@pytest.mark.parametrize(
    ("flags", "http"),
    [([], "127.0.0.1:5580"), (["--no-http"], None), (["--http", "127.0.0.1:1"], "127.0.0.1:1")],
)
def test_the_http_port_is_on_unless_it_is_turned_off(flags: list[str], http: str | None) -> None:
    assert settings.read(flags).http == http
    assert settings.asked_for_http(flags) == ("--http" in flags)


def test_the_file_turns_it_off_with_nothing(tmp_path: Path) -> None:
    flags = write(tmp_path, 'http = ""\n')
    assert settings.read(flags).http is None
    assert settings.read([*flags, "--http", "127.0.0.1:2"]).http == "127.0.0.1:2"


def test_a_worker_is_told_what_to_load_and_nothing_that_is_not_set() -> None:
    told = settings.read(["--threads", "3"]).models.table()
    assert told == {"bundle": "base", "threads": 3, "refine": True, "device": "auto", "one_code": False}
