#pragma once

#include <vector>

#include "data/dataset.hpp"
#include "exporters/exporter.hpp"

namespace hwnas::exporters {

/// Throws InvalidArgument if network, weights and normalisation do not belong together or a number
/// is not finite.
void require_deployable(const Model& model);

/// What an artifact computes: the model without dead layers (ir::remove_dead_layers) and with
/// batch norms folded. Throws what require_deployable throws.
ir::FoldedNetwork deployed(const Model& model);

/// (x − mean[c]) / std_dev[c] on an input of the shape; the input itself if there is no
/// normalisation.
std::vector<float> normalised(const data::Normalisation& normalisation, const ir::Shape& shape,
                              std::vector<float> input);

}  // namespace hwnas::exporters
