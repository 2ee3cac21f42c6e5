"""The scripts are run by path, so their folder is put where Python would put it."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "data_scripts"))
