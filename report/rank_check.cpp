#include <fmt/format.h>

#include <algorithm>

#include "report/report.hpp"
#include "report/sections.hpp"
#include "report/svg.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

constexpr svg::Layout kLayout{.width = 480, .height = 340, .left = 66};

/// By the weights that were shared last.
const estimators::Line& line_of(const RankCheckSummary& check) {
  return check.few_shot ? check.few_shot->line : check.line;
}

/// A line that does not fall is not used.
bool predicts(const RankCheckSummary& check) {
  const bool used = check.few_shot ? check.few_shot->used : check.used;
  return used && line_of(check).slope < 0;
}

/// By the weights that were shared last.
bool counts_size(const RankCheckSummary& check) {
  return (check.few_shot ? check.few_shot->size_weight : check.size_weight) > 0;
}

std::string axis_title(const RankCheckSummary& check) {
  return fmt::format("{} weights, {} (nats)", check.few_shot ? "split supernet's" : "shared",
                     counts_size(check) ? "cross-entropy less size" : "cross-entropy");
}

/// `behind` is drawn before the axes.
std::string chart(const RankCheckSummary& check, std::string_view behind = "") {
  svg::Range scores, accuracies;
  for (const RankCheckNetwork& network : check.networks) {
    scores.include(network.score);
    accuracies.include(network.alone_top1);
  }
  const svg::Range predicted{line_of(check).at(scores.high), line_of(check).at(scores.low)};
  if (predicts(check)) {
    accuracies.include(predicted.low);
    accuracies.include(predicted.high);
  }
  constexpr double kMargin = 0.08;
  svg::Plot plot(
      kLayout, {.title = "trained alone, top-1 (%, measured)", .range = accuracies.padded(kMargin)},
      {.title = axis_title(check), .range = scores.padded(kMargin)},
      "Score with shared weights over accuracy trained alone");
  if (predicts(check)) {
    plot.add(svg::line("diagonal", plot.x(predicted.low), plot.y(scores.high),
                       plot.x(predicted.high), plot.y(scores.low)));
  }
  for (const RankCheckNetwork& network : check.networks) {
    plot.add(svg::circle(
        "front", plot.x(network.alone_top1), plot.y(network.score), 4.5,
        fmt::format("{}\nshared weights {:.4f} nats\n{} parameters\nalone {:.2f} %",
                    network.genotype, network.few_shot_loss.value_or(network.supernet_loss),
                    network.parameters, network.alone_top1)));
  }
  return std::move(plot).finish(behind);
}

std::string table(const RankCheckSummary& check) {
  constexpr std::size_t kMostRows = 12;
  std::string rows;
  for (std::size_t i = 0; i < std::min(check.networks.size(), kMostRows); ++i) {
    const RankCheckNetwork& network = check.networks[i];
    const std::string split =
        network.few_shot_loss ? fmt::format("<td>{:.4f}</td>", *network.few_shot_loss) : "";
    rows += fmt::format(
        "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{:.4f}</td>{}<td>{:.2f}</td>"
        "</tr>",
        escape(network.genotype), network.parameters, network.supernet_loss, split,
        network.alone_top1);
  }
  return fmt::format(
      "<div class=\"scroll\"><table class=\"numbers\"><thead><tr><th scope=\"col\">genotype</th>"
      "<th scope=\"col\">parameters</th><th scope=\"col\">loss</th>{}<th "
      "scope=\"col\">alone (%)</th></tr></thead>"
      "<tbody>{}</tbody></table>{}</div>",
      check.few_shot ? "<th scope=\"col\">split</th>" : "", rows,
      check.networks.size() > kMostRows ? "<p class=\"note\">report.json has all.</p>" : "");
}

}  // namespace

std::string describe_rank_check(const RankCheckSummary& check) {
  std::string text =
      fmt::format("Kendall's tau {:.2f}, 95 % interval {:.2f} to {:.2f}, over {}{}", check.tau,
                  check.low, check.high, counted(check.networks.size(), "network"),
                  check.size_weight > 0 ? ", whose size counts in their scores" : "");
  if (check.used) return text;
  text += fmt::format("; below {:g}, so the supernet's scores were not used", check.least_tau);
  if (!check.few_shot) return text;
  const FewShotSummary& split = *check.few_shot;
  return text + fmt::format(
                    "; split by {} (cosine of gradients {:.2f}): tau {:.2f}, 95 % interval {:.2f} "
                    "to {:.2f}, {}",
                    split.decision, split.similarity, split.tau, split.low, split.high,
                    split.used ? "and those scores were used" : "so those were not used either");
}

std::string render_rank_check_svg(const RankCheckSummary& check) {
  return chart(check, own_style(kLayout));
}

std::string rank_check_section(const RunSummary& run) {
  if (!run.rank_check) return "";
  return section(
      "supernet", "How well the supernet ranks",
      fmt::format(
          "{}. Each point is a network of the space, scored with the weights that all share "
          "and then trained alone{}.",
          escape(describe_rank_check(*run.rank_check)),
          predicts(*run.rank_check) ? "; the line predicts the accuracies of candidates" : ""),
      fmt::format(
          "<div class=\"pair top\">{}<div><h3>Networks, the smallest first</h3>{}</div></div>",
          figure("<strong>Rank check</strong>", chart(*run.rank_check)), table(*run.rank_check)));
}

}  // namespace hwnas::report
