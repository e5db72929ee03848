#pragma once

#include <span>

#include "estimators/bayes_linear.hpp"
#include "estimators/linear_prior.hpp"

namespace hwnas::estimators {

/// What devices have in common whose cost is a sum over layers that each have their own options
/// (FBNet, MobileNet and other chains): too many weights to learn from a few measurements, so the
/// source devices tell which combinations of them vary. Ridge regression (penalty 1) on the columns
/// of role kEncoding gives each source its weights, in costs over their median. The basis is the
/// constant; the mean of the sources' predictions; the first four principal components of how they
/// deviate from it; and the columns of role kExecution. All but the constant are standardised over
/// the first source's networks. The constant and the mean are expected as on an average source;
/// each deviation is 0 ± f times that of the sources and each column 0 ± c, for three f, three c
/// and four levels of noise, all equally likely. Throws InvalidArgument if there are no sources,
/// the layout has no column of role kEncoding, or a source has fewer rows than such columns.
LinearPrior additive_prior(const FeatureLayout& layout, std::span<const DeviceCosts> sources);

}  // namespace hwnas::estimators
