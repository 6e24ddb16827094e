"""What an order asks of the shelves: SKUs matched, gifts, limits, reservation, delivery, reissues."""
