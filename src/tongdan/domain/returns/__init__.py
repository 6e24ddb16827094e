"""After-sales: what buyers apply for after they paid, and how it is answered."""
