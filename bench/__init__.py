"""Benchmarks of the order centre: what it takes in, how fast, and where the time goes.

Run `python -m bench [names]`. Each benchmark starts the centre as a process of its own, loads it from a
generator in another process, reads everything back from the stores, and puts the figure beside two references
of the same run.
"""
