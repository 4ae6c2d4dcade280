"""The commands that look at records folders: `describe`, `verify` and `compare`."""
