#include "client/download.hpp"

#include <gmock/gmock.h>

#include "core/file.hpp"
#include "core/sha256.hpp"
#include "tests/client/fake_daemon.hpp"

namespace hwnas::client {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using Writer = grpc::ServerWriter<v1::DownloadArtifactResponse>;

class DownloadTest : public testing::Test {
 protected:
  DownloadTest() {
    artifact_.set_name("tenants/acme/searchJobs/a/artifacts/onnx");
    artifact_.set_format("onnx");
    artifact_.set_file_name("a.onnx");
    artifact_.set_size_bytes(static_cast<std::int64_t>(bytes_.size()));
    artifact_.set_sha256(sha256(bytes_));
    daemon_.download = [this](auto&, const v1::DownloadArtifactRequest& request, Writer& writer) {
      return send(request, writer);
    };
  }

  /// At most `at_once_` bytes in two chunks, then the connection breaks.
  grpc::Status send(const v1::DownloadArtifactRequest& request, Writer& writer) {
    offsets_.push_back(request.offset());
    EXPECT_EQ(request.sha256(), artifact_.sha256());
    v1::DownloadArtifactResponse part;
    *part.mutable_artifact() = artifact_;
    writer.Write(part);
    const auto offset = static_cast<std::size_t>(request.offset());
    for (const std::string& chunk :
         {bytes_.substr(offset, at_once_ / 2),
          bytes_.substr(offset).substr(std::min(at_once_ / 2, bytes_.size() - offset),
                                       at_once_ - at_once_ / 2)}) {
      part.set_chunk(chunk);
      writer.Write(part);
    }
    return offset + at_once_ < bytes_.size() ? unavailable() : grpc::Status::OK;
  }
  std::string content(const std::string& name) const { return read_file(folder_ / name, 1 << 20); }
  std::size_t files() const {
    return static_cast<std::size_t>(
        std::distance(fs::directory_iterator(folder_.path()), fs::directory_iterator()));
  }

  FakeDaemon daemon_;
  const TemporaryFolder folder_;
  const std::string bytes_ = "the bytes of an artifact, more than one message holds";
  v1::Artifact artifact_;
  std::size_t at_once_ = 1000;
  std::vector<std::int64_t> offsets_;
};

TEST_F(DownloadTest, GoesOnFromWhereItWasCutOff) {
  at_once_ = 20;
  EXPECT_EQ(download(daemon_.client(), artifact_, folder_.path()), folder_ / "a.onnx");
  EXPECT_THAT(offsets_, ElementsAre(0, 20, 40));
  EXPECT_EQ(content("a.onnx"), bytes_);
  EXPECT_EQ(files(), 1u) << "no partial file stays";
}

TEST_F(DownloadTest, GoesOnInTheNextProcess) {
  folder_.write(fmt::format(".a.onnx.{}.partial", artifact_.sha256()), bytes_.substr(0, 17));
  download(daemon_.client(), artifact_, folder_.path());
  EXPECT_THAT(offsets_, ElementsAre(17));
  EXPECT_EQ(content("a.onnx"), bytes_);
}

TEST_F(DownloadTest, MakesTheFolderAndDoesNothingTwice) {
  download(daemon_.client(), artifact_, folder_ / "new/folder");
  EXPECT_EQ(content("new/folder/a.onnx"), bytes_);
  download(daemon_.client(), artifact_, folder_ / "new/folder");
  EXPECT_EQ(offsets_.size(), 1u);
}

TEST_F(DownloadTest, ReplacesAnOlderFileOnlyByAWholeOne) {
  folder_.write("a.onnx", "older");
  at_once_ = 10;
  RetryPolicy policy = FakeDaemon::quick();
  policy.first_delay = policy.max_delay = std::chrono::milliseconds(10);
  policy.give_up_after = policy.give_up_stream_after = std::chrono::milliseconds(1);
  EXPECT_THROW(download(daemon_.client(policy), artifact_, folder_.path()), CallError);
  EXPECT_EQ(content("a.onnx"), "older");
  at_once_ = 1000;
  download(daemon_.client(), artifact_, folder_.path());
  EXPECT_EQ(content("a.onnx"), bytes_);
}

TEST_F(DownloadTest, RefusesBytesThatAreNotThoseAnnounced) {
  folder_.write(fmt::format(".a.onnx.{}.partial", artifact_.sha256()), "xx");
  try {
    download(daemon_.client(), artifact_, folder_.path());
    FAIL() << "took them";
  } catch (const Error& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("SHA-256"));
  }
  EXPECT_FALSE(fs::exists(folder_ / "a.onnx"));
  download(daemon_.client(), artifact_, folder_.path());
  EXPECT_EQ(content("a.onnx"), bytes_) << "from the beginning";
}

TEST_F(DownloadTest, NeverWritesOutsideItsFolder) {
  for (const char* name : {"", ".", "..", "../a", "/etc/a", "a/b", ".bashrc", "a\nb"}) {
    artifact_.set_file_name(name);
    EXPECT_THROW(download(daemon_.client(), artifact_, folder_.path()), Error) << name;
  }
  artifact_.set_file_name("a.onnx");
  artifact_.set_sha256("/../../" + std::string(57, 'a'));
  EXPECT_THROW(download(daemon_.client(), artifact_, folder_.path()), Error);
  EXPECT_TRUE(offsets_.empty());
}

TEST_F(DownloadTest, SelectsFormatsAndNamesThoseThatThereAre) {
  v1::Artifact report;
  report.set_format("report");
  const std::vector<v1::Artifact> both{artifact_, report};
  EXPECT_EQ(select_artifacts(both, {}).size(), 2u);
  EXPECT_EQ(select_artifacts(both, {"report"})[0].format(), "report");
  try {
    select_artifacts(both, {"onx"});
    FAIL() << "found it";
  } catch (const Error& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kNotFound);
    EXPECT_THAT(failure.what(), HasSubstr("'onx', did you mean 'onnx'? (there are: onnx, report)"));
  }
}

}  // namespace
}  // namespace hwnas::client
