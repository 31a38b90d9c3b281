"""Sets the peers up under benchmarks/var/, pinned by hash; nothing is installed into the system."""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

HERE = Path(__file__).parent
PEERS = HERE / "peers"
VAR = HERE / "var"
VENV = VAR / "venv"
NODE = VAR / "node"
LIBEV = VAR / "libev"
LOAD = VAR / "load"
PATIENCE_S = 600


@dataclass(slots=True)
class Installed:
    """What could be set up; `missing` says in words why a part could not."""

    missing: dict[str, str] = field(default_factory=dict)


class CannotInstall(Exception):
    """A part of the benchmark could not be set up; the text says why."""


def _run(words: list[str], cwd: Path = HERE, environment: Mapping[str, str] = MappingProxyType({})) -> None:
    try:
        done = subprocess.run(
            words,
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise CannotInstall(f"{words[0]}: {error}") from error
    if done.returncode:
        last = (done.stderr or done.stdout).strip().splitlines()[-3:]
        raise CannotInstall(f"{' '.join(words[:4])} …: {' / '.join(last)}")


def _stamp(*sources: Path) -> str:
    return hashlib.sha256(sys.version.encode() + b"".join(path.read_bytes() for path in sources)).hexdigest()


def _once(name: str, sources: list[Path], step: Callable[[], None]) -> None:
    """Does the step unless it was done with these very sources."""
    mark = VAR / f"{name}.done"
    stamp = _stamp(*sources)
    if mark.exists() and mark.read_text() == stamp:
        return
    print(f"  setting up {name} …", file=sys.stderr, flush=True)
    step()
    mark.write_text(stamp)


def _generator() -> None:
    _run([os.environ.get("CC", "gcc"), "-O2", "-o", str(LOAD), str(HERE / "load.c")])


def _python() -> None:
    _run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    pip = [str(VENV / "bin" / "pip"), "install", "--quiet", "--require-hashes", "--only-binary", ":all:"]
    _run([*pip, "-r", str(HERE / "bench.lock")])


def _bjoern() -> None:
    """Builds bjoern; libev's headers come from Debian's package, unpacked here, where they are not installed."""
    flags = {}
    if not Path("/usr/include/ev.h").exists():
        shutil.rmtree(LIBEV, ignore_errors=True)
        LIBEV.mkdir()
        _run(["apt-get", "download", "-o", "APT::Sandbox::User=root", "libev-dev", "libev4"], cwd=LIBEV)
        for package in LIBEV.glob("*.deb"):
            _run(["dpkg", "-x", str(package), str(LIBEV)])
        library = LIBEV / "usr" / "lib" / str(sysconfig.get_config_var("MULTIARCH"))
        flags = {"CFLAGS": f"-I{LIBEV}/usr/include", "LDFLAGS": f"-L{library} -Wl,-rpath,{library}"}
    pip = [
        str(VENV / "bin" / "pip"),
        "install",
        "--quiet",
        "--require-hashes",
        "--no-deps",
        "--no-build-isolation",
    ]
    _run([*pip, "-r", str(HERE / "bjoern.lock")], environment=flags)


def _node() -> None:
    NODE.mkdir(exist_ok=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(PEERS / name, NODE / name)
    _run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=NODE)


def install(peers: bool = True) -> Installed:
    """Sets up the generator and, if asked, the peers, once; a part that cannot be had is named, loudly.

    Raises CannotInstall when the generator cannot be built, since nothing can be measured without it.
    """
    VAR.mkdir(exist_ok=True)
    installed = Installed()
    _once("generator", [HERE / "load.c"], _generator)
    if not peers:
        return installed
    locks = [HERE / "bench.lock"]
    for name, sources, step in (
        ("python", locks, _python),
        ("bjoern", [*locks, HERE / "bjoern.lock"], _bjoern),
        ("node", [PEERS / "package-lock.json"], _node),
    ):
        try:
            _once(name, sources, step)
        except CannotInstall as why:
            installed.missing[name] = str(why)
            print(f"\n  !!! {name} could not be set up: {why}\n", file=sys.stderr, flush=True)
    return installed
