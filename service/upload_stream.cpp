#include "service/upload_stream.hpp"

#include <fmt/format.h>

#include <optional>

#include "service/dataset_store.hpp"
#include "service/error_status.hpp"
#include "service/messages.hpp"
#include "service/resource_name.hpp"
#include "service/upload_file.hpp"

namespace hwnas::service {
namespace {

using Request = v1::WriteUploadRequest;

constexpr const char* kMethod = "hwnas.v1.DatasetService/WriteUpload";
constexpr std::size_t kMaxChunkBytes = std::size_t{1} << 20;
// What may be lost when the daemon is killed; a sync takes milliseconds.
constexpr std::int64_t kCommitEvery = std::int64_t{8} << 20;

}  // namespace

v1::Upload to_message(const UploadRecord& upload) {
  v1::Upload message;
  message.set_name(upload.name());
  message.set_size_bytes(upload.size_bytes);
  message.set_sha256(upload.sha256);
  message.set_file_name(upload.file_name);
  message.set_committed_bytes(upload.committed_bytes);
  message.set_complete(upload.complete);
  *message.mutable_create_time() = to_message(upload.create_time);
  if (!upload.used) message.mutable_time_left()->set_seconds(upload.time_left.count());
  return message;
}

/// The right to write an upload. A client that comes again before the daemon has noticed that its
/// connection is broken ends the stream that it has left.
class UploadTurn {
 public:
  UploadTurn(UploadStreams& streams, std::int64_t upload, grpc::CallbackServerContext* context)
      : streams_(streams), upload_(upload) {
    const std::lock_guard lock(streams_.mutex_);
    const auto [entry, free] = streams_.writing_.emplace(upload, context);
    if (free) return;
    entry->second->TryCancel();
    throw error(ErrorCode::kUnavailable,
                "another stream writes this upload; it is being ended, try again");
  }
  ~UploadTurn() {
    const std::lock_guard lock(streams_.mutex_);
    streams_.writing_.erase(upload_);
  }
  UploadTurn(const UploadTurn&) = delete;
  UploadTurn& operator=(const UploadTurn&) = delete;

 private:
  UploadStreams& streams_;
  const std::int64_t upload_;
};

/// Deletes itself when gRPC is done with it. One step at a time: in the pool, or a read in flight.
class UploadStream final : public grpc::ServerReadReactor<Request> {
 public:
  UploadStream(UploadStreams& streams, grpc::CallbackServerContext* context, v1::Upload* response)
      : streams_(streams), context_(context), response_(response) {
    StartRead(&request_);
  }

  void OnReadDone(bool ok) override {
    // Always: at most one piece of work a stream waits, and what has come is to be stored.
    streams_.pool_.submit_always([this, ok] { ok ? take() : end(); });
  }
  void OnDone() override { delete this; }

 private:
  void take() {
    try {
      if (!file_) open();
      if (request_.chunk().size() > kMaxChunkBytes) {
        throw InvalidField("chunk", fmt::format("has {} bytes; {} are the most",
                                                request_.chunk().size(), kMaxChunkBytes));
      }
      require_place();
      file_->append(request_.chunk());
      if (file_->size() - upload_.committed_bytes >= kCommitEvery) commit();
    } catch (const std::exception&) {
      return fail(std::current_exception());
    }
    StartRead(&request_);
  }

  void open() {
    name_ = request_.name();
    const OwnedName name = parse_owned_name("name", name_, "uploads");
    admit(streams_.parts_, kMethod, credentials_of(*context_), name.tenant);
    upload_ = streams_.uploads_.upload(name.tenant, name.id);
    turn_.emplace(streams_, upload_.number, context_);
    // Again: the stream that had the turn before may have written.
    upload_ = streams_.uploads_.upload(upload_.number);
    file_.emplace(upload_path(streams_.parts_.folder, upload_.number), upload_.committed_bytes);
  }

  void require_place() const {
    const auto bytes = static_cast<std::int64_t>(request_.chunk().size());
    if (request_.offset() != file_->size()) {
      throw RpcError(grpc::StatusCode::OUT_OF_RANGE,
                     fmt::format("offset: {}, but {} bytes are there; go on from committed_bytes",
                                 request_.offset(), file_->size()));
    }
    if (bytes > upload_.size_bytes - file_->size()) {
      throw RpcError(
          grpc::StatusCode::OUT_OF_RANGE,
          fmt::format("chunk: goes beyond the {} bytes that were announced", upload_.size_bytes));
    }
  }

  /// The disk first: what is acknowledged is there.
  void commit() {
    if (file_->size() == upload_.committed_bytes) return;
    try {
      file_->sync();
    } catch (const Error&) {
      file_.reset();  // a second sync could succeed without having written; the next stream cuts
      throw;
    }
    store(file_->size());
  }

  void store(std::int64_t committed_bytes) {
    upload_ = await<UploadRecord>([&](auto done) {
      streams_.uploads_.commit(upload_.number, committed_bytes, std::move(done));
    });
  }

  void end() {
    try {
      if (!file_) {
        throw InvalidField("name", "the stream has ended before its first message");
      }
      commit();
      if (upload_.committed_bytes == upload_.size_bytes && !upload_.complete) check();
      *response_ = to_message(upload_);
      finish(grpc::Status::OK);
    } catch (const std::exception&) {
      fail(std::current_exception());
    }
  }

  void check() {
    if (file_->sha256() != upload_.sha256) {
      file_->cut(0);
      store(0);
      throw RpcError(grpc::StatusCode::DATA_LOSS,
                     name_ +
                         ": all bytes have come, and they are not what sha256 says; it is "
                         "empty again, upload the file once more");
    }
    upload_ = await<UploadRecord>(
        [&](auto done) { streams_.uploads_.complete(upload_.number, std::move(done)); });
  }

  /// Keeps what has come before the failure, if the disk takes it.
  void fail(std::exception_ptr failure) {
    try {
      if (file_) commit();
    } catch (const std::exception&) {
      // The first failure is told; the client asks how much is there.
    }
    finish(status_of(failure, name_));
  }

  void finish(const grpc::Status& status) {
    file_.reset();
    turn_.reset();
    Finish(status);
  }

  UploadStreams& streams_;
  grpc::CallbackServerContext* const context_;
  v1::Upload* const response_;
  Request request_;
  std::string name_;
  UploadRecord upload_;
  std::optional<UploadTurn> turn_;
  std::optional<UploadFile> file_;
};

grpc::ServerReadReactor<Request>* UploadStreams::open(grpc::CallbackServerContext* context,
                                                      v1::Upload* response) {
  return new UploadStream(*this, context, response);
}

}  // namespace hwnas::service
