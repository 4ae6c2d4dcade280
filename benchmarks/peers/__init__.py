"""The same job as others do it, each a program of its own: raw Parquet in, padded TFRecords and a vocabulary out."""
