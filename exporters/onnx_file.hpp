#pragma once

#include <onnx/onnx_pb.h>

#include <filesystem>

namespace hwnas::exporters {

/// A parsed file. Parsing can take a hundred times the bytes of a hostile file (an empty message
/// has two bytes on disk and hundreds in memory), so all but the raw values of tensors is limited
/// to 1 MiB before anything is parsed. Throws InvalidArgument naming the file.
onnx::ModelProto read_onnx_proto(const std::filesystem::path& file);

}  // namespace hwnas::exporters
