#include <fmt/format.h>

#include "exporters/c_kernels.hpp"
#include "exporters/c_text.hpp"

namespace hwnas::exporters {

namespace {

/// Padded windows are clipped to the input.
constexpr std::string_view kClipped =
    R"(/* @description@ */
static void @NAME@(const int8_t *x, int8_t *y) {
  for (int32_t oy = 0; oy < @out_h@; oy++) {
    const int32_t top = @top@;
    const int32_t iy_begin = top < 0 ? 0 : top;
    const int32_t iy_end = top + @k_h@ > @in_h@ ? @in_h@ : top + @k_h@;
    for (int32_t ox = 0; ox < @out_w@; ox++, y += @c@) {
      const int32_t left = @left@;
      const int32_t ix_begin = left < 0 ? 0 : left;
      const int32_t ix_end = left + @k_w@ > @in_w@ ? @in_w@ : left + @k_w@;
      for (int32_t c = 0; c < @c@; c++) {
        int32_t @start@;
        for (int32_t iy = iy_begin; iy < iy_end; iy++) {
          for (int32_t ix = ix_begin; ix < ix_end; ix++) {
            const int8_t value = x[(iy * @in_w@ + ix) * @c@ + c];
            @update@;
          }
        }
        y[c] = @result@;
      }
    }
  }
}
)";

constexpr std::string_view kUnpadded =
    R"(/* @description@ */
static void @NAME@(const int8_t *x, int8_t *y) {
  for (int32_t oy = 0; oy < @out_h@; oy++) {
    for (int32_t ox = 0; ox < @out_w@; ox++, y += @c@) {
      const int8_t *window = x + ((@top@) * @in_w@ + @left@) * @c@;
      for (int32_t c = 0; c < @c@; c++) {
        int32_t @start@;
        for (int32_t ky = 0; ky < @k_h@; ky++) {
          for (int32_t kx = 0; kx < @k_w@; kx++) {
            const int8_t value = window[(ky * @in_w@ + kx) * @c@ + c];
            @update@;
          }
        }
        y[c] = @result@;
      }
    }
  }
}
)";

/// One window over all of the input.
constexpr std::string_view kGlobal =
    R"(/* @description@ */
static void @NAME@(const int8_t *x, int8_t *y) {
  for (int32_t c = 0; c < @c@; c++) {
    int32_t @start@;
    for (int32_t pixel = 0; pixel < @pixels@; pixel++) {
      const int8_t value = x[pixel * @c@ + c];
      @update@;
    }
    y[c] = @result@;
  }
}
)";

bool is_global(const ir::Window& window, const ir::Shape& in) {
  return window.padding == ir::Padding{} && window.kernel_height == in.height &&
         window.kernel_width == in.width;
}

}  // namespace

CKernel pool_kernel(const ir::Pool& pool, const ir::Shape& in, const ir::Shape& out) {
  const auto text = [](int value) { return std::to_string(value); };
  const ir::Window& window = pool.window;
  const bool max = pool.kind == ir::PoolKind::kMax;
  const bool padded = window.padding != ir::Padding{};
  const std::string pixels = padded ? "(iy_end - iy_begin) * (ix_end - ix_begin)"
                                    : text(window.kernel_height * window.kernel_width);
  const CValues values = {
      {"NAME", "@NAME@"},
      {"description", fmt::format("{}x{}x{} -> {}x{}x{}", in.height, in.width, in.channels,
                                  out.height, out.width, out.channels)},
      {"in_h", text(in.height)},
      {"in_w", text(in.width)},
      {"out_h", text(out.height)},
      {"out_w", text(out.width)},
      {"c", text(in.channels)},
      {"k_h", text(window.kernel_height)},
      {"k_w", text(window.kernel_width)},
      {"pixels", pixels},
      {"top", window_start("oy", window.stride_height, window.padding.top)},
      {"left", window_start("ox", window.stride_width, window.padding.left)},
      {"start", max ? "largest = -128" : "sum = 0"},
      {"update", max ? "if (value > largest) largest = value" : "sum += value"},
      {"result", max ? "(int8_t)largest" : fmt::format("mean(sum, {})", pixels)},
  };
  const std::string kind = max ? "max" : "average";
  if (is_global(window, in)) {
    return {.stem = "global_" + kind, .text = fill(kGlobal, values)};
  }
  return {.stem = fmt::format("{}_pool{}x{}", kind, window.kernel_height, window.kernel_width),
          .text = fill(padded ? kClipped : kUnpadded, values)};
}

}  // namespace hwnas::exporters
