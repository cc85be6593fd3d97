"""Paid rooms: priced slots, held until they are paid."""
