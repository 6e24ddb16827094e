"""What an order is owed, paid and given back: payments, presales, cash on delivery, refunds."""
