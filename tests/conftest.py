"""What all tests share: Hypothesis without a stop-watch (the machines are noisy), and reproducible where it counts."""

import os

from hypothesis import settings

settings.register_profile("tongdan", deadline=None, print_blob=True, derandomize="CI" in os.environ)
settings.load_profile("tongdan")
