"""`python docs/tools/reference.py`: writes the tables of docs/reference that are made from the code.

It writes the parameters of the Flex Template into flex-template/metadata.json as well.

Each table is between two marks in its page, `<!-- settings -->` and `<!-- /settings -->`. A test makes the pages
and the parameters again and compares them.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from pipeline.config.reference import list_settings, section_summary  # noqa: E402  the path has to be set first
from pipeline.config.template_parameters import template_metadata  # noqa: E402
from pipeline.records_folder.manifest_keys import ManifestKey, described_keys  # noqa: E402
from trainer.model_card.schema import Card  # noqa: E402

TEMPLATE = ROOT / "flex-template" / "metadata.json"


def template() -> str:
    """The parameters of the Flex Template, as JSON.

    >>> template().splitlines()[1]
    ' "name": "TextRecords",'
    """
    return json.dumps(template_metadata(), indent=1, ensure_ascii=False) + "\n"


def settings_tables() -> str:
    """A heading, a sentence and a table for each section of pipeline.yaml."""
    return "\n".join(_settings_lines())


def _settings_lines() -> Iterator[str]:
    for section, settings in groupby(list_settings(), key=lambda setting: setting.section):
        yield f"\n## {section}\n\n{section_summary(section)}\n"
        yield "| setting | values | default | meaning |\n|---|---|---|---|"
        for setting in settings:
            cells = [f"`{setting.name}`", setting.values, _code(setting.default), _plain(setting.comment)]
            yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def manifest_tables() -> str:
    """A table of the keys at the top of manifest.json, then a heading, a table and notes for each object among them."""
    return "\n".join(_key_lines(list(described_keys())))


def card_tables() -> str:
    """The same of MODEL_CARD.json."""
    return "\n".join(_key_lines(list(described_keys(Card))))


def _key_lines(keys: list[ManifestKey]) -> Iterator[str]:
    yield f"\n{_KEYS_HEADER}"
    at_top = [key for key in keys if "." not in key.path]
    for key in at_top:
        yield _key_line(key, key.path)
    for top in at_top:
        below = [key for key in keys if key.path.startswith((f"{top.path}.", f"{top.path}[]"))]
        if not below:
            continue
        yield f"\n## {top.path}\n\n{top.meaning}\n\n{_KEYS_HEADER}"
        for key in below:
            yield _key_line(key, key.path.removeprefix(top.path).removeprefix("."))
        if top.notes:
            yield f"\n{top.notes}"


_KEYS_HEADER = "| key | type | meaning |\n|---|---|---|"


def _key_line(key: ManifestKey, path: str) -> str:
    return f"| `{path}` | {key.type} | {key.meaning} |"


def _code(text: str) -> str:
    """Text as code, which may hold a backtick itself.

    >>> _code("a"), _code("a`b")
    ('`a`', '`` a`b ``')
    """
    return f"`` {text} ``" if "`" in text else f"`{text}`"


def _plain(text: str) -> str:
    """Text whose tags are shown, not obeyed.

    >>> _plain("each tag (<br />) becomes a space")
    'each tag (&lt;br />) becomes a space'
    """
    return text.replace("<", "&lt;")


# Page below docs/, name of the marks -> what belongs between them.
PARTS: dict[tuple[str, str], Callable[[], str]] = {
    ("reference/settings.md", "settings"): settings_tables,
    ("reference/manifest.md", "manifest"): manifest_tables,
    ("reference/model-card.md", "card"): card_tables,
}


def filled(page: str, name: str, content: str) -> str:
    """A page with new content between the marks of this name.

    >>> filled("a <!-- x -->old<!-- /x --> b", "x", "new")
    'a <!-- x -->\\nnew\\n\\n<!-- /x --> b'
    """
    marked = re.compile(rf"(<!-- {name} -->).*(<!-- /{name} -->)", re.DOTALL)
    if not marked.search(page):
        raise ValueError(f"the page has no marks <!-- {name} --> and <!-- /{name} -->")
    return marked.sub(lambda marks: f"{marks[1]}\n{content}\n\n{marks[2]}", page)


def main() -> None:
    """Writes all tables into their pages, and the parameters into their file."""
    TEMPLATE.write_text(template(), encoding="utf-8")
    for (page, name), make in PARTS.items():
        path = ROOT / "docs" / page
        path.write_text(filled(path.read_text(encoding="utf-8"), name, make()), encoding="utf-8")


if __name__ == "__main__":
    main()
