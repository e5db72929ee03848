#pragma once

#include "engine/evaluator.hpp"

namespace hwnas::engine {

/// `table`: looks candidates up in tables of published or earlier results (CSV, plain or gzip).
/// Options:
///   tables   list of { file, key, metrics }: `key` is the column that holds the genotype, either
///            "4-2-1" or, where every choice has one digit, "421"; `metrics` maps names of metrics
///            to columns. File names are relative to the experiment's folder.
/// A candidate is complete if all tables have it with a number in every column used, and failed
/// otherwise.
std::vector<std::string> table_evaluator_metrics(const Config& options);
/// Throws NotFound for a missing file, InvalidArgument for a missing column, a bad number or a key
/// that occurs twice.
std::unique_ptr<Evaluator> make_table_evaluator(const EvaluatorContext& context);

}  // namespace hwnas::engine
