#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "estimators/cost_model.hpp"
#include "exporters/exporter.hpp"

namespace hwnas::exporters {

/// One cost or quality with unit in its name, e.g. {"latency_ms", 3.1, 0.2, predicted}.
struct ManifestMetric {
  std::string name;
  estimators::Estimate estimate;
};

/// What the compile stage is told about a model; becomes manifest.json.
struct Manifest {
  std::string experiment;
  std::uint64_t trial = 0;
  std::string genotype;
  std::string device;
  std::string runtime;
  std::string created;  ///< RFC 3339, UTC
  std::vector<ManifestMetric> metrics;
  std::vector<Artifact> artifacts;
};

/// Writes the manifest atomically. docs/manifest.md has its schema, hwnas.manifest/1, and says what
/// each key promises.
void write_manifest(const Manifest& manifest, const Model& model,
                    const std::filesystem::path& file);

}  // namespace hwnas::exporters
