"""A manifest with one thing wrong: whatever it is, one line names the key, and no reader goes on."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from pipeline.errors import UserError
from pipeline.records_folder import consistency
from pipeline.records_folder.manifest import MAX_MANIFEST_BYTES, checksum_of
from pipeline.records_folder.manifest_keys import described_keys
from pipeline.records_folder.reader import REMEDY, parse_manifest
from tests.support.manifests import SHA256, full_content

# Sections of the settings that decide nothing about the records; readers pass over them.
UNTYPED = re.compile(
    r"config\.(input|embedding|model|training|metrics|decision|export|compare)\..*|"
    r"config\.(embedding|model|training|metrics|decision|export|compare)"
)
# Objects whose keys are data: one less is another manifest, not a damaged one.
FREE_KEYS = re.compile(
    r"(versions|input\.(left_out(_examples)?|named_splits|mapped_labels)|duplicates\.\w+\.(splits|most_frequent)|"
    r"unlabelled\.duplicates\.in_splits|rejected\.(by_reason|asked_for|examples)|quality\.findings|"
    r"telling_words\.labels|splits\.\w+\.weights\.labels)\.[\w ]+|"
    r"rejected\.examples\.no text\.0\.(reason|content|id)"
)
# Settings that folders of earlier versions do not have. Without one the settings are not those that were hashed.
LATER_SETTINGS = re.compile(
    r"config\.(split\.(group_column|time_column|eval_from|test_from|stratify|duplicates)|text\.punctuation|"
    r"vocabulary\.count_unlabelled)"
)
# Keys that folders of earlier versions do not have either.
LATER_KEYS = re.compile(
    r"input\.(tables|left_out_examples|lake_tables|named_splits|left_out_rows|mapped_labels|repeated_headers|"
    r"spanning_rows)|"
    r"rejected\.asked_for|groups|record(\..*)?|label_sets(\..*)?|samples\.0\.labels|splits\.\w+\.(no_labels|weights)|"
    r"duplicates\.(near|\w+\.most_frequent)(\..*)?"
)
# key, a value of another type that is right
VALID: list[tuple[str, Any]] = [
    ("files", None),
    ("checksum", None),
    ("groups", None),
    ("label_sets", None),
    ("input.tables.0.query_bytes", None),
    ("vocabulary.cache", None),
    ("config.split.column", None),
    ("config.vocabulary.cache", None),
    ("config.output.shards", 7),
    *[(f"splits.{split}.weights.squares", 7) for split in ("train", "eval", "test")],
    *[("telling_words.labels.good.0.score", score) for score in (7, 2**63)],
]

WHOLE = json.dumps(full_content())
WRONG: list[Any] = [None, True, 7, -1, 1.5, -0.5, 2**63, 10**400, "x", "\ud800", "", [], [None], {}, {"x": None}]


def keys(value: Any, path: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(path, the object or list that holds the key, the key) of every key, of the first item of each list."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value[:1]))
    for key, inner in items:
        name = f"{path}{key}"
        yield name, value, key
        if isinstance(inner, dict | list):
            yield from keys(inner, f"{name}.")


def changed(name: str, change: Callable[[Any, Any], object]) -> dict[str, Any]:
    """The whole manifest, after `change` of the object or list that holds a key."""
    content: dict[str, Any] = json.loads(WHOLE)
    *outer, last = (int(key) if key.isdigit() else key for key in name.split("."))
    holder: Any = content
    for key in outer:
        holder = holder[key]
    change(holder, last)
    return content


def setter(value: Any) -> Callable[[Any, Any], None]:
    return lambda holder, key: holder.__setitem__(key, value)


def refusal(content: Any) -> str:
    with pytest.raises(UserError) as raised:
        parse_manifest(content if isinstance(content, bytes) else json.dumps(content).encode(), path="manifest.json")
    message = str(raised.value)
    assert message.isprintable()
    assert len(message) < 500
    assert message.startswith("manifest.json")
    assert message.endswith(REMEDY)
    return message


def test_mutations_begin_with_a_manifest_that_has_every_key() -> None:
    parse_manifest(WHOLE.encode(), path="manifest.json")
    paths = {re.sub(r"\.\d+", "[]", name) for name, _, _ in keys(full_content())}
    for key in described_keys():
        pattern = re.sub(r"<\w+>", r"[\\w ]+", re.escape(key.path).replace(r"\<", "<").replace(r"\>", ">"))
        assert any(re.fullmatch(pattern, path) for path in paths), key.path


def test_mutations_without_a_key_name_it() -> None:
    for name in [name for name, holder, _ in keys(full_content()) if isinstance(holder, dict)]:
        if any(those.fullmatch(name) for those in (UNTYPED, FREE_KEYS, LATER_KEYS)) or name == "files":
            continue
        message = refusal(changed(name, lambda holder, key: holder.pop(key)))
        if name == "format_version":
            assert "format_version is null" in message
        elif re.fullmatch(r"splits\.\w+\.labels\.\w+", name):
            assert f"{name.rpartition('.')[0]} add up to 1 rows" in message
        elif LATER_SETTINGS.fullmatch(name):
            assert "checksum is not that of labels, config and splits" in message
        else:
            assert f"{name} is missing" in message


def same(value: Any, wrong: Any) -> bool:
    """Whether a value of the type of `wrong` may be right at this place."""
    return type(value) is type(wrong) and wrong not in (-1, -0.5, 2**63, 10**400, "\ud800")


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: repr(wrong)[:12])
def test_mutations_to_another_value_name_the_key(wrong: Any) -> None:
    for name, value in [(name, holder[key]) for name, holder, key in keys(full_content())]:
        if UNTYPED.fullmatch(name) or same(value, wrong) or (name, wrong) in VALID:
            continue
        message = refusal(changed(name, setter(wrong)))
        holder_name, _, last = name.rpartition(".")
        is_named = name in message or f"{holder_name}: {last} is" in message  # the latter: settings check themselves
        assert is_named or (wrong == "\ud800" and "half a character" in message), (name, message)


# what it is, content
NOT_JSON = {
    "empty": b"",
    "cut": WHOLE.encode()[:-9],
    "a list": b"[]",
    "null": b"null",
    "NaN": json.dumps(full_content() | {"coverage": [[1, float("nan")]]}).encode(),
    "Infinity": json.dumps(full_content() | {"coverage": [[1, float("inf")]]}).encode(),
    "1e999": WHOLE.replace("0.1667", "1e999").encode(),
    "4301 digits": WHOLE.replace("0.1667", "1" * 4301).encode(),
    "deep list": b"[" * 100_000,
    "deep object": b'{"format_version": 1, "a":' + b'{"a":' * 100_000,
    "deep and whole": WHOLE[:-1].encode() + b', "a": ' + b"[" * 500 + b"]" * 500 + b"}",
    "key twice": WHOLE[:-1].encode() + b', "labels": ["bad", "good"]}',
    "not UTF-8": WHOLE.replace("a fine film", "a f\xefne film").encode("latin-1"),
    "a raw control character": WHOLE.replace("a fine film", "a\x07fine film").encode(),
    "UTF-16": WHOLE.encode("utf-16"),
    "too large": WHOLE.encode() + b" " * MAX_MANIFEST_BYTES,
}


@pytest.mark.parametrize("content", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_mutations_of_the_text_are_refused(content: bytes) -> None:
    refusal(content)


def test_mutations_message_obeys_no_label() -> None:
    content = full_content()
    content["labels"][0] = "\x1b[31m\u202e" * 1000
    assert refusal(content).count("\x1b") == 0


# what contradicts what: path, value, part of the message
CONTRADICTIONS: list[tuple[str, Any, str]] = [
    ("labels.1", "bad", "labels.1 is 'bad', as labels.0 is"),
    ("labels", ["good", "other"], "splits.train.labels has 'bad', which labels does not have"),
    ("splits.eval.rows", 3, "splits.eval.rows is 3, but its shards hold 2 records"),
    ("splits.test.labels.bad", 2, "splits.test.labels add up to 3 rows, but splits.test.rows is 2"),
    ("splits.train.lengths.0", [0, 2], "splits.train.lengths add up to 3 texts"),
    ("splits.train.truncated_texts", 3, "splits.train.truncated_texts is 3, but splits.train.rows is 2"),
    ("splits.train.unknown_tokens", 5, "splits.train.unknown_tokens is 5, but splits.train.tokens is 4"),
    ("splits.train.shards.0.records", 9, "splits.train.rows is 2, but its shards hold 9 records"),
    ("splits.train.shards.0.path", "../records/train-00000-of-00001.tfrecord.gz", "should be records/train-00000-of-"),
    ("splits.train.shards.0.path", "/etc/passwd", "should be records/train-00000-of-00001.tfrecord.gz"),
    ("splits.train.shards.0.path", "records/eval-00000-of-00001.tfrecord.gz", "should be records/train-00000-of-"),
    ("config.output.compression", "none", "should be records/train-00000-of-00001.tfrecord"),
    ("vocabulary.size", 9, "vocabulary.size is 9, but config.vocabulary.top_words 9 leaves room for 8 words"),
    ("config.vocabulary.top_words", 3, "vocabulary.size is 3, but config.vocabulary.top_words 3"),
    ("vocabulary.from", None, "vocabulary.from is null, but config.vocabulary.from is 'words.txt'"),
    ("config.vocabulary.from", None, "vocabulary.from is an object, but config.vocabulary.from is null"),
    ("vocabulary.from.last_id", 9, "vocabulary.from.last_id is 9, but config.vocabulary.top_words is 9"),
    ("config.sequence.max_length", 4, "samples.0.ids has 3 ids, but config.sequence.max_length is 4"),
    ("samples.0.ids.0", 9, "samples.0.ids has 9, but config.vocabulary.top_words is 9"),
    ("unlabelled", None, "unlabelled is missing, but config.input.unlabelled is 'more.txt'"),
    ("config.input.unlabelled", None, "unlabelled is an object, but config.input.unlabelled is null"),
    ("unlabelled.rows", 3, "unlabelled.rows is 3, but its shards hold 2 records"),
    ("unlabelled.shards.0.path", "records/train-00000-of-00001.tfrecord.gz", "should be records/unlabelled-00000-of-"),
    ("unlabelled.lengths.0", [0, 2], "unlabelled.lengths add up to 3 texts"),
    ("unlabelled.duplicates.in_splits.train", 3, "in_splits.train is 3, but unlabelled.rows is 2"),
    ("samples.0.label", "other", "samples.0.label is 'other', which labels does not have"),
    ("vocabulary.sha256", "0" * 64, f"vocabulary.sha256 is {'0' * 64}, but files has {SHA256}"),
    ("files", [], "files has no vocabulary.tsv"),
    *[
        ("files.1.path", path, f"files.1.path is {path!r}; it should be vocabulary.tsv or a file below transform/")
        for path in ("transform/../../x", "/transform/x", "transform", "transform/", "transform//x", "transform/./x",
                     "records/x", "../vocabulary.tsv")
    ],
    ("files.1.path", "transform/a\0b", "files.1.path is "),
    ("files.1.path", "vocabulary.tsv", "files.1.path is 'vocabulary.tsv' for a second time"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "message"), CONTRADICTIONS)
def test_mutations_that_contradict_the_rest_are_named(name: str, value: Any, message: str) -> None:
    assert message in refusal(changed(name, setter(value)))


# a change that no other key contradicts
OTHER_MEANING: list[tuple[str, Any]] = [
    ("labels", ["good", "bad"]),  # each label has one row
    ("config.text.split", "space"),
    ("config.vocabulary.top_words", 10),
    ("config.sequence.truncating", "post"),
    ("config.training.epochs", 7),
    ("splits.train.shards.0.sha256", "0" * 64),
    ("splits.eval.tokens", 5),
    ("checksum", "0" * 64),
]


@pytest.mark.parametrize(("name", "value"), OTHER_MEANING)
def test_mutations_of_the_meaning_are_known_by_the_checksum(name: str, value: Any) -> None:
    assert "checksum is not that of labels, config and splits" in refusal(changed(name, setter(value)))


def test_mutations_that_change_no_value_are_read() -> None:
    content = json.loads(WHOLE)
    pretty = json.dumps({"later": 1, **content}, indent=4, ensure_ascii=False)
    assert parse_manifest(pretty.encode(), path="") == parse_manifest(WHOLE.encode(), path="")


def test_mutations_of_a_folder_of_yesterday_may_lack_keys_with_a_default() -> None:
    content = full_content()
    for key in (
        "files",
        "checksum",
        "coverage",
        "rejected",
        "duplicates",
        "quality",
        "telling_words",
        "samples",
        "advice",
    ):
        del content[key]
    manifest = parse_manifest(json.dumps(content).encode(), path="manifest.json")
    assert (manifest.files, manifest.samples, manifest.coverage) == (None, [], [])


def test_mutations_of_a_folder_of_yesterday_may_lack_later_fields(monkeypatch: pytest.MonkeyPatch) -> None:
    content = full_content()
    del content["duplicates"]["exact"]["across"][0]["conflicting"]  # in a list
    del content["config"]["text"]["split"]  # a setting
    content["checksum"] = checksum_of(content)
    assert "config.text.split is missing" in refusal(content)
    monkeypatch.setattr(consistency, "_LATER_FIELDS", {"SharedTexts.conflicting", "TextSettings.split"})
    parse_manifest(json.dumps(content).encode(), path="manifest.json")


def test_mutations_of_a_folder_without_text_punctuation_mean_none() -> None:
    content = full_content()
    del content["config"]["text"]["punctuation"]
    content["checksum"] = checksum_of(content)
    assert parse_manifest(json.dumps(content).encode(), path="manifest.json").config.text.punctuation == ""
