import pytest

from vod.classes import select_labels
from vod.errors import ConfigError

NAMES = ("person", "bicycle", "car")


def test_names_become_labels_in_their_order():
    assert select_labels("car, person", NAMES).tolist() == [2, 0]


def test_an_unknown_name_is_refused_with_the_nearest():
    with pytest.raises(ConfigError, match=r"unknown class 'bycicle'.*'bicycle'"):
        select_labels("car,bycicle", NAMES)


@pytest.mark.parametrize("wanted", ["", " , "])
def test_no_name_at_all_is_refused(wanted):
    with pytest.raises(ConfigError, match="at least one class"):
        select_labels(wanted, NAMES)
