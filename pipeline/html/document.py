"""Sections -> one HTML page with all that it needs in it: style, BokehJS and what draws the plots.

A Content-Security-Policy names the page's own scripts by their hashes and forbids everything else: a script that came
in with the data would not run even if it were not escaped, and no request leaves the page.
"""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from pipeline.html.elements import Html

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Section:
    """A part of the page with a heading; `content` is HTML."""

    title: str
    content: Html


def document(*, title: str, head: Html, sections: Sequence[Section]) -> bytes:
    """The page. head: what stands above the sections, its h1 included."""
    scripts = [*_bokeh(), (_HERE / "draw.js").read_text(encoding="utf-8")]
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    policy = (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    body = "\n".join(f"<section><h2>{part.title}</h2>{part.content}</section>" for part in sections)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{(_HERE / 'style.css').read_text(encoding='utf-8')}</style>\n</head>\n"
        f"<body>\n<header>{head}</header>\n{body}\n" + "".join(f"<script>{script}</script>\n" for script in scripts)
    ).encode() + b"</body>\n</html>\n"


@cache
def _bokeh() -> tuple[str, ...]:
    """BokehJS, from the files of the package `bokeh`, which itself is not imported (0.4 s)."""
    spec = find_spec("bokeh")
    (folder,) = (spec and spec.submodule_search_locations) or [""]
    files = (Path(folder) / "server" / "static" / "js" / name for name in ("bokeh.min.js", "bokeh-api.min.js"))
    return tuple(file.read_text(encoding="utf-8") for file in files)


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
