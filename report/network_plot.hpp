#pragma once

#include <string>

#include "report/run_summary.hpp"

namespace hwnas::report {

/// One row a box: arcs, the box itself, and a bar for each cost that is a sum over layers, and for
/// the activations alive.
std::string network_chart(const FinalistSummary& finalist);

/// Which operators the costs go to: one full-width bar a metric.
std::string operator_shares_chart(const FinalistSummary& finalist);

}  // namespace hwnas::report
