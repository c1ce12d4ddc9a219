"""A real database behind the engine, for tests of intake and delivery."""

import pytest
from sqlalchemy import select

from app.core import clock, unit_of_work
from app.core.db import db
from app.core.settings import Settings
from app.scheduling import service as scheduling
from app.scheduling.models import OperatingRoom, SurgicalCase
from integrations.application import make_application
from integrations.hl7.charset import decode
from integrations.hl7.codes import PeerProfile
from integrations.hl7.message import parse_message
from integrations.inbound import Inbound
from integrations.mllp import Frame
from tests.conftest import new_template
from tests.integrations.journal import DAY, SCHEDULER
from tests.integrations.messages import request


@pytest.fixture(scope="session")
def template(tmp_path_factory):
    folder = tmp_path_factory.mktemp("engine")
    databases = new_template(folder)
    application = make_application(Settings(instance_dir=folder, database_url=databases.url()))
    with application.app_context():
        db.create_all()
        db.session.add(OperatingRoom(code="OR1", name="1号手术间"))
        unit_of_work.commit()
        db.session.remove()
        db.engine.dispose()
    yield folder, databases
    databases.drop(databases.url())


@pytest.fixture
def application(template):
    folder, databases = template
    url = databases.copy()
    made = make_application(Settings(instance_dir=folder, database_url=url))
    yield made
    with made.app_context():
        db.session.remove()
        db.engine.dispose()
    databases.drop(url)


@pytest.fixture
def intake(application):
    engine = Inbound(application, PeerProfile())

    def tell(raw: str | bytes, problem=None):
        frame = Frame(raw if isinstance(raw, bytes) else raw.encode(), problem)
        return [parse_message(decode(reply)[0]) for reply in engine.handle(frame, "10.0.0.1")]

    return tell


@pytest.fixture
def plan(intake, application):
    """A case that is requested by the HIS, placed and published."""

    def place():
        intake(request())
        with application.app_context(), unit_of_work.writing():
            case = db.session.scalars(select(SurgicalCase)).one()
            room = db.session.scalars(select(OperatingRoom)).first()
            scheduling.place_case(SCHEDULER, case, room, clock.at(DAY, 8, 30))
            scheduling.publish_day(SCHEDULER, DAY)

    return place
