"""Flask extensions, unbound; `app.factory` binds them."""

from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager
from flask_socketio import SocketIO
from flask_wtf import CSRFProtect
from htmx_flask import Htmx

csrf = CSRFProtect()
htmx = Htmx()
limiter = Limiter(key_func=get_remote_address)
login_manager = LoginManager()
socketio = SocketIO()
