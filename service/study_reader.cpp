#include "service/study_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/text.hpp"
#include "service/error_status.hpp"

namespace hwnas::service {
namespace {

using engine::Database;
using engine::Statement;

constexpr int kMaxPageSize = 1000;
// Below gRPC's 4 MiB a message by more than the framing takes.
constexpr std::size_t kMaxAnswerBytes = 3'670'016;

vizier::Study study_from(std::int64_t state, const std::string& message) {
  auto study = message_from<vizier::Study>(message);
  study.set_state(static_cast<vizier::Study::State>(state));
  return study;
}

/// Rows of (position, state, message) after `position`, in order.
using RowsAfter = std::function<Statement(Database&, std::int64_t position)>;

template <typename Message, typename Read>
MessagePage<Message> page_of(const Store& store, int page_size, const std::string& page_token,
                             const std::string& arguments, const RowsAfter& rows_after,
                             const Read& read) {
  if (page_size < 0) {
    throw InvalidField("page_size", fmt::format("{} is negative; 0 stands for all", page_size));
  }
  const std::size_t limit = page_size == 0 ? std::size_t(-1) : std::min(page_size, kMaxPageSize);
  const PageTokens& tokens = store.page_tokens();
  std::int64_t position = page_token.empty() ? 0 : std::stoll(tokens.read(page_token, arguments));
  MessagePage<Message> page;
  std::size_t bytes = 0;
  const Store::Lease database(store);
  Statement rows = rows_after(*database, position);
  while (rows.next()) {
    const std::string message = rows.text(2);
    bytes += message.size();
    const bool full = bytes > kMaxAnswerBytes && !page.messages.empty();
    if (full && page_size == 0) {
      throw error(ErrorCode::kResourceExhausted,
                  "page_size: all in one answer are more than {} bytes; list them by pages",
                  kMaxAnswerBytes);
    }
    if (full || page.messages.size() == limit) {
      page.next_page_token = tokens.make(std::to_string(position), arguments);
      break;
    }
    position = rows.integer(0);
    page.messages.push_back(read(rows.integer(1), message));
  }
  return page;
}

}  // namespace

StudyHead find_study(Database& database, const StudyName& name) {
  Statement row = database.query("SELECT uid, state FROM study WHERE tenant = ?1 AND id = ?2",
                                 name.tenant, name.id);
  if (!row.next()) {
    throw Refusal(ErrorCode::kNotFound, fmt::format("{}: no such study", name.text()));
  }
  return {row.integer(0), static_cast<vizier::Study::State>(row.integer(1))};
}

StudyHead find_active_study(Database& database, const StudyName& name) {
  const StudyHead head = find_study(database, name);
  if (head.state == vizier::Study::ACTIVE) return head;
  throw Refusal(ErrorCode::kFailedPrecondition,
                fmt::format("{}: is {}; set its state to ACTIVE first", name.text(),
                            vizier::Study::State_Name(head.state)));
}

StudyHead StudyReader::head(const StudyName& name) const {
  const Store::Lease database(store_);
  return find_study(*database, name);
}

StudyHead StudyReader::active_head(const StudyName& name) const {
  const Store::Lease database(store_);
  return find_active_study(*database, name);
}

vizier::Study StudyReader::study(const StudyName& name) const {
  const Store::Lease database(store_);
  const StudyHead head = find_study(*database, name);
  Statement row = database->query("SELECT message FROM study_message WHERE uid = ?1", head.uid);
  row.next();
  return study_from(head.state, row.text(0));
}

vizier::Trial StudyReader::trial(const TrialName& name) const {
  const Store::Lease database(store_);
  Statement row =
      database->query("SELECT message FROM study_trial WHERE study = ?1 AND id = ?2 AND state <> 0",
                      find_study(*database, name.study).uid, name.id);
  if (!row.next()) throw error(ErrorCode::kNotFound, "{}: no such trial", name.text());
  return message_from<vizier::Trial>(row.text(0));
}

vizier::SuggestTrialsResponse StudyReader::suggestion(const OperationName& name) const {
  const Store::Lease database(store_);
  Statement row = database->query(
      "SELECT response FROM study_operation WHERE study = ?1 AND client = ?2 AND number = ?3",
      find_study(*database, name.study).uid, name.client, name.number);
  if (!row.next()) {
    throw error(ErrorCode::kNotFound, "{}: not the client's latest operation", name.text());
  }
  return message_from<vizier::SuggestTrialsResponse>(row.text(0));
}

MessagePage<vizier::Study> StudyReader::studies(const std::string& tenant, int page_size,
                                                const std::string& page_token) const {
  const RowsAfter rows = [&](Database& database, std::int64_t position) {
    return database.query(
        "SELECT study.uid, state, message FROM study JOIN study_message USING (uid)"
        " WHERE tenant = ?1 AND study.uid > ?2 ORDER BY study.uid",
        tenant, position);
  };
  return page_of<vizier::Study>(store_, page_size, page_token, "studies of " + tenant, rows,
                                study_from);
}

MessagePage<vizier::Trial> StudyReader::trials(const StudyName& name, int page_size,
                                               const std::string& page_token) const {
  const std::int64_t uid = head(name).uid;
  const RowsAfter rows = [uid](Database& database, std::int64_t position) {
    return database.query(
        "SELECT id, state, message FROM study_trial"
        " WHERE study = ?1 AND id > ?2 AND state <> 0 ORDER BY id",
        uid, position);
  };
  return page_of<vizier::Trial>(store_, page_size, page_token,
                                fmt::format("trials of study {}", uid), rows,
                                [](std::int64_t, const std::string& message) {
                                  return message_from<vizier::Trial>(message);
                                });
}

void StudyReader::visit_trials(const StudyName& name,
                               const std::function<void(const vizier::Trial&)>& visit) const {
  const Store::Lease database(store_);
  Statement rows =
      database->query("SELECT message FROM study_trial WHERE study = ?1 AND state <> 0 ORDER BY id",
                      find_study(*database, name).uid);
  while (rows.next()) visit(message_from<vizier::Trial>(rows.text(0)));
}

void StudyReader::visit_proposals(std::int64_t uid,
                                  const std::function<void(const ProposalRecord&)>& visit) const {
  const Store::Lease database(store_);
  Statement rows = database->query(
      "SELECT id, told_before, genotype FROM study_trial"
      " WHERE study = ?1 AND genotype IS NOT NULL ORDER BY id",
      uid);
  while (rows.next()) visit({rows.integer(0), rows.integer(1), rows.text(2)});
}

std::vector<FinishedRecord> StudyReader::finished(std::int64_t uid, std::int64_t number,
                                                  int limit) const {
  const Store::Lease database(store_);
  Statement rows = database->query(
      "SELECT finished, id, genotype, message FROM study_trial"
      " WHERE study = ?1 AND finished > ?2 ORDER BY finished LIMIT ?3",
      uid, number, limit);
  std::vector<FinishedRecord> finished;
  while (rows.next()) {
    FinishedRecord& record = finished.emplace_back();
    record.number = rows.integer(0);
    record.trial = rows.integer(1);
    if (!rows.is_null(2)) record.genotype = rows.text(2);
    record.message = message_from<vizier::Trial>(rows.text(3));
  }
  return finished;
}

std::int64_t StudyReader::active_trials(std::int64_t uid, const std::string& client) const {
  const Store::Lease database(store_);
  Statement row = database->query(
      "SELECT count(*) FROM study_trial WHERE study = ?1 AND state = 2 AND client = ?2", uid,
      client);
  row.next();
  return row.integer(0);
}

std::int64_t StudyReader::requested_trials(std::int64_t uid) const {
  const Store::Lease database(store_);
  Statement row =
      database->query("SELECT count(*) FROM study_trial WHERE study = ?1 AND state = 1", uid);
  row.next();
  return row.integer(0);
}

}  // namespace hwnas::service
