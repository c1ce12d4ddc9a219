"""Enumerations whose members carry the word people read."""

from enum import StrEnum
from typing import Self


class Labelled(StrEnum):
    """A string enumeration whose members carry a Chinese `label`."""

    label: str

    def __new__(cls, value: str, label: str = "") -> Self:
        member = str.__new__(cls, value)
        member._value_ = value
        member.label = label
        return member
