"""Reading things. A query names what comes back and never changes a row."""
