"""Commands of the installation: `flask audit`, `flask setup`, `flask demo`, `flask doctor`."""

from app.cli.audit import audit_group
from app.cli.demo import demo_group
from app.cli.doctor import doctor_command
from app.cli.setup import setup_group

__all__ = ["audit_group", "demo_group", "doctor_command", "setup_group"]
