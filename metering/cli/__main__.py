"""`python -m metering.cli`: the program where its script is not on the path, as in child processes."""

from metering.cli.app import main

main()
