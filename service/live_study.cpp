#include "service/live_study.hpp"

#include <algorithm>
#include <limits>

#include "engine/seed_stream.hpp"

namespace hwnas::service {
namespace {

constexpr int kFinishedAtOnce = 1000;

std::uint64_t seed_of(std::int64_t uid) {
  return engine::stream_seed(static_cast<std::uint64_t>(uid), engine::SeedStream::kStrategy);
}

double step_of(const vizier::Measurement& measurement) {
  if (measurement.step_count() > 0) return static_cast<double>(measurement.step_count());
  const auto& elapsed = measurement.elapsed_duration();
  return static_cast<double>(elapsed.seconds()) + 1e-9 * elapsed.nanos();
}

}  // namespace

LiveStudy::LiveStudy(const StudyReader& reader, std::int64_t uid, const vizier::StudySpec& spec)
    : reader_(reader),
      uid_(uid),
      stops_early_(spec.has_default_stopping_spec()),
      plan_(spec),
      strategy_(plan_.make_strategy(seed_of(uid))) {
  replay();
}

void LiveStudy::replay() {
  reader_.visit_proposals(uid_, [this](const ProposalRecord& record) {
    tell_up_to(record.told_before);
    // One at a time, here as in ask(): the strategy sees the same calls.
    const std::vector<search::Proposal> again = strategy_->ask(1);
    if (again.empty() || spaces::to_string(again[0].genotype) != record.genotype) {
      throw error(ErrorCode::kFailedPrecondition,
                  "trial {} was proposed by another version of hwnas, which this one cannot "
                  "continue; make a new study, and add this one's trials to it",
                  record.trial);
    }
  });
  catch_up();
}

void LiveStudy::catch_up() {
  tell_up_to(std::numeric_limits<std::int64_t>::max());
}

void LiveStudy::tell_up_to(std::int64_t number) {
  while (told_ < number) {
    if (page_.empty()) {
      page_ = reader_.finished(uid_, told_, kFinishedAtOnce);
      std::ranges::reverse(page_);
    }
    if (page_.empty()) return;
    tell(page_.back());
    page_.pop_back();
  }
}

void LiveStudy::tell(const FinishedRecord& record) {
  search::Trial trial = plan_.result(record.message);
  trial.id = static_cast<std::uint64_t>(record.trial);
  const auto genotype = record.genotype
                            ? std::optional(spaces::genotype_from_string(*record.genotype))
                            : plan_.space().genotype(record.message.parameters());
  told_ = record.number;
  if (stops_early_) stopping_.add(curve_of(record.message));
  if (!genotype) return;  // a client's own, from outside the space
  trial.genotype = *genotype;
  strategy_->tell({&trial, 1});
}

std::vector<NewProposal> LiveStudy::ask(std::size_t n) {
  std::vector<NewProposal> proposals;
  while (proposals.size() < n) {
    const std::vector<search::Proposal> next = strategy_->ask(1);
    if (next.empty()) break;
    proposals.push_back(
        {spaces::to_string(next[0].genotype), told_, plan_.space().parameters(next[0].genotype)});
  }
  return proposals;
}

std::vector<CurvePoint> LiveStudy::curve_of(const vizier::Trial& trial) const {
  std::vector<CurvePoint> curve;
  for (const vizier::Measurement& measurement : trial.measurements()) {
    const auto value = plan_.first_objective(measurement);
    if (value) curve.push_back({step_of(measurement), *value});
  }
  std::ranges::stable_sort(curve, {}, &CurvePoint::step);
  return curve;
}

bool LiveStudy::should_stop(const vizier::Trial& trial) const {
  return stops_early_ && stopping_.should_stop(curve_of(trial));
}

}  // namespace hwnas::service
