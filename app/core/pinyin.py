"""Pinyin search keys: `zs` and `zhangsan` both find 张三, `bbf` finds 丙泊酚."""

import json
import os
from functools import lru_cache
from pathlib import Path

# The library's table of phrases takes 46 MB of every process; nine tenths of it say what single characters say too.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")

import pypinyin
from pypinyin import Style, lazy_pinyin, load_phrases_dict
from pypinyin.constants import PINYIN_DICT


def _phrases_that_matter() -> str:
    """Phrases of the library in which a character is read in another way than alone; as JSON, so that what is kept
    is made anew and the memory of the whole table goes back in one piece."""
    usual = {chr(code): readings.partition(",")[0] for code, readings in PINYIN_DICT.items()}
    file = Path(pypinyin.__file__).with_name("phrases_dict.json")
    phrases: dict[str, list[list[str]]] = json.loads(file.read_text(encoding="utf-8"))
    return json.dumps(
        {
            phrase: readings
            for phrase, readings in phrases.items()
            if [one[0] for one in readings] != [usual.get(char) for char in phrase]
        }
    )


load_phrases_dict(json.loads(_phrases_that_matter()))
# Readings that a general dictionary gets wrong in this field.
load_phrases_dict(
    {
        "丙泊酚": [["bǐng"], ["bó"], ["fēn"]],
        "泊酚": [["bó"], ["fēn"]],
        "咪达唑仑": [["mī"], ["dá"], ["zuò"], ["lún"]],
        "胃大部": [["wèi"], ["dà"], ["bù"]],
    }
)
# Surnames with a reading of their own (the first character of a person's name).
_SURNAMES = {
    "单": "shan", "解": "xie", "仇": "qiu", "曾": "zeng", "区": "ou", "查": "zha", "任": "ren", "覃": "qin",
    "盖": "ge", "尉": "yu", "朴": "piao", "翟": "zhai", "冼": "xian", "缪": "miao", "华": "hua", "乐": "yue",
}  # fmt: skip


@lru_cache(maxsize=20_000)
def initials(text: str) -> str:
    """First letters of each syllable, lower case; other characters as they are: 丙泊酚 → bbf."""
    return "".join(syllable[:1] for syllable in _syllables(text)).lower()[:64]


@lru_cache(maxsize=20_000)
def full(text: str) -> str:
    """All syllables without spaces, lower case: 丙泊酚 → bingbofen."""
    return "".join(_syllables(text)).lower()[:128]


@lru_cache(maxsize=20_000)
def name_initials(name: str) -> str:
    """`initials` of a person's name, with the readings of surnames: 曾小贤 → zxx, 覃芳 → qf."""
    surname = _SURNAMES.get(name[:1])
    return (surname[0] + initials(name[1:])) if surname else initials(name)


@lru_cache(maxsize=20_000)
def name_full(name: str) -> str:
    """`full` of a person's name, with the readings of surnames."""
    surname = _SURNAMES.get(name[:1])
    return (surname + full(name[1:]))[:128] if surname else full(name)


def _syllables(text: str) -> list[str]:
    syllables: list[str] = lazy_pinyin(text, style=Style.NORMAL, errors=list)  # type: ignore[arg-type]
    return syllables
