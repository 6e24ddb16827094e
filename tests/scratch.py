"""Where tests keep their files: in memory where that can be had, as no power fails here.

Commits wait for the disk thousands of times otherwise. Tests that kill processes keep the disk.
"""

import os
import tempfile
from pathlib import Path


def scratch() -> tempfile.TemporaryDirectory[str]:
    """A folder that is gone afterwards."""
    memory = Path("/dev/shm")
    return tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None)
