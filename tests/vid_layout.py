"""Build small data sets in the ILSVRC2015 layout."""

from pathlib import Path

import cv2
import numpy as np

CAR, DOG, ZEBRA = "n02958343", "n02084071", "n02391049"


def xml_object(
    wnid=CAR, track=0, xmin=10, ymin=20, xmax=29, ymax=59, occluded=0, generated=0
) -> str:
    """Give one object as the official files have it."""
    return f"""	<object>
		<trackid>{track}</trackid>
		<name>{wnid}</name>
		<bndbox>
			<xmax>{xmax}</xmax>
			<xmin>{xmin}</xmin>
			<ymax>{ymax}</ymax>
			<ymin>{ymin}</ymin>
		</bndbox>
		<occluded>{occluded}</occluded>
		<generated>{generated}</generated>
	</object>
"""


def xml_text(*objects: str, height: int = 72, width: int = 96) -> str:
    """Give a whole annotation as the official files have it."""
    return f"""<annotation>
	<folder>folder</folder>
	<filename>000000</filename>
	<source>
		<database>ILSVRC_2015</database>
	</source>
	<size>
		<width>{width}</width>
		<height>{height}</height>
	</size>
{"".join(objects)}</annotation>
"""


def write_xml(path: Path, *objects: str, **size: int) -> Path:
    """Write an annotation."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(xml_text(*objects, **size), encoding="utf-8")
    return path


def write_list(root: Path, name: str, *lines: str) -> Path:
    """Write a list below `ImageSets`."""
    path = root / "ImageSets" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def write_jpeg(path: Path, *, height: int = 72, width: int = 96) -> Path:
    """Write a grey picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path.with_suffix(".jpg")), np.full((height, width, 3), 128, "u1"))
    return path.with_suffix(".jpg").rename(path)


def make_root(root: Path, *, pictures: bool = False) -> Path:
    """Two snippets, b first: frames 0 and 1 of b (1 is empty), frame 4 of a."""
    write_list(root, "VID/val.txt", "b/000000 1", "b/000001 2", "a/000004 3")
    annotations = root / "Annotations" / "VID" / "val"
    write_xml(annotations / "b" / "000000.xml", xml_object(), xml_object(DOG, 7))
    write_xml(annotations / "b" / "000001.xml")
    write_xml(annotations / "a" / "000004.xml", xml_object(xmin=0, xmax=0, generated=1))
    if pictures:
        for name in ("b/000000", "b/000001", "a/000004"):
            write_jpeg(root / "Data" / "VID" / "val" / f"{name}.JPEG")
    return root
