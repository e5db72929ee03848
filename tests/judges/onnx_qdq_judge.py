"""onnx_qdq_judge.py ONNX_NETWORKS [--images N]: QDQ files in ONNX Runtime against the simulation.

ONNX_NETWORKS exports three networks and what the integer executor computes in float_rne mode for
N test images (default 10,000). Each network must be accepted by the ONNX checker, differ by at
most 1 unit in the last place on fewer than 1 in 1,000 outputs, and choose another class on at most
3 images in 10,000. The last line is the number of networks that fail. Exits with 77 (skipped)
without the images.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import onnx
import onnxruntime

IMAGES = pathlib.Path("/usr/share/datasets/fashion-mnist")
BATCH = 500
FULL_COUNT = 100_000
SKIPPED = 77


def saturates() -> bool:
    """Whether ONNX Runtime's u8·s8 products saturate here: x86 without VNNI."""
    flags = pathlib.Path("/proc/cpuinfo").read_text().split()
    return "avx2" in flags and not {"avx512_vnni", "avx_vnni"} & set(flags)


def session(model: pathlib.Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.optimized_model_filepath = str(model.with_suffix(".optimized"))
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def fused(model: pathlib.Path) -> str:
    """How many convolutions and matrix products ONNX Runtime computes in integers."""
    kinds = [node.op_type for node in onnx.load(model.with_suffix(".optimized")).graph.node]
    integer = sum(kind in ("QLinearConv", "QGemm") for kind in kinds)
    real = sum(kind in ("Conv", "FusedConv", "Gemm", "FusedGemm") for kind in kinds)
    return f"{integer} of {integer + real}"


def most_differing(outputs: int) -> float:
    """1 in 1,000; of fewer outputs than the full count, three standard deviations more by chance."""
    share = outputs / 1000
    return share if outputs >= FULL_COUNT else share + 3 * share**0.5


def judge(model: pathlib.Path, inputs: np.ndarray, scale: float) -> bool:
    onnx.checker.check_model(onnx.load(model), full_check=True)
    runtime = session(model)
    shape = runtime.get_inputs()[0].shape[1:]
    images = inputs.reshape(-1, *shape)
    outputs = np.concatenate(
        [runtime.run(["logits"], {"input": images[i : i + BATCH]})[0]
         for i in range(0, len(images), BATCH)])
    expected = np.fromfile(model.with_suffix(".f32"), np.float32).reshape(outputs.shape)
    steps = np.rint(np.abs(outputs - expected) / scale).astype(int)
    top1 = int((outputs.argmax(axis=1) != expected.argmax(axis=1)).sum())
    differing = int((steps > 0).sum())
    accepted = (steps.max() <= 1 and differing < most_differing(outputs.size)
                and top1 <= 3 * len(images) / 10_000)
    print(f"{'ok  ' if accepted else 'FAIL'} {model.name:18} {len(images)} images: {differing} of "
          f"{outputs.size} outputs differ, by at most {steps.max()} ulp; {top1} other classes; "
          f"{fused(model)} kernels in integers")
    return accepted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--images", type=int, default=10_000)
    arguments = parser.parse_args()
    if not IMAGES.exists():
        print(f"skipped: no test images in {IMAGES}")
        return SKIPPED
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        command = [arguments.program, folder, str(arguments.images)]
        command += ["saturates"] if saturates() else []
        listing = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        inputs = np.fromfile(folder / "inputs.f32", np.float32)
        rows = [line.split() for line in listing.splitlines()]
        failures = sum(not judge(folder / f"{row[0]}.qdq.onnx", inputs, float(row[1]))
                       for row in rows)
    print(failures)
    return 1 if failures or not rows else 0


if __name__ == "__main__":
    sys.exit(main())
