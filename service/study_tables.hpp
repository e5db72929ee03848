#pragma once

namespace hwnas::service {

/// Tables of StudyStore. States are the numbers of vizier.Study.State and vizier.Trial.State.
///   study            uid, tenant, id, state
///   study_message    uid, message: the vizier.Study, whose state counts for nothing; apart from
///                    `study`, because it may be long
///   study_trial      study (uid), id, state (0: deleted, kept for what a strategy learned of it),
///                    client; told_before and genotype of what a strategy proposed: how many
///                    finished trials it had been told before, and what it proposed; finished: as
///                    which one of its study it was finished, from 1; message: the vizier.Trial
///   study_operation  study (uid), client, number, response: of the client's latest SuggestTrials
inline constexpr const char* kStudyTables = R"sql(
CREATE TABLE study (
  uid     INTEGER PRIMARY KEY AUTOINCREMENT,
  tenant  TEXT NOT NULL,
  id      TEXT NOT NULL,
  state   INTEGER NOT NULL,
  UNIQUE (tenant, id)
);
CREATE TABLE study_message (
  uid      INTEGER PRIMARY KEY,
  message  TEXT NOT NULL
);
CREATE TABLE study_trial (
  study        INTEGER NOT NULL,
  id           INTEGER NOT NULL,
  state        INTEGER NOT NULL,
  client       TEXT NOT NULL,
  told_before  INTEGER,
  genotype     TEXT,
  finished     INTEGER,
  message      TEXT NOT NULL,
  PRIMARY KEY (study, id)
) WITHOUT ROWID;
CREATE INDEX study_trial_requested ON study_trial (study, id) WHERE state = 1;
CREATE INDEX study_trial_active ON study_trial (study, client, id) WHERE state = 2;
CREATE INDEX study_trial_finished ON study_trial (study, finished) WHERE finished IS NOT NULL;
CREATE TABLE study_operation (
  study     INTEGER NOT NULL,
  client    TEXT NOT NULL,
  number    INTEGER NOT NULL,
  response  TEXT NOT NULL,
  PRIMARY KEY (study, client)
) WITHOUT ROWID;
)sql";

}  // namespace hwnas::service
