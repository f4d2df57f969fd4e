"""Every dependency installs from wheels on Apple silicon; full runs ask the index."""

import pytest

from scripts import check_wheels


def test_requirements_are_those_of_a_mac() -> None:
    wanted = check_wheels.requirements("3.12")
    assert any(line.startswith("mlx>=") for line in wanted)
    assert not any(line.startswith(("mlx[cpu]", "pytest")) for line in wanted)


def test_what_has_no_wheel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(check_wheels, "requirements", lambda _: ["mlx==0.0.0"])
    wheels, reason = check_wheels.resolve("3.12")
    assert not wheels
    assert "mlx" in reason


@pytest.mark.parametrize("python", check_wheels.PYTHONS)
def test_wheels_for_every_python(python: str, full: bool) -> None:
    if full:
        wheels, reason = check_wheels.resolve(python)
        assert wheels, reason
    else:
        assert check_wheels.requirements(python)
