"""`python -m consumers.cli` is `retention`."""

from consumers.cli import main

main()
