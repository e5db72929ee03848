#!/usr/bin/env python3
"""Judges the C export: three networks, compiled without warnings and run on test images.

Usage: c_judge.py PROGRAM native|qemu [--images N]
PROGRAM is c_networks. `native` compiles with cc and runs here; `qemu` compiles with
arm-none-eabi-gcc for the Cortex-M4 and runs on qemu-system-arm without an operating system. The
constants and the arena in the object are compared with what the header states. The last line is the
number of mismatches; exits with 77 (skipped) if a tool or the images are missing.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
STRICT = ["-std=c99", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
IMAGES = pathlib.Path("/usr/share/datasets/fashion-mnist")
SKIPPED = 77
MODES = {
    "native": {"tools": ["cc", "nm"], "compile": ["cc", *STRICT], "nm": "nm"},
    "qemu": {
        "tools": ["arm-none-eabi-gcc", "arm-none-eabi-nm", "qemu-system-arm"],
        "compile": ["arm-none-eabi-gcc", "-mcpu=cortex-m4", "-mthumb", *STRICT],
        "nm": "arm-none-eabi-nm",
    },
}


def names(folder):
    """How native.c and firmware.c learn the model's names."""
    name = folder.name
    return [f'-DHEADER="{name}.h"', f"-DID={name}", f"-DNAME={name.upper()}"]


def compile_network(folder, mode):
    """Compiles the export on its own, strictly, and links it with what runs it."""
    compiler = MODES[mode]["compile"]
    run = lambda *arguments: subprocess.run([*compiler, *arguments], cwd=folder, check=True)
    run("-c", f"{folder.name}.c", "-o", "network.o")
    if mode == "native":
        run(*names(folder), "-I.", HERE / "native.c", "network.o", "-o", "program")
    else:
        qemu = HERE / "qemu"
        run(*names(folder), "-I.", f"-I{qemu}", "-nostartfiles", "-T", qemu / "machine.ld",
            qemu / "start.c", qemu / "firmware.c", "network.o", "-o", "program")


def symbol_bytes(folder, mode, kinds):
    listing = subprocess.run([MODES[mode]["nm"], "-S", "-t", "d", "network.o"], cwd=folder,
                             check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in listing.splitlines()]
    return sum(int(row[1]) for row in rows if len(row) == 4 and row[2] in kinds)


def stated(folder, what):
    header = (folder / f"{folder.name}.h").read_text()
    return int(re.search(rf"_{what} (\d+)", header).group(1))


def execute(folder, mode):
    """Seconds it took."""
    command = ["./program"]
    if mode == "qemu":
        command = ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none",
                   "-serial", "none", "-semihosting-config", "enable=on,target=native",
                   "-kernel", "program"]
    start = time.monotonic()
    subprocess.run(command, cwd=folder, check=True, stdin=subprocess.DEVNULL)
    return time.monotonic() - start


def judge(folder, mode):
    """Mismatching outputs of one network; a byte count that is not as stated is one, too."""
    compile_network(folder, mode)
    constants = symbol_bytes(folder, mode, "rR")
    arena = symbol_bytes(folder, mode, "bBdD")
    seconds = execute(folder, mode)
    expected = (folder / "expected.bin").read_bytes()
    actual = (folder / "outputs.bin").read_bytes()
    mismatches = sum(a != b for a, b in zip(actual, expected)) + abs(len(actual) - len(expected))
    mismatches += constants != stated(folder, "CONSTANT_BYTES")
    mismatches += arena != stated(folder, "ARENA_BYTES")
    print(f"{folder.name}: {len(expected)} outputs, {mismatches} mismatches, {seconds:.1f} s, "
          f"constants {constants} B, arena {arena} B", flush=True)
    return mismatches


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("mode", choices=MODES)
    parser.add_argument("--images", type=int, default=10_000)
    options = parser.parse_args()
    missing = [tool for tool in MODES[options.mode]["tools"] if not shutil.which(tool)]
    if missing or not IMAGES.exists():
        print(f"skipped: install {', '.join(missing) or 'dataset-fashion-mnist'}")
        return SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([options.program, folder, str(options.images)], check=True)
        total = sum(judge(path, options.mode) for path in sorted(pathlib.Path(folder).iterdir()))
    print(total)
    return 1 if total else 0


if __name__ == "__main__":
    sys.exit(main())
