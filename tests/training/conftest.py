from tests.athletes import ann, bob
from tests.clients import app, module_url

__all__ = ["ann", "app", "bob", "module_url"]
