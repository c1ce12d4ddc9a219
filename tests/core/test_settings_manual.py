"""The manual of settings and the settings agree, name by name and value by value."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest

from app.core.settings import Settings

MANUAL = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `MAFEI_([A-Z0-9_]+)` \| ([^|]+?) \|", MANUAL, flags=re.MULTILINE))


def test_every_setting_is_documented_and_nothing_else() -> None:
    assert {name.lower() for name in ROWS} == {field.name for field in fields(Settings)}


@pytest.mark.parametrize(
    "field", [field for field in fields(Settings) if field.default is not MISSING], ids=lambda field: field.name
)
def test_the_default_in_the_manual_is_the_default(field) -> None:  # type: ignore[no-untyped-def]
    shown = ROWS[field.name.upper()].strip("`")
    default = "空" if field.default == "" else str(field.default)
    assert shown == (default.lower() if isinstance(field.default, bool) else default)


def test_every_secret_is_documented(tmp_path: Path) -> None:
    settings = Settings(instance_dir=tmp_path, database_url="sqlite://")
    settings.make_secrets()
    for path in tmp_path.iterdir():
        assert f"| `{path.name}` |" in MANUAL
