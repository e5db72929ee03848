#pragma once

#include <string>

#include "core/error.hpp"

namespace hwnas {

/// The message of the Error that `action` throws, or "no error".
template <typename Action>
std::string message_of(Action action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace hwnas
