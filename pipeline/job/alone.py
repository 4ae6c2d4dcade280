"""The last step of a job that no command waits for: it publishes, and then removes what a command would remove.

A template of Dataflow starts such a job: the command that planned it has ended. So it leaves the staging folder and the
lock on the output to the job.

    finalize -> published: the staging folder and the lock go
             -> refused:   the lock goes, and the step fails with the message, which is in the log of the job

If the job is cancelled or fails in another step, both stay, and the next run names the lock to delete.
"""

from typing import Any

from pipeline.errors import UserError
from pipeline.files.beam import BeamFiles
from pipeline.files.output_lock import release_output
from pipeline.files.publish import remove_staging
from pipeline.job.finalize import finalize
from pipeline.job.plan import Plan


def finalize_alone(plan: Plan, **outputs: Any) -> None:
    """Builds and publishes the folder; a retry goes on where the attempt before it stopped. outputs: as of finalize.

    Raises:
      UserError: there is no records folder; why.
    """
    files = BeamFiles()
    # The task groups are removed first. An attempt that does not find them follows one that published.
    if files.exists(plan.tasks_path):
        if not files.exists(plan.refusal_path):
            finalize(plan, **outputs)
        if files.exists(plan.refusal_path):
            files.remove([plan.result_folder, plan.token_place.folder])  # all that grows with the texts
            _release(plan)
            raise UserError(files.read(plan.refusal_path).decode())
        files.remove([plan.tasks_path])
    remove_staging(plan.staging)
    _release(plan)


def _release(plan: Plan) -> None:
    if plan.lock_token is not None:
        release_output(plan.config.output.path, plan.lock_token)
