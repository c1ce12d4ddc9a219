"""Settings of the exchange documents: what differs between platforms is a setting, not a surprise."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from app.core.errors import SettingsError
from app.documents.reader import DefinitionError
from app.documents.yaml_reader import read_yaml

FILE_NAME = "cda.yaml"


@dataclass(frozen=True, slots=True)
class CdaOptions:
    """`instance/cda.yaml`. Without the organisation code nothing is exported."""

    organisation_code: str = ""  # 统一社会信用代码, exactly 18 characters
    organisation_name: str = ""  # empty: name of the hospital
    schema_dir: str = ""  # folder with C0010.xsd …; not shipped, the hospital loads its own set
    element_suffix: bool = False  # .001/.002 for elements with a doubled number (互联互通 2020)
    birth_time: Mapping[str, bool] = field(default_factory=dict)  # document code → write birthTime
    routes: Mapping[str, str] = field(default_factory=dict)  # word in the route → code of 用药途径代码表
    write_types: bool = True  # xsi:type on values


def load_options(instance_dir: Path, hospital_name: str) -> CdaOptions:
    """Read the file strictly; defaults when there is none. Raises `SettingsError`."""
    path = instance_dir / FILE_NAME
    raw: Any = {}
    if path.exists():
        try:
            raw = read_yaml(path) or {}
        except DefinitionError as error:
            raise SettingsError(error.message) from None
    if not isinstance(raw, Mapping):
        raise SettingsError(f"{FILE_NAME} 应为键值对")
    known = {item.name for item in fields(CdaOptions)}
    if unknown := sorted(set(raw) - known):
        raise SettingsError(f"{FILE_NAME} 里不认识的设置：{'、'.join(map(str, unknown))}")
    options = CdaOptions(**{str(key): value for key, value in raw.items()})
    if options.organisation_code and len(str(options.organisation_code)) != 18:
        raise SettingsError(f"{FILE_NAME} 的 organisation_code 应为 18 位统一社会信用代码")
    if not options.organisation_name:
        options = CdaOptions(**{**{str(k): v for k, v in raw.items()}, "organisation_name": hospital_name})
    return options


# Shared documents (WS/T 500) of which other systems own the content; a file half filled here would pretend to be whole.
NOT_ORIGINATED = {
    "C0001": "病历概要由医院平台或电子病历系统汇总产生",
    "C0009": "一般手术记录由手术医师在电子病历系统书写，本系统只有其中部分字段",
}
