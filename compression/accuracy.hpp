#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "data/dataset.hpp"
#include "ir/quantized_network.hpp"

namespace hwnas::compression {

/// One sample of a data set as networks read it: channels x height x width, bytes scaled to 0..1,
/// then normalised.
std::vector<float> network_input(const data::Dataset& dataset, std::size_t sample,
                                 const data::Normalisation& normalisation);

/// Percent of samples whose largest output is their label's, in the integers of a target; the first
/// of equal outputs counts. On `threads` threads; the result does not depend on their number.
double top1(const ir::QuantizedNetwork& network, ir::Arithmetic arithmetic,
            const data::Dataset& dataset, std::span<const std::size_t> samples,
            const data::Normalisation& normalisation, int threads);

}  // namespace hwnas::compression
