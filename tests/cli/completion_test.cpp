#include "cli/completion.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>

#include "cli/command.hpp"
#include "process.hpp"

namespace hwnas::cli {
namespace {

using testing::IsEmpty;
using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

/// A small command line with one of everything that completions distinguish.
class SmallApp {
 public:
  SmallApp() {
    app.name("tool");
    app.description("A tool.");
    CLI::App* paint = app.add_subcommand("paint", "Paint a file: quickly");
    paint->add_option("FILE", text_, "What to paint")->type_name("FILE")->required();
    paint->add_option("-c,--colour", text_, "Its [new] colour")
        ->check(CLI::IsMember({"red", "blue"}));
    paint->add_option("--set", list_, "It's a setting")
        ->type_name("KEY=VALUE")
        ->allow_extra_args(false);
    paint->add_flag("--json", flag_, "As JSON");
    CLI::App* show = app.add_subcommand("show", "Show things");
    show->add_subcommand("folder", "Show a folder")
        ->add_option("DIR", text_, "Which")
        ->type_name("DIR");
  }
  CLI::App app;

 private:
  std::string text_;
  std::vector<std::string> list_;
  bool flag_ = false;
};

std::string golden(const std::string& name) {
  std::ifstream file(std::string(HWNAS_SOURCE_DIR "/tests/cli/golden/") + name);
  EXPECT_TRUE(file) << name;
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

TEST(Completion, ForBashIsAsReviewed) {
  EXPECT_EQ(bash_completion(SmallApp().app), golden("completion.bash"));
}

TEST(Completion, ForZshIsAsReviewed) {
  EXPECT_EQ(zsh_completion(SmallApp().app), golden("completion.zsh"));
}

/// What bash offers for the last of `words`.
std::vector<std::string> bash_offers(const CLI::App& app, const std::string& words) {
  const std::string script = temporary_file(
      "completion.bash", bash_completion(app) + "COMP_WORDS=(" + words + ")\n" +
                             "COMP_CWORD=$((${#COMP_WORDS[@]} - 1))\n" + "_" + app.get_name() +
                             "\n" + "printf '%s\\n' \"${COMPREPLY[@]}\"\n");
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(
      popen(("cd " HWNAS_SOURCE_DIR " && bash " + script).c_str(), "r"), pclose);
  std::vector<std::string> offers;
  std::array<char, 256> line{};
  while (std::fgets(line.data(), line.size(), pipe.get()) != nullptr) {
    const std::string offer = line.data();
    if (offer != "\n") offers.push_back(offer.substr(0, offer.size() - 1));
  }
  return offers;
}

TEST(BashCompletion, OffersCommandsAndOptions) {
  const SmallApp small;
  EXPECT_THAT(bash_offers(small.app, "tool ''"), UnorderedElementsAre("paint", "show"));
  EXPECT_THAT(bash_offers(small.app, "tool show f"), UnorderedElementsAre("folder"));
  EXPECT_THAT(bash_offers(small.app, "tool -"), UnorderedElementsAre("-h", "--help"));
  EXPECT_THAT(bash_offers(small.app, "tool paint --j"), UnorderedElementsAre("--json"));
}

TEST(BashCompletion, OffersTheValuesOfAnOption) {
  const SmallApp small;
  EXPECT_THAT(bash_offers(small.app, "tool paint --colour ''"),
              UnorderedElementsAre("red", "blue"));
  EXPECT_THAT(bash_offers(small.app, "tool paint -c r"), UnorderedElementsAre("red"));
  EXPECT_THAT(bash_offers(small.app, "tool paint --set ''"), IsEmpty());
}

TEST(BashCompletion, OffersFilesAndFolders) {
  const SmallApp small;
  EXPECT_THAT(bash_offers(small.app, "tool paint CMakeL"), UnorderedElementsAre("CMakeLists.txt"));
  EXPECT_THAT(bash_offers(small.app, "tool show folder cm"), UnorderedElementsAre("cmake"));
}

TEST(BashCompletion, KnowsEveryCommandOfHwnas) {
  CLI::App app;
  Invocation invocation;
  build_app(app, invocation);
  EXPECT_THAT(bash_offers(app, "hwnas ''"),
              IsSupersetOf({"run", "resume", "validate", "report", "export", "predict", "space",
                            "list", "submit", "jobs", "watch", "cancel", "front", "download",
                            "delete", "doctor", "completion"}));
  EXPECT_THAT(bash_offers(app, "hwnas submit --dow"), UnorderedElementsAre("--download"));
  EXPECT_THAT(bash_offers(app, "hwnas list dev"), UnorderedElementsAre("devices"));
  EXPECT_THAT(bash_offers(app, "hwnas space d"), UnorderedElementsAre("describe", "decode"));
}

}  // namespace
}  // namespace hwnas::cli
