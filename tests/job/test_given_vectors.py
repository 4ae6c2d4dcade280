"""`embedding.from` and `embedding.trainable` in a training: what it starts from, what it changes, what is exported."""

import itertools
import json
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pytest

from pipeline.config.settings import Config
from pipeline.errors import UserError
from tests.support.exported_models import export_unchecked, settings
from tests.support.jobs import vocabulary_of
from tests.support.toy_records import weights
from trainer.data.records_folder import open_records_folder
from trainer.savedmodel.loading import open_model
from trainer.training.fit import TrainedModel, train
from trainer.training.progress import EpochEvent, Progress, StepEvent

DIM = 4
Table = npt.NDArray[np.float32]


@pytest.fixture(scope="module")
def glove(small_records: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """GloVe text with a vector of each second word, and of a word that no text has."""
    path = tmp_path_factory.mktemp("vectors") / "glove.txt"
    rows = {token: row_of(id) for id, token, _ in vocabulary_of(small_records) if id % 2}
    lines = [f"{token} {' '.join(map(repr, row.tolist()))}" for token, row in {**rows, "Zebra": row_of(0)}.items()]
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def row_of(id: int) -> Table:
    return np.array([id / 128, -id / 128, 0.00390625, 0.001953125], np.float32)


def config_of(records: Path, folder: Path, source: Path | str, trainable: str) -> Config:
    values = {"embedding.from": str(source), "embedding.trainable": trainable, "training.epochs": "2",
              "training.checkpoint_steps": "1", "training.batch_size": "128"}  # fmt: skip
    return settings(records, folder, **values)


class Run(NamedTuple):
    """A training. tables: the embedding before it, and after each epoch, from its files."""

    trained: TrainedModel
    config: Config
    tables: list[Table]


def embedding_in(name: str, config: Config) -> Table:
    with np.load(Path(config.training.path) / name) as stored:
        return next(array for array in stored.values() if array.ndim == 2 and array.shape[1] == DIM)


# trainable -> whether the embedding changes in the first and in the second epoch
TRAINABLE = {"true": [True, True], "false": [False, False], "after:1": [False, True]}


@pytest.fixture(scope="module", params=TRAINABLE)
def run(
    request: pytest.FixtureRequest, small_records: Path, glove: Path, tmp_path_factory: pytest.TempPathFactory
) -> Run:
    config = config_of(small_records, tmp_path_factory.mktemp("run"), glove, request.param)
    after: list[Table] = []

    def keep(event: StepEvent | EpochEvent) -> None:
        if isinstance(event, EpochEvent):
            after.append(embedding_in("checkpoint.npz", config))

    trained = train(config, open_records_folder(str(small_records)), progress=keep)
    return Run(trained, config, [embedding_in("first-vectors.npz", config), *after])


def test_given_vectors_are_trained_when_they_should(run: Run, small_records: Path) -> None:
    start = run.tables[0]
    words = vocabulary_of(small_records)
    odd, even = ([id for id, _, _ in words if id % 2 == rest] for rest in (1, 0))
    assert np.array_equal(start[odd], [row_of(id) for id in odd])
    assert start[0].tolist() == [0] * DIM
    assert np.array_equal(start[even, 2:], np.full([len(even), 2], [0.5, 0.25], np.float32) / 128)  # no spread there
    assert len({row.tobytes() for row in start[even]}) == len(even)
    changed = [not np.array_equal(before, after) for before, after in itertools.pairwise(run.tables)]
    assert changed == TRAINABLE[str(run.config.embedding.trainable).lower()]


def test_given_vectors_are_in_the_exported_model(run: Run, glove: Path, small_records: Path) -> None:
    export_unchecked(run.trained, run.config)
    model = open_model(run.config.export.path)
    assert np.array_equal(model.embedding, run.tables[run.trained.best_epoch])
    assert np.array_equal(model.embedding_before, run.tables[0])
    id, token, _ = vocabulary_of(small_records)[0]
    vectors, _ = model.vectors([token.encode()])
    assert np.array_equal(vectors[0, -1], model.embedding[id])
    card = json.loads((Path(model.folder) / "MODEL_CARD.json").read_text())
    assert card["training"]["vectors"]["file"] == "glove.txt"
    assert card["settings"]["embedding"] == {"from": str(glove), "trainable": run.config.embedding.trainable}
    page = (Path(model.folder) / "MODEL_CARD.md").read_text()
    assert "Its word vectors started from `glove.txt` (GloVe text, " in page


def test_given_vectors_coverage_is_of_words_and_tokens(run: Run, small_records: Path) -> None:
    used, words = run.trained.vectors, vocabulary_of(small_records)
    assert used is not None
    odd = [count for id, _, count in words if id % 2]
    assert (used.vectors, used.words, used.found_words) == (len(odd) + 1, len(words), len(odd))
    assert (used.tokens, used.found_tokens) == (sum(count for _, _, count in words), sum(odd))
    missing = [(token, count) for id, token, count in words if not id % 2]
    assert [(word.token, word.count) for word in used.missing] == missing[:24]


class StoppedError(Exception):
    """Ends a training as a kill would."""


def stop_at(epoch: int, step: int) -> Progress:
    def stop(event: StepEvent | EpochEvent) -> None:
        if isinstance(event, StepEvent) and (event.epoch, event.step) == (epoch, step):
            raise StoppedError

    return stop


@pytest.mark.parametrize("run", ["after:1"], indirect=True)
def test_given_vectors_training_resumes_with_the_same_bits(
    run: Run, small_records: Path, glove: Path, tmp_path: Path
) -> None:
    """Stopped while the vectors are frozen and again when they learn; in the end without the file."""
    records = open_records_folder(str(small_records))
    copy = tmp_path / "glove.txt"
    copy.write_bytes(glove.read_bytes())
    config = config_of(small_records, tmp_path, copy, "after:1")
    with pytest.raises(StoppedError):
        train(config, records, progress=stop_at(1, 2))
    with pytest.raises(StoppedError):
        train(config, records, resume=True, progress=stop_at(2, 2))
    copy.write_text(glove.read_text().replace("Zebra", "Horse"))
    with pytest.raises(UserError, match=r"^--resume: .*glove\.txt \(embedding\.from\) has changed since"):
        train(config, records, resume=True)
    copy.unlink()
    resumed = train(config, records, resume=True)
    assert weights(resumed) == weights(run.trained)
    assert resumed.vectors == run.trained.vectors


def test_given_vectors_refuses_a_file_of_other_words(small_records: Path, tmp_path: Path) -> None:
    (tmp_path / "other.txt").write_text("WORD1 1 2 3 4\nWORD2 1 2 3 4\n")
    config = config_of(small_records, tmp_path, tmp_path / "other.txt", "true")
    with pytest.raises(UserError, match=r"^embedding\.from: .*other\.txt has none of the [\d,]+ words of .*; are both"):
        train(config, open_records_folder(str(small_records)))
    assert not (tmp_path / "training" / "checkpoint.npz").exists()


def test_given_vectors_refuses_a_store_that_tensorflow_does_not_know(small_records: Path, tmp_path: Path) -> None:
    config = config_of(small_records, tmp_path, "s3://bucket/glove.txt", "true")
    with pytest.raises(UserError, match=r"^embedding\.from: TensorFlow can't reach s3://bucket/glove\.txt"):
        train(config, open_records_folder(str(small_records)))
