"""The pure core: decisions and their consequences, without I/O, clock, chance, logging or configuration look-up.

Each folder is a slice of the business. A slice knows `kernel` and no other slice; what crosses slices is a line
in `tongdan.flow.routes`.
"""
