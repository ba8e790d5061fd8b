"""Builds a Docker image that stands in for ``quantconnect/lean``, from what is on this machine, without a network.

The image holds Python, this project and ``tests/standin/dotnet.py`` in place of ``dotnet``; it starts as the real one
does (``/Lean/Launcher/bin/Debug``, configuration in ``config.json``), and runs the embedded engine instead of Lean.

Usage: ``python scripts/standin_image.py [NAME:TAG]``. Nothing is done when the image is up to date.
"""

from __future__ import annotations

import hashlib
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "quantconnect/lean:standin"
LAUNCHER = "Lean/Launcher/bin/Debug"
SITE = "opt/standin"
TOOLS = ("bash", "mkdir", "cat", "ls", "sleep", "touch", "rm")
# What the embedded engine imports, and what an algorithm may ask for (pandas, by history()).
PACKAGES = ("numpy", "pandas", "dateutil", "pytz", "six", "tzdata")
ZONES = ("America/New_York", "UTC")
NOT_NEEDED = {
    "test",
    "tests",
    "site-packages",
    "dist-packages",
    "idlelib",
    "tkinter",
    "ensurepip",
    "turtledemo",
    "lib2to3",
}
SOURCE_LABEL = "harness.source"
WHEELS = Path(sysconfig.get_path("purelib")).resolve()


def main(image: str) -> int:
    digest = source_digest()
    if label_of(image) == digest:
        print(f"{image}: up to date")
        return 0
    command = ["docker", "import"]
    for change in (
        f"WORKDIR /{LAUNCHER}",
        f"ENV PYTHONPATH=/{SITE}",
        "ENV PATH=/usr/local/bin:/usr/bin:/bin",
        "ENV PYTHONDONTWRITEBYTECODE=1",
        f"LABEL {SOURCE_LABEL}={digest}",
        "LABEL lean_version=0 python_version=3.11 target_framework=net9.0",
        'CMD ["dotnet", "QuantConnect.Lean.Launcher.dll"]',
    ):
        command += ["--change", change]
    with subprocess.Popen([*command, "-", image], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as docker:
        assert docker.stdin is not None
        with tarfile.open(fileobj=docker.stdin, mode="w|") as archive:
            size_bytes = write_image(archive)
        docker.stdin.close()
    if docker.returncode:
        print(f"{image}: docker import failed (exit code {docker.returncode})", file=sys.stderr)
        return 2
    print(f"{image}: built, {size_bytes / 2**20:.0f} MiB")
    return 0


def write_image(archive: tarfile.TarFile) -> int:
    """Every file of the image; returns the number of bytes."""
    image = Image(archive)
    python = Path(sys.executable).resolve()
    stdlib = Path(sysconfig.get_path("stdlib")).resolve()
    if sys.prefix != sys.base_prefix:
        stdlib = Path(sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix})).resolve()
    image.program(python)
    image.tree(stdlib, str(stdlib).lstrip("/"))
    for name in TOOLS:
        found = shutil.which(name)
        if found:
            image.program(Path(found).resolve(), f"bin/{name}")
    for name in PACKAGES:
        for folder in package_folders(name):
            image.tree(folder, f"{SITE}/{folder.name}")
    image.tree(ROOT / "harness", f"{SITE}/harness")
    for zone in ZONES:
        path = Path("/usr/share/zoneinfo") / zone
        if path.exists():
            image.file(path.resolve(), f"usr/share/zoneinfo/{zone}")
    image.link("usr/bin/python", str(python))
    image.link("usr/bin/python3", str(python))
    script = (ROOT / "tests" / "standin" / "dotnet.py").read_bytes().partition(b"\n")[2]
    image.data("usr/bin/dotnet", b"#!/usr/bin/python\n" + script, 0o755)
    image.data(f"{LAUNCHER}/QuantConnect.Lean.Launcher.dll", b"MZ stand-in", 0o644)
    image.data("etc/passwd", b"root:x:0:0:root:/root:/bin/bash\n", 0o644)
    for folder in ("tmp", "root", "Results", "Storage", "LeanCLI", "Lean/Data"):
        image.folder(folder)
    return image.size_bytes


class Image:
    """The archive, with the shared libraries of whatever goes in."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self.archive, self.done, self.size_bytes = archive, set[str](), 0

    def file(self, path: Path, name: str) -> None:
        if name not in self.done:
            self.done.add(name)
            self.archive.add(path, name, recursive=False)
            self.size_bytes += path.stat().st_size

    def program(self, path: Path, name: str | None = None) -> None:
        """A program or library and, at their own places, the libraries that it loads."""
        self.file(path, name or str(path).lstrip("/"))
        for library in libraries_of(path):
            self.file(library.resolve(), str(library).lstrip("/"))

    def tree(self, folder: Path, name: str) -> None:
        for path in sorted(folder.iterdir()) if folder.is_dir() else [folder]:
            target = f"{name}/{path.name}" if folder.is_dir() else name
            if path.name in NOT_NEEDED or path.name == "__pycache__" or path.name.startswith("config-3"):
                continue
            if path.is_dir():
                self.tree(path, target)
            elif ".so" in path.suffixes:
                self.file(path.resolve(), target)
                for library in libraries_of(path):
                    if not library.resolve().is_relative_to(WHEELS):  # those come with their package
                        self.file(library.resolve(), str(library).lstrip("/"))
            else:
                self.file(path.resolve(), target)

    def data(self, name: str, data: bytes, mode: int) -> None:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = len(data), mode
        self.archive.addfile(entry, io.BytesIO(data))

    def link(self, name: str, target: str) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = tarfile.SYMTYPE, target
        self.archive.addfile(entry)

    def folder(self, name: str) -> None:
        entry = tarfile.TarInfo(name)
        entry.type, entry.mode = tarfile.DIRTYPE, 0o777
        self.archive.addfile(entry)


def libraries_of(path: Path) -> Iterator[Path]:
    """The shared libraries that the loader would load for ``path``, the loader included."""
    done = subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False)
    for found in re.findall(r"(?:=> |^\s*)(/\S+) \(0x", done.stdout, re.MULTILINE):
        yield Path(found)


def package_folders(name: str) -> Iterator[Path]:
    """Where an installed package lies: its folder or module, and the libraries that its wheel brought."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        return
    origin = Path(spec.origin)
    place = origin.parent if origin.name == "__init__.py" else origin
    yield place
    libraries = place.parent / f"{name}.libs"
    if libraries.is_dir():
        yield libraries


def source_digest() -> str:
    """Digest over everything of this project that goes into the image."""
    digest = hashlib.sha256(f"{sys.version}{PACKAGES}".encode())
    files = [*(ROOT / "harness").rglob("*.py"), Path(__file__), ROOT / "tests" / "standin" / "dotnet.py"]
    for path in sorted(files):
        digest.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


def label_of(image: str) -> str:
    command = ["docker", "image", "inspect", "--format", f'{{{{index .Config.Labels "{SOURCE_LABEL}"}}}}', image]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


if __name__ == "__main__":
    os.environ.setdefault("DOCKER_CLI_HINTS", "false")
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else IMAGE))
