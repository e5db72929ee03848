#pragma once

namespace hwnas::ir {

/// Lambdas as one visitor: std::visit(overloaded{[](const Conv2d&) {…}, [](const auto&) {…}}, op).
template <typename... Lambdas>
struct overloaded : Lambdas... {
  using Lambdas::operator()...;
};
template <typename... Lambdas>
overloaded(Lambdas...) -> overloaded<Lambdas...>;

}  // namespace hwnas::ir
