"""Settings are parsed strictly: a wrong value stops the process with a sentence that names the setting."""

import os
from pathlib import Path

import pytest

from app.core.errors import SettingsError
from app.core.settings import ensure_secret, load_settings


def environment(folder: Path, **values: str) -> dict[str, str]:
    return {"MAFEI_INSTANCE_DIR": str(folder)} | {f"MAFEI_{name.upper()}": value for name, value in values.items()}


def test_defaults_need_nothing(tmp_path: Path) -> None:
    settings = load_settings(environment(tmp_path))
    assert settings.database_url == f"sqlite:///{tmp_path / 'mafei.db'}"
    assert (settings.host, settings.port, settings.demo) == ("127.0.0.1", 8080, False)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("port", "9000", 9000),
        ("demo", "TRUE", True),
        ("secure_cookies", "false", False),
        ("hospital_name", "某县人民医院", "某县人民医院"),
        ("database_url", "postgresql://db/mafei", "postgresql://db/mafei"),
        ("chart_interval_minutes", "15", 15),
    ],
)
def test_values_are_parsed_by_their_type(tmp_path: Path, name: str, text: str, value: object) -> None:
    assert getattr(load_settings(environment(tmp_path, **{name: text})), name) == value


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("demo", "yes"),
        ("demo", "1"),
        ("demo", ""),
        ("port", "eighty"),
        ("port", "70000"),
        ("mllp_port", "-1"),
        ("session_idle_minutes", "0"),
        ("session_idle_minutes", "481"),
        ("chart_interval_minutes", "4"),
        ("device_access_limit", "-1"),
        ("keep_waves_days", "0"),
        ("keep_numerics_days", "7"),
        ("log_level", "verbose"),
        ("database_url", "mysql://db/mafei"),
        ("hospital_name", "  "),
        ("prot", "8080"),
    ],
)
def test_a_wrong_value_is_refused_by_name(tmp_path: Path, name: str, text: str) -> None:
    with pytest.raises(SettingsError, match=f"MAFEI_{name.upper()}"):
        load_settings(environment(tmp_path, **{name: text}))


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "settings.env").write_text("# port\nMAFEI_PORT=8081\nMAFEI_DEMO=true\n", encoding="utf-8")
    settings = load_settings(environment(tmp_path, port="8082"))
    assert (settings.port, settings.demo) == (8082, True)


@pytest.mark.parametrize("line", ["PORT=8081", "MAFEI_PORT 8081", "export MAFEI_PORT=1"])
def test_a_wrong_line_of_the_file_is_told_with_its_number(tmp_path: Path, line: str) -> None:
    (tmp_path / "settings.env").write_text(f"\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="第 2 行"):
        load_settings(environment(tmp_path))


def test_a_secret_is_made_once_and_only_the_owner_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "secret_key"
    first = ensure_secret(path)
    assert len(first) >= 48
    assert ensure_secret(path) == first
    assert path.stat().st_mode & 0o777 == 0o600
    assert ensure_secret(tmp_path / "other") != first


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    ensure_secret(path)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        ensure_secret(path)


def test_an_empty_secret_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "secret_key"
    path.touch(mode=0o600)
    with pytest.raises(SettingsError, match="过短或为空"):
        ensure_secret(path)
