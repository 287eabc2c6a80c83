"""Open a video file or network stream with FFmpeg, or say in one sentence why not."""

import re
from pathlib import Path
from typing import Final, Literal

import av
import av.error
import av.stream
from av.container import InputContainer
from av.video.stream import VideoStream

from vod.environment import usable_cpus
from vod.errors import VideoError

NETWORK_TIMEOUT_S: Final = 10.0

MOST_THREADS: Final = 16
"""FFmpeg's own limit. Its own choice is one thread more than there are cores: on two
cores the whole frame path then took 2 to 10 % longer.
"""

Decoding = Literal["exact", "quick", "sparse"]
"""What both leave out, videos with B-frames have; others are decoded as ever.

`quick`: the deblocking filter of B-frames, an eighth of the decoder's time, for blocks
that show. All other frames stay exact, and no error outlives the next of them.
`sparse`: every frame that no other refers to, half of most such videos and a third of
the time. Those that are left are exact; of the others there is no picture.
"""

LIVE_SCHEMES: Final = ("rtsp", "rtsps", "rtmp", "rtp", "udp", "srt", "tcp")


def network_address(location: str | Path) -> str | None:
    """Give `location` back when it is an address such as `rtsp://host/stream`."""
    text = location if isinstance(location, str) else ""
    return text if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", text) else None


def shown_name(location: str | Path) -> str:
    """Give `location` for messages: without a user name and password."""
    return re.sub(r"^([a-zA-Z0-9+.-]+://)[^/@]*@", r"\1", str(location))


def is_live(address: str, *, has_duration: bool) -> bool:
    """Say whether an address is a stream that goes on by itself."""
    return address.partition(":")[0].lower() in LIVE_SCHEMES or not has_duration


def open_container(location: str | Path) -> InputContainer:
    """Open a file or address.

    Raises:
        VideoError: if it is missing, empty, cut short or not a video.
    """
    name = shown_name(location)
    address = network_address(location)
    path = None if address else Path(location)
    if path is not None:
        _check_file(path)
    try:
        if address:
            options = {"rtsp_transport": "tcp"} if address.startswith("rtsp") else {}
            return av.open(address, options=options, timeout=NETWORK_TIMEOUT_S)
        return av.open(str(path))
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise VideoError(_why_not_opened(name, path, error)) from error


def find_video_stream(
    container: InputContainer, *, name: str, decoding: Decoding = "exact"
) -> VideoStream:
    """Give the first stream of moving pictures, ready to decode on several threads.

    Args:
        container: is kept open.
        name: for messages.
        decoding: how exactly pictures are decoded.

    Raises:
        VideoError: if there is none: text, sound only, an unknown codec.
    """
    # FFmpeg shows some text files as a picture of their letters ("tty").
    if container.format.name == "tty":
        raise VideoError(f"{name} is text, not a video.")
    cover = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & cover]
    if not streams:
        kind = "sound only" if container.streams.audio else "no pictures"
        raise VideoError(f"{name} holds {kind}; a video is needed.")
    if streams[0].codec_context is None:
        raise VideoError(f"{name} uses a codec that this FFmpeg cannot decode.")
    decoder = streams[0].codec_context
    decoder.thread_type = av.codec.context.ThreadType.AUTO
    decoder.thread_count = min(usable_cpus() or 1, MOST_THREADS)
    if decoding == "quick":
        decoder.options = {"skip_loop_filter": "bidir"}
    if decoding == "sparse":  # as a property: an option could not be taken back
        decoder.skip_frame = "NONREF"
    return streams[0]


def decode_every_frame(stream: VideoStream) -> None:
    """Leave no frame out from the next packet on."""
    stream.codec_context.skip_frame = "DEFAULT"


def reason_of(error: Exception) -> str:
    """Give FFmpeg's own words for an error, without its number."""
    return str(getattr(error, "strerror", None) or error)


def _check_file(path: Path) -> None:
    try:
        if not path.exists():
            raise VideoError(f"cannot find {path}.")
        if path.is_dir():
            raise VideoError(f"{path} is a folder, not a video.")
        if path.stat().st_size == 0 and path.is_file():
            raise VideoError(f"{path} is empty (0 bytes).")
    except VideoError:
        raise
    except OSError as error:
        raise VideoError(f"cannot read {path}: {error.strerror}.") from error


def _why_not_opened(name: str, path: Path | None, error: Exception) -> str:
    """Say in one sentence why FFmpeg did not open a source."""
    if path is None:
        return f"cannot open {name}: {reason_of(error)}."
    if not isinstance(error, av.error.InvalidDataError):
        return f"cannot read {path}: {reason_of(error)}."
    with path.open("rb") as stream:
        head = stream.read(8)
    if head[4:] == b"ftyp":
        return (
            f"{path} is cut short: its index (moov), written last, is missing, "
            "so no frame can be found; copy or record it again."
        )
    return f"{path} is not a video that FFmpeg can read."
