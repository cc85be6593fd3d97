"""By the clock of 24 hours, as everywhere else in Holdfast."""

DATETIME_FORMAT = "j M Y H:i"
DATE_FORMAT = "j M Y"
TIME_FORMAT = "H:i"
