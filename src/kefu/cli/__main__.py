"""`python -m kefu.cli` is `kefu`."""

from kefu.cli import main

main()
