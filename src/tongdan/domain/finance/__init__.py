"""What finance counts beside what we count, and what platforms and banks have paid out."""
