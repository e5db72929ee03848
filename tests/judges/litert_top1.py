#!/usr/bin/env python3
"""Accuracy of an exported int8 .tflite in LiteRT on IDX test data, as its manifest says to feed it.

Usage: litert_top1.py MODEL.tflite IMAGES.gz LABELS.gz
manifest.json lies beside the model. The last line is the accuracy in percent.
"""

import gzip
import json
import pathlib
import sys

import numpy as np
from ai_edge_litert.interpreter import Interpreter

IDX_IMAGES_HEADER = 16
IDX_LABELS_HEADER = 8


def idx(file: str, header: int) -> np.ndarray:
    with gzip.open(file) as stream:
        return np.frombuffer(stream.read(), dtype=np.uint8, offset=header)


def inputs_of(images: np.ndarray, manifest: dict, artifact: dict) -> np.ndarray:
    """Integers for bytes of one channel; halves are rounded away from zero."""
    normalisation = manifest["input"]["normalisation"]
    quantization = artifact["input"]["quantization"]
    mean = np.float32(normalisation["mean"][0])
    deviation = np.float32(normalisation["std_dev"][0])
    real = (images.astype(np.float32) / np.float32(255) - mean) / deviation
    scaled = real / np.float32(quantization["scale"])
    rounded = np.sign(scaled) * np.floor(np.abs(scaled) + np.float32(0.5))
    return np.clip(rounded + quantization["zero_point"], -128, 127).astype(np.int8)


def main() -> int:
    model, images_file, labels_file = sys.argv[1:]
    manifest = json.loads((pathlib.Path(model).parent / "manifest.json").read_text())
    artifact = next(a for a in manifest["artifacts"] if a["format"] == "tflite")
    labels = idx(labels_file, IDX_LABELS_HEADER)
    height, width = manifest["input"]["shape"][2:]
    images = idx(images_file, IDX_IMAGES_HEADER).reshape(len(labels), height, width, 1)
    inputs = inputs_of(images, manifest, artifact)
    interpreter = Interpreter(model_path=model, num_threads=2)
    interpreter.allocate_tensors()
    source = interpreter.get_input_details()[0]["index"]
    target = interpreter.get_output_details()[0]["index"]
    right = 0
    for image, label in zip(inputs, labels):
        interpreter.set_tensor(source, image[np.newaxis])
        interpreter.invoke()
        right += int(interpreter.get_tensor(target).reshape(-1).argmax() == label)
    print(f"{100 * right / len(labels):.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
