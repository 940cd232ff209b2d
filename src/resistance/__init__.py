"""resistance: markers of resistance to IMiDs in lymphoma and myeloma, from a cohort's files to a report."""

__version__ = "0.1.0"
