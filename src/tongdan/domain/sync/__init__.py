"""The same order everywhere: aliases that lead to it, and tickets for what does not agree."""
