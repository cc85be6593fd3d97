"""The doors of our own API. A view reads, calls one service or query, and answers."""
