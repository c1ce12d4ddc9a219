"""What browsers load is ours or was reviewed by hash; nothing comes from outside at run time."""

import json
import re
import shutil
from pathlib import Path

import pytest
from jinja2 import Environment, FileSystemLoader

from scripts import vendor_assets

ROOT = Path(__file__).resolve().parents[2]
OWN_FILES = sorted(
    path
    for folder, pattern in (("templates", "*.html"), ("static/css", "*.css"), ("static/js", "*.js"))
    for path in (ROOT / folder).rglob(pattern)
)
# Names of XML vocabularies look like addresses but are never fetched.
VOCABULARIES = {"www.w3.org"}
ADDRESS = re.compile(r"""(?:https?:|wss?:|["'(=\s])//([a-z0-9][a-z0-9.-]*\.[a-z]{2,})""", re.IGNORECASE)
FORBIDDEN_CSS = re.compile(r"color-mix\(|oklch\(|oklab\(|:has\(|@import|@scope")
INLINE = re.compile(r"""\sstyle\s*=\s*["'{]|<style[\s>]|\son[a-z]+\s*=\s*["']|javascript:|\shx-on""")


@pytest.fixture
def manifest() -> dict[str, object]:
    return vendor_assets.read_manifest(ROOT)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of the manifest, the lock and the vendored files, free to be damaged."""
    if not (ROOT / "static" / "vendor").is_dir():
        pytest.fail("static/vendor is not set up: run python scripts/vendor_assets.py")
    shutil.copytree(ROOT / "static" / "vendor", tmp_path / "static" / "vendor")
    shutil.copy(ROOT / "static" / "vendor.json", tmp_path / "static")
    for name in vendor_assets.INSTALL_INPUTS:
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def test_vendored_files_have_the_recorded_hashes(manifest: dict[str, object]) -> None:
    assert vendor_assets.faults(manifest, ROOT / "static" / "vendor") == []


def test_lock_and_manifest_name_the_same_versions(manifest: dict[str, object]) -> None:
    assert vendor_assets.lock_faults(manifest, ROOT) == []


def test_lock_carries_integrity_and_no_host() -> None:
    text = (ROOT / "package-lock.json").read_text(encoding="utf-8")
    packages = json.loads(text)["packages"]
    assert "://" not in text
    assert [name for name, entry in packages.items() if name and "integrity" not in entry] == []


def test_every_vendored_package_brings_its_licence(manifest: dict[str, object]) -> None:
    without = [
        package["name"]  # type: ignore[index]
        for package in manifest["packages"]  # type: ignore[attr-defined]
        if not package["licence"] or not any("licences/" in file["target"] for file in package["files"])
    ]
    assert without == []


def test_a_right_folder_is_left_alone(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in checkout.rglob("*")}
    assert vendor_assets.main([], checkout) == 0
    assert {path: path.stat().st_mtime_ns for path in checkout.rglob("*")} == before
    assert "complete" in capsys.readouterr().out


def test_check_names_what_is_missing_altered_or_unknown(checkout: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vendor = checkout / "static" / "vendor"
    (vendor / "htmx.min.js").unlink()
    (vendor / "Sortable.min.js").write_text("alert(1)", encoding="utf-8")
    (vendor / "stray.js").write_text("", encoding="utf-8")
    assert vendor_assets.main(["--check"], checkout) == 1
    told = capsys.readouterr().out
    assert "htmx.min.js is missing" in told
    assert "Sortable.min.js differs" in told
    assert "stray.js is not named" in told


def test_a_foreign_file_is_refused_and_the_old_folder_stays(checkout: Path, tmp_path: Path) -> None:
    modules = tmp_path / "node_modules"
    for asset in vendor_assets.assets(vendor_assets.read_manifest(checkout)):
        path = modules / asset.package / asset.source
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("not the reviewed file", encoding="utf-8")
    with pytest.raises(vendor_assets.VendorError, match="hash differs"):
        vendor_assets.copy_assets(vendor_assets.read_manifest(checkout), modules, checkout / "static" / "vendor")
    assert vendor_assets.faults(vendor_assets.read_manifest(checkout), checkout / "static" / "vendor") == []


def test_there_are_files_to_guard() -> None:
    assert {path.suffix for path in OWN_FILES} == {".html", ".css", ".js"}


@pytest.mark.parametrize("path", OWN_FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_outside_host(path: Path) -> None:
    hosts = set(ADDRESS.findall(path.read_text(encoding="utf-8")))
    assert hosts - VOCABULARIES == set()


@pytest.mark.parametrize(
    "path",
    [p for p in OWN_FILES if p.suffix == ".html" and "templates/print" not in p.as_posix()],
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_no_inline_style_or_script(path: Path) -> None:
    assert INLINE.findall(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    "path", [p for p in OWN_FILES if p.suffix == ".css"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_css_stays_within_chromium_109(path: Path) -> None:
    assert FORBIDDEN_CSS.findall(path.read_text(encoding="utf-8")) == []


def test_templates_compile() -> None:
    environment = Environment(
        loader=FileSystemLoader(ROOT / "templates"), autoescape=True, extensions=["jinja2.ext.do"]
    )
    sources = [path for path in OWN_FILES if path.suffix == ".html"]
    for path in sources:
        environment.parse(path.read_text(encoding="utf-8"), filename=str(path))
    assert sources
