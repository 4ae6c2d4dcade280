"""Files -> Arrow batches of text, label, split and position, and the rows that cannot be used.

    plan_tasks     input settings -> groups of read tasks: ranges of files that can be read without each other
    check_columns  looks into the first files before a job starts; what is wrong is a UserError
    read_tasks     read tasks -> batches; each row is used or rejected with a reason

`schema` says what a batch holds, `formats` names the formats, `files` is the filesystem they read from.
Nothing here knows Beam or TensorFlow: the trainer reads raw texts with the same code.
"""

from pipeline.sources.planning import InputTasks, plan_tasks
from pipeline.sources.reading import check_columns, read_tasks

__all__ = ["InputTasks", "check_columns", "plan_tasks", "read_tasks"]
