"""How the admin writes dates and times: Django looks for a module per language."""
