"""What is wrong with this set-up, and what is to be done about it? Looks only: nothing is created, claimed or changed."""

from consumers.doctor.examination import examine
from consumers.doctor.findings import Finding, Told, is_healthy

__all__ = ["Finding", "Told", "examine", "is_healthy"]
