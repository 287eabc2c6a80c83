import numpy as np

from detector.box_coding import decode_boxes, encode_boxes

ANCHOR = np.array([[50, 40, 20, 10]], np.float32)  # centre x, y, width, height


def test_a_box_equal_to_its_anchor_has_code_zero():
    codes = encode_boxes(np.array([[40, 35, 60, 45]], np.float32), ANCHOR)
    np.testing.assert_allclose(codes, 0, atol=1e-6)


def test_a_shift_by_the_anchors_width_and_a_double_height_are_coded_by_hand():
    # centre x 50 -> 70 is one anchor width: 10; height 10 -> 20: 5 log 2
    codes = encode_boxes(np.array([[60, 30, 80, 50]], np.float32), ANCHOR)
    np.testing.assert_allclose(codes, [[10, 0, 0, 5 * np.log(2)]], atol=1e-5)


def test_codes_decode_by_hand():
    codes = np.array([[0, -10, 5 * np.log(0.5), 0]], np.float32)
    # centre (50, 30), width 10, height 10
    np.testing.assert_allclose(
        decode_boxes(codes, ANCHOR), [[45, 25, 55, 35]], atol=1e-4
    )


def test_decoding_undoes_encoding():
    rng = np.random.default_rng(0)
    centres, sides = rng.uniform(0, 300, (2, 50, 2)), rng.uniform(3, 200, (2, 50, 2))
    anchors = np.concatenate([centres[0], sides[0]], 1).astype(np.float32)
    boxes = np.concatenate(
        [centres[1] - sides[1] / 2, centres[1] + sides[1] / 2], 1
    ).astype(np.float32)
    again = decode_boxes(encode_boxes(boxes, anchors), anchors)
    np.testing.assert_allclose(again, boxes, atol=1e-3)
