"""The packages the other modules of this folder meet; see conftest.py."""


def test_every_package_of_the_group_is_installed(missing_packages):
    assert missing_packages == []
