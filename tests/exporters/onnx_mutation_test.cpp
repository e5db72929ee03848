#include <gtest/gtest.h>
#include <onnx/onnx_pb.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/rng.hpp"
#include "exporters/onnx.hpp"
#include "tests/exporters/temporary_folder.hpp"
#include "tests/exporters/zoo_models.hpp"

namespace hwnas::exporters {
namespace {

constexpr std::int64_t kMemoryLimitMb = 256;

/// High-water mark of this process.
std::int64_t peak_memory_mb() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss / 1024;
}

/// What this process takes now. A peak less this is at least what the reader took.
std::int64_t resident_memory_mb() {
  std::int64_t pages = 0;
  std::int64_t resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * ::getpagesize() / (1 << 20);
}

int mutation_count() {
  const char* const asked = std::getenv("HWNAS_MUTATIONS");
  return asked == nullptr ? 300 : std::atoi(asked);
}

/// Whether the importer took the file; anything but an Error about the file is a failure.
bool accepts(const std::filesystem::path& file) {
  try {
    import_onnx(file);
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument) << error.what();
    EXPECT_NE(std::string(error.what()).find(file.filename().string()), std::string::npos)
        << error.what();
    return false;
  }
}

void write(const std::filesystem::path& file, const std::string& bytes) {
  std::ofstream(file, std::ios::binary | std::ios::trunc) << bytes;
}

/// Good files to start from: float and quantized, int8 and int4.
std::vector<std::string> good_files(const std::filesystem::path& folder) {
  std::vector<std::string> files;
  const auto add = [&](auto* writer, const Model& model) {
    writer(model, folder / "good.onnx");
    files.push_back(read_file(folder / "good.onnx", 1 << 20));
  };
  for (const auto& entry : ir::zoo::networks()) add(write_onnx, zoo_model(entry));
  for (const auto format : {ir::WeightFormat::kInt8, ir::WeightFormat::kInt4}) {
    const compression::BitWidths widths{.default_format = format};
    add(write_onnx_qdq, quantized_zoo_model({"plain", ir::zoo::plain()}, widths));
    add(write_onnx_qdq, quantized_zoo_model({"gate", ir::zoo::squeeze_excite()}, widths));
    add(write_onnx_qdq, quantized_zoo_model({"branches", ir::zoo::branches()}, widths));
  }
  return files;
}

/// Damage that knows nothing of the format.
std::string with_broken_bytes(std::string bytes, Rng& rng) {
  const std::size_t begin = rng.index(bytes.size());
  const std::size_t length = std::min<std::size_t>(1 + rng.index(64), bytes.size() - begin);
  switch (rng.index(5)) {
    case 0:
      bytes.resize(begin);
      break;
    case 1:
      bytes.erase(begin, length);
      break;
    case 2:
      bytes.insert(rng.index(bytes.size()), bytes.substr(begin, length));
      break;
    case 3:
      for (std::size_t i = 0; i < std::min<std::size_t>(length, 10); ++i) bytes[begin + i] = '\xFF';
      break;
    default:
      for (std::size_t i = 0; i < 1 + rng.index(8); ++i) {
        bytes[rng.index(bytes.size())] = static_cast<char>(rng.index(256));
      }
  }
  return bytes;
}

template <typename Repeated>
auto& any(Repeated& items, Rng& rng) {
  return items[static_cast<int>(rng.index(static_cast<std::uint64_t>(items.size())))];
}

std::int64_t wild_number(Rng& rng) {
  constexpr std::int64_t kNumbers[] = {
      -1,        0,         1,         2,         7,           255, 1 << 16, 1 << 24, (1 << 24) + 1,
      1LL << 31, 1LL << 40, INT64_MAX, INT64_MIN, -(1LL << 31)};
  return kNumbers[rng.index(std::size(kNumbers))];
}

void damage(onnx::TensorProto& tensor, Rng& rng) {
  switch (rng.index(4)) {
    case 0:
      tensor.add_dims(wild_number(rng));
      break;
    case 1:
      if (tensor.dims_size() > 0) tensor.set_dims(0, wild_number(rng));
      break;
    case 2:
      tensor.set_data_type(static_cast<int>(rng.index(30)));
      break;
    default:
      tensor.mutable_raw_data()->resize(rng.index(2 * tensor.raw_data().size() + 9));
  }
}

void damage(onnx::NodeProto& node, onnx::GraphProto& graph, Rng& rng) {
  switch (rng.index(4)) {
    case 0:
      node.set_op_type(any(*graph.mutable_node(), rng).op_type());
      break;
    case 1:
      if (node.input_size() > 0) {
        const onnx::NodeProto& other = any(*graph.mutable_node(), rng);
        *node.mutable_input(0) = other.output(0);
      }
      break;
    case 2:
      node.add_input(any(*graph.mutable_initializer(), rng).name());
      break;
    default:
      if (node.attribute_size() > 0) {
        onnx::AttributeProto& attribute = any(*node.mutable_attribute(), rng);
        attribute.set_i(wild_number(rng));
        if (attribute.ints_size() > 0) attribute.set_ints(0, wild_number(rng));
      }
  }
}

/// Damage that leaves a well-formed message: a model that means something else.
std::string with_another_meaning(const std::string& bytes, Rng& rng) {
  onnx::ModelProto model;
  EXPECT_TRUE(model.ParseFromString(bytes));
  onnx::GraphProto& graph = *model.mutable_graph();
  for (std::size_t i = 0; i < 1 + rng.index(3); ++i) {
    switch (rng.index(4)) {
      case 0:
        damage(any(*graph.mutable_initializer(), rng), rng);
        break;
      case 1:
        *graph.add_node() = any(*graph.mutable_node(), rng);
        break;
      case 2: {
        auto& shape =
            *graph.mutable_input(0)->mutable_type()->mutable_tensor_type()->mutable_shape();
        any(*shape.mutable_dim(), rng).set_dim_value(wild_number(rng));
        break;
      }
      default:
        damage(any(*graph.mutable_node(), rng), graph, rng);
    }
  }
  return model.SerializeAsString();
}

TEST(OnnxMutations, AreRefusedOrReadButNeverCrashNorFillTheMemory) {
  const TemporaryFolder folder;
  const std::vector<std::string> files = good_files(folder.path());
  const std::int64_t before_mb = resident_memory_mb();
  const int count = mutation_count();
  Rng rng(41);
  int accepted = 0;
  for (int i = 0; i < count; ++i) {
    const std::string& good = files[rng.index(files.size())];
    write(folder.path() / "mutated.onnx",
          rng.bernoulli(0.5) ? with_broken_bytes(good, rng) : with_another_meaning(good, rng));
    accepted += accepts(folder.path() / "mutated.onnx");
  }
  const std::int64_t grown_mb = peak_memory_mb() - before_mb;
  EXPECT_LE(grown_mb, kMemoryLimitMb);
  // Else the damage would not reach beyond the parser.
  EXPECT_GT(accepted, 0);
  EXPECT_LT(accepted, count);
  std::printf("%d mutated files: 0 crashes, %d refused, %d read, memory grew by %lld MB\n", count,
              count - accepted, accepted, static_cast<long long>(grown_mb));
}

/// A length-delimited field of a protobuf message.
std::string field(int number, std::string content) {
  std::string length;
  for (std::size_t rest = content.size(); length.empty() || rest > 0; rest >>= 7) {
    length += static_cast<char>((rest & 0x7F) | (rest > 0x7F ? 0x80 : 0));
  }
  content.insert(0, static_cast<char>(number << 3 | 2) + length);
  return content;
}

// By hand: the memory of messages that are built here would hide that of the reader.
TEST(OnnxMutations, FilesOfEmptyMessagesDoNotFillTheMemory) {
  const TemporaryFolder folder;
  const std::string empty_node = field(1, "");
  std::string graph;
  for (int i = 0; i < 500'000; ++i) graph += empty_node;
  // Values up to the size that is read: field 9 of a tensor, field 5 of the graph.
  graph += field(5, field(9, std::string(46 << 20, '\0')));
  write(folder.path() / "model.onnx", field(7, std::move(graph)));
  const std::int64_t before_mb = resident_memory_mb();
  EXPECT_FALSE(accepts(folder.path() / "model.onnx"));
  const std::int64_t grown_mb = peak_memory_mb() - before_mb;
  EXPECT_LE(grown_mb, kMemoryLimitMb);
  std::printf("a file of 500,000 empty nodes and 46 MiB of values: memory grew by %lld MB\n",
              static_cast<long long>(grown_mb));
}

TEST(OnnxMutations, LargeFilesAreRefusedBeforeTheyAreRead) {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder.path() / "model.onnx";
  write(file, "");
  std::filesystem::resize_file(file, std::uintmax_t{1} << 40);
  const std::int64_t before_mb = resident_memory_mb();
  EXPECT_FALSE(accepts(file));
  EXPECT_LE(resident_memory_mb() - before_mb, 1);
}

}  // namespace
}  // namespace hwnas::exporters
