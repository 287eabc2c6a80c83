"""One builder for everything that tests of pictures need: frames, boxes, clips.

And what reads clips and results back.
"""

import json
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from vod.types import ByteArray, Detections, Frame
from vod.video import VideoInfo, VideoReader


def make_detections(*rows: tuple[tuple[float, ...], float, int]) -> Detections:
    """Build detections from (box, score, label) rows."""
    return Detections(
        np.array([box for box, _, _ in rows], np.float32).reshape(len(rows), 4),
        np.array([score for _, score, _ in rows], np.float32),
        np.array([label for _, _, label in rows], np.int32),
    )


def make_picture(index: int = 0, *, height: int = 48, width: int = 64) -> ByteArray:
    """Build `(H, W, 3)`: a ramp with a bright square that moves with `index`."""
    rgb = np.zeros((height, width, 3), np.uint8)
    rgb[..., 0] = np.linspace(40, 120, width).astype(np.uint8)
    rgb[..., 1] = np.linspace(40, 120, height).astype(np.uint8)[:, None]
    left = (2 * index) % max(1, width - 8)
    rgb[height // 4 : height // 2, left : left + 8] = 220
    return rgb


def make_frame(index: int = 0, *, rate: int = 25, **size: int) -> Frame:
    """Build a frame at `index / rate` seconds."""
    return Frame(index, index / rate, make_picture(index, **size))


def make_info(**changes: object) -> VideoInfo:
    """Build what is known of a 64x48 clip at 25 frames a second."""
    facts = {
        "name": "clip.mp4",
        "width": 64,
        "height": 48,
        "average_rate": Fraction(25),
        "frame_count": 3,
        "duration_s": 0.12,
        "time_base": Fraction(1, 12800),
    }
    return VideoInfo(**{**facts, **changes})


def write_clip(
    path: Path,
    count: int = 10,
    *,
    pictures: Sequence[ByteArray] | None = None,
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    rate: Fraction = Fraction(25),
    size: tuple[int, int] = (48, 64),
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    options: dict[str, str] | None = None,
    container_options: dict[str, str] | None = None,
    rotation: int = 0,
    audio_codec: str | None = None,
    audio_s: float | None = None,
) -> Path:
    """Encode a small clip; `size` is (height, width), `rotation` counter-clockwise."""
    height, width = size
    if pictures is None:
        pictures = [make_picture(i, height=height, width=width) for i in range(count)]
    with av.open(str(path), "w", options=container_options or {}) as container:
        stream = container.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = pix_fmt
        if time_base is not None:
            stream.codec_context.time_base = time_base
        if rotation:
            stream.set_display_rotation(rotation)
        sound = audio_codec and container.add_stream(audio_codec, rate=48_000)
        container.start_encoding()
        if sound:
            seconds = len(pictures) / rate if audio_s is None else audio_s
            _encode_tone(container, sound, round(48_000 * seconds))
        for i, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = i if pts is None else pts[i]
            frame.time_base = time_base or 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def write_sound(path: Path, seconds: float = 0.5) -> Path:
    """Encode a file of sound only."""
    with av.open(str(path), "w") as container:
        sound = container.add_stream("aac", rate=48_000)
        _encode_tone(container, sound, round(48_000 * seconds))
    return path


def names_in(folder: Path) -> list[str]:
    """Give the names in a folder, hidden ones too, sorted."""
    return sorted(path.name for path in folder.iterdir())


def count_packets(path: Path, kind: str) -> int:
    """Count the packets of all streams of a kind, `video` or `audio`."""
    with av.open(str(path)) as container:
        streams = [stream for stream in container.streams if stream.type == kind]
        return sum(bool(p.size) for p in container.demux(*streams)) if streams else 0


def _encode_tone(container, stream, samples: int) -> None:
    context = stream.codec_context
    context.open(strict=False)
    size = context.frame_size or 1024
    wave = np.sin(np.arange(samples) * (2 * np.pi * 440 / 48_000)) * 0.2
    sample_format = context.format.name
    for start in range(0, samples, size):
        mono = wave[start : start + size]
        if sample_format.startswith("flt"):
            data = mono.astype(np.float32)
        else:
            data = (mono * 32767).astype(np.int16)
        channels = len(context.layout.channels)
        planar = sample_format.endswith("p")
        stacked = np.stack([data] * channels)
        array = stacked if planar else stacked.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(array), sample_format, context.layout.name
        )
        frame.sample_rate = 48_000
        frame.pts = start
        frame.time_base = Fraction(1, 48_000)
        container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def read_video(path: Path, **options: Any) -> tuple[list[Frame], list[str]]:
    """Decode a clip; give its frames and what was wrong with it."""
    with VideoReader(path, **options) as reader:
        return list(reader), reader.problems


def read_lines(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Read results in JSON lines; give the header and a mapping a frame."""
    header, *frames = [json.loads(line) for line in path.read_text().splitlines()]
    return header, frames
