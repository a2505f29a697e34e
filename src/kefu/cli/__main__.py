"""`python -m kefu.cli` is `kefu`."""

import sys

from kefu.cli import main

sys.exit(main())
