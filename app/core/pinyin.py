"""Pinyin search keys: `zs` and `zhangsan` both find 张三, `bbf` finds 丙泊酚."""

from functools import lru_cache

from pypinyin import Style, lazy_pinyin, load_phrases_dict

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
