"""Notices: telling buyers what became of their orders, and knowing whether they heard it."""
