from tests.clients import app, module_url
from tests.club.clubs import club

__all__ = ["app", "club", "module_url"]
