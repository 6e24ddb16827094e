"""Two parties mark what is of high risk before it takes effect, and either may withdraw it."""
