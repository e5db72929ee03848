#include "core/error.hpp"
#include "train/supernet.hpp"

namespace hwnas::train {

void Supernet::save(const std::filesystem::path& file) const {
  ir::save_safetensors(state(), file);
}

void Supernet::load(const std::filesystem::path& file) {
  if (!restore(ir::load_safetensors(file))) {
    throw invalid_argument("{}: of another space, other options or another seed; train afresh",
                           file.string());
  }
}

}  // namespace hwnas::train
