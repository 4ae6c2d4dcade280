"""A finished training -> training.html in training.path."""

from pipeline.config.settings import Config
from pipeline.contract import VOCABULARY_FILE
from pipeline.errors import UserError
from pipeline.records_folder.vocabulary_tsv import parse_columns
from trainer import files
from trainer.decision.decision import NO_DECISION, Decision
from trainer.evaluation.scoring import SplitScores
from trainer.export.export import embedding_before
from trainer.training.fit import TrainedModel
from trainer.training.run_folder import RunFolder
from trainer.training_report.page import PageContent, render


def write_page(
    trained: TrainedModel, config: Config, *, scored: SplitScores | None, decision: Decision = NO_DECISION
) -> str:
    """Writes the page and returns its path.

    scored: the held-out split with its metrics by this decision, None if there is none.
    """
    records = trained.records
    path = records.small_file(VOCABULARY_FILE)
    try:
        words = parse_columns(files.read(path), path=path)
    except OSError as error:
        raise UserError(f"{path} can't be read: {files.reason_of(error)}; the model is exported") from error
    page = render(
        PageContent(
            config=config,
            records=records,
            history=trained.history,
            best_epoch=trained.best_epoch,
            scored=scored,
            words=dict(zip(words.ids, words.tokens, strict=True)),
            before=embedding_before(trained, config),
            after=trained.model.embedding.embeddings.numpy(),
            decision=decision,
            vectors=trained.vectors,
            labelled=trained.labelled,
        )
    )
    return RunFolder(config.training.path).write_page(page)
