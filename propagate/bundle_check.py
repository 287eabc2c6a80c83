"""What an export has cost: parity with Keras on real frames, mAP before and after."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from detector.agreement import OTHER, REFERENCE, reproduced
from detector.detector import Detector
from detector.evaluate import detect_picture
from propagate.bundle import RUNS_ON, Bundle
from propagate.bundle_graphs import GraphSource
from propagate.bundle_sources import BundleSources, keras_detector
from propagate.config import PipelineConfig
from propagate.evaluate import SCORE_THRESHOLD
from propagate.ways import detect_ways, load_networks, ways_of
from propagate.worth import worth_of
from vod.dataset.reading import read_ground_truth
from vod.errors import AnnotationError
from vod.export_pixels import as_pixels
from vod.graph import LoadedGraph
from vod.quantise import relative_error
from vod.types import ByteArray

INTERVAL: Final = 10
"""Key frames of the second and third mAP; the first is every frame on its own."""


CHECKED_PICTURES: Final = 16


def check_bundle(
    bundle: Bundle,
    sources: BundleSources,
    config: PipelineConfig,
    *,
    pictures: Sequence[ByteArray],
    data: Path | None,
    split: str,
) -> dict[str, Any]:
    """Compare a bundle with the Keras models that it was made of.

    Args:
        bundle: as it lies there, run on its format's own engine.
        sources: the models.
        config: of the frame path.
        pictures: real ones, of which some are looked at.
        data: videos with boxes to score before and after; None: none.
        split: name of their list.

    Returns:
        `features` (see `parity`), with a flow `flow` (see `flow_parity`), and with
        data `map`: `before` and `after` (see `mean_ap`).

    Raises:
        AnnotationError: the data have nothing to score.
        VideoError: a picture of the data is missing.
        WeightsError: a graph is not of the stated size.
    """
    engine = RUNS_ON[bundle.manifest.format][0]
    threads = config.engine.threads
    exported = bundle.detector(engine=engine, threads=threads)
    reference = keras_detector(sources.models, threads=threads)
    few = pictures[:: max(1, len(pictures) // CHECKED_PICTURES)]
    checks: dict[str, Any] = {"features": parity(reference, exported, few)}
    if "flow" in sources.graphs:
        graph = bundle.graph("flow", engine=engine, threads=threads)
        checks["flow"] = flow_parity(sources.graphs["flow"], graph)
    if data is not None:
        checks["map"] = {
            name: mean_ap(one, config, data, split=split)
            for name, one in (("before", reference), ("after", exported))
        }
    return checks


def parity(
    reference: Detector, exported: Detector, pictures: Sequence[ByteArray]
) -> dict[str, Any]:
    """Compare an exported detector with the Keras one on real pictures.

    Returns:
        `pictures`; `error`, the largest RMS error of a map relative to its standard
        deviation; of the Keras model's `detections` from .5, how many are
        `found_again` (same class, IoU from .5, score from .4).
    """
    ours, theirs = [], []
    found, total = 0, 0
    for picture in pictures:
        theirs.append(reference.features(reference.preprocessing(picture)))
        ours.append(exported.features(exported.preprocessing(picture)))
        expected = detect_picture(reference, picture, REFERENCE)
        found += reproduced(expected, detect_picture(exported, picture, OTHER))
        total += len(expected)
    errors = [
        relative_error(np.stack(got), np.stack(wanted))
        for got, wanted in zip(
            zip(*ours, strict=True), zip(*theirs, strict=True), strict=True
        )
    ]
    return {
        "pictures": len(pictures),
        "error": max(errors),
        "detections": total,
        "found_again": found,
    }


def flow_parity(source: GraphSource, graph: LoadedGraph) -> dict[str, Any]:
    """Compare an exported flow with the Keras one on neighbouring frames.

    Returns:
        `pairs`; `error`, RMS, relative to the flow's standard deviation; the mean
        length `mean_px` of the flow, and that of the difference, `mean_difference_px`,
        in pixels of the flow's input.
    """
    step = max(1, len(source.samples) // CHECKED_PICTURES)
    few = source.samples[::step]
    ours, theirs = [], []
    for pair in few:
        theirs.append(np.asarray(source.model(list(pair), training=False)))
        taken: Sequence[Any] = pair
        if source.pixels is not None and graph.inputs.dtypes[0] == np.uint8:
            taken = [as_pixels(image, source.pixels) for image in pair]
        ours.append(graph(*taken)[0])
    difference = np.stack(ours) - np.stack(theirs)
    return {
        "pairs": len(few),
        "error": relative_error(np.stack(ours), np.stack(theirs)),
        "mean_px": float(np.linalg.norm(np.stack(theirs), axis=-1).mean()),
        "mean_difference_px": float(np.linalg.norm(difference, axis=-1).mean()),
    }


def mean_ap(
    detector: Detector, config: PipelineConfig, root: Path, *, split: str
) -> dict[str, float]:
    """Score a detector on videos with boxes, by the devkit's protocol.

    Args:
        detector: stands in for the config's.
        config: of the frame path; its flow carries the boxes.
        root: see `python -m propagate.evaluate`.
        split: name of the list.

    Returns:
        mAP of `every_frame`, and with a key frame every 10 of `causal_10` and
        `offline_10` (or `hold_10` without flow).

    Raises:
        AnnotationError: there is nothing to score.
        VideoError: a picture is missing.
    """
    truth = read_ground_truth(root, split)
    if not truth.num_objects:
        raise AnnotationError(f"{root} has no object in the list '{split}'.")
    flows = [] if config.flow.name == "none" else [config.flow.name]
    modes = ["causal", "offline"] if flows else ["hold"]
    ways = ways_of(
        modes=["per-frame", *modes], flows=flows, intervals=[INTERVAL], travels="boxes"
    )
    plain = replace(config, engine=replace(config.engine, name="litert"))
    networks = load_networks(plain, flows, travels="boxes")
    parts = replace(networks.base, detector=detector)
    networks = replace(networks, base=parts).with_threshold(SCORE_THRESHOLD)
    found = detect_ways(networks, truth, ways)
    names = ["every_frame", *(f"{mode}_{INTERVAL}" for mode in modes)]
    return {
        name: worth_of(truth, one).mean_ap
        for name, one in zip(names, found, strict=True)
    }
