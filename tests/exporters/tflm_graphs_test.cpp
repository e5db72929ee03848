// Files of several graphs, offline plans and hostile contents, made here. The heads were compared
// with the interpreter of tflite-micro 0.dev20261023 (tests/judges/tflm_arena_judge.py).

#include <gmock/gmock.h>
#include <tflite_generated.h>

#include <cstring>
#include <fstream>
#include <functional>

#include "core/error.hpp"
#include "exporters/tflm_arena.hpp"
#include "exporters/tflm_planner.hpp"
#include "tests/exporters/temporary_folder.hpp"

namespace hwnas::exporters {
namespace {

using testing::HasSubstr;
using Code = tflite::BuiltinOperator;
using Indices = std::vector<int>;

constexpr int kElements = 100;
constexpr int kBytes = 400;  ///< of a tensor: floats, a multiple of 16
constexpr int kFlag = -1;    ///< "elements" of a flag, which takes 16 bytes

/// Tensors of float32, given by their number of elements.
std::unique_ptr<tflite::SubGraphT> graph(const std::vector<int>& tensors, Indices inputs,
                                         Indices outputs) {
  constexpr auto kBool = static_cast<tflite::TensorType>(6);
  auto result = std::make_unique<tflite::SubGraphT>();
  for (const int elements : tensors) {
    auto tensor = std::make_unique<tflite::TensorT>();
    tensor->shape = {1, elements == kFlag ? 1 : elements};
    if (elements == kFlag) tensor->type = kBool;
    result->tensors.push_back(std::move(tensor));
  }
  result->inputs = std::move(inputs);
  result->outputs = std::move(outputs);
  return result;
}

class Builder {
 public:
  Builder() {
    model_.version = 3;
    model_.buffers.push_back(std::make_unique<tflite::BufferT>());
  }

  tflite::SubGraphT& add(std::unique_ptr<tflite::SubGraphT> graph) {
    model_.subgraphs.push_back(std::move(graph));
    return *model_.subgraphs.back();
  }

  tflite::OperatorT& append(tflite::SubGraphT& graph, Code code, Indices inputs, Indices outputs) {
    auto entry = std::make_unique<tflite::OperatorCodeT>();
    entry->builtin_code = code;
    model_.operator_codes.push_back(std::move(entry));
    auto op = std::make_unique<tflite::OperatorT>();
    op->opcode_index = static_cast<std::uint32_t>(model_.operator_codes.size() - 1);
    op->inputs = std::move(inputs);
    op->outputs = std::move(outputs);
    graph.operators.push_back(std::move(op));
    return *graph.operators.back();
  }

  void branch(tflite::SubGraphT& graph, Indices inputs, Indices outputs, int then, int otherwise) {
    tflite::IfOptionsT options;
    options.then_subgraph_index = then;
    options.else_subgraph_index = otherwise;
    append(graph, Code::IF, std::move(inputs), std::move(outputs)).builtin_options.Set(options);
  }

  /// The number of a buffer of zeros.
  std::uint32_t constant(std::size_t bytes) {
    model_.buffers.push_back(std::make_unique<tflite::BufferT>());
    model_.buffers.back()->data.resize(bytes);
    return static_cast<std::uint32_t>(model_.buffers.size() - 1);
  }

  void place(const std::vector<std::int32_t>& offsets) {
    const std::int32_t header[] = {1, 0, static_cast<std::int32_t>(offsets.size())};
    auto buffer = std::make_unique<tflite::BufferT>();
    buffer->data.resize(sizeof(header) + 4 * offsets.size());
    std::memcpy(buffer->data.data(), header, sizeof(header));
    std::memcpy(buffer->data.data() + sizeof(header), offsets.data(), 4 * offsets.size());
    model_.buffers.push_back(std::move(buffer));
    auto metadata = std::make_unique<tflite::MetadataT>();
    metadata->name = "OfflineMemoryAllocation";
    metadata->buffer = static_cast<std::uint32_t>(model_.buffers.size() - 1);
    model_.metadata.push_back(std::move(metadata));
  }

  TflmArena arena(TflmBuild build = TflmBuild::kHostReference) const {
    flatbuffers::FlatBufferBuilder builder;
    builder.Finish(tflite::Model::Pack(builder, &model_), tflite::ModelIdentifier());
    const TemporaryFolder folder;
    const auto file = folder.path() / "model.tflite";
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(builder.GetBufferPointer()), builder.GetSize());
    return tflm_arena(file, build);
  }
  std::int64_t head() const { return arena().head; }

  std::string refusal() const {
    try {
      arena();
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::kInvalidArgument);
      return error.what();
    }
    return "accepted";
  }

 private:
  tflite::ModelT model_;
};

/// t0 -> t1 -> t2 of `graph` by additions.
void add_twice(Builder& file, tflite::SubGraphT& graph) {
  file.append(graph, Code::ADD, {0, 0}, {1});
  file.append(graph, Code::ADD, {1, 0}, {2});
}

/// x -> x + x -> if flag then (graph 1) else (graph 2) -> + (x + x).
Builder conditional() {
  Builder file;
  auto& main = file.add(graph({kFlag, kElements, kElements, kElements, kElements}, {0, 1}, {4}));
  file.append(main, Code::ADD, {1, 1}, {2});
  file.branch(main, {0, 2}, {3}, 1, 2);
  file.append(main, Code::ADD, {3, 1}, {4});
  add_twice(file, file.add(graph({kElements, kElements, kElements}, {0}, {2})));
  auto& otherwise = file.add(graph({kElements, kElements}, {0}, {1}));
  file.append(otherwise, Code::MUL, {0, 0}, {1});
  return file;
}

TEST(TflmGraphs, OfABranchLiveBesideWhatTheCallerNeeds) {
  // In `then`: its three tensors, the caller's input, argument and result, and the flag.
  EXPECT_EQ(conditional().head(), 6 * kBytes + 16);
}

TEST(TflmGraphs, EnteredTwiceKeepTheirTensorsBetween) {
  Builder file;
  auto& main = file.add(graph({kFlag, kFlag, kElements, kElements, kElements}, {0, 1, 2}, {4}));
  file.branch(main, {0, 1, 2}, {3}, 1, 1);
  file.append(main, Code::ADD, {3, 2}, {4});
  auto& inner = file.add(graph({kFlag, kElements, kElements, kElements}, {0, 1}, {3}));
  file.append(inner, Code::ADD, {1, 1}, {2});
  file.branch(inner, {0, 2}, {3}, 2, 3);
  add_twice(file, file.add(graph({kElements, kElements, kElements}, {0}, {2})));
  auto& otherwise = file.add(graph({kElements, kElements}, {0}, {1}));
  file.append(otherwise, Code::MUL, {0, 0}, {1});
  EXPECT_EQ(file.head(), 4048);
}

TEST(TflmGraphs, OfALoopArePlannedOneAfterTheOther) {
  Builder file;
  auto& main = file.add(graph({kElements, kElements, kElements}, {0}, {2}));
  tflite::WhileOptionsT options;
  options.cond_subgraph_index = 1;
  options.body_subgraph_index = 2;
  file.append(main, Code::WHILE, {0}, {1}).builtin_options.Set(options);
  file.append(main, Code::ADD, {1, 0}, {2});
  auto& condition = file.add(graph({kElements, kElements, kFlag}, {0}, {2}));
  file.append(condition, Code::ADD, {0, 0}, {1});
  file.append(condition, Code::LESS, {0, 1}, {2});
  add_twice(file, file.add(graph({kElements, kElements, kElements}, {0}, {2})));
  EXPECT_EQ(file.head(), 5 * kBytes);
}

TEST(TflmGraphs, CostObjectsInTheTailEachOfThem) {
  Builder once;
  auto& main = once.add(graph({kElements, kElements, kElements}, {0}, {2}));
  add_twice(once, main);
  const TflmArena alone = once.arena();
  // A graph that nobody enters: two pointers, its tensors, and its operator of 64 bytes with 4 of
  // options and 36 of data, from 16 to 16 bytes.
  auto& unused = once.add(graph({kElements, kElements}, {0}, {1}));
  once.append(unused, Code::MUL, {0, 0}, {1});
  EXPECT_NEAR(static_cast<double>(once.arena().tail - alone.tail), 16 + 2 * 24 + 64 + 4 + 48, 12);
}

TEST(TflmGraphs, ArePlacedWhereTheFileSays) {
  const auto chain = [] {
    Builder file;
    auto& main = file.add(graph({kElements, kElements, kElements, kElements}, {0}, {3}));
    add_twice(file, main);
    file.append(main, Code::ADD, {2, 1}, {3});
    return file;
  };
  EXPECT_EQ(chain().head(), 3 * kBytes);
  Builder placed = chain();
  placed.place({0, kBytes, -1, 2048});
  EXPECT_EQ(placed.head(), 2048 + kBytes);
  Builder short_of = chain();
  short_of.place({0});
  EXPECT_THAT(short_of.refusal(), HasSubstr("places 1 tensors, the file has 4"));
  Builder below = chain();
  below.place({0, -2, -1, -1});
  EXPECT_THAT(below.refusal(), HasSubstr("at -2"));
}

TEST(TflmGraphs, CountATensorThatNoOperatorTouches) {
  Builder file;
  auto& main = file.add(graph({kElements, kElements, 3 * kElements}, {0}, {1}));
  file.append(main, Code::ADD, {0, 0}, {1});
  EXPECT_EQ(file.head(), 3 * kBytes);
}

TEST(TflmGraphs, ThatCannotRunAreRefused) {
  Builder endless;
  auto& main = endless.add(graph({kFlag, kElements, kElements}, {0, 1}, {2}));
  endless.branch(main, {0, 1}, {2}, 0, 0);
  EXPECT_THAT(endless.refusal(), HasSubstr("graph 0 calls itself"));
  Builder missing;
  auto& caller = missing.add(graph({kFlag, kElements, kElements}, {0, 1}, {2}));
  missing.branch(caller, {0, 1}, {2}, 1, 7);
  missing.add(graph({kElements}, {0}, {0}));
  EXPECT_THAT(missing.refusal(), HasSubstr("graph 7 is not in the file"));
  Builder unknown;
  auto& only = unknown.add(graph({kElements, kElements}, {0}, {1}));
  unknown.append(only, static_cast<Code>(99), {0}, {1});
  EXPECT_THAT(unknown.refusal(), HasSubstr("operator 0 (type 99)"));
  Builder out_of_range;
  auto& broken = out_of_range.add(graph({kElements, kElements}, {0}, {1}));
  out_of_range.append(broken, Code::ADD, {0, 5}, {1});
  EXPECT_THAT(out_of_range.refusal(), HasSubstr("no tensor 5"));
}

TEST(TflmGraphs, ThatDoubleAtEveryLevelEndInAnError) {
  constexpr int kLevels = 40;  // 2^40 visits
  Builder file;
  for (int level = 0; level < kLevels; ++level) {
    auto& caller = file.add(graph({kFlag, kElements, kElements}, {0, 1}, {2}));
    if (level + 1 < kLevels) file.branch(caller, {0, 1}, {2}, level + 1, level + 1);
  }
  EXPECT_THAT(file.refusal(), HasSubstr("entered too often"));
}

TEST(TflmGraphs, OfARowTakeAPaddedRowOfScratchWithMve) {
  Builder file;
  auto& main = file.add(graph({1, 1, 1}, {0}, {2}));
  const std::vector<int> shapes[] = {{1, 1, 16, 4}, {8, 1, 3, 4}, {1, 1, 16, 8}};
  for (std::size_t i = 0; i < 3; ++i) {
    main.tensors[i]->shape = shapes[i];
    main.tensors[i]->type = tflite::TensorType::INT8;
  }
  main.tensors[1]->buffer = file.constant(8 * 3 * 4);
  tflite::Conv2DOptionsT options;
  options.padding = tflite::Padding::SAME;
  options.stride_w = options.stride_h = 1;
  file.append(main, Code::CONV_2D, {0, 1}, {2}).builtin_options.Set(options);
  const int maps = 16 * 4 + 16 * 8;
  EXPECT_EQ(file.arena(TflmBuild::kCortexMReference).head, maps);
  // Two columns of 3 x 4 in 16 bits, and one window with a pixel of padding.
  EXPECT_EQ(file.arena(TflmBuild::kCortexM4CmsisNn).head, maps + 2 * 2 * 12);
  EXPECT_EQ(file.arena(TflmBuild::kCortexM55CmsisNn).head, maps + (3 + 1) * 4);
}

TEST(TflmPlanner, FillsTheFirstGapAndTakesEqualBuffersFromTheLast) {
  EXPECT_EQ(tflm::greedy_end({}), 0);
  // Two that never meet share, the third lies above both.
  EXPECT_EQ(tflm::greedy_end({{64, 0, 0}, {64, 1, 1}, {32, 0, 1}}), 96);
  // The gap of 32 below the offline buffer is large enough.
  EXPECT_EQ(tflm::greedy_end({{64, 0, 1, 32}, {32, 0, 1}}), 96);
  EXPECT_EQ(tflm::greedy_end({{64, 0, 1, 16}, {32, 0, 1}}), 112);
  // The last comes first and lies at 0; the first then finds a gap only above the second.
  EXPECT_EQ(tflm::greedy_end({{16, 1, 2}, {16, 0, 1}, {16, 2, 3}}), 32);
}

}  // namespace
}  // namespace hwnas::exporters
