"""The shapes of our own API, in and out. Contracts have shapes of their own."""
