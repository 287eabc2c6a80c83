"""What records of flow pairs are made of: an index, shards, and tf.train.Example.

A shard is a TFRecord file without compression of its own, because what it holds is
compressed already; so a pair is read by its place, without what lies before it.
Each record is a tf.train.Example of four byte strings:

- `name`: of the pair, UTF-8;
- `current`, `key`: PNG files of 8 bits, the data set's own bytes where it has PNG;
- `flow`: see `FLOW_FORMATS`.
"""

import json
import struct
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from vod.errors import FlowError

INDEX_FILE: Final = "records.json"
"""Written last: a folder that has it is complete."""

FORMAT: Final = "flow-records/1"

FLOW_FORMATS: Final[Mapping[str, str]] = {
    "png16": "KITTI's PNG, in steps of 1/64 pixel from -512 to 511.98",
    "float32": "zlib over little-endian float32 (H, W, 2), NaN where unknown; exact",
}

FRAME_HEAD: Final = struct.Struct("<QI")
"""TFRecord: length of the record and a checksum of it, both little-endian."""

FRAME_TAIL_BYTES: Final = 4
"""TFRecord: a checksum of the record's content follows it."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One TFRecord file.

    Attributes:
        file: its name in the folder.
        pairs: how many it holds.
        bytes: its length.
        sha256: of the file.
        sizes: height, width and how many pairs of this size follow each other.
    """

    file: str
    pairs: int
    bytes: int
    sha256: str
    sizes: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class RecordIndex:
    """What a folder of records holds.

    Attributes:
        layout: of the data set that they were made from.
        split: of it; None for the whole.
        flow_format: a key of `FLOW_FORMATS`.
        largest_rounding_px: greatest difference of a flow component to the data set's.
        pairs: how many there are.
        bytes: length of all shards.
        shards: the files, in order.
    """

    layout: str
    split: str | None
    flow_format: str
    largest_rounding_px: float
    pairs: int
    bytes: int
    shards: tuple[Shard, ...]

    def to_json(self) -> str:
        """Give the content of the index file."""
        return json.dumps({"format": FORMAT} | asdict(self), indent=1) + "\n"


def read_index(folder: Path) -> RecordIndex:
    """Read the index of a folder of records.

    Raises:
        FlowError: no folder of records, an unfinished one, or a damaged index.
    """
    path = folder / INDEX_FILE
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise FlowError(
            f"cannot read {path}: {error.strerror}. It is written last: were these "
            "records written to their end?"
        ) from error
    except ValueError as error:
        raise FlowError(f"{path} is not JSON: {error}.") from error
    try:
        return _index(values)
    except (KeyError, TypeError, ValueError) as error:
        raise FlowError(
            f"{path} is not an index of {FORMAT}: {error!r}. Write the records again."
        ) from error


def _index(values: dict[str, Any]) -> RecordIndex:
    values = dict(values)
    if (received := values.pop("format")) != FORMAT:
        raise ValueError(f"its format is {received!r}")
    if values["flow_format"] not in FLOW_FORMATS:
        raise ValueError(f"its flow_format is {values['flow_format']!r}")
    shards = tuple(
        Shard(**shard | {"sizes": tuple((h, w, n) for h, w, n in shard["sizes"])})
        for shard in values.pop("shards")
    )
    index = RecordIndex(**values, shards=shards)
    counted = sum(n for shard in shards for _, _, n in shard.sizes)
    if not index.pairs == counted == sum(shard.pairs for shard in shards):
        raise ValueError("its numbers of pairs do not add up")
    return index


def record_places(shard: Path, bytes_stated: int) -> list[tuple[int, int]]:
    """Give offset and length of each record's content in a shard.

    Raises:
        FlowError: the file cannot be read, or is not as long as stated.
    """
    places = []
    try:
        with shard.open("rb") as file:
            end = file.seek(0, 2)
            if end != bytes_stated:
                raise FlowError(
                    f"{shard} has {end} bytes, the index states {bytes_stated}: it is "
                    "damaged. Copy it again, or write the records again."
                )
            start = 0
            while start < end:
                file.seek(start)
                head = file.read(FRAME_HEAD.size)
                if len(head) < FRAME_HEAD.size:
                    break
                length, _ = FRAME_HEAD.unpack(head)
                places.append((start + FRAME_HEAD.size, length))
                start += FRAME_HEAD.size + length + FRAME_TAIL_BYTES
    except OSError as error:
        raise FlowError(f"cannot read records {shard}: {error.strerror}.") from error
    if start != end:
        raise FlowError(
            f"{shard} is damaged: a record is longer than what is left of the file. "
            "Copy it again, or write the records again."
        )
    return places


def parse_example(content: bytes) -> dict[str, bytes]:
    """Read the byte strings of a tf.train.Example, without TensorFlow.

    Raises:
        ValueError: it is not one.

    Source: TensorFlow's example.proto and feature.proto.
    """
    features = {}
    for _, inside in _fields(memoryview(content)):
        for _, entry in _fields(inside):
            pair = dict(_fields(entry))
            byte_list = dict(_fields(pair[2]))[1]
            features[str(pair[1], "utf-8")] = bytes(dict(_fields(byte_list))[1])
    return features


def _fields(message: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Give number and content of the fields of a protocol-buffer message of strings.

    Source: Protocol Buffers' encoding guide; wire type 2 is "length, then content".
    """
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        length, place = _varint(message, place)
        if tag & 7 != 2 or place + length > len(message):
            raise ValueError("not a tf.train.Example of byte strings")
        yield tag >> 3, message[place : place + length]
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message) and shift < 64:
        byte = message[place]
        value |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            return value, place
    raise ValueError("not a tf.train.Example: a number is cut short")
