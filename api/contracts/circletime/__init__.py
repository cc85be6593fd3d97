"""Circle Time: meeting rooms, check-in, door panels, analytics. Its words, and nothing else."""
