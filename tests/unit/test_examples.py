"""examples/: the commands that they start are commands of ours, and their gates close.

Airflow and Kubeflow's SDK are not needed: the files are read as text. tests/cluster/test_schedulers.py runs them.
"""

import ast
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pipeline.cli import _parser as pipeline_parser
from pipeline.config.load import load
from pipeline.config.overrides import split_overrides
from tests.support.paths import REPOSITORY
from trainer.cli import _COMMANDS as TRAINER_COMMANDS
from trainer.commands.parser import command_parser

AIRFLOW = REPOSITORY / "examples" / "airflow" / "textrecords_daily.py"
KUBEFLOW = REPOSITORY / "examples" / "kubeflow" / "textrecords_pipeline.py"
EXAMPLES = pytest.mark.parametrize("example", [AIRFLOW, KUBEFLOW], ids=["airflow", "kubeflow"])

# R, T, C, S: the folders of a run's records, training and candidate, and of what is served
COMMANDS = [
    "pipeline run --input.path INPUT --output.path R --overwrite",
    "pipeline verify R",
    "pipeline compare LAST R --compare.max_oov_share 0.2 --compare.max_label_shift 0.1",
    "trainer train --output.path R --training.path T --export.path C",
    "trainer verify --model C",
    "trainer evaluate --model C --input HELD_OUT --json",
    "trainer train --resume --output.path R --training.path T --export.path S",
]
# what the examples write for these
PLACES = {
    "R": {"{{ params.folder }}/records/{{ ts_nodash }}", "{folder}/records/{run}"},
    "T": {"{{ params.folder }}/training/{{ ts_nodash }}", "{folder}/training/{run}"},
    "C": {"{{ params.folder }}/candidates/{{ ts_nodash }}", "{folder}/candidates/{run}"},
    "S": {"{{ params.folder }}/served", "{folder}/served"},
    "INPUT": {"{{ params.input_path }}", "{input_path}"},
    "HELD_OUT": {"{{ params.held_out }}", "{held_out}"},
    "LAST": {"{{ ti.xcom_pull('find_last_records') }}", "{last}"},
}


def words_of(node: ast.expr, constants: Mapping[str, str]) -> list[str]:
    """The texts of a list, with lists in it (`*[...]`) and names of constants."""
    if isinstance(node, ast.List):
        return [word for item in node.elts for word in words_of(item, constants)]
    if isinstance(node, ast.Starred):
        return words_of(node.value, constants)
    return [constants[node.id] if isinstance(node, ast.Name) else ast.literal_eval(node)]


def commands_of(example: Path) -> list[list[str]]:
    """Its commands: the values of `arguments=[...]`, in order."""
    tree = ast.parse(example.read_text(encoding="utf-8"))
    constants = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            constants[ast.unparse(node.targets[0])] = str(node.value.value)
    keywords = [node for node in ast.walk(tree) if isinstance(node, ast.keyword) and node.arg == "arguments"]
    keywords.sort(key=lambda node: node.lineno)
    return [words_of(node.value, constants) for node in keywords if isinstance(node.value, ast.List)]


@EXAMPLES
def test_examples_start_the_commands_of_the_readme(example: Path) -> None:
    names = {written: name for name, both in PLACES.items() for written in both}
    assert [" ".join(names.get(word, word) for word in command) for command in commands_of(example)] == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_examples_commands_are_ours(command: str) -> None:
    program, *arguments = command.split()
    overrides, rest = split_overrides(arguments)
    if program == "pipeline":
        _, unknown = pipeline_parser().parse_known_args(rest)
        assert unknown == []
    else:
        command_parser(TRAINER_COMMANDS).parse_args(rest)
    load(None, overrides)


def function_of(example: Path, name: str, **names: object) -> Callable[..., Any]:
    """A function of it, without its decorators and in a module that has `names` alone."""
    tree = ast.parse(example.read_text(encoding="utf-8"))
    (function,) = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
    function.decorator_list = []
    module: dict[str, Any] = dict(names)
    exec(compile(ast.Module([function], []), str(example), "exec"), module)
    return module[name]


class StoppedError(Exception):
    """In the place of Airflow's exception."""


def gate_of_airflow(metrics: str, least: float) -> None:
    check = function_of(AIRFLOW, "check_accuracy", json=json, AirflowFailException=StoppedError)
    check(metrics, {"least_accuracy": least})


def gate_of_kubeflow(metrics: str, least: float) -> None:
    assert function_of(KUBEFLOW, "check_accuracy")(metrics, least) == json.loads(metrics)["accuracy"]


GATES = [gate_of_airflow, gate_of_kubeflow]


@pytest.mark.parametrize("gate", GATES)
def test_examples_serve_a_model_that_is_good_enough(gate: Callable[[str, float], None]) -> None:
    gate('{"accuracy": 0.8, "auc": 0.1}', 0.8)


@pytest.mark.parametrize("gate", GATES)
def test_examples_stop_at_a_model_that_is_not(gate: Callable[[str, float], None]) -> None:
    with pytest.raises((StoppedError, SystemExit), match=r"^accuracy 0\.7950 is below least_accuracy, 0\.8$"):
        gate('{"accuracy": 0.795, "auc": 0.9}', 0.8)


def paths_of_airflow(folder: Path) -> tuple[Callable[..., str], Callable[..., None]]:
    find = function_of(AIRFLOW, "find_last_records", ObjectStoragePath=Path)
    return (
        lambda run: find(str(folder), f"{folder}/records/{run}"),
        lambda run: function_of(AIRFLOW, "remember_run", ObjectStoragePath=Path)(str(folder), run),
    )


def paths_of_kubeflow(folder: Path) -> tuple[Callable[..., str], Callable[..., None]]:
    find, remember = function_of(KUBEFLOW, "find_last_records"), function_of(KUBEFLOW, "remember_run")
    return lambda run: find(str(folder), run), lambda run: remember(str(folder), run)


@pytest.mark.parametrize("paths", [paths_of_airflow, paths_of_kubeflow])
def test_examples_compare_with_the_records_of_the_served_model(paths: Callable[..., Any], tmp_path: Path) -> None:
    """The first run with itself; later ones with the last run that reached the server."""
    find, remember = paths(tmp_path)
    assert find("monday") == f"{tmp_path}/records/monday"
    remember("monday")
    assert find("tuesday") == f"{tmp_path}/records/monday"
    remember("wednesday")
    assert find("thursday") == f"{tmp_path}/records/wednesday"


# exit status -> whether a retry could help
STATUSES = [(1, True), (2, False), (3, False), (143, True)]


@pytest.mark.parametrize(("status", "retried"), STATUSES)
def test_examples_airflow_does_not_repeat_what_ends_in_the_same_way(status: int, retried: bool) -> None:
    with pytest.raises(RuntimeError if retried else StoppedError, match=rf"ended with status {status};"):
        execute(status)


def test_examples_airflow_hands_on_what_a_command_prints() -> None:
    assert execute(0) == "printed"


def test_examples_airflow_ends_the_command_of_a_task_that_is_stopped() -> None:
    operator = operator_of(0)
    operator.on_kill()  # before anything runs
    operator.execute({})
    operator.on_kill()
    assert operator.process.stopped


def execute(status: int) -> str:
    return operator_of(status).execute({})


def operator_of(status: int) -> Any:
    """The operator `Command`; its process ends with the status."""
    tree = ast.parse(AIRFLOW.read_text(encoding="utf-8"))
    (command,) = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    module: dict[str, Any] = {
        "BaseOperator": object,
        "AirflowFailException": StoppedError,
        "PYTHON": "python",
        "shlex": SimpleNamespace(join=" ".join, split=str.split),
        "subprocess": SimpleNamespace(Popen=lambda *_, **__: Process(status), PIPE=-1),
    }
    exec(compile(ast.Module([command], []), str(AIRFLOW), "exec"), module)
    operator = module["Command"](arguments=["pipeline", "verify", "DIR"])
    operator.log = SimpleNamespace(info=lambda *_: None)
    return operator


class Process:
    """In the place of a process that printed something and ended."""

    def __init__(self, status: int) -> None:
        self.returncode = status
        self.stopped = False

    def __enter__(self) -> "Process":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def communicate(self) -> tuple[str, None]:
        return "printed", None

    def terminate(self) -> None:
        self.stopped = True
