"""The one exception for what a user can put right; the command lines turn it into one line and exit status 2."""


class UserError(Exception):
    """A mistake of the user's: its message is one line that names the setting or file, the value got and the remedy."""
