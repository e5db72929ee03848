#include <fmt/format.h>

#include <algorithm>

#include "report/sections.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

std::string percent(double value) {
  return fmt::format("{:.2f} %", value);
}

std::string numbers_table(std::string_view head, std::string_view rows) {
  return fmt::format(
      "<div class=\"scroll\"><table class=\"numbers\"><thead><tr>{}</tr></thead>"
      "<tbody>{}</tbody></table></div>",
      head, rows);
}

std::string heads(std::initializer_list<std::string_view> names) {
  std::string cells;
  for (const std::string_view name : names) {
    cells += fmt::format("<th scope=\"col\">{}</th>", name);
  }
  return cells;
}

std::string pass_row(const PassSummary& pass) {
  return fmt::format(
      "<tr{}><th scope=\"row\">{}{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
      pass.accepted ? " class=\"is-chosen\"" : "", escape(pass.pass),
      pass.accepted ? "" : " <span class=\"tag\">rolled back</span>", percent(pass.val_top1_before),
      percent(pass.val_top1_after), format_duration(pass.seconds), escape(pass.summary));
}

std::string layer_rows(const PassSummary& pass) {
  std::string rows;
  double flash_bytes = 0;
  double latency_ms = 0;
  for (const PassLayer& layer : pass.layers) {
    flash_bytes += layer.flash_bytes;
    latency_ms += layer.latency_ms;
    rows += fmt::format(
        "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
        escape(layer.layer), escape(layer.format), layer.activation_bits,
        layer.sensitivity > 0 ? format_number(layer.sensitivity) : "–",
        format_number(layer.flash_bytes), format_number(layer.latency_ms));
  }
  return rows + fmt::format(
                    "<tr><th scope=\"row\">all of them</th><td></td><td></td><td></td><td>{}</td>"
                    "<td>{}</td></tr>",
                    format_number(flash_bytes), format_number(latency_ms));
}

}  // namespace

std::string compression_section(const RunSummary& run) {
  if (!run.compression) return "";
  const CompressionSummary& compression = *run.compression;
  std::string rows;
  for (const PassSummary& pass : compression.passes) rows += pass_row(pass);
  std::string content = numbers_table(
      heads({"pass", "before", "validation top-1 after", "took", "what it did"}), rows);
  const auto last = std::find_if(compression.passes.rbegin(), compression.passes.rend(),
                                 [](const PassSummary& pass) { return pass.accepted; });
  if (last != compression.passes.rend()) {
    content += numbers_table(heads({"layer", "weights", "activation bits", "sensitivity",
                                    "flash (bytes)", "latency (ms, predicted)"}),
                             layer_rows(*last));
  }
  const std::string test =
      compression.test_top1 ? fmt::format(", test {}", percent(*compression.test_top1)) : "";
  return section(
      "compression", "Compression",
      fmt::format("The chosen network in integers: validation top-1 {}{}; the float "
                  "network has {} ({:+.2f} points). Measured by running the integers in "
                  "the arithmetic of the runtime.",
                  percent(compression.val_top1), test, percent(compression.float_val_top1),
                  compression.val_top1 - compression.float_val_top1),
      content);
}

}  // namespace hwnas::report
