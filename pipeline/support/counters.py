"""Beam's counters of the job: their namespace and their names. They are public: pages and scripts of users name them.

docs/reference/stages.md says what each counts. A bundle that runs again is counted again.
"""

from typing import Final

NAMESPACE: Final = "textrecords"

# Tasks
TASK_GROUPS: Final = "task_groups"
# Survey
SURVEYED_ROWS: Final = "surveyed_rows"
# LookUp
CACHED_FILES, FILES_TO_COUNT = "cached_files", "files_to_count"
# Read: rows of the input, whether or not they are counted.
TRAIN_ROWS, TOKEN_BYTES = "rows_to_count", "token_bytes"
# CountWords
DISTINCT_TOKENS: Final = "distinct_tokens"
# BuildVocabulary
WORDS: Final = "words"
# MapToIds. ROWS: rejected rows included. LENGTHS is a distribution.
ROWS, REJECTED_ROWS, TOKENS, LENGTHS = "rows", "rejected_rows", "tokens", "tokens_of_text"
# WriteRecords
SHARDS, RECORDS, RECORD_BYTES = "shards", "records", "record_bytes"
# WriteRejected
LISTED_ROWS: Final = "listed_rows"
# Report
COMPARED_ROWS, PUBLISHED = "compared_rows", "published"

# The counters of each stage, in the order of the job.
STAGES: Final[dict[str, tuple[str, ...]]] = {
    "Tasks": (TASK_GROUPS,),
    "Survey": (SURVEYED_ROWS,),
    "LookUp": (CACHED_FILES, FILES_TO_COUNT),
    "Read": (TRAIN_ROWS, TOKEN_BYTES),
    "CountWords": (DISTINCT_TOKENS,),
    "BuildVocabulary": (WORDS,),
    "MapToIds": (ROWS, REJECTED_ROWS, TOKENS, LENGTHS),
    "WriteRecords": (SHARDS, RECORDS, RECORD_BYTES),
    "WriteRejected": (LISTED_ROWS,),
    "Report": (COMPARED_ROWS, PUBLISHED),
}
