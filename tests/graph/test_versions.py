"""Parts of the export that need no job: the certificate, version folders, paths without an exported model."""

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from pipeline.config.decision_settings import DecisionSettings
from pipeline.errors import UserError
from pipeline.records_folder.label_scheme import LabelScheme
from trainer.decision.decision import NO_DECISION, Decision
from trainer.export.certificate import Answers, Certificate, answers_of, dumps, loads
from trainer.export.comparison import compare
from trainer.savedmodel import versions
from trainer.savedmodel.loading import version_folder


def test_certificate_loads_what_it_dumps() -> None:
    texts = [b"", "\u2028 \u0085 \U0001f600".encode(), b"\xff\0", b'"\\\n\r']
    answers = Answers(np.arange(12).reshape(4, 3), np.array([[0.1, 0.9]] * 4, np.float32))
    content = dumps(Certificate(texts, answers))
    assert content.isascii()
    assert len(content.splitlines()) == 4
    loaded = loads(content, path="here")
    assert loaded.texts == texts
    np.testing.assert_array_equal(loaded.answers.ids, answers.ids)
    np.testing.assert_array_equal(loaded.answers.scores, answers.scores)


def test_certificate_of_a_model_without_decision_has_three_keys() -> None:
    """The bytes that exports had before there were decisions."""
    one = Certificate([b"a"], Answers(np.array([[0, 7]]), np.array([[0.25, 0.75]], np.float32)))
    assert dumps(one) == b'{"text": "a", "ids": [0, 7], "scores": [0.25, 0.75]}\n'


def test_certificate_holds_what_is_decided() -> None:
    scores = np.array([[0.25, 0.75], [0.5, 0.25]], np.float32)
    flags = np.array([[False, True], [True, False]])
    answers = Answers(np.array([[7], [8]]), scores, ["b", "a"], flags, flags[0], np.array([1.75, 1.25], np.float32))
    content = dumps(Certificate([b"x", b"y"], answers))
    assert content.splitlines()[1] == (
        b'{"text": "y", "ids": [8], "scores": [0.5, 0.25], "label": "a", "decided": [true, false], "abstains": true, '
        b'"rating": 1.25}'
    )
    loaded = loads(content, path="here").answers
    assert loaded.label == ["b", "a"]
    for name in ("ids", "scores", "decided", "abstains", "rating"):
        found, expected = getattr(loaded, name), getattr(answers, name)
        np.testing.assert_array_equal(found, expected)
        assert found.dtype == expected.dtype


# content of the file                                                     what is wrong with it
@pytest.mark.parametrize("content", [
    b"",                                                                # no line
    b"no JSON",
    b'{"text": "a", "ids": [1]}\n',                                     # no scores
    b'{"text": "a", "ids": [1], "scores": ["x"]}\n',
    b'{"text": "a", "ids": [1], "scores": [1]}\n{"text": "a", "ids": [1, 2], "scores": [1]}\n',  # of two lengths
    b"\xff",
    b'{"text": "a", "ids": [1], "scores": [NaN]}\n',
    b'{"text": "a", "ids": [1], "scores": [1e39]}\n',                   # infinite as float32
    b'{"text": "a", "ids": [9223372036854775808], "scores": [1]}\n',   # no int64
    b'{"text": "a", "ids": ["1"], "scores": [1]}\n',
    b'{"text_base64": "YQ=", "ids": [1], "scores": [1]}\n',
    b'{"ids": [1], "scores": [1]}\n',                                   # no text
    b'{"text": "a", "ids": [1], "scores": [1], "x": ' + b"[" * 9999,
    b'{"text": "a", "ids": [1], "scores": [1], "label": "a"}\n{"text": "b", "ids": [1], "scores": [1]}\n',
    b'{"text": "a", "ids": [1], "scores": [1], "decided": [1]}\n',
    b'{"text": "a", "ids": [1], "scores": [1], "abstains": 0}\n',
    b'{"text": "a", "ids": [1], "scores": [1], "rating": Infinity}\n',
])  # fmt: skip
def test_certificate_refuses_other_content(content: bytes) -> None:
    with pytest.raises(UserError, match="here is not a certificate"):
        loads(content, path="here")


def test_certificate_lists_the_differences() -> None:
    right = Certificate([b"good"], Answers(np.array([[0, 7]]), np.array([[0.25, 0.75]], np.float32)))
    ids, scores = right.answers[:2]
    # answers                                                          line
    cases = [
        (Answers(ids, scores + np.float32(9e-7)), []),
        (Answers(ids, scores * np.float32("nan")), ["text 0 ('good'): scores are [nan, nan], should be [0.25, 0.75]"]),
        (Answers(ids[:, :1], scores), ["ids have the shape (1, 1), should have (1, 2)"]),
        (Answers(ids, scores[:0]), ["scores have the shape (0, 2), should have (1, 2)"]),
    ]
    for answers, lines in cases:
        assert compare(right, answers).differences == lines


SCORES = np.array([[0.25, 0.75]], np.float32)
NEAR = np.array([[0.25000003, 0.7499999]], np.float32)  # below a threshold of 0.75, in the last digit
ONE = Decision(settings=DecisionSettings(threshold={"b": 0.75, "a": 0.5}), thresholds=[0.5, 0.75])
TWO_LABELS, SEVERAL = LabelScheme(("a", "b")), LabelScheme(("a", "b"), several=True)
STARS = LabelScheme(("1", "5"), kind="ordinal")
T, F = True, False

# labels, decision, right answers, answers, differences
DECIDED = [
    (TWO_LABELS, ONE, {"label": ["b"], "abstains": [F]}, {"label": ["b"], "abstains": [F]}, []),
    # a server with other thresholds, on the same scores
    (TWO_LABELS, NO_DECISION, {"label": ["b"]}, {"label": ["a"]}, ["label is a, should be b"]),
    (TWO_LABELS, NO_DECISION, {"label": ["b"], "abstains": [F]}, {"label": ["b"], "abstains": [T]},
     ["abstains is True, should be False"]),
    # 0.75 reaches 0.75, 0.7499999 does not
    (TWO_LABELS, ONE, {"label": ["b"], "abstains": [F]}, {"label": ["b"], "abstains": [T]}, []),
    (SEVERAL, NO_DECISION, {"label": ["b"], "decided": [[F, T]]}, {"label": ["b"], "decided": [[T, T]]},
     ["decided 0 is True, should be False"]),
    (SEVERAL, ONE, {"label": ["b"], "decided": [[F, T]]}, {"label": ["b"], "decided": [[F, F]]}, []),
    (SEVERAL, ONE, {"label": ["b"], "decided": [[F, T]]}, {"label": ["b"]}, ["there is no decided"]),
    (STARS, NO_DECISION, {"label": ["5"], "rating": [4.0]}, {"label": ["5"], "rating": [4.0000005]}, []),
    (STARS, NO_DECISION, {"label": ["5"], "rating": [4.0]}, {"label": ["5"], "rating": [4.1]},
     ["rating is 4.1, should be 4"]),
]  # fmt: skip


@pytest.mark.parametrize(("scheme", "decision", "right", "given", "lines"), DECIDED)
def test_certificate_compares_what_is_decided(
    scheme: LabelScheme, decision: Decision, right: dict[str, Any], given: dict[str, Any], lines: list[str]
) -> None:
    ids = [[7]]
    certificate = Certificate([b"x"], answers_of(ids, SCORES.tolist(), **right), scheme, decision)
    found = compare(certificate, answers_of(ids, NEAR.tolist(), **given)).differences
    assert [line.removeprefix("text 0 ('x'): ") for line in found] == lines


def test_certificate_never_takes_nan_as_right() -> None:
    ids, good, bad = np.array([[7]]), np.array([[0.5, 0.5]], np.float32), np.array([[0.5, np.nan]], np.float32)
    # right scores, answers, tolerance
    cases = [(good, bad, 1.0), (bad, good, 1.0), (bad, bad, 1.0), (good, good + 1, float("nan"))]
    for right, answers, tolerance in cases:
        comparison = compare(Certificate([b"a"], Answers(ids, right)), Answers(ids, answers), tolerance=tolerance)
        assert len(comparison.differences) == 1, (right, answers, tolerance)
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(Certificate([b"a"], Answers(ids, bad)))


def staged(path: str, content: str = "x") -> str:
    with versions.staging(path) as folder:
        (Path(folder) / "variables").mkdir()
        (Path(folder) / versions.SAVED_MODEL_FILE).write_text(content)
        return versions.publish(folder, path)


def test_versions_are_numbered_from_one(tmp_path: Path) -> None:
    path = tmp_path / "model"
    assert versions.newest_version(str(path)) is None
    assert [Path(staged(str(path))).name for _ in range(2)] == ["1", "2"]
    for name in ("9", "10", "011", "draft", "12.5"):  # 11 is the newest: the other names are not numbers
        (path / name).mkdir()
    assert versions.newest_version(str(path)) == str(path / "11")
    assert Path(staged(str(path))).name == "12"
    assert versions.newest_version(str(path)) == str(path / "12")
    assert (path / "12").stat().st_mode & 0o777 == 0o755  # the server may run as another user


def test_versions_do_not_replace_a_concurrent_export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = str(tmp_path)
    staged(path, "first")
    monkeypatch.setattr(versions, "_versions", lambda _: [])  # listed before the other export was published
    assert Path(staged(path, "second")).name == "2"
    assert (tmp_path / "1" / versions.SAVED_MODEL_FILE).read_text() == "first"


def test_versions_name_a_disk_error_after_the_rename(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename_and_fail(source: Path, target: Path) -> None:
        source.replace(target)
        raise OSError("the disk is gone")  # while the names in export.path are flushed

    monkeypatch.setattr(versions, "rename_durably", rename_and_fail)
    with pytest.raises(OSError, match="the disk is gone"):
        staged(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["1"]


def test_versions_of_a_killed_export_are_removed(tmp_path: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.getpid", lambda: ended.pid)
        unfinished = versions.staging(str(tmp_path))
        unfinished.__enter__()  # as a process that was killed: it is never left
    other = tmp_path / f".unpublished-elsewhere-{os.getpid()}-1"  # an export on another machine may still run
    own = tmp_path / f".unpublished-{socket.gethostname()}-{os.getpid()}-1"
    for folder in (other, own):
        folder.mkdir()
    (left,) = set(tmp_path.iterdir()) - {other, own}
    assert versions.newest_version(str(tmp_path)) is None
    staged(str(tmp_path))
    assert set(tmp_path.iterdir()) == {other, own, tmp_path / "1"}
    assert not left.exists()


def test_versions_in_an_object_store() -> None:
    path = "ram://versions/model"
    versions.check_writable(path)
    assert staged(path) == f"{path}/1"
    assert staged(path) == f"{path}/2"
    assert versions.newest_version(path) == f"{path}/2"
    assert tf.io.gfile.exists(f"{path}/2/{versions.SAVED_MODEL_FILE}")


def test_versions_refuse_a_path_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"export\.path: .*file can't be written: "):
        versions.check_writable(str(tmp_path / "file"))


def test_versions_leave_no_folder_on_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: str, content: bytes) -> None:
        raise OSError(28, "No space left on device", path, None, str(content))

    (tmp_path / "own").mkdir()
    monkeypatch.setattr("trainer.files.write", full)
    for name in ("new/model", "own"):
        with pytest.raises(UserError, match=f"export.path: {tmp_path}/{name} can't be written: No space left on"):
            versions.check_writable(str(tmp_path / name))
    assert os.listdir(tmp_path) == ["own"]


# files at the path                            message
@pytest.mark.parametrize(("names", "message"), [
    (None,                                     "is not a folder"),
    ([],                                       "holds no exported model"),
    (["saved_model.pb"],                       "is a SavedModel, but not one that"),
    (["1/saved_model.pb"],                     "is a SavedModel, but not one that"),
    (["1/variables/variables.index"],          "holds no exported model"),
])  # fmt: skip
def test_loading_refuses_a_path_without_a_model(tmp_path: Path, names: list[str] | None, message: str) -> None:
    path = tmp_path / "model"
    if names is not None:
        path.mkdir()
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).write_text("")
    with pytest.raises(UserError, match=message):
        version_folder(str(path))
