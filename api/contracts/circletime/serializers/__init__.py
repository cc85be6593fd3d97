"""What is read and written: camelCase, ids as strings, instants in UTC."""

from .analytics import build_kpi_figures
from .bookings import STATUS_LABELS

__all__ = ["STATUS_LABELS", "build_kpi_figures"]
