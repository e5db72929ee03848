#pragma once

#include <sys/types.h>

#include <nlohmann/json.hpp>
#include <string>

#include "tests/core/temporary_folder.hpp"

namespace hwnas::service {

/// Chromium without a window, steered over a pair of pipes by its DevTools protocol. Every method
/// throws std::runtime_error for what goes wrong.
class Browser {
 public:
  static bool is_there();

  Browser();
  ~Browser();
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  /// Another page, in the same tab.
  void open(const std::string& url);
  /// What an expression of JavaScript gives in the page; a promise is waited for.
  nlohmann::json evaluate(const std::string& expression);
  /// Waits until an expression is true, for a minute at most.
  void wait_until(const std::string& expression);
  /// PNG of the page as it is.
  std::string picture(int width, int height);

 private:
  nlohmann::json call(const std::string& method, const nlohmann::json& parameters);
  nlohmann::json receive();

  const TemporaryFolder profile_;
  pid_t pid_ = -1;
  int to_ = -1;
  int from_ = -1;
  int last_id_ = 0;
  std::string received_;
  std::string session_;
};

}  // namespace hwnas::service
