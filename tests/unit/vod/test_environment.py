import json

from vod.environment import PACKAGES, TELLING_FLAGS, environment


def test_the_machine_and_the_versions_are_told_as_json():
    values = json.loads(json.dumps(environment()))
    assert values["cpu_count"] >= values["usable_cpus"] >= 1
    assert values["uncommitted_changes"] in (True, False, None)
    assert set(values["cpu_flags"]) <= set(TELLING_FLAGS)
    assert values["python"].startswith("3.")
    assert set(values["packages"]) == set(PACKAGES)
    assert all(values["packages"].values())


def test_a_package_that_is_not_installed_has_no_version():
    assert environment(["no-such-package"])["packages"] == {"no-such-package": None}
