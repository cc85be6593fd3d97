"""The pages on which people book without a frontend of their own."""
