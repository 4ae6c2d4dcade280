"""Raw text -> records, against peers."""
