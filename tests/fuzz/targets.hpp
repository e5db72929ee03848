#pragma once

#include <functional>
#include <span>
#include <string_view>

namespace hwnas::fuzz {

/// What reads bytes of strangers. It returns for every input, whatever it holds; a crash, a report
/// of a sanitizer and an exception are findings. What is refused as it should be is none.
struct Target {
  std::string_view name;  ///< its corpus is tests/fuzz/corpus/<name>/
  void (*run)(std::string_view input);
};

/// One row a target.
std::span<const Target> targets();
/// Throws std::invalid_argument if there is none of this name.
const Target& find_target(std::string_view name);

void run_config(std::string_view input);         ///< a YAML text
void run_submission(std::string_view input);     ///< an experiment that a client sends
void run_requests(std::string_view input);       ///< number of a message and its bytes
void run_page_token(std::string_view input);     ///< a token
void run_filter(std::string_view input);         ///< a filter
void run_event(std::string_view input);          ///< number of a kind and its stored payload
void run_resource_name(std::string_view input);  ///< a name
void run_network(std::string_view input);        ///< JSON of a network

/// For properties that hold whatever the input is: throws std::logic_error.
void require(bool holds, const char* property);

/// Runs what may refuse its input as a fault of the client, and not as any other.
void refuse_or(const std::function<void()>& read);

}  // namespace hwnas::fuzz
