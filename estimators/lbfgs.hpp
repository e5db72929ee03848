#pragma once

#include <Eigen/Core>
#include <functional>

namespace hwnas::estimators {

/// The value of a function at `point`; writes its gradient, which has as many entries. Infinite
/// where the function is not defined.
using Differentiable =
    std::function<double(const Eigen::VectorXd& point, Eigen::VectorXd& gradient)>;

/// A local minimum by limited-memory BFGS (Liu and Nocedal, "On the Limited Memory BFGS Method for
/// Large Scale Optimization", Mathematical Programming 1989; liblbfgs with its own line search), or
/// the best point that `max_iterations` iterations lead to. Deterministic. Throws InvalidArgument
/// if the function is not finite at `start`.
Eigen::VectorXd minimise(const Differentiable& function, const Eigen::VectorXd& start,
                         int max_iterations);

}  // namespace hwnas::estimators
