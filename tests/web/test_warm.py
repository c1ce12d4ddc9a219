"""The web process does at its start what the first person would wait for."""

from flask import Flask

from blueprints.common import warm


def test_every_template_compiles(app: Flask) -> None:
    names = app.jinja_env.list_templates(extensions=["html"])
    assert len(names) > 50
    assert warm.warm_up(app) == len(names)


def test_the_web_process_finds_it(app: Flask) -> None:
    assert app.extensions["mafei.warm"] is warm.start
