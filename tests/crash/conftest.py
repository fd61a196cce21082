from tests.clients import module_url

__all__ = ["module_url"]
