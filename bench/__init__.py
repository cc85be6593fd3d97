"""Speed, measured as ratios against a floor in the same run. `make bench` runs every part.

A part is a module with `run() -> list[tuple[str, str]]`: what was measured, and the figure.
"""
