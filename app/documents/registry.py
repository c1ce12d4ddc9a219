"""All kinds that are shipped, with the specialty packages, read once from the YAML files of this room."""

import copy
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from app.documents.definition import Kind
from app.documents.expressions import Expression, ExpressionError, parse
from app.documents.loader import load_kind, load_scale
from app.documents.overlays import merged
from app.documents.reader import DefinitionError, Fault, Library
from app.documents.yaml_reader import read_yaml

ROOM = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True)
class Package:
    """Fields of a specialty on top of shipped kinds."""

    key: str
    title: str
    when: Expression | None
    adds: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Everything shipped. `raw` holds each kind with its includes resolved."""

    library: Library
    raw: Mapping[str, dict[str, Any]]
    kinds: Mapping[str, Kind]
    packages: Mapping[str, Package]


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """Load and check everything. Raises `DefinitionError` with all faults of all files."""
    faults: list[Fault] = []
    library = _library()
    fragments = read_yaml(ROOM / "fragments.yaml")
    raws: dict[str, dict[str, Any]] = {}
    kinds: dict[str, Kind] = {}
    for path in sorted((ROOM / "kinds").glob("*.yaml")):
        try:
            raw = resolve(read_yaml(path), fragments, path.name)
            kind = load_kind(raw, library, path.name)
            if kind.key != path.stem:
                raise DefinitionError([Fault(path.name, f"kind 应与文件名一致：{path.stem}")])
            raws[kind.key], kinds[kind.key] = raw, kind
        except DefinitionError as error:
            faults += error.faults
    packages = _packages(raws, library, faults)
    if faults:
        raise DefinitionError(faults)
    return Catalogue(library, raws, kinds, packages)


def _library() -> Library:
    scales = read_yaml(ROOM / "scales.yaml")
    sets = read_yaml(ROOM / "value_sets.yaml")
    return Library(
        scales={key: load_scale(key, raw, f"scales.yaml：{key}") for key, raw in scales.items()},
        value_sets={key: {str(code): str(label) for code, label in raw["values"].items()} for key, raw in sets.items()},
    )


def value_set_meta(key: str) -> tuple[str, str]:
    """OID and Chinese name of a national value set."""
    raw = read_value_sets()[key]
    return str(raw["oid"]), str(raw["name"])


@lru_cache(maxsize=1)
def read_value_sets() -> dict[str, dict[str, Any]]:
    """The national value sets as they are in the file."""
    sets: dict[str, dict[str, Any]] = read_yaml(ROOM / "value_sets.yaml")
    return sets


def resolve(raw: Any, fragments: Mapping[str, Any], place: str) -> dict[str, Any]:
    """Replace `{include: name}` among sections and fields by the named fragments; `x_…` keys hold YAML anchors."""
    if not isinstance(raw, Mapping) or not isinstance(raw.get("sections"), list):
        raise DefinitionError([Fault(place, "缺少 sections")])
    result = {key: copy.deepcopy(value) for key, value in raw.items() if not str(key).startswith("x_")}
    result["sections"] = _included(result["sections"], fragments, place)
    for section in result["sections"]:
        if isinstance(section, dict) and isinstance(section.get("fields"), list):
            section["fields"] = _included(section["fields"], fragments, place)
    return result


def _included(items: Iterable[Any], fragments: Mapping[str, Any], place: str) -> list[Any]:
    made: list[Any] = []
    for item in items:
        if not (isinstance(item, Mapping) and "include" in item):
            made.append(item)
            continue
        fragment = fragments.get(item["include"])
        if fragment is None:
            raise DefinitionError([Fault(place, f"没有片段 {item['include']!r}")])
        made += copy.deepcopy(fragment if isinstance(fragment, list) else [fragment])
    return made


def _packages(raws: Mapping[str, dict[str, Any]], library: Library, faults: list[Fault]) -> dict[str, Package]:
    made: dict[str, Package] = {}
    for path in sorted((ROOM / "packages").glob("*.yaml")):
        raw = read_yaml(path)
        try:
            when = parse(raw["when"]) if raw.get("when") else None
            package = Package(raw["package"], raw["title"], when, raw["adds"])
        except (KeyError, TypeError, ExpressionError) as error:
            faults.append(Fault(path.name, f"专科包写法不对：{error}"))
            continue
        for kind, overlay in package.adds.items():
            if kind not in raws:
                faults.append(Fault(path.name, f"没有文书 {kind}"))
                continue
            try:
                load_kind(merged(raws[kind], overlay, path.name, package.key), library, f"{path.name}：{kind}")
            except DefinitionError as error:
                faults += error.faults
        made[package.key] = package
    return made


def compose(kind: str, packages: Iterable[str] = (), overlays: Iterable[Mapping[str, Any]] = ()) -> Kind:
    """The kind with specialty packages and hospital overlays on top, checked. Raises `DefinitionError`."""
    shipped = catalogue()
    raw: Mapping[str, Any] | None = shipped.raw.get(kind)
    if raw is None:
        raise DefinitionError([Fault(kind, "没有这种文书")])
    for key in packages:
        package = shipped.packages.get(key)
        if package and kind in package.adds:
            raw = merged(raw, package.adds[kind], key, key)
    for overlay in overlays:
        raw = merged(raw, overlay, "本院字段")
    return load_kind(raw, shipped.library, kind)
