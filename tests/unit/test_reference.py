"""pipeline.config.reference: what --help and the documents say about each setting."""

import yaml

from pipeline.config.reference import list_settings
from pipeline.config.settings import Config, setting_names

# name -> values, default, comment
REFERENCE = {
    "input.path": (
        "text or list of texts", "sample",
        "'sample' (the built-in corpus), a path, a glob, a list of them, or a database: "
        "bigquery://project.dataset.table",
    ),
    "vocabulary.oov": (
        "drop or token", "drop", "unknown tokens: drop (they get no id, as in Keras) or token (they share id 1)",
    ),
    "text.filters": (  # its default holds a number sign, which begins no comment
        "text", r'"!\"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n"',
        "each of these characters becomes a space (Keras's filters)",
    ),
    "training.clipnorm": (
        "number, above 0; or null", "1.0",
        "largest norm of a weight matrix's gradient; longer ones are scaled down; null: no limit",
    ),
    "sequence.max_length": ("whole number, at least 1 and at most 1000000", "500", "number of ids in a record"),
}  # fmt: skip


def test_reference_lists_every_setting() -> None:
    settings = {setting.name: setting for setting in list_settings()}
    assert list(settings) == setting_names()
    for name, expected in REFERENCE.items():
        setting = settings[name]
        assert (setting.values, setting.default, setting.comment) == expected, name
    for setting in settings.values():
        default = getattr(Config(), setting.section).model_dump()[setting.key]
        assert yaml.safe_load(setting.default) == default, setting.name
