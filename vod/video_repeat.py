"""Make a clip as long as one likes, without decoding it."""

from pathlib import Path

import av
import av.error
from av.container import OutputContainer

from vod.errors import VideoError
from vod.video_open import find_video_stream, open_container, reason_of


def repeat_video(source: str, target: Path, *, frames: int) -> None:
    """Write the coded pictures of a video file again and again, as one mp4.

    Times go on from one repetition to the next; there is no sound.

    Args:
        source: a video file.
        target: the mp4 to write.
        frames: least number of pictures; the last repetition is whole.

    Raises:
        VideoError: the source cannot be read, or does not fit into an mp4.
    """
    try:
        with av.open(str(target), "w", format="mp4") as out:
            written, end = 0, 0
            while written < frames:
                copied, end = _copy_once(source, out, begin=end)
                if not copied:
                    raise VideoError(f"{source} holds no picture that could be copied.")
                written += copied
    except (av.error.FFmpegError, ValueError) as error:
        raise VideoError(
            f"{source} cannot be repeated as an mp4 ({reason_of(error)}): convert it "
            "to H.264 first."
        ) from error


def _copy_once(source: str, out: OutputContainer, *, begin: int) -> tuple[int, int]:
    """Append all packets, from tick `begin` on; give their number and the last end."""
    count, end = 0, begin
    with open_container(source) as container:
        stream = find_video_stream(container, name=source)
        known = out.streams.video
        target = known[0] if known else out.add_stream_from_template(stream)
        for packet in container.demux(stream):
            if packet.dts is None or packet.pts is None:
                continue
            end = max(end, begin + packet.pts + (packet.duration or 1))
            packet.pts += begin
            packet.dts += begin
            packet.stream = target
            out.mux(packet)
            count += 1
    return count, end
