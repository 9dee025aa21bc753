"""Generated from proto/islandrun/v1 by scripts/proto; never edited."""
