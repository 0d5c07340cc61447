"""The .meta files of the Unity package: `python -m tools.unity.meta` writes what is missing and drops what is stray.

Unity knows a file by the GUID in its .meta, which must never change: it is the MD5 of the package's name and the path,
and a .meta that is there already is left as it is.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "unity_bridge"
NAME = "dev.motus.bridge"
_TAIL = "  externalObjects: {}\n  userData: \n  assetBundleName: \n  assetBundleVariant: \n"
_PLUGINS = {
    "libzmq.so": "Linux", "libsodium.so": "Linux",
    "libzmq.dylib": "OSX", "libsodium.26.dylib": "OSX",
    "libzmq.dll": "Windows", "libsodium-ac42d648.dll": "Windows", "msvcp140.dll": "Windows",
    "vcruntime140.dll": "Windows", "vcruntime140_1.dll": "Windows",
}  # fmt: skip


def wanted(package: Path = PACKAGE) -> dict[Path, str]:
    """.meta -> its content, for each file and folder that Unity imports: those with a ~ at the end it does not."""
    found: dict[Path, str] = {}
    for path in sorted(package.rglob("*")):
        parts = path.relative_to(package).parts
        if path.suffix == ".meta" or any(part.endswith("~") or part.startswith(".") for part in parts):
            continue
        found[path.with_name(path.name + ".meta")] = content(path, "/".join(parts))
    return found


def content(path: Path, inside: str) -> str:
    """The .meta of one file or folder."""
    guid = hashlib.md5(f"{NAME}/{inside}".encode(), usedforsecurity=False).hexdigest()
    head = f"fileFormatVersion: 2\nguid: {guid}\n"
    if path.is_dir():
        return f"{head}folderAsset: yes\nDefaultImporter:\n{_TAIL}"
    if path.suffix == ".cs":
        serial = "  serializedVersion: 2\n  defaultReferences: []\n  executionOrder: 0\n  icon: {instanceID: 0}\n"
        return f"{head}MonoImporter:\n{serial}{_TAIL}"
    if path.suffix == ".asmdef":
        return f"{head}AssemblyDefinitionImporter:\n{_TAIL}"
    if path.name == "package.json":
        return f"{head}PackageManifestImporter:\n{_TAIL}"
    if path.name in _PLUGINS:
        return head + _plugin(_PLUGINS[path.name])
    return f"{head}TextScriptImporter:\n{_TAIL}"


def _plugin(system: str) -> str:
    """A native library for one system alone: its editor and its player, 64 bits."""
    player = {"Linux": "Linux64", "OSX": "OSXUniversal", "Windows": "Win64"}[system]
    cpu = "AnyCPU" if system == "OSX" else "x86_64"

    def platform(kind: str, name: str, on: bool, settings: dict[str, str]) -> str:
        rows = "".join(f"        {key}: {value}\n" for key, value in settings.items())
        body = f"      settings:\n{rows}" if rows else "      settings: {}\n"
        return f"  - first:\n      {kind}: {name}\n    second:\n      enabled: {int(on)}\n{body}"

    rows = [platform("Any", "", False, {})]
    rows.append(platform("Editor", "Editor", True, {"CPU": cpu, "DefaultValueInitialized": "true", "OS": system}))
    for name in ("Linux64", "OSXUniversal", "Win64"):
        rows.append(platform("Standalone", name, name == player, {"CPU": cpu if name == player else "None"}))
    flags = "  isPreloaded: 0\n  isOverridable: 0\n  isExplicitlyReferenced: 0\n  validateReferences: 1\n"
    head = "PluginImporter:\n  externalObjects: {}\n  serializedVersion: 2\n  iconMap: {}\n  executionOrder: {}\n"
    tail = "  userData: \n  assetBundleName: \n  assetBundleVariant: \n"
    return f"{head}  defineConstraints: []\n{flags}  platformData:\n{''.join(rows)}{tail}"


def main() -> int:
    """The exit code."""
    files = wanted()
    for path in PACKAGE.rglob("*.meta"):
        if path not in files:
            path.unlink()
            print(f"dropped {path.relative_to(PACKAGE)}")
    for path, text in files.items():
        if not path.exists():
            path.write_text(text, encoding="utf-8")
    print(f"{len(files)} .meta files")
    return 0


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m tools.unity.meta", description=(__doc__ or "").partition("\n")[0]
    ).parse_args()
    sys.exit(main())
