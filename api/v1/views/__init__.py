"""The views of our own API: each validates, calls one service or query, and responds."""
