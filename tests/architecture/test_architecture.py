"""Rules on folders: who may import whom, what is cheap to import, how long things may get."""

import ast
import re
import statistics
import subprocess
import sys

import pytest

from pipeline.vocabulary.code_version import counting_modules
from tests.support.modules import HEAVY, MODULES, imports, tree_of
from tests.support.paths import REPOSITORY

# Folders of a level; a folder imports only lower ones. Files at the top of a package count as folders of their own.
LEVELS = {
    "pipeline": [
        {"contract", "errors"},
        {"support"},
        {"config", "files", "sample_corpus"},
        {"html", "records", "records_folder", "runners", "text"},
        {"records_report", "sources"},
        {"statistics", "vocabulary"},
        {"inspection", "job"},
        {"doctor"},
        {"cli"},
        {"__main__", "flex_template"},
    ],
    "trainer": [
        {"decision", "files", "ngrams"},
        {"devices", "model", "savedmodel"},
        {"data"},
        {"evaluation", "word_vectors"},
        {"model_card", "skip_gram", "training"},
        {"export"},
        {"training_report"},
        {"commands", "sweep"},
        {"cli"},
        {"__main__"},
    ],
}

# What each heavy package may be imported by; support/tensorflow_startup imports TensorFlow for whoever needs it.
TENSORFLOW_IN = {
    "pipeline.text", "pipeline.vocabulary", "pipeline.job", "pipeline.runners", "pipeline.records_report",
    "pipeline.doctor", "pipeline.support.tensorflow_startup", "trainer",
}  # fmt: skip
BEAM_IN = {
    "pipeline.files.beam", "pipeline.files.listing", "pipeline.files.output_lock", "pipeline.vocabulary",
    "pipeline.job", "pipeline.runners", "pipeline.doctor", "pipeline.support.process",
}  # fmt: skip
FOR_THE_TRAINER = {
    "pipeline.config", "pipeline.contract", "pipeline.errors", "pipeline.support", "pipeline.files.local",
    "pipeline.files.lock", "pipeline.files.staging", "pipeline.files.temporary", "pipeline.files.text_stream",
    "pipeline.sources", "pipeline.text", "pipeline.html", "pipeline.records", "pipeline.records_folder",
}  # fmt: skip

# What loads neither, directly or through others: so --help, --dry-run, describe, verify and unit tests are quick.
LIGHT = {
    "pipeline.cli", "pipeline.config", "pipeline.contract", "pipeline.errors", "pipeline.files.local",
    "pipeline.files.gzip_members", "pipeline.files.local_storage", "pipeline.files.lock", "pipeline.files.owner",
    "pipeline.files.publication", "pipeline.files.staging", "pipeline.files.temporary", "pipeline.files.text_stream",
    "pipeline.html", "pipeline.inspection", "pipeline.records", "pipeline.records_folder",
    "pipeline.runners.common_options", "pipeline.sample_corpus", "pipeline.sources", "pipeline.statistics",
    "pipeline.support", "pipeline.text.characters", "pipeline.text.escaping", "pipeline.vocabulary.code_version",
    "pipeline.vocabulary.count_tables", "pipeline.vocabulary.imported", "trainer.cli",
}  # fmt: skip

# The only places where an import may wait for the moment it is needed.
# trainer.export.replay hides the packages that a server lacks before it loads TensorFlow.
# The programs' first modules and a worker's handle signals first: Ctrl-C may come during their imports.
LATE_IMPORTS = {
    "pipeline.__main__", "pipeline.cli", "pipeline.runners.local_worker", "pipeline.support.tensorflow_startup",
    "trainer.__main__", "trainer.cli", "trainer.export.replay",
    "trainer.ngrams.sparse",  # SciPy takes 0.3 s and 40 MB, and a training without n-grams needs none of it
    "pipeline.sources.formats.bigquery_client",  # Google's libraries take half a second, and may not be installed
    "trainer.training.mlflow_log",  # an extra that takes a second
}  # fmt: skip


def ours(module: str, *, late: bool = False) -> set[str]:
    return {name for name, inside in imports(module) if name in MODULES and (late or not inside)}


def test_architecture_pipeline_does_not_know_the_trainer() -> None:
    for module in MODULES:
        if module.startswith("pipeline"):
            assert not {name for name, _ in imports(module) if name.startswith("trainer")}, module


def is_below(module: str, places: set[str]) -> bool:
    return any(f"{module}.".startswith(f"{place}.") for place in places)


def folder_of(module: str) -> str:
    """The folder right below the package, or the file there."""
    return module.split(".")[1] if "." in module else ""


@pytest.mark.parametrize("package", LEVELS)
def test_architecture_a_folder_imports_only_lower_levels(package: str) -> None:
    level = {folder: number for number, folders in enumerate(LEVELS[package]) for folder in folders}
    for module in MODULES:
        if not module.startswith(f"{package}."):
            continue
        assert folder_of(module) in level, f"{module}: its folder has no level"
        for needed in ours(module, late=True):
            if needed.startswith(f"{package}.") and folder_of(needed) != folder_of(module):
                assert level[folder_of(needed)] < level[folder_of(module)], f"{module} imports {needed}"


@pytest.mark.parametrize("package", LEVELS)
def test_architecture_page_shows_these_levels(package: str) -> None:
    page = (REPOSITORY / "docs" / "architecture.md").read_text()
    rows = re.findall(rf"^\| (\d+) \| `{package}/(\w+)(?:\.py|/)` \|", page, re.MULTILINE)
    shown = [{folder for level, folder in rows if int(level) == number} for number in range(1, len(LEVELS[package]))]
    assert shown == LEVELS[package][:-1]


def test_architecture_heavy_packages_are_imported_where_they_belong() -> None:
    for module in MODULES:
        heads = {name.partition(".")[0] for name, _ in imports(module)}
        assert not heads & HEAVY - {"apache_beam"} or is_below(module, TENSORFLOW_IN), module
        assert "apache_beam" not in heads or is_below(module, BEAM_IN), module


def test_architecture_trainer_takes_only_what_is_for_it() -> None:
    for module in MODULES:
        if module.startswith("trainer"):
            taken = {name for name, _ in imports(module) if name.startswith("pipeline")}
            assert not {name for name in taken if not is_below(name, FOR_THE_TRAINER)}, module
            heads = {name.partition(".")[0] for name, _ in imports(module)}
            assert not heads & {"apache_beam", "tensorflow_transform", "tfx_bsl"}, module


def test_architecture_contract_and_errors_know_nothing() -> None:
    assert ours("pipeline.contract", late=True) == set()
    assert ours("pipeline.errors", late=True) == set()


def test_architecture_imports_go_one_way() -> None:
    left = {module: ours(module) - {module} for module in MODULES}
    while left:
        ready = {module for module, needs in left.items() if not needs & left.keys()}
        assert ready, f"these import each other in a circle: {sorted(left)}"
        left = {module: needs for module, needs in left.items() if module not in ready}


def test_architecture_cached_counts_depend_on_all_that_counting_imports() -> None:
    """What pipeline.vocabulary.code_version derives is what the rules here see, with the packages above each."""
    needed: set[str] = set()
    left = {"pipeline.job.read", "pipeline.vocabulary.cached_counting"}
    while left:
        name = left.pop()
        if name not in needed:
            needed.add(name)
            left |= ours(name, late=True) | ({name.rpartition(".")[0]} - {""})
    assert set(counting_modules()) == {MODULES[name] for name in needed}


def test_architecture_imports_wait_only_where_they_must() -> None:
    for module in MODULES:
        late = {name for name, inside in imports(module) if inside}
        assert not late or module in LATE_IMPORTS, (module, late)


@pytest.mark.parametrize("command", [
    ["pipeline", "--help"], ["pipeline", "run", "--help"], ["pipeline", "doctor", "--help"],
    ["pipeline", "compare", "--help"], ["trainer", "--help"], ["trainer", "train", "--help"],
    ["trainer", "evaluate", "--help"], ["trainer", "decide", "--help"], ["trainer", "vectors", "--help"],
    ["trainer", "sweep", "--help"],
    ["pipeline", "run", "--dry-run"],
], ids=" ".join)  # fmt: skip
def test_architecture_help_needs_neither_tensorflow_nor_beam(command: list[str]) -> None:
    blocked = (
        "import sys, runpy\n"
        f"heavy = {set(HEAVY)!r}\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in heavy:\n"
        "            raise ImportError(f'{name} is heavy')\n"
        "sys.meta_path.insert(0, Blocker())\n"
        f"sys.argv = {command!r}\n"
        f"runpy.run_module({command[0]!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, check=False, cwd=REPOSITORY)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_architecture_light_folders_load_neither_tensorflow_nor_beam() -> None:
    light = [name for name in MODULES if is_below(name, LIGHT)]
    assert len(light) > 75
    names = ", ".join(light)
    check = f"import sys, {names}\nprint(sorted({set(HEAVY)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=REPOSITORY)
    assert done.stdout == "[]\n"


def test_architecture_modules_and_functions_fit_a_head() -> None:
    lengths = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    assert statistics.median(lengths.values()) < 150
    assert not {module: length for module, length in lengths.items() if length > 300}
    for module, path in MODULES.items():
        tree = tree_of(path)
        assert ast.get_docstring(tree), f"{module} does not say what goes in and what comes out"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{module}.{node.name}"


def test_architecture_pythons_hash_is_not_used() -> None:
    for module, path in MODULES.items():
        calls = {
            node.func.id
            for node in ast.walk(tree_of(path))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "hash" not in calls, module


# The modules that may name the standard streams; everybody else writes by pipeline.support.output or .terminal, so no
# text of the data reaches a terminal as it is.
STREAMS_IN = {
    "pipeline.support.exit_status", "pipeline.support.output", "pipeline.support.process",
    "pipeline.support.tensorflow_startup", "pipeline.support.terminal",
    "pipeline.support.orc_child",  # a process whose standard output its parent reads
}  # fmt: skip


def test_architecture_nobody_writes_past_the_exit() -> None:
    for module, path in MODULES.items():
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id != "print", module
                assert node.func.id != "Console" or module == "pipeline.support.terminal", module
            if isinstance(node, ast.Attribute) and node.attr in {"stdout", "stderr", "__stdout__", "__stderr__"}:
                named = isinstance(node.value, ast.Name) and node.value.id == "sys"
                assert not named or module in STREAMS_IN, module
