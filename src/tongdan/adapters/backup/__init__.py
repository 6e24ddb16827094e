"""Backups of shard files: a consistent cut over all of them, whole copies, increments, and the way back."""
