#pragma once

#include "service/submission.hpp"
#include "tests/core/temporary_folder.hpp"

namespace hwnas::fuzz {

/// One registered data set, "waves", whose files do not exist: no check of a submission reads them.
inline const service::Datasets& sample_datasets() {
  static const service::Datasets datasets = [] {
    const TemporaryFolder folder;
    folder.write("waves.yaml", "name: csv_series\ntrain: /none/train.csv\ntest: /none/test.csv\n");
    return service::Datasets(folder.path());
  }();
  return datasets;
}

}  // namespace hwnas::fuzz
