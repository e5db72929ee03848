"""matrix_run.py RUNTIME MODEL INPUTS OUTPUTS: runs one file in one runtime, for runtime_matrix.py.

INPUTS holds float32 values of N x channels x height x width; OUTPUTS is written likewise, as N
rows. Files of integers get their input quantized here, and their output dequantized. Prints the
runtime's version. Needs the Python environment of its runtime only.
"""

import functools
import pathlib
import sys

import numpy as np


def onnx_shape(model: str) -> tuple[int, ...]:
    import onnx

    dims = onnx.load(model).graph.input[0].type.tensor_type.shape.dim
    return tuple(dim.dim_value for dim in dims)[1:]


def run_onnxruntime(model: str, values: np.ndarray) -> tuple[str, np.ndarray]:
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    images = values.reshape(-1, *session.get_inputs()[0].shape[1:])
    return onnxruntime.__version__, session.run(None, {"input": images})[0]


def run_openvino(model: str, values: np.ndarray) -> tuple[str, np.ndarray]:
    import openvino

    network = openvino.Core().read_model(model)
    shape = [axis.get_length() for axis in list(network.inputs[0].partial_shape)[1:]]
    # On processors with bfloat16 units float networks run in it otherwise.
    compiled = openvino.compile_model(network, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    images = values.reshape(-1, *shape)
    outputs = [compiled(image[None])[0][0] for image in images]
    return openvino.__version__.split("-")[0], np.stack(outputs)


def run_tvm(model: str, values: np.ndarray) -> tuple[str, np.ndarray]:
    import onnx
    import tvm
    from tvm import relax
    from tvm.relax.frontend.onnx import from_onnx

    images = values.reshape(-1, *onnx_shape(model))
    module = from_onnx(onnx.load(model), shape_dict={"input": [1, *images.shape[1:]]})
    module = relax.transform.DecomposeOpsForInference()(module)
    built = tvm.compile(module, target="llvm")
    machine = relax.VirtualMachine(built, tvm.cpu())
    outputs = []
    for image in images:
        result = machine["main"](tvm.runtime.tensor(image[None]))
        outputs.append((result[0] if isinstance(result, (list, tuple)) else result).numpy()[0])
    return tvm.__version__, np.stack(outputs)


def quantized(images: np.ndarray, dtype, scale: float, zero_point: int) -> np.ndarray:
    """Halves away from zero, as in hwnas; NCHW to NHWC."""
    images = images.transpose(0, 2, 3, 1)
    if dtype == np.float32:
        return images
    steps = images / np.float32(scale)
    steps = np.copysign(np.floor(np.abs(steps) + np.float32(0.5)), steps) + zero_point
    return np.clip(steps, np.iinfo(dtype).min, np.iinfo(dtype).max).astype(dtype)


def restored(outputs: np.ndarray, scale: float, zero_point: int) -> np.ndarray:
    if outputs.dtype == np.float32:
        return outputs
    return (outputs.astype(np.int32) - zero_point).astype(np.float32) * np.float32(scale)


def run_litert(model: str, values: np.ndarray, reference: bool) -> tuple[str, np.ndarray]:
    import importlib.metadata

    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    resolver = OpResolverType.BUILTIN_REF if reference else OpResolverType.BUILTIN
    runtime = Interpreter(model, experimental_op_resolver_type=resolver, num_threads=1)
    runtime.allocate_tensors()
    source, target = runtime.get_input_details()[0], runtime.get_output_details()[0]
    _, height, width, channels = source["shape"]
    images = values.reshape(-1, channels, height, width)
    outputs = []
    for image in quantized(images, source["dtype"], *source["quantization"]):
        runtime.set_tensor(source["index"], image[None])
        runtime.invoke()
        outputs.append(runtime.get_tensor(target["index"])[0])
    version = importlib.metadata.version("ai-edge-litert")
    return version, restored(np.stack(outputs), *target["quantization"])


def run_tflm(model: str, values: np.ndarray) -> tuple[str, np.ndarray]:
    import importlib.metadata

    from tflite_micro import runtime

    interpreter = runtime.Interpreter.from_file(model, arena_size=1 << 22)
    source, target = interpreter.get_input_details(0), interpreter.get_output_details(0)

    def parameters(detail: dict) -> tuple[float, int]:
        stated = detail["quantization_parameters"]
        if len(stated["scales"]) == 0:
            return 0.0, 0
        return float(stated["scales"][0]), int(stated["zero_points"][0])

    _, height, width, channels = source["shape"]
    images = values.reshape(-1, channels, height, width)
    outputs = []
    for image in quantized(images, source["dtype"], *parameters(source)):
        interpreter.set_input(image[None], 0)
        interpreter.invoke()
        outputs.append(interpreter.get_output(0)[0])
    return importlib.metadata.version("tflite-micro"), restored(np.stack(outputs),
                                                                *parameters(target))


RUNTIMES = {
    "onnxruntime": run_onnxruntime,
    "openvino": run_openvino,
    "tvm": run_tvm,
    "litert": functools.partial(run_litert, reference=True),
    "litert_xnnpack": functools.partial(run_litert, reference=False),
    "tflm": run_tflm,
}


def main() -> int:
    runtime, model, inputs, outputs = sys.argv[1:]
    version, result = RUNTIMES[runtime](model, np.fromfile(inputs, np.float32))
    pathlib.Path(outputs).write_bytes(np.ascontiguousarray(result, np.float32).tobytes())
    print(version)
    return 0


if __name__ == "__main__":
    sys.exit(main())
