import pytest

from vod import errors


@pytest.mark.parametrize(
    ("error", "built_in"),
    [
        (errors.ConfigError, ValueError),
        (errors.ShapeError, ValueError),
        (errors.WeightsError, ValueError),
        (errors.AnnotationError, ValueError),
        (errors.FlowError, ValueError),
        (errors.VideoError, OSError),
        (errors.DependencyError, ImportError),
    ],
)
def test_every_error_is_a_vod_error_and_the_matching_built_in(error, built_in):
    assert issubclass(error, errors.VodError)
    assert issubclass(error, built_in)
    assert str(error("one sentence.")) == "one sentence."
