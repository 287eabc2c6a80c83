"""Copy the sound of a source file into an output, packet by packet, never decoded."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import av
import av.error
from av.audio.stream import AudioStream
from av.container import OutputContainer

from vod.video_open import find_video_stream, open_container, reason_of

logger = logging.getLogger(__name__)

# FFmpeg muxes more sound into mp4 than browsers and players decode there.
MP4_CODECS: Final = ("aac", "mp3", "opus", "flac", "alac", "ac3", "eac3")


class AudioCopy:
    """The sound of `path`, shifted so that it stays with the pictures.

    What cannot be copied is left out with a warning: sound never stops the pictures.

    Args:
        path: the source file.
        output: receives one stream for each that it can hold; its header must not have
            been written.
    """

    def __init__(self, path: Path, output: OutputContainer) -> None:
        self._path = path
        self._output = output
        self._input = open_container(path)
        video = find_video_stream(self._input, name=str(path))
        self._zero_s = float((video.start_time or 0) * (video.time_base or 0))
        self._outputs: dict[int, AudioStream] = {}
        for stream in self._input.streams.audio:
            self._add(stream)
        streams = [self._input.streams[index] for index in self._outputs]
        self._packets: Iterator[Any] = iter(())
        if streams:
            self._packets = self._input.demux(*streams)
        self._waiting: Any = None
        self._offset_s = self._zero_s
        self._last_dts: dict[int, int] = {}

    def _add(self, stream: AudioStream) -> None:
        codec = stream.codec_context.name if stream.codec_context else "unknown"
        if codec.removesuffix("float") not in MP4_CODECS:
            logger.warning(
                "%s: its sound (%s) is left out, an mp4 file cannot carry it.",
                self._path,
                codec,
            )
            return
        self._outputs[stream.index] = self._output.add_stream_from_template(stream)

    def start_at(self, time_s: float) -> None:
        """Make `time_s` of the source's pictures time 0 of the output."""
        self._offset_s = self._zero_s + time_s
        if time_s > 0 and self._outputs:
            try:
                self._input.seek(round(self._offset_s * av.time_base))
            except av.error.FFmpegError as error:
                logger.debug("%s cannot seek its sound: %s", self._path, error)

    def copy_until(self, time_s: float) -> None:
        """Write the sound before `time_s` of the output."""
        while (packet := self._next()) is not None:
            if self._time_of(packet) >= time_s:
                return
            self._waiting = None
            self._write(packet)

    def close(self) -> None:
        """Free the source file."""
        self._input.close()

    def _next(self) -> Any:
        """Give the next packet with a time without taking it; None at the end."""
        while self._waiting is None:
            try:
                packet = next(self._packets, None)
            except av.error.FFmpegError as error:
                logger.warning("%s: its sound ends early: %s.", self._path, error)
                packet = None
            if packet is None:
                return None
            is_before = packet.dts is not None and self._ends_before_start(packet)
            if packet.dts is not None and not is_before:
                self._waiting = packet
        return self._waiting

    def _time_of(self, packet: Any) -> float:
        return float(packet.dts * packet.time_base) - self._offset_s

    def _ends_before_start(self, packet: Any) -> bool:
        # At the true beginning everything is kept: packets with negative times prime
        # the decoder (AAC) and carry no sound of their own.
        if self._offset_s == self._zero_s:
            return False
        duration_s = float((packet.duration or 0) * packet.time_base)
        return self._time_of(packet) + duration_s <= 0

    def _write(self, packet: Any) -> None:
        index = packet.stream_index
        shift = round(self._offset_s / float(packet.time_base))
        packet.dts -= shift
        packet.pts = packet.dts if packet.pts is None else packet.pts - shift
        if packet.dts <= self._last_dts.get(index, packet.dts - 1):
            return  # a packet out of order would end the whole file
        self._last_dts[index] = packet.dts
        packet.stream = self._outputs[index]
        try:
            self._output.mux(packet)
        except (av.error.InvalidDataError, av.error.ArgumentError) as error:
            logger.warning(
                "%s: a piece of its sound is left out: %s.",
                self._path,
                reason_of(error),
            )
