"""The world around the order centre, simulated: channels, a payment provider, warehouses, finance.

It is executable documentation of how partners behave. Each is one module that speaks its own published
format and signs independently of the adapters it talks to, so that both sides check each other. What is
bought comes from a real retail log; what goes wrong comes from a seed; `report.py` compares what partners
know with what the centre says.
"""
