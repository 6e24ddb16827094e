"""Credentials and configuration that cannot rot: which key a task calls with, and what a scan finds of all."""
