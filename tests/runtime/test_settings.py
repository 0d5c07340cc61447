"""Settings: the command line goes before the file, the file before the defaults; what is unknown is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from motion.errors import BadConfig
from runtime import settings
from runtime.front import admission
from runtime.settings import ServeConfig, Setting


def example(one: Setting) -> str:
    """A value that is not the default, as the file has it."""
    if one.kind is bool:
        return str(not one.default).lower()
    if one.choices:
        return f'"{one.choices[-1] if one.choices[-1] != one.default else one.choices[0]}"'
    return {int: "3", float: "3.0"}.get(one.kind, '"127.0.0.1:0"')


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
    for one in settings.settings_of(ServeConfig):
        config = settings.read(write(tmp_path, f"{one.name} = {example(one)}\n"))
        assert str(getattr(config, one.name)).lower() == example(one).strip('"').lower()


def test_every_setting_can_be_given_on_the_command_line_and_help_tells_of_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    for one in settings.settings_of(ServeConfig):
        given = [one.off if one.default else one.flag] if one.kind is bool else [one.flag, example(one).strip('"')]
        config = settings.read(given)
        assert getattr(config, one.name) != one.default
        assert str(getattr(config, one.name)) == (str(not one.default) if one.kind is bool else given[1])
    with pytest.raises(SystemExit):
        settings.read(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    for one in settings.settings_of(ServeConfig):
        assert one.flag in said
        assert one.note in said
        assert one.default is None or one.kind is bool or f"(default: {one.default})" in said
        assert ",".join(one.choices) in said


def test_flags_keep_their_names_and_defaults() -> None:
    """Those that scripts out there were written for."""
    assert ServeConfig() == settings.read([])
    config = settings.read(["--ray", "--one-code", "--no-refine", "--no-http", "--threads", "3"])
    assert (config.ray, config.one_code, config.refine, config.http, config.threads) == ("local", True, False, None, 3)
    assert settings.read(["--ray", "ray://head:10001"]).ray == "ray://head:10001"
    defaults = {"bundle": "base", "device": "auto", "address": "tcp://127.0.0.1:5570", "http": "127.0.0.1:5580",
                "slots": 4, "replicas": 1, "replicas_most": 4, "replica_cpus": 1.0, "replica_gpus": 0.0, "cache_mb": 64,
                "drain_s": 30.0, "log_level": "info", "log_format": "text", "refine": True,
                "one_code": False}  # fmt: skip
    found = {one.name: one.default for one in settings.settings_of(ServeConfig) if one.name != "threads"}
    assert {name: value for name, value in found.items() if value is not None} == defaults
    assert {name for name, value in found.items() if value is None} == {
        "backbone", "precision", "watch", "keys", "ray", "cache_folder"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("port = 5570\n", "unknown setting 'port'; known here: bundle, backbone, threads"),
        ("[limits]\nspeed = 3\n", r"unknown setting 'limits\.speed'; known here: text_characters"),
        ("limits = 3\n", "setting 'limits' must be a table, got 3"),
        ('slots = "four"\n', "setting 'slots' must be int, got 'four'"),
        ("slots = 0\n", "--slots must be at least 1; got 0"),
        ('log_level = "loud"\n', "'log_level' must be one of 'debug', 'info', 'warning', 'error', got 'loud'"),
        ("slots = \n", "is no valid TOML"),
        (
            'device = "abacus"\n',
            "'device' must be one of 'auto', 'cpu', 'cuda', 'tensorrt', 'rtx', 'torch', got 'abacus'",
        ),
        ('precision = "int3"\n', "'precision' must be one of 'fp32', 'int8', 'int4', got 'int3'"),
        ("[limits]\nqueue = -1\n", r"setting 'limits\.queue' must be at least 0; got -1"),
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
    told = settings.read(["--threads", "3"]).table()
    assert told == {"bundle": "base", "threads": 3, "refine": True, "device": "auto", "one_code": False}
