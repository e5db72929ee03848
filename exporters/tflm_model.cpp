#include "exporters/tflm_model.hpp"

#include <algorithm>
#include <cstring>

#include "core/error.hpp"

namespace hwnas::exporters::tflm {

namespace {

constexpr int kMaxGraphs = 256;
constexpr int kMaxRank = 8;
constexpr int kMaxExtent = 1 << 24;
constexpr std::int64_t kMaxElements = std::int64_t{1} << 28;
// Tables and vectors of a file may be aliased: what is read is bounded by itself, not by the file.
constexpr std::int64_t kMaxNumbers = std::int64_t{1} << 21;

template <typename T>
std::size_t size_of(const flatbuffers::Vector<T>* values) {
  return values == nullptr ? 0 : values->size();
}

/// Bytes of an element at run time (TfLiteTypeSizeOf); 0: not planned.
int element_bytes(int type) {
  constexpr int kBytes[] = {4, 2, 4, 1, 8, 0, 1, 2, 8, 1, 8, 16, 8, 4, 0, 4, 2, 1, 2};
  return type < 0 || type >= std::ssize(kBytes) ? 0 : kBytes[type];
}

/// Puts the place before messages.
template <typename Read>
auto within(const std::string& place, const Read& read) {
  try {
    return read();
  } catch (const Error& error) {
    throw Error(error.code(), place + ": " + error.what());
  }
}

class Reader {
 public:
  explicit Reader(std::string_view bytes) {
    flatbuffers::Verifier verifier(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                   bytes.size());
    if (!tflite::VerifyModelBuffer(verifier)) {
      throw invalid_argument("not a TensorFlow Lite file, or a damaged one");
    }
    source_ = tflite::GetModel(bytes.data());
    if (source_->version() != 3) {
      throw invalid_argument("schema version {}, only 3 is read", source_->version());
    }
  }

  Model read() {
    const std::size_t graphs = size_of(source_->subgraphs());
    if (graphs == 0 || graphs > kMaxGraphs) {
      throw invalid_argument("{} graphs, 1 to {} are read", graphs, kMaxGraphs);
    }
    Model model;
    for (const tflite::SubGraph* graph : *source_->subgraphs()) {
      model.graphs.push_back(
          within(fmt::format("graph {}", model.graphs.size()), [&] { return read_graph(*graph); }));
    }
    model.offline_offsets = read_offline_offsets();
    return model;
  }

 private:
  void take(std::size_t numbers) {
    left_ -= static_cast<std::int64_t>(numbers) + 8;
    if (left_ < 0) throw invalid_argument("what the file holds is too much to be planned");
  }

  Graph read_graph(const tflite::SubGraph& source) {
    Graph graph;
    for (std::size_t i = 0; i < size_of(source.tensors()); ++i) {
      graph.tensors.push_back(within(fmt::format("tensor {}", i), [&] {
        return read_tensor(*source.tensors()->Get(static_cast<flatbuffers::uoffset_t>(i)));
      }));
    }
    const int tensors = static_cast<int>(graph.tensors.size());
    graph.inputs = read_indices(source.inputs(), tensors, 0);
    graph.outputs = read_indices(source.outputs(), tensors, 0);
    for (std::size_t i = 0; i < size_of(source.operators()); ++i) {
      graph.nodes.push_back(within(fmt::format("operator {}", i), [&] {
        return read_node(*source.operators()->Get(static_cast<flatbuffers::uoffset_t>(i)), tensors);
      }));
    }
    return graph;
  }

  Tensor read_tensor(const tflite::Tensor& source) {
    take(size_of(source.shape()));
    Tensor tensor{.type = static_cast<Type>(source.type()), .dims = {}, .elements = 1};
    if (size_of(source.shape()) > kMaxRank) {
      throw invalid_argument("has rank {}, at most {} is planned", source.shape()->size(),
                             kMaxRank);
    }
    for (std::size_t i = 0; i < size_of(source.shape()); ++i) {
      const int extent = source.shape()->Get(static_cast<flatbuffers::uoffset_t>(i));
      if (extent < 0 || extent > kMaxExtent) throw invalid_argument("axis {} is {}", i, extent);
      tensor.dims.push_back(extent);
      tensor.elements *= extent;
      if (tensor.elements > kMaxElements) {
        throw invalid_argument("has more than {} elements", kMaxElements);
      }
    }
    const int element = element_bytes(static_cast<int>(source.type()));
    if (element == 0) {
      throw invalid_argument("is of type {}, which is not planned",
                             static_cast<int>(source.type()));
    }
    tensor.bytes = tensor.elements * element;
    tensor.is_constant = has_data(source.buffer());
    tensor.is_variable = source.is_variable();
    const tflite::QuantizationParameters* const quantization = source.quantization();
    if (quantization != nullptr && size_of(quantization->zero_point()) > 0) {
      tensor.scales = static_cast<int>(size_of(quantization->scale()));
    }
    return tensor;
  }

  bool has_data(std::uint32_t index) const {
    if (index >= size_of(source_->buffers())) {
      throw invalid_argument("buffer {} is not in the file", index);
    }
    const tflite::Buffer& buffer = *source_->buffers()->Get(index);
    if (buffer.offset() != 0 || buffer.size() != 0) {
      throw invalid_argument("external data are not read");
    }
    return size_of(buffer.data()) != 0;
  }

  std::vector<int> read_indices(const flatbuffers::Vector<int>* source, int count, int lowest) {
    take(size_of(source));
    if (source == nullptr) return {};
    for (const int index : *source) {
      if (index < lowest || index >= count) throw invalid_argument("no tensor {}", index);
    }
    return {source->begin(), source->end()};
  }

  Node read_node(const tflite::Operator& source, int tensors) {
    if (source.opcode_index() >= size_of(source_->operator_codes())) {
      throw invalid_argument("operator code {} is not in the file", source.opcode_index());
    }
    const tflite::OperatorCode& code = *source_->operator_codes()->Get(source.opcode_index());
    // Files from before 2020 have the number in the first field only, which holds up to 127.
    const int number =
        std::max<int>(code.deprecated_builtin_code(), static_cast<int>(code.builtin_code()));
    return {.code = static_cast<Code>(number),
            .inputs = read_indices(source.inputs(), tensors, -1),
            .outputs = read_indices(source.outputs(), tensors, 0),
            .source = &source};
  }

  /// The metadata's buffer is int32: version, graph, count, then `count` offsets
  /// (tensorflow/lite/micro/docs/memory_management.md).
  std::vector<std::int32_t> read_offline_offsets() {
    std::vector<std::int32_t> offsets;
    for (std::size_t i = 0; i < size_of(source_->metadata()); ++i) {
      const tflite::Metadata& it =
          *source_->metadata()->Get(static_cast<flatbuffers::uoffset_t>(i));
      if (it.name() == nullptr || it.name()->string_view() != "OfflineMemoryAllocation") continue;
      constexpr std::size_t kHeader = 3;
      if (!has_data(it.buffer())) throw invalid_argument("OfflineMemoryAllocation has no data");
      const auto& data = *source_->buffers()->Get(it.buffer())->data();
      take(data.size() / 4);
      std::vector<std::int32_t> numbers(data.size() / 4);
      std::memcpy(numbers.data(), data.data(), numbers.size() * 4);
      if (numbers.size() < kHeader || numbers[2] < 0 ||
          static_cast<std::size_t>(numbers[2]) > numbers.size() - kHeader) {
        throw invalid_argument("OfflineMemoryAllocation is shorter than it says");
      }
      offsets.assign(numbers.begin() + kHeader, numbers.begin() + kHeader + numbers[2]);
    }
    return offsets;
  }

  const tflite::Model* source_ = nullptr;
  std::int64_t left_ = kMaxNumbers;
};

}  // namespace

Model read_model(std::string_view bytes) {
  return Reader(bytes).read();
}

}  // namespace hwnas::exporters::tflm
