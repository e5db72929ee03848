#include <fmt/format.h>

#include "train/trainer.hpp"

namespace hwnas::train {
namespace {

Augmentation augmentation_from_config(const Config& config, Augmentation augmentation) {
  config.require_known_keys({"crop_padding", "flip", "erase_size"});
  augmentation.crop_padding =
      static_cast<int>(config.int_or("crop_padding", augmentation.crop_padding, 0, 64));
  augmentation.flip = config.bool_or("flip", augmentation.flip);
  augmentation.erase_size =
      static_cast<int>(config.int_or("erase_size", augmentation.erase_size, 0, 256));
  return augmentation;
}

}  // namespace

const std::vector<std::string>& train_option_names() {
  static const std::vector<std::string> names{"epochs",        "batch_size",      "optimizer",
                                              "learning_rate", "momentum",        "weight_decay",
                                              "warmup_epochs", "label_smoothing", "augmentation",
                                              "precision",     "device"};
  return names;
}

TrainOptions train_options_from_config(const Config& config, TrainOptions options) {
  options.epochs = static_cast<int>(config.int_or("epochs", options.epochs, 1, 100'000));
  options.batch_size = static_cast<int>(config.int_or("batch_size", options.batch_size, 2, 65'536));
  if (const Config* optimizer = config.find("optimizer")) {
    options.optimizer =
        optimizer->as_one_of({"sgd", "adamw"}) == 0 ? Optimizer::kSgd : Optimizer::kAdamW;
  }
  options.learning_rate = config.double_or("learning_rate", options.learning_rate, 1e-9, 1e3);
  options.momentum = config.double_or("momentum", options.momentum, 0, 0.9999);
  options.weight_decay = config.double_or("weight_decay", options.weight_decay, 0, 10);
  options.warmup_epochs = config.double_or("warmup_epochs", options.warmup_epochs, 0, 1000);
  options.label_smoothing = config.double_or("label_smoothing", options.label_smoothing, 0, 0.9);
  if (const Config* augmentation = config.find("augmentation")) {
    options.augmentation = augmentation_from_config(*augmentation, options.augmentation);
  }
  if (const Config* precision = config.find("precision")) {
    options.precision = precision->as_one_of({"float32", "bfloat16"}) == 0
                            ? TrainPrecision::kFloat32
                            : TrainPrecision::kBfloat16;
  }
  options.device = config.string_or("device", options.device);
  return options;
}

std::string to_string(const TrainOptions& options) {
  const auto& [crop_padding, flip, erase_size] = options.augmentation;
  return fmt::format(
      "epochs {} batch_size {} optimizer {} learning_rate {} momentum {} weight_decay {} "
      "warmup_epochs {} label_smoothing {} crop_padding {} flip {} erase_size {} precision {}",
      options.epochs, options.batch_size, options.optimizer == Optimizer::kSgd ? "sgd" : "adamw",
      options.learning_rate, options.momentum, options.weight_decay, options.warmup_epochs,
      options.label_smoothing, crop_padding, flip, erase_size,
      options.precision == TrainPrecision::kFloat32 ? "float32" : "bfloat16");
}

}  // namespace hwnas::train
