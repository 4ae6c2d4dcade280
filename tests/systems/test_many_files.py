"""An input of very many files: planned in seconds, with few files opened and little that workers fetch."""

import pickle
import zlib

from pipeline.config.input_settings import InputSettings
from pipeline.sources import check_columns, plan_tasks
from tests.support.memory_files import COLUMNS, ManyFiles


def test_sources_a_hundred_thousand_files_make_few_groups_and_open_few_files() -> None:
    files = ManyFiles(".jsonl", 100_000)
    found = plan_tasks(InputSettings(path="data"), files)
    check_columns(found.tasks(), COLUMNS, files)
    assert found.files == 100_000
    # 1,022 files in a group, as of a million, of 100 bytes and 64 KiB for the opening each: 64 MiB.
    assert len(found.groups) == 98
    assert max(len(group.paths) for group in found.groups) == 1022
    assert files.opened <= 9  # eight for their columns, one for whether its labels are lists
    # What the job's workers fetch once, 10 bytes a file; a worker that reads gets its groups alone.
    assert len(zlib.compress(pickle.dumps(found.groups), 1)) < 1_000_000
    assert max(len(pickle.dumps(group)) for group in found.groups[:10]) < 60_000
