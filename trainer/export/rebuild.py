"""An exported model -> its parts as they were before the export: the Keras model, the transform graph, the model card.

Model and graph give the same numbers as those of the training, bit for bit. So a model can be exported again with
another decision, without its records and without a training.
"""

from pydantic import ValidationError

from pipeline.errors import UserError
from trainer import files
from trainer.decision.decision import Decision
from trainer.evaluation.metrics import Metrics
from trainer.export.text_to_ids import TextToIds
from trainer.model.classifier import TextClassifier, build_model
from trainer.model_card import Card, with_decision
from trainer.ngrams.kinds import NgramKinds
from trainer.ngrams.side import NgramSide
from trainer.savedmodel.loading import ExportedModel
from trainer.savedmodel.model_info import CARD_JSON_FILE


def keras_model(exported: ExportedModel) -> TextClassifier:
    """The Keras model, with the exported weights.

    Raises:
      UserError: the weights are not those of the model that model.json describes.
    """
    info = exported.info
    model = build_model(info.vocabulary.top_words, info.model, scheme=info.scheme, padding=info.sequence.padding)
    given, needed = exported.weights, model.weights
    if [value.shape for value in given] != [tuple(variable.shape) for variable in needed]:
        raise UserError(f"--model: {exported.folder} has weights of another shape than its settings; export it again")
    for variable, value in zip(needed, given, strict=True):
        variable.assign(value)
    if info.model.ngrams:
        model.ngrams = NgramSide(exported.ngrams, kinds=NgramKinds.of(info.model))
    return model


def text_to_ids_of(exported: ExportedModel) -> TextToIds:
    """The transform graph with its vocabulary.

    Raises:
      UserError: the export does not hold it as an object of its own.
    """
    return TextToIds(exported.transform_graph)


def card_of(exported: ExportedModel, decision: Decision, *, metrics: Metrics | None) -> Card | None:
    """The model card of the export with another decision; None if it has none that can be read.

    metrics: of the test split with this decision, None if there are none.
    """
    try:
        card = Card.model_validate_json(files.read(files.join(exported.folder, CARD_JSON_FILE)))
    except (OSError, ValidationError):  # an earlier version wrote none, and people may edit or remove it
        return None
    return with_decision(card, decision, metrics=metrics)
