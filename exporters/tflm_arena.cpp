#include "exporters/tflm_arena.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <vector>

#include "core/error.hpp"
#include "core/file.hpp"
#include "exporters/tflite_op.hpp"

namespace hwnas::exporters {

namespace {

using Code = tflite::BuiltinOperator;
using Type = tflite::TensorType;

constexpr std::size_t kMaxBytes = std::size_t{192} << 20;

std::int64_t rounded_up(std::int64_t bytes, std::int64_t alignment) {
  return (bytes + alignment - 1) / alignment * alignment;
}

/// Objects of one operator type: parsed options and their alignment, and the kernel's own data with
/// reference kernels. First with 64-bit pointers, then on Cortex-M, where GCC's enums are short.
struct KernelObjects {
  Code code;
  std::int64_t options[2];
  std::int64_t alignment[2];
  std::int64_t data[2];
};
constexpr KernelObjects kObjects[] = {
    {Code::ADD, {8, 2}, {4, 1}, {60, 60}},
    {Code::AVERAGE_POOL_2D, {40, 40}, {4, 4}, {32, 32}},
    {Code::CONCATENATION, {8, 8}, {4, 4}, {40, 24}},
    {Code::CONV_2D, {28, 28}, {4, 4}, {72, 56}},
    {Code::DEPTHWISE_CONV_2D, {28, 28}, {4, 4}, {72, 56}},
    {Code::FULLY_CONNECTED, {16, 5}, {4, 1}, {64, 48}},
    {Code::HARD_SWISH, {0, 0}, {1, 1}, {20, 20}},
    {Code::LOGISTIC, {0, 0}, {1, 1}, {16, 16}},
    {Code::MAX_POOL_2D, {40, 40}, {4, 4}, {32, 32}},
    {Code::MUL, {4, 1}, {4, 1}, {36, 36}},
    {Code::PAD, {0, 0}, {1, 1}, {56, 56}},
    {Code::PADV2, {0, 0}, {1, 1}, {56, 56}},
    {Code::RELU, {0, 0}, {1, 1}, {28, 28}},
    {Code::RELU6, {0, 0}, {1, 1}, {8, 8}},
    {Code::RESHAPE, {36, 36}, {4, 4}, {0, 0}},
    {Code::SOFTMAX, {4, 4}, {4, 4}, {80, 56}},
};

/// Sizes that differ between 64-bit hosts and Cortex-M.
struct TargetObjects {
  std::int64_t interpreter;
  std::int64_t pointer;
  std::int64_t node;
  std::int64_t eval_tensor;
  std::int64_t tensor;
  std::int64_t quantization;
  std::int64_t scratch_request;
  std::int64_t planner_record;
};
constexpr TargetObjects kHost = {248, 8, 64, 24, 64, 24, 16, 32};
constexpr TargetObjects kCortexM = {132, 4, 32, 12, 32, 12, 12, 24};

/// Grows downwards from an aligned end.
class Tail {
 public:
  void allocate(std::int64_t bytes, std::int64_t alignment) {
    if (bytes > 0) bytes_ = rounded_up(bytes_ + bytes, alignment);
  }
  std::int64_t bytes() const { return bytes_; }

 private:
  std::int64_t bytes_ = 0;
};

/// A planned buffer, needed while the operators [first, last] run; operator 0 is the input.
struct Buffer {
  std::int64_t bytes;
  int first;
  int last;
};

/// Places buffers by falling size, equal ones from the last to the first, each into the first gap
/// between those that live at the same time (GreedyMemoryPlanner); returns the end of the highest.
std::int64_t greedy_end(const std::vector<Buffer>& buffers) {
  struct Placed {
    std::int64_t begin;
    Buffer buffer;
  };
  std::vector<Buffer> order(buffers.rbegin(), buffers.rend());
  std::ranges::stable_sort(order, std::greater{}, &Buffer::bytes);
  std::vector<Placed> placed;  // by rising begin
  std::int64_t highest = 0;
  for (const Buffer& buffer : order) {
    std::int64_t begin = 0;
    for (const Placed& other : placed) {
      if (other.buffer.first > buffer.last || buffer.first > other.buffer.last) continue;
      if (other.begin - begin >= buffer.bytes) break;
      begin = std::max(begin, other.begin + other.buffer.bytes);
    }
    placed.insert(std::ranges::upper_bound(placed, begin, {}, &Placed::begin), {begin, buffer});
    highest = std::max(highest, begin + buffer.bytes);
  }
  return highest;
}

class ArenaPlan {
 public:
  ArenaPlan(const TfliteReader& reader, TflmBuild build)
      : reader_(reader), build_(build), sizes_(is_cortex() ? kCortexM : kHost) {}

  TflmArena plan() {
    read_lifetimes();
    plan_kernels();
    tail_.allocate(sizes_.pointer * std::ssize(scratch_), sizes_.pointer);
    const std::int64_t before_io = tail_.bytes();
    plan_io(reader_.graph().inputs());
    plan_io(reader_.graph().outputs());
    const std::vector<Buffer> buffers = planned_buffers();
    TflmArena arena{.head = greedy_end(buffers), .tail = tail_.bytes()};
    // Planning needs room for its own records, which are gone afterwards.
    const std::int64_t records =
        sizes_.scratch_request * (12 + std::ssize(scratch_)) + sizes_.pointer +
        sizes_.planner_record * (tensors() + std::ssize(scratch_)) + 40 * std::ssize(buffers);
    arena.smallest = rounded_up(std::max(arena.head + arena.tail, records + before_io), 16);
    return arena;
  }

 private:
  bool is_cortex() const { return build_ != TflmBuild::kHostReference; }
  bool is_cmsis() const {
    return build_ == TflmBuild::kCortexM3CmsisNn || build_ == TflmBuild::kCortexM4CmsisNn;
  }
  int tensors() const { return static_cast<int>(reader_.graph().tensors()->size()); }

  std::int64_t bytes_of(int tensor) const {
    std::int64_t bytes = 1;
    switch (reader_.type(tensor)) {
      case Type::INT4:
      case Type::INT8:
        break;
      case Type::INT16:
        bytes = 2;
        break;
      case Type::FLOAT32:
      case Type::INT32:
        bytes = 4;
        break;
      case Type::INT64:
        bytes = 8;
        break;
      default:
        throw invalid_argument("tensor {} is of a type that is not planned", tensor);
    }
    for (const int extent : reader_.dims(tensor)) bytes *= extent;
    return bytes;
  }

  template <typename Visit>
  void for_each_tensor(const flatbuffers::Vector<int>* tensors, const Visit& visit) const {
    if (tensors == nullptr) return;
    for (const int tensor : *tensors) {
      if (tensor == -1) continue;  // an optional input
      reader_.require_tensor(tensor);
      if (!reader_.is_constant(tensor)) visit(tensor);
    }
  }

  void read_lifetimes() {
    for_each_tensor(reader_.graph().inputs(), [&](int tensor) { lives_[tensor] = {0, 0}; });
    for (int step = 1; step <= reader_.operators(); ++step) {
      const tflite::Operator& op = reader_.at(step - 1);
      for_each_tensor(op.inputs(), [&](int tensor) { lives_[tensor].last = step; });
      for_each_tensor(op.outputs(), [&](int tensor) { lives_[tensor] = {step, step}; });
    }
    for_each_tensor(reader_.graph().outputs(),
                    [&](int tensor) { lives_[tensor].last = reader_.operators(); });
  }

  const KernelObjects& objects_of(int position) const {
    const int code = reader_.code(reader_.at(position));
    const auto found = std::ranges::find(
        kObjects, code, [](const KernelObjects& row) { return static_cast<int>(row.code); });
    if (found == std::end(kObjects)) {
      throw invalid_argument("operator {} is of type {}, whose memory is not known", position,
                             code);
    }
    return *found;
  }

  void plan_kernels() {
    const int target = is_cortex() ? 1 : 0;
    tail_.allocate(sizes_.interpreter, 1);
    tail_.allocate(sizes_.node * reader_.operators(), sizes_.pointer);
    tail_.allocate(sizes_.eval_tensor * tensors(), sizes_.pointer);
    for (int i = 0; i < reader_.operators(); ++i) {
      const KernelObjects& objects = objects_of(i);
      tail_.allocate(objects.options[target], objects.alignment[target]);
    }
    for (int i = 0; i < reader_.operators(); ++i) tail_.allocate(kernel_data(objects_of(i)), 16);
    for (int i = 0; i < reader_.operators(); ++i) plan_buffers_of(i);
  }

  std::int64_t kernel_data(const KernelObjects& objects) const {
    if (!is_cmsis()) return objects.data[is_cortex() ? 1 : 0];
    switch (objects.code) {
      case Code::CONV_2D:
      case Code::DEPTHWISE_CONV_2D:
        return 60;
      case Code::FULLY_CONNECTED:
        return 72;
      case Code::AVERAGE_POOL_2D:
      case Code::MAX_POOL_2D:
        return 36;
      default:
        return objects.data[1];
    }
  }

  /// Multipliers and shifts of a convolution's channels, and CMSIS-NN's scratch.
  void plan_buffers_of(int position) {
    const Code code = objects_of(position).code;
    const TfliteOp op(reader_, position);
    if (code == Code::CONV_2D || code == Code::DEPTHWISE_CONV_2D) {
      const bool is_float = reader_.type(op.input(0)) == Type::FLOAT32;
      const std::int64_t channels = reader_.shape(op.output()).channels;
      for (int array = 0; array < 2 && !(is_float && is_cmsis()); ++array) {
        tail_.allocate(4 * channels, 16);
      }
    }
    if (!is_cmsis()) return;
    const std::int64_t bytes = cmsis_scratch(code, op);
    if (bytes > 0) scratch_.push_back({rounded_up(bytes, 16), position + 1, position + 1});
  }

  std::int64_t cmsis_scratch(Code code, const TfliteOp& op) const {
    const bool has_dsp = build_ == TflmBuild::kCortexM4CmsisNn;
    const Type type = reader_.type(op.input(0));
    if (type != Type::INT8 && type != Type::INT16) return 0;
    if (code == Code::AVERAGE_POOL_2D && type == Type::INT8) {
      return has_dsp ? 4 * std::int64_t{reader_.shape(op.output()).channels} : 0;
    }
    if (code != Code::CONV_2D && code != Code::DEPTHWISE_CONV_2D) return 0;
    const std::vector<int> filter = reader_.dims(op.input(1));
    if (filter.size() != 4) throw invalid_argument("weights of rank {}", filter.size());
    const std::int64_t taps = std::int64_t{filter[1]} * filter[2];
    if (code == Code::CONV_2D) {
      if (type == Type::INT16) return 4 * taps * filter[3];
      return taps == 1 ? 0 : 4 * rounded_up(taps * filter[3], 4);
    }
    const int channels = reader_.shape(op.input(0)).channels;
    const bool is_3x3 = filter[1] == 3 && filter[2] == 3;
    return has_dsp && type == Type::INT8 && !is_3x3 && channels == filter[3] ? 2 * channels * taps
                                                                             : 0;
  }

  void plan_io(const flatbuffers::Vector<int>* io) {
    tail_.allocate(sizes_.pointer * (io == nullptr ? 0 : std::ssize(*io)), 16);
    for_each_tensor(io, [&](int tensor) {
      tail_.allocate(sizes_.tensor, sizes_.pointer);
      const std::size_t channels = reader_.optional_scales(tensor).size();
      if (channels == 0) return;
      tail_.allocate(sizes_.quantization, sizes_.pointer);
      tail_.allocate(static_cast<std::int64_t>(4 + 4 * channels), 4);
    });
  }

  std::vector<Buffer> planned_buffers() const {
    std::vector<Buffer> buffers;
    for (const auto& [tensor, life] : lives_) {
      buffers.push_back({rounded_up(bytes_of(tensor), 16), life.first, life.last});
    }
    buffers.insert(buffers.end(), scratch_.begin(), scratch_.end());
    return buffers;
  }

  struct Life {
    int first = 0;
    int last = 0;
  };

  const TfliteReader& reader_;
  TflmBuild build_;
  const TargetObjects& sizes_;
  Tail tail_;
  std::map<int, Life> lives_;  ///< of the tensors that are planned
  std::vector<Buffer> scratch_;
};

}  // namespace

TflmArena tflm_arena(const std::filesystem::path& file, TflmBuild build) {
  const std::string bytes = read_file(file, kMaxBytes);
  try {
    const TfliteReader reader(bytes, kMaxBytes);
    if (reader.operators() == 0) throw invalid_argument("no operators");
    return ArenaPlan(reader, build).plan();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", file.string(), error.what()));
  }
}

}  // namespace hwnas::exporters
