"""The error for records that are not what this package writes."""


class DamagedRecordsError(ValueError):
    """A record file, or a record, that can't be read as what it should be.

    why: what was found, in words that can end a line.
    record: which record of the array or file it is, counted from 0.

    >>> str(DamagedRecordsError("the data's checksum is wrong", record=7))
    "record 7: the data's checksum is wrong"
    """

    def __init__(self, why: str, *, record: int = 0) -> None:
        super().__init__(why)
        self.why = why
        self.record = record

    def __str__(self) -> str:
        return f"record {self.record}: {self.why}"
