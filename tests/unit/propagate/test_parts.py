"""What a frame passes through."""

from dataclasses import replace

import pytest

from tests.toy_pipeline import make_parts


def test_a_parts_object_cannot_be_changed_by_accident():
    with pytest.raises(AttributeError):
        make_parts().border = "zeros"
    assert replace(make_parts(), border="zeros").border == "zeros"
