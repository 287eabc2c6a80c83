"""Picture in, boxes out: how to run this bundle, with NumPy and its runtime alone.

python run_bundle.py PICTURE     (.ppm or .npy; others where Pillow is installed)

Copied into every bundle beside its manifest.json, which says what it needs. Prints one
JSON line a box, best first: class, score, and x1, y1, x2, y2 in pixels of the picture.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent


def load(path: Path, graph: dict[str, Any], form: str) -> Any:
    """Give a graph file as a function from arrays to a list of arrays."""
    if form == "litert":
        from ai_edge_litert.interpreter import Interpreter

        lite = Interpreter(str(path), num_threads=2)
        lite.allocate_tensors()

        def run_litert(*arrays: Any) -> list[Any]:
            for detail, array in zip(lite.get_input_details(), arrays, strict=True):
                lite.set_tensor(detail["index"], array)
            lite.invoke()
            return [lite.get_tensor(d["index"]) for d in lite.get_output_details()]

        return run_litert
    if form == "onnx":
        import onnxruntime

        session = onnxruntime.InferenceSession(str(path))
        names = [tensor["name"] for tensor in graph["inputs"]]
        return lambda *arrays: session.run(None, dict(zip(names, arrays, strict=True)))
    if form == "openvino":
        import openvino

        # Coordinates want float32; left alone, some processors compute in bfloat16.
        exact = {"INFERENCE_PRECISION_HINT": "f32"}
        compiled = openvino.Core().compile_model(str(path), "CPU", exact)
        return lambda *arrays: [np.array(v) for v in compiled(list(arrays)).values()]
    import tensorflow

    loaded = tensorflow.saved_model.load(str(path))
    run = loaded.signatures["serving_default"]
    keys = [tensor["name"] for tensor in graph["inputs"]]
    order = [tensor["name"] for tensor in graph["outputs"]]

    def run_saved_model(*arrays: Any) -> list[Any]:
        found = run(**dict(zip(keys, map(tensorflow.constant, arrays), strict=True)))
        return [found[name].numpy() for name in order]

    return run_saved_model


def read_picture(path: Path) -> Any:
    """Read (H, W, 3) uint8 RGB."""
    if path.suffix == ".npy":
        return np.load(path)
    if path.suffix == ".ppm":  # binary: P6, width, height, 255, one blank, the pixels
        magic, width, height, _, pixels = path.read_bytes().split(maxsplit=4)
        if magic != b"P6":
            sys.exit(f"{path} is not a binary .ppm")
        shape = (int(height), int(width), 3)
        return np.frombuffer(pixels, np.uint8, np.prod(shape)).reshape(shape)
    from PIL import Image

    return np.asarray(Image.open(path).convert("RGB"))


def stretch(picture: Any, height: int, width: int) -> Any:
    """Resize bilinearly, half-pixel centres aligned, edges repeated."""
    out = picture.astype(np.float32)
    for axis, size in ((0, height), (1, width)):
        there = (np.arange(size) + 0.5) * out.shape[axis] / size - 0.5
        there = there.clip(0, out.shape[axis] - 1)
        low = np.floor(there).astype(int)
        high = np.minimum(low + 1, out.shape[axis] - 1)
        share = (there - low).astype(np.float32)
        share = share.reshape([-1 if a == axis else 1 for a in range(3)])
        out = out.take(low, axis) * (1 - share) + out.take(high, axis) * share
    return np.rint(out).astype(np.uint8)


def overlap(box: Any, others: Any) -> Any:
    """Give the intersection over union of one box with several."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = (high - low).clip(0).prod(1)
    area = (others[:, 2:] - others[:, :2]).prod(1)
    return shared / np.maximum((box[2:] - box[:2]).prod() + area - shared, 1e-9)


def select(boxes: Any, scores: Any, settings: dict[str, Any]) -> list[Any]:
    """Suppress class by class; give (score, label, box), best first."""
    found = []
    for label in np.flatnonzero((scores >= settings["score_threshold"]).any(0)):
        rows = np.flatnonzero(scores[:, label] >= settings["score_threshold"])
        rows = rows[np.argsort(-scores[rows, label], kind="stable")]
        while len(rows):
            found.append((float(scores[rows[0], label]), int(label), boxes[rows[0]]))
            ious = overlap(boxes[rows[0]], boxes[rows[1:]])
            rows = rows[1:][ious <= settings["iou_threshold"]]
    found.sort(key=lambda item: -item[0])
    return found[: settings["max_detections"]]


def detect(picture: Any, folder: Path = HERE) -> list[dict[str, Any]]:
    """Find the objects in (H, W, 3) uint8 RGB."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    graphs, how = manifest["graphs"], manifest["preprocessing"]
    image = stretch(picture, how["height"], how["width"])[None]
    if graphs["features"]["inputs"][0]["dtype"] == "float32":
        image = (image.astype(np.float32) - how["mean"]) / np.float32(how["scale"])
    arrays: list[Any] = [image]
    for role in ("features", "head"):
        path = folder / graphs[role]["file"]
        arrays = load(path, graphs[role], manifest["format"])(*arrays)
    boxes, scores = arrays[0][0], arrays[1][0]
    height, width = picture.shape[:2]
    edges = np.array([width, height, width, height], np.float32)
    to_picture = edges / np.array([how["width"], how["height"]] * 2, np.float32)
    return [
        {
            "class": manifest["classes"][label],
            "score": round(score, 4),
            "box": [round(float(v), 1) for v in (box * to_picture).clip(0, edges)],
        }
        for score, label, box in select(boxes, scores, manifest["postprocess"])
    ]


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    for line in detect(read_picture(Path(sys.argv[1]))):
        sys.stdout.write(json.dumps(line) + "\n")
