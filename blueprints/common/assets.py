"""Static files under a URL that carries the digest of them all: cached for ever, never stale."""

import gzip
import hashlib
import mimetypes
from pathlib import Path

from flask import Blueprint, Flask, Response, request, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.core.settings import PROJECT_ROOT
from blueprints.common.access import public

# Files that every page needs, served as one: a round trip less each.
BUNDLES: dict[str, tuple[str, ...]] = {
    "css/house.css": ("css/base.css", "css/components.css"),
    "vendor/htmx-morph.js": ("vendor/htmx.min.js", "vendor/idiomorph-ext.min.js"),
}
STATIC = PROJECT_ROOT / "static"
_TEXT = (".js", ".css", ".svg", ".json", ".map")
blueprint = Blueprint("assets", __name__)


class _Library:
    """All static files in memory: a few hundred kilobytes, read and compressed once."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[bytes, bytes | None, str]] = {}
        self._root: Path | None = None
        self.digest = ""

    def load(self, root: Path) -> None:
        """Read every file below `root`, once in a process."""
        if root == self._root:
            return
        self._root = root
        total = hashlib.sha256()
        for path in sorted(p for p in root.rglob("*") if p.is_file() and not p.name.startswith(".")):
            name = path.relative_to(root).as_posix()
            data = path.read_bytes()
            total.update(name.encode() + b"\0" + data)
            self._keep(path, name, data)
        for name, parts in BUNDLES.items():
            if all(part in self._files for part in parts):
                between = b";\n" if name.endswith(".js") else b"\n"
                self._keep(root / name, name, between.join(self._files[part][0] for part in parts))
        self.digest = total.hexdigest()[:12]

    def _keep(self, path: Path, name: str, data: bytes) -> None:
        packed = gzip.compress(data, 9) if path.suffix in _TEXT and len(data) > 600 else None
        self._files[name] = (data, packed, _mimetype(path))

    def get(self, name: str) -> tuple[bytes, bytes | None, str]:
        """Plain bytes, gzipped bytes or None, and content type. Raises `NotFound`."""
        try:
            return self._files[name]
        except KeyError:
            raise NotFound from None


def _mimetype(path: Path) -> str:
    if path.suffix == ".js":
        return "text/javascript; charset=utf-8"
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return f"{kind}; charset=utf-8" if kind.startswith("text/") else kind


library = _Library()


def asset_url(name: str) -> str:
    """URL of a static file: `asset_url('css/base.css')`."""
    return url_for("assets.file", digest=library.digest, name=name)


@blueprint.get("/assets/<string(length=12):digest>/<path:name>")
@public
def file(digest: str, name: str) -> ResponseReturnValue:
    """One static file. Immutable: any change of any file changes every URL."""
    data, packed, content_type = library.get(name)
    use_gzip = packed is not None and request.accept_encodings.quality("gzip") > 0
    response = Response(packed if use_gzip else data, content_type=content_type)
    fresh = digest == library.digest
    response.headers["Cache-Control"] = "public, max-age=31536000, immutable" if fresh else "no-store"
    if packed is not None:
        response.headers["Vary"] = "Accept-Encoding"
    if use_gzip:
        response.headers["Content-Encoding"] = "gzip"
    return response


def init_app(app: Flask) -> None:
    """Read the files and serve them."""
    library.load(STATIC)
    app.register_blueprint(blueprint)
    app.jinja_env.globals["asset_url"] = asset_url
