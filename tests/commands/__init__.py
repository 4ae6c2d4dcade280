"""The command lines, as processes."""
