"""The schema of MODEL_CARD.json. Each key's meaning is stated once, in its `description`.

In: the parts, in Python's types. Out: one checked, frozen object. Keys keep their meaning within a `format_version`.
"""

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from pipeline.config.input_settings import LabelKind
from pipeline.contract import Split
from pipeline.records_folder.manifest_types import Count, Finding, Package, Reason, Sha256, Share, Weight

FORMAT_VERSION: Final = 1

Section = Annotated[str, "section"]


class CardPart(BaseModel):
    """A part of the card: frozen, without unknown keys and without numbers that are infinite or NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Task(CardPart):
    """What the model answers."""

    labels: list[str] = Field(description="The labels, in the order of its scores.")
    several_labels: bool = Field(description="Whether a text may have any number of them.")
    label_kind: LabelKind = Field(description="`ordinal`: the labels are numbers with an order.")
    weighted: bool = Field(description="Whether the rows had weights.")


class SplitData(CardPart):
    """A split of the data; the shares are of its texts or tokens."""

    rows: Count = Field(description="Its rows.")
    no_labels: Count = Field(description="Those of them that have none of the labels.")
    tokens: Count = Field(description="Tokens of its texts.")
    unknown_tokens: Share = Field(description="The share of the tokens that are not in the vocabulary.")
    truncated_texts: Share = Field(description="The share of the texts that were longer than `sequence.max_length`.")
    empty_texts: Share = Field(description="The share of the texts without a word of the vocabulary.")
    weight: Weight | None = Field(description="The sum of its rows' weights; `null` without weights.")
    effective_rows: Weight | None = Field(
        description="The effective sample size: (sum of the weights)² / sum of their squares. `null` without weights."
    )


class LabelData(CardPart):
    """The rows of a label."""

    label: str = Field(description="Its name.")
    rows: dict[Split, Count] = Field(description="Its rows by split.")
    share: Share = Field(
        description="Its share of the train rows. With several labels the shares add up to more than 1."
    )
    weight_share: Share | None = Field(description="Its share of the train weight; `null` without weights.")


class VocabularyData(CardPart):
    """The words that the model knows."""

    words: Count = Field(description="Words in the vocabulary.")
    known_tokens: Share = Field(description="The share of the counted tokens that they are.")
    sha256: Sha256 = Field(description="SHA-256 of vocabulary.tsv.")


class SharedRows(CardPart):
    """Rows of a split whose text is in another split too."""

    splits: tuple[Split, Split] = Field(description="The two splits.")
    how: str = Field(
        description="`equal`; `equal_but_for_form`: case, punctuation or white space differ; `nearly_equal`: estimated."
    )
    rows: Count = Field(description="Rows of the second split.")
    share: Share = Field(description="Their share of the second split.")


class FindingData(CardPart):
    """A quality of the texts."""

    share: Share = Field(description="The share of the texts that have it.")
    exact: bool = Field(description="Whether all texts were examined; if not, the share is an estimate.")


class Data(CardPart):
    """What the model learnt from and was measured on."""

    manifest: Sha256 = Field(description="SHA-256 of the manifest.json of its records folder: it names the data.")
    splits: dict[Split, SplitData] = Field(description="By split; splits without rows are left out.")
    labels: list[LabelData] = Field(description="By label, in the order of the scores.")
    vocabulary: VocabularyData = Field(description="The words that it knows.")
    unlabelled_rows: Count = Field(description="Texts without labels beside them, of `input.unlabelled`.")
    rejected: dict[Reason, Count] = Field(description="Rows of the input that could not be used, by reason.")
    left_out: Count = Field(description="Rows that `input.label_map` leaves out.")
    shared: list[SharedRows] = Field(description="Texts that two splits share.")
    findings: dict[Finding, FindingData] = Field(
        description="Qualities that texts have, by the names of manifest.json; those that no text has are left out."
    )


class GivenVectors(CardPart):
    """The word vectors that the embedding started from, and what they have of the vocabulary."""

    file: str = Field(description="The name of the file.")
    sha256: Sha256 = Field(description="SHA-256 of the file.")
    format: str = Field(description="`GloVe text`, `word2vec text` (also fastText's .vec) or `word2vec binary`.")
    vectors: Count = Field(description="Vectors in the file.")
    dim: Count = Field(description="Numbers of a vector.")
    words: Share = Field(description="The share of the vocabulary's words that have a vector there.")
    tokens: Share | None = Field(description="The share of their tokens; `null` if no token was counted.")


class SelfTraining(CardPart):
    """The texts without labels that an earlier model labelled, and that this one learnt from too."""

    texts: Count = Field(description="How many there were.")
    mean_weight: float = Field(description="The mean of their weights, 0 to 1: how sure the earlier model was.")
    labels: dict[str, Count] = Field(description="How many got each label.")


class Training(CardPart):
    """How the training went."""

    epochs: Count = Field(description="Epochs that it ran.")
    best_epoch: Count = Field(description="The epoch whose weights the model has, from 1.")
    vectors: GivenVectors | None = Field(
        None, description="What the embedding started from; `null` without `embedding.from`."
    )
    self_training: SelfTraining | None = Field(
        None, description="What `training.self_training` added, whose epochs are then meant; `null` without it."
    )


class Figure(CardPart):
    """A metric."""

    name: str = Field(description="Its key in metrics.json.")
    value: float = Field(description="Its value, each row counted once.")
    interval: tuple[float, float] | None = Field(
        description="Wilson's interval at 95 %, if it is a share of rows; else `null`."
    )
    weighted: float | None = Field(description="Its value with the rows' weights; `null` without weights.")


class LabelFigures(CardPart):
    """The metrics of a label."""

    label: str = Field(description="Its name.")
    rows: Count = Field(description="Rows that have it.")
    figures: list[Figure] = Field(description="`precision`, `recall`, `f1` and others.")


class Measured(CardPart):
    """The metrics of held-out texts."""

    split: Split = Field(description="The split that was measured.")
    rows: Count = Field(description="Its rows.")
    effective_rows: Weight | None = Field(description="The effective sample size of its rows; `null` without weights.")
    figures: list[Figure] = Field(description="Of all rows.")
    labels: list[LabelFigures] = Field(description="By label.")


class LabelDecision(CardPart):
    """How a label is decided, and the price of it on the held-out texts."""

    label: str = Field(description="Its name.")
    threshold: float | None = Field(
        description="The score from which on it is decided; `null` for none, above 1 if it never is."
    )
    precision: Share | None = Field(description="The share of the texts that get it and have it; `null`: none gets it.")
    recall: Share | None = Field(description="The share of the texts that have it and get it; `null`: none has it.")
    decided: Share | None = Field(description="The share of all texts that get it; `null` if none were measured.")


class Calibration(CardPart):
    """How honest the scores are on the held-out texts."""

    error_before: Share = Field(description="The expected calibration error of the network's own scores.")
    error_after: Share = Field(description="That of the exported model's scores.")
    loss_before: float = Field(description="The mean cross-entropy of the network's own scores, in nats.")
    loss_after: float = Field(description="That of the exported model's scores.")


class DecisionData(CardPart):
    """How scores become labels. The settings are in `settings.decision`."""

    temperature: float = Field(description="What the network's logits are divided by; 1 changes nothing.")
    class_weights_taken_out: bool = Field(
        description="Whether the scores are again those of the data's own shares, after `training.class_weight`."
    )
    abstained: Share | None = Field(description="The share of held-out texts without an answer; `null`: not measured.")
    accuracy: Share | None = Field(description="The share of right answers among the others; `null`: not measured.")
    mean_cost: float | None = Field(description="The mean cost of an answer; `null` without `decision.costs`.")
    mean_cost_of_most_probable: float | None = Field(description="That of answering the most probable label instead.")
    labels: list[LabelDecision] = Field(description="By label.")
    calibration: Calibration | None = Field(description="`null` if scores are the network's own, or not measured.")


class SliceFigures(CardPart):
    """The held-out texts with one value of a column, or of some length."""

    by: str = Field(description="The name in `metrics.slices`.")
    value: str | None = Field(description='The value, "" where it is missing; `null`: all values that are too rare.')
    rows: Count = Field(description="Its rows.")
    accuracy: Share = Field(description="The share of right answers; with several labels of texts with all right.")
    interval: tuple[float, float] = Field(description="Wilson's interval of it at 95 %.")
    weighted: Share | None = Field(description="The accuracy with the rows' weights; `null` without weights.")


class Card(CardPart):
    """The whole file."""

    format_version: int = Field(FORMAT_VERSION, description="Of this file.")
    task: Task = Field(description="What the model answers.")
    data: Data = Field(description="What it learnt from and was measured on.")
    training: Training = Field(description="How the training went.")
    measured: Measured | None = Field(description="The metrics of held-out texts; `null` if there were none.")
    decision: DecisionData | None = Field(
        description="How scores become labels; `null`: the most probable one, by the network's own scores."
    )
    slices: list[SliceFigures] = Field(description="The metrics by slice, those of each name from the worst on.")
    limits: list[str] = Field(description="What was seen in the data that limits the model, a sentence each.")
    settings: dict[Section, dict[str, Any]] = Field(description="All settings that decide on the model, by section.")
    versions: dict[Package, str] = Field(description="Of TextRecords, Python and the packages that trained it.")
