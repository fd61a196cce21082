from tests.clients import api, app, module_url

__all__ = ["api", "app", "module_url"]
