"""What the manuals name exists: accounts of the demonstration, commands of the installation."""

import re
from pathlib import Path

import click
from flask import Flask

from app.demo.hospital import accounts_shown

ROOT = Path(__file__).resolve().parents[2]
MANUALS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"flask(?: --app wsgi)? ([a-z-]+(?: [a-z-]+)?)")


def test_the_accounts_of_the_readme_are_those_of_the_demonstration() -> None:
    rows = re.findall(r"^\| (`[^|]+) \|", MANUALS[0].read_text(encoding="utf-8"), flags=re.MULTILINE)
    wanted = {username for username, _label in accounts_shown()}
    named = {name for row in rows for name in re.findall(r"`([a-z]+)`", row)}
    assert wanted <= named
    for username, label in accounts_shown():
        row = next(line for line in MANUALS[0].read_text(encoding="utf-8").splitlines() if f"`{username}`" in line)
        assert label.split(" · ")[0] in row, username


def test_every_command_of_the_manuals_exists(app: Flask) -> None:
    named = {match for path in MANUALS for match in COMMAND.findall(path.read_text(encoding="utf-8"))}
    assert "doctor" in {name.split()[0] for name in named}
    for name in sorted(named):
        first, _, second = name.partition(" ")
        command = app.cli.get_command(click.Context(app.cli), first)
        assert command is not None, name
        if second and isinstance(command, click.Group):
            assert second in command.commands, name
