#include "tests/service/browser.hpp"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <vector>

extern char** environ;

namespace hwnas::service {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

constexpr const char* kProgram = "/usr/bin/chromium";
constexpr int kAnswerMs = 60'000;
constexpr char kEnd = '\0';  // of a message

std::array<int, 2> make_pipe() {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw std::runtime_error("no pipe");
  return ends;
}

std::string from_base64(const std::string& text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string bytes;
  unsigned bits = 0;
  int count = 0;
  for (const char c : text) {
    if (c == '=') break;
    bits = (bits << 6) | static_cast<unsigned>(kDigits.find(c));
    count += 6;
    if (count < 8) continue;
    count -= 8;
    bytes.push_back(static_cast<char>(bits >> count));
  }
  return bytes;
}

}  // namespace

bool Browser::is_there() {
  return ::access(kProgram, X_OK) == 0;
}

Browser::Browser() {
  const auto commands = make_pipe(), answers = make_pipe();
  std::vector<std::string> arguments{kProgram,
                                     "--headless",
                                     "--no-sandbox",  // tests may run as root, in a container
                                     "--disable-gpu",
                                     "--disable-dev-shm-usage",
                                     "--no-first-run",
                                     "--remote-debugging-pipe",
                                     "--user-data-dir=" + profile_.path().string()};
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
  // Out of the way of 3 and 4 first, which either may be.
  posix_spawn_file_actions_adddup2(&actions, commands[0], 100);
  posix_spawn_file_actions_adddup2(&actions, answers[1], 101);
  posix_spawn_file_actions_adddup2(&actions, 100, 3);
  posix_spawn_file_actions_adddup2(&actions, 101, 4);
  const int failed = posix_spawn(&pid_, kProgram, &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(commands[0]);
  ::close(answers[1]);
  to_ = commands[1];
  from_ = answers[0];
  if (failed != 0) throw std::runtime_error("cannot start " + std::string(kProgram));
  const json target = call("Target.createTarget", {{"url", "about:blank"}});
  session_ = call("Target.attachToTarget", {{"targetId", target.at("targetId")}, {"flatten", true}})
                 .at("sessionId");
}

Browser::~Browser() {
  ::close(to_);
  ::close(from_);
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
}

void Browser::open(const std::string& url) {
  call("Page.navigate", {{"url", url}});
  wait_until("document.readyState === 'complete' && location.href !== 'about:blank'");
}

json Browser::evaluate(const std::string& expression) {
  const json answer =
      call("Runtime.evaluate",
           {{"expression", expression}, {"returnByValue", true}, {"awaitPromise", true}});
  if (answer.contains("exceptionDetails")) {
    throw std::runtime_error(expression + ": " + answer.at("exceptionDetails").dump());
  }
  return answer.at("result").value("value", json());
}

void Browser::wait_until(const std::string& expression) {
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (evaluate("Boolean(" + expression + ")") != true) {
    if (std::chrono::steady_clock::now() > deadline) {
      throw std::runtime_error("never true: " + expression);
    }
    std::this_thread::sleep_for(20ms);
  }
}

std::string Browser::picture(int width, int height) {
  call("Emulation.setDeviceMetricsOverride",
       {{"width", width}, {"height", height}, {"deviceScaleFactor", 1}, {"mobile", false}});
  return from_base64(call("Page.captureScreenshot", json::object()).at("data"));
}

json Browser::call(const std::string& method, const json& parameters) {
  json message{{"id", ++last_id_}, {"method", method}, {"params", parameters}};
  if (!session_.empty()) message["sessionId"] = session_;
  const std::string text = message.dump() + kEnd;
  if (::write(to_, text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    throw std::runtime_error("the browser has gone");
  }
  while (true) {
    const json answer = receive();
    if (answer.value("id", 0) != last_id_) continue;  // an event
    if (answer.contains("error")) throw std::runtime_error(method + ": " + answer.dump());
    return answer.at("result");
  }
}

json Browser::receive() {
  std::array<char, 1 << 16> buffer{};
  std::size_t end = received_.find(kEnd);
  while (end == std::string::npos) {
    pollfd waiting{from_, POLLIN, 0};
    if (::poll(&waiting, 1, kAnswerMs) <= 0) throw std::runtime_error("the browser hangs");
    const ssize_t count = ::read(from_, buffer.data(), buffer.size());
    if (count <= 0) throw std::runtime_error("the browser has gone");
    received_.append(buffer.data(), static_cast<std::size_t>(count));
    end = received_.find(kEnd);
  }
  json message = json::parse(received_.substr(0, end));
  received_.erase(0, end + 1);
  return message;
}

}  // namespace hwnas::service
