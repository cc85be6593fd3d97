"""The barbershop: people with a phone, reservations of a chair, answered by the staff."""
