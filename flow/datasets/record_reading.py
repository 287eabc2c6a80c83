"""Pairs from records: each by its place, or as a stream through tf.data."""

import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from flow.datasets.pairs import LoadedPair, decode_rgb
from flow.datasets.record_format import (
    INDEX_FILE,
    parse_example,
    read_index,
    record_places,
)
from flow.flo import MaskArray
from flow.kitti_png import KITTI_PER_PIXEL, KITTI_ZERO, decode_kitti_png
from vod.errors import FlowError
from vod.types import FloatArray

SHARDS_AT_ONCE: Final = 16
"""Files that the stream reads from in turn."""


@dataclass(frozen=True, slots=True)
class RecordPair:
    """A pair in a shard; it needs no TensorFlow to be read.

    Attributes:
        shard: the TFRecord file.
        number: its place among the shard's pairs, from 0.
        offset: of the record's content, in bytes.
        length: of that content.
        height: rows of its pictures.
        width: columns of its pictures.
        flow_format: a key of `FLOW_FORMATS`.
    """

    shard: Path
    number: int
    offset: int
    length: int
    height: int
    width: int
    flow_format: str

    @property
    def name(self) -> str:
        """Shard and place; the data set's own name is `original_name`."""
        return f"{self.shard.name}:{self.number}"

    def size(self) -> tuple[int, int]:
        """Give height and width as the index states them."""
        return self.height, self.width

    def original_name(self) -> str:
        """Read the name that the pair had in the data set.

        Raises:
            FlowError: the shard cannot be read or is damaged.
        """
        return str(self._fields()["name"], "utf-8")

    def load(self) -> LoadedPair:
        """Read the pair.

        Raises:
            FlowError: the shard cannot be read or is damaged.
        """
        fields, source = self._fields(), f"pair {self.number} of {self.shard}"
        current = decode_rgb(fields["current"], source)
        key = decode_rgb(fields["key"], source)
        if self.flow_format == "png16":
            flow, valid = decode_kitti_png(fields["flow"], source)
        else:
            flow, valid = self._decode_floats(fields["flow"], source)
        shapes = {current.shape[:2], key.shape[:2], valid.shape}
        if shapes != {self.size()}:
            raise FlowError(f"{source} is {shapes}, the index states {self.size()}.")
        return LoadedPair(current, key, flow, valid)

    def _fields(self) -> dict[str, bytes]:
        try:
            with self.shard.open("rb") as file:
                file.seek(self.offset)
                fields = parse_example(file.read(self.length))
        except OSError as error:
            raise FlowError(f"cannot read {self.shard}: {error.strerror}.") from error
        except (KeyError, ValueError) as error:
            raise FlowError(
                f"pair {self.number} of {self.shard} is damaged: {error}."
            ) from error
        if missing := {"name", "current", "key", "flow"} - set(fields):
            raise FlowError(
                f"pair {self.number} of {self.shard} has no {', '.join(missing)}."
            )
        return fields

    def _decode_floats(
        self, content: bytes, source: str
    ) -> tuple[FloatArray, MaskArray]:
        try:
            values = np.frombuffer(zlib.decompress(content), "<f4")
            stored = values.reshape(self.height, self.width, 2)
        except (zlib.error, ValueError) as error:
            raise FlowError(f"flow of {source} is damaged: {error}.") from error
        valid = ~np.isnan(stored).any(axis=-1)
        return np.where(valid[..., None], stored, np.float32(0)), valid


def find(root: Path) -> Path | None:
    """Give the folder if it holds records."""
    return root if (root / INDEX_FILE).is_file() else None


def list_pairs(folder: Path, _split: str | None = None) -> list[RecordPair]:
    """List the pairs of a folder of records.

    Raises:
        FlowError: the index or a shard is missing or damaged.
    """
    index = read_index(folder)
    pairs = []
    for shard in index.shards:
        path = folder / shard.file
        places = record_places(path, shard.bytes)
        sizes = [(h, w) for h, w, count in shard.sizes for _ in range(count)]
        if len(places) != len(sizes):
            raise FlowError(
                f"{path} holds {len(places)} pairs, the index states {len(sizes)}. "
                "Write the records again."
            )
        pairs += [
            RecordPair(path, number, *place, *size, index.flow_format)
            for number, (place, size) in enumerate(zip(places, sizes, strict=True))
        ]
    return pairs


def record_pairs(folder: Path, *, shuffle: int = 0, seed: int = 0) -> Any:
    """Stream the pairs of a folder of records through tf.data.

    Args:
        folder: what `python -m flow.records write` made.
        shuffle: pairs to hold in memory to draw from, also shuffling the shards; 0
            keeps the order of `list_pairs`.
        seed: of the order; the same seed gives the same order, and every pass over the
            stream another one. To resume a training in the middle of a pass, use
            `flow.datasets.batches.RealPairsBatches`.

    Returns:
        A `tf.data.Dataset` of `(current, key, flow, valid)` as in `LoadedPair`, a pair
        an element and the sizes not fixed: crop, then batch.

    Raises:
        FlowError: the index is missing or damaged, or a shard is not there.
    """
    import tensorflow as tf

    index = read_index(folder)
    paths = [folder / shard.file for shard in index.shards]
    for path in paths:
        if not path.is_file():
            raise FlowError(f"{path} is not there, but {INDEX_FILE} names it.")
    files = tf.data.Dataset.from_tensor_slices([str(path) for path in paths])
    if shuffle:
        files = files.shuffle(len(paths), seed=seed).interleave(
            tf.data.TFRecordDataset, cycle_length=min(len(paths), SHARDS_AT_ONCE)
        )
        records = files.shuffle(shuffle, seed=seed + 1)
    else:
        records = tf.data.TFRecordDataset(files)
    decode = _decode_png16 if index.flow_format == "png16" else _decode_floats
    return records.map(
        lambda record: _decode(record, decode), num_parallel_calls=tf.data.AUTOTUNE
    ).prefetch(tf.data.AUTOTUNE)


def _decode(record: Any, decode_flow: Any) -> tuple[Any, Any, Any, Any]:
    import tensorflow as tf

    kinds = {key: tf.io.FixedLenFeature([], tf.string) for key in _STREAMED}
    fields = tf.io.parse_single_example(record, kinds)
    current = tf.io.decode_png(fields["current"], channels=3)
    key = tf.io.decode_png(fields["key"], channels=3)
    flow, valid = decode_flow(fields["flow"], tf.shape(current))
    return current, key, flow, valid


def _decode_png16(content: Any, _shape: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    stored = tf.cast(tf.io.decode_png(content, channels=3, dtype=tf.uint16), tf.int32)
    valid = stored[..., 2] > 0
    flow = tf.cast(stored[..., :2] - KITTI_ZERO, tf.float32) / KITTI_PER_PIXEL
    return tf.where(valid[..., None], flow, 0.0), valid


def _decode_floats(content: Any, shape: Any) -> tuple[Any, Any]:
    import tensorflow as tf

    values = tf.io.decode_raw(tf.io.decode_compressed(content, "ZLIB"), tf.float32)
    stored = tf.ensure_shape(
        tf.reshape(values, tf.concat([shape[:2], [2]], 0)), (None, None, 2)
    )
    valid = tf.logical_not(tf.reduce_any(tf.math.is_nan(stored), axis=-1))
    return tf.where(valid[..., None], stored, 0.0), valid


_STREAMED: Final = ("current", "key", "flow")
