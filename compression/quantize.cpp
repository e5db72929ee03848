#include <fmt/format.h>

#include "compression/pass_rows.hpp"
#include "compression/quantization_steps.hpp"

namespace hwnas::compression {

namespace {

/// All layers in one weight format.
class Quantize final : public CompressionPass {
 public:
  explicit Quantize(const Config& config) : options_(quantization_options(config, {})) {
    std::vector<std::string> known = quantization_option_names();
    known.insert(known.end(), {"pass", "weights", "activation_bits"});
    config.require_known_keys(known);
    if (const Config* const weights = config.find("weights")) {
      std::vector<std::string> formats;
      for (const ir::WeightFormatInfo& row : ir::weight_formats()) formats.emplace_back(row.name);
      widths_.default_format = ir::weight_formats()[weights->as_one_of(formats)].format;
    }
    if (const Config* const bits = config.find("activation_bits")) {
      widths_.activation_bits = static_cast<int>(bits->as_int(8, 16));
      if (widths_.activation_bits != 8 && widths_.activation_bits != 16) bits->fail("give 8 or 16");
    }
  }

  std::string_view name() const override { return "quantize"; }

  CompressedModel apply(const CompressedModel& model, const PassContext& context,
                        PassReport& report) const override {
    QuantizationResult result = quantize_network(model.network, widths_, options_, context);
    report.summary =
        fmt::format("{} weights, {}-bit activations, {}", ir::info(widths_.default_format).name,
                    widths_.activation_bits, result.how);
    report.layers = layer_changes(result.integers, context);
    // Passes that follow start from the float network, not from what was corrected for these bits.
    return {model.network, std::move(result.integers), result.accuracy};
  }

  double accuracy_drop() const override { return options_.accuracy_drop; }

 private:
  QuantizationOptions options_;
  BitWidths widths_;
};

}  // namespace

std::unique_ptr<CompressionPass> make_quantize(const Config& options) {
  return std::make_unique<Quantize>(options);
}

}  // namespace hwnas::compression
