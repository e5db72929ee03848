#include "estimators/cmsis_nn_loops.hpp"

#include <array>

#include "ir/overloaded.hpp"

namespace hwnas::estimators {

namespace {

/// Bodies of loops, by the kernel they are in.
enum Loop {
  kIm2colCalls,
  kIm2colTaps,
  kIm2colQuads,
  kIm2colRest,
  kIm2colPaddedTaps,
  kIm2colPaddedChannels,
  kIm2colColumns,
  kIm2colRows,
  kBlocks,
  kBlockQuads,
  kBlockRest,
  kBlockQuadsUnaligned,
  kBlockQuadsOdd,
  kLastRows,
  kLastRowQuads,
  kLastRowRest,
  kLastRowQuadsUnaligned,
  kLastRowQuadsOdd,
  kLastColumns,
  kLastColumnQuads,
  kLastColumnRest,
  kPointwiseCalls,
  kPointwisePixels,
  kPointwiseBlocks,
  kPointwiseBlock16,
  kPointwiseBlock4,
  kPointwiseBlockRest,
  kPointwiseUnaligned,
  kPointwiseLastPixel,
  kPointwiseLastPixel16,
  kPointwiseLastPixel4,
  kPointwiseLastRow,
  kPointwiseLastRow16,
  kPointwiseLastRow4,
  kPointwiseRows,
  kPointwiseRow16,
  kPointwiseRow4,
  kPointwiseRowRest,
  kDepthwiseCalls,
  kDepthwisePixels,
  kDepthwiseTaps,
  kDepthwiseQuads,
  kDepthwiseRest,
  kDepthwiseOutputs,
  kLinearCalls,
  kLinearRows,
  kLinearQuads,
  kLinearRest,
  kPoolCalls,
  kPoolOutputs,
  kPoolElements,
  kElementwiseCalls,
  kElementwiseElements,
  kTableElements,
  kSoftmaxElements,
  kCopyCalls,
  kCopyElements,
  kLoops
};

constexpr std::array<std::string_view, kLoops> kLoopNames = {"im2col.calls",
                                                             "im2col.taps",
                                                             "im2col.quads",
                                                             "im2col.rest",
                                                             "im2col.padded_taps",
                                                             "im2col.padded_channels",
                                                             "im2col.columns",
                                                             "im2col.rows",
                                                             "im2col.blocks",
                                                             "im2col.block_quads",
                                                             "im2col.block_rest",
                                                             "im2col.block_quads_unaligned",
                                                             "im2col.block_quads_odd",
                                                             "im2col.last_rows",
                                                             "im2col.last_row_quads",
                                                             "im2col.last_row_rest",
                                                             "im2col.last_row_quads_unaligned",
                                                             "im2col.last_row_quads_odd",
                                                             "im2col.last_columns",
                                                             "im2col.last_column_quads",
                                                             "im2col.last_column_rest",
                                                             "pointwise.calls",
                                                             "pointwise.pixels",
                                                             "pointwise.blocks",
                                                             "pointwise.block_16",
                                                             "pointwise.block_4",
                                                             "pointwise.block_rest",
                                                             "pointwise.unaligned",
                                                             "pointwise.last_pixel",
                                                             "pointwise.last_pixel_16",
                                                             "pointwise.last_pixel_4",
                                                             "pointwise.last_row",
                                                             "pointwise.last_row_16",
                                                             "pointwise.last_row_4",
                                                             "pointwise.rows",
                                                             "pointwise.row_16",
                                                             "pointwise.row_4",
                                                             "pointwise.row_rest",
                                                             "depthwise.calls",
                                                             "depthwise.pixels",
                                                             "depthwise.taps",
                                                             "depthwise.quads",
                                                             "depthwise.rest",
                                                             "depthwise.outputs",
                                                             "linear.calls",
                                                             "linear.rows",
                                                             "linear.quads",
                                                             "linear.rest",
                                                             "pool.calls",
                                                             "pool.outputs",
                                                             "pool.elements",
                                                             "elementwise.calls",
                                                             "elementwise.elements",
                                                             "elementwise.table",
                                                             "elementwise.softmax",
                                                             "copy.calls",
                                                             "copy.elements"};

/// How many taps of windows along one axis lie inside the image.
std::int64_t taps_inside(int extent, int outputs, int kernel, int stride, int dilation,
                         int before) {
  std::int64_t taps = 0;
  for (int out = 0; out < outputs; ++out) {
    for (int k = 0; k < kernel; ++k) {
      const int at = out * stride - before + k * dilation;
      taps += at >= 0 && at < extent ? 1 : 0;
    }
  }
  return taps;
}

std::int64_t taps_inside(const ir::Conv2d& conv, const ir::Shape& in, const ir::Shape& out) {
  const ir::Window& window = conv.window;
  return taps_inside(in.height, out.height, window.kernel_height, window.stride_height,
                     conv.dilation_height, window.padding.top) *
         taps_inside(in.width, out.width, window.kernel_width, window.stride_width,
                     conv.dilation_width, window.padding.left);
}

/// Counts the loop bodies of one kernel.
class LoopCounter {
 public:
  LoopCounter(std::span<double> row, const ir::Shape& in, const ir::Shape& out)
      : row_(row), in_(in), out_(out) {}

  void count(const ir::Conv2d& conv) {
    const ir::Window& window = conv.window;
    if (conv.groups > 1 && conv.groups == in_.channels) return count_depthwise(conv);
    const bool one_tap = window.kernel_height * window.kernel_width == 1;
    if (one_tap && window.padding == ir::Padding{} && conv.groups == 1) return count_pointwise();
    count_im2col(conv);
  }

  void count(const ir::BatchNorm&) {
    add(kDepthwiseCalls, 1);
    add(kDepthwisePixels, pixels());
    add(kDepthwiseTaps, pixels());
    add(kDepthwiseOutputs, out_.elements());
  }

  void count(const ir::Linear&) {
    add(kLinearCalls, 1);
    add(kLinearRows, out_.channels);
    add(kLinearQuads, std::int64_t{out_.channels} * (in_.channels / 4));
    add(kLinearRest, std::int64_t{out_.channels} * (in_.channels % 4));
  }

  void count_pool(std::int64_t elements) {
    add(kPoolCalls, 1);
    add(kPoolOutputs, out_.elements());
    add(kPoolElements, elements);
  }

  void count_elementwise(Loop loop, std::int64_t elements) {
    add(kElementwiseCalls, 1);
    add(loop, elements);
  }

  void count_copy() {
    add(kCopyCalls, 1);
    add(kCopyElements, out_.elements());
  }

 private:
  void add(Loop loop, std::int64_t bodies) { row_[loop] += static_cast<double>(bodies); }
  std::int64_t pixels() const { return std::int64_t{out_.height} * out_.width; }

  void count_im2col(const ir::Conv2d& conv) {
    const std::int64_t depth = in_.channels / conv.groups;
    const std::int64_t window = std::int64_t{conv.window.kernel_height} * conv.window.kernel_width;
    const std::int64_t groups = conv.groups;
    const std::int64_t inside = taps_inside(conv, in_, out_) * groups;
    const std::int64_t outside = pixels() * window * groups - inside;
    add(kIm2colCalls, groups);
    add(kIm2colTaps, inside);
    add(kIm2colQuads, inside * (depth / 4));
    add(kIm2colRest, inside * (depth % 4));
    add(kIm2colPaddedTaps, outside);
    add(kIm2colPaddedChannels, outside * depth);
    add(kIm2colColumns, pixels() * groups);
    count_products(window * depth, out_.channels / conv.groups, conv.groups);
  }

  /// `volume` products for each of `rows` outputs of each pixel, in each of the groups.
  void count_products(std::int64_t volume, std::int64_t rows, std::int64_t groups) {
    const std::int64_t pairs = pixels() / 2 * groups, last = pixels() % 2 * groups;
    const std::int64_t quads = volume / 4, rest = volume % 4;
    const std::int64_t blocks = pairs * (rows / 2), last_rows = pairs * (rows % 2);
    const std::int64_t unaligned = rest != 0 ? quads : 0, odd = volume % 2 != 0 ? quads : 0;
    add(kIm2colRows, rows * groups);
    add(kBlocks, blocks);
    add(kBlockQuads, blocks * quads);
    add(kBlockRest, blocks * rest);
    add(kBlockQuadsUnaligned, blocks * unaligned);
    add(kBlockQuadsOdd, blocks * odd);
    add(kLastRows, last_rows);
    add(kLastRowQuads, last_rows * quads);
    add(kLastRowRest, last_rows * rest);
    add(kLastRowQuadsUnaligned, last_rows * unaligned);
    add(kLastRowQuadsOdd, last_rows * odd);
    add(kLastColumns, last * rows);
    add(kLastColumnQuads, last * rows * quads);
    add(kLastColumnRest, last * rows * rest);
  }

  void count_pointwise() {
    const std::int64_t depth = in_.channels, rows = out_.channels;
    const std::int64_t deep = depth / 16, quads = depth % 16 / 4, rest = depth % 4;
    const std::int64_t blocks = pixels() / 2 * (rows / 2);
    const std::int64_t last_pixel = pixels() % 2 * (rows / 2), last_row = pixels() * (rows % 2);
    add(kPointwiseCalls, 1);
    add(kPointwisePixels, pixels());
    add(kPointwiseBlocks, blocks);
    add(kPointwiseBlock16, blocks * deep);
    add(kPointwiseBlock4, blocks * quads);
    add(kPointwiseBlockRest, (blocks + last_pixel + last_row) * rest);
    add(kPointwiseUnaligned, rest != 0 ? blocks * (depth / 4) : 0);
    add(kPointwiseLastPixel, last_pixel);
    add(kPointwiseLastPixel16, last_pixel * deep);
    add(kPointwiseLastPixel4, last_pixel * quads);
    add(kPointwiseLastRow, last_row);
    add(kPointwiseLastRow16, last_row * deep);
    add(kPointwiseLastRow4, last_row * quads);
    add(kPointwiseRows, rows);
    add(kPointwiseRow16, rows * deep);
    add(kPointwiseRow4, rows * quads);
    add(kPointwiseRowRest, rows * rest);
  }

  void count_depthwise(const ir::Conv2d& conv) {
    const std::int64_t inside = taps_inside(conv, in_, out_);
    add(kDepthwiseCalls, 1);
    add(kDepthwisePixels, pixels());
    add(kDepthwiseTaps, inside);
    add(kDepthwiseQuads, inside * (out_.channels / 4));
    add(kDepthwiseRest, inside * (out_.channels % 4));
    add(kDepthwiseOutputs, out_.elements());
  }

  std::span<double> row_;
  const ir::Shape& in_;
  const ir::Shape& out_;
};

}  // namespace

std::span<const std::string_view> cmsis_nn_loop_names() {
  return kLoopNames;
}

void add_cmsis_nn_loops(const ir::Operator& op, const Kernel& kernel, const ir::Shape& in,
                        const ir::Shape& out, std::span<double> row) {
  LoopCounter counter(row, in, out);
  std::visit(
      ir::overloaded{
          [&](const ir::Conv2d& conv) { counter.count(conv); },
          [&](const ir::Linear& linear) { counter.count(linear); },
          [&](const ir::BatchNorm& norm) { counter.count(norm); },
          [&](const ir::Pool&) { counter.count_pool(kernel.elements); },
          [&](const ir::GlobalAveragePool&) { counter.count_pool(kernel.elements); },
          [&](const ir::Activation&) {
            counter.count_elementwise(kTableElements, kernel.elements);
          },
          [&](const ir::Softmax&) { counter.count_elementwise(kSoftmaxElements, kernel.elements); },
          [&](const ir::Add&) { counter.count_elementwise(kElementwiseElements, kernel.elements); },
          [&](const ir::Mul&) { counter.count_elementwise(kElementwiseElements, kernel.elements); },
          [&](const auto&) { counter.count_copy(); },
      },
      op);
}

}  // namespace hwnas::estimators
