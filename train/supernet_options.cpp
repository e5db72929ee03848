#include <array>

#include "train/supernet.hpp"

namespace hwnas::train {
namespace {

constexpr std::array kSchemes{SupernetScheme::kSinglePath, SupernetScheme::kFair,
                              SupernetScheme::kSandwich, SupernetScheme::kProgressive};

}  // namespace

std::string_view to_string(SupernetScheme scheme) {
  switch (scheme) {
    case SupernetScheme::kSinglePath:
      return "single_path";
    case SupernetScheme::kFair:
      return "fair";
    case SupernetScheme::kSandwich:
      return "sandwich";
    case SupernetScheme::kProgressive:
      return "progressive";
  }
  return "";
}

SupernetOptions supernet_options_from_config(const Config& config) {
  SupernetOptions options;
  options.training = train_options_from_config(config, options.training);
  if (const Config* scheme = config.find("scheme")) {
    std::vector<std::string> names;
    for (const SupernetScheme known : kSchemes) names.emplace_back(to_string(known));
    options.scheme = kSchemes[scheme->as_one_of(names)];
  }
  options.random_networks =
      static_cast<int>(config.int_or("random_networks", options.random_networks, 0, 64));
  options.calibration_samples = static_cast<int>(
      config.int_or("calibration_samples", options.calibration_samples, 32, 1'000'000));
  return options;
}

std::vector<std::string> supernet_option_names() {
  std::vector<std::string> names = train_option_names();
  names.insert(names.end(), {"scheme", "random_networks", "calibration_samples"});
  return names;
}

}  // namespace hwnas::train
