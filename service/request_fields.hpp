#pragma once

#include <google/protobuf/message.h>

#include <cstddef>
#include <string>

#include "service/requests.hpp"

namespace hwnas::service {

// Fields that requests of several services have. All throw InvalidField.

/// An id of the client's choice: [a-z0-9][a-z0-9._-]{0,62}.
void require_id(const std::string& field, const std::string& id);
/// UTF-8 of at most 63 bytes, without control characters.
void require_display_name(const std::string& field, const std::string& text);
/// -100 to 100.
void require_priority(const std::string& field, int priority);
/// `id`: request_id. The fingerprint is of the method and of all fields but request_id.
RequestKey request_key(const google::protobuf::Message& request, const std::string& id);
/// 50 for 0, at most 1000.
std::size_t checked_page_size(int page_size);

}  // namespace hwnas::service
