"""Settings of Sphinx, which builds the site; `make docs` calls it. Every warning is an error there."""

import json
import subprocess
import sys
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

_DOCS = Path(__file__).parent
_MADE = _DOCS / "_made"
sys.path.insert(0, str(_DOCS.parent))

from pipeline.support.version import VERSION  # noqa: E402  the path has to be set first

project = "TextRecords"
version = release = VERSION
extensions = ["myst_parser"]
exclude_patterns = ["_made"]
myst_enable_extensions = ["substitution"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"TextRecords {VERSION}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = False


def setup(app: Sphinx) -> None:
    """Makes the tutorial's numbers and pictures before MyST-Parser reads its settings."""
    app.connect("config-inited", _make_tutorial, priority=100)


def _make_tutorial(_: Sphinx, config: Config) -> None:
    subprocess.run([sys.executable, str(_DOCS / "tools" / "tutorial.py"), str(_MADE)], check=True)
    config.myst_substitutions = json.loads((_MADE / "facts.json").read_text(encoding="utf-8"))
