#include <fmt/format.h>

#include <algorithm>

#include "report/report.hpp"
#include "report/sections.hpp"
#include "report/svg.hpp"
#include "report/text.hpp"

namespace hwnas::report {

namespace {

constexpr svg::Layout kLayout{.width = 480, .height = 340};

/// With the weights that were shared last.
double score_of(const RankCheckNetwork& network) {
  return network.few_shot_top1.value_or(network.supernet_top1);
}

/// `behind` is drawn before the axes.
std::string chart(const RankCheckSummary& check, std::string_view behind = "") {
  svg::Range scores, accuracies;
  for (const RankCheckNetwork& network : check.networks) {
    scores.include(score_of(network));
    accuracies.include(network.alone_top1);
  }
  constexpr double kMargin = 0.08;
  svg::Plot plot(
      kLayout, {.title = "trained alone, top-1 (%, measured)", .range = accuracies.padded(kMargin)},
      {.title = check.few_shot ? "with the split supernet's weights, top-1 (%)"
                               : "with shared weights, top-1 (%)",
       .range = scores.padded(kMargin)},
      "Accuracy with shared weights over accuracy trained alone");
  for (const RankCheckNetwork& network : check.networks) {
    plot.add(svg::circle("front", plot.x(network.alone_top1), plot.y(score_of(network)), 4.5,
                         fmt::format("{}\nshared weights {:.2f} %\nalone {:.2f} %",
                                     network.genotype, score_of(network), network.alone_top1)));
  }
  return std::move(plot).finish(behind);
}

std::string table(const RankCheckSummary& check) {
  constexpr std::size_t kMostRows = 12;
  std::string rows;
  for (std::size_t i = 0; i < std::min(check.networks.size(), kMostRows); ++i) {
    const RankCheckNetwork& network = check.networks[i];
    const std::string split =
        network.few_shot_top1 ? fmt::format("<td>{:.2f} %</td>", *network.few_shot_top1) : "";
    rows += fmt::format(
        "<tr><th scope=\"row\"><code>{}</code></th><td>{:.2f} %</td>{}<td>{:.2f} %</td></tr>",
        escape(network.genotype), network.supernet_top1, split, network.alone_top1);
  }
  return fmt::format(
      "<div class=\"scroll\"><table class=\"numbers\"><thead><tr><th scope=\"col\">genotype</th>"
      "<th scope=\"col\">shared weights</th>{}<th scope=\"col\">alone</th></tr></thead>"
      "<tbody>{}</tbody></table>{}</div>",
      check.few_shot ? "<th scope=\"col\">split</th>" : "", rows,
      check.networks.size() > kMostRows ? "<p class=\"note\">report.json has all.</p>" : "");
}

}  // namespace

std::string describe_rank_check(const RankCheckSummary& check) {
  std::string text =
      fmt::format("Kendall's tau {:.2f}, 95 % interval {:.2f} to {:.2f}, over {}", check.tau,
                  check.low, check.high, counted(check.networks.size(), "network"));
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
          "and then trained alone.",
          escape(describe_rank_check(*run.rank_check))),
      fmt::format(
          "<div class=\"pair top\">{}<div><h3>Networks, the smallest first</h3>{}</div></div>",
          figure("<strong>Rank check</strong>", chart(*run.rank_check)), table(*run.rank_check)));
}

}  // namespace hwnas::report
