"""Unity's own signatures, out of npm's unity-types, and those of the stand-in, in one spelling."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from tools.unity.toolchain import Toolchain

_BLOCK = re.compile(r"^\s*(?:declare )?(namespace|class|interface|enum) ([\w.$]+)(<.*?>)?.*\{\s*(\})?\s*$")
_MEMBER = re.compile(
    r"^\s*(?:public |protected )?(static )?(?:readonly )?(get |set )?(\w+)(?:<[^(]*>)?\??(\(.*\))?: (.+);$"
)
_MADE = re.compile(r"^\s*constructor(\(.*\));$")
_VALUE = re.compile(r"^\s*(\w+) = (-?\d+),?$")


def of_unity(path: Path) -> dict[str, set[str]]:
    """Members by full name of the type, as the lister of the runner writes them."""
    found: dict[str, set[str]] = defaultdict(set)
    inside: list[str] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        block = _BLOCK.match(line)
        if block:
            kind, name, letters = block[1], block[2], block[3]
            count = letters.count(",") + 1 if letters and kind != "namespace" else 0
            inside.append(name + (f"${count}" if count else ""))
            if kind != "namespace":
                found[_name(inside)].add("")
            if block[4]:
                inside.pop()
        elif line.strip() in ("}", "};"):
            if inside:
                inside.pop()
        elif inside:
            found[_name(inside)] |= _members(line)
    return found


def of_standin(tools: Toolchain, build: Path) -> list[tuple[str, str]]:
    """(type, member) of the stand-in of CoreModule, which is compiled in `build`."""
    listed = tools.output(build / "Program.dll", ["--signatures", str(build / "UnityEngine.CoreModule.dll")])
    rows = (line.partition("|") for line in listed.splitlines())
    return [(kind, member) for kind, bar, member in rows if bar]


def _name(inside: list[str]) -> str:
    return ".".join(name for name in inside if name != "CS")


def _members(line: str) -> set[str]:
    value, made, member = _VALUE.match(line), _MADE.match(line), _MEMBER.match(line)
    if value:
        return {f"{value[1]}={value[2]}"}
    if made:
        return {f"constructor({_parameters(made[1])})"}
    if not member:
        return set()
    static, accessor, name, parameters, result = member.groups()
    if parameters is None or accessor:
        return {f"{static or ''}{name}:{_type(result)}", f"{name}:{_type(result)}"}
    return {f"{static or ''}{name}({_parameters(parameters)}):{_type(result)}"}


def _parameters(text: str) -> str:
    inner, depth, parts, start = text[1:-1], 0, [], 0
    for at, letter in enumerate(inner):
        depth += (letter in "<({") - (letter in ">)}")
        if letter == "," and depth == 0:
            parts.append(inner[start:at])
            start = at + 1
    parts.append(inner[start:])
    return ",".join(_type(part.partition(":")[2].strip()) for part in parts if part.strip())


def _type(text: str) -> str:
    return re.sub(r"\s", "", text)
