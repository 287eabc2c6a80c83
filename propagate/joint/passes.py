"""Flow looked at again: each pass of the network sees what the last one left over."""

from typing import Any

from keras import ops

from propagate.warp_layer import BilinearWarp


def flows_of_passes(network: Any, current: Any, earlier: Any, *, passes: int) -> Any:
    """Give the flow after each pass of one network, for any backend of Keras.

    From the second pass on the network gets the earlier picture as the flow so far has
    it, warped onto the current one, and what it finds is added. Gradients stay within
    their pass.

    Args:
        network: a LightFlow, from `[current, earlier]` to flow in pixels.
        current: `(B, H, W, 3)` pictures.
        earlier: `(B, H, W, 3)`.
        passes: 1 or more.

    Returns:
        A list of `(B, h, w, 2)` backward flows in pixels of the pictures.

    Source: Hur and Roth, Iterative Residual Refinement for Joint Optical Flow and
    Occlusion Estimation, CVPR 2019: one network, its weights shared by all passes.
    `flow.passes.RepeatedFlow` is the same on arrays.
    """
    height, width = earlier.shape[1:3]
    warp = BilinearWarp(border="edge")
    flows = [network([current, earlier])]
    for _ in range(passes - 1):
        before = ops.stop_gradient(flows[-1])
        whole = ops.image.resize(before, (height, width), interpolation="bilinear")
        flows.append(before + network([current, warp([earlier, whole])]))
    return flows
