"""The order loop: commands come in, pure functions decide, one transaction records, a relay reacts.

`routes.py` is the table of contents. `bus.py` is the only code that opens a transaction.
"""
