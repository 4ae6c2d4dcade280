"""The texts of tf.train.Examples, through a SavedModel and both of its loaders."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from tests.support.tf_examples import serialized
from trainer.export.example_texts import texts_of_examples

Features = dict[str, Any]

# columns of the texts, the Examples' features, their texts
# fmt: off
TEXTS: list[tuple[list[str], list[Features], list[bytes]]] = [
    (["text"],          [{"text": b"a"}, {"text": b""}],                                [b"a", b""]),
    (["text"],          [],                                                             []),
    (["review"],        [{"review": b"a"}, {"text": b"b"}, {"review": b""}],            [b"a", b"b", b""]),
    (["review"],        [{"review": b"a", "text": b"b", "id": 7}],                      [b"a"]),  # its own name first
    (["review"],        [{"review": b"", "text": b"b"}],                                [b""]),
    (["review"],        [],                                                             []),
    (["title", "body"], [{"title": b"a", "body": b"b"}, {"body": b"b", "title": b""}],  [b"a b", b"b"]),
    (["body", "title"], [{"title": b"a", "body": b"b"}, {"text": b"c"}, {"title": b"\xff"}], [b"b a", b"c", b"\xff"]),
    (["title", "body"], [{"title": b"a", "text": b"c"}, {"title": b"", "body": b""}],   [b"a", b""]),
    (["title", "text"], [{"title": b"a", "text": b"b"}, {"text": b"b"}],                [b"a b", b"b"]),
    (["título 'x'"],    [{"título 'x'": b"a"}],                                         [b"a"]),
]
REFUSED: list[tuple[list[str], list[Features], str]] = [
    # columns of the texts, the Examples' features, what is said
    (["text"],          [{"review": b"a"}],              "text .* is required but could not be found"),
    (["review"],        [{"review": b"a"}, {}],          "must have one of the features review or text"),
    (["title", "body"], [{"label": 1}],                  "must have one of the features title or body or text"),
    (["review"],        [{"review": [b"a", b"b"]}],      "features review or text, with one value; one has several"),
    (["review"],        [{"review": 7}],                 "review.*Data types don't match"),
]
# fmt: on


class Served(tf.Module):
    """A module with the signature alone."""

    def __init__(self, columns: list[str]) -> None:
        super().__init__()
        self.function = tf.function(
            lambda examples: {"text": texts_of_examples(examples, text_columns=columns)},
            input_signature=[tf.TensorSpec([None], tf.string, name="examples")],
            autograph=False,
        )


def answers(columns: list[str], features: list[Features], folder: Path) -> Iterator[list[bytes]]:
    """The answers of each loader of the SavedModel."""
    served = Served(columns)
    tf.saved_model.save(served, str(folder), signatures={"texts": served.function})
    examples = [serialized(values) for values in features]
    signature = tf.saved_model.load(str(folder)).signatures["texts"]
    yield signature(examples=tf.constant(examples, tf.string))["text"].numpy().tolist()
    with tf.compat.v1.Session(graph=tf.Graph()) as session:
        names = tf.compat.v1.saved_model.load(session, ["serve"], str(folder)).signature_def["texts"]
        yield session.run(names.outputs["text"].name, {names.inputs["examples"].name: examples}).tolist()


@pytest.mark.parametrize(("columns", "features", "texts"), TEXTS)
def test_example_texts(columns: list[str], features: list[Features], texts: list[bytes], tmp_path: Path) -> None:
    assert list(answers(columns, features, tmp_path)) == [texts, texts]


@pytest.mark.parametrize(("columns", "features", "message"), REFUSED)
def test_example_texts_refuse(columns: list[str], features: list[Features], message: str, tmp_path: Path) -> None:
    found = answers(columns, features, tmp_path)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        next(found)
