"""The counts of all tokens -> the vocabulary file, and TFT's transform graph with it in transform/.

    Top -> write_vocabulary -> the path of the file -> ids of records (job/map_to_ids.py)
                                                    -> TFT's analysis -> transform graph -> transform/

TFT gets no batch of texts: what it needs of them is in the file. It traces, builds and saves the graph that serves.
"""

from typing import NamedTuple

import apache_beam as beam
import pyarrow as pa
from tensorflow_transform import beam as tft_beam

from pipeline.contract import TRANSFORM_FOLDER
from pipeline.job import preprocessing
from pipeline.job.plan import Plan
from pipeline.job.save_transform import WriteTransform
from pipeline.vocabulary.merge_counts import VocabularyPlan, vocabulary_plan, write_vocabulary


def words_plan(plan: Plan) -> VocabularyPlan:
    """Which words of a job get ids, and how its counts are merged."""
    settings, source = plan.config.vocabulary, plan.config.input
    return vocabulary_plan(
        top_words=settings.top_words,
        min_count=settings.min_count,
        oov=settings.oov,
        summary_path=plan.summary_path,
        buckets=plan.token_buckets,
        imported=plan.imported_words,
        grow=settings.grow,
        by_occurrence=source.has_row_order and (source.has_unlabelled_order or not settings.count_unlabelled),
        hints=plan.memory_hints,
    )


class Vocabulary(NamedTuple):
    """The outputs of BuildVocabulary. path: of the vocabulary file. graph: the path of TFT's graph. transform: the
    StoredFiles of transform/."""

    path: beam.PCollection
    graph: beam.PCollection
    transform: beam.PCollection


class BuildVocabulary(beam.PTransform):
    """The Top of all tokens -> Vocabulary."""

    def __init__(self, plan: Plan) -> None:
        super().__init__()
        self._plan = plan

    def expand(self, top: beam.PCollection) -> Vocabulary:
        """Writes the file on a worker. TFT's input has no row, and ends when the file is there."""
        plan = self._plan
        path = top | "WriteWords" >> beam.Map(write_vocabulary, plan=words_plan(plan), path=plan.vocabulary_path)
        nothing = path | "NoBatch" >> beam.FlatMap(_nothing).with_output_types(pa.RecordBatch)
        function = preprocessing.preprocessing_fn(plan.config, vocabulary=plan.vocabulary_path)
        with tft_beam.Context(temp_dir=plan.tft_folder):
            graph, _ = (nothing, preprocessing.input_config()) | "Analyze" >> tft_beam.AnalyzeDataset(function)
        metadata = preprocessing.record_metadata(plan.config.sequence.max_length, plan.record_features)
        transform = graph | "WriteTransform" >> WriteTransform(f"{plan.result_folder}/{TRANSFORM_FOLDER}", metadata)
        return Vocabulary(path, graph, transform)


def _nothing(path: str) -> list[pa.RecordBatch]:
    del path
    return []
