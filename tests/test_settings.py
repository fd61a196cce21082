"""Settings are checked when they are read, and what is wrong is told by the name of the variable."""

import pytest

from openintervals import settings


@pytest.mark.parametrize("variable", ["OPENINTERVALS_WEBHOOK_ALLOW", "OPENINTERVALS_TRUSTED_PROXIES"])
def test_networks_that_are_none_are_refused(variable: str) -> None:
    with pytest.raises(settings.SettingProblem, match=rf"{variable} has '10.0.0.0/99': write networks such as 127"):
        settings.load({variable: "127.0.0.0/8, ::1,10.0.0.0/99"})


@pytest.mark.parametrize("networks", ["", "127.0.0.0/8, 10.0.0.1/8,::1"])
def test_networks_may_be_none_one_or_several(networks: str) -> None:
    assert settings.load({"OPENINTERVALS_WEBHOOK_ALLOW": networks}).webhook_allow == networks
