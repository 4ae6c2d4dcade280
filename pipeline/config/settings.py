"""Every setting: its type, its bounds and its default, in frozen pydantic models, one a section of pipeline.yaml.

In: values of settings, as YAML gives them. Out: a Config, or pydantic's ValidationError; load.py makes one line of it.
The sections input and split are in input_settings.py. What a setting means is said in pipeline/config/pipeline.yaml, a
line a setting.
"""

import re
import string
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, model_validator
from typing_extensions import Self

from pipeline.config.decision_settings import ClassWeight, DecisionSettings, MetricsSettings
from pipeline.config.input_settings import InputSettings, SplitSettings
from pipeline.config.section import PathName, PathOrNone, Section
from pipeline.contract import Compression, Oov, max_words
from pipeline.support.strict_json import shown

# The default of Keras's Tokenizer: ASCII punctuation without the apostrophe, and tab and line feed.
KERAS_FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'

# All ids are below top_words, so an int32 holds them.
MAX_TOP_WORDS = 2**31 - 1

Side = Literal["pre", "post"]
Precision = Literal["float32", "mixed_float16", "mixed_bfloat16"]

_AFTER: Final = re.compile(r"after:([1-9]\d*)")


def _trainable(value: Any) -> Any:
    if isinstance(value, bool) or (isinstance(value, str) and _AFTER.fullmatch(value)):
        return value
    raise ValueError(f"trainable is {shown(value)}; use true, false, or after:2 to train it after the second epoch")


class TextSettings(Section):
    """How a text is normalized and split into tokens."""

    lowercase: bool = True
    strip_html: bool = False
    filters: str = KERAS_FILTERS
    punctuation: str = ""
    split: Literal["whitespace", "space", "character"] = "whitespace"

    @model_validator(mode="after")
    def punctuation_is_punctuation(self) -> Self:
        """Each character of `punctuation` is one of ASCII's 32, so no other step changes it."""
        others = [character for character in self.punctuation if character not in string.punctuation]
        if others:
            raise ValueError(
                f"punctuation has {others[0]!r}; it takes characters of {string.punctuation} alone, as '.,!?'"
            )
        if self.punctuation and self.split == "character":
            raise ValueError("punctuation has no meaning with split: character, where each character is a token")
        return self


class VocabularySettings(Section):
    """Which words get an id.

    `source` is the setting `from`, a word that Python reserves.
    """

    top_words: int = Field(5000, ge=3, le=MAX_TOP_WORDS)
    min_count: int = Field(1, ge=1, le=2**63 - 1)
    oov: Oov = "drop"
    source: PathOrNone = Field(None, alias="from")
    grow: bool = False
    cache: PathOrNone = None
    count_unlabelled: bool = False

    @model_validator(mode="after")
    def at_least_one_word(self) -> Self:
        """top_words leaves room for a word beside the reserved ids; `grow` needs a vocabulary to start from."""
        if max_words(self.top_words, self.oov) < 1:
            raise ValueError(f"top_words {self.top_words} leaves no room for a word; use 3 or more")
        if self.grow and self.source is None:
            raise ValueError("grow is true, but from names no vocabulary that could grow; set from, or grow to false")
        return self


class SequenceSettings(Section):
    """How the ids of a text become a record of fixed length."""

    max_length: int = Field(500, ge=1, le=1_000_000)
    padding: Side = "pre"
    truncating: Side = "pre"


class OutputSettings(Section):
    """Where and how records are written."""

    path: PathName = "out/records"
    shards: Literal["auto"] | int = "auto"
    compression: Compression = "gzip"
    seed: int = Field(0, ge=0, le=2**32 - 1)
    max_rejected: float = Field(0.01, ge=0, le=1)

    @model_validator(mode="after")
    def shard_count(self) -> Self:
        """The number of shards fits the five digits of a shard's file name."""
        if isinstance(self.shards, int) and not 1 <= self.shards <= 99_999:
            raise ValueError(f"shards is {self.shards}; use auto or a number from 1 to 99999")
        return self


class EmbeddingSettings(Section):
    """Where the vectors of words start, and when training changes them.

    `source` is the setting `from`, a word that Python reserves.
    """

    source: PathOrNone = Field(None, alias="from")
    trainable: Annotated[bool | str, BeforeValidator(_trainable)] = True

    def frozen_epochs(self, epochs: int) -> int:
        """Epochs at the beginning of a training of `epochs` in which the vectors stay as they are.

        >>> [EmbeddingSettings(trainable=value).frozen_epochs(5) for value in (True, "after:2", False)]
        [0, 2, 5]
        """
        if isinstance(self.trainable, bool):
            return 0 if self.trainable else epochs
        return min(epochs, int(self.trainable.partition(":")[2]))


class ModelSettings(Section):
    """The layers of the classifier."""

    embedding_dim: int = Field(32, ge=1)
    mask_zero: bool = True
    lstm_units: int | list[int] = 100
    bidirectional: bool = False
    pooling: Literal["last", "mean", "max", "mean_max"] = "last"
    dropout: float = Field(0.0, ge=0, lt=1)
    recurrent_dropout: float = Field(0.0, ge=0, lt=1)
    embedding_dropout: float = Field(0.0, ge=0, lt=1)
    word_dropout: float = Field(0.0, ge=0, lt=1)
    ngrams: int = Field(0, ge=0, le=5)
    ngram_buckets: int = Field(2**19, ge=1, le=2**26)
    ngram_gaps: int = Field(0, ge=0, le=5)
    ngram_ending: int = Field(0, ge=0, le=1_000_000)
    force: bool = False

    @model_validator(mode="after")
    def kinds_have_ngrams(self) -> Self:
        """Nothing reads what n-grams there are if there are none."""
        for name in ("ngram_gaps", "ngram_ending"):
            if (value := getattr(self, name)) and not self.ngrams:
                raise ValueError(f"{name} is {value}, but ngrams is 0; set ngrams to 1 or more, or {name} to 0")
        return self

    @model_validator(mode="after")
    def widths_are_positive(self) -> Self:
        """A width for each LSTM."""
        widths = [self.lstm_units] if isinstance(self.lstm_units, int) else self.lstm_units
        if not widths or min(widths) < 1:
            raise ValueError(
                f"lstm_units is {self.lstm_units}; use a positive width, or a list of them for stacked layers"
            )
        return self


class TrainingSettings(Section):
    """How the classifier is trained.

    The defaults are measured on IMDB (20,000 texts, three seeds). Cosine with warm-up and clipping reaches a test
    accuracy of 0.888, 0.883 and 0.889 at a learning rate of 0.001, and 0.876 to 0.888 at 0.002 and 0.003. The classic
    recipe (constant, not clipped) reaches 0.874, 0.879 and 0.873; after its first epoch it is between 0.815 and 0.861.
    """

    path: PathName = "out/training"
    start_from: PathOrNone = None
    epochs: int = Field(3, ge=1)
    batch_size: int = Field(64, ge=1)
    learning_rate: float = Field(0.001, gt=0)
    schedule: Literal["constant", "cosine"] = "cosine"
    warmup: float = Field(0.1, ge=0, lt=1)
    clipnorm: float | None = Field(1.0, gt=0)
    early_stopping: int | None = Field(None, ge=1)
    checkpoint_steps: int = Field(100, ge=1)
    seed: int = Field(0, ge=0, le=2**32 - 1)
    class_weight: ClassWeight = "none"
    average: float | None = Field(None, gt=0, lt=1)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    self_training: int = Field(0, ge=0)
    strategy: Literal["auto", "one", "mirrored", "multi_worker"] = "auto"
    precision: Precision = "float32"
    cudnn: bool = True
    track: list[Literal["tensorboard", "mlflow"]] = Field(["tensorboard"])


class ExportSettings(Section):
    """Where the SavedModel is written."""

    path: PathName = "out/model"


class CompareSettings(Section):
    """The largest allowed changes from one records folder to another; null: no limit."""

    max_oov_share: float | None = Field(None, ge=0, le=1)
    max_label_shift: float | None = Field(None, ge=0, le=1)
    max_length_shift: float | None = Field(None, ge=0, le=1)
    max_vocabulary_change: float | None = Field(None, ge=0, le=1)
    max_coverage_drop: float | None = Field(None, ge=0, le=1)


class Config(Section):
    """All settings, a section for each step from raw text to the served model."""

    input: InputSettings = InputSettings()
    split: SplitSettings = SplitSettings()
    text: TextSettings = TextSettings()
    vocabulary: VocabularySettings = VocabularySettings()
    sequence: SequenceSettings = SequenceSettings()
    output: OutputSettings = OutputSettings()
    embedding: EmbeddingSettings = EmbeddingSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    metrics: MetricsSettings = MetricsSettings()
    decision: DecisionSettings = DecisionSettings()
    export: ExportSettings = ExportSettings()
    compare: CompareSettings = CompareSettings()

    @model_validator(mode="after")
    def texts_to_count(self) -> Self:
        """Texts that the vocabulary shall count are there."""
        if self.vocabulary.count_unlabelled and not self.input.unlabelled_paths:
            raise ValueError(
                "vocabulary.count_unlabelled is true, but input.unlabelled names no texts; set input.unlabelled, or "
                "count_unlabelled to false"
            )
        return self

    @model_validator(mode="after")
    def vectors_come_from_one_place(self) -> Self:
        """An embedding starts from one source, and one that is not trained at first has a source."""
        source, start = self.embedding.source, self.training.start_from
        trainable, epochs = self.embedding.trainable, self.training.epochs
        if source is not None and start is not None:
            raise ValueError(
                f"embedding.from is {shown(source)}, but training.start_from gives the vectors of its words too; "
                "set one of them to null"
            )
        if trainable is not True and source is None and start is None:
            raise ValueError(
                f"embedding.trainable is {shown(trainable)}, but the vectors start at random; set embedding.from, or "
                "embedding.trainable to true"
            )
        if isinstance(trainable, str) and self.embedding.frozen_epochs(epochs) == epochs:
            raise ValueError(
                f"embedding.trainable is {shown(trainable)}, but training.epochs is {epochs}, so the vectors would "
                "never be trained; set more epochs, or embedding.trainable to false"
            )
        return self


def setting_names() -> list[str]:
    """Every setting as `section.key`, in the order of pipeline.yaml.

    >>> setting_names()[:2]
    ['input.path', 'input.format']
    """
    return [f"{section}.{key}" for section in Config.model_fields for key in getattr(Config(), section).model_dump()]
