#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <string>

#include "core/config.hpp"
#include "hwnas/v1/dataset_service.pb.h"
#include "service/dataset_store.hpp"
#include "service/submission.hpp"
#include "service/upload_store.hpp"

namespace hwnas::service {

// What DatasetService's requests ask for, checked: InvalidField otherwise.

/// Makes the upload's id.
NewUpload new_upload(const v1::CreateUploadRequest& request);

/// A data set before it has been read.
struct DatasetDraft {
  NewDataset dataset;
  std::map<std::string, std::filesystem::path> files;  ///< by key
  Config data;                                         ///< the reader with its files
};
/// Throws NotFound for an upload that is not the tenant's, FailedPrecondition for one that is not
/// complete.
DatasetDraft dataset_draft(const v1::CreateDatasetRequest& request, const UploadStore& uploads,
                           const std::filesystem::path& data_folder);

/// The message with keys in the place of the files of the draft, which are the server's.
std::string without_files(std::string message, const DatasetDraft& draft);

v1::Dataset to_message(const DatasetRecord& dataset);
/// One that the operator has registered, as the tenant sees it: without the names of files.
v1::Dataset registered_dataset(const std::string& tenant, const std::string& id,
                               const Config& data);

/// What the `filter` of ListDatasets lets through: by display_name, registered_by_operator,
/// create_time.
std::function<bool(const v1::Dataset&)> dataset_filter(const std::string& filter);

}  // namespace hwnas::service
