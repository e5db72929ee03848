#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

namespace hwnas::service {

/// Jobs that wait for their turn. Tenants come round robin (the one served longest ago first), so
/// that none waits for another's thousand jobs; within a tenant the highest priority, then the
/// oldest job. Plain data; for one thread.
class FairQueue {
 public:
  void push(const std::string& tenant, int priority, std::int64_t uid);
  /// Nothing happens if it does not wait.
  void erase(std::int64_t uid);
  /// Takes the next job, of a tenant with fewer than `max_running` of them running.
  std::optional<std::int64_t> pop(const std::map<std::string, int>& running, int max_running);
  std::size_t size() const;

 private:
  using Rank = std::tuple<int, std::int64_t>;  ///< -priority, uid
  struct Tenant {
    std::set<Rank> waiting;
    std::uint64_t served = 0;  ///< when: the number of the turn
  };

  std::map<std::string, Tenant> tenants_;
  std::uint64_t turn_ = 0;
};

}  // namespace hwnas::service
