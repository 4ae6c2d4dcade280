"""The exported folder: its versions, its signatures, and how a model in it is loaded and used."""
