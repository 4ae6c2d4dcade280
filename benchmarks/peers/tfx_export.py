"""The same model with the same weights, exported as in TFX's examples: serialized tf.Examples -> scores.

The transform graph turns each text into max_length padded ids, and a plain Keras model reads them.
"""

import keras
import tensorflow as tf
import tensorflow_transform as tft

from trainer.model.classifier import TextClassifier


def plain_keras(model: TextClassifier, *, length: int) -> keras.Model:
    """Embedding -> LSTM -> Dense as in a book for beginners, with the weights of our model of two classes."""
    words, dim = model.embedding.embeddings.shape
    plain = keras.Sequential(
        [
            keras.layers.Embedding(words, dim, mask_zero=True),
            keras.layers.LSTM(model.lstm_layers[0].lstms[0].units),
            keras.layers.Dense(1, activation="sigmoid"),
        ]
    )
    plain(tf.zeros([1, length], tf.int64))
    plain.set_weights(model.get_weights())
    return plain


def export(model: TextClassifier, records: str, folder: str, *, length: int) -> None:
    """Saves the model. records: the records folder with the transform graph."""
    plain = plain_keras(model, length=length)
    plain.layers[1].use_cudnn = False
    module = tf.Module()
    module.transform = tft.TFTransformOutput(f"{records}/transform").transform_features_layer()
    module.variables_ = [variable.value for variable in plain.variables]

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    def serve(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        text = tf.io.parse_example(examples, {"text": tf.io.FixedLenFeature([], tf.string)})["text"]
        zeros = tf.zeros_like(text, tf.int64)
        ids = module.transform({"text": text, "position": zeros, "label": zeros})["ids"]
        positive = plain(ids, training=False)
        return {"scores": tf.concat([1 - positive, positive], axis=1)}

    tf.saved_model.save(module, folder, signatures={"serving_default": serve})
