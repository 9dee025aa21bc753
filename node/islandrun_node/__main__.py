"""`python -m islandrun_node` is `islandrun-node`."""

from islandrun_node.cli import main

main()
