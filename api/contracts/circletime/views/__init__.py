"""Circle Time's views by theme."""
