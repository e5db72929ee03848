#include "service/dataset_requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "core/error.hpp"
#include "core/text.hpp"
#include "service/error_status.hpp"
#include "service/filter.hpp"
#include "service/messages.hpp"
#include "service/page_token.hpp"
#include "service/request_fields.hpp"
#include "service/resource_name.hpp"

namespace hwnas::service {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxFileNameBytes = 63;
constexpr std::size_t kMaxReaderBytes = std::size_t{64} << 10;
constexpr int kMaxUploadsOfDataset = 64;
constexpr std::int64_t kMaxUploadBytes = std::int64_t{1} << 40;
constexpr std::size_t kSha256Digits = 64;
constexpr std::size_t kIdDigits = 16;
constexpr const char* kReaderField = "dataset.reader";

bool is_file_name(const std::string& name) {
  return !name.empty() && name.size() <= kMaxFileNameBytes && name.front() != '.' &&
         std::ranges::all_of(name, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '.' || c == '-';
         });
}

bool is_sha256(const std::string& digest) {
  return digest.size() == kSha256Digits && std::ranges::all_of(digest, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

/// Reads and checks a part of the reader; a fault becomes the field's, with its place.
Config checked_reader(const std::function<Config()>& read) {
  try {
    return read();
  } catch (const Error& failure) {
    throw InvalidFields({violation_of(kReaderField, failure.what(), "reader")});
  }
}

void take_uploads(const v1::Dataset& asked, const UploadStore& uploads, const fs::path& data_folder,
                  DatasetDraft& draft) {
  if (asked.uploads_size() > kMaxUploadsOfDataset) {
    throw InvalidField("dataset.uploads", fmt::format("{} are given; {} are the most",
                                                      asked.uploads_size(), kMaxUploadsOfDataset));
  }
  for (const auto& [key, name] : asked.uploads()) {
    const std::string field = fmt::format("dataset.uploads[{}]", one_line(key));
    const OwnedName owned = parse_owned_name(field, name, "uploads");
    if (owned.tenant != draft.dataset.tenant) {
      throw error(ErrorCode::kNotFound, "{}: no such upload", name);
    }
    const UploadRecord upload = uploads.upload(owned.tenant, owned.id);
    if (!upload.complete) {
      throw error(ErrorCode::kFailedPrecondition,
                  "{}: {} of {} bytes have come, and they are not checked yet; write the rest",
                  name, upload.committed_bytes, upload.size_bytes);
    }
    draft.dataset.uploads[key] = upload.number;
    draft.files[key] = upload_path(data_folder, upload.number);
  }
}

}  // namespace

NewUpload new_upload(const v1::CreateUploadRequest& request) {
  const v1::Upload& asked = request.upload();
  if (asked.size_bytes() < 1 || asked.size_bytes() > kMaxUploadBytes) {
    throw InvalidField("upload.size_bytes", fmt::format("{} is not between 1 and {}",
                                                        asked.size_bytes(), kMaxUploadBytes));
  }
  if (!is_sha256(asked.sha256())) {
    throw InvalidField("upload.sha256", "give the file's: 64 lower-case hexadecimal digits");
  }
  if (!is_file_name(asked.file_name())) {
    throw InvalidField("upload.file_name",
                       "give 1 to 63 of A-Z a-z 0-9 _ . -, the first no dot; its extension tells "
                       "the format");
  }
  return {.tenant = parse_tenant("parent", request.parent()),
          .id = random_key().substr(0, kIdDigits),
          .file_name = asked.file_name(),
          .size_bytes = asked.size_bytes(),
          .sha256 = asked.sha256()};
}

DatasetDraft dataset_draft(const v1::CreateDatasetRequest& request, const UploadStore& uploads,
                           const fs::path& data_folder) {
  const v1::Dataset& asked = request.dataset();
  require_id("dataset_id", request.dataset_id());
  require_display_name("dataset.display_name", asked.display_name());
  if (asked.reader().size() > kMaxReaderBytes) {
    throw InvalidField(kReaderField, fmt::format("has {} bytes; {} are the most",
                                                 asked.reader().size(), kMaxReaderBytes));
  }
  DatasetDraft draft;
  draft.dataset = {.tenant = parse_tenant("parent", request.parent()),
                   .id = request.dataset_id(),
                   .display_name = asked.display_name(),
                   .reader = asked.reader(),
                   .uploads = {},
                   .facts = {}};
  const Config reader = checked_reader([&] { return Config::parse(asked.reader(), "reader"); });
  take_uploads(asked, uploads, data_folder, draft);
  draft.data = checked_reader([&] { return with_files(reader, draft.files); });
  return draft;
}

std::string without_files(std::string message, const DatasetDraft& draft) {
  std::vector<std::pair<std::string, std::string>> names;
  for (const auto& [key, file] : draft.files) {
    names.emplace_back(file.string(), fmt::format("uploads[{}]", one_line(key)));
  }
  // The longest first: one may begin with another one.
  std::ranges::sort(names, std::ranges::greater(),
                    [](const auto& name) { return name.first.size(); });
  for (const auto& [file, name] : names) {
    for (std::size_t at = message.find(file); at != std::string::npos;
         at = message.find(file, at + name.size())) {
      message.replace(at, file.size(), name);
    }
  }
  return message;
}

v1::Dataset to_message(const DatasetRecord& dataset) {
  v1::Dataset message;
  message.set_name(dataset.name());
  message.set_display_name(dataset.display_name);
  message.set_reader(dataset.reader);
  message.mutable_uploads()->insert(dataset.uploads.begin(), dataset.uploads.end());
  *message.mutable_create_time() = to_message(dataset.create_time);
  message.set_etag(dataset.etag());
  message.set_size_bytes(dataset.size_bytes);
  const DatasetFacts& facts = dataset.facts;
  for (const int extent : {facts.channels, facts.height, facts.width}) {
    message.add_input_shape(extent);
  }
  message.set_classes(facts.classes);
  message.set_train_samples(facts.train_samples);
  message.set_test_samples(facts.test_samples);
  return message;
}

v1::Dataset registered_dataset(const std::string& tenant, const std::string& id,
                               const Config& data) {
  v1::Dataset message;
  message.set_name(fmt::format("tenants/{}/datasets/{}", tenant, id));
  message.set_reader(fmt::format("name: {}\n", data.at("name").as_string()));
  message.set_registered_by_operator(true);
  return message;
}

std::function<bool(const v1::Dataset&)> dataset_filter(const std::string& filter) {
  static const FilterSchema schema{{{"display_name", FilterType::kString},
                                    {"registered_by_operator", FilterType::kBoolean},
                                    {"create_time", FilterType::kTimestamp}}};
  return [parsed = Filter::parse(filter, schema)](const v1::Dataset& dataset) {
    return parsed.matches([&](const std::string& field) -> FilterValue {
      if (field == "display_name") return dataset.display_name();
      if (field == "registered_by_operator") return dataset.registered_by_operator();
      if (!dataset.has_create_time()) return {};
      return time_of(dataset.create_time());
    });
  };
}

}  // namespace hwnas::service
