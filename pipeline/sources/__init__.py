"""Files -> Arrow batches of text, label, split and position, and the rows that are rejected.

    plan_all       settings of the input -> groups of read tasks: ranges of files, each readable without the others
    plan_tasks     the same for a command that needs texts with labels alone
    plan_texts     the same for a command that needs texts alone
    check_columns  looks into the first files before a job starts; a mistake is a UserError
    read_tasks     read tasks -> batches; each row is used or rejected with a reason
    read_in_order  read tasks -> row after row, rejected ones at their place

`schema` says what a batch holds. `formats` names the formats, and says how to add one.
Nothing here imports Beam or TensorFlow: the trainer reads raw texts with the same code.
"""

from pipeline.sources.input_tasks import InputTasks
from pipeline.sources.ordered_rows import TextRow, read_in_order
from pipeline.sources.planning import plan_all, plan_tasks, plan_texts
from pipeline.sources.reading import check_columns, read_tasks

__all__ = [
    "InputTasks",
    "TextRow",
    "check_columns",
    "plan_all",
    "plan_tasks",
    "plan_texts",
    "read_in_order",
    "read_tasks",
]
