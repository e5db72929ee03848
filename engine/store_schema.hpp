#pragma once

#include <filesystem>
#include <string_view>

#include "engine/database.hpp"

namespace hwnas::engine {

// Shared by the writing and the reading half of the store; the tables are described in store.hpp.

inline constexpr const char* kStoreFile = "run.db";
inline constexpr int kSchemaVersion = 7;
inline constexpr std::string_view kSearchPhase = "search";
inline constexpr std::string_view kFinalistPhase = "finalist";

extern const char* const kSchema;

/// Throws NotFound.
void require_store_file(const std::filesystem::path& folder);
/// Throws FailedPrecondition if another version of hwnas wrote it.
void require_schema(Database& database, const std::filesystem::path& folder);

}  // namespace hwnas::engine
