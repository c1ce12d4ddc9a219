"""Settings: a frozen dataclass parsed strictly at start. A wrong value stops the process with a sentence.

Every setting is an environment variable `MAFEI_<NAME>`; `instance/settings.env` may hold the same lines
(`MAFEI_PORT=8080`), the environment wins.
"""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from app.core.errors import SettingsError

PROJECT_ROOT = Path(__file__).resolve().parents[2]
_PREFIX = "MAFEI_"


@dataclass(frozen=True, slots=True)
class Settings:
    """All that may differ between two installations. Secrets live in files of `instance_dir`, mode 0600."""

    instance_dir: Path
    database_url: str
    redis_url: str = ""
    host: str = "127.0.0.1"
    port: int = 8080
    hospital_name: str = "示范县中医医院"
    department_name: str = "麻醉手术科"
    demo: bool = False
    session_idle_minutes: int = 15
    theatre_idle_minutes: int = 240
    password_max_age_days: int = 90
    secure_cookies: bool = False
    behind_proxy: bool = False
    log_level: str = "INFO"
    mllp_host: str = "127.0.0.1"
    mllp_port: int = 2575
    his_host: str = "127.0.0.1"
    his_port: int = 2576
    his_application: str = "HIS"
    his_facility: str = "HOSPITAL"
    chart_interval_minutes: int = 5
    safety_check: str = "warn"
    sm3: bool = False
    tsa_url: str = ""
    tsa_roots: str = ""
    device_access_limit: int = 0
    keep_waves_days: int = 30
    keep_numerics_days: int = 1098
    testing: bool = False

    def make_secrets(self) -> None:
        """Make every secret file that is missing, so that each process finds its own from the first start."""
        for name in ("secret_key", "column_key", "relay_token", "bridge_token", "station_token"):
            ensure_secret(self.instance_dir / name)

    @property
    def secret_key(self) -> str:
        """Key of cookies and tokens; made on first use."""
        return ensure_secret(self.instance_dir / "secret_key")

    @property
    def column_key(self) -> str:
        """Key of encrypted columns; made on first use. Losing it loses those columns: it is backed up apart."""
        return ensure_secret(self.instance_dir / "column_key")

    @property
    def relay_token(self) -> str:
        """Token of our own processes among themselves; made on first use."""
        return ensure_secret(self.instance_dir / "relay_token")

    @property
    def bridge_token(self) -> str:
        """Token that a device bridge shows; made on first use."""
        return ensure_secret(self.instance_dir / "bridge_token")

    @property
    def station_token(self) -> str:
        """Token that a print station shows; made on first use."""
        return ensure_secret(self.instance_dir / "station_token")


def ensure_secret(path: Path) -> str:
    """Read the secret in `path`; make it (48 random bytes, mode 0600) when there is none.

    Raises `SettingsError` when the file is empty or readable by others.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:  # another process was faster
            return ensure_secret(path)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
    if os.name == "posix" and path.stat().st_mode & 0o077:
        raise SettingsError(f"{path} 可被其他用户读取，请执行 chmod 600 {path} 后再启动。")
    secret = path.read_text(encoding="ascii").strip()
    if len(secret) < 32:
        mend = (
            "请放回离线备份的那一份（新密钥不能解开已加密的内容）"
            if path.name == "column_key"
            else "请删除后重新启动以生成新密钥"
        )
        raise SettingsError(f"{path} 内容过短或为空，{mend}。")
    return secret


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Parse the environment (default `os.environ`) and `settings.env`. Raises `SettingsError`."""
    environment = os.environ if environment is None else environment
    instance = Path(environment.get(_PREFIX + "INSTANCE_DIR", PROJECT_ROOT / "instance")).absolute()
    values = {**_file_values(instance / "settings.env"), **_ours(environment)}
    known = {field.name: field for field in fields(Settings)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        names = "、".join(_PREFIX + name.upper() for name in unknown)
        raise SettingsError(f"不认识的设置 {names}，请检查拼写（可用设置见 docs/settings.md）。")
    parsed: dict[str, object] = {
        name: _parse(name, text, known[name].type) for name, text in values.items() if name != "instance_dir"
    }
    parsed.setdefault("database_url", f"sqlite:///{instance / 'mafei.db'}")
    settings = Settings(instance_dir=instance, **parsed)  # type: ignore[arg-type]
    _check(settings)
    return settings


def _ours(environment: Mapping[str, str]) -> dict[str, str]:
    return {key[len(_PREFIX) :].lower(): value for key, value in environment.items() if key.startswith(_PREFIX)}


def _file_values(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    values = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, separator, value = text.partition("=")
        if not separator or not name.strip().startswith(_PREFIX):
            raise SettingsError(f"{path} 第 {number} 行应为 {_PREFIX}名称=值，现在是：{text}")
        values[name.strip()[len(_PREFIX) :].lower()] = value.strip()
    return values


def _parse(name: str, text: str, kind: object) -> object:
    variable = _PREFIX + name.upper()
    if kind in (bool, "bool"):
        if text.lower() not in ("true", "false"):
            raise SettingsError(f"{variable} 只能是 true 或 false，现在是：{text!r}")
        return text.lower() == "true"
    if kind in (int, "int"):
        try:
            return int(text)
        except ValueError:
            raise SettingsError(f"{variable} 应为整数，现在是：{text!r}") from None
    return text


def _check(settings: Settings) -> None:
    for name in ("port", "mllp_port", "his_port"):
        value = getattr(settings, name)
        if not 0 <= value <= 65535:
            raise SettingsError(f"{_PREFIX}{name.upper()} 应在 0–65535 之间，现在是：{value}")
    if not 1 <= settings.session_idle_minutes <= 480:
        raise SettingsError(f"{_PREFIX}SESSION_IDLE_MINUTES 应在 1–480 分钟之间。")
    if not 1 <= settings.theatre_idle_minutes <= 1440:
        raise SettingsError(f"{_PREFIX}THEATRE_IDLE_MINUTES 应在 1–1440 分钟之间。")
    if settings.device_access_limit < 0:
        raise SettingsError(f"{_PREFIX}DEVICE_ACCESS_LIMIT 应为 0（不限）或每年可接入的台数。")
    if not 1 <= settings.keep_waves_days <= 36_600:
        raise SettingsError(f"{_PREFIX}KEEP_WAVES_DAYS 应在 1–36600 天之间。")
    if not 30 <= settings.keep_numerics_days <= 36_600:
        raise SettingsError(f"{_PREFIX}KEEP_NUMERICS_DAYS 应在 30–36600 天之间。")
    if settings.chart_interval_minutes not in (1, 2, 3, 5, 10, 15):
        raise SettingsError(f"{_PREFIX}CHART_INTERVAL_MINUTES 只能是 1、2、3、5、10 或 15。")
    if settings.safety_check not in ("off", "warn", "block"):
        raise SettingsError(f"{_PREFIX}SAFETY_CHECK 只能是 off、warn 或 block，现在是：{settings.safety_check!r}")
    _check_time_stamps(settings)
    if settings.log_level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise SettingsError(f"{_PREFIX}LOG_LEVEL 只能是 DEBUG、INFO、WARNING 或 ERROR。")
    if not settings.database_url.startswith(("sqlite:///", "postgresql://", "postgresql+psycopg://")):
        raise SettingsError(f"{_PREFIX}DATABASE_URL 应以 sqlite:/// 或 postgresql:// 开头。")
    if not settings.hospital_name.strip():
        raise SettingsError(f"{_PREFIX}HOSPITAL_NAME 不能为空，它会印在每张文书上。")


def _check_time_stamps(settings: Settings) -> None:
    if not settings.tsa_url:
        return
    if not settings.tsa_url.startswith(("http://", "https://")):
        raise SettingsError(f"{_PREFIX}TSA_URL 应以 http:// 或 https:// 开头，现在是：{settings.tsa_url!r}")
    if not settings.tsa_roots or not Path(settings.tsa_roots).is_file():
        raise SettingsError(
            f"{_PREFIX}TSA_ROOTS 应为时间戳机构根证书（PEM）文件的路径：没有它就无法验证时间戳。"
            f"现在是：{settings.tsa_roots!r}"
        )
