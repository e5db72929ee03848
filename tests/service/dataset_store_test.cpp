// Uploads and data sets as the store keeps them.
#include "service/dataset_store.hpp"

#include <gmock/gmock.h>

#include "core/error.hpp"
#include "service/compression_order.hpp"
#include "service/upload_store.hpp"
#include "tests/core/temporary_folder.hpp"
#include "tests/service/sample_jobs.hpp"

namespace hwnas::service {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

const std::string kReader = "name: csv_series\ntrain: a\ntest: b\n";

class DatasetStoreTest : public testing::Test {
 protected:
  UploadRecord announce(const std::string& id, std::int64_t size_bytes = 10,
                        const TenantQuota& quota = {}, const RequestKey& request = {}) {
    const NewUpload upload{"acme", id, id + ".csv", size_bytes, std::string(64, '0')};
    return await<UploadRecord>(
        [&](auto done) { uploads_.create(upload, quota, request, std::move(done)); });
  }
  UploadRecord complete(const std::string& id) {
    const UploadRecord upload = announce(id);
    await<UploadRecord>([&](auto done) { uploads_.commit(upload.number, 10, std::move(done)); });
    return await<UploadRecord>(
        [&](auto done) { uploads_.complete(upload.number, std::move(done)); });
  }
  void remove_upload(const std::string& id) {
    await<UploadRecord>([&](auto done) { uploads_.remove("acme", id, {}, std::move(done)); });
  }
  DatasetRecord create(const std::string& id, const std::map<std::string, std::int64_t>& uploads,
                       const RequestKey& request = {}) {
    const NewDataset dataset{"acme", id, "", kReader, uploads, {.channels = 2, .classes = 3}};
    return await<DatasetRecord>(
        [&](auto done) { datasets_.create(dataset, request, std::move(done)); });
  }
  DatasetRecord remove(const std::string& id, const std::string& etag = "") {
    return await<DatasetRecord>(
        [&](auto done) { datasets_.remove("acme", id, etag, {}, std::move(done)); });
  }
  void age(std::chrono::seconds elapsed) {
    await<std::monostate>([&](auto done) { uploads_.age(elapsed, std::move(done)); });
  }
  JobRecord submit(const std::string& specification, JobKind kind = JobKind::kSearch) {
    NewJob job;
    job.name = {"acme", kind, "job"};
    job.specification = specification;
    return await<JobRecord>([&](auto done) { jobs_.create(job, {}, {}, std::move(done)); });
  }

  const TemporaryFolder folder_;
  Store store_{folder_ / "data"};
  JobStore jobs_{store_};
  UploadStore uploads_{store_};
  DatasetStore datasets_{store_, folder_ / "data"};
};

TEST_F(DatasetStoreTest, ADatasetOfUploadsGivesAReaderOfTheirFiles) {
  const UploadRecord a = complete("a"), b = complete("b");
  const DatasetRecord dataset = create("waves", {{"a", a.number}, {"b", b.number}});
  EXPECT_EQ(dataset.size_bytes, 20);
  EXPECT_EQ(dataset.uploads.at("b"), "tenants/acme/uploads/b");
  EXPECT_EQ(datasets_.dataset("acme", "waves").facts.classes, 3);
  const auto options = datasets_.options("acme", "waves");
  ASSERT_TRUE(options);
  EXPECT_EQ(options->at("test").as_string(),
            (folder_ / "data/uploads" / std::to_string(b.number)).string());
  EXPECT_FALSE(datasets_.options("umbrella", "waves"));
  EXPECT_EQ(failure_of([&] { create("waves", {}); }).code, ErrorCode::kAlreadyExists);
}

TEST_F(DatasetStoreTest, AnUploadOutlastsItsDeletionWhileADatasetIsMadeOfIt) {
  const UploadRecord a = complete("a"), b = complete("b");
  create("waves", {{"a", a.number}, {"b", b.number}});
  remove_upload("a");
  EXPECT_EQ(failure_of([&] { uploads_.upload("acme", "a"); }).code, ErrorCode::kNotFound);
  EXPECT_THAT(uploads_.numbers(), ElementsAre(a.number, b.number));
  remove("waves");
  EXPECT_THAT(uploads_.numbers(), ElementsAre(b.number));
}

TEST_F(DatasetStoreTest, WhatNobodyNeedsIsForgottenAfterAWhileOfTheDaemonsOwnTime) {
  const UploadRecord used = complete("used");
  const UploadRecord unused = announce("unused");
  create("waves", {{"a", used.number}, {"b", used.number}});
  age(UploadStore::kKept - 1s);
  EXPECT_EQ(uploads_.upload("acme", "unused").time_left, 1s);
  await<UploadRecord>([&](auto done) { uploads_.commit(unused.number, 5, std::move(done)); });
  age(UploadStore::kKept - 1s);
  EXPECT_EQ(uploads_.upload("acme", "unused").committed_bytes, 5) << "its time began again";
  age(1s);
  EXPECT_THAT(uploads_.numbers(), ElementsAre(used.number));
  remove("waves");
  EXPECT_EQ(uploads_.upload("acme", "used").time_left, UploadStore::kKept);
}

TEST_F(DatasetStoreTest, ATenantMayAnnounceNoMoreBytesThanItsQuota) {
  const TenantQuota quota{.bytes = 100};
  announce("a", 60, quota);
  const Failure failure = failure_of([&] { announce("b", 41, quota); });
  EXPECT_EQ(failure.code, ErrorCode::kResourceExhausted);
  EXPECT_THAT(failure.message, HasSubstr("41 bytes more than the 60"));
  EXPECT_EQ(failure_of([&] { announce("b", INT64_MAX, quota); }).code,
            ErrorCode::kResourceExhausted);
  announce("b", 40, quota);
  remove_upload("a");
  announce("c", 60, quota);
}

TEST_F(DatasetStoreTest, ARepeatedCallGivesTheFirstAnswerAlsoWhenItsUploadsAreGone) {
  const RequestKey request{"request-1", "fingerprint"};
  const UploadRecord first = announce("a", 10, {}, {"request-0", "upload"});
  EXPECT_EQ(announce("other", 10, {}, {"request-0", "upload"}).number, first.number);
  const UploadRecord b = complete("b");
  EXPECT_FALSE(datasets_.created_before("acme", request));
  const DatasetRecord dataset = create("waves", {{"a", b.number}, {"b", b.number}}, request);
  remove("waves");
  remove_upload("b");
  const auto again = datasets_.created_before("acme", request);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->number, dataset.number);
  EXPECT_EQ(again->uploads, dataset.uploads);
}

TEST_F(DatasetStoreTest, ADatasetThatAnUnfinishedJobNeedsCannotBeDeleted) {
  const UploadRecord a = complete("a");
  create("waves", {{"a", a.number}, {"b", a.number}});
  const JobRecord job = submit("name: waves\ndata: { name: waves }\n");
  const Failure failure = failure_of([&] { remove("waves"); });
  EXPECT_EQ(failure.code, ErrorCode::kFailedPrecondition);
  EXPECT_THAT(failure.message, HasSubstr("tenants/acme/searchJobs/job needs it"));
  cancel(jobs_, job.name);
  EXPECT_EQ(remove("waves").id, "waves");
}

TEST_F(DatasetStoreTest, AJobThatOnlyMentionsTheNameDoesNotKeepADataset) {
  const UploadRecord a = complete("a");
  const DatasetRecord dataset = create("waves", {{"a", a.number}, {"b", a.number}});
  submit("name: waves\ndata: { name: none }\n");
  EXPECT_THROW(remove("waves", "\"0\""), StaleEtag);
  EXPECT_EQ(remove("waves", dataset.etag()).number, dataset.number);
}

TEST_F(DatasetStoreTest, AnUnfinishedCompressionJobKeepsItsUploadAndItsDataset) {
  const UploadRecord model = complete("model");
  create("waves", {{"a", model.number}, {"b", model.number}});
  const UploadRecord other = complete("other");
  CompressionOrder order;
  order.upload = other.number;
  order.dataset = "waves";
  const JobRecord job = submit(order.text(), JobKind::kCompression);
  EXPECT_EQ(failure_of([&] { remove("waves"); }).code, ErrorCode::kFailedPrecondition);
  remove_upload("other");
  EXPECT_EQ(uploads_.upload(other.number).used, true);
  cancel(jobs_, job.name);
  age(1s);
  EXPECT_THAT(uploads_.numbers(), ElementsAre(model.number));
}

TEST_F(DatasetStoreTest, OptionsThatNameFilesMustNameKeysAndAllKeysMustBeNamed) {
  const auto with = [](const std::string& text, const std::vector<std::string>& keys) {
    std::map<std::string, std::filesystem::path> files;
    for (const std::string& key : keys) files[key] = "/files/" + key;
    return with_files(Config::parse(text, "reader"), files);
  };
  EXPECT_EQ(with(kReader, {"a", "b"}).at("train").as_string(), "/files/a");
  EXPECT_THAT(failure_of([&] {
                with(kReader, {"a", "c"});
              }).message,
              HasSubstr("reader:3:7: test: no key 'b' of uploads"));
  EXPECT_THAT(failure_of([&] {
                with(kReader, {"a", "b", "c"});
              }).message,
              HasSubstr("no option names the key 'c'"));
  EXPECT_THAT(failure_of([&] { with("name: png_folder\nfolder: /etc\n", {}); }).message,
              HasSubstr("reader:1:7: name: "));
}

}  // namespace
}  // namespace hwnas::service
