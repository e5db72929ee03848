// The safetensors format (github.com/huggingface/safetensors, README "Format"): 8 bytes N, little
// endian; N bytes of JSON, {"name": {"dtype", "shape", "data_offsets": [begin, end]}, …} with an
// optional "__metadata__"; then the data, to which the offsets are relative. The data has no holes
// and no overlaps. Only F32 is read and written here.

#include <algorithm>
#include <bit>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/error.hpp"
#include "core/file.hpp"
#include "ir/weights.hpp"

namespace hwnas::ir {

namespace {

using Json = nlohmann::json;

static_assert(std::endian::native == std::endian::little, "tensors are copied as they lie");

constexpr std::uint64_t kMaxFileBytes = std::uint64_t{1} << 32;
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000;  // the published reader's limit
constexpr std::size_t kMaxRank = 8;

struct NamedArray {
  const char* name;
  Array LayerWeights::*array;
};
constexpr NamedArray kArrays[] = {
    {"bias", &LayerWeights::bias},
    {"running_mean", &LayerWeights::running_mean},
    {"running_var", &LayerWeights::running_var},
    {"weight", &LayerWeights::weight},
};

/// Where one tensor of a file belongs and lies.
struct Tensor {
  std::string layer;
  Array LayerWeights::*array;
  std::vector<std::int64_t> shape;
  std::uint64_t begin;
  std::uint64_t end;
};

/// Reads the header of one file; every message names the file.
class HeaderReader {
 public:
  explicit HeaderReader(const std::filesystem::path& file) : file_(file.string()) {}

  template <typename... Args>
  [[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) const {
    throw invalid_argument("{}: {}", file_, fmt::format(format, std::forward<Args>(args)...));
  }

  std::uint64_t header_bytes(std::string_view bytes) const {
    std::uint64_t size = 0;
    if (bytes.size() < sizeof size) fail("shorter than the 8 bytes of a safetensors file's start");
    std::memcpy(&size, bytes.data(), sizeof size);
    if (size > kMaxHeaderBytes || size > bytes.size() - sizeof size) {
      fail("its header claims {} bytes, but the file has {}", size, bytes.size());
    }
    return size;
  }

  std::vector<Tensor> tensors(std::string_view header, std::uint64_t data_bytes) const {
    const Json json = Json::parse(header, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) fail("its header is not a JSON object");
    std::vector<Tensor> tensors;
    for (const auto& [name, entry] : json.items()) {
      if (name != "__metadata__") tensors.push_back(tensor(name, entry));
    }
    std::ranges::sort(tensors, {}, [](const Tensor& t) { return std::pair(t.begin, t.end); });
    std::uint64_t expected_begin = 0;
    for (const Tensor& tensor : tensors) {
      if (tensor.begin != expected_begin) {
        fail("a tensor of layer '{}' begins at {}, but the one before it ends at {}", tensor.layer,
             tensor.begin, expected_begin);
      }
      expected_begin = tensor.end;
    }
    if (expected_begin != data_bytes) {
      fail("its tensors take {} bytes, but {} follow the header", expected_begin, data_bytes);
    }
    return tensors;
  }

 private:
  Tensor tensor(const std::string& name, const Json& entry) const {
    if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") ||
        !entry.contains("data_offsets") || entry.size() != 3) {
      fail("tensor '{}': expected dtype, shape and data_offsets", name);
    }
    if (entry["dtype"] != "F32") fail("tensor '{}': dtype is not F32, the only one read", name);
    const Json& offsets = entry["data_offsets"];
    if (!offsets.is_array() || offsets.size() != 2) {
      fail("tensor '{}': data_offsets are not a pair", name);
    }
    Tensor result{.layer = {},
                  .array = nullptr,
                  .shape = shape(name, entry["shape"]),
                  .begin = unsigned_integer(name, offsets[0]),
                  .end = unsigned_integer(name, offsets[1])};
    std::uint64_t bytes = sizeof(float);
    for (const std::int64_t extent : result.shape) {
      if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes)) {
        fail("tensor '{}': its shape has too many elements", name);
      }
    }
    if (result.end < result.begin || result.end - result.begin != bytes) {
      fail("tensor '{}': its shape takes {} bytes, but its data_offsets are {}..{}", name, bytes,
           result.begin, result.end);
    }
    set_destination(name, result);
    return result;
  }

  std::uint64_t unsigned_integer(const std::string& name, const Json& json) const {
    if (!json.is_number_unsigned() || json.get<std::uint64_t>() > kMaxFileBytes) {
      fail("tensor '{}': expected integers of 0..{}", name, kMaxFileBytes);
    }
    return json.get<std::uint64_t>();
  }

  std::vector<std::int64_t> shape(const std::string& name, const Json& json) const {
    if (!json.is_array() || json.size() > kMaxRank) {
      fail("tensor '{}': its shape is not a list of at most {} extents", name, kMaxRank);
    }
    std::vector<std::int64_t> shape;
    for (const Json& extent : json) {
      shape.push_back(static_cast<std::int64_t>(unsigned_integer(name, extent)));
    }
    return shape;
  }

  void set_destination(const std::string& name, Tensor& tensor) const {
    const std::size_t dot = name.rfind('.');
    if (dot != std::string::npos && dot > 0) {
      for (const NamedArray& row : kArrays) {
        if (name.compare(dot + 1, std::string::npos, row.name) != 0) continue;
        tensor.layer = name.substr(0, dot);
        tensor.array = row.array;
        return;
      }
    }
    fail("tensor '{}' is not named <layer>.weight, .bias, .running_mean or .running_var", name);
  }

  std::string file_;
};

}  // namespace

void save_safetensors(const Weights& weights, const std::filesystem::path& file) {
  Json header = Json::object();
  std::string data;
  for (const auto& [layer, arrays] : weights.layers) {
    for (const auto& [name, member] : kArrays) {
      const Array& array = arrays.*member;
      if (array.values.empty()) continue;
      const std::size_t begin = data.size();
      data.append(reinterpret_cast<const char*>(array.values.data()),
                  array.values.size() * sizeof(float));
      header[layer + "." + name] = {
          {"dtype", "F32"}, {"shape", array.shape}, {"data_offsets", {begin, data.size()}}};
    }
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');  // the data starts aligned
  const std::uint64_t header_bytes = text.size();
  std::string bytes(reinterpret_cast<const char*>(&header_bytes), sizeof header_bytes);
  write_file_atomically(file, bytes + text + data);
}

Weights load_safetensors(const std::filesystem::path& file) {
  const std::string bytes = read_file(file, kMaxFileBytes);
  const HeaderReader reader(file);
  const std::size_t header_bytes = reader.header_bytes(bytes);
  const std::string_view header =
      std::string_view(bytes).substr(sizeof(std::uint64_t), header_bytes);
  const std::string_view data =
      std::string_view(bytes).substr(sizeof(std::uint64_t) + header_bytes);
  Weights weights;
  for (const Tensor& tensor : reader.tensors(header, data.size())) {
    Array& array = weights.layers[tensor.layer].*tensor.array;
    array.shape = tensor.shape;
    array.values.resize((tensor.end - tensor.begin) / sizeof(float));
    if (array.values.empty()) continue;
    std::memcpy(array.values.data(), data.data() + tensor.begin, tensor.end - tensor.begin);
  }
  return weights;
}

}  // namespace hwnas::ir
