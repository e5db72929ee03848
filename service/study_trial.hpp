#pragma once

#include "service/job.hpp"
#include "vizier/vizier_service.pb.h"

namespace hwnas::service {

// What may become of a trial. All throw Refusal: FailedPrecondition if its state does not let it,
// ResourceExhausted if it grows over 1 MiB.

/// SUCCEEDED or INFEASIBLE: it changes no more, but for its metadata.
bool is_finished(const vizier::Trial& trial);

/// A trial of a client's making, as it is stored: SUCCEEDED or INFEASIBLE if it says so, otherwise
/// REQUESTED. `id` and name are left to the caller. InvalidField for a SUCCEEDED one without a
/// final measurement.
vizier::Trial new_trial(const vizier::Trial& asked, Time now);
/// ACTIVE or STOPPING: SUCCEEDED with the final measurement, or with the last one added; or
/// INFEASIBLE.
void complete(vizier::Trial& trial, const vizier::CompleteTrialRequest& request, Time now);
/// To an ACTIVE or STOPPING trial.
void add_measurement(vizier::Trial& trial, const vizier::Measurement& measurement);
/// ACTIVE becomes STOPPING; STOPPING and SUCCEEDED stay.
void stop(vizier::Trial& trial);

/// The entry of the same namespace and key becomes `update`, or it is added.
void set_metadata(google::protobuf::RepeatedPtrField<vizier::KeyValue>& metadata,
                  const vizier::KeyValue& update);
/// Throws what is said above. `what` names it in the message.
void require_bounded(const google::protobuf::Message& message, const std::string& what);

/// All that a strategy learned of it.
vizier::Trial remains_of(const vizier::Trial& trial);

}  // namespace hwnas::service
