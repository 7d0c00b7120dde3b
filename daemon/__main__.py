"""`python -m daemon` is the command `nightporter`."""

from daemon.cli import main

main()
