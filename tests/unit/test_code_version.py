"""pipeline.vocabulary.code_version: which modules the name of a cached count depends on."""

from pathlib import Path

import pytest

from pipeline.vocabulary.code_version import code_version, counting_modules
from tests.support.paths import REPOSITORY

# A package `pipeline` in which each way to import another module occurs.
FILES = {
    "__init__.py": '"""The package."""\n',
    "job/__init__.py": "",
    "job/read.py": "import numpy\nfrom pipeline.sources import read_tasks\nfrom pipeline.keys import KEY_BYTES\n",
    "vocabulary/cached_counting.py": "import pipeline.text.graph as g\nfrom pipeline.vocabulary import (\n tables\n)\n",
    "job/write.py": "from pipeline.keys import KEY_BYTES\nfrom pipeline import shuffle\n",
    "sources/__init__.py": "from pipeline.sources.lines import read_tasks\n",
    "sources/lines.py": "def read_tasks():\n    from pipeline.late import late\n    return late\n",
    "sources/avro.py": "",
    "late.py": "try:\n    from pipeline.fallback import late\nexcept ImportError:\n    late = None\n",
    "fallback.py": "late = 1\n",
    "keys.py": "KEY_BYTES = 16\n",
    "text/__init__.py": "import pipeline.errors\n",
    "text/graph.py": "from pipeline.text import characters\n",
    "text/characters.py": 'NAME = "pipeline.shuffle"  # from pipeline.shuffle import shuffle\n',
    "vocabulary/__init__.py": "",
    "vocabulary/tables.py": "from pipeline.job import read\n",  # a circle
    "errors.py": "",
    "shuffle.py": "from pipeline.job import read\n",
}
OUTSIDE = {"job/write.py", "shuffle.py", "sources/avro.py"}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    for name, content in FILES.items():
        (tmp_path / "pipeline" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "pipeline" / name).write_text(content)
    return tmp_path / "pipeline"


def version_of(folder: Path) -> str:
    """The version of the files as they are now: within a process it is looked at once."""
    return code_version.__wrapped__(folder)


@pytest.mark.parametrize("name", FILES)
def test_code_version_changes_with_what_counting_imports_alone(name: str, package: Path) -> None:
    before = version_of(package)
    (package / name).write_text(FILES[name] + "# another way to count\n")
    assert (version_of(package) == before) == (name in OUTSIDE)


def test_code_version_is_that_of_a_copy_elsewhere(package: Path) -> None:
    assert version_of(package) == version_of(package.rename(package.parent / "moved"))


def test_code_version_covers_the_code_that_counts() -> None:
    folder = REPOSITORY / "pipeline"
    names = {path.relative_to(folder).as_posix() for path in counting_modules()}
    assert names >= {
        "__init__.py", "config/settings.py", "contract.py", "files/gzip_members.py", "files/text_stream.py",
        "job/read.py", "job/token_store.py", "job/row_filter.py", "records/framing.py", "records/keys.py",
        "sources/__init__.py", "sources/reading.py", "sources/formats/csv_quotes.py", "sources/formats/values.py",
        "support/arrow_ipc.py", "text/characters.py", "text/escaping.py", "text/graph.py", "text/hashing.py",
        "text/fast_tokenizer.py", "text/normalization.py", "text/token_batch.py", "vocabulary/cached_counting.py",
        "vocabulary/count_cache.py", "vocabulary/count_tables.py", "vocabulary/count_words.py",
    }  # fmt: skip
    assert not names & {"cli.py", "job/write.py", "records/shuffle.py", "records/encode.py", "job/finalize.py"}
    assert not [name for name in names if name.startswith(("html/", "records_report/", "inspection/", "doctor/"))]
