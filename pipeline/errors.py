"""The exceptions that cross a module's border.

UserError          something that the user can put right; the command lines make one line and exit status 2 of it
DamagedFileError   the rest of an input file can't be read; the reader of its format rejects the rows that it held
"""


class UserError(Exception):
    """A mistake of the user's. Its message is one line: the setting or file, the value, and what would be right."""


class DamagedFileError(Exception):
    """The bytes read so far are good; the following bytes of the file can't be had."""
