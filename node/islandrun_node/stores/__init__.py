"""What survives a restart: one SQLite file, one table module for each noun."""
