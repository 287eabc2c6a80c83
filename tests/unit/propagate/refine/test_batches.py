import numpy as np
import pytest

from propagate.refine.batches import DrawConfig, Examples, RefinerBatches, moved_box
from propagate.refine.config import RefinerConfig
from propagate.refine.crops import apply_corrections
from propagate.refine.stills import Still
from propagate.refine.subjects import Subject
from vod.errors import ConfigError

BOX = np.array([20, 20, 60, 50], np.float32)
NETWORK = RefinerConfig(side=32, blocks=6)


def still():
    picture = np.random.default_rng(0).integers(0, 256, (80, 80, 3), np.uint8)
    return Still(picture, BOX[None])


def subject(length=4):
    boxes = BOX + np.arange(length)[:, None] * np.array([2, 0, 2, 0])
    pictures = np.zeros((length, 80, 80, 3), np.uint8)
    doubts = np.linspace(0.03, 0.1, length, dtype=np.float32)
    return Subject(pictures, 0, boxes.astype(np.float32), boxes - 1, doubts)


def examples(**changes):
    return Examples([[subject()]], [still()], NETWORK, DrawConfig(**changes))


def test_the_same_number_gives_the_same_batch():
    one, other = (
        RefinerBatches(examples(), batch_size=6, steps=3, seed=1) for _ in range(2)
    )
    other.on_epoch_end()
    for first, second in zip(one.batch(4)[0], other[1][0], strict=True):
        np.testing.assert_array_equal(first, second)
    assert (one.batch(4)[1] != one.batch(5)[1]).any()


def test_a_batch_has_the_shapes_of_the_network():
    (current, template, doubt), target = RefinerBatches(
        examples(), batch_size=5, steps=1, seed=1
    )[0]
    assert current.shape == template.shape == (5, 32, 32, 3)
    assert np.abs(current).max() <= 1
    assert doubt.shape == (5, 1)
    assert target.shape == (5, 5)


def test_a_carried_box_comes_with_its_own_doubt_and_error():
    drawer = examples(videos=1.0, carried=1.0, absent=0.0)
    rng = np.random.default_rng(3)
    drawn = [drawer.draw(rng) for _ in range(20)]
    assert {round(one.doubt, 4) for one in drawn} <= {0.0533, 0.0767, 0.1}
    for one in drawn:  # carried 1 px left of and above the truth, perhaps mirrored
        expected = [1 / 40, 1 / 30, 0, 0]
        np.testing.assert_allclose(np.abs(one.correction), expected, atol=1e-6)


def test_an_absent_object_is_told():
    drawn = examples(absent=1.0).draw(np.random.default_rng(0))
    assert drawn.present == 0


def test_boxes_are_moved_by_as_much_as_told():
    rng = np.random.default_rng(0)
    moved = np.stack([moved_box(BOX, 0.1, rng) for _ in range(2000)])
    sides = BOX[2:] - BOX[:2]
    shift = ((moved[:, :2] + moved[:, 2:]) / 2 - (BOX[:2] + BOX[2:]) / 2) / sides
    growth = np.log((moved[:, 2:] - moved[:, :2]) / sides)
    np.testing.assert_allclose([shift.std(), growth.std()], 0.1, rtol=0.06)


def test_mirroring_turns_the_correction_with_the_crop():
    """Both crops of a mirrored example show the object where its correction says."""
    drawer = examples(videos=0.0, absent=0.0, least_error=0.2, greatest_error=0.2)
    seen = {
        np.sign(drawer.draw(np.random.default_rng(n)).correction[0]) for n in range(9)
    }
    assert seen == {-1, 1}
    box = np.array([[0, 0, 40, 30]], np.float32)
    moved = apply_corrections(np.array([[0.5, 0, 0, 0]], np.float32), box)
    np.testing.assert_allclose(moved[0], [20, 0, 60, 30])


def test_there_must_be_something_to_draw_from():
    with pytest.raises(ConfigError, match="follows no object"):
        Examples([[]], [still()], NETWORK, DrawConfig())
    with pytest.raises(ConfigError, match="no picture has an object"):
        Examples([[subject()]], [], NETWORK, DrawConfig())


@pytest.mark.parametrize("changes", [{"videos": 1.2}, {"least_error": 0.5}])
def test_impossible_shares_are_refused(changes):
    with pytest.raises(ConfigError):
        DrawConfig(**changes)
