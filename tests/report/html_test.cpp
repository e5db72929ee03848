#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <nlohmann/json.hpp>

#include "report/report.hpp"
#include "report/text.hpp"
#include "tests/report/page_reader.hpp"
#include "tests/report/sample_run.hpp"

namespace hwnas::report {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct PageCase {
  std::string name;
  RunSummary (*make)();
};

std::ostream& operator<<(std::ostream& out, const PageCase& page) {
  return out << page.name;
}

RunSummary one_trial() {
  return sample::make_run(1);
}
RunSummary one_shot() {
  RunSummary run = sample::finished_run();
  run.rank_check = RankCheckSummary{.networks = {{"0-1<b>", 0.8, 85, {}, 1000, 0.8},
                                                 {"1-1", 0.7, 86, {}, 1500, 0.7},
                                                 {"1-2", 0.5, 90, {}, 2000, 0.5}},
                                    .tau = 1,
                                    .low = 0.4,
                                    .high = 1,
                                    .least_tau = 0.5,
                                    .line = {-20, 101},
                                    .used = true};
  run.differentiable = DifferentiableSummary{
      .skipped = "",
      .steps = 200,
      .genotype = "0-1",
      .description = "width=0.5 <b>=1",
      .loss = 0.5,
      .cross_entropy = 0.412,
      .val_top1 = 86.25,
      .cost_metric = "latency_ms",
      .cost = 3.14,
      .expected_cost = 3.31,
      .feasible_share = 0.93,
      .entropy = 0.7,
      .uniform_entropy = 1.4,
      .decisions = {{"width", {"0.5", "1"}, {0.9, 0.1}}, {"<b>", {"0", "1"}, {0.25, 0.75}}}};
  return run;
}
RunSummary without_objectives() {
  RunSummary run = sample::finished_run();
  run.objectives.clear();
  run.limits.clear();
  return run;
}
RunSummary nameless() {
  return {};
}
RunSummary not_numbers() {
  RunSummary run = sample::finished_run();
  for (TrialSummary& trial : run.trials) {
    for (MetricValue& metric : trial.metrics) metric.value = std::nan("");
    for (CurvePoint& point : trial.curve) point.validation_top1 = INFINITY;
    trial.end_seconds = std::nan("");
  }
  return run;
}

class EveryPage : public ::testing::TestWithParam<PageCase> {
 protected:
  const std::string page_ = render_html(GetParam().make());
  const PageReading reading_ = read_page(page_);
};

TEST_P(EveryPage, IsWellFormed) {
  EXPECT_EQ(reading_.fault, "");
}

TEST_P(EveryPage, LoadsNothing) {
  for (const std::string& tag : reading_.tags) {
    EXPECT_THAT(without_values(tag), Not(HasSubstr(" src=")));
    EXPECT_THAT(tag, Not(HasSubstr("url(")));
    EXPECT_FALSE(tag.starts_with("link ")) << tag;
    if (const std::string target = between(tag, "href=\"", "\""); !target.empty()) {
      EXPECT_EQ(target.front(), '#') << tag;
    }
  }
  const std::string style = between(page_, "<style>", "</style>");
  EXPECT_THAT(style, Not(HasSubstr("url(")));
  EXPECT_THAT(style, Not(HasSubstr("@import")));
}

TEST_P(EveryPage, RunsOnlyTheStyleAndScriptThatItsPolicyNames) {
  const std::string policy = between(page_, "Content-Security-Policy\" content=\"", "\"");
  EXPECT_THAT(policy, HasSubstr("default-src 'none'"));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  const std::string script = between(page_, "<script>", "</script>");
  ASSERT_FALSE(script.empty());
  EXPECT_THAT(policy, HasSubstr("script-src " + csp_hash(script)));
  EXPECT_THAT(policy, HasSubstr("style-src " + csp_hash(between(page_, "<style>", "</style>"))));
  for (const std::string& tag : reading_.tags) {
    EXPECT_THAT(without_values(tag), Not(HasSubstr(" style=")));
    EXPECT_THAT(without_values(tag), Not(HasSubstr(" on")));
  }
}

TEST_P(EveryPage, NeverWritesANumberThatIsNone) {
  for (const std::string& tag : reading_.tags) {
    for (const char* attribute :
         {" d=\"", " x=\"", " y=\"", " cx=\"", " width=\"", " viewBox=\""}) {
      const std::string value = between(tag, attribute, "\"");
      EXPECT_THAT(value, Not(HasSubstr("nan"))) << tag;
      EXPECT_THAT(value, Not(HasSubstr("inf"))) << tag;
    }
  }
}

TEST_P(EveryPage, CarriesItsTrialsAsJson) {
  const std::string text =
      between(page_, "<script type=\"application/json\" id=\"data\">", "</script>");
  const nlohmann::json data = nlohmann::json::parse(text);
  EXPECT_EQ(data.at("id").size(), GetParam().make().trials.size());
  for (const auto& metric : data.at("metrics")) {
    EXPECT_EQ(metric.at("values").size(), data.at("id").size());
  }
}

INSTANTIATE_TEST_SUITE_P(Runs, EveryPage,
                         ::testing::Values(PageCase{"finished", sample::finished_run},
                                           PageCase{"running", sample::running_run},
                                           PageCase{"empty", sample::empty_run},
                                           PageCase{"one_trial", one_trial},
                                           PageCase{"all_infeasible", sample::all_infeasible_run},
                                           PageCase{"hostile", sample::hostile_run},
                                           PageCase{"nameless", nameless},
                                           PageCase{"one_shot", one_shot},
                                           PageCase{"without_objectives", without_objectives},
                                           PageCase{"not_numbers", not_numbers}),
                         [](const auto& test) { return test.param.name; });

TEST(Html, EscapesEveryStringOfTheRun) {
  const std::string page = render_html(sample::hostile_run());
  EXPECT_THAT(page, Not(HasSubstr("<script>alert")));
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("\x01")));
  // One element with data, one with the page's own code.
  std::size_t scripts = 0;
  for (const std::string& tag : read_page(page).tags) scripts += tag.starts_with("script");
  EXPECT_EQ(scripts, 2U);
}

TEST(Html, EscapesInvalidUtf8InItsData) {
  RunSummary run = sample::make_run(2);
  run.trials[0].description = "\xC3\x28";
  EXPECT_NO_THROW(render_html(run));
}

TEST(Html, ShowsTheChosenNetworkWithTheOriginOfEachNumber) {
  RunSummary run = sample::finished_run();
  const PageReading reading = read_page(render_html(run));
  EXPECT_THAT(reading.text, HasSubstr(fmt::format("trial {}", run.finalists[0].trial)));
  EXPECT_THAT(reading.text, HasSubstr(fmt::format("{:.2f}", *run.finalists[0].test_top1)));
  for (const std::string tile : {"test top-1", "latency", "peak SRAM", "flash", "MACs"}) {
    const std::string page = render_html(run);
    const std::string content = between(page, tile + "</h3>", "</div>");
    EXPECT_THAT(content, HasSubstr("class=\"origin ")) << tile;
  }
}

TEST(Html, ShowsAPredictionAsOneUntilItIsMeasured) {
  RunSummary run = sample::finished_run();
  std::erase_if(run.finalists[0].metrics, [](const MetricValue& metric) {
    return metric.name == "latency_ms" && metric.origin == estimators::Origin::kMeasured;
  });
  const std::string tile = between(render_html(run), "latency</h3>", "</div>");
  EXPECT_THAT(tile, HasSubstr("origin predicted"));
  EXPECT_THAT(tile, HasSubstr("90 % interval"));
  EXPECT_THAT(tile, Not(HasSubstr("origin measured")));
}

TEST(Html, SaysHowFarASupernetsScoresCanBeTrusted) {
  RunSummary run = one_shot();
  EXPECT_THAT(read_page(render_html(run)).text,
              HasSubstr("tau 1.00, 95 % interval 0.40 to 1.00, over 3 networks"));
  run.rank_check->size_weight = 0.01;
  EXPECT_THAT(read_page(render_html(run)).text,
              HasSubstr("over 3 networks, whose size counts in their scores"));
  run.rank_check->used = false;
  EXPECT_THAT(read_page(render_html(run)).text, HasSubstr("scores were not used"));
}

TEST(Html, SaysWhichOfTwoSupernetsScoresWereUsed) {
  RunSummary run = one_shot();
  run.rank_check->used = false;
  for (RankCheckNetwork& network : run.rank_check->networks) network.few_shot_loss = 0.7125;
  run.rank_check->few_shot = FewShotSummary{.decision = "stage1.<kernel>",
                                            .similarity = 0.25,
                                            .tau = 0.75,
                                            .low = 0.5,
                                            .high = 0.9,
                                            .used = true};
  std::string text = read_page(render_html(run)).text;
  EXPECT_THAT(text, HasSubstr("scores were not used; split by "
                              "stage1.&lt;kernel&gt; (cosine of gradients 0.25): tau 0.75, "
                              "95 % interval 0.50 to 0.90, and those scores were used"));
  EXPECT_THAT(text, HasSubstr("0.7125"));
  run.rank_check->few_shot->used = false;
  text = read_page(render_html(run)).text;
  EXPECT_THAT(text, HasSubstr("so those were not used either"));
}

TEST(Html, ShowsWhereTheSearchStarted) {
  RunSummary run = one_shot();
  const std::string text = read_page(render_html(run)).text;
  EXPECT_THAT(text, HasSubstr("yields 0-1, top-1 86.25 % with shared weights"));
  EXPECT_THAT(text, HasSubstr("latency 3.14 ms (predicted); of what it draws 93 % keep the limits, "
                              "on average latency 3.31 ms (predicted); entropy 0.7 of 1.4 nats"));
  EXPECT_THAT(render_html(run), HasSubstr("width 0.5: 90.0 %"));
  run.differentiable->genotype = "";
  EXPECT_THAT(read_page(render_html(run)).text, HasSubstr("started without it"));
  run.differentiable = DifferentiableSummary{.skipped = "tau <b> is low"};
  EXPECT_THAT(read_page(render_html(run)).text, HasSubstr("skipped, since tau &lt;b&gt; is low."));
}

TEST(Html, SaysSoWhenALimitIsExceeded) {
  RunSummary run = sample::finished_run();
  run.limits[1].bound = 1000;
  EXPECT_THAT(render_html(run), HasSubstr("over the limit of flash"));
  EXPECT_THAT(render_html(sample::finished_run()), Not(HasSubstr("over the limit")));
}

TEST(Html, SaysSoWhenEveryCandidateIsInfeasible) {
  EXPECT_THAT(render_html(sample::all_infeasible_run()),
              HasSubstr("Every candidate broke a limit"));
}

TEST(Html, IsTheSameForTheSameRun) {
  EXPECT_EQ(render_html(sample::finished_run()), render_html(sample::finished_run()));
}

TEST(Html, HoldsFiveThousandTrialsInTwoMegabytesAndASecond) {
  const RunSummary run = sample::make_run(5000);
  const auto start = std::chrono::steady_clock::now();
  const std::string page = render_html(run);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  EXPECT_LE(page.size(), 2'000'000U);
  EXPECT_LT(took.count(), 1.0);
}

TEST(FrontSvg, StandsAlone) {
  const std::string svg = render_front_svg(sample::finished_run());
  EXPECT_EQ(read_page(svg).fault, "");
  EXPECT_THAT(svg, HasSubstr("xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_THAT(svg, HasSubstr("<style>"));
  EXPECT_THAT(svg, HasSubstr("prefers-color-scheme: dark"));
  EXPECT_LT(svg.find("class=\"paper\""), svg.find("class=\"grid\""));
  EXPECT_THAT(render_front_svg(sample::empty_run()), HasSubstr("No trial has finished yet"));
}

TEST(RankCheckSvg, HasEveryNetworkAndStandsAlone) {
  const std::string svg = render_rank_check_svg(*one_shot().rank_check);
  EXPECT_EQ(read_page(svg).fault, "");
  EXPECT_THAT(svg, HasSubstr("xmlns=\"http://www.w3.org/2000/svg\""));
  EXPECT_LT(svg.find("class=\"paper\""), svg.find("class=\"grid\""));
  for (const char* const network : {"0-1&lt;b&gt;", "1-1", "1-2"}) {
    EXPECT_THAT(svg, HasSubstr(network));
  }
  EXPECT_THAT(svg, HasSubstr("class=\"diagonal\""));
}

TEST(RankCheckSvg, HasNoLineOfPredictionsThatNothingMakes) {
  RankCheckSummary check = *one_shot().rank_check;
  check.used = false;
  EXPECT_THAT(render_rank_check_svg(check), Not(HasSubstr("class=\"diagonal\"")));
  check.few_shot = FewShotSummary{.decision = "width", .line = {-20, 101}, .used = true};
  EXPECT_THAT(render_rank_check_svg(check), HasSubstr("class=\"diagonal\""));
}

}  // namespace
}  // namespace hwnas::report
