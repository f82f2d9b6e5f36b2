"""``python -m minigan`` is the program ``minigan``."""

import sys

from minigan.cli import main

sys.exit(main())
