"""Sections -> one HTML page that holds all it needs: style, BokehJS and the script that draws the plots.

A Content-Security-Policy names the page's own scripts by their hashes and forbids everything else. So a script in the
data would not run even if it were not escaped, and the page sends no request.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from markupsafe import Markup

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading."""

    title: str
    content: Markup


def document(*, title: str, head: Markup, sections: Sequence[Section]) -> bytes:
    """The page, UTF-8. head: the part above the sections, with the page's h1."""
    scripts = [*_bokeh(), (_HERE / "draw.js").read_text(encoding="utf-8")]
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    body = Markup("\n").join(
        Markup("<section><h2>{}</h2>{}</section>").format(part.title, part.content) for part in sections
    )
    # The policy, the style and the scripts are this package's and Bokeh's own: they go in as they are.
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{Markup.escape(title)}</title>\n"
        f"<style>{(_HERE / 'style.css').read_text(encoding='utf-8')}</style>\n</head>\n"
        f"<body>\n<header>{head}</header>\n{body}\n" + "".join(f"<script>{script}</script>\n" for script in scripts)
    ).encode() + b"</body>\n</html>\n"


@cache
def _bokeh() -> tuple[str, ...]:
    """BokehJS, read from the files of the package `bokeh`; importing that package would take 0.4 s."""
    spec = find_spec("bokeh")
    (folder,) = (spec and spec.submodule_search_locations) or [""]
    files = (Path(folder) / "server" / "static" / "js" / name for name in ("bokeh.min.js", "bokeh-api.min.js"))
    return tuple(file.read_text(encoding="utf-8") for file in files)


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
