#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace hwnas::service {

/// What a compression job is to do: its specification in the store. It names what it works on by
/// number, so that names given anew later change nothing.
struct CompressionOrder {
  std::string search_job;       ///< name of the source; empty: an upload
  std::int64_t search_uid = 0;  ///< of the source; 0: an upload
  std::string upload_name;      ///< of the source; empty: a search job
  std::int64_t upload = 0;      ///< its number; 0: a search job
  std::string file_name;        ///< of the upload
  std::string dataset;          ///< id; empty: the search job has none
  bool dataset_given = false;   ///< by the client; otherwise it is the search job's
  std::string device;           ///< id; empty: the search job's
  std::string device_profile;   ///< YAML; empty: the search job's
  std::string runtime;          ///< empty: the search job's
  std::vector<std::string> passes;
  std::map<std::string, double> limits;
  std::vector<std::string> formats;

  /// As JSON, with the number of an upload as "upload" (see kUploadIsUsed).
  std::string text() const;
  /// Throws Internal if text() did not write it.
  static CompressionOrder parse(const std::string& text);
};

}  // namespace hwnas::service
