// Writes the sample runs' reports into a folder, to be looked at: render_sample <folder>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "report/report.hpp"
#include "tests/report/sample_run.hpp"

int main(int argc, char** argv) {
  using namespace hwnas::report;
  const std::filesystem::path folder = argc > 1 ? argv[1] : ".";
  const auto write = [&](const std::string& name, const std::string& text) {
    std::ofstream(folder / name, std::ios::binary) << text;
  };
  write("finished.html", render_html(sample::finished_run()));
  write("running.html", render_html(sample::running_run()));
  write("empty.html", render_html(sample::empty_run()));
  write("one_trial.html", render_html(sample::make_run(1)));
  write("infeasible.html", render_html(sample::all_infeasible_run()));
  write("hostile.html", render_html(sample::hostile_run()));
  write("large.html", render_html(sample::make_run(5000)));
  write("front.svg", render_front_svg(sample::finished_run()));
  write("report.json", render_json(sample::finished_run()).dump(1));
  write("trials.csv", render_csv(sample::finished_run()));
}
