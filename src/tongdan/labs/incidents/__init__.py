"""Replays: cases in which something went wrong, run again beside Tongdan, so that the difference can be counted.

In each the old process is a programme that runs, met by the same day as Tongdan; no figure of any column is written
down anywhere. A further replay is one file, and its name in `registry.py`.
"""
