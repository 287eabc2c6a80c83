"""Video in and out: `VideoInfo`, `VideoReader`, `VideoWriter`.

The files `vod/video_*.py` are the only ones that know the codec library (PyAV).
"""

from vod.video_info import VideoInfo
from vod.video_reader import VideoReader
from vod.video_writer import OUTPUT_SUFFIXES, VideoWriter

__all__ = ["OUTPUT_SUFFIXES", "VideoInfo", "VideoReader", "VideoWriter"]
