"""The requests and responses of our own API, each declared once. Contracts have their own."""
