"""Who may import whom, what costs nothing to import, and how long things may get."""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for package in ("pipeline", "trainer")
    for path in sorted((ROOT / package).rglob("*.py"))
}
HEAVY = {"tensorflow", "apache_beam", "tensorflow_transform", "tensorflow_metadata", "tfx_bsl", "keras"}

# What the trainer takes from the pipeline; nothing there knows Beam.
FOR_THE_TRAINER = {
    "pipeline.arguments", "pipeline.clean", "pipeline.cli", "pipeline.config", "pipeline.contract", "pipeline.errors",
    "pipeline.manifest_file", "pipeline.page", "pipeline.process", "pipeline.quiet", "pipeline.sample",
    "pipeline.sources", "pipeline.text",
}  # fmt: skip

# Modules that import neither TensorFlow nor Beam, so that --help, --dry-run, describe and verify are quick.
LIGHT = {
    "pipeline.advice", "pipeline.compare", "pipeline.compare_view", "pipeline.describe_texts", "pipeline.terminal",
    "pipeline.contract", "pipeline.errors", "pipeline.config", "pipeline.arguments", "pipeline.cli",
    "pipeline.manifest_file", "pipeline.records_folder", "pipeline.describe", "pipeline.verify", "pipeline.counts",
    "pipeline.blobs", "pipeline.process", "pipeline.progress", "pipeline.spelling", "pipeline.display", "trainer.cli",
    "trainer",
}  # fmt: skip
LIGHT_PACKAGES = (
    "pipeline.sources",
    "pipeline.records",
    "pipeline.sample",
    "pipeline.vocabulary_sources",
    "pipeline.page",
)

# The only places where an import may wait for the moment it is needed.
# trainer.replay hides the packages that a server lacks before it loads TensorFlow.
LATE_IMPORTS = {"pipeline.cli", "pipeline.quiet", "trainer.cli", "trainer.replay"}


def imports(module: str) -> Iterator[tuple[str, bool]]:
    """(imported module, whether it stands inside a function)."""
    tree = ast.parse(MODULES[module].read_text())
    inside = {
        id(node) for function in ast.walk(tree) if isinstance(function, ast.FunctionDef) for node in ast.walk(function)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name, id(node) in inside
        elif isinstance(node, ast.ImportFrom) and node.module:
            for name in node.names:
                whole = f"{node.module}.{name.name}"
                yield (whole if whole in MODULES else node.module), id(node) in inside


def ours(module: str, *, late: bool = False) -> set[str]:
    return {name for name, inside in imports(module) if name in MODULES and (late or not inside)}


def test_architecture_pipeline_does_not_know_the_trainer() -> None:
    for module in MODULES:
        if module.startswith("pipeline"):
            assert not {name for name, _ in imports(module) if name.startswith("trainer")}, module


def test_architecture_trainer_takes_only_what_is_for_it() -> None:
    for module in MODULES:
        if module.startswith("trainer"):
            taken = {name for name, _ in imports(module) if name.startswith("pipeline")}
            shared = {
                name for name in taken if name.startswith(("pipeline.sources.", "pipeline.sample.", "pipeline.page."))
            }
            assert taken - shared <= FOR_THE_TRAINER, module
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


def test_architecture_imports_wait_only_where_they_must() -> None:
    for module in MODULES:
        late = {name for name, inside in imports(module) if inside}
        assert not late or module in LATE_IMPORTS, (module, late)


@pytest.mark.parametrize("command", [
    ["pipeline", "--help"], ["pipeline", "run", "--help"], ["trainer", "--help"], ["trainer", "train", "--help"],
    ["pipeline", "run", "--dry-run"],
], ids=" ".join)  # fmt: skip
def test_architecture_help_needs_neither_tensorflow_nor_beam(command: list[str]) -> None:
    blocked = (
        "import sys, runpy\n"
        f"heavy = {HEAVY!r}\n"
        "class Blocker:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.partition('.')[0] in heavy:\n"
        "            raise ImportError(f'{name} is heavy')\n"
        "sys.meta_path.insert(0, Blocker())\n"
        f"sys.argv = {command!r}\n"
        f"runpy.run_module({command[0]!r}, run_name='__main__')\n"
    )
    done = subprocess.run([sys.executable, "-c", blocked], capture_output=True, text=True, check=False, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_architecture_light_modules_stay_light() -> None:
    light = [name for name in MODULES if name in LIGHT or name.startswith(LIGHT_PACKAGES)]
    assert len(light) > len(LIGHT)
    names = ", ".join(light)
    check = f"import sys, {names}\nprint(sorted({HEAVY!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


def test_architecture_no_page_needs_bokehs_python() -> None:
    """0.8 s of each run; its script in the page is a file that is read."""
    check = "import sys, pipeline.report, trainer.report\nprint('bokeh' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"


def test_architecture_trainer_never_loads_beam() -> None:
    names = ", ".join(name for name in MODULES if name.startswith("trainer") and not name.endswith("__main__"))
    check = f"import sys, {names}\nprint(sorted({{'apache_beam', 'tensorflow_transform'}} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "[]\n"


def test_architecture_modules_and_functions_fit_a_head() -> None:
    lengths = {module: len(path.read_text().splitlines()) for module, path in MODULES.items()}
    assert statistics.median(lengths.values()) < 150
    assert not {module: length for module, length in lengths.items() if length > 300}
    for module, path in MODULES.items():
        tree = ast.parse(path.read_text())
        assert ast.get_docstring(tree), f"{module} does not say what goes in and what comes out"
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 60, f"{module}.{node.name}"


def test_architecture_pythons_hash_is_not_used() -> None:
    for module, path in MODULES.items():
        calls = {
            node.func.id
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        assert "hash" not in calls, module
        assert "print" not in calls or module in {"pipeline.cli", "trainer.cli"}, module
