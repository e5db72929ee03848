#pragma once

namespace hwnas {

/// P(Z <= z) of a standard normal variable.
double normal_probability(double z);

/// The z with P(Z <= z) = probability, to 1e-12. Requires 0 < probability < 1.
double normal_quantile(double probability);

}  // namespace hwnas
