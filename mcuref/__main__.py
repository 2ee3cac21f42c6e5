"""python -m mcuref: the command line."""

import sys

from mcuref.cli import main

sys.exit(main())
