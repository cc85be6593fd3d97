"""Primetime: one calendar, approval in primetime, trades. For its SvelteKit frontend."""
