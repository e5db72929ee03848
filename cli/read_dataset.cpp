#include "cli/read_dataset.hpp"

#include <nlohmann/json.hpp>

#include "core/config.hpp"
#include "core/file.hpp"
#include "data/dataset.hpp"

namespace hwnas::cli {

void read_dataset(const std::filesystem::path& options, const std::filesystem::path& facts) {
  const data::DataSource source = data::read_data(Config::load(options));
  const ir::Shape& shape = source.train.shape;
  const nlohmann::json object{{"shape", {shape.channels, shape.height, shape.width}},
                              {"classes", source.train.class_names.size()},
                              {"train_samples", source.train.size()},
                              {"test_samples", source.test.size()}};
  write_file_atomically(facts, object.dump());
}

}  // namespace hwnas::cli
