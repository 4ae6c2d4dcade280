"""Settings and options -> a file of word vectors: the steps of `python -m trainer vectors`, without output."""

import logging
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.errors import UserError
from pipeline.records_folder.lengths import Texts
from pipeline.support.version import VERSION
from trainer import files
from trainer.data.checked_files import checked_copies
from trainer.data.records_folder import RecordsFolder, open_records_folder
from trainer.model.neighbours import Neighbour
from trainer.skip_gram.corpus import Corpus, write_corpus
from trainer.skip_gram.learn import Progress, learn
from trainer.skip_gram.model import FIRST_RATE, LAST_RATE, SAMPLE, SkipGramModel, gensim_version
from trainer.skip_gram.result import name_vectors, write_info, write_vectors
from trainer.skip_gram.settings import SkipGramSettings
from trainer.skip_gram.show import Analogy, analogies_of, neighbours_of, shown_words

# Beside the output until it is complete.
STATE_ENDING = ".unfinished.npz"


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LearntVectors:
    """What was learnt. path: of the file. words: in it; left_out: words that no such file can hold.

    before, after: the nearest words of some words, with the first vectors and with the learnt ones; analogies_before
    and analogies in the same way. texts, tokens: that
    it learnt from; truncated: those of the texts that were longer than a record.
    """

    path: str
    words: int
    left_out: int
    texts: int
    tokens: int
    truncated: int
    before: dict[str, list[Neighbour]]
    after: dict[str, list[Neighbour]]
    analogies_before: list[Analogy]
    analogies: list[Analogy]
    seconds: float


def learn_vectors(
    records_path: str,
    settings: SkipGramSettings,
    *,
    output: str,
    resume: bool,
    overwrite: bool,
    asked: Sequence[str],
    show_progress: AbstractContextManager[Progress],
) -> LearntVectors:
    """Learns vectors of the words of a records folder, and writes them to `output`.

    resume: go on after the last complete epoch of a run that was killed. overwrite: replace the file that is there.
    asked: words to show the neighbours of; without any, some are chosen.

    Raises:
      UserError: the records or a setting can't be used, gensim is not installed, or the file is there already or can't
        be written.
    """
    started = time.monotonic()
    files.check_reachable(records_path, setting="output.path")
    _prepare_output(output, resume=resume, overwrite=overwrite)
    with checked_copies(open_records_folder(records_path)) as records, tempfile.TemporaryDirectory() as folder:
        corpus = write_corpus(records, Path(folder))
        model = SkipGramModel(corpus.counts, settings)
        made_of = _made_of(records, settings)
        first = name_vectors(records, model.ids, model.vectors)
        words = [word.decode() for word in first.words]
        shown = shown_words(words, asked)
        before, analogies_before = neighbours_of(shown, words, first.vectors), analogies_of(words, first.vectors)
        with show_progress as progress:
            learn(
                model,
                corpus,
                settings,
                state_path=output + STATE_ENDING,
                made_of=made_of,
                resume=resume,
                progress=progress,
            )
        named = name_vectors(records, model.ids, model.vectors)
    with files.naming("--output", output, then="then go on with --resume, or give another --output"):
        size, sha256 = write_vectors(output, named)
        info = _info(made_of, corpus, settings, words=len(words), size=size, sha256=sha256)
        write_info(output, info)
        files.remove(output + STATE_ENDING)
    return LearntVectors(
        path=output,
        words=len(words),
        left_out=named.left_out,
        texts=corpus.texts,
        tokens=corpus.words,
        truncated=_truncated(records),
        before=before,
        after=neighbours_of(shown, words, named.vectors),
        analogies_before=analogies_before,
        analogies=analogies_of(words, named.vectors),
        seconds=time.monotonic() - started,
    )


def _prepare_output(output: str, *, resume: bool, overwrite: bool) -> None:
    """Refuses what would be replaced, and a folder that can't be written, before hours of learning."""
    files.check_reachable(output, setting="--output")
    try:
        is_there = files.exists(output)
    except OSError as error:
        raise UserError(f"--output: {output} can't be read: {files.reason_of(error)}; give another file") from error
    if is_there and not overwrite:
        raise UserError(f"--output: {output} is there already; give --overwrite to replace it, or another file")
    with files.naming("--output", output, then="or give another file"):
        probe = output + ".probe"
        files.write(probe, b"")
        files.remove(probe)
    files.remove_abandoned(output.rpartition("/")[0] or ".")
    if not resume and files.exists(output + STATE_ENDING):
        _log.warning("%s is of an earlier run; it is replaced (--resume would go on with it)", output + STATE_ENDING)


def _made_of(records: RecordsFolder, settings: SkipGramSettings) -> dict[str, Any]:
    """What decides on the vectors of one worker, by name."""
    options = {f"--{name}": value for name, value in settings.model_dump().items() if name != "workers"}
    return {
        **options,
        "the sha256 of manifest.json": records.manifest_sha256,
        "the version of gensim": gensim_version(),
    }


def _truncated(records: RecordsFolder) -> int:
    parts: list[Texts] = [records.splits["train"]]
    if records.manifest.unlabelled is not None:
        parts.append(records.manifest.unlabelled)
    return sum(part.truncated_texts for part in parts)


def _info(
    made_of: Mapping[str, Any], corpus: Corpus, settings: SkipGramSettings, *, words: int, size: int, sha256: str
) -> dict[str, Any]:
    """The content of the JSON beside the vectors."""
    return {
        "sha256": sha256,
        "bytes": size,
        "words": words,
        "settings": settings.model_dump(),
        "rate": [FIRST_RATE, LAST_RATE],
        "sample": SAMPLE,
        "deterministic": settings.workers == 1,
        "records": made_of["the sha256 of manifest.json"],
        "texts": corpus.texts,
        "tokens": corpus.words,
        "versions": {"textrecords": VERSION, "gensim": made_of["the version of gensim"]},
    }
