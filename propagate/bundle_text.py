"""The words in a bundle: conventions in the manifest, and its README."""

from typing import Final

NOTES: Final = {
    "preprocessing": (
        "Stretch the RGB picture bilinearly (half-pixel centres aligned) to height x "
        "width; the aspect ratio is not kept. Inputs of dtype uint8 take these pixels "
        "as they are. Inputs of dtype float32 take (pixel - mean) / scale."
    ),
    "seam": (
        "features gives the maps, head takes them. Between the two a program may move "
        "maps along optical flow; stride is input pixels a cell. Maps level_0 to "
        "level_5 hold, for each anchor of a cell, tx, ty, tw, th and one logit a class."
    ),
    "anchors": (
        "They are constants of the head graph, in float32. Centres: as far from the "
        "middle of what their cells see as in training, where they were the cells' "
        "own. Sides: from .2 to .95 of the shorter side of the pictures in training. "
        "Centre = t / 10 * anchor side + anchor centre; side = exp(t / 5) * anchor "
        "side."
    ),
    "boxes": (
        "x1, y1, x2, y2 in pixels of the detector's input, x2 and y2 exclusive. "
        "Multiply by picture size / input size and clip."
    ),
    "postprocess": (
        "Of boxes of one class whose IoU is over iou_threshold the better stays; of "
        "all classes the best max_detections from score_threshold on."
    ),
    "flow": (
        "From the current and the key picture: what is at (x, y) in the current one "
        "is at (x + u, y + v) in the key picture. In pixels of the flow's own input, "
        "on a grid of a quarter of its sides. Its pictures are the detector's, shrunk "
        "by averaging."
    ),
    "precision": (
        "fp32 and fp16 compute in float32 and differ in what constants are stored in. "
        "int8 has int8 weights with a scale a channel and 8-bit activations, but for "
        "float_layers. The head is float32 in all."
    ),
}

MEANINGS: Final = {
    ("features", True): "picture, RGB",
    ("features", False): "map of the seam",
    ("head", True): "map of the seam",
    ("flow", True): "picture, RGB",
    ("flow", False): "u (right), v (down) in pixels of the flow's input",
}

OUTPUTS: Final = {
    "boxes": "x1, y1, x2, y2 in pixels of the detector's input",
    "scores": "one a class, each in [0, 1] on its own",
}


def meaning_of(role: str, name: str, *, is_input: bool) -> str:
    """Say what an input or output of a graph holds."""
    return MEANINGS.get((role, is_input), OUTPUTS.get(name, name))


README: Final = """\
# {detector}, {size}, {format}, {precision}

An object detector for {classes} classes as graphs that run without the program that
wrote them:
{graphs}

`manifest.json` says what goes in and comes out, in which units, how pictures are
prepared, what the maps between the graphs mean, and how raw boxes become detections.
Its sha256 sums tell whether a file has changed. `run_bundle.py` is an example with
NumPy and the runtime alone:
```
python run_bundle.py picture.ppm
```
The program that wrote it runs it on video: `run_video.py CLIP --bundle FOLDER`.

Licence of the weights: {licence}. Where they come from: `origin` in the manifest.
"""
