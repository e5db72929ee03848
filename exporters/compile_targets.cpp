#include "exporters/compile_targets.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace hwnas::exporters {

namespace {

constexpr CompileTarget kTargets[] = {
    {.name = "armnn",
     .summary = "Arm NN, for Arm CPUs and GPUs",
     .formats = "tflite,onnx",
     .command = "ExecuteNetwork --model-path {file} --compute CpuAcc",
     .source = "https://github.com/ARM-software/armnn/tree/main/tests/ExecuteNetwork"},
    {.name = "c_compiler",
     .summary = "any C99 compiler, here for Arm Cortex-M4",
     .formats = "c",
     .command = "arm-none-eabi-gcc -std=c99 -O2 -mcpu=cortex-m4 -mthumb -c {file} -o {stem}.o",
     .source = "https://gcc.gnu.org/onlinedocs/gcc/ARM-Options.html",
     .integers_only = true,
     .takes_narrow_weights = true},
    {.name = "edgetpu",
     .summary = "Edge TPU compiler",
     .formats = "tflite",
     .command = "edgetpu_compiler --show_operations {file}",
     .source = "https://coral.ai/docs/edgetpu/compiler/",
     .integers_only = true},
    {.name = "ell",
     .summary = "Microsoft Embedded Learning Library; reads opsets of 2019, no longer developed",
     .formats = "onnx",
     .command = "python tools/importers/onnx/onnx_import.py {file}",
     .source = "https://github.com/microsoft/ELL/tree/master/tools/importers/onnx"},
    {.name = "glow",
     .summary = "Glow ahead-of-time bundles; archived in 2025",
     .formats = "tflite,onnx",
     .command = "model-compiler -backend=CPU -model={file} -emit-bundle={stem}_bundle",
     .source = "https://github.com/pytorch/glow/blob/master/docs/AOT.md"},
    {.name = "iree",
     .summary = "IREE, the MLIR successor of XLA's ahead-of-time compiler",
     .formats = "onnx_qdq,onnx",
     .command = "iree-import-onnx {file} --opset-version 17 -o {stem}.mlir && iree-compile "
                "{stem}.mlir --iree-hal-target-backends=llvm-cpu -o {stem}.vmfb",
     .source = "https://iree.dev/guides/ml-frameworks/onnx/"},
    {.name = "nest_c",
     .summary = "ETRI NEST-C, a fork of Glow",
     .formats = "onnx",
     .command = "model-compiler -backend=CPU -model={file} -emit-bundle={stem}_bundle",
     .source = "https://github.com/etri/nest-compiler/blob/master/docs/AOT.md"},
    {.name = "onnc",
     .summary = "ONNC's C back end; reads opsets of 2019, no longer developed",
     .formats = "onnx",
     .command = "onnc -mquadruple clang {file} -o {stem}_onnc.c",
     .source = "https://github.com/ONNC/onnc/blob/master/docs/ONNC-C-Backend-Guide.md"},
    {.name = "openvino",
     .summary = "OpenVINO, which nGraph has become",
     .formats = "onnx_qdq,onnx",
     .command = "ovc {file} --output_model {stem}.xml",
     .source = "https://docs.openvino.ai/2026/openvino-workflow/model-preparation.html",
     .takes_narrow_weights = true},
    {.name = "tflite_micro",
     .summary = "TensorFlow Lite Micro: the file as a C array beside its interpreter",
     .formats = "tflite",
     .command = "xxd -i {file} > {stem}_model.cc",
     .source = "https://ai.google.dev/edge/litert/microcontrollers/build_convert",
     .takes_narrow_weights = true},
    {.name = "tvm",
     .summary = "Apache TVM",
     .formats = "onnx_qdq,onnx",
     .command = "python3 -c \"import onnx, tvm; from tvm.relax.frontend.onnx import from_onnx; "
                "tvm.compile(from_onnx(onnx.load('{file}'), shape_dict={{'input': [{shape}]}}), "
                "target='llvm').export_library('{stem}.so')\"",
     .source = "https://tvm.apache.org/docs/how_to/tutorials/import_model.html"},
};

bool has_narrow_weights(const ir::QuantizedNetwork& network) {
  return std::ranges::any_of(network.layers, [](const ir::QuantizedLayer& layer) {
    return !layer.weight.empty() && ir::info(layer.format).bits < 8;
  });
}

std::vector<std::string_view> split(std::string_view list) {
  std::vector<std::string_view> items;
  for (std::size_t end = 0; end != std::string_view::npos; list.remove_prefix(end + 1)) {
    end = list.find(',');
    items.push_back(list.substr(0, end));
    if (end == std::string_view::npos) break;
  }
  return items;
}

/// Whether the target can use the model in this format.
bool fits(const CompileTarget& target, const Model& model, std::string_view format) {
  const bool is_integer = holds_integers(model, format);
  if (!is_integer) return !target.integers_only;
  return target.takes_narrow_weights || !has_narrow_weights(*model.quantized);
}

}  // namespace

std::span<const CompileTarget> compile_targets() {
  return kTargets;
}

bool holds_integers(const Model& model, std::string_view format) {
  const auto row = std::ranges::find(exporters(), format, &ExporterInfo::name);
  return model.quantized && row != exporters().end() && row->requantization;
}

CompileStep compile_step(const CompileTarget& target, const Model& model,
                         std::span<const Artifact> artifacts) {
  std::string possible;
  for (const std::string_view format : split(target.formats)) {
    if (!fits(target, model, format)) continue;
    possible += (possible.empty() ? "" : " or ") + std::string(format);
    const auto artifact = std::ranges::find(artifacts, format, &Artifact::format);
    if (artifact == artifacts.end()) continue;
    const std::string file = artifact->file.filename().string();
    const auto& [channels, height, width] = model.network.input;
    return {.format = std::string(format),
            .file = file,
            .command = fmt::format(
                fmt::runtime(target.command), fmt::arg("file", file),
                fmt::arg("stem", file.substr(0, file.find('.'))),
                fmt::arg("shape", fmt::format("1, {}, {}, {}", channels, height, width))),
            .reason = {}};
  }
  std::string reason = "takes none of this model's forms";
  if (!possible.empty()) reason = "export " + possible;
  if (possible.empty() && target.integers_only) reason = "takes integers of 8 bits only";
  return {.format = {}, .file = {}, .command = {}, .reason = reason};
}

}  // namespace hwnas::exporters
