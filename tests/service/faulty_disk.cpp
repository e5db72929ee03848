#include "tests/service/faulty_disk.hpp"

#include <errno.h>
#include <sqlite3.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>

namespace {

// How many more calls succeed; negative: all.
std::atomic<long> writes_left = -1;
std::atomic<long> syncs_left = -1;
std::atomic<bool> has_struck = false;

bool strikes(std::atomic<long>& left, int reason) {
  if (left < 0) return false;
  if (left > 0) {
    --left;
    return false;
  }
  has_struck = true;
  errno = reason;
  return true;
}

ssize_t faulty_write(int file, const void* bytes, size_t size) {
  return strikes(writes_left, ENOSPC) ? -1 : ::write(file, bytes, size);
}

ssize_t faulty_pwrite(int file, const void* bytes, size_t size, off_t offset) {
  return strikes(writes_left, ENOSPC) ? -1 : ::pwrite(file, bytes, size, offset);
}

int faulty_ftruncate(int file, off_t size) {
  return strikes(writes_left, ENOSPC) ? -1 : ::ftruncate(file, size);
}

void set_call(const char* name, sqlite3_syscall_ptr call) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
  vfs->xSetSystemCall(vfs, name, call);
}

}  // namespace

// SQLite's table of system calls has no syncs: this program's own definitions come before the C
// library's.
extern "C" int fdatasync(int file) {
  return strikes(syncs_left, EIO) ? -1 : static_cast<int>(::syscall(SYS_fdatasync, file));
}

extern "C" int fsync(int file) {
  return strikes(syncs_left, EIO) ? -1 : static_cast<int>(::syscall(SYS_fsync, file));
}

namespace hwnas::service {

FaultyDisk::FaultyDisk(int writes, int syncs) {
  has_struck = false;
  writes_left = writes;
  syncs_left = syncs;
  set_call("write", reinterpret_cast<sqlite3_syscall_ptr>(faulty_write));
  set_call("pwrite", reinterpret_cast<sqlite3_syscall_ptr>(faulty_pwrite));
  set_call("pwrite64", reinterpret_cast<sqlite3_syscall_ptr>(faulty_pwrite));
  set_call("ftruncate", reinterpret_cast<sqlite3_syscall_ptr>(faulty_ftruncate));
}

FaultyDisk::~FaultyDisk() {
  writes_left = -1;
  syncs_left = -1;
  for (const char* name : {"write", "pwrite", "pwrite64", "ftruncate"}) set_call(name, nullptr);
}

bool FaultyDisk::struck() const {
  return has_struck;
}

}  // namespace hwnas::service
