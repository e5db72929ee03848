#include "service/dataset_needs.hpp"

#include <fmt/format.h>

#include "core/config.hpp"
#include "core/error.hpp"
#include "service/compression_order.hpp"
#include "service/job.hpp"
#include "service/outcome.hpp"

namespace hwnas::service {
namespace {

/// What the job's specification calls its data set. One that cannot be read may need any.
bool needs(JobKind kind, const std::string& specification, const std::string& dataset) {
  try {
    if (kind == JobKind::kCompression) {
      return CompressionOrder::parse(specification).dataset == dataset;
    }
    const Config experiment = Config::parse(specification, "experiment");
    return experiment.at("data").at("name").as_string() == dataset;
  } catch (const Error&) {
    return true;
  }
}

}  // namespace

void require_not_needed(engine::Database& database, const std::string& tenant,
                        const std::string& dataset) {
  // This runs on the committing thread: only texts with the name in them are parsed.
  engine::Statement rows = database.query(
      "SELECT job.kind, job.id, specification.text FROM job"
      " JOIN specification ON specification.uid = job.uid"
      " WHERE job.tenant = ?1 AND job.state IN ('QUEUED', 'RUNNING', 'CANCELLING')"
      " AND instr(specification.text, ?2) > 0",
      tenant, dataset);
  while (rows.next()) {
    const JobName job{tenant, job_kind_from_string(rows.text(0)), rows.text(1)};
    if (!needs(job.kind, rows.text(2), dataset)) continue;
    throw Refusal(ErrorCode::kFailedPrecondition,
                  fmt::format("tenants/{}/datasets/{}: {} needs it; wait for it to end, or cancel "
                              "it",
                              tenant, dataset, job.text()));
  }
}

}  // namespace hwnas::service
