"""Let a graph take uint8 pixels: the normalisation becomes its first operation.

LiteRT reads a uint8 input as `(pixel - zero_point) * step` where the graph says so, in
the same XNNPACK run as the convolutions; measured, it costs nothing there, while
normalising in NumPy (or by CAST, MUL and ADD) costs a tenth of the first convolution.
The padding of that convolution stays normalised zeros, so nothing changes at borders.
"""

from typing import TYPE_CHECKING, Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from vod.preprocess import Preprocessing
from vod.types import ByteArray, FloatArray

if TYPE_CHECKING:
    import keras

FILE_IDENTIFIER = b"TFL3"


def as_pixels(image: FloatArray, pixels: Preprocessing) -> ByteArray:
    """Undo `Preprocessing.normalise`: give the uint8 values of a normalised picture."""
    values = np.rint(image * np.float32(pixels.scale) + np.float32(pixels.mean))
    restored: ByteArray = np.clip(values, 0, 255).astype(np.uint8)
    return restored


def zero_point(pixels: Preprocessing) -> int:
    """Give the whole pixel value nearest to the mean."""
    return int(np.rint(pixels.mean))


def from_zero_point(model: "keras.Model", pixels: Preprocessing) -> "keras.Model":
    """Give a model whose inputs are `(pixel - zero_point) / scale`.

    That is the model itself where the mean is a whole number; else an addition in front
    makes up for the rest. Inputs and outputs keep their names and order.
    """
    import keras

    rest = (zero_point(pixels) - pixels.mean) / pixels.scale
    if rest == 0:
        return model
    inputs = [
        keras.Input(batch_shape=tensor.shape, name=tensor.name.split(":")[0])
        for tensor in model.inputs
    ]
    shifted = [keras.layers.Rescaling(1.0, rest)(tensor) for tensor in inputs]
    alone = len(inputs) == 1
    outputs = model(shifted[0] if alone else shifted)
    return keras.Model(inputs[0] if alone else inputs, outputs, name=model.name)


def with_pixel_inputs(graph: bytes, pixels: Preprocessing) -> bytes:
    """Change every float32 input of a `.tflite` graph to uint8 pixels.

    Args:
        graph: takes `(pixel - zero_point) / scale`, see `from_zero_point`.
        pixels: the normalisation that moves into the graph.
    """
    model = schema.ModelT.InitFromPackedBuf(graph)
    code = schema.OperatorCodeT()
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.DEQUANTIZE
    code.version = 1
    model.operatorCodes.append(code)
    subgraph = model.subgraphs[0]
    subgraph.inputs = [
        _read_as_pixels(model, subgraph, index, pixels) for index in subgraph.inputs
    ]
    builder = flatbuffers.Builder(len(graph))
    builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
    return bytes(builder.Output())


def _read_as_pixels(model: Any, subgraph: Any, old: int, pixels: Preprocessing) -> int:
    """Put a uint8 tensor in front of an input; give its index."""
    normalised = subgraph.tensors[old]
    pixel = schema.TensorT()
    pixel.name, normalised.name = normalised.name, normalised.name + b"_normalised"
    pixel.shape = normalised.shape
    pixel.shapeSignature = normalised.shapeSignature
    pixel.type = schema.TensorType.UINT8
    pixel.quantization = schema.QuantizationParametersT()
    pixel.quantization.scale = np.array([1 / pixels.scale], np.float32)
    pixel.quantization.zeroPoint = np.array([zero_point(pixels)], np.int64)
    pixel.buffer = len(model.buffers)
    model.buffers.append(schema.BufferT())
    new = len(subgraph.tensors)
    subgraph.tensors.append(pixel)
    operator = schema.OperatorT()
    operator.opcodeIndex = len(model.operatorCodes) - 1
    operator.inputs, operator.outputs = [new], [old]
    subgraph.operators.insert(0, operator)
    for signature in model.signatureDefs or []:
        for entry in signature.inputs:
            if entry.tensorIndex == old:
                entry.tensorIndex = new
    return new
