"""`python -m islandrun_node.relay`: the relay of one home, started by its node."""

import sys

from islandrun_node.relay.listener import main

sys.exit(main(sys.argv[1:]))
