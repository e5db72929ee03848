#include "ir/quantization.hpp"

#include <array>
#include <utility>

#include "core/error.hpp"
#include "core/text.hpp"

namespace hwnas::ir {

namespace {

constexpr std::array kWeightFormats = {
    WeightFormatInfo{WeightFormat::kInt8, "int8", 8, -127, 127},
    WeightFormatInfo{WeightFormat::kInt4, "int4", 4, -7, 7},
    WeightFormatInfo{WeightFormat::kInt2, "int2", 2, -2, 1},
    WeightFormatInfo{WeightFormat::kTernary, "ternary", 2, -1, 1},
    WeightFormatInfo{WeightFormat::kBinary, "binary", 1, -1, 1},
};

constexpr std::array kRequantizations = {
    std::pair{Requantization::kTflDouble, std::string_view("tfl_double")},
    std::pair{Requantization::kTflSingle, std::string_view("tfl_single")},
    std::pair{Requantization::kFloatRne, std::string_view("float_rne")},
    std::pair{Requantization::kFloatTrunc, std::string_view("float_trunc")},
};

}  // namespace

std::span<const WeightFormatInfo> weight_formats() {
  return kWeightFormats;
}

const WeightFormatInfo& info(WeightFormat format) {
  return kWeightFormats[static_cast<std::size_t>(format)];
}

WeightFormat weight_format(std::string_view name) {
  std::vector<std::string> known;
  for (const WeightFormatInfo& row : kWeightFormats) {
    if (row.name == name) return row.format;
    known.emplace_back(row.name);
  }
  throw error(ErrorCode::kNotFound, "no weight format '{}'{}; there are: {}", name,
              did_you_mean(name, known), fmt::join(known, ", "));
}

std::string_view to_string(Requantization mode) {
  return kRequantizations[static_cast<std::size_t>(mode)].second;
}

Requantization requantization(std::string_view name) {
  std::vector<std::string> known;
  for (const auto& [mode, mode_name] : kRequantizations) {
    if (mode_name == name) return mode;
    known.emplace_back(mode_name);
  }
  throw error(ErrorCode::kNotFound, "no requantization '{}'{}; there are: {}", name,
              did_you_mean(name, known), fmt::join(known, ", "));
}

}  // namespace hwnas::ir
