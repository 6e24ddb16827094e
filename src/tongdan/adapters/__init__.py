"""Technologies behind the ports: one file each, the embedded and the distributed one of a pair side by side."""
