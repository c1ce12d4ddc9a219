"""A run makes thousands of applications, each on a database of its own. What is the same in all of them is made once."""

from collections.abc import Callable
from types import CodeType
from typing import Any, cast

from argon2 import PasswordHasher
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from werkzeug.routing import Rule

from app.accounts import service as accounts

HASHER_OF_THE_HOUSE = accounts._hasher
_compile = Rule._compile_builder
_compiled: dict[tuple[Any, ...], Callable[..., Any]] = {}


class _Templates(BytecodeCache):
    """Compiled templates, kept by name and by what is written in them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = cast(CodeType, bucket.code)


_templates = _Templates()


def _compile_once(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
    """The function that builds an address: it depends on the parts of the rule alone and is bound to each rule."""
    if rule.defaults:
        return _compile(rule, append_unknown)
    key = (tuple(rule._trace), frozenset(rule.arguments), append_unknown)
    if key not in _compiled:
        _compiled[key] = _compile(rule, append_unknown)
    return _compiled[key]


def begin() -> None:
    """From now on addresses are compiled once, and a hash of a password costs nearly nothing."""
    Rule._compile_builder = _compile_once  # type: ignore[method-assign]
    accounts._hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def share_templates(app: Flask) -> None:
    """Let the application use what others have compiled."""
    app.jinja_env.bytecode_cache = _templates
