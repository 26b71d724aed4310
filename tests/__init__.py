"""The tests, in folders like those of the package."""

import os
import shutil

# Where there is no GPU, Triton's programs are interpreted. Triton asks when it is imported, which PyTorch does.
if shutil.which("nvidia-smi") is None:
    os.environ["TRITON_INTERPRET"] = "1"
