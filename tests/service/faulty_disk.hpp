#pragma once

namespace hwnas::service {

/// Lets SQLite's calls to the system fail, in this whole process, until the object is gone. One at
/// a time.
class FaultyDisk {
 public:
  /// From the `after`-th call on (from 0) that writes or makes a file longer: no space left.
  static FaultyDisk full(int after) { return FaultyDisk(after, -1); }
  /// From the `after`-th sync on: an error of input or output.
  static FaultyDisk failing_sync(int after) { return FaultyDisk(-1, after); }
  ~FaultyDisk();
  FaultyDisk(const FaultyDisk&) = delete;
  FaultyDisk& operator=(const FaultyDisk&) = delete;

  /// True if a call has failed.
  bool struck() const;

 private:
  FaultyDisk(int writes, int syncs);
};

}  // namespace hwnas::service
