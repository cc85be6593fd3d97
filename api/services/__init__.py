"""Changing things: the verbs said at the desk. Each is one short transaction and no network."""
