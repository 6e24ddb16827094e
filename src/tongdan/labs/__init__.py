"""Laboratories: the simulated world the order centre is tried in, replays of real incidents, and load."""
