"""Texts -> assets.extra/tf_serving_warmup_requests: requests that TensorFlow Serving sends when it loads the model.

The first request to a signature takes 0.2 s longer, because the graph is set up. With these, no client waits for it.
"""

from collections.abc import Sequence

import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from pipeline.contract import TEXT
from trainer.savedmodel.signatures import EMBEDDINGS, EXAMPLES, SERVE_EXAMPLES, SERVING_DEFAULT, TOKEN_IDS


def write_warmup(path: str, texts: Sequence[bytes]) -> None:
    """Writes two requests for each signature: the first text alone, and all texts as one batch."""
    with tf.io.TFRecordWriter(path) as file:
        for batch in (list(texts[:1]), list(texts)):
            examples = [_example(text) for text in batch]
            for signature, name, values in (
                (SERVING_DEFAULT, TEXT, batch),
                (SERVE_EXAMPLES, EXAMPLES, examples),
                (TOKEN_IDS, TEXT, batch),
                (EMBEDDINGS, TEXT, batch),
            ):
                file.write(_log(signature, name, values).SerializeToString())


def _example(text: bytes) -> bytes:
    feature = tf.train.Feature(bytes_list=tf.train.BytesList(value=[text]))
    return tf.train.Example(features=tf.train.Features(feature={TEXT: feature})).SerializeToString()


def _log(signature: str, name: str, values: Sequence[bytes]) -> PredictionLog:
    request = PredictRequest()
    request.model_spec.signature_name = signature
    request.inputs[name].CopyFrom(tf.make_tensor_proto(values, tf.string))
    return PredictionLog(predict_log=PredictLog(request=request))
