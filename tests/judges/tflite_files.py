"""What the judges of .tflite files share: which files, which inputs, and what hwnas computes."""

import argparse
import json
import pathlib
import subprocess
import tempfile
import zlib

import numpy as np

TOLERANCE = 1e-4  # of the largest float output


def parse_arguments(description: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run_quantized", help="the program that runs a file in our executor")
    parser.add_argument("files", nargs="*", type=pathlib.Path, help=".tflite files")
    parser.add_argument("--zoo", help="the program that writes the zoo's files, to judge as well")
    parser.add_argument("--count", type=int, default=20, help="random inputs a file")
    parser.add_argument("--inputs", type=pathlib.Path, help="inputs one after another instead")
    parser.add_argument("--xnnpack-units", type=int, default=1, help="how far XNNPACK may be off")
    return parser.parse_args()


def files_of(arguments: argparse.Namespace, folder: str) -> list[pathlib.Path]:
    if arguments.zoo:
        subprocess.run([arguments.zoo, folder], check=True)
    return arguments.files + sorted(pathlib.Path(folder).glob("*.tflite"))


def integer_inputs(arguments, file: pathlib.Path, shape, dtype) -> np.ndarray:
    """Inputs of an integer file: given ones, or random ones that depend on its name only."""
    shape = tuple(int(extent) for extent in shape[1:])
    if arguments.inputs:
        return np.fromfile(arguments.inputs, dtype).reshape(-1, *shape)
    limits = np.iinfo(dtype)
    rng = np.random.default_rng(zlib.crc32(file.name.encode()))
    return rng.integers(limits.min, limits.max + 1, (arguments.count, *shape), dtype)


def run_ours(program: str, file: pathlib.Path, inputs: np.ndarray, dtype) -> np.ndarray:
    """Outputs of our integer executor, one row an input."""
    with tempfile.TemporaryDirectory() as folder:
        source, target = pathlib.Path(folder) / "in", pathlib.Path(folder) / "out"
        inputs.tofile(source)
        subprocess.run([program, file, source, target], check=True)
        return np.fromfile(target, dtype).reshape(len(inputs), -1)


def float_expectations(file: pathlib.Path) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (height x width x channels) and the reference's outputs in the file's order."""
    expected = json.loads(file.with_suffix(".json").read_text())
    channels, height, width = expected["input_shape"]
    inputs = np.array(expected["inputs"], np.float32).reshape(-1, channels, height, width)
    return inputs.transpose(0, 2, 3, 1), np.array(expected["outputs"], np.float32)


def float_gap(outputs: np.ndarray, expected: np.ndarray) -> float:
    """Largest difference as a share of the largest output; maps are put into our order."""
    if outputs.ndim == 4:
        outputs = outputs.transpose(0, 3, 1, 2)
    return float(np.abs(outputs.reshape(expected.shape) - expected).max() / np.abs(expected).max())
