"""The names of the exported model's signatures, inputs and outputs; see `trainer.export.served_model`."""

from typing import Final

SERVING_DEFAULT: Final = "serving_default"
SERVE_EXAMPLES: Final = "serve_examples"
TOKEN_IDS: Final = "token_ids"
EMBEDDINGS: Final = "embeddings"

EXAMPLES: Final = "examples"
LABEL_NAME: Final = "label"
PROBABILITY: Final = "probability"
SCORES: Final = "scores"
DECIDED: Final = "decided"
ABSTAINS: Final = "abstains"
RATING: Final = "rating"
VECTORS: Final = "vectors"
STATE: Final = "state"
