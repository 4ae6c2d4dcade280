"""Serialized tf.train.Examples -> their texts, as a graph of TensorFlow's own operations."""

from collections.abc import Sequence

import tensorflow as tf

from pipeline.contract import TEXT


def texts_of_examples(examples: tf.Tensor, *, text_columns: Sequence[str]) -> tf.Tensor:
    """Serialized Examples, string [batch] -> texts, string [batch].

    A text is in the features that input.text_column named, one bytes value each: several are joined by a space, and one
    that is missing or empty is left out, as in training (`pipeline.sources.formats.values.joined`). An Example that has
    none of them has its text in the feature `text`.

    Raises:
      InvalidArgumentError: an Example has neither, or a feature has several values; nothing is answered then.

    >>> one = tf.train.Example()
    >>> one.features.feature["title"].bytes_list.value.append(b"A film")
    >>> one.features.feature["body"].bytes_list.value.append(b"It is good")
    >>> texts_of_examples(tf.constant([one.SerializeToString()]), text_columns=["title", "body"]).numpy().tolist()
    [b'A film It is good']
    """
    if list(text_columns) == [TEXT]:
        # Half the operations of the rest. TensorFlow's own message names the feature that an Example lacks.
        return tf.io.parse_example(examples, {TEXT: tf.io.FixedLenFeature([], tf.string)})[TEXT]
    names = list(dict.fromkeys([*text_columns, TEXT]))
    parsed = tf.io.parse_example(examples, {name: tf.io.RaggedFeature(tf.string) for name in names})
    counts = tf.stack([parsed[name].row_lengths() for name in names])  # int64 [names, batch]
    message = f"serve_examples: an Example must have one of the features {' or '.join(names)}"
    is_one = tf.reduce_all(tf.reduce_any(counts > 0, axis=0))
    is_single = tf.reduce_all(counts <= 1)
    checks = [
        tf.debugging.Assert(is_one, [message]),
        tf.debugging.Assert(is_single, [f"{message}, with one value; one has several"]),
    ]
    with tf.control_dependencies(checks):
        text = _joined([parsed[name] for name in text_columns])
        if TEXT in text_columns:
            return text
        has_columns = tf.reduce_any(counts[: len(text_columns)] > 0, axis=0)
        return tf.where(has_columns, text, _joined([parsed[TEXT]]))


def _joined(parts: Sequence[tf.RaggedTensor]) -> tf.Tensor:
    """Ragged strings [batch, 0 to 1] -> string [batch], the parts that are not empty with a space between them."""
    together = tf.concat(parts, axis=1)
    filled = tf.ragged.boolean_mask(together, tf.strings.length(together) > 0)
    return tf.strings.reduce_join(filled, axis=1, separator=" ")
