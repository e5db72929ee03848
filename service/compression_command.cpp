#include "service/compression_command.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/error.hpp"
#include "core/file.hpp"
#include "core/text.hpp"
#include "engine/store.hpp"
#include "service/compression_order.hpp"
#include "service/dataset_store.hpp"
#include "service/supervisor.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;

/// The upload in the job's own folder, under a name with its extension: there it outlasts its
/// deletion.
fs::path own_model(const CompressionOrder& order, const fs::path& data_folder,
                   const fs::path& folder) {
  const fs::path model = folder / order.file_name;
  if (fs::exists(model)) return model;  // of an earlier attempt
  const fs::path upload = upload_path(data_folder, order.upload);
  if (::link(upload.c_str(), model.c_str()) != 0) {
    throw error(errno == ENOENT ? ErrorCode::kNotFound : ErrorCode::kUnavailable, "{}: {}",
                order.upload_name, errno == ENOENT ? "deleted" : std::strerror(errno));
  }
  return model;
}

fs::path subject_of(const CompressionOrder& order, const fs::path& data_folder,
                    const fs::path& folder) {
  if (order.upload != 0) return own_model(order, data_folder, folder);
  const fs::path run = run_folder(data_folder, order.search_uid);
  if (!engine::holds_run(run)) {
    throw error(ErrorCode::kNotFound, "{}: deleted", order.search_job);
  }
  return run;
}

fs::path data_file(const CompressionOrder& order, const TenantDatasets& datasets,
                   const fs::path& folder) {
  const auto data = datasets.find(order.dataset);
  if (!data) {
    throw error(ErrorCode::kNotFound, "no data set {} any more", in_quotes(order.dataset));
  }
  const fs::path file = folder / "data.yaml";
  write_file_atomically(file, data->to_yaml());
  return file;
}

}  // namespace

std::vector<std::string> compression_command(const JobRecord& job, const fs::path& data_folder,
                                             const TenantDatasets& datasets, int workers) {
  const CompressionOrder order = CompressionOrder::parse(job.specification);
  const fs::path folder = job_folder(data_folder, job.uid);
  const fs::path run = run_folder(data_folder, job.uid);
  fs::create_directories(folder);
  fs::remove_all(run);
  std::vector<std::string> command{"compress", subject_of(order, data_folder, folder).string(),
                                   "--to", run.string(), "--json"};
  if (order.upload != 0) {
    command.insert(command.end(), {"--data", data_file(order, datasets, folder).string()});
  }
  if (!order.device_profile.empty()) {
    const fs::path device = folder / "device.yaml";
    write_file_atomically(device, order.device_profile);
    command.insert(command.end(), {"--device", device.string()});
  } else if (!order.device.empty()) {
    command.insert(command.end(), {"--device", order.device});
  }
  if (!order.runtime.empty()) command.push_back("--runtime=" + order.runtime);
  // With "=": what a client has sent must not become an option.
  for (const std::string& pass : order.passes) command.push_back("--pass=" + pass);
  for (const std::string& format : order.formats) command.push_back("--format=" + format);
  for (const auto& [metric, bound] : order.limits) {
    command.push_back(fmt::format("--limit={}={}", metric, bound));
  }
  command.push_back(fmt::format("--workers={}", workers));
  return command;
}

}  // namespace hwnas::service
