"""`training.self_training`: a trained model gives labels to the texts without; a second training learns from all.

    training.path                  the first training, as always
    training.path/self-training    the second: its record files (see `labelled_texts`), checkpoint, weights, history

The second goes on with the weights of the first, with the same settings but for the number of epochs, and n-grams are
learnt anew. The vectors are trained from its first step on, also with `embedding.trainable: after:N`. So the LSTM sees
more texts, and n-grams that no text with a label has get weights. On 5,000 held-out IMDB reviews an epoch of 67,000
texts gives the LSTM alone 0.894 from these weights, and 0.889 from fresh ones.

H. J. Scudder, "Probability of error of some adaptive pattern-recognition machines", 1965; D. Yarowsky, "Unsupervised
word sense disambiguation rivaling supervised methods", ACL 1995.
"""

import logging
from typing import NamedTuple

import tensorflow as tf

from pipeline.config.settings import Config, TrainingSettings
from pipeline.errors import UserError
from trainer import files
from trainer.data.records_folder import RecordsFolder
from trainer.decision.decision import Decision
from trainer.decision.graph import graph_scores
from trainer.devices.devices import Devices
from trainer.evaluation.scoring import ScoreFunction, score_function
from trainer.model.classifier import TextClassifier
from trainer.model.lstm_choice import choose_for_training
from trainer.training.class_weights import class_weights
from trainer.training.labelled_texts import Labelled, read_labelled, with_labelled, write_labelled
from trainer.training.run_folder import SELF_TRAINING_FOLDER

_log = logging.getLogger(__name__)


class SecondTraining(NamedTuple):
    """config: of the second training, whose settings ask for no third. records: with the labelled texts."""

    config: Config
    records: RecordsFolder
    labelled: Labelled


def refuse_without_texts(settings: TrainingSettings, records: RecordsFolder, devices: Devices) -> None:
    """
    Raises:
      UserError: there are no texts without labels, or several machines train.
    """
    unlabelled = records.manifest.unlabelled
    if unlabelled is None or not unlabelled.rows:
        raise UserError(
            f"training.self_training is {settings.self_training}, but {records.path} holds no texts without labels; "
            "make the records with input.unlabelled, or set training.self_training to 0"
        )
    if devices.cluster is not None:
        raise UserError(
            f"training.self_training is {settings.self_training}, and several machines train: it runs on one machine "
            "alone; set it to 0, or training.strategy to one"
        )


def second_training(
    config: Config, records: RecordsFolder, *, model: TextClassifier, run: str, resume: bool
) -> SecondTraining:
    """Gives labels to the texts without, and returns what the second training needs.

    model, run: of the first training. resume: take the labels that were given before, if they are all there.

    Raises:
      UserError: the records can't be read, or training.path can't be written.
    """
    settings = config.training
    folder = files.join(settings.path, SELF_TRAINING_FOLDER)
    then = "then go on with --resume: the first training is complete"
    with files.naming("training.path", folder, then=then, disk_errors_only=True):
        labelled = read_labelled(folder, run=run) if resume else None
        if labelled is None:
            _log.info("self-training: the model gives labels to the texts without")
            score = honest_score_function(model, records, settings)
            trim = config.model.mask_zero
            labelled = write_labelled(records, folder, score=score, trim=trim, run=run, seed=settings.seed)
    _log.info("self-training: %s", labelled.summary())
    second = settings.model_copy(update={"path": folder, "epochs": settings.self_training, "self_training": 0})
    # `after: N` was for the beginning, when the rest of the model was random.
    embedding = config.embedding.model_copy(update={"trainable": config.embedding.trainable is not False})
    return SecondTraining(
        config.model_copy(update={"training": second, "embedding": embedding}),
        with_labelled(records, folder, labelled),
        labelled,
    )


def honest_score_function(model: TextClassifier, records: RecordsFolder, settings: TrainingSettings) -> ScoreFunction:
    """A graph function: ids int64 [batch, length] -> scores float32 [batch, classes], in the order of the labels.

    They are those of a world in which labels are as frequent as in the train split: `training.class_weight` is divided
    out. Otherwise too many texts would get rare labels, which would then be weighed again.
    """
    scheme, run_lstm = records.scheme, choose_for_training(model, batch_size=settings.batch_size)
    weights = class_weights(settings.class_weight, scheme, records.splits["train"])
    if weights is None:
        return score_function(model, scheme, run_lstm=run_lstm)
    decision = Decision(prior_weights=weights)

    def scores(ids: tf.Tensor) -> tf.Tensor:
        logits = model.joined(model.logits(ids, run_lstm=run_lstm), ids)
        return graph_scores(logits, decision, scheme)

    compiled: ScoreFunction = tf.function(scores, input_signature=[tf.TensorSpec([None, None], tf.int64)])
    return compiled
