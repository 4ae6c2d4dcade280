"""The records folder's transform graph -> texts to ids, as a part of a module that is saved again.

The graph is the one that made the records, and only what leads from text to ids is taken from it. One thing is changed:
it fills its table in the very function that looks words up, so that each call counts the vocabulary's lines again
(1.1 ms a text with 5,000 words, 32 ms with a million). Here the table is filled once, when the model is loaded.
"""

import hashlib
from typing import NamedTuple

import tensorflow as tf

from pipeline.contract import IDS, LABEL, POSITION, TEXT, TRANSFORM_FOLDER, VOCABULARY_FILE
from trainer import files

_FILL_TABLE = "InitializeTableFromTextFileV2"


class TextToIds(tf.Module):
    """string [batch] -> int64 [batch, max_length], with the vocabulary as its asset."""

    def __init__(self, records_folder: str, *, scratch_folder: str) -> None:
        """`scratch_folder` holds a copy of the vocabulary, and must stay until the module has been saved."""
        super().__init__(name="text_to_ids")
        graph, table = _read(records_folder)
        self.table = _own_table(table, scratch_folder=scratch_folder)
        self._graph = graph
        self._handle = table.handle

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string)], autograph=False)
    def __call__(self, text: tf.Tensor) -> tf.Tensor:
        """string [batch] -> int64 [batch, max_length]."""
        (ids,) = tf.graph_util.import_graph_def(
            self._graph.definition,
            input_map={self._graph.text: text, self._handle: self.table.resource_handle},
            return_elements=[self._graph.ids],
            name="",
        )
        return tf.ensure_shape(ids, [None, self._graph.max_length])


class _Graph(NamedTuple):
    """The nodes between text and ids, and the names of the tensors at both ends."""

    definition: tf.compat.v1.GraphDef
    text: str
    ids: str
    max_length: int


class _Table(NamedTuple):
    """How the graph reads its vocabulary: the file, its columns, and the name of the tensor with the table's handle."""

    path: str
    key_index: int
    value_index: int
    delimiter: str
    handle: str


def pipeline_ids(records_folder: str, texts: list[bytes]) -> tf.Tensor:
    """The ids that the pipeline's own graph, as it stands in the records folder, gives: int64 [texts, max_length]."""
    graph = tf.saved_model.load(files.join(records_folder, TRANSFORM_FOLDER, "transform_fn"))
    zeros = tf.zeros([len(texts)], tf.int64)
    return graph.transform_fn({TEXT: tf.constant(texts, tf.string), POSITION: zeros, LABEL: zeros})[IDS]


def _read(records_folder: str) -> tuple[_Graph, _Table]:
    function = tf.saved_model.load(files.join(records_folder, TRANSFORM_FOLDER, "transform_fn")).transform_fn
    graph = function.graph
    (fill,) = [operation for operation in graph.get_operations() if operation.type == _FILL_TABLE]
    handle, path = fill.inputs
    captured = {inner.name: outer for outer, inner in graph.captures}
    table = _Table(
        path=captured[path.name].numpy().decode(),
        key_index=fill.get_attr("key_index"),
        value_index=fill.get_attr("value_index"),
        delimiter=fill.get_attr("delimiter").decode(),
        handle=handle.name,
    )
    # Arguments of a function stand in the order of their names.
    (arguments,), _ = function.structured_input_signature
    text = dict(zip(sorted(arguments), graph.inputs, strict=False))[TEXT]
    ids = graph.outputs[sorted(function.structured_outputs).index(IDS)]
    definition = _without_filling(graph.as_graph_def(), fill.name)
    needed = tf.compat.v1.graph_util.extract_sub_graph(definition, [ids.op.name])
    return _Graph(needed, text.name, ids.name, ids.shape[1]), table


def _without_filling(definition: tf.compat.v1.GraphDef, name: str) -> tf.compat.v1.GraphDef:
    kept = tf.compat.v1.GraphDef()
    kept.CopyFrom(definition)
    del kept.node[:]
    for node in definition.node:
        if node.name != name:
            copy = kept.node.add()
            copy.CopyFrom(node)
            copy.input[:] = [source for source in node.input if source != f"^{name}"]
    return kept


def _own_table(table: _Table, *, scratch_folder: str) -> tf.lookup.StaticHashTable:
    # TensorFlow shares tables of one path within a process, whatever the file holds by now: a path for each content.
    content = files.read(table.path)
    path = files.join(scratch_folder, hashlib.sha256(content).hexdigest(), VOCABULARY_FILE)
    files.write(path, content)
    words = tf.lookup.TextFileInitializer(
        path,
        key_dtype=tf.string,
        key_index=table.key_index,
        value_dtype=tf.int64,
        value_index=table.value_index,
        delimiter=table.delimiter,
    )
    # Unknown words get what the graph itself names; the table's own default is never asked for.
    return tf.lookup.StaticHashTable(words, default_value=0)
