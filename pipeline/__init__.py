"""Labelled text in, a records folder out: vocabulary, padded TFRecords, transform graph, manifest, report."""
