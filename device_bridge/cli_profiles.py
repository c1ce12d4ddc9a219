"""`python -m device_bridge profiles`: which profiles there are, where each line comes from, and whether a file is good."""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from device_bridge.drivers.registry import DRIVERS, get_driver
from device_bridge.parameters import PARAMETERS, units_for
from device_bridge.profiles.lines import DEFAULT, Line, Profile
from device_bridge.profiles.store import ProfileStore, check_file


def add_profiles_argument(parser: argparse.ArgumentParser) -> None:
    """`--profiles DIR`: the hospital's own profiles."""
    parser.add_argument("--profiles", metavar="目录", help="本院的型号对照表目录（驱动/型号.toml），覆盖自带的同名行")


def profiles_of(options: argparse.Namespace) -> ProfileStore:
    """The store that the arguments name. Raises `ValueError` for a folder that does not exist."""
    return ProfileStore(Path(options.profiles) if options.profiles else None)


def add_profiles_command(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """`profiles`."""
    parser = commands.add_parser("profiles", help="列出型号对照表，或检查一个文件")
    parser.add_argument("driver", nargs="?", help="只列这个驱动，逐行给出含义与出处")
    parser.add_argument("--model", default=DEFAULT, metavar="型号", help="列出这个型号的全部行（默认 default）")
    parser.add_argument("--check", metavar="文件", help="检查一个对照表；驱动取自所在目录名，或写在前面")
    parser.add_argument("--codes", action="store_true", help="列出系统代码、单位和可换算的单位")
    add_profiles_argument(parser)
    parser.set_defaults(command=_profiles)


def _profiles(options: argparse.Namespace) -> int:
    store = profiles_of(options)
    if options.codes:
        lines = _codes()
    elif options.check:
        path = Path(options.check)
        driver = get_driver(options.driver or path.resolve().parent.name).name
        lines = _checked(check_file(path.resolve(), driver, store))
    elif options.driver:
        lines = _lines(store, get_driver(options.driver).name, options.model)
    else:
        lines = _overview(store)
    sys.stdout.writelines(f"{line}\n" for line in lines)
    return 0


def _overview(store: ProfileStore) -> Iterator[str]:
    for driver in DRIVERS:
        for model in store.models(driver):
            profile = store.get(driver, model)
            what = f"{profile.title}{'：' + profile.models if profile.models else ''}"
            yield f"{driver:<16} {model:<16} {len(profile.lines):>4} 行  {what}"


def _lines(store: ProfileStore, driver: str, model: str) -> Iterator[str]:
    yield f"# {driver} 的型号：{'、'.join(store.models(driver))}"
    profile = store.get(driver, model)
    yield f"# {profile.title}（{model}），由以下文件依次覆盖而成：{'、'.join(profile.files)}"
    for key, value in profile.settings.items():
        yield f"# 设置 {key} = {value if value != '' else '（未确认）'}"
    for line in profile.lines.values():
        yield _described(line)
    for curve in profile.curves.values():
        zero = f"（原值 − {curve.zero:g}）" if curve.zero else ""
        yield f"波形 {curve.code:<23} → {curve.unit}{zero} ×{curve.factor:g}  [{curve.where}] {curve.source}"


def _described(line: Line) -> str:
    parameter = PARAMETERS[line.code]
    factor = line.factor / line.divisor
    arithmetic = f"（原始 − {line.zero:g}）" if line.zero else ""
    arithmetic += f" ×{factor:g}" if factor != 1 else ""
    low = parameter.low if line.low is None else line.low
    high = parameter.high if line.high is None else line.high
    more = f"，在 {line.after} 没有数值时使用" if line.after else ""
    more += "，待核实（标可疑）" if line.doubt else ""
    stated = line.unit or "报文中的单位"
    return (
        f"{line.native:<28} → {line.code:<10} {stated}{arithmetic}，{low:g}–{high:g} {parameter.unit}{more}"
        f"  [{line.where}] {line.source}"
    )


def _checked(profile: Profile) -> Iterator[str]:
    own = sum(line.where.startswith(profile.files[-1]) for line in profile.lines.values())
    yield f"正确：{profile.driver}/{profile.model}，共 {len(profile.lines)} 行，其中这个文件给出 {own} 行"
    if profile.ignored:
        yield f"不采集：{'、'.join(sorted(profile.ignored))}"


def _codes() -> Iterator[str]:
    for parameter in PARAMETERS.values():
        yield f"{parameter.code:<12} {parameter.name}：{'、'.join(units_for(parameter.code))}"
