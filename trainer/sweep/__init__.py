"""`python -m trainer sweep SPACE.yaml`: many trainings on one records folder -> the best settings. No TensorFlow here.

space.py      SPACE.yaml -> which values of which settings are tried
study.py      Optuna's study: which values next, which training is not worth its next epoch
process.py    a training as a process of its own: its losses, its memory
run.py        the loop: starts, watches and stops trainings
results.py    the study -> the rows of the table, the best settings, the importances
page.py       the same as a page with a plot
hparams.py    the same for TensorBoard's HParams; the one module that loads TensorFlow
"""

from importlib.util import find_spec

from pipeline.errors import UserError


def refuse_without_optuna() -> None:
    """Is called before anything else of this folder is imported.

    Raises:
      UserError: Optuna is not installed.
    """
    if find_spec("optuna") is None:
        raise UserError("trainer sweep: it needs Optuna, which is not installed; pip install 'textrecords[sweep]'")
