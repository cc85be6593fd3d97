"""Circle Time: meeting rooms, check-in, door panels, analytics."""
