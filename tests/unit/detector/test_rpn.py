import numpy as np

from detector.box_coding import decode_boxes
from detector.box_coding_layer import LARGEST_GROWTH, decode_codes
from detector.rpn import Proposals, clip_boxes, rpn_anchors
from detector.two_stage_config import TwoStageConfig

# A 4x6 grid of stride 16, two anchors a cell.
SMALL = TwoStageConfig(
    input_height=64,
    input_width=96,
    anchor_sides=(16.0, 32.0),
    anchor_ratios=(1.0,),
    candidates=10,
    proposals=4,
)


def logits_of(scores: np.ndarray) -> np.ndarray:
    return np.stack([np.zeros_like(scores), scores], axis=-1)


def test_anchors_by_hand():
    anchors = rpn_anchors(TwoStageConfig())
    assert anchors.shape == (14 * 25 * 12, 4)
    # First cell: centre (8, 8). Side 32 at 1:2, 1:1 and 2:1 (width : height).
    root = 32 * 2**0.5
    np.testing.assert_allclose(
        anchors[:3],
        [[8, 8, root / 2, root], [8, 8, 32, 32], [8, 8, root, root / 2]],
        rtol=1e-6,
    )
    # Second cell of the second row, side 256, square.
    np.testing.assert_allclose(anchors[26 * 12 + 10], [24, 24, 256, 256])
    np.testing.assert_allclose(np.unique(anchors[:, 2] * anchors[:, 3])[-1], 256**2)


def test_anchors_are_centred_on_cells_where_the_stride_does_not_divide():
    # 40 pixels make 3 cells, each 13 1/3 wide.
    config = TwoStageConfig(input_height=40, input_width=40)
    first = rpn_anchors(config)[0]
    np.testing.assert_allclose(first[:2], [40 / 6, 40 / 6], rtol=1e-6)


def test_codes_relative_to_boxes_decode_as_those_relative_to_anchors():
    codes = np.random.default_rng(0).normal(0, 3, (50, 4)).astype(np.float32)
    anchors = rpn_anchors(TwoStageConfig())[:50]
    half = anchors[:, 2:] / 2
    boxes = np.concatenate([anchors[:, :2] - half, anchors[:, :2] + half], axis=1)
    np.testing.assert_allclose(
        decode_codes(codes, boxes), decode_boxes(codes, anchors), rtol=1e-4, atol=1e-3
    )


def test_growth_is_bounded():
    box = np.array([[10, 20, 30, 60]], np.float32)
    found = np.asarray(decode_codes(np.array([[0, 0, 1e6, 0]], np.float32), box))
    np.testing.assert_allclose(
        found[0, 2] - found[0, 0], 20 * LARGEST_GROWTH, rtol=1e-5
    )
    np.testing.assert_allclose(found[0, 1::2], [20, 60])


def test_corners_move_into_the_picture():
    boxes = np.array([[-5, 10, 120, 90]], np.float32)
    assert np.asarray(clip_boxes(boxes, 64, 96)).tolist() == [[0, 10, 96, 64]]


def test_proposals_are_the_best_anchors_clipped_and_without_repetition():
    scores = np.full((1, 48), -9, np.float32)
    # Cell (row 1, column 2) is centred on (40, 24); its anchors are 24 and 25 of 48
    # numbered (1 * 6 + 2) * 2: sides 16 and 32. IoU 256 / 1024 keeps both.
    first = (1 * 6 + 2) * 2
    scores[0, first], scores[0, first + 1], scores[0, 0] = 5, 7, 6
    codes = np.zeros((1, 48, 4), np.float32)
    # Anchor 1 of cell (0, 0), coded to be the same box as anchor 0: dropped.
    scores[0, 1], codes[0, 1, 2:] = 5.5, 5 * np.log(0.5)
    layer = Proposals(SMALL)
    boxes, mask = (np.asarray(x) for x in layer([logits_of(scores), codes]))
    np.testing.assert_allclose(
        boxes[0, :3],
        [[24, 8, 56, 40], [0, 0, 16, 16], [32, 16, 48, 32]],
        atol=1e-4,
    )
    assert mask[0, :3].tolist() == [1, 1, 1]


def test_missing_proposals_are_padded_with_masked_empty_boxes():
    # Every anchor decodes to one and the same box: a single proposal is left.
    anchors = rpn_anchors(SMALL)
    box = np.array([20, 20, 40, 40], np.float32)
    codes = np.empty((2, 48, 4), np.float32)
    codes[..., :2] = 10 * (30 - anchors[:, :2]) / anchors[:, 2:]
    codes[..., 2:] = 5 * np.log(20 / anchors[:, 2:])
    scores = np.random.default_rng(0).random((2, 48), np.float32)
    boxes, mask = (np.asarray(x) for x in Proposals(SMALL)([logits_of(scores), codes]))
    assert mask.tolist() == [[1, 0, 0, 0]] * 2
    np.testing.assert_allclose(boxes[:, 0], [box, box], atol=1e-3)
    assert not boxes[:, 1:].any()


def test_more_proposals_than_anchors_are_padded_too():
    config = TwoStageConfig(
        input_height=32,
        input_width=32,
        anchor_sides=(4.0,),
        anchor_ratios=(1.0,),
        proposals=6,
    )
    scores = np.arange(4, dtype=np.float32)[None]
    boxes, mask = (
        np.asarray(x)
        for x in Proposals(config)([logits_of(scores), np.zeros((1, 4, 4), np.float32)])
    )
    assert mask.tolist() == [[1, 1, 1, 1, 0, 0]]
    assert boxes.shape == (1, 6, 4)


def test_a_proposal_outside_the_picture_is_masked():
    codes = np.zeros((1, 48, 4), np.float32)
    codes[..., 0] = 1e4  # far to the right
    scores = np.ones((1, 48), np.float32)
    boxes, mask = (np.asarray(x) for x in Proposals(SMALL)([logits_of(scores), codes]))
    assert not mask.any()
    assert not boxes.any()


def test_the_layers_config_survives():
    layer = Proposals(SMALL, name="p")
    assert Proposals.from_config(layer.get_config()).config == SMALL
