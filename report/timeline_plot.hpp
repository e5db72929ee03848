#pragma once

#include <string>

#include "report/run_summary.hpp"

namespace hwnas::report {

/// One lane a worker, one bar a trial; empty if no trial took any time.
std::string timeline_chart(const RunSummary& run);

}  // namespace hwnas::report
