"""What our own API reads and answers, each declared once. Contracts have their own."""
