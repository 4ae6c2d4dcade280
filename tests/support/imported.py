"""What the tests of `vocabulary.from` share."""

from pathlib import Path

from pipeline.config.load import load
from pipeline.config.settings import Config
from pipeline.files.local import LocalFiles
from pipeline.vocabulary.imported import ImportedVocabulary, resolve


def resolved(path: Path, overrides: dict[str, str] | None = None) -> tuple[Config, ImportedVocabulary]:
    config, source = resolve(load(None, {"vocabulary.from": str(path), **(overrides or {})}), LocalFiles())
    assert source is not None
    return config, source


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path
