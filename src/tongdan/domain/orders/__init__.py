"""An order from its announcement to its completion: axes, holds, payments, lines; one aggregate, one status."""
