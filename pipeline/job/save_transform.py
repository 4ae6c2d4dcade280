"""TFT's transform graph -> transform/ in the records folder, on any filesystem, and what the manifest says of it.

TFT's own step for this writes through TensorFlow's filesystems, which reach only local paths and gs://. It also moves
each of many small files twice.
"""

from collections.abc import Iterator

import apache_beam as beam
from google.protobuf import text_format
from tensorflow_transform import TFTransformOutput
from tensorflow_transform.tf_metadata.dataset_metadata import DatasetMetadata

from pipeline.contract import TRANSFORM_FOLDER
from pipeline.files.beam import BeamFiles
from pipeline.records_folder.manifest import StoredFile, stored_file

_SCHEMA_FILE = "schema.pbtxt"
# A folder beside the graph, which only TFT itself reads.
_OWN_FOLDER = ".tft_metadata"


class WriteTransform(beam.PTransform):
    """The path of a transform graph -> the complete folder that a TFTransformOutput reads; gives its StoredFiles."""

    def __init__(self, folder: str, metadata: DatasetMetadata) -> None:
        super().__init__()
        self._folder = folder
        self._schema = text_format.MessageToString(metadata.schema)

    def expand(self, graph: beam.PCollection) -> beam.PCollection:
        """Copies the graph and writes the schema of the records."""
        return graph | "CopyGraph" >> beam.FlatMap(_write, folder=self._folder, schema=self._schema)


def _write(graph: str, *, folder: str, schema: str) -> Iterator[StoredFile]:
    files = BeamFiles()

    def write(name: str, content: bytes) -> StoredFile:
        files.write(f"{folder}/{name}", content)
        return stored_file(f"{TRANSFORM_FOLDER}/{name}", content)

    for file in files.below(graph):
        name = file.path.removeprefix(f"{graph}/")
        if not name.startswith(f"{_OWN_FOLDER}/"):
            yield write(f"{TFTransformOutput.TRANSFORM_FN_DIR}/{name}", files.read(file.path))
    yield write(f"{TFTransformOutput.TRANSFORMED_METADATA_DIR}/{_SCHEMA_FILE}", schema.encode())
