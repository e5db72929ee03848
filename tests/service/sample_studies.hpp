#pragma once

#include <google/protobuf/text_format.h>

#include <stdexcept>
#include <string>

#include "service/study_store.hpp"
#include "service/suggester.hpp"

namespace hwnas::service {

/// Of a message in protobuf's text form.
template <typename Message>
Message message_of(const std::string& text) {
  Message message;
  if (!google::protobuf::TextFormat::ParseFromString(text, &message)) {
    throw std::runtime_error("no " + message.GetTypeName() + ": " + text);
  }
  return message;
}

inline const StudyName kStudy{"acme", "a study"};

/// x and y of [-1, 1], to minimise f.
inline vizier::Study plane_study(const std::string& algorithm = "DEFAULT") {
  auto study = message_of<vizier::Study>(R"(
    display_name: "a study" state: ACTIVE
    study_spec {
      metrics { metric_id: "f" goal: MINIMIZE }
      parameters { parameter_id: "x" double_value_spec { min_value: -1 max_value: 1 } }
      parameters { parameter_id: "y" double_value_spec { min_value: -1 max_value: 1 } }
    })");
  study.mutable_study_spec()->set_algorithm(algorithm);
  return study;
}

inline vizier::CompleteTrialRequest completion(double value) {
  vizier::CompleteTrialRequest request;
  auto& metric = *request.mutable_final_measurement()->add_metrics();
  metric.set_metric_id("f");
  metric.set_value(value);
  return request;
}

// Calls of the store, waited for.

inline vizier::Study create(StudyStore& studies, const vizier::Study& study = plane_study(),
                            const StudyName& name = kStudy) {
  return await<vizier::Study>([&](auto done) { studies.create(name, study, done); });
}

inline vizier::Trial add(StudyStore& studies, const vizier::Trial& trial) {
  return await<vizier::Trial>([&](auto done) { studies.add_trial(kStudy, trial, done); });
}

inline vizier::Trial edit(StudyStore& studies, std::int64_t id,
                          const std::function<void(vizier::Trial&)>& edit) {
  return await<vizier::Trial>([&](auto done) { studies.edit_trial({kStudy, id}, edit, done); });
}

inline std::vector<vizier::Trial> suggest(Suggester& suggester, const std::string& client,
                                          int count = 1, const StudyName& name = kStudy) {
  const auto suggested = await<Suggested>([&](auto done) {
    suggester.suggest(name, {client, count}, done);
  });
  return {suggested.response.trials().begin(), suggested.response.trials().end()};
}

}  // namespace hwnas::service
