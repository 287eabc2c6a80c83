"""Miniature data sets of optical flow, one builder for each published layout."""

from pathlib import Path

import cv2
import numpy as np

from flow.flo import write_flo
from flow.kitti_png import write_kitti_png

SIZE = (12, 16)


def picture(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """RGB whose red level is `number`, with something for PNG filters to do."""
    rgb = np.zeros((*size, 3), np.uint8)
    rgb[..., 0] = number
    rgb[..., 1] = np.arange(size[1])
    rgb[..., 2] = np.arange(size[0])[:, None]
    return rgb


def flow_of(number: int, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Flow whose u is `number` + x / 64 and whose v is -`number` / 2 + y / 64."""
    rows, columns = np.indices(size)
    field = np.stack([number + columns / 64, -number / 2 + rows / 64], axis=-1)
    return field.astype(np.float32)


def write_picture(path: Path, number: int, size: tuple[int, int] = SIZE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), picture(number, size)[..., ::-1])


def write_field(path: Path, flow: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_flo(path, flow)


def write_mask(path: Path, marked: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), 255 * marked.astype(np.uint8))


def chairs(root: Path, codes: str = "1121", data: str = "data") -> Path:
    """Pairs 00001 on, as many as there are codes; pair n is pictures n and 100 + n."""
    for number, _ in enumerate(codes, 1):
        stem = root / data / f"{number:05d}"
        write_picture(Path(f"{stem}_img1.ppm"), number)
        write_picture(Path(f"{stem}_img2.ppm"), 100 + number)
        write_field(Path(f"{stem}_flow.flo"), flow_of(number))
    (root / "FlyingChairs_train_val.txt").write_text("\n".join(codes) + "\n")
    return root


def examples(root: Path, names: str = "ab", ending: str = "png") -> Path:
    for number, name in enumerate(names, 1):
        write_picture(root / f"{name}-img0.{ending}", number)
        write_picture(root / f"{name}-img1.{ending}", 100 + number)
        write_field(root / f"{name}-gt.flo", flow_of(number))
    return root


def sintel(root: Path) -> Path:
    """Scenes alley of three frames and cave of two, in both passes, with both masks."""
    training = root / "training"
    for place, (scene, frames) in enumerate((("alley", 3), ("cave", 2))):
        for frame in range(1, frames + 1):
            name = f"{scene}/frame_{frame:04d}"
            for base, rendering in ((0, "clean"), (100, "final")):
                number = base + 10 * place + frame
                write_picture(training / rendering / f"{name}.png", number)
            invalid = np.zeros(SIZE, bool)
            invalid[0, 0] = True
            write_mask(training / "invalid" / f"{name}.png", invalid)
            if frame < frames:
                flow = flow_of(10 * place + frame)
                write_field(training / "flow" / f"{name}.flo", flow)
                write_mask(training / "occlusions" / f"{name}.png", np.roll(invalid, 1))
    return root


def kitti(root: Path, pictures: str = "image_2", data: str = "training") -> Path:
    """Two pairs of different size; the first pixel is unmeasured, in noc two are."""
    for number, size in enumerate((SIZE, (11, 17))):
        stem = f"{number:06d}"
        for frame, base in ((9, 50), (10, 0), (11, 100)):
            path = root / data / pictures / f"{stem}_{frame:02d}.png"
            write_picture(path, base + number, size)
        for kind, unknown in (("occ", 1), ("noc", 2)):
            valid = np.ones(size, bool)
            valid[0, :unknown] = False
            path = root / data / f"flow_{kind}" / f"{stem}_10.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_kitti_png(path, flow_of(number, size), valid)
    return root


def middlebury(root: Path, pictures: str = "other-data") -> Path:
    """Scenes Urban2 and Venus, and Walking, whose flow was not published."""
    for number, scene in enumerate(("Urban2", "Venus", "Walking")):
        for frame, base in ((9, 50), (10, 0), (11, 100)):
            path = root / pictures / scene / f"frame{frame:02d}.png"
            write_picture(path, base + number)
        if scene != "Walking":
            flow = flow_of(number)
            flow[0, 0] = 1.666666752e9
            write_field(root / "other-gt-flow" / scene / "flow10.flo", flow)
    return root
