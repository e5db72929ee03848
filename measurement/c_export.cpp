#include "measurement/c_export.hpp"

#include "core/file.hpp"
#include "exporters/c_header.hpp"

namespace hwnas::measurement {

void CExport::write_to(const std::filesystem::path& folder) const {
  write_file_atomically(folder / "model.c", source);
  write_file_atomically(folder / (model + ".h"), header);
}

CExport read_c_export(const Artifact& artifact) {
  constexpr std::uintmax_t kMaxBytes = std::uintmax_t{256} << 20;
  const std::filesystem::path& file = artifact.main_file();
  CExport result{.model = {}, .source = read_file(file, kMaxBytes), .header = {}};
  result.model = exporters::sealed_name(result.source, file.string());
  result.header = read_file(file.parent_path() / (result.model + ".h"), kMaxBytes);
  exporters::unsealed(result.source, result.header, file.string());
  return result;
}

}  // namespace hwnas::measurement
