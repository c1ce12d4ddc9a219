"""Commands of the installation: `flask audit`, `flask device-data`, `flask setup`, `flask demo`, `flask doctor`."""

from app.cli.audit import audit_group
from app.cli.demo import demo_group
from app.cli.device_data import device_data_group
from app.cli.doctor import doctor_command
from app.cli.setup import setup_group

__all__ = ["audit_group", "demo_group", "device_data_group", "doctor_command", "setup_group"]
