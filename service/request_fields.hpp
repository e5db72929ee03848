#pragma once

#include <string>

namespace hwnas::service {

// Fields that requests of several services have. All throw InvalidField for `field`.

/// An id of the client's choice: [a-z0-9][a-z0-9._-]{0,62}.
void require_id(const std::string& field, const std::string& id);
/// UTF-8 of at most 63 bytes, without control characters.
void require_display_name(const std::string& field, const std::string& text);
/// -100 to 100.
void require_priority(const std::string& field, int priority);

}  // namespace hwnas::service
