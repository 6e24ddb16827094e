"""The catalogue: own SKUs and bundles, and what platforms call them. Pure."""
