"""Words and times of templates."""

import secrets
from datetime import date, datetime, timedelta
from decimal import Decimal

from flask import Flask

from app.clinical.body import age_words
from app.clinical.dosing import unit_text
from app.core import clock

SEX_WORDS = {"male": "男", "female": "女", "unknown": "未知"}
WEEKDAYS = "一二三四五六日"


def hm(moment: datetime | None) -> str:
    """Hospital time of day, 24 h: 08:05."""
    return f"{clock.to_hospital(moment):%H:%M}" if moment else "—"


def ymd(value: date | datetime | None) -> str:
    """Hospital date: 2026-11-22."""
    if value is None:
        return "—"
    return f"{clock.to_hospital(value) if isinstance(value, datetime) else value:%Y-%m-%d}"


def md_hm(moment: datetime | None) -> str:
    """Month, day and time: 11-22 14:05."""
    return f"{clock.to_hospital(moment):%m-%d %H:%M}" if moment else "—"


def ymd_hm(moment: datetime | None) -> str:
    """Date and time: 2026-11-22 14:05."""
    return f"{clock.to_hospital(moment):%Y-%m-%d %H:%M}" if moment else "—"


def ymd_hms(moment: datetime | None) -> str:
    """Date and time to the second: 2026-11-22 14:05:09."""
    return f"{clock.to_hospital(moment):%Y-%m-%d %H:%M:%S}" if moment else "—"


def hms(moment: datetime | None) -> str:
    """Hospital time of day to the second: 14:05:09."""
    return f"{clock.to_hospital(moment):%H:%M:%S}" if moment else "—"


def moment(text: str) -> str:
    """A moment that a history keeps as ISO text: 11-22 14:05; anything else as it is."""
    try:
        return md_hm(datetime.fromisoformat(text))
    except ValueError:
        return text


def weekday(day: date) -> str:
    """星期日."""
    return f"星期{WEEKDAYS[day.weekday()]}"


def age_in_words(age: timedelta) -> str:
    """How old something is: minutes, hours up to two days, then days."""
    minutes = max(0, int(age.total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} 分钟前"
    return f"{minutes // 60} 小时前" if minutes < 48 * 60 else f"{minutes // 1440} 天前"


def ago(moment: datetime) -> str:
    """How long ago a moment was: 3 天前."""
    return age_in_words(clock.now() - moment)


def dose(value: Decimal | None) -> str:
    """A dose as it was given: no trailing zeros, no exponent."""
    if value is None:
        return "—"
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def age(birth_date: date | None, on: date | datetime | None = None) -> str:
    """Age in the words of WS 329 on a day (default today)."""
    if birth_date is None:
        return "年龄不详"
    if isinstance(on, datetime):
        on = clock.to_hospital(on).date()
    return age_words(birth_date, on or clock.today())


def sex(value: str) -> str:
    """男, 女 or 未知."""
    return SEX_WORDS.get(value, "未知")


def new_key() -> str:
    """A fresh idempotency key for a form."""
    return secrets.token_hex(12)


def init_app(app: Flask) -> None:
    """Make them known to Jinja."""
    for function in (hm, hms, moment, ymd, md_hm, ymd_hm, ymd_hms, weekday, ago, dose, age, sex, clock.from_ms):
        app.jinja_env.filters[function.__name__] = function
    app.jinja_env.filters["unit"] = unit_text
    app.jinja_env.globals["new_key"] = new_key
    app.jinja_env.globals["now"] = clock.now
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
