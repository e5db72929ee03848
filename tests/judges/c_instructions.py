#!/usr/bin/env python3
"""Counts the instructions of the C export's kernels in an emulator: what the rates of the runtime
hwnas_c in configs/devices are from.

Usage: c_instructions.py PROGRAM [--cpu cortex-m4]
PROGRAM is c_kernels. Of pairs that differ in their MACs, the slope is what a MAC takes, and the rest,
by output, what an output takes.
"""

import argparse
import pathlib
import subprocess
import tempfile

QEMU = pathlib.Path(__file__).parent / "qemu"


def count(folder, cpu):
    """Instructions of one inference."""
    name = folder.name
    # Networks have several kernels that share their inner loop; inlined into the only kernel of a
    # network, it is compiled to something else.
    subprocess.run(
        ["arm-none-eabi-gcc", f"-mcpu={cpu}", "-mthumb", "-std=c99", "-O2", "-nostartfiles",
         "-fno-inline-functions-called-once", "-T", QEMU / "machine.ld", f'-DHEADER="{name}.h"',
         f"-DID={name}", f"-DNAME={name.upper()}", "-I.", f"-I{QEMU}", QEMU / "start.c",
         QEMU / "count.c", f"{name}.c", "-o", "program"], cwd=folder, check=True)
    output = subprocess.run(
        ["qemu-system-arm", "-M", "mps2-an386", "-nographic", "-monitor", "none", "-serial", "none",
         "-icount", "shift=0", "-semihosting-config", "enable=on,target=native", "-kernel",
         "program"], cwd=folder, check=True, capture_output=True, text=True,
        stdin=subprocess.DEVNULL)
    return int(output.stdout + output.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--cpu", default="cortex-m4")
    options = parser.parse_args()
    smaller = {}
    with tempfile.TemporaryDirectory() as folder:
        listing = subprocess.run([options.program, folder], check=True, capture_output=True,
                                 text=True).stdout
        for line in listing.splitlines():
            name, *numbers = line.split()
            macs, outputs, elements = map(int, numbers)
            instructions = count(pathlib.Path(folder) / name, options.cpu)
            if name.endswith("_a"):
                smaller[name[:-2]] = macs, instructions
            elif name.endswith("_b"):
                first_macs, first = smaller[name[:-2]]
                slope = (instructions - first) / (macs - first_macs)
                print(f"{name[:-2]}: {slope:.2f} a MAC, "
                      f"{(first - slope * first_macs) / outputs:.0f} an output")
            else:
                print(f"{name}: {instructions / elements:.1f} an element")


if __name__ == "__main__":
    main()
