"""An exported model -> whether its files are those that were exported, and what it answers otherwise than it must.

The files answer the texts of the certificate in a fresh process that can import TensorFlow alone, through both of its
loaders. A live TensorFlow Serving answers through its REST API (`serving`).
"""

import math
from dataclasses import dataclass
from typing import Final

from pipeline.errors import UserError
from trainer.commands.serving import ask_server, check_url
from trainer.export.certificate import Certificate, open_certificate
from trainer.export.comparison import Comparison, compare, tolerance_of
from trainer.export.fresh_process import compare_in_fresh_process
from trainer.savedmodel.loading import version_folder
from trainer.savedmodel.model_info import ModelInfo, damages, read_info

# Scores may differ by this much: another kind of CPU, or a GPU, sums products in another order.
TOLERANCE: Final = 1e-5


@dataclass(frozen=True)
class Verification:
    """What was compared.

    damages: a line for each file that is not the exported one. With any, nothing is asked.
    files: how many files model.json lists; None for an export of a version before 0.3, which lists none.
    texts: number of texts of the certificate; comparisons: by the name of what answered, a loader or a URL.
    """

    folder: str
    damages: list[str]
    files: int | None
    texts: int
    comparisons: dict[str, Comparison]

    @property
    def is_right(self) -> bool:
        """Whether nothing differs."""
        return not self.damages and not any(comparison.differences for comparison in self.comparisons.values())

    @property
    def files_verdict(self) -> str:
        """What the comparison of the files says, in a few words."""
        if self.damages:
            return f"{len(self.damages)} differences"
        if self.files is None:
            return "not compared, because this export is older than the list of files in model.json"
        return f"{self.files} files, right"


def verify_files(model: str, *, tolerance: float | None = None) -> Verification:
    """Compares the files of a model (a version folder, or export.path) with model.json, and replays its certificate.

    tolerance: how far scores may differ. None: TOLERANCE, and more for a model whose temperature is below 1.

    Raises:
      UserError: there is no model, its model.json or certificate is damaged, or the tolerance is not from 0 on.
      ExportError: it can't be loaded.
    """
    _check_tolerance(tolerance)
    folder, info, wrong = _opened(model)
    if wrong:
        return _damaged(folder, info, wrong)
    certificate = open_certificate(folder, info)
    comparisons = compare_in_fresh_process(folder, certificate, tolerance=_tolerance(tolerance, info))
    return _verification(folder, info, certificate, comparisons)


def verify_server(model: str, url: str, *, tolerance: float | None = None) -> Verification:
    """Compares the files of a model, and replays its certificate against a server, e.g. http://host:8501/v1/models/NAME.

    Raises:
      UserError: there is no model, it is damaged, or nothing at the URL answers as TensorFlow Serving does.
    """
    check_url(url)
    _check_tolerance(tolerance)
    folder, info, wrong = _opened(model)
    if wrong:
        return _damaged(folder, info, wrong)
    certificate = open_certificate(folder, info)
    answers = ask_server(url, certificate)
    return _verification(
        folder, info, certificate, {url: compare(certificate, answers, tolerance=_tolerance(tolerance, info))}
    )


def _tolerance(given: float | None, info: ModelInfo) -> float:
    return tolerance_of(info.decision, base=TOLERANCE) if given is None else given


def _check_tolerance(tolerance: float | None) -> None:
    if tolerance is not None and not 0 <= tolerance < math.inf:
        raise UserError(f"--tolerance: {tolerance:g} is not a number from 0 on")


def _opened(model: str) -> tuple[str, ModelInfo, list[str]]:
    folder = version_folder(model)
    info = read_info(folder, setting="--model")
    return folder, info, damages(folder, info)


def _damaged(folder: str, info: ModelInfo, wrong: list[str]) -> Verification:
    return Verification(folder, wrong, _listed(info), 0, {})


def _verification(
    folder: str, info: ModelInfo, certificate: Certificate, comparisons: dict[str, Comparison]
) -> Verification:
    return Verification(folder, [], _listed(info), len(certificate.texts), comparisons)


def _listed(info: ModelInfo) -> int | None:
    return None if info.files is None else len(info.files)
