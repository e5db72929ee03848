#include "core/scratch_folder.hpp"

#include <cstdlib>

#include "core/error.hpp"

namespace hwnas {

ScratchFolder::ScratchFolder(const std::filesystem::path& parent) {
  const std::filesystem::path place =
      parent.empty() ? std::filesystem::temp_directory_path() : parent;
  std::string pattern = (place / "hwnas_XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr) {
    throw error(ErrorCode::kResourceExhausted, "cannot make a folder like {}", pattern);
  }
  path_ = pattern;
}

ScratchFolder::~ScratchFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace hwnas
