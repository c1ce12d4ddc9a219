"""YAML as definitions need it: `yes` and `no` are words, dates stay text, a key stands once in a mapping."""

import re
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from app.documents.reader import DefinitionError, Fault

_DROPPED = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp")


class _Loader(yaml.SafeLoader):
    """Safe loader with the YAML 1.2 notion of a boolean and without implicit dates."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in _DROPPED]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping whose keys are told once; merged (`<<`) keys may be overridden."""
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                continue
            key = str(getattr(key_node, "value", ""))
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"键 {key!r} 重复", key_node.start_mark)
            seen.add(key)
        made: dict[Hashable, Any] = super().construct_mapping(node, deep)
        return made


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))


def read_yaml(path: Path) -> Any:
    """Parse a YAML file; a syntax error becomes a `DefinitionError` that names the file and line."""
    return parse_yaml(path.read_text(encoding="utf-8"), path.name)


def parse_yaml(text: str, place: str) -> Any:
    """Parse YAML text. Raises `DefinitionError`."""
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506 a SafeLoader
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise DefinitionError([Fault(place, f"YAML 写法不对：{error}")]) from None
