"""Engines that answer on an island. Nothing outside this folder knows one engine from another."""
