"""The version of this product, as the manifest and the exported model name it.

The package's metadata takes it from here. So a checkout, an installed wheel and a Dataflow worker all name the version
of the code that runs, and not that of an older installation.
"""

from typing import Final

VERSION: Final = "0.2.0"
