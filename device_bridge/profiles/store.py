"""Where profiles come from: the files shipped beside this module, and over them those of the hospital."""

import contextlib
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from device_bridge.drivers.base import CodecOptions
from device_bridge.profiles.lines import DEFAULT, SETTING, Curve, Line, Profile, ProfileError
from device_bridge.profiles.reader import AMBIENT, ProfileFile, can_become, read
from device_bridge.wire import DeviceConfig

SHIPPED_FOLDER = Path(__file__).resolve().parent
MODEL_OPTION = "profile"
_MODEL = re.compile(r"[a-z0-9_]{1,40}")
_DEEPEST = 8


class ProfileStore:
    """Profiles by driver and model, read when first asked for and again when a file of the hospital has changed."""

    def __init__(self, own: Path | None = None) -> None:
        self._own = own
        self._known: dict[tuple[str, str], Profile] = {}
        self._read_at: tuple[tuple[str, int, int], ...] = ()

    def get(self, driver: str, model: str = "") -> Profile:
        """The profile of a model, blank for the driver's default. Raises `ProfileError`."""
        model = model or DEFAULT
        if not _MODEL.fullmatch(model):
            raise ProfileError(f"型号“{model[:40]}”写法不对：只用小写字母、数字和下划线，与对照表的文件名相同")
        stamp = self.stamp()
        if stamp != self._read_at:
            self._known.clear()
            self._read_at = stamp
        known = self._known.get((driver, model))
        if known is None:
            known = self._known[driver, model] = self._resolved(driver, model)
        return known

    def _resolved(self, driver: str, model: str) -> Profile:
        files = list(self._files(f"{driver}/{model}", 0))
        if not files:
            raise ProfileError(
                f"驱动 {driver} 没有型号“{model}”的对照表。可用：{'、'.join(self.models(driver)) or '无'}；"
                f"新型号请在对照表目录新建 {driver}/{model}.toml"
            )
        return _laid_over(driver, model, files)

    def options(self, config: DeviceConfig) -> CodecOptions:
        """What the codec of a device gets: its options, and the profile of its model. Raises `ProfileError`."""
        profile = self.get(config.driver, str(config.options.get(MODEL_OPTION, "")))
        return CodecOptions(timezone=config.timezone, values=config.options, profile=profile)

    def stamp(self) -> tuple[tuple[str, int, int], ...]:
        """Changes whenever one of the hospital's files does."""
        if self._own is None:
            return ()
        found = []
        for file in sorted(self._own.glob("*/*.toml")):
            with contextlib.suppress(OSError):
                status = file.stat()
                found.append((str(file), status.st_mtime_ns, status.st_size))
        return tuple(found)

    def models(self, driver: str) -> list[str]:
        """Names of the models of a driver, the default first."""
        found = {file.stem for folder in self._folders() for file in (folder / driver).glob("*.toml")}
        return sorted(found, key=lambda name: (name != DEFAULT, name))

    def _folders(self) -> list[Path]:
        return [SHIPPED_FOLDER, *([self._own] if self._own is not None else [])]

    def _files(self, name: str, depth: int) -> Iterator[ProfileFile]:
        """The files that make up a profile, the most general one first; the hospital's lie over the shipped ones."""
        if depth > _DEEPEST:
            raise ProfileError(f"{name}：extends 互相引用，请检查")
        found: list[ProfileFile] = []
        for folder in self._folders():
            path = folder / f"{name}.toml"
            if path.is_file():
                is_own = folder != SHIPPED_FOLDER
                found.append(read(path, str(path) if is_own else f"{name}.toml", is_own=is_own))
        if not found:
            return
        driver, _, model = name.partition("/")
        base = next((one.extends for one in reversed(found) if one.extends), "")
        if not base and model != DEFAULT and driver != "shared":
            base = f"{driver}/{DEFAULT}"
        if base:
            base = base if "/" in base else f"{driver}/{base}"
            below = list(self._files(base, depth + 1))
            if not below:
                raise found[-1].fault("", "extends", f"extends 所指的对照表“{base}”不存在")
            yield from below
        yield from found


def same(one: Profile | None, other: Profile | None) -> bool:
    """Whether two profiles say the same."""
    return one is other or (one is not None and other is not None and _content(one) == _content(other))


def _content(profile: Profile) -> tuple[object, ...]:
    return profile.lines, profile.units, profile.settings, profile.ignored, profile.curves


def check_file(path: Path, driver: str, store: ProfileStore) -> Profile:
    """A file that somebody is about to use, checked as it would be read over the driver's default."""
    file = read(path, str(path), is_own=True)
    model = path.stem
    base = file.extends or (DEFAULT if model != DEFAULT else "")
    below = list(store._files(base if "/" in base else f"{driver}/{base or DEFAULT}", 1))
    if not below:
        raise file.fault("", "extends", f"驱动“{driver}”没有可以覆盖的对照表，请检查目录名或 extends")
    return _laid_over(driver, model, [*below, file])


def _laid_over(driver: str, model: str, files: list[ProfileFile]) -> Profile:
    lines: dict[str, Line] = {}
    owners: dict[str, ProfileFile] = {}
    units: dict[str, str] = {}
    settings: dict[str, str | float] = {}
    curves: dict[str, Curve] = {}
    known: set[str] = set()
    ignored: set[str] = set()
    pattern = ""
    for file in files:
        pattern = file.native or pattern if not file.is_own else pattern
        for native, line in file.lines.items():
            if file.is_own and native not in known and not (pattern and re.fullmatch(pattern, native)):
                raise file.fault("map", native, _unknown(driver, native, known, pattern))
            if not file.is_own:
                known.add(native)
            owners[native] = file
            if line is None:
                lines.pop(native, None)
                ignored.add(native)
            else:
                lines[native] = line
                ignored.discard(native)
        units |= file.units
        settings |= file.settings
        curves |= file.curves
    profile = Profile(
        driver,
        model,
        next((one.title for one in reversed(files) if one.title), ""),
        next((one.models for one in reversed(files) if one.models), ""),
        lines,
        units,
        settings,
        frozenset(ignored),
        curves,
        tuple(file.path for file in files),
    )
    _check_settings(profile, owners)
    return profile


def _unknown(driver: str, native: str, known: set[str], pattern: str) -> str:
    if pattern:
        return f"“{native}”不是 {driver} 的原始代码，应符合 {pattern}"
    return f"驱动 {driver} 没有原始项“{native}”。可用：{'、'.join(sorted(known))}"


def _check_settings(profile: Profile, owners: Mapping[str, ProfileFile]) -> None:
    stated = profile.settings.get(AMBIENT)
    ambient = float(stated) if stated is not None else None
    used: set[str] = set()
    for native, line in profile.lines.items():
        if line.after and line.after not in profile.lines and line.after not in profile.ignored:
            raise owners[native].fault("map", native, f"“{native}”的 after “{line.after}”不在对照表中")
        unit = line.unit
        if unit.startswith(SETTING):
            key = unit.removeprefix(SETTING)
            used.add(key)
            if key not in profile.settings:
                raise owners[native].fault("map", native, f"“{native}”的单位取自设置“{key}”，但 [settings] 中没有它")
            unit = str(profile.settings[key])
        if unit and not can_become(line.code, unit, ambient):
            what = f"“{native}”的单位“{unit}”不能换算成 {line.code}"
            raise owners[native].fault("map", native, f"{what}；浓度与分压互换须在 [settings] 写 {AMBIENT}")
    unused = set(profile.settings) - used - {AMBIENT}
    if unused:
        raise ProfileError(
            f'{profile.files[-1]}：[settings] 中的“{sorted(unused)[0]}”没有任何一行使用（写成 unit = "$名称"）'
        )


@cache
def shipped(driver: str) -> Profile:
    """The default that comes with the bridge."""
    return ProfileStore().get(driver)


@cache
def terms() -> dict[str, tuple[str, str]]:
    """The shipped terms of ISO/IEEE 11073: number → (canonical code, REFID); for simulators and measurements."""
    found: dict[str, list[str]] = {}
    names: dict[str, str] = {}
    for native, line in shipped("ihe_pcd01").lines.items():
        if native.isdecimal():
            found[line.where] = [native, line.code]
        elif native.startswith("MDC_"):
            names[line.where] = native
    return {native: (code, names[where]) for where, (native, code) in found.items() if where in names}
