#include "service/study_store.hpp"

#include <fmt/format.h>

#include "service/messages.hpp"
#include "service/study_trial.hpp"
#include "service/usage.hpp"

namespace hwnas::service {
namespace {

using engine::Database;
using engine::Statement;
using vizier::Study;
using vizier::Trial;

[[noreturn]] void refuse_trial(const TrialName& name) {
  throw Refusal(ErrorCode::kNotFound, fmt::format("{}: no such trial", name.text()));
}

Study read_study(Database& database, const StudyHead& head) {
  Statement row = database.query("SELECT message FROM study_message WHERE uid = ?1", head.uid);
  row.next();
  auto study = message_from<Study>(row.text(0));
  study.set_state(head.state);
  return study;
}

Study insert_study(Database& database, const StudyName& name, Study study, Time now) {
  study.set_name(name.text());
  *study.mutable_create_time() = to_message(now);
  Statement row =
      database.query("INSERT INTO study (tenant, id, state) VALUES (?1, ?2, ?3) RETURNING uid",
                     name.tenant, name.id, study.state());
  row.next();
  database.run("INSERT INTO study_message VALUES (?1, ?2)", row.integer(0),
               study.SerializeAsString());
  return study;
}

Study read_or_insert_study(Database& database, const StudyName& name, const Study& study, Time now,
                           const TenantQuota& quota) {
  Statement row =
      database.query("SELECT uid FROM study WHERE tenant = ?1 AND id = ?2", name.tenant, name.id);
  if (row.next()) return read_study(database, find_study(database, name));
  require_room_for_study(database, name.tenant, quota);
  return insert_study(database, name, study, now);
}

void erase_study(Database& database, std::int64_t uid) {
  database.run("DELETE FROM study_trial WHERE study = ?1", uid);
  database.run("DELETE FROM study_operation WHERE study = ?1", uid);
  database.run("DELETE FROM study_message WHERE uid = ?1", uid);
  database.run("DELETE FROM study WHERE uid = ?1", uid);
}

/// Of an ACTIVE study.
struct StoredTrial {
  std::int64_t study = 0;
  Trial trial;
};

StoredTrial read_trial(Database& database, const TrialName& name) {
  StoredTrial stored;
  stored.study = find_active_study(database, name.study).uid;
  Statement row =
      database.query("SELECT message FROM study_trial WHERE study = ?1 AND id = ?2 AND state <> 0",
                     stored.study, name.id);
  if (!row.next()) refuse_trial(name);
  stored.trial = message_from<Trial>(row.text(0));
  return stored;
}

/// The place of the next trial to be finished.
std::int64_t next_finished(Database& database, std::int64_t study) {
  Statement row = database.query(
      "SELECT coalesce(max(finished), 0) + 1 FROM study_trial WHERE study = ?1"
      " AND finished IS NOT NULL",
      study);
  row.next();
  return row.integer(0);
}

void update_trial(Database& database, std::int64_t study, const Trial& trial) {
  database.run(
      "UPDATE study_trial SET state = ?3, client = ?4, message = ?5 WHERE study = ?1 AND id = ?2",
      study, std::stoll(trial.id()), trial.state(), trial.client_id(), trial.SerializeAsString());
}

void finish_trial(Database& database, std::int64_t study, const Trial& trial) {
  database.run(
      "UPDATE study_trial SET state = ?3, message = ?4, finished = ?5"
      " WHERE study = ?1 AND id = ?2",
      study, std::stoll(trial.id()), trial.state(), trial.SerializeAsString(),
      next_finished(database, study));
}

/// Gives the trial its id and name.
void number_trial(Database& database, std::int64_t study, const StudyName& name, Trial& trial) {
  Statement row =
      database.query("SELECT coalesce(max(id), 0) + 1 FROM study_trial WHERE study = ?1", study);
  row.next();
  const TrialName trial_name{name, row.integer(0)};
  trial.set_id(std::to_string(trial_name.id));
  trial.set_name(trial_name.text());
}

void insert_trial(Database& database, std::int64_t study, const Trial& trial) {
  database.run(
      "INSERT INTO study_trial (study, id, state, client, message) VALUES (?1, ?2, ?3, ?4, ?5)",
      study, std::stoll(trial.id()), trial.state(), trial.client_id(), trial.SerializeAsString());
  if (is_finished(trial)) finish_trial(database, study, trial);
}

void insert_proposal(Database& database, std::int64_t study, const Trial& trial,
                     const NewProposal& proposal) {
  database.run(
      "INSERT INTO study_trial (study, id, state, client, message, told_before, genotype)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
      study, std::stoll(trial.id()), trial.state(), trial.client_id(), trial.SerializeAsString(),
      proposal.told_before, proposal.genotype);
}

/// Hands out the trials of a study in one transaction.
class Handout {
 public:
  Handout(Database& database, const StudyName& name, std::int64_t study,
          const std::vector<NewProposal>& proposals, Time now)
      : database_(database), name_(name), study_(study), proposals_(proposals), now_(now) {}

  Suggested give(const TrialsWanted& wanted) {
    Suggested suggested;
    auto& trials = *suggested.response.mutable_trials();
    add_active(wanted, trials);
    add_requested(wanted, trials);
    while (trials.size() < wanted.count && next_ < proposals_.size()) {
      *trials.Add() = insert(proposals_[next_++], Trial::ACTIVE, wanted.client);
    }
    *suggested.response.mutable_start_time() = to_message(now_);
    *suggested.response.mutable_end_time() = to_message(now_);
    suggested.response.set_study_state(Study::ACTIVE);
    suggested.number = record(wanted.client, suggested.response);
    return suggested;
  }

  void keep_rest() {
    for (; next_ < proposals_.size(); ++next_) insert(proposals_[next_], Trial::REQUESTED, "");
  }

 private:
  using Trials = google::protobuf::RepeatedPtrField<Trial>;

  void add_active(const TrialsWanted& wanted, Trials& trials) {
    Statement rows = database_.query(
        "SELECT message FROM study_trial WHERE study = ?1 AND state = 2 AND client = ?2"
        " ORDER BY id LIMIT ?3",
        study_, wanted.client, wanted.count);
    while (rows.next()) *trials.Add() = message_from<Trial>(rows.text(0));
  }

  void add_requested(const TrialsWanted& wanted, Trials& trials) {
    const int first = trials.size();
    if (first == wanted.count) return;
    {
      Statement rows = database_.query(
          "SELECT message FROM study_trial WHERE study = ?1 AND state = 1 ORDER BY id LIMIT ?2",
          study_, wanted.count - first);
      while (rows.next()) *trials.Add() = message_from<Trial>(rows.text(0));
    }
    for (int i = first; i < trials.size(); ++i) {
      trials[i].set_state(Trial::ACTIVE);
      trials[i].set_client_id(wanted.client);
      *trials[i].mutable_start_time() = to_message(now_);
      update_trial(database_, study_, trials[i]);
    }
  }

  Trial insert(const NewProposal& proposal, Trial::State state, const std::string& client) {
    Trial trial;
    number_trial(database_, study_, name_, trial);
    trial.set_state(state);
    trial.set_client_id(client);
    *trial.mutable_parameters() = proposal.parameters;
    *trial.mutable_start_time() = to_message(now_);
    insert_proposal(database_, study_, trial, proposal);
    return trial;
  }

  std::int64_t record(const std::string& client, const vizier::SuggestTrialsResponse& response) {
    Statement row = database_.query(
        "INSERT INTO study_operation VALUES (?1, ?2, 1, ?3) ON CONFLICT (study, client)"
        " DO UPDATE SET number = number + 1, response = excluded.response RETURNING number",
        study_, client, response.SerializeAsString());
    row.next();
    return row.integer(0);
  }

  Database& database_;
  const StudyName& name_;
  const std::int64_t study_;
  const std::vector<NewProposal>& proposals_;
  const Time now_;
  std::size_t next_ = 0;  ///< of the proposals
};

void update_trials_metadata(Database& database, const StudyName& name,
                            const vizier::UpdateMetadataRequest& request) {
  for (const vizier::UnitMetadataUpdate& update : request.delta()) {
    if (!update.has_trial_id()) continue;
    const TrialName trial_name{name, parse_trial_id("delta.trial_id", update.trial_id())};
    StoredTrial stored = read_trial(database, trial_name);
    set_metadata(*stored.trial.mutable_metadata(), update.metadatum());
    require_bounded(stored.trial, trial_name.text());
    update_trial(database, stored.study, stored.trial);
  }
}

}  // namespace

template <typename T>
void StudyStore::change(std::size_t bytes, std::function<T(Database&)> change, Callback<T> done) {
  store_.change<T>({}, bytes, std::move(change), {}, std::move(done));
}

void StudyStore::create(StudyName name, Study study, Callback<Study> done) {
  const std::size_t bytes = study.ByteSizeLong();
  change<Study>(
      bytes,
      [this, name = std::move(name), study = std::move(study)](Database& database) {
        return read_or_insert_study(database, name, study, now(), quota_);
      },
      std::move(done));
}

void StudyStore::remove(StudyName name, Callback<Study> done) {
  change<Study>(
      0,
      [name = std::move(name)](Database& database) {
        const StudyHead head = find_study(database, name);
        Study study = read_study(database, head);
        erase_study(database, head.uid);
        return study;
      },
      std::move(done));
}

void StudyStore::set_state(StudyName name, Study::State state, Callback<Study> done) {
  change<Study>(
      0,
      [name = std::move(name), state](Database& database) {
        StudyHead head = find_study(database, name);
        head.state = state;
        database.run("UPDATE study SET state = ?2 WHERE uid = ?1", head.uid, state);
        return read_study(database, head);
      },
      std::move(done));
}

void StudyStore::add_trial(StudyName name, Trial trial, Callback<Trial> done) {
  const std::size_t bytes = trial.ByteSizeLong();
  auto added = std::make_shared<Trial>(std::move(trial));
  change<Trial>(
      bytes,
      [this, name = std::move(name), added](Database& database) {
        const std::int64_t study = find_active_study(database, name).uid;
        require_room_for_trials(database, name.tenant, 1, quota_);
        number_trial(database, study, name, *added);
        insert_trial(database, study, *added);
        return *added;
      },
      std::move(done));
}

void StudyStore::edit_trial(TrialName name, std::function<void(Trial&)> edit,
                            Callback<Trial> done) {
  change<Trial>(
      0,
      [name = std::move(name), edit = std::move(edit)](Database& database) {
        StoredTrial stored = read_trial(database, name);
        const bool was_finished = is_finished(stored.trial);
        edit(stored.trial);
        if (is_finished(stored.trial) && !was_finished) {
          finish_trial(database, stored.study, stored.trial);
        } else {
          update_trial(database, stored.study, stored.trial);
        }
        return std::move(stored.trial);
      },
      std::move(done));
}

void StudyStore::remove_trial(TrialName name, Callback<Trial> done) {
  change<Trial>(
      0,
      [name = std::move(name)](Database& database) {
        StoredTrial stored = read_trial(database, name);
        database.run(
            "UPDATE study_trial SET state = 0, client = '', message = ?3"
            " WHERE study = ?1 AND id = ?2",
            stored.study, name.id, remains_of(stored.trial).SerializeAsString());
        return std::move(stored.trial);
      },
      std::move(done));
}

void StudyStore::update_metadata(vizier::UpdateMetadataRequest request, StudyName name,
                                 Callback<Study> done) {
  const std::size_t bytes = request.ByteSizeLong();
  change<Study>(
      bytes,
      [name = std::move(name), request = std::move(request)](Database& database) {
        const StudyHead head = find_active_study(database, name);
        Study study = read_study(database, head);
        for (const vizier::UnitMetadataUpdate& update : request.delta()) {
          if (update.has_trial_id()) continue;
          set_metadata(*study.mutable_study_spec()->mutable_metadata(), update.metadatum());
        }
        require_bounded(study, name.text());
        database.run("UPDATE study_message SET message = ?2 WHERE uid = ?1", head.uid,
                     study.SerializeAsString());
        update_trials_metadata(database, name, request);
        return study;
      },
      std::move(done));
}

void StudyStore::suggest(StudyName name, std::int64_t uid, std::vector<TrialsWanted> wanted,
                         std::vector<NewProposal> proposals,
                         Callback<std::vector<Suggested>> done) {
  change<std::vector<Suggested>>(
      0,
      [this, name = std::move(name), uid, wanted = std::move(wanted),
       proposals = std::move(proposals)](Database& database) {
        if (find_active_study(database, name).uid != uid) {
          throw Refusal(
              ErrorCode::kNotFound,
              fmt::format("{}: was deleted, and another one made; ask again", name.text()));
        }
        require_room_for_trials(database, name.tenant, static_cast<std::int64_t>(proposals.size()),
                                quota_);
        Handout handout(database, name, uid, proposals, now());
        std::vector<Suggested> suggested;
        for (const TrialsWanted& one : wanted) suggested.push_back(handout.give(one));
        handout.keep_rest();
        return suggested;
      },
      std::move(done));
}

}  // namespace hwnas::service
