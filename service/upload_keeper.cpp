#include "service/upload_keeper.hpp"

#include <nlohmann/json.hpp>

#include <vector>

#include "core/text.hpp"
#include "service/dataset_store.hpp"
#include "service/log.hpp"

namespace hwnas::service {

namespace fs = std::filesystem;

UploadKeeper::UploadKeeper(UploadStore& uploads, fs::path data_folder,
                           std::chrono::milliseconds look_every)
    : uploads_(uploads), folder_(data_folder / "uploads"), look_every_(look_every) {
  fs::create_directories(folder_);
  thread_ = std::thread([this] { serve(); });
}

UploadKeeper::~UploadKeeper() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void UploadKeeper::notify() {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = true;
  }
  wake_.notify_one();
}

void UploadKeeper::serve() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    wanted_ = false;
    lock.unlock();
    try {
      if (Clock::now() >= aged_ + look_every_) age();
      sweep();
    } catch (const std::exception& failure) {
      // The store, whose disk is full perhaps: it is tried again.
      log_event(LogLevel::kError, "uploads_not_kept", {{"message", failure.what()}});
    }
    lock.lock();
    wake_.wait_for(lock, look_every_, [this] { return closing_ || wanted_; });
  }
}

void UploadKeeper::age() {
  const auto elapsed = std::chrono::floor<std::chrono::seconds>(Clock::now() - aged_);
  await<std::monostate>([&](auto done) { uploads_.age(elapsed, std::move(done)); });
  aged_ += elapsed;
}

void UploadKeeper::sweep() const {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder_)) files.push_back(entry.path());
  // Asked after the files: an upload is in the store before its file is there.
  const std::set<std::int64_t> known = uploads_.numbers();
  for (const fs::path& file : files) {
    const auto number = parse_integer(file.filename().string());
    if (!number || known.contains(*number)) continue;
    std::error_code failed;
    fs::remove(file, failed);
    if (failed)
      log_event(LogLevel::kWarning, "files_not_removed",
                {{"upload", *number}, {"message", failed.message()}});
  }
}

}  // namespace hwnas::service
