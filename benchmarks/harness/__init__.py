"""For every suite: measured processes, timed calls, timelines, reports, tables in Markdown."""
