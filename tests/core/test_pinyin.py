"""Search keys: what people type to find a name or a drug."""

import pytest

from app.core import pinyin


@pytest.mark.parametrize(
    ("text", "short", "long"),
    [
        ("丙泊酚", "bbf", "bingbofen"),
        ("咪达唑仑", "mdzl", "midazuolun"),
        ("舒芬太尼", "sftn", "shufentaini"),
        ("罗库溴铵", "lkxa", "luokuxiuan"),
        ("0.9%氯化钠", "0.9%lhn", "0.9%lvhuana"),
        ("", "", ""),
    ],
)
def test_terms(text: str, short: str, long: str) -> None:
    assert pinyin.initials(text) == short
    assert pinyin.full(text).startswith(long)


@pytest.mark.parametrize(
    ("name", "short", "long"),
    [
        ("曾小贤", "zxx", "zengxiaoxian"),
        ("覃玉", "qy", "qinyu"),
        ("单雄信", "sxx", "shanxiongxin"),
        ("仇大海", "qdh", "qiudahai"),
        ("解晓东", "xxd", "xiexiaodong"),
        ("任重", "rz", "renzhong"),
        ("李明", "lm", "liming"),
        ("买买提·吐尔逊", "mmt·tex", "maimaiti·tuerxun"),
    ],
)
def test_names_with_surnames_of_their_own_reading(name: str, short: str, long: str) -> None:
    assert pinyin.name_initials(name) == short
    assert pinyin.name_full(name) == long


def test_keys_fit_their_columns() -> None:
    assert len(pinyin.initials("长" * 300)) == 64
    assert len(pinyin.full("长" * 300)) == 128
    assert len(pinyin.name_full("曾" + "长" * 300)) == 128
