"""Settings: TOML tables become dataclasses, and whatever does not fit is named."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest

from motion import config
from motion.errors import BadConfig


@dataclass(frozen=True)
class Wheel:
    size: float
    spokes: int = 28

    def __post_init__(self) -> None:
        if self.size <= 0:
            raise BadConfig(f"a wheel's size must be positive, got {self.size}")


@dataclass(frozen=True)
class Bicycle:
    name: str
    front: Wheel
    gears: tuple[int, ...] = (1,)
    colour: Literal["red", "blue"] = "red"
    bell: bool = True
    owner: str | None = None
    shed: Path = Path("shed")
    back: Wheel = field(default_factory=lambda: Wheel(26.0))


WHOLE: dict[str, Any] = {
    "name": "Hercules",
    "front": {"size": 28, "spokes": 36},
    "gears": [1, 3, 7],
    "colour": "blue",
    "bell": False,
    "owner": "Ada",
    "shed": "garden/shed",
    "back": {"size": 28.5},
}


def test_a_table_becomes_the_dataclass_with_all_its_tables() -> None:
    made = config.build(Bicycle, WHOLE)
    assert made == Bicycle(
        "Hercules", Wheel(28.0, 36), (1, 3, 7), "blue", False, "Ada", Path("garden/shed"), Wheel(28.5, 28)
    )
    assert isinstance(made.front.size, float)


def test_what_is_left_out_has_its_default() -> None:
    assert config.build(Bicycle, {"name": "x", "front": {"size": 1.0}}) == Bicycle("x", Wheel(1.0))


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "unknown": ({"saddle": 1}, r"unknown setting 'saddle'; known here: name, front"),
    "unknown inside": ({"front": {"size": 1.0, "tyre": 2}}, r"unknown setting 'front\.tyre'; known here: size, spokes"),
    "missing inside": ({"front": {"spokes": 2}}, r"'front\.size' is missing"),
    "no table": ({"front": 28}, r"'front' must be a table, got 28"),
    "no list": ({"gears": 3}, r"'gears' must be a list, got 3"),
    "a wrong item": ({"gears": [1, "two"]}, r"'gears' must be int, got 'two'"),
    "another word": ({"colour": "green"}, r"'colour' must be one of 'red', 'blue', got 'green'"),
    "text for a number": ({"front": {"size": "big"}}, r"'front\.size' must be float, got 'big'"),
    "a fraction for a whole number": ({"gears": [1.5]}, r"'gears' must be int, got 1\.5"),
    "yes for a number": ({"front": {"size": True}}, r"'front\.size' must be float, got True"),
    "yes for a whole number": ({"gears": [True]}, r"'gears' must be int, got True"),
    "a number for yes": ({"bell": 1}, r"'bell' must be bool, got 1"),
    "a number for a text": ({"name": 7}, r"'name' must be str, got 7"),
    "a number for a path": ({"shed": 7}, r"'shed' must be Path, got 7"),
    "out of range": ({"front": {"size": -1}}, r"size must be positive, got -1\.0"),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_does_not_fit_is_named(what: str) -> None:
    change, words = WRONG[what]
    with pytest.raises(BadConfig, match=words):
        config.build(Bicycle, WHOLE | change)


def test_a_missing_setting_is_named() -> None:
    with pytest.raises(BadConfig, match="'name' is missing"):
        config.build(Bicycle, {"front": {"size": 1.0}})


def test_a_file_is_read_with_its_tables(tmp_path: Path) -> None:
    path = tmp_path / "bicycle.toml"
    path.write_text('name = "Ünï"\n[front]\nsize = 28\n', encoding="utf-8")
    assert config.build(Bicycle, config.read(path)) == Bicycle("Ünï", Wheel(28.0))


@pytest.mark.parametrize("content", [b'name = "x\n', b"\xff\xfe", b"name = 1\nname = 2\n"])
def test_a_file_that_is_no_toml_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "odd.toml"
    path.write_bytes(content)
    with pytest.raises(BadConfig, match=r"odd\.toml is no valid TOML"):
        config.read(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"none\.toml cannot be opened"):
        config.read(tmp_path / "none.toml")


@dataclass(frozen=True)
class Tandem(Bicycle):
    """A bicycle for two."""

    seats: int = 2
    """how many can sit
    on it"""
    lamp: str | None = "front"
    """what shines"""
    lock: bool = True


def test_what_stands_below_a_field_can_be_read_and_what_it_inherits_too() -> None:
    assert config.notes(Tandem) == {"seats": "how many can sit on it", "lamp": "what shines"}
    assert config.notes(Wheel) == {}


def test_what_may_be_none_can_be_given_as_none_and_nothing_else_can() -> None:
    given = {"name": "x", "front": {"size": 1.0}}
    assert config.build(Tandem, {**given, "lamp": None}).lamp is None
    with pytest.raises(BadConfig, match="'name' must be str, got None"):
        config.build(Tandem, {**given, "name": None})
