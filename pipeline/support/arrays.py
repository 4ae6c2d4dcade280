"""Names for the types of NumPy arrays, by the type of their elements. Shapes are in the docstrings of who uses them."""

import numpy as np
import numpy.typing as npt

Flags = npt.NDArray[np.bool_]
Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
