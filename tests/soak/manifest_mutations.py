"""Damaged manifests: every command that reads one refuses it in a line, or reads what a whole manifest would give.

A mutation changes one value of the JSON tree, or the bytes of the file. No command may raise another error, take more
than 20 s, or let a training begin on numbers that the records do not bear out.
"""

import contextlib
import io
import json
import random
import shutil
import signal
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from pipeline.cli import main as pipeline_main
from pipeline.errors import UserError
from tests.soak.part import Part
from tests.support.jobs import run_job, small_rows, write_jsonl
from trainer.data.check_shards import check_shards
from trainer.data.records_folder import open_records_folder

_SECONDS: Final = 20
_DEPTH: Final = 100_000

# What a value becomes; "delete" removes its key.
_VALUES: Final[dict[str, object]] = {
    "delete": None,
    "null": None,
    "true": True,
    "-1": -1,
    "0": 0,
    "10^400": 10**400,
    "1e308": 1e308,
    "text": "\x1b[31m\u202e",
    "empty text": "",
    "long text": "x" * 1_000_000,
    "list": [],
    "list of lists": [[[]]],
    "object": {},
    "path": "../../etc/passwd",
}


def mutate_value(draw: random.Random, manifest: Any) -> tuple[str, bytes]:
    """One value of the tree becomes another; the name of the mutation, the manifest."""
    changed = json.loads(json.dumps(manifest))
    holder, key, path = draw.choice(list(_places(changed)))
    name = draw.choice(list(_VALUES))
    if name == "delete":
        del holder[key]
    else:
        holder[key] = _VALUES[name]
    return f"{path} is {name}", json.dumps(changed).encode("utf-8", "surrogatepass")


def mutate_bytes(draw: random.Random, content: bytes) -> tuple[str, bytes]:
    """The file is cut, damaged, or holds something else; the name of the mutation, the manifest."""
    at = draw.randrange(len(content))
    mutations: dict[str, Callable[[], bytes]] = {
        "cut": lambda: content[:at],
        "another byte": lambda: content[:at] + bytes([draw.randrange(256)]) + content[at + 1 :],
        "a flipped bit": lambda: content[:at] + bytes([content[at] ^ 1 << draw.randrange(8)]) + content[at + 1 :],
        "empty": lambda: b"",
        "zeros": lambda: bytes(len(content)),
        "deep": lambda: b"[" * _DEPTH,
        "deep object": lambda: b'{"a":' * _DEPTH,
        "NaN": lambda: content.replace(b": 1", b": NaN", 1).replace(b":1", b":NaN", 1),
        "twice": lambda: content + content,
        "blanks": lambda: content + b" " * 100_000_000,
        "not UTF-8": lambda: content[:at] + b"\xff\xfe" + content[at:],
        "UTF-16": lambda: content.decode().encode("utf-16"),
    }
    name = draw.choice(list(mutations))
    return f"{name} at byte {at}", mutations[name]()


def _places(value: Any, path: str = "") -> Iterator[tuple[Any, Any, str]]:
    """Each place in a JSON tree: what holds it, its key there, its path."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield value, key, f"{path}.{key}"
        yield from _places(child, f"{path}.{key}")


class _TimeLimitError(Exception):
    """A command took too long."""


@contextlib.contextmanager
def _time_limit() -> Iterator[None]:
    def stop(*_: object) -> None:
        raise _TimeLimitError(f"more than {_SECONDS} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


class _Soak:
    def __init__(self, folder: Path, seed: int) -> None:
        self.draw = random.Random(seed)
        self.part = Part("mutations of manifest.json")
        self.whole = run_job(write_jsonl(folder / "rows.jsonl", small_rows()), folder / "whole")
        self.mutated = folder / "mutated"
        shutil.copytree(self.whole, self.mutated)
        self.content = (self.whole / "manifest.json").read_bytes()
        self.used = self._used(self.whole)

    def mutate(self) -> None:
        """One try."""
        mutation = self.draw.choice([self._of_value, self._of_bytes])
        name, content = mutation()
        (self.mutated / "manifest.json").write_bytes(content)
        folder = str(self.mutated)
        commands = [["describe", folder], ["describe", folder, "--json"], ["verify", folder]]
        problems = [problem for command in [*commands, ["compare", str(self.whole), folder]]
                    if (problem := _problem_of(command))]  # fmt: skip
        outcome = "unchanged"
        try:
            with _time_limit():
                used = self._used(self.mutated)
            outcome = "unchanged for the trainer"
            if used != self.used:
                problems.append("the trainer would begin on it")
        except UserError as error:
            outcome = "refused by the trainer"
            if "\n" in str(error) or "\x1b" in str(error):
                problems.append("the trainer's message is not one printable line")
        except Exception:
            problems.append(f"trainer: {traceback.format_exc(limit=-1).splitlines()[-1][:200]}")
        if problems:
            self.part.fail(f"{name}: {'; '.join(problems)}")
        else:
            self.part.add(outcome)

    def _of_value(self) -> tuple[str, bytes]:
        return mutate_value(self.draw, json.loads(self.content))

    def _of_bytes(self) -> tuple[str, bytes]:
        return mutate_bytes(self.draw, self.content)

    def _used(self, folder: Path) -> dict[str, Any]:
        """What a training takes from a records folder and can check: ids, counts and files. A label may be any text."""
        records = open_records_folder(str(folder))
        check_shards(records)
        return {
            "labels": len(records.labels),
            "rows": {split: summary.rows for split, summary in records.splits.items()},
            "shards": {split: [shard.sha256 for shard in summary.shards] for split, summary in records.splits.items()},
            "ids": records.vocabulary_size,
            "length": records.sequence.max_length,
        }


def _problem_of(arguments: list[str]) -> str | None:
    """What is wrong with how a command ends; None if it is refused in one line, or shows the folder."""
    output, errors = io.StringIO(), io.StringIO()
    try:
        with _time_limit(), contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
            status = pipeline_main(arguments)
    except BaseException:
        return f"{arguments[0]}: {traceback.format_exc(limit=-1).splitlines()[-1][:200]}"
    if status not in (0, 1, 2, 3):
        return f"{arguments[0]}: status {status}"
    if "\x1b[31m" in output.getvalue() + errors.getvalue():
        return f"{arguments[0]}: an escape sequence came through"
    if status == 2 and len(errors.getvalue().splitlines()) != 1:
        return f"{arguments[0]}: {len(errors.getvalue().splitlines())} lines"
    return None


def run(tries: int, folder: Path, seed: int) -> Part:
    """Makes `tries` mutations."""
    soak = _Soak(folder, seed)
    for _ in range(tries):
        soak.mutate()
    return soak.part
