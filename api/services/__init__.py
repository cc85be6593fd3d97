"""What changes rows. Each function is one short transaction and makes no network call."""
