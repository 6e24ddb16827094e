"""Tongdan 同单: the order centre that never loses an order and can explain every one."""

__version__ = "0.1.0"
