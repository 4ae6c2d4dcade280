"""The exceptions of the product's own; the trainer adds trainer.export.fresh_process.ExportError.

UserError             the user can put it right; the command lines make one line and exit status 2 of it
DamagedFileError      the rest of an input file can't be read; its reader makes a LostRest of it
RejectedRowError      a row of the input can't be used; its reader rejects it with the reason
DamagedRecordsError   a record file is not what this product writes; `verify` lists it
JsonError             a text is not JSON, or not plain JSON; who reads it names the file or server in a UserError
JobError              a job failed where others run it; the command lines make one line and exit status 1 of it
StillRunningError     the command was interrupted, and its job may run on; the same
"""


class UserError(Exception):
    """A mistake of the user's. Its message is one line: the setting or file, the value, and what would be right."""


class DamagedFileError(Exception):
    """The bytes read so far are good; the following bytes of the file can't be had."""


class RejectedRowError(Exception):
    """A row of the input can't be used. Its message is the reason, one of a few fixed texts."""


class DamagedRecordsError(ValueError):
    """A record file, or a record, that is not what this product writes.

    why: what is wrong, as the end of a line. record: the number of the record in the array or file, from 0.

    >>> str(DamagedRecordsError("the data's checksum is wrong", record=7))
    "record 7: the data's checksum is wrong"
    """

    def __init__(self, why: str, *, record: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.record = record

    def __str__(self) -> str:
        return f"record {self.record}: {self.why}"


class JsonError(ValueError):
    """A text is not JSON that this product reads. The message is one line, without the name of the file."""


class JobError(Exception):
    """A job failed on its runner. Its message is one line: what failed, and where the log is."""


class StillRunningError(JobError):
    """A job that was interrupted may still run. Its message is one line: how to cancel it."""
