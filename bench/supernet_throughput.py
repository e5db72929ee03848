"""The peer of bench/supernet_throughput: the same networks trained on shared weights, written plainly
with Debian's python3-torch: weights sliced by functional calls, one optimizer over all of them.

Usage: supernet_throughput.py NETWORKS.json THREADS BATCH {default|channels_last}
Prints one line: shared parameters, milliseconds of one pass over all networks, a step each.
"""

import json
import sys
import time

import torch
from torch.nn import functional

ACTIVATIONS = {"relu": torch.relu, "relu6": functional.relu6, "hard_swish": functional.hardswish}


def channels_of(network):
    """Output channels of each layer."""
    channels = []
    for layer in network["layers"]:
        inputs = [channels[i] if i >= 0 else network["input"][0] for i in layer["inputs"]]
        channels.append(layer.get("out_channels", layer.get("out_features", inputs[0])))
    return channels


class Supernet:
    def __init__(self, networks, layout):
        shapes = {}
        for network in networks:
            for layer, shape in self.weights_of(network):
                known = shapes.get(layer["name"], (0,) * len(shape))
                shapes[layer["name"]] = tuple(map(max, known, shape))
        self.weights = {}
        for name, shape in shapes.items():
            tensor = torch.empty(shape)
            if len(shape) == 1:
                self.weights[name] = (torch.ones(shape), torch.zeros(shape))
                continue
            torch.nn.init.kaiming_normal_(tensor)
            if layout == "channels_last" and len(shape) == 4:
                tensor = tensor.contiguous(memory_format=torch.channels_last)
            self.weights[name] = (tensor, torch.zeros(shape[0]))
        self.statistics = {
            name: (torch.zeros(shape), torch.ones(shape))
            for name, shape in shapes.items()
            if len(shape) == 1
        }
        self.parameters = [t.requires_grad_() for pair in self.weights.values() for t in pair]

    @staticmethod
    def weights_of(network):
        channels = channels_of(network)
        for layer in network["layers"]:
            source = layer["inputs"][0] if layer["inputs"] else -1
            inputs = channels[source] if source >= 0 else network["input"][0]
            if layer["op"] == "conv2d":
                kernel = layer.get("kernel", [1, 1])
                groups = layer.get("groups", 1)
                yield layer, (layer["out_channels"], inputs // groups, kernel[0], kernel[1])
            elif layer["op"] == "linear":
                yield layer, (layer["out_features"], inputs)
            elif layer["op"] == "batch_norm":
                yield layer, (inputs,)

    def forward(self, network, images):
        values = []
        for layer in network["layers"]:
            x = [values[i] if i >= 0 else images for i in layer["inputs"]]
            values.append(self.run(layer, x))
        return values[-1]

    def run(self, layer, x):
        op = layer["op"]
        if op == "conv2d":
            weight, bias = self.weights[layer["name"]]
            groups = layer.get("groups", 1)
            height, width = layer.get("kernel", [1, 1])
            top, left = (weight.shape[2] - height) // 2, (weight.shape[3] - width) // 2
            weight = weight[
                : layer["out_channels"],
                : x[0].shape[1] // groups,
                top : top + height,
                left : left + width,
            ]
            above, before, below, behind = layer.get("padding", [0, 0, 0, 0])
            source = x[0]
            if above == below and before == behind:
                padding = (above, before)
            else:
                source, padding = functional.pad(source, (before, behind, above, below)), 0
            bias = bias[: layer["out_channels"]] if layer.get("bias") else None
            return functional.conv2d(
                source, weight, bias, layer.get("stride", 1), padding, 1, groups
            )
        if op == "batch_norm":
            channels = x[0].shape[1]
            scale, shift = (t[:channels] for t in self.weights[layer["name"]])
            mean, variance = (t[:channels] for t in self.statistics[layer["name"]])
            return functional.batch_norm(x[0], mean, variance, scale, shift, True)
        if op in ACTIVATIONS:
            return ACTIVATIONS[op](x[0])
        if op == "add":
            return x[0] + x[1]
        if op == "global_average_pool":
            return functional.adaptive_avg_pool2d(x[0], 1)
        if op == "linear":
            weight, bias = self.weights[layer["name"]]
            flat = x[0].flatten(1)
            return functional.linear(flat, weight[:, : flat.shape[1]], bias)
        raise ValueError("no such layer here: " + op)


def main():
    file, threads, batch, layout = sys.argv[1:5]
    torch.set_num_threads(int(threads))
    with open(file, encoding="utf-8") as stream:
        networks = json.load(stream)
    supernet = Supernet(networks, layout)
    images = torch.rand(int(batch), *networks[0]["input"])
    labels = torch.randint(0, 10, (int(batch),))
    if layout == "channels_last":
        images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        supernet.parameters, 0.01, momentum=0.9, nesterov=True, weight_decay=5e-4
    )

    def steps(some):
        for network in some:
            optimizer.zero_grad()
            functional.cross_entropy(supernet.forward(network, images), labels).backward()
            optimizer.step()

    steps(networks[:5])
    start = time.perf_counter()
    steps(networks)
    milliseconds = 1e3 * (time.perf_counter() - start)
    print(sum(p.numel() for p in supernet.parameters), milliseconds)


main()
