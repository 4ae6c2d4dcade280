"""The Beam pipeline: raw text in, records folder out."""
