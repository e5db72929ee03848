#pragma once

#include <memory>

#include "spaces/search_space.hpp"

namespace hwnas::spaces {

// One function a family, each in the .cpp of its name; rows of the registry. docs/spaces.md lists
// the keys of `options`. Throw InvalidArgument with place.
std::unique_ptr<SearchSpace> make_mobile(const Config& options, const Task& task);
std::unique_ptr<SearchSpace> make_dscnn(const Config& options, const Task& task);
std::unique_ptr<SearchSpace> make_resnet(const Config& options, const Task& task);
std::unique_ptr<SearchSpace> make_conv1d(const Config& options, const Task& task);
std::unique_ptr<SearchSpace> make_nasbench201(const Config& options, const Task& task);

}  // namespace hwnas::spaces
