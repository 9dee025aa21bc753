"""What the machine under a node is doing: each probe reads one thing, cheaply, and says None for "unknown".

`watch` reads them all off the event loop. Nothing here decides; `islandrun.routing.hosting` does.
"""
