"""A few pairs in the layout of Flying Chairs, of shifted noise."""

import cv2
import numpy as np

from flow.flo import write_flo

SPLIT_FILE = "FlyingChairs_train_val.txt"


def write_chairs(folder, *, count=8, height=80, width=112, validation=2):
    """Write `count` pairs and the split file; the last `validation` are of `val`."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    for number in range(1, count + 1):
        noise = rng.integers(0, 255, (height, width, 3), np.uint8)
        current = cv2.GaussianBlur(noise, (0, 0), 2)
        u, v = (int(shift) for shift in rng.integers(-6, 7, 2))
        # What is at p in the current picture is at p + (u, v) in the key picture.
        key = np.roll(current, (v, u), axis=(0, 1))
        for end, picture in (("img1", current), ("img2", key)):
            cv2.imwrite(str(folder / f"{number:05d}_{end}.ppm"), picture)
        flow = np.full((height, width, 2), (u, v), np.float32)
        write_flo(folder / f"{number:05d}_flow.flo", flow)
    codes = ["1"] * (count - validation) + ["2"] * validation
    (folder / SPLIT_FILE).write_text("\n".join(codes) + "\n")
    return folder
