// The live page in Chromium: what somebody sees who looks at it.
#include <gmock/gmock.h>

#include <fstream>

#include "tests/service/browser.hpp"
#include "tests/service/page_client.hpp"

namespace hwnas::service {
namespace {

using namespace std::chrono_literals;

constexpr const char* kHostile = "<img src=x onerror=window.hacked=1>";
/// How many trials the picture of the front shows.
constexpr const char* kDots =
    "[...document.querySelectorAll('#front path.dots:not(.key)')]"
    ".reduce((sum, path) => sum + path.getAttribute('d').split('h0').length - 1, 0)";
constexpr const char* kCurvePoints =
    "[...document.querySelectorAll('#curves path.series')]"
    ".reduce((sum, path) => sum + path.getAttribute('d').split('L').length, 0)";

class PageInBrowserTest : public testing::Test {
 protected:
  void SetUp() override {
    if (!Browser::is_there()) GTEST_SKIP() << "chromium is not installed (tools/packages.txt)";
    daemon_.emplace(
        data_,
        std::vector<std::string>{"--datasets", sample_.datasets.string(), "--page", "127.0.0.1:0"},
        400ms);
    address_ = page_address(*daemon_);
    ASSERT_FALSE(address_.empty()) << daemon_->errors();
    browser_.emplace();
  }
  v1::SearchJob submit(const std::string& id, const std::string& display_name) const {
    grpc::ClientContext context;
    v1::CreateSearchJobRequest request = create_request(sample_.text, id);
    request.mutable_search_job()->set_display_name(display_name);
    v1::SearchJob job;
    const grpc::Status status = connect(data_)->CreateSearchJob(&context, request, &job);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return job;
  }
  std::string url() const { return "http://" + address_ + "/"; }

  const TemporaryFolder folder_;
  const std::filesystem::path data_ = folder_ / "data";
  const SampleExperiment sample_ = write_sample_experiment(folder_);
  std::optional<DaemonProcess> daemon_;
  std::string address_;
  std::optional<Browser> browser_;
};

TEST_F(PageInBrowserTest, ARunningJobIsSeenGrowing) {
  browser_->open(url() + "#key=" + page_key(data_));
  EXPECT_EQ(browser_->evaluate("location.hash"), "") << "the key is in no bookmark";
  browser_->wait_until("!document.getElementById('no-jobs').hidden");
  submit("waves", "");
  browser_->wait_until(std::string(kDots) + " >= 2");
  browser_->wait_until(std::string(kCurvePoints) + " >= 2");
  const int dots = browser_->evaluate(kDots);
  const int points = browser_->evaluate(kCurvePoints);
  browser_->wait_until(std::string(kDots) + " > " + std::to_string(dots));
  browser_->wait_until(std::string(kCurvePoints) + " > " + std::to_string(points));
  browser_->wait_until("document.querySelector('#front path.front-edge')");
  browser_->wait_until("document.querySelectorAll('#front-table tbody tr').length > 0");
  EXPECT_EQ(browser_->evaluate("document.querySelector('#devices li .id').textContent"),
            "stm32f746");
  EXPECT_EQ(browser_->evaluate("document.getElementById('link').textContent"), "live");
  browser_->wait_until("document.querySelector('#job-name .state').textContent === 'succeeded'");
}

TEST_F(PageInBrowserTest, TextOfTenantsStaysText) {
  submit("waves", kHostile);
  browser_->open(url() + "#key=" + page_key(data_));
  browser_->wait_until("document.getElementById('job-title').textContent !== ''");
  EXPECT_THAT(
      browser_->evaluate("document.getElementById('job-title').textContent").get<std::string>(),
      testing::HasSubstr(kHostile));
  EXPECT_THAT(browser_->evaluate("document.getElementById('jobs').textContent").get<std::string>(),
              testing::HasSubstr(kHostile));
  EXPECT_EQ(browser_->evaluate("document.querySelectorAll('img').length"), 0);
  EXPECT_EQ(browser_->evaluate("typeof window.hacked"), "undefined");
}

TEST_F(PageInBrowserTest, NeitherInlineScriptsNorOtherServersAreLetIn) {
  browser_->open(url());
  EXPECT_EQ(browser_->evaluate("(() => { const script = document.createElement('script');"
                               "script.textContent = 'window.inlined = 1';"
                               "document.body.append(script); return typeof window.inlined; })()"),
            "undefined");
  EXPECT_EQ(browser_->evaluate("fetch('http://127.0.0.1:1/').then(() => 'sent', () => "
                               "performance.getEntriesByName('http://127.0.0.1:1/').length)"),
            0);
}

TEST_F(PageInBrowserTest, WithoutAKeyItAsksForOneAndRefusesAWrongOne) {
  browser_->open(url());
  browser_->wait_until("!document.getElementById('lock').hidden");
  EXPECT_EQ(browser_->evaluate("document.getElementById('content').hidden"), true);
  const auto enter = [&](const std::string& key) {
    browser_->evaluate("document.getElementById('key').value = '" + key +
                       "'; document.querySelector('#lock button').click()");
  };
  enter("wrong");
  browser_->wait_until("document.getElementById('refusal').textContent !== ''");
  enter(page_key(data_));
  browser_->wait_until("!document.getElementById('content').hidden");
}

TEST_F(PageInBrowserTest, ALostDaemonIsSaidSo) {
  browser_->open(url() + "#key=" + page_key(data_));
  browser_->wait_until("document.getElementById('link').textContent === 'live'");
  daemon_.reset();
  browser_->wait_until("document.getElementById('link').textContent.startsWith('no answer')");
}

}  // namespace
}  // namespace hwnas::service
