"""runtime_matrix.py MATRIX_NETWORKS [--images N] [--write]: every runtime on every format.

Exports three networks with MATRIX_NETWORKS and runs the files in the runtimes whose Python
environments are there (build/venv, build/venv_openvino, build/venv_tvm, build/venv_litert; see the
requirements files beside this one). Compares with what hwnas computes and prints a table;
--write puts it into docs/runtimes.md. A runtime that is missing, or refuses a file, is shown as
such. Fails if a file without 4-bit weights is refused, a float file is off by more than 1e-4 of the
largest output, or an integer file by more than the runtime's units in the last place. Exits with 77 (skipped) without the images.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

HERE = pathlib.Path(__file__).parent
PROJECT = HERE.parent.parent
PAGE = PROJECT / "docs" / "runtimes.md"
MARKS = ("<!-- written by tests/judges/runtime_matrix.py -->", "<!-- end -->")
IMAGES = pathlib.Path("/usr/share/datasets/fashion-mnist")
TIMEOUT_S = 300
TOLERANCE = 1e-4  # of the largest float output
MAY_BE_REFUSED = ["mixed"]  # networks with weights of 4 bits, for which kernels are rare
SKIPPED = 77

# Name of the row, runtime of matrix_run.py, environment, formats, units in the last place that it
# may be off. XNNPACK and OpenVINO fuse and round in their own ways, layer by layer.
RUNTIMES = [
    ("ONNX Runtime", "onnxruntime", "venv", "ONNX", 1),
    ("OpenVINO", "openvino", "venv_openvino", "ONNX", 8),
    ("TVM", "tvm", "venv_tvm", "ONNX", 1),
    ("LiteRT, reference kernels", "litert", "venv_litert", "TFLite", 0),
    ("LiteRT, XNNPACK", "litert_xnnpack", "venv_litert", "TFLite", 8),
    ("TFLite Micro", "tflm", "venv_litert", "TFLite", 0),
]


class Runtime:
    """A row of the table."""

    def __init__(self, title, name, environment, kind, units):
        self.title, self.name, self.kind, self.units = title, name, kind, units
        self.python = PROJECT / "build" / environment / "bin" / "python"
        self.version = ""

    def run(self, folder: pathlib.Path, row: dict) -> np.ndarray | str:
        """Outputs, or the last line of what the runtime says instead."""
        output = folder / "output"
        command = [self.python, HERE / "matrix_run.py", self.name, row["file"], row["inputs"],
                   output]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True,
                              timeout=TIMEOUT_S)
        if done.returncode != 0:
            lines = [line for line in done.stderr.splitlines() if line.strip()]
            return next((line for line in reversed(lines) if "Error" in line), lines[-1])
        self.version = done.stdout.splitlines()[-1]
        return np.fromfile(output, np.float32)

    def cell(self, folder: pathlib.Path, row: dict) -> tuple[str, bool]:
        """Text of a cell, and whether it is as it should be."""
        if not row["format"].startswith(self.kind):
            return "–", True
        if "refused" in row:
            return f"not written: {row['refused']}", True
        if not self.python.exists():
            return f"not installed ({self.python.parent.parent.name})", True
        result = self.run(folder, row)
        if isinstance(result, str):
            allowed = row["network"] in MAY_BE_REFUSED
            return f"refused: {re.sub(r'[|`]', ' ', result)[:160]}", allowed
        expected = np.fromfile(folder / row["expected"], np.float32)
        if result.size != expected.size:
            return f"{result.size} outputs, not {expected.size}", False
        gaps = np.abs(result - expected)
        if row["scale"] is None:
            share = gaps.max() / np.abs(expected).max()
            return f"{share:.0e} of the largest", bool(share <= TOLERANCE)
        steps = np.rint(gaps / row["scale"]).astype(int)
        differing = np.count_nonzero(steps)
        text = "equal" if differing == 0 else f"{differing} of {steps.size} differ, by {steps.max()}"
        return text, bool(steps.max() <= self.units)


def table(runtimes: list[Runtime], rows: list[dict], cells: dict) -> str:
    lines = []
    for kind in ("ONNX", "TFLite"):
        columns = [runtime for runtime in runtimes if runtime.kind == kind]
        titles = [f"{runtime.title} {runtime.version}".strip() for runtime in columns]
        lines += [f"| file | {' | '.join(titles)} |", "|---|" + "---|" * len(columns)]
        for row in rows:
            if not row["format"].startswith(kind):
                continue
            texts = [cells[runtime.title, row["network"], row["format"]] for runtime in columns]
            lines.append(f"| {row['network']}, {row['format']} | {' | '.join(texts)} |")
        lines.append("")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    if not IMAGES.exists():
        print(f"skipped: no test images in {IMAGES}")
        return SKIPPED
    runtimes = [Runtime(*row) for row in RUNTIMES]
    cells, failures = {}, 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        listing = subprocess.run([arguments.program, folder, str(arguments.images)], check=True,
                                 capture_output=True, text=True).stdout
        rows = [json.loads(line) for line in listing.splitlines()]
        for runtime in runtimes:
            for row in rows:
                text, accepted = runtime.cell(folder, row)
                failures += not accepted
                cells[runtime.title, row["network"], row["format"]] = (
                    text if accepted else f"**{text}**")
    written = table(runtimes, rows, cells)
    print(written)
    if arguments.write:
        page = PAGE.read_text()
        begin, end = (page.index(mark) for mark in MARKS)
        PAGE.write_text(page[:begin] + MARKS[0] + "\n\n" + written + "\n" + page[end:])
    print(failures)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
