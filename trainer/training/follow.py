"""A worker that is not the chief: the same steps as the chief's, on rows of its own, and no files."""

from pipeline.config.settings import Config
from trainer.data.records_folder import RecordsFolder
from trainer.devices.devices import Devices
from trainer.training.prepare import prepare, refuse_untrainable
from trainer.training.replicated_step import ReplicatedStep


def follow(config: Config, records: RecordsFolder, devices: Devices) -> int:
    """Runs epochs as long as the chief says so, from where its checkpoint stands; returns the steps done.

    Raises:
      UserError: settings or records can't be trained on, or are not the chief's.
      JobError: another worker has ended.
    """
    with devices.naming_lost_workers():
        refuse_untrainable(config, records, devices)
        prepared = prepare(config, records, devices)
        assert isinstance(prepared.training_step, ReplicatedStep)
        prepared.training_step.share()
        while devices.chief_says(False):
            for _ in prepared.steps.run_rest():
                pass
    return prepared.training_step.steps_done
